"""Tables of appeals."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from unstrung.studio.database import Table, word_of


class AppealStage(StrEnum):
    """Who hears an appeal: one person first, then three testers."""

    HEARING = "hearing"
    PANEL = "panel"


class AppealOutcome(StrEnum):
    """What becomes of the decision that was appealed against."""

    UPHELD = "upheld"
    OVERTURNED = "overturned"


class Appeal(Table):
    """One appeal of one person or applicant against one statement, at one stage; rows are never deleted."""

    __tablename__ = "appeals"
    __table_args__ = (
        # Once for each stage, whoever asks twice at once.
        Index("uq_appeals_stage", "statement_id", "person_id", "stage", unique=True),
        Index(
            "uq_appeals_application_stage",
            "statement_id",
            "stage",
            unique=True,
            postgresql_where=text("application_id IS NOT NULL"),
        ),
        Index("ix_appeals_person_id", "person_id", "id"),
        Index("ix_appeals_application_id", "application_id"),
        Index("ix_appeals_open", "due_at", "id", postgresql_where=text("outcome IS NULL")),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    statement_id: Mapped[str] = mapped_column(ForeignKey("statements.id"))
    person_id: Mapped[str | None] = mapped_column(ForeignKey("persons.id", ondelete="SET NULL"))
    application_id: Mapped[str | None] = mapped_column(
        ForeignKey("applications.id", ondelete="SET NULL"),
        comment="whose refusal it is about, for an applicant, who has no account",
    )
    stage: Mapped[AppealStage] = mapped_column(word_of(AppealStage))
    text: Mapped[str] = mapped_column(Text, comment="why the decision is wrong, in their own words")
    lodged_at: Mapped[datetime]
    due_at: Mapped[datetime] = mapped_column(comment="when it is decided for whoever lodged it")
    heard_by: Mapped[str | None] = mapped_column(
        ForeignKey("persons.id", ondelete="SET NULL"), comment="who took it last; never of a panel"
    )
    taken_until: Mapped[datetime | None]
    outcome: Mapped[AppealOutcome | None] = mapped_column(word_of(AppealOutcome))
    reasons: Mapped[str | None] = mapped_column(Text, comment="told to whoever lodged it")
    by_clock: Mapped[bool] = mapped_column(default=False, comment="whether the clock decided")
    decided_at: Mapped[datetime | None]


class PanelSeat(Table):
    """A juror who was drawn for an appeal, and the vote."""

    __tablename__ = "panel_seats"
    __table_args__ = (Index("ix_panel_seats_person_id", "person_id"),)

    appeal_id: Mapped[str] = mapped_column(ForeignKey("appeals.id"), primary_key=True)
    person_id: Mapped[str] = mapped_column(
        ForeignKey("persons.id", ondelete="CASCADE"), primary_key=True
    )
    drawn_at: Mapped[datetime]
    vote: Mapped[AppealOutcome | None] = mapped_column(word_of(AppealOutcome))
    reasons: Mapped[str | None] = mapped_column(Text)
    voted_at: Mapped[datetime | None]
