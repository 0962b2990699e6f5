"""Tables of statements; columns bear the field names of the EU's DSA Transparency Database."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from unstrung.studio.database import Table, word_of


class SubjectKind(StrEnum):
    """What a statement is about."""

    PROMPT = "prompt"
    SHARE = "share"
    PAUSE = "pause"
    APPLICATION = "application"
    ROLE = "role"


class Statement(Table):
    """One refusal or sanction, told to whom it concerns; rows are never changed but for `reversed_at`."""

    __tablename__ = "statements"
    __table_args__ = (
        Index("ix_statements_person_id", "person_id", "id"),
        Index("ix_statements_subject", "subject_kind", "subject_id"),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True, comment="the puid of the export")
    person_id: Mapped[str | None] = mapped_column(
        ForeignKey("persons.id", ondelete="SET NULL"), comment="None if it concerns many"
    )
    subject_kind: Mapped[SubjectKind] = mapped_column(word_of(SubjectKind))
    subject_id: Mapped[str | None] = mapped_column(String(64))
    clause: Mapped[str] = mapped_column(String(64), comment="of the charter")
    decision_visibility: Mapped[list[Any] | None]
    decision_provision: Mapped[str | None] = mapped_column(String(64))
    decision_account: Mapped[str | None] = mapped_column(String(64))
    decision_ground: Mapped[str] = mapped_column(String(64))
    decision_ground_reference_url: Mapped[str | None] = mapped_column(Text)
    illegal_content_legal_ground: Mapped[str | None] = mapped_column(Text)
    illegal_content_explanation: Mapped[str | None] = mapped_column(Text)
    incompatible_content_ground: Mapped[str | None] = mapped_column(Text)
    incompatible_content_explanation: Mapped[str | None] = mapped_column(Text)
    decision_facts: Mapped[str] = mapped_column(Text)
    category: Mapped[str] = mapped_column(String(64))
    source_type: Mapped[str] = mapped_column(String(64))
    automated_detection: Mapped[str] = mapped_column(String(8), comment="Yes or No")
    automated_decision: Mapped[str] = mapped_column(String(64))
    content_type: Mapped[list[Any]]
    application_date: Mapped[datetime] = mapped_column(comment="from when the decision holds")
    end_date: Mapped[datetime | None] = mapped_column(comment="until when; None for good")
    starts_s: Mapped[float | None] = mapped_column(comment="time range of a clip [s]")
    ends_s: Mapped[float | None]
    suggested_change: Mapped[str | None] = mapped_column(Text)
    passages: Mapped[list[Any] | None] = mapped_column(
        comment="start, end and text of words of the prompt; never exported"
    )
    prompt: Mapped[str | None] = mapped_column(
        Text, comment="that was refused, for an appeal; never exported, gone after erasure"
    )
    confidence_id: Mapped[str | None] = mapped_column(
        ForeignKey("confidences.id"), comment="the item that was broken, if that is the matter"
    )
    decided_by: Mapped[str | None] = mapped_column(
        String(64), comment="person, or None for a program; never told to the person concerned"
    )
    reversed_at: Mapped[datetime | None] = mapped_column(comment="when it was taken back")
