"""Tables of confidences."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from unstrung.studio.database import Table, word_of


class ConfidenceKind(StrEnum):
    """What an item is that people are asked to keep to themselves."""

    FEATURE = "feature"
    MODEL_VERSION = "model-version"
    CLIP = "clip"
    DOCUMENT = "document"


class Answer(StrEnum):
    """What somebody says to being asked; nothing follows from a no but not seeing the item."""

    ACCEPTED = "accepted"
    DECLINED = "declined"


class Confidence(Table):
    """One item that is asked to be kept confidential; changed only by its end, and never deleted."""

    __tablename__ = "confidences"
    __table_args__ = (
        CheckConstraint("ends_at > begins_at", name="ends_at"),
        CheckConstraint("ends_at <= begins_at + interval '180 days'", name="longest"),
        CheckConstraint(
            "carve_outs ?& array['criticism', 'work', 'law', 'safety', 'own-works']",
            name="carve_outs",
        ),
        Index("ix_confidences_open", "ends_at", postgresql_where=text("ended_at IS NULL")),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[ConfidenceKind] = mapped_column(word_of(ConfidenceKind))
    title: Mapped[str] = mapped_column(String(200))
    covers: Mapped[str] = mapped_column(
        Text,
        comment="exactly what is confidential; read before answering, so it gives nothing away",
    )
    why: Mapped[str] = mapped_column(Text)
    content: Mapped[str | None] = mapped_column(
        Text,
        comment="the item, or where it is: for those who accepted, and for all once it is over",
    )
    carve_outs: Mapped[dict[str, Any]] = mapped_column(
        comment="what it never covers: name to the words that held when it was asked"
    )
    cohort_ids: Mapped[list[Any]] = mapped_column(comment="whose members are asked")
    renews_id: Mapped[str | None] = mapped_column(
        ForeignKey("confidences.id"), comment="the item that this one goes on from"
    )
    asked_at: Mapped[datetime]
    asked_by: Mapped[str | None] = mapped_column(
        String(64), comment="person, or None for the command line"
    )
    begins_at: Mapped[datetime]
    ends_at: Mapped[datetime] = mapped_column(comment="when it lapses by itself")
    ended_at: Mapped[datetime | None] = mapped_column(comment="when it was ended or found lapsed")
    ended_by: Mapped[str | None] = mapped_column(
        String(64), comment="person; None for the command line, or if it lapsed"
    )
    end_reason: Mapped[str | None] = mapped_column(Text)
    asked_entry_id: Mapped[str] = mapped_column(String(64), comment="entry of the log")
    ended_entry_id: Mapped[str | None] = mapped_column(String(64))


class ConfidenceAnswer(Table):
    """One person's yes or no to one item; rows are never changed, and a yes may follow a no."""

    __tablename__ = "confidence_answers"
    __table_args__ = (Index("ix_confidence_answers_person_id", "person_id"),)

    confidence_id: Mapped[str] = mapped_column(ForeignKey("confidences.id"), primary_key=True)
    person_id: Mapped[str] = mapped_column(
        ForeignKey("persons.id", ondelete="CASCADE"), primary_key=True
    )
    answer: Mapped[Answer] = mapped_column(word_of(Answer), primary_key=True)
    answered_at: Mapped[datetime]
    entry_id: Mapped[str] = mapped_column(String(64), comment="of the log: the receipt")
