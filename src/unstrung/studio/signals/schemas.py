"""Wire format of signals and canaries."""

from datetime import datetime
from typing import Final, Literal

from pydantic import BaseModel, Field

from unstrung.studio.fields import StrictRequest
from unstrung.studio.signals.models import Canary, Signal, Step

_WORDS: Final = r"^[^\x00]*\S[^\x00]*$"


class SettleSignal(StrictRequest):
    """Close a signal."""

    outcome: str = Field(min_length=3, max_length=2_000, pattern=_WORDS)


class LayCanary(StrictRequest):
    """Make a key that belongs to nobody."""

    place: str = Field(min_length=1, max_length=500, pattern=_WORDS)


BODIES: Final = (SettleSignal, LayCanary)


class SignalObject(BaseModel):
    """A sign that a key is in other hands."""

    id: str
    object: Literal["signal"] = "signal"
    key_id: str
    step: Step
    score: int
    facts: str
    pause_id: str | None
    noted_at: datetime
    settled_at: datetime | None
    outcome: str | None


class SignalList(BaseModel):
    """Signals, newest first."""

    object: Literal["list"] = "list"
    data: list[SignalObject]


class CanaryObject(BaseModel):
    """A canary as stewards see it."""

    id: str
    object: Literal["canary"] = "canary"
    place: str
    created_at: datetime
    num_uses: int
    last_used_at: datetime | None


class CanaryWithSecret(CanaryObject):
    """A canary with its secret, which is shown this once."""

    secret: str


class CanaryList(BaseModel):
    """All canaries."""

    object: Literal["list"] = "list"
    data: list[CanaryObject]


def signal_object(signal: Signal) -> SignalObject:
    """A signal for its owner or a steward."""
    return SignalObject(
        id=signal.id,
        key_id=signal.key_id,
        step=signal.step,
        score=signal.score,
        facts=signal.facts,
        pause_id=signal.pause_id,
        noted_at=signal.noted_at,
        settled_at=signal.settled_at,
        outcome=signal.outcome,
    )


def canary_object(canary: Canary) -> CanaryObject:
    """A canary without its secret."""
    return CanaryObject(
        id=canary.id,
        place=canary.place,
        created_at=canary.created_at,
        num_uses=canary.num_uses,
        last_used_at=canary.last_used_at,
    )
