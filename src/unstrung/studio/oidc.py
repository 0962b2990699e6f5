"""Signing in elsewhere: OpenID Connect with the code flow, state, nonce and PKCE (Authlib).

An issuer is one that the operator set up; nobody can make us call another address. What it says of
somebody counts as issuer and subject only: an e-mail address in a token links nobody to anything.
"""

import json
from dataclasses import dataclass
from typing import Any, Final

import httpx2
from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from unstrung.studio.errors import ServiceFault, Unauthenticated
from unstrung.studio.settings import OidcIssuer, is_secure_url

_TIMEOUT_S: Final = 10.0
_LEEWAY_S: Final = 60
_MAX_BYTES: Final = 1_000_000
_SECRET_CHARACTERS: Final = 48
# Signatures by a key that the issuer alone has; a shared secret or none would let others sign.
_ALGORITHMS: Final = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA",
)  # fmt: skip


class IssuerRefused(Unauthenticated):
    """The issuer did not say who somebody is, or not in a way that can be believed."""

    code = "issuer_refused"


@dataclass(frozen=True)
class Begun:
    """A sign-in that is under way elsewhere.

    Attributes:
        url: where the browser goes.
        state, nonce, verifier: what its return is checked against; nobody else may see them.
    """

    url: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True)
class Identity:
    """Somebody as an issuer knows them.

    Attributes:
        issuer, subject: together they name a person for good.
        name: as the issuer calls the person; None if it does not say.
    """

    issuer: str
    subject: str
    name: str | None


def begin(known: OidcIssuer, redirect_uri: str) -> Begun:
    """Prepare a sign-in.

    Args:
        known: the issuer.
        redirect_uri: where it sends the browser back to.

    Raises:
        ServiceFault: if the issuer cannot be reached.
        IssuerRefused: if it does not describe itself as it should.
    """
    state, nonce, verifier = (generate_token(_SECRET_CHARACTERS) for _ in range(3))
    with _client(known, redirect_uri) as client:
        described = _described(client, known)
        url, _ = client.create_authorization_url(
            described["authorization_endpoint"], state=state, code_verifier=verifier, nonce=nonce
        )
    return Begun(url, state, nonce, verifier)


def finish(known: OidcIssuer, redirect_uri: str, code: str, nonce: str, verifier: str) -> Identity:
    """Exchange a code for who somebody is.

    Args:
        known: the issuer.
        redirect_uri: as it was when the sign-in began.
        code: that the browser brought back.
        nonce, verifier: of this sign-in.

    Raises:
        ServiceFault: if the issuer cannot be reached.
        IssuerRefused: if it does not take the code, or its token is not good.
    """
    with _client(known, redirect_uri) as client:
        described = _described(client, known)
        try:
            token = client.fetch_token(
                described["token_endpoint"], grant_type="authorization_code", code=code,
                code_verifier=verifier,
            )  # fmt: skip
        except (OAuthError, ValueError) as error:
            raise IssuerRefused("The issuer did not accept the sign-in; begin again.") from error
        except httpx2.HTTPError as error:
            raise _unreachable(known) from error
        keys = _fetched(client, known, described["jwks_uri"])
    return _identity(known, token, keys, described, nonce)


def _identity(
    known: OidcIssuer, token: dict[str, Any], keys: dict[str, Any], described: dict[str, Any],
    nonce: str,
) -> Identity:  # fmt: skip
    offered = described.get("id_token_signing_alg_values_supported") or ["RS256"]
    registry = JWSRegistry(
        algorithms=[each for each in _ALGORITHMS if each in offered], strict_check_header=False
    )
    try:
        key_set = KeySet.import_key_set({"keys": keys["keys"]})
        read = jwt.decode(token["id_token"], key_set, registry=registry)
        options = {
            "iss": {"essential": True, "value": known.issuer},
            "aud": {"essential": True, "value": known.client_id},
        }
        params = {
            "nonce": nonce,
            "client_id": known.client_id,
            "access_token": token.get("access_token"),
        }
        claims = CodeIDToken(read.claims, read.header, options, params)
        claims.validate(leeway=_LEEWAY_S)
        subject = claims["sub"]
    except (JoseError, ValueError, TypeError, LookupError) as error:
        raise IssuerRefused(
            "The issuer's token is not good (signature, issuer, audience, time or nonce); begin again."
        ) from error
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise IssuerRefused("The issuer does not name anybody; begin again.")
    name = claims.get("name") or claims.get("preferred_username")
    return Identity(known.issuer, subject, name if isinstance(name, str) else None)


def _client(known: OidcIssuer, redirect_uri: str) -> OAuth2Client:
    # No proxy or netrc of the environment is used and no redirect followed: a code goes to the issuer only.
    return OAuth2Client(
        client_id=known.client_id,
        client_secret=known.client_secret.get_secret_value() or None,
        scope=known.scope,
        redirect_uri=redirect_uri,
        code_challenge_method="S256",
        timeout=_TIMEOUT_S,
        follow_redirects=False,
        trust_env=False,
    )


def _described(client: OAuth2Client, known: OidcIssuer) -> dict[str, Any]:
    address = f"{known.issuer.rstrip('/')}/.well-known/openid-configuration"
    described = _fetched(client, known, address)
    needed = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    if described.get("issuer") != known.issuer or not all(
        isinstance(described.get(each), str) and is_secure_url(described[each]) for each in needed
    ):
        raise IssuerRefused(
            f"{known.issuer} does not describe itself as an OpenID Connect issuer of that name."
        )
    return described


def _fetched(client: OAuth2Client, known: OidcIssuer, address: str) -> dict[str, Any]:
    try:
        with client.stream("GET", address, withhold_token=True) as response:
            response.raise_for_status()
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > _MAX_BYTES:
                    raise IssuerRefused(f"{known.issuer} says more than can be read.")
        found = json.loads(bytes(body))
    except httpx2.HTTPError as error:
        raise _unreachable(known) from error
    except ValueError as error:
        raise IssuerRefused(f"{known.issuer} does not answer in JSON.") from error
    if not isinstance(found, dict):
        raise IssuerRefused(f"{known.issuer} does not answer in JSON.")
    return found


def _unreachable(known: OidcIssuer) -> ServiceFault:
    return ServiceFault(f"{known.issuer} cannot be reached; try again.", retry_after_s=5)
