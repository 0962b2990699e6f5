"""Tables of reviews."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Boolean, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from unstrung.studio.database import Table, word_of


class Outcome(StrEnum):
    """What a reviewer decides."""

    APPROVE = "approve"
    REFUSE = "refuse"


class ReviewDecision(Table):
    """One reviewer's decision about one share; rows are never deleted."""

    __tablename__ = "review_decisions"
    __table_args__ = (
        Index("ix_review_decisions_share_id", "share_id"),
        # One refusal of a share waits for a second reviewer at a time.
        Index(
            "uq_review_decisions_open",
            "share_id",
            unique=True,
            postgresql_where=text("needs_second AND effective_at IS NULL AND dropped_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    share_id: Mapped[str] = mapped_column(ForeignKey("shares.id"))
    outcome: Mapped[Outcome] = mapped_column(word_of(Outcome))
    reasons: Mapped[dict[str, Any] | None] = mapped_column(comment="of a refusal, complete")
    decided_by: Mapped[str | None] = mapped_column(ForeignKey("persons.id", ondelete="SET NULL"))
    decided_at: Mapped[datetime]
    needs_second: Mapped[bool] = mapped_column(
        Boolean, comment="whether another reviewer must agree; why is told to nobody"
    )
    seconded_by: Mapped[str | None] = mapped_column(ForeignKey("persons.id", ondelete="SET NULL"))
    effective_at: Mapped[datetime | None] = mapped_column(comment="None until it has effect")
    dropped_at: Mapped[datetime | None] = mapped_column(
        comment="when another reviewer disagreed, so that it never has effect"
    )
    statement_id: Mapped[str | None] = mapped_column(ForeignKey("statements.id"))
