"""Tables of applications."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from unstrung.studio.database import Table, word_of


class ApplicationState(StrEnum):
    """How far an application is."""

    WAITING = "waiting"
    ADMITTED = "admitted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Criteria(Table):
    """What applications to a cohort are judged by; a change is a new version."""

    __tablename__ = "criteria"
    __table_args__ = (UniqueConstraint("cohort_id", "version"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    cohort_id: Mapped[str] = mapped_column(ForeignKey("cohorts.id"))
    version: Mapped[int]
    text: Mapped[str] = mapped_column(Text, comment="in plain words")
    clauses: Mapped[dict[str, Any]] = mapped_column(comment="name of a clause to its text")
    questions: Mapped[dict[str, Any]] = mapped_column(
        comment="name of a question to its text; nobody has to answer"
    )
    published_at: Mapped[datetime]
    published_by: Mapped[str | None] = mapped_column(
        String(64), comment="person, or None for the command line"
    )


class Application(Table):
    """Somebody's wish for a seat; made without an account."""

    __tablename__ = "applications"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    cohort_id: Mapped[str] = mapped_column(ForeignKey("cohorts.id"))
    criteria_id: Mapped[str] = mapped_column(
        ForeignKey("criteria.id"), comment="the version that it was made under"
    )
    token_digest: Mapped[bytes] = mapped_column(
        LargeBinary, unique=True, comment="SHA-256 of what lets the applicant read it"
    )
    ticket: Mapped[str] = mapped_column(
        String(64), unique=True, comment="public code in a lottery's list"
    )
    name: Mapped[str] = mapped_column(String(200), comment="as the applicant wants to be called")
    contact: Mapped[str] = mapped_column(String(320), comment="e-mail or another way; not checked")
    roles: Mapped[list[Any]] = mapped_column(comment="roles that are wished for")
    wish: Mapped[str] = mapped_column(Text, comment="what the applicant wants to make")
    links: Mapped[list[Any]]
    language: Mapped[str] = mapped_column(String(8))
    answers: Mapped[dict[str, Any]] = mapped_column(comment="name of a question to its answer")
    state: Mapped[ApplicationState] = mapped_column(word_of(ApplicationState))
    created_at: Mapped[datetime]
    draw_place: Mapped[int | None] = mapped_column(
        comment="place over all lotteries of the cohort; None if it was in none"
    )
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(
        String(64), comment="person, or None for a lottery; never told to the applicant"
    )
    contested_at: Mapped[datetime | None] = mapped_column(
        comment="since when an appeal against its refusal is open; such a one takes part in lotteries"
    )
    out_of_turn: Mapped[str | None] = mapped_column(
        Text, comment="public reason why it was admitted before others"
    )
    statement_id: Mapped[str | None] = mapped_column(ForeignKey("statements.id"))
    invitation_id: Mapped[str | None] = mapped_column(ForeignKey("invitations.id"))
    person_id: Mapped[str | None] = mapped_column(
        ForeignKey("persons.id", ondelete="CASCADE"),
        index=True,
        comment="who came in by it; it is exported and erased with them",
    )
    log_entry_id: Mapped[str | None] = mapped_column(
        String(64), comment="entry of the log that proves when it was made"
    )

    __table_args__ = (
        # The order of the waitlist: places and lists are read along it.
        Index("ix_applications_waitlist", "cohort_id", "state", "draw_place", "id"),
        Index("ix_applications_contact", "cohort_id", func.lower(contact)),
    )
