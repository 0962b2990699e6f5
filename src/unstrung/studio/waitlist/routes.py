"""Routes of the waitlist: parse, call, tell."""

from typing import Annotated

from fastapi import APIRouter, Query

from unstrung.studio.admission import service as admission
from unstrung.studio.dependencies import Transaction
from unstrung.studio.invitations import service as invitations
from unstrung.studio.visitors import VisitorOf
from unstrung.studio.waitlist import service
from unstrung.studio.waitlist.schemas import WaitlistObject, forecast_object

router = APIRouter(prefix="/programme/v1", tags=["applications"])


@router.get("/waitlist")
def get_waitlist(
    _: VisitorOf,
    session: Transaction,
    cohort_id: Annotated[str, Query(max_length=64, pattern=r"^[\w-]+$")],
) -> WaitlistObject:
    """How long a cohort's waitlist is, its rule, and a forecast; everybody may see it."""
    cohort = admission.find_cohort(session, cohort_id)
    place = service.waitlist_of(session, cohort)
    return WaitlistObject(
        cohort_id=cohort.id,
        waiting=place.waiting,
        rule=service.RULE,
        forecast=forecast_object(place.forecast_days, place.free_seats, place.freed_seats),
        num_declined=invitations.num_declines(session, cohort.id),
        admitted_out_of_turn=list(service.out_of_turn(session, cohort.id)),
    )
