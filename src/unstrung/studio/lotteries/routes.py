"""Routes of lotteries: parse, call, tell."""

from fastapi import APIRouter
from sqlalchemy.orm import Session

from unstrung.studio.admission.routes import PathId
from unstrung.studio.dependencies import (
    BodyOf,
    CallerOf,
    Studio,
    StudioOf,
    Transaction,
    body_schema,
)
from unstrung.studio.lotteries import service
from unstrung.studio.lotteries.models import Lottery
from unstrung.studio.lotteries.schemas import (
    AnnounceLottery,
    LotteryList,
    LotteryObject,
    LotteryReceipts,
    lottery_object,
    lottery_row,
)
from unstrung.studio.visitors import VisitorOf

router = APIRouter(prefix="/programme/v1", tags=["lotteries"])


@router.post("/lotteries", openapi_extra=body_schema(AnnounceLottery))
def announce_lottery(
    studio: StudioOf, caller: CallerOf, body: BodyOf, session: Transaction
) -> LotteryObject:
    """Announce a draw for seats (stewards); its seed is committed to in the log at once."""
    asked = body.as_a(AnnounceLottery)
    lottery = service.announce(session, caller, asked.cohort_id, asked.seats, asked.closes_at)
    return _told(studio, session, lottery)


@router.get("/lotteries")
def list_lotteries(_: VisitorOf, session: Transaction) -> LotteryList:
    """Lotteries, newest first; everybody may see them."""
    return LotteryList(data=[lottery_row(each) for each in service.list_lotteries(session)])


@router.get("/lotteries/{lottery_id}")
def get_lottery(
    studio: StudioOf, _: VisitorOf, session: Transaction, lottery_id: PathId
) -> LotteryObject:
    """Everything that is needed to recompute a lottery; everybody may see it."""
    return _told(studio, session, service.get_lottery(session, lottery_id))


@router.post("/lotteries/{lottery_id}/close")
def close_lottery(
    studio: StudioOf, caller: CallerOf, session: Transaction, lottery_id: PathId
) -> LotteryObject:
    """Fix the list of tickets, once the time for applying has passed (stewards)."""
    return _told(studio, session, service.close(session, caller, lottery_id))


@router.post("/lotteries/{lottery_id}/draw")
def draw_lottery(
    studio: StudioOf, caller: CallerOf, session: Transaction, lottery_id: PathId
) -> LotteryObject:
    """Show the seed, order the tickets, admit those who were drawn (stewards)."""
    return _told(studio, session, service.draw(session, caller, lottery_id))


def _told(studio: Studio, session: Session, lottery: Lottery) -> LotteryObject:
    texts = [
        studio.log.receipt(entry) if entry is not None else None
        for entry in service.entries_of(session, lottery)
    ]
    receipts = LotteryReceipts(announced=texts[0], closed=texts[1], drawn=texts[2])
    return lottery_object(lottery, receipts, str(studio.log.verifier))
