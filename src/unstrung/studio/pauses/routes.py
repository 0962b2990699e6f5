"""Routes of pauses: parse, call, tell."""

from fastapi import APIRouter
from sqlalchemy.orm import Session

from unstrung.studio.admission import service as admission
from unstrung.studio.admission.service import Right
from unstrung.studio.database import now
from unstrung.studio.dependencies import BodyOf, CallerOf, FreshCaller, Transaction, body_schema
from unstrung.studio.pauses import service
from unstrung.studio.pauses.models import Pause
from unstrung.studio.pauses.schemas import (
    EndPause,
    PauseList,
    PauseObject,
    ProposePause,
    pause_object,
)
from unstrung.studio.pauses.service import Order
from unstrung.studio.visitors import ReaderOf

router = APIRouter(prefix="/programme/v1", tags=["pauses"])


@router.post("/pauses", openapi_extra=body_schema(ProposePause))
def propose_pause(caller: FreshCaller, body: BodyOf, session: Transaction) -> PauseObject:
    """Pause a key, a person, a cohort or everybody; some wait for a second steward."""
    asked = body.as_a(ProposePause)
    order = Order(
        asked.level, asked.target_id, asked.ground, asked.reason, asked.resume_plan,
        asked.expires_at, asked.confidence_id,
    )  # fmt: skip
    return _told(service.propose(session, caller, order), True)


@router.post("/pauses/{pause_id}/second")
def second_pause(caller: FreshCaller, session: Transaction, pause_id: str) -> PauseObject:
    """Agree, as another steward, to a pause that was proposed; it is in force from then on."""
    return _told(service.second(session, caller, pause_id), True)


@router.post("/pauses/{pause_id}/end", openapi_extra=body_schema(EndPause))
def end_pause(
    caller: FreshCaller, body: BodyOf, session: Transaction, pause_id: str
) -> PauseObject:
    """End a pause before it lapses."""
    asked = body.as_a(EndPause)
    return _told(service.end(session, caller, pause_id, asked.reason), True)


@router.get("/pauses")
def list_pauses(_: ReaderOf, session: Transaction) -> PauseList:
    """All pauses that are or were in force; whom a pause stopped is not told here."""
    return PauseList(data=[_told(pause, False) for pause in service.list_pauses(session)])


@router.get("/pauses/proposals")
def list_proposals(caller: CallerOf, session: Transaction) -> PauseList:
    """Pauses that wait for a second steward; for stewards."""
    admission.must_have_right(session, caller.person_id, Right.PAUSE)
    return PauseList(data=[_told(pause, True) for pause in service.list_proposals(session)])


@router.get("/pauses/mine")
def list_mine(caller: CallerOf, session: Transaction) -> PauseList:
    """Pauses that stop the caller now."""
    found = service.list_stopping(session, caller)
    return PauseList(data=[_told(pause, True) for pause in found])


@router.get("/pauses/{pause_id}")
def get_pause(caller: CallerOf, session: Transaction, pause_id: str) -> PauseObject:
    """One pause, whole for stewards and for those whom it stops."""
    pause = service.get_pause(session, pause_id)
    return _told(pause, _is_concerned(session, caller.person_id, pause))


def _is_concerned(session: Session, person_id: str, pause: Pause) -> bool:
    return admission.has_right(session, person_id, Right.PAUSE) or service.concerns(
        session, pause, person_id
    )


def _told(pause: Pause, is_concerned: bool) -> PauseObject:
    return pause_object(pause, service.seconds_to_stop(pause), is_concerned, now())
