"""Wire format of lotteries."""

from datetime import datetime
from typing import Final, Literal

from pydantic import BaseModel, Field

from unstrung.studio.admission.schemas import RowId
from unstrung.studio.fields import Moment, StrictRequest
from unstrung.studio.lotteries.models import Lottery


class AnnounceLottery(StrictRequest):
    """Announce a draw for seats of a cohort."""

    cohort_id: RowId
    seats: int = Field(
        ge=1, le=1_000_000, description="That are drawn for, and kept free until then."
    )
    closes_at: Moment = Field(description="Applications up to then take part.")


BODIES: Final = (AnnounceLottery,)


class LotteryReceipts(BaseModel):
    """Receipts of the three acts, as small texts that `unstrung log verify` checks; None until published."""

    announced: str | None
    closed: str | None
    drawn: str | None


class LotteryRow(BaseModel):
    """A lottery in a list."""

    id: str
    cohort_id: str
    seats: int
    state: Literal["announced", "closed", "drawn"]
    announced_at: datetime
    closes_at: datetime
    closed_at: datetime | None
    drawn_at: datetime | None


class LotteryList(BaseModel):
    """Lotteries, newest first."""

    object: Literal["list"] = "list"
    data: list[LotteryRow]


class LotteryObject(LotteryRow):
    """A lottery with everything that is needed to recompute it: `unstrung programme lottery-check`."""

    object: Literal["lottery"] = "lottery"
    how: str = (
        "seed_hash = SHA-256(seed); tickets_hash = SHA-256 over the sorted tickets, each with a newline; "
        "order by HMAC-SHA256(seed, ticket || tickets_hash as 32 bytes), least first; drawn = its first "
        "`seats`."
    )
    seed_hash: str
    seed: str | None = Field(description="Hexadecimal; shown with the draw and not before.")
    tickets: list[str] | None = Field(description="Sorted; fixed when the lottery was closed.")
    tickets_hash: str | None
    order: list[str] | None
    drawn: list[str] | None = Field(
        description="The first tickets of the order, one for each seat."
    )
    receipts: LotteryReceipts
    log_key: str = Field(description="Verifier key of the transparency log.")


def lottery_row(lottery: Lottery) -> LotteryRow:
    """A row as a list tells it."""
    return LotteryRow(
        id=lottery.id, cohort_id=lottery.cohort_id, seats=lottery.seats,
        state="drawn" if lottery.drawn_at else "closed" if lottery.closed_at else "announced",
        announced_at=lottery.announced_at, closes_at=lottery.closes_at,
        closed_at=lottery.closed_at, drawn_at=lottery.drawn_at,
    )  # fmt: skip


def lottery_object(lottery: Lottery, receipts: LotteryReceipts, log_key: str) -> LotteryObject:
    """A row as it is told; the seed only once it is drawn."""
    order = lottery.drawn_order
    return LotteryObject(
        **lottery_row(lottery).model_dump(),
        seed_hash=lottery.seed_hash,
        seed=lottery.seed.hex() if lottery.drawn_at else None,
        tickets=lottery.tickets,
        tickets_hash=lottery.tickets_hash,
        order=order,
        drawn=order[: lottery.seats] if order is not None else None,
        receipts=receipts,
        log_key=log_key,
    )
