"""Tables of lotteries."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, String, text
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
    secret: Mapped[bytes] = mapped_column(
        LargeBinary, comment="32 bytes of the operator's; told with the draw only"
    )
    secret_hash: Mapped[str] = mapped_column(String(64), comment="SHA-256 of it, hexadecimal")
    drand_chain: Mapped[str | None] = mapped_column(
        String(64), comment="whose round is mixed in; None for none"
    )
    drand_round: Mapped[int | None] = mapped_column(BigInteger)
    drand_randomness: Mapped[str | None] = mapped_column(
        String(64), comment="of the round, hexadecimal; given with the draw"
    )
    open_for_hours: Mapped[float] = mapped_column(
        comment="time for opening sealed phrases, from closing on"
    )
    announced_at: Mapped[datetime]
    announced_by: Mapped[str | None] = mapped_column(
        String(64), comment="person, or None for the command line"
    )
    closes_at: Mapped[datetime] = mapped_column(comment="applications up to then take part")
    closed_at: Mapped[datetime | None]
    tickets: Mapped[list[Any] | None] = mapped_column(comment="sorted; fixed when it is closed")
    tickets_hash: Mapped[str | None] = mapped_column(String(64))
    contributions: Mapped[list[Any] | None] = mapped_column(
        comment="ticket, seal and is_sealed of each phrase, sorted; fixed when it is closed"
    )
    contributions_hash: Mapped[str | None] = mapped_column(String(64))
    shares: Mapped[dict[str, Any] | None] = mapped_column(
        comment="ticket to share, of phrases that are open; told with the draw only"
    )
    drawn_at: Mapped[datetime | None]
    seed: Mapped[bytes | None] = mapped_column(LargeBinary, comment="that the order follows from")
    drawn_order: Mapped[list[Any] | None] = mapped_column(comment="tickets, first drawn first")
    announced_entry_id: Mapped[str] = mapped_column(String(64), comment="entry of the log")
    closed_entry_id: Mapped[str | None] = mapped_column(String(64))
    drawn_entry_id: Mapped[str | None] = mapped_column(String(64))


class LotteryContribution(Table):
    """What one applicant puts into the seed of one draw: words of which only a hash is kept."""

    __tablename__ = "lottery_contributions"

    lottery_id: Mapped[str] = mapped_column(ForeignKey("lotteries.id"), primary_key=True)
    application_id: Mapped[str] = mapped_column(
        ForeignKey("applications.id", ondelete="CASCADE"), primary_key=True
    )
    seal: Mapped[str] = mapped_column(String(64), comment="SHA-256 of the share, hexadecimal")
    share: Mapped[str | None] = mapped_column(
        String(64), comment="SHA-256 of the phrase, hexadecimal; None while it is sealed"
    )
    is_sealed: Mapped[bool] = mapped_column(comment="whether it came without its phrase")
    contributed_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]
