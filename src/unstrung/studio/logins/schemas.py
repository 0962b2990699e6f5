"""Wire format of signing in."""

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from unstrung.studio.fields import StrictRequest
from unstrung.studio.logins.models import Passkey
from unstrung.studio.sessions.schemas import SessionObject


def _printable(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise ValueError("must be readable text such as 'my phone'")
    return value.strip()


_Credential = Annotated[
    dict[str, Any],
    Field(description="What the browser answered, as `PublicKeyCredential.toJSON()` gives it."),
]
_Secret = Annotated[str, Field(min_length=1, max_length=200)]
# A path of this host and nothing else: a second slash, or a backslash, would name another host.
_LETTERS: Final = r"A-Za-z0-9._~!$&'()*+,;=:@%?#-"
_Path = Annotated[str, Field(max_length=500, pattern=f"^/([{_LETTERS}][{_LETTERS}/]*)?$")]


class FinishPasskeyRegistration(StrictRequest):
    """Keep the passkey that the browser made."""

    name: Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_printable)] = Field(
        "passkey", description="What the person calls it."
    )
    credential: _Credential


class FinishPasskeyLogin(StrictRequest):
    """Sign in with the passkey that the browser used."""

    credential: _Credential


class RequestEmailLink(StrictRequest):
    """Ask for a link to sign in with."""

    address: Annotated[str, Field(min_length=3, max_length=320)]
    language: Literal["en", "it", "fr", "es", "ar", "id"] = Field(
        "en", description="Language of the e-mail."
    )


class RedeemEmailLink(StrictRequest):
    """Sign in with a link."""

    token: _Secret = Field(description="What stands behind '#' in the link.")
    name: Annotated[str, Field(max_length=200), AfterValidator(_printable)] | None = Field(
        None, description="What somebody wants to be called who has no account yet."
    )


class StartOidc(StrictRequest):
    """Sign in at an issuer."""

    return_to: _Path | None = Field(
        None, description="Path on this host where the browser goes in the end, such as /videos."
    )


class ReturnFromOidc(StrictRequest):
    """What an issuer sends a browser back with; unknown parameters are theirs to add."""

    model_config = ConfigDict(extra="ignore")

    code: Annotated[str, Field(max_length=4_000)] | None = None
    state: Annotated[str, Field(max_length=200)] | None = None
    iss: Annotated[str, Field(max_length=2_000)] | None = None
    error: Annotated[str, Field(max_length=200)] | None = None


BODIES: Final = (
    FinishPasskeyRegistration,
    FinishPasskeyLogin,
    RequestEmailLink,
    RedeemEmailLink,
    StartOidc,
)


class PasskeyQuestion(BaseModel):
    """What to ask of the browser."""

    object: Literal["passkey.question"] = "passkey.question"
    public_key: dict[str, Any] = Field(
        description="For `PublicKeyCredential.parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`."
    )


class PasskeyObject(BaseModel):
    """A passkey."""

    id: str
    object: Literal["passkey"] = "passkey"
    name: str
    transports: list[str]
    created_at: int
    last_used_at: int | None = Field(description="To the minute.")


class PasskeyList(BaseModel):
    """Passkeys, newest first."""

    object: Literal["list"] = "list"
    data: list[PasskeyObject]


class PasskeyDeleted(BaseModel):
    """A passkey is forgotten."""

    id: str
    object: Literal["passkey.deleted"] = "passkey.deleted"
    deleted: Literal[True] = True


class EmailLinkRequested(BaseModel):
    """The same for every address."""

    object: Literal["email_link.requested"] = "email_link.requested"
    message: str = "An e-mail is on its way to this address; it says what to do."


class IssuerObject(BaseModel):
    """An issuer that one can sign in at."""

    name: str
    issuer: str


class IssuerList(BaseModel):
    """Issuers that one can sign in at."""

    object: Literal["list"] = "list"
    data: list[IssuerObject]


class OidcStarted(BaseModel):
    """Where the browser goes to sign in."""

    object: Literal["oidc.started"] = "oidc.started"
    url: str


class SignedIn(BaseModel):
    """Somebody is signed in; the cookies of this answer are the session."""

    object: Literal["signed_in"] = "signed_in"
    person_id: str
    session: SessionObject


def passkey_object(found: Passkey) -> PasskeyObject:
    """A row as it is told."""
    return PasskeyObject(
        id=found.id,
        name=found.name,
        transports=found.transports,
        created_at=int(found.created_at.timestamp()),
        last_used_at=int(found.last_used_at.timestamp()) if found.last_used_at else None,
    )
