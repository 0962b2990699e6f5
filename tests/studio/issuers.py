"""An OpenID Connect issuer on this machine, which can also lie."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey


def _half_hash(value: str) -> str:
    half = hashlib.sha256(value.encode()).digest()[:16]
    return base64.urlsafe_b64encode(half).rstrip(b"=").decode()


@dataclass
class Issuer:
    """An issuer, and how it is made to lie.

    Attributes:
        subject, name: of whoever signs in there.
        described: replaces parts of its description.
        claims: replaces claims of its tokens; None takes a claim out.
        algorithm, signer: of its tokens; the usual key if None.
        asked: what came to the token endpoint.
    """

    url: str = ""
    client_id: str = "unstrung"
    client_secret: str = "a secret of two"
    subject: str = "user-1"
    name: str = "Somebody"
    described: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    algorithm: str = "ES256"
    signer: Any = None
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "k1"}))
    asked: list[dict[str, str]] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def authorise(self, url: str) -> dict[str, str]:
        """Sign somebody in, as the browser sees it: the parameters that it is sent back with."""
        given = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert given["response_type"] == "code"
        assert given["code_challenge_method"] == "S256"
        code = f"code-{len(self.codes)}"
        self.codes[code] = given
        return {"code": code, "state": given["state"]}

    def description(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "id_token_signing_alg_values_supported": ["ES256", "HS256", "none"],
            **self.described,
        }

    def token(self, body: dict[str, str], secret: str) -> tuple[int, dict[str, Any]]:
        """What the token endpoint answers; a code is good once, with its verifier."""
        self.asked.append(body)
        begun = self.codes.pop(body.get("code", ""), None)
        digest = hashlib.sha256(body.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            begun is None
            or challenge != begun["code_challenge"]
            or secret != f"{self.client_id}:{self.client_secret}"
            or body.get("redirect_uri") != begun["redirect_uri"]
        ):
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        access = "an access token"
        claims = {
            "iss": self.url, "sub": self.subject, "aud": self.client_id, "iat": now, "exp": now + 300,
            "nonce": begun["nonce"], "name": self.name, "at_hash": _half_hash(access), **self.claims,
        }  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": self.algorithm, "kid": "k1"}
        signer = self.signer or self.key
        signed = jwt.encode(header, claims, signer, algorithms=[self.algorithm])
        return 200, {"access_token": access, "token_type": "Bearer", "id_token": signed}


@contextmanager
def issuing() -> Iterator[Issuer]:
    """An issuer on this machine."""
    found = Issuer()

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            pages: dict[str, Callable[[], Any]] = {
                "/.well-known/openid-configuration": found.description,
                "/keys": lambda: KeySet([found.key]).as_dict(private=False),
            }
            page = pages.get(self.path)
            self._answer(200 if page else 404, page() if page else {})

        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers["content-length"])).decode()
            body = {name: values[0] for name, values in parse_qs(data).items()}
            _, _, basic = self.headers.get("authorization", "").partition(" ")
            status, told = found.token(body, base64.b64decode(basic).decode())
            self._answer(status, told)

        def _answer(self, status: int, told: Any) -> None:
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(told).encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    found.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
    yield found
    server.shutdown()
    server.server_close()


def shared_secret(issuer: Issuer) -> OctKey:
    """The client's secret as a key, for tokens signed by what both sides know."""
    return OctKey.import_key(issuer.client_secret.ljust(32, "x"))
