"""Wire format of keys."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, Field

from unstrung.studio.access.models import Key, Scope
from unstrung.studio.fields import Moment, StrictRequest, one_of

MAX_LEAKED: Final = 100


class CreateKey(StrictRequest):
    """Make a key."""

    name: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00]*\S[^\x00]*$")
    scopes: list[Annotated[Scope, BeforeValidator(one_of(Scope))]] = Field(
        [Scope.READ, Scope.GENERATE], min_length=1, max_length=4
    )
    expires_at: Moment | None = None


class LeakedKey(StrictRequest):
    """A text that a scanner of secrets found."""

    token: str = Field(max_length=200, description="The whole key.")
    url: str = Field("", max_length=2_000, description="Where it was found.")


class ReportLeakedKeys(StrictRequest):
    """Keys that were found where they should not be; good ones are revoked at once."""

    tokens: list[LeakedKey] = Field(min_length=1, max_length=MAX_LEAKED)


BODIES: Final = (CreateKey, ReportLeakedKeys)


class KeyObject(BaseModel):
    """A key, without its secret."""

    id: str
    object: Literal["key"] = "key"
    name: str
    prefix: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class KeyWithSecret(KeyObject):
    """A key with its secret, which is shown this once."""

    secret: str


class KeyList(BaseModel):
    """Keys, newest first."""

    object: Literal["list"] = "list"
    data: list[KeyObject]


class LeakedKeyResult(BaseModel):
    """What became of a text that was reported."""

    token_prefix: str
    label: Literal["true_positive", "false_positive"]


class LeakedKeyResults(BaseModel):
    """In the order of the report."""

    object: Literal["list"] = "list"
    data: list[LeakedKeyResult]
    pattern: str = Field(description="Regular expression of all keys; the last six are a checksum.")


def key_fields(key: Key) -> dict[str, Any]:
    """What is told of a key."""
    return {
        "id": key.id, "name": key.name, "prefix": key.prefix, "scopes": key.scopes,
        "created_at": key.created_at, "expires_at": key.expires_at,
        "last_used_at": key.last_used_at, "revoked_at": key.revoked_at,
    }  # fmt: skip
