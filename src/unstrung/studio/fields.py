"""What bodies of several domains have in common: nothing dropped in silence, words and moments told alike."""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema

Word = TypeVar("Word", bound=StrEnum)


class StrictRequest(BaseModel):
    """What somebody sends: an unknown field is refused, not dropped."""

    model_config = ConfigDict(extra="forbid")


def one_of(kind: type[Word]) -> Callable[[object], Word]:
    """A check that takes a word of an enumeration; JSON knows words only as text."""

    def checked(value: object) -> Word:
        for word in kind:
            if value == word:
                return word
        raise ValueError(f"must be one of {', '.join(kind)}")

    return checked


def _moment(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError("must be a time with its zone such as 2027-01-31T18:00:00Z")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be a time of this age such as 2027-01-31T18:00:00Z") from None


Moment = Annotated[
    datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})
]
