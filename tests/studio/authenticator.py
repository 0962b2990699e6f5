"""A passkey in software: ES256, attestation none, discoverable; and browsers that sign in with it."""

import base64
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text
from webauthn.helpers import encode_cbor

from unstrung.studio.database import Database

ORIGIN: Final = "http://localhost:8300"
FIREFOX: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SESSION: Final = "/programme/v1/session"
_PRESENT, _VERIFIED, _ATTESTED = 0x01, 0x04, 0x40
_TIMES: Final = {
    "sessions": ("created_at", "rotated_at", "last_seen_at", "expires_at", "fresh_until"),
    "session_tokens": ("made_at", "replaced_at"),
    "login_links": ("created_at", "expires_at"),
    "sign_in_attempts": ("expires_at",),
}


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Authenticator:
    """One passkey.

    Attributes:
        origin: that the browser says it is on.
        rp_id: host that the passkey is made for.
        sign_count: goes up by one with each use.
        handle: of the person, as it was told when the passkey was made.
    """

    origin: str = ORIGIN
    rp_id: str = "localhost"
    sign_count: int = 0
    handle: bytes = b""
    credential_id: bytes = field(default_factory=lambda: os.urandom(32))
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        """What `navigator.credentials.create` would answer."""
        self.handle = base64.urlsafe_b64decode(options["user"]["id"] + "==")
        numbers = self.key.public_key().public_numbers()
        public = encode_cbor(
            {
                1: 2,
                3: -7,
                -1: 1,
                -2: numbers.x.to_bytes(32, "big"),
                -3: numbers.y.to_bytes(32, "big"),
            }
        )
        attested = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id
        data = self._data(_PRESENT | _VERIFIED | _ATTESTED) + attested + public
        attestation = encode_cbor({"fmt": "none", "attStmt": {}, "authData": data})
        return self._credential(
            {
                "clientDataJSON": encoded(self._client("webauthn.create", options["challenge"])),
                "attestationObject": encoded(attestation),
                "transports": ["internal"],
            }
        )

    def get(self, options: dict[str, Any]) -> dict[str, Any]:
        """What `navigator.credentials.get` would answer."""
        self.sign_count += 1
        client = self._client("webauthn.get", options["challenge"])
        data = self._data(_PRESENT | _VERIFIED)
        signed = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._credential(
            {
                "clientDataJSON": encoded(client),
                "authenticatorData": encoded(data),
                "signature": encoded(signed),
                "userHandle": encoded(self.handle),
            }
        )

    def _credential(self, response: dict[str, Any]) -> dict[str, Any]:
        name = encoded(self.credential_id)
        return {
            "id": name, "rawId": name, "type": "public-key", "response": response,
            "clientExtensionResults": {}, "authenticatorAttachment": "platform",
        }  # fmt: skip

    def _client(self, kind: str, challenge: str) -> bytes:
        told = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(told).encode()

    def _data(self, flags: int) -> bytes:
        host = hashlib.sha256(self.rp_id.encode()).digest()
        return host + bytes([flags]) + self.sign_count.to_bytes(4, "big")


@contextmanager
def browsing(app: FastAPI) -> Iterator[TestClient]:
    """The first browser of an API, which is closed after it; nothing runs in the API's background."""
    yield browser_of(app)
    app.state.studio.database.close()


def browser_of(app: FastAPI, agent: str = FIREFOX) -> TestClient:
    """A browser without a session, on the studio's own pages."""
    return TestClient(
        app, base_url=ORIGIN, headers={"user-agent": agent, "origin": ORIGIN},
        raise_server_exceptions=False,
    )  # fmt: skip


def held_by(browser: TestClient) -> dict[str, str]:
    """The cookies of a browser."""
    return {cookie.name: cookie.value or "" for cookie in browser.cookies.jar}


def plant(browser: TestClient, held: dict[str, str]) -> None:
    """Put cookies into a browser, in place of those that it has by these names."""
    for name, value in held.items():
        # The cookie jar calls a host without a dot so.
        browser.cookies.set(name, value, domain="localhost.local", path="/")


def register(browser: TestClient, authenticator: Authenticator) -> dict[str, Any]:
    """Add a passkey to the account that is signed in."""
    begun = browser.post(f"{SESSION}/passkey/register/begin")
    assert begun.status_code == 200, begun.text
    credential = authenticator.create(begun.json()["public_key"])
    body = {"name": "my phone", "credential": credential}
    finished = browser.post(f"{SESSION}/passkey/register/finish", json=body)
    assert finished.status_code == 200, finished.text
    told: dict[str, Any] = finished.json()
    return told


def log_in(browser: TestClient, authenticator: Authenticator) -> dict[str, Any]:
    """Sign in with a passkey."""
    begun = browser.post(f"{SESSION}/passkey/login/begin")
    assert begun.status_code == 200, begun.text
    body = {"credential": authenticator.get(begun.json()["public_key"])}
    finished = browser.post(f"{SESSION}/passkey/login/finish", json=body)
    assert finished.status_code == 200, finished.text
    told: dict[str, Any] = finished.json()
    return told


def let_pass(database: Database, time: timedelta) -> None:
    """Let time pass for everybody's sessions, by putting what happened to them so much earlier."""
    with database.transaction() as session:
        for table, columns in _TIMES.items():
            moved = ", ".join(f"{name} = {name} - :time" for name in columns)
            session.execute(text(f"UPDATE {table} SET {moved}"), {"time": time})
