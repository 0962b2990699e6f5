"""Routes of lotteries: parse, call, tell."""

from fastapi import APIRouter
from sqlalchemy.orm import Session

from unstrung.studio.admission.routes import PathId
from unstrung.studio.applications.routes import TokenOf
from unstrung.studio.dependencies import (
    BodyOf,
    CallerOf,
    Studio,
    StudioOf,
    Transaction,
    body_schema,
)
from unstrung.studio.errors import InvalidField
from unstrung.studio.lotteries import service
from unstrung.studio.lotteries.models import Lottery, LotteryContribution
from unstrung.studio.lotteries.schemas import (
    AnnounceLottery,
    ContributePhrase,
    ContributionObject,
    DrawLottery,
    LotteryList,
    LotteryObject,
    LotteryReceipts,
    OpenPhrase,
    contribution_object,
    lottery_object,
    lottery_row,
)
from unstrung.studio.lotteries.service import Plan
from unstrung.studio.visitors import VisitorBodyOf, VisitorOf

router = APIRouter(prefix="/programme/v1", tags=["lotteries"])


@router.post("/lotteries", openapi_extra=body_schema(AnnounceLottery))
def announce_lottery(
    studio: StudioOf, caller: CallerOf, body: BodyOf, session: Transaction
) -> LotteryObject:
    """Announce a draw for seats (stewards); its secret is committed to in the log at once."""
    asked = body.as_a(AnnounceLottery)
    if (asked.drand_chain is None) != (asked.drand_round is None):
        raise InvalidField("drand_chain and drand_round belong together", "drand_round")
    drand = None
    if asked.drand_chain is not None and asked.drand_round is not None:
        drand = (asked.drand_chain, asked.drand_round)
    plan = Plan(asked.cohort_id, asked.seats, asked.closes_at, asked.open_for_hours, drand)
    return _told(studio, session, service.announce(session, caller, plan))


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
    """Fix tickets and seals, once the time for applying has passed (stewards)."""
    return _told(studio, session, service.close(session, caller, lottery_id))


@router.post("/lotteries/{lottery_id}/draw", openapi_extra=body_schema(DrawLottery))
def draw_lottery(
    studio: StudioOf, caller: CallerOf, body: BodyOf, session: Transaction, lottery_id: PathId
) -> LotteryObject:
    """Show the secret, order the tickets, admit those who were drawn (stewards)."""
    asked = body.as_a(DrawLottery)
    return _told(studio, session, service.draw(session, caller, lottery_id, asked.drand_randomness))


@router.put("/applications/{application_id}/phrase", openapi_extra=body_schema(ContributePhrase))
def contribute_phrase(
    token: TokenOf, body: VisitorBodyOf, session: Transaction, application_id: PathId
) -> ContributionObject:
    """Put a phrase or a seal of one's own into the open draw, for whoever has the application's token."""
    asked = body.as_a(ContributePhrase)
    return _put(service.contribute(session, application_id, token, asked.phrase, asked.seal))


@router.get("/applications/{application_id}/phrase")
def get_phrase(token: TokenOf, session: Transaction, application_id: PathId) -> ContributionObject:
    """What an applicant has put into the newest draw."""
    return _put(service.get_own_contribution(session, application_id, token))


@router.post("/applications/{application_id}/phrase/open", openapi_extra=body_schema(OpenPhrase))
def open_phrase(
    token: TokenOf, body: VisitorBodyOf, session: Transaction, application_id: PathId
) -> ContributionObject:
    """Open one's seal, after the list was fixed and before the draw."""
    asked = body.as_a(OpenPhrase)
    return _put(service.open_seal(session, application_id, token, asked.phrase))


def _told(studio: Studio, session: Session, lottery: Lottery) -> LotteryObject:
    texts = [
        studio.log.receipt(entry) if entry is not None else None
        for entry in service.entries_of(session, lottery)
    ]
    receipts = LotteryReceipts(announced=texts[0], closed=texts[1], drawn=texts[2])
    return lottery_object(lottery, receipts, str(studio.log.verifier))


def _put(found: tuple[LotteryContribution, Lottery]) -> ContributionObject:
    contribution, lottery = found
    return contribution_object(contribution, lottery, service.opens_until(lottery))
