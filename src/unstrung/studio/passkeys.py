"""Passkeys: what a browser is asked for and how its answer is checked (WebAuthn, by `webauthn`).

Pure functions of settings, challenge and answer; who has which passkey is in `sessions`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import webauthn
from webauthn.helpers import options_to_json_dict
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from unstrung.studio.cookies import origins
from unstrung.studio.errors import Unauthenticated
from unstrung.studio.settings import Settings, is_loopback

TIMEOUT_S: Final = 300
_NAME: Final = "Unstrung"
_PREFERRED: Final = UserVerificationRequirement.PREFERRED


class PasskeyRefused(Unauthenticated):
    """The answer is not one to our question by a passkey that we know; which of these is not told."""

    code = "passkey_refused"

    def __init__(self) -> None:
        """Say what to do; the same sentence for every cause."""
        super().__init__("This passkey was not accepted; begin again, on the site itself.")


@dataclass(frozen=True)
class NewPasskey:
    """A passkey that was made just now.

    Attributes:
        credential_id: its name.
        public_key: COSE.
        sign_count: as its authenticator counts.
    """

    credential_id: bytes
    public_key: bytes
    sign_count: int


def registration_options(
    settings: Settings, person_id: str, name: str, known: Sequence[bytes], challenge: bytes
) -> dict[str, Any]:
    """What `navigator.credentials.create` is asked for, as JSON.

    Args:
        settings: say which host it is for.
        person_id: becomes the user handle; it says nothing about anybody.
        name: shown by the authenticator.
        known: credentials of the person, which are not made twice.
        challenge: for this one question.
    """
    options = webauthn.generate_registration_options(
        rp_id=_relying_party(settings),
        rp_name=_NAME,
        user_id=person_id.encode(),
        user_name=name,
        challenge=challenge,
        timeout=TIMEOUT_S * 1000,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=_PREFERRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=each) for each in known],
    )
    return options_to_json_dict(options)


def login_options(settings: Settings, challenge: bytes) -> dict[str, Any]:
    """What `navigator.credentials.get` is asked for, as JSON; it names nobody, the passkey does."""
    options = webauthn.generate_authentication_options(
        rp_id=_relying_party(settings),
        challenge=challenge,
        timeout=TIMEOUT_S * 1000,
        user_verification=_PREFERRED,
    )
    return options_to_json_dict(options)


def check_registration(
    settings: Settings, credential: dict[str, Any], challenge: bytes
) -> NewPasskey:
    """Check the answer of `navigator.credentials.create`.

    Raises:
        PasskeyRefused: if it does not answer the challenge, for this site.
    """
    try:
        made = webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=_relying_party(settings),
            expected_origin=origins(settings),
        )
    except (WebAuthnException, ValueError, TypeError, LookupError) as error:
        # The library decodes what anybody may send, and some of its decoders raise Python's own errors.
        raise PasskeyRefused from error
    return NewPasskey(made.credential_id, made.credential_public_key, made.sign_count)


def credential_id_of(credential: dict[str, Any]) -> bytes:
    """The credential that an answer names.

    Raises:
        PasskeyRefused: if it names none.
    """
    try:
        return webauthn.base64url_to_bytes(credential["rawId"])
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise PasskeyRefused from error


def check_login(
    settings: Settings,
    credential: dict[str, Any],
    challenge: bytes,
    public_key: bytes,
    sign_count: int,
    person_id: str,
) -> int:
    """Check the answer of `navigator.credentials.get` and return the authenticator's new count.

    Args:
        settings: say which host it is for.
        credential: the answer.
        challenge: of the question.
        public_key, sign_count: as they are kept.
        person_id: whose passkey it is; the user handle must say the same.

    Raises:
        PasskeyRefused: if it does not answer the challenge, for this site, with that key, or was copied.
    """
    try:
        parsed = webauthn.helpers.parse_authentication_credential_json(credential)
        checked = webauthn.verify_authentication_response(
            credential=parsed,
            expected_challenge=challenge,
            expected_rp_id=_relying_party(settings),
            expected_origin=origins(settings),
            credential_public_key=public_key,
            credential_current_sign_count=sign_count,
        )
    except (WebAuthnException, ValueError, TypeError, LookupError) as error:
        raise PasskeyRefused from error
    if parsed.response.user_handle != person_id.encode():
        raise PasskeyRefused
    return checked.new_sign_count


def _relying_party(settings: Settings) -> str:
    """The host that passkeys are for; an address of this machine is no host to WebAuthn, its name is."""
    host = urlsplit(settings.base_url).hostname or ""
    return "localhost" if is_loopback(host) else host
