"""Tables of admission."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from unstrung.studio.database import Table, word_of
from unstrung.studio.stages.models import Stage


class ProgrammeRole(StrEnum):
    """What somebody is in the programme; several may be held at once."""

    ARTIST = "artist"
    DESIGNER = "designer"
    FILM_MAKER = "film-maker"
    RED_TEAMER = "red-teamer"
    RESIDENT = "resident"
    JUROR = "juror"
    REVIEWER = "reviewer"
    STEWARD = "steward"
    WITNESS = "witness"


class Cohort(Table):
    """People who were admitted together."""

    __tablename__ = "cohorts"
    __table_args__ = (CheckConstraint("seats > 0", name="seats"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    seats: Mapped[int] = mapped_column(comment="most people who sit in it at a time")
    purpose: Mapped[str] = mapped_column(Text, comment="what it is for, in plain words")
    stage: Mapped[Stage] = mapped_column(
        word_of(Stage), default=Stage.INTERNAL, comment="from which on seats can be taken"
    )
    takes_applications: Mapped[bool] = mapped_column(
        default=True, comment="once criteria are published"
    )
    created_at: Mapped[datetime]


class Seat(Table):
    """Somebody's place in a cohort."""

    __tablename__ = "seats"
    __table_args__ = (
        Index("uq_seats_taken", "person_id", unique=True, postgresql_where=text("left_at IS NULL")),
        Index("ix_seats_cohort_id", "cohort_id", postgresql_where=text("left_at IS NULL")),
        # Forecasts of the waitlist count the seats that were freed of late.
        Index(
            "ix_seats_left", "cohort_id", "left_at", postgresql_where=text("left_at IS NOT NULL")
        ),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    cohort_id: Mapped[str] = mapped_column(ForeignKey("cohorts.id"))
    person_id: Mapped[str] = mapped_column(ForeignKey("persons.id", ondelete="CASCADE"))
    taken_at: Mapped[datetime]
    left_at: Mapped[datetime | None] = mapped_column(comment="None while it is held")


class SeatHold(Table):
    """Seats of a cohort that are promised: to whoever was admitted, or to a lottery."""

    __tablename__ = "seat_holds"
    __table_args__ = (
        CheckConstraint("num_seats > 0", name="num_seats"),
        Index("ix_seat_holds_open", "cohort_id", postgresql_where=text("released_at IS NULL")),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    cohort_id: Mapped[str] = mapped_column(ForeignKey("cohorts.id"))
    num_seats: Mapped[int]
    held_since: Mapped[datetime]
    expires_at: Mapped[datetime | None] = mapped_column(
        comment="without the time that pauses give back; None until it is released"
    )
    released_at: Mapped[datetime | None] = mapped_column(comment="None while it is kept")


class RoleGrant(Table):
    """A role of somebody's."""

    __tablename__ = "role_grants"

    person_id: Mapped[str] = mapped_column(
        ForeignKey("persons.id", ondelete="CASCADE"), primary_key=True
    )
    role: Mapped[ProgrammeRole] = mapped_column(word_of(ProgrammeRole), primary_key=True)
    granted_at: Mapped[datetime]
    granted_by: Mapped[str | None] = mapped_column(
        String(64), comment="person, or None for the command line"
    )
