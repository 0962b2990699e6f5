"""Wire format of lotteries."""

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, Field

from unstrung.studio.admission.schemas import RowId
from unstrung.studio.applications.schemas import Phrase
from unstrung.studio.fields import Moment, StrictRequest
from unstrung.studio.lotteries.models import Lottery, LotteryContribution


class AnnounceLottery(StrictRequest):
    """Announce a draw for seats of a cohort."""

    cohort_id: RowId
    seats: int = Field(
        ge=1, le=1_000_000, description="That are drawn for, and kept free until then."
    )
    closes_at: Moment = Field(description="Applications and phrases up to then take part.")
    open_for_hours: float = Field(
        24.0, ge=1, le=168, description="Time for opening sealed phrases, from closing on."
    )
    drand_chain: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = Field(
        None, description="Hash of a chain of the League of Entropy; needs drand_round."
    )
    drand_round: Annotated[int, Field(ge=1, le=10**12)] | None = Field(
        None, description="A round that becomes known after closing; it is mixed into the seed."
    )


class DrawLottery(StrictRequest):
    """Show the secret and order the tickets."""

    drand_randomness: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = Field(
        None, description="Of the round that was announced; left out if none was."
    )


class ContributePhrase(StrictRequest):
    """Put something of one's own into the seed: a phrase, or its seal."""

    phrase: Phrase | None = Field(
        None,
        description="Any words; only a hash of them is kept. The operator could read them now.",
    )
    seal: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = Field(
        None,
        description="SHA-256 of the 32 bytes of SHA-256(phrase): nobody can read it before you open it, "
        "once the list is fixed.",
    )


class OpenPhrase(StrictRequest):
    """Open what was sealed."""

    phrase: Phrase = Field(description="The one that was sealed, word for word.")


BODIES: Final = (AnnounceLottery, DrawLottery, ContributePhrase, OpenPhrase)


class ContributionObject(BaseModel):
    """What an applicant has put into the seed of a draw."""

    object: Literal["lottery.contribution"] = "lottery.contribution"
    lottery_id: str
    seal: str = Field(description="Stands in the list beside your ticket once that is fixed.")
    is_sealed: bool = Field(description="Whether it came without its phrase.")
    is_open: bool = Field(description="Whether it is mixed in, as far as is known now.")
    contributed_at: datetime
    opened_at: datetime | None
    opens_at: datetime = Field(description="Not before that time can a seal be opened.")
    opens_until: datetime | None = Field(
        description="The draw waits until then for seals; None before the list is fixed."
    )


class FrozenSeal(BaseModel):
    """A seal in the list that was fixed."""

    ticket: str
    seal: str
    is_sealed: bool = Field(description="False if the operator could read the phrase at once.")


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
        "secret_hash = SHA-256(secret); share = SHA-256(phrase), seal = SHA-256(share as 32 bytes). "
        "tickets_hash, contributions_hash and shares_hash = SHA-256 over sorted lines, each with a newline: "
        "'ticket'; 'ticket seal sealed|open'; 'ticket share'. seed = SHA-256 over lines: 'unstrung lottery "
        "1', secret, 'drand CHAIN ROUND RANDOMNESS' if a round was announced, then the lines of shares. "
        "Order by HMAC-SHA256(seed, ticket || tickets_hash as 32 bytes), least first; drawn = its first "
        "`seats`."
    )
    secret_hash: str
    secret: str | None = Field(description="Hexadecimal; shown with the draw and not before.")
    drand_chain: str | None
    drand_round: int | None
    drand_randomness: str | None
    open_for_hours: float
    contributions: list[FrozenSeal] | None = Field(
        description="Sorted by ticket; fixed when the lottery was closed."
    )
    contributions_hash: str | None
    shares: dict[str, str] | None = Field(
        description="Of the phrases that were opened, by ticket; shown with the draw."
    )
    seed: str | None
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
    """A row as it is told; secret and shares only once it is drawn."""
    order = lottery.drawn_order
    return LotteryObject(
        **lottery_row(lottery).model_dump(),
        secret_hash=lottery.secret_hash,
        secret=lottery.secret.hex() if lottery.drawn_at else None,
        drand_chain=lottery.drand_chain,
        drand_round=lottery.drand_round,
        drand_randomness=lottery.drand_randomness,
        open_for_hours=lottery.open_for_hours,
        contributions=_seals(lottery),
        contributions_hash=lottery.contributions_hash,
        shares=lottery.shares if lottery.drawn_at else None,
        seed=lottery.seed.hex() if lottery.seed is not None else None,
        tickets=lottery.tickets,
        tickets_hash=lottery.tickets_hash,
        order=order,
        drawn=order[: lottery.seats] if order is not None else None,
        receipts=receipts,
        log_key=log_key,
    )


def contribution_object(
    contribution: LotteryContribution, lottery: Lottery, opens_until: datetime | None
) -> ContributionObject:
    """What an applicant has put into a draw."""
    return ContributionObject(
        lottery_id=lottery.id, seal=contribution.seal, is_sealed=contribution.is_sealed,
        is_open=contribution.share is not None, contributed_at=contribution.contributed_at,
        opened_at=contribution.opened_at, opens_at=lottery.closed_at or lottery.closes_at,
        opens_until=opens_until,
    )  # fmt: skip


def _seals(lottery: Lottery) -> list[FrozenSeal] | None:
    if lottery.contributions is None:
        return None
    return [FrozenSeal.model_validate(each) for each in lottery.contributions]
