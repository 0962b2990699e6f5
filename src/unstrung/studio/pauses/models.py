"""Tables of pauses."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from unstrung.studio.database import Table, word_of


class Level(StrEnum):
    """Whom a pause stops; the rungs of the ladder, least first."""

    KEY = "key"
    PERSON = "person"
    COHORT = "cohort"
    EVERYBODY = "everybody"


class PauseGround(StrEnum):
    """Why access may be paused: a closed list, in which criticism of anybody has no place."""

    LEAKED_KEY = "leaked-key"
    SHARED_ACCESS = "shared-access"
    UNLAWFUL_CONTENT = "unlawful-content"
    HARM_TO_OTHERS = "harm-to-others"
    SECURITY_INCIDENT = "security-incident"
    SAFETY_OF_MODEL = "safety-of-model"
    CAPACITY = "capacity"
    LEGAL_ORDER = "legal-order"
    BREACH_OF_CONFIDENCE = "breach-of-confidence"


class Pause(Table):
    """One pause, from proposal to end; rows are never deleted."""

    __tablename__ = "pauses"
    __table_args__ = (
        CheckConstraint("expires_at > proposed_at", name="expires_at"),
        CheckConstraint(
            "(level = 'everybody') = (target_id IS NULL)",
            name="target_id",
        ),
        # Few pauses are in force at a time, and every request that begins something asks for them.
        Index(
            "ix_pauses_open",
            "level",
            "target_id",
            postgresql_where=text("begun_at IS NOT NULL AND ended_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    level: Mapped[Level] = mapped_column(word_of(Level))
    target_id: Mapped[str | None] = mapped_column(
        String(64), comment="key, person or cohort; None for everybody"
    )
    ground: Mapped[PauseGround] = mapped_column(word_of(PauseGround))
    confidence_id: Mapped[str | None] = mapped_column(
        ForeignKey("confidences.id"), comment="the item, for a breach of confidence"
    )
    reason: Mapped[str] = mapped_column(Text, comment="in plain words, for those who are paused")
    resume_plan: Mapped[str] = mapped_column(
        Text, comment="what has to happen for access to return"
    )
    proposed_at: Mapped[datetime]
    proposed_by: Mapped[str | None] = mapped_column(
        ForeignKey("persons.id"), comment="None for a program, which may pause a key"
    )
    needs_second: Mapped[str | None] = mapped_column(
        Text, comment="why a second steward is needed; None if not"
    )
    seconded_by: Mapped[str | None] = mapped_column(ForeignKey("persons.id"))
    begun_at: Mapped[datetime | None] = mapped_column(comment="None until it is in force")
    expires_at: Mapped[datetime] = mapped_column(comment="when it lapses by itself")
    ended_at: Mapped[datetime | None] = mapped_column(comment="when it was ended or found lapsed")
    ended_by: Mapped[str | None] = mapped_column(
        ForeignKey("persons.id"), comment="None if it lapsed"
    )
    end_reason: Mapped[str | None] = mapped_column(Text)
    num_affected: Mapped[int] = mapped_column(default=0, comment="people, when it began")
    num_unaffected: Mapped[int] = mapped_column(default=0, comment="people, when it began")
    num_stopped: Mapped[int] = mapped_column(default=0, comment="videos that were being made")
    last_stop_at: Mapped[datetime | None] = mapped_column(
        comment="when the last worker had dropped its video, or the last late request was refused"
    )
    notice: Mapped[dict[str, Any]] = mapped_column(comment="language to sentence")
    compensated_s: Mapped[float | None] = mapped_column(comment="lost time that was given back [s]")


class ProtectedAct(Table):
    """A complaint, an appeal, a letter or a refused task: for 30 days, sanctions need two stewards."""

    __tablename__ = "protected_acts"
    __table_args__ = (Index("ix_protected_acts_person_id", "person_id", "acted_at"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("persons.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(32), comment="complaint, appeal, letter, refused-task")
    acted_at: Mapped[datetime]
