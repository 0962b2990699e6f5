"""Tables of lotteries."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from unstrung.studio.database import Table


class Lottery(Table):
    """One draw for seats of a cohort: announced, closed, drawn."""

    __tablename__ = "lotteries"
    __table_args__ = (
        CheckConstraint("seats > 0", name="seats"),
        CheckConstraint("drawn_at IS NULL OR closed_at IS NOT NULL", name="drawn_at"),
        Index(
            "uq_lotteries_open", "cohort_id", unique=True, postgresql_where=text("drawn_at IS NULL")
        ),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    cohort_id: Mapped[str] = mapped_column(ForeignKey("cohorts.id"))
    seats: Mapped[int] = mapped_column(comment="that are drawn for")
    hold_id: Mapped[str] = mapped_column(
        ForeignKey("seat_holds.id"), comment="keeps the seats until the draw"
    )
    seed: Mapped[bytes] = mapped_column(LargeBinary, comment="32 bytes; told with the draw only")
    seed_hash: Mapped[str] = mapped_column(String(64), comment="SHA-256 of the seed, hexadecimal")
    announced_at: Mapped[datetime]
    announced_by: Mapped[str | None] = mapped_column(
        String(64), comment="person, or None for the command line"
    )
    closes_at: Mapped[datetime] = mapped_column(comment="applications up to then take part")
    closed_at: Mapped[datetime | None]
    tickets: Mapped[list[Any] | None] = mapped_column(comment="sorted; fixed when it is closed")
    tickets_hash: Mapped[str | None] = mapped_column(String(64))
    drawn_at: Mapped[datetime | None]
    drawn_order: Mapped[list[Any] | None] = mapped_column(comment="tickets, first drawn first")
    announced_entry_id: Mapped[str] = mapped_column(String(64), comment="entry of the log")
    closed_entry_id: Mapped[str | None] = mapped_column(String(64))
    drawn_entry_id: Mapped[str | None] = mapped_column(String(64))
