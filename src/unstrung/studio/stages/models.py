"""Tables of release stages."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Identity, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from unstrung.studio.database import Table, word_of


class Stage(StrEnum):
    """How far the release is, first to last."""

    INTERNAL = "internal"
    RED_TEAM = "red-team"
    ARTISTS = "artists"
    WAITLIST = "waitlist"
    OPEN = "open"


class Gate(Table):
    """Something that has to be done before a stage begins; never removed."""

    __tablename__ = "gates"
    __table_args__ = (Index("ix_gates_stage", "stage", "id"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    stage: Mapped[Stage] = mapped_column(word_of(Stage), comment="which begins behind it")
    text: Mapped[str] = mapped_column(Text, comment="what has to be done")
    added_at: Mapped[datetime]
    done_at: Mapped[datetime | None] = mapped_column(comment="None while it is shut")
    evidence_url: Mapped[str | None] = mapped_column(Text, comment="where anybody can check it")
    reopened_because: Mapped[str | None] = mapped_column(
        Text, comment="why it was shut again, the last time"
    )


class StageMove(Table):
    """One step of the release; the last one says where it stands."""

    __tablename__ = "stage_moves"

    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    from_stage: Mapped[Stage] = mapped_column(word_of(Stage))
    to_stage: Mapped[Stage] = mapped_column(word_of(Stage))
    reason: Mapped[str | None] = mapped_column(Text, comment="public; always there for a step back")
    moved_at: Mapped[datetime]
    moved_by: Mapped[str | None] = mapped_column(
        String(64), comment="person, or None for the command line"
    )
