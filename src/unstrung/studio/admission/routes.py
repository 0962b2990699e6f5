"""Routes of cohorts and seats: parse, call, tell."""

from typing import Annotated

from fastapi import APIRouter, Path
from sqlalchemy.orm import Session

from unstrung.studio.access.models import Scope
from unstrung.studio.admission import service
from unstrung.studio.admission.models import Cohort
from unstrung.studio.admission.schemas import (
    ChangeCohort,
    CohortList,
    CohortObject,
    CreateCohort,
    LeftObject,
    SeatObject,
    cohort_object,
    left_object,
)
from unstrung.studio.admission.service import Change, Right
from unstrung.studio.dependencies import BodyOf, CallerOf, StudioOf, Transaction, body_schema
from unstrung.studio.sessions import service as sessions
from unstrung.studio.stages.models import Stage
from unstrung.studio.visitors import VisitorOf

router = APIRouter(prefix="/programme/v1", tags=["admission"])
# What no row can be called is refused before the database is asked for it.
PathId = Annotated[str, Path(max_length=64, pattern=r"^[\w-]+$")]


@router.get("/cohorts")
def list_cohorts(_: VisitorOf, session: Transaction) -> CohortList:
    """All cohorts and how full they are; everybody may see them."""
    return CohortList(
        data=[
            cohort_object(cohort, full.taken, full.held, full.free)
            for cohort, full in service.list_cohorts(session)
        ]
    )


@router.post("/cohorts", openapi_extra=body_schema(CreateCohort))
def create_cohort(caller: CallerOf, body: BodyOf, session: Transaction) -> CohortObject:
    """Add a cohort (stewards)."""
    asked = body.as_a(CreateCohort)
    service.must_act(session, caller, Right.ADMIT)
    cohort = service.create_cohort(
        session, asked.name, asked.seats, asked.purpose, stage=asked.stage
    )
    return _told(session, cohort)


@router.post("/cohorts/{cohort_id}", openapi_extra=body_schema(ChangeCohort))
def change_cohort(
    caller: CallerOf, body: BodyOf, session: Transaction, cohort_id: PathId
) -> CohortObject:
    """Change cap, purpose, stage, or whether applications are taken (stewards)."""
    asked = body.as_a(ChangeCohort)
    change = Change(asked.seats, asked.purpose, asked.stage, asked.takes_applications)
    return _told(session, service.change_cohort(session, caller, cohort_id, change))


@router.get("/seat")
def get_seat(studio: StudioOf, caller: CallerOf, session: Transaction) -> SeatObject:
    """Where the caller stands: seat, roles, and whether new clips may be begun."""
    caller.must_have(Scope.READ)
    seat, stage = service.seat_of(session, caller.person_id), service.current_stage(session)
    cohort = service.find_cohort(session, seat.cohort_id) if seat else None
    return SeatObject(
        person_id=caller.person_id,
        cohort_id=cohort.id if cohort else None,
        cohort_name=cohort.name if cohort else None,
        taken_at=seat.taken_at if seat else None,
        roles=sorted(service.roles_of(session, caller.person_id)),
        stage=stage,
        may_begin_clips=not studio.settings.programme or stage == Stage.OPEN or seat is not None,
    )


@router.post("/leave")
def leave(caller: CallerOf, session: Transaction) -> LeftObject:
    """Leave the programme in one step; the seat is free at once, everything made stays one's own.

    Every session ends but the one that leaves.
    """
    return left_object(sessions.leave_programme(session, caller))


def _told(session: Session, cohort: Cohort) -> CohortObject:
    full = service.occupancy(session, cohort)
    return cohort_object(cohort, full.taken, full.held, full.free)
