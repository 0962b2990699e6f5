"""Wire format of release stages."""

from datetime import datetime
from typing import Final, Literal

from pydantic import BaseModel, Field

from unstrung.studio.admission.schemas import (
    Paragraphs,
    PublicReason,
    StageWord,
    Url,
)
from unstrung.studio.fields import StrictRequest
from unstrung.studio.stages.models import Gate, Stage, StageMove


class AddGate(StrictRequest):
    """Say what has to be done before a stage begins."""

    stage: StageWord = Field(description="The stage behind the gate.")
    text: Paragraphs = Field(description="What has to be done, in plain words.")


class OpenGate(StrictRequest):
    """Say that it is done, and where anybody can check it."""

    evidence_url: Url


class ReopenGate(StrictRequest):
    """Say that it is not done after all, and why."""

    reason: PublicReason


class MoveStage(StrictRequest):
    """Move the release one stage forward, or back to an earlier one."""

    stage: StageWord
    reason: PublicReason | None = Field(None, description="Public; must be there for a step back.")


BODIES: Final = (AddGate, OpenGate, ReopenGate, MoveStage)


class GateObject(BaseModel):
    """A gate, which everybody may see."""

    id: str
    object: Literal["gate"] = "gate"
    stage: Stage
    text: str
    added_at: datetime
    done_at: datetime | None
    evidence_url: str | None
    reopened_because: str | None


class StageObject(BaseModel):
    """A stage and the gates before it."""

    name: Stage
    is_reached: bool
    gates: list[GateObject]


class StageMoveObject(BaseModel):
    """One move of the release."""

    from_stage: Stage
    to_stage: Stage
    reason: str | None
    moved_at: datetime


class StagesObject(BaseModel):
    """How far the release is, what is still to be done, and how it came here."""

    object: Literal["stages"] = "stages"
    current: Stage
    stages: list[StageObject]
    moves: list[StageMoveObject] = Field(description="Newest first.")


def gate_object(gate: Gate) -> GateObject:
    """A row as it is told."""
    return GateObject(
        id=gate.id, stage=gate.stage, text=gate.text, added_at=gate.added_at, done_at=gate.done_at,
        evidence_url=gate.evidence_url, reopened_because=gate.reopened_because,
    )  # fmt: skip


def move_object(move: StageMove) -> StageMoveObject:
    """A row as it is told; who moved is not."""
    return StageMoveObject(
        from_stage=move.from_stage,
        to_stage=move.to_stage,
        reason=move.reason,
        moved_at=move.moved_at,
    )
