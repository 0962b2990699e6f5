"""Routes of reviews: parse, call, tell."""

from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from unstrung.studio.access.service import Caller
from unstrung.studio.appeals import service as appeals
from unstrung.studio.database import now
from unstrung.studio.dependencies import (
    BodyOf,
    CallerOf,
    Studio,
    StudioOf,
    Transaction,
    body_schema,
)
from unstrung.studio.errors import NotFound
from unstrung.studio.reviews import service
from unstrung.studio.reviews.schemas import (
    ClaimedReviewObject,
    DecisionObject,
    ListReviews,
    PreviousObject,
    RefuseShare,
    ReviewFigures,
    ReviewList,
    ReviewReleased,
    SecondRefusal,
    decision_object,
    proposal_object,
    review_object,
)
from unstrung.studio.reviews.service import Item, Refusal
from unstrung.studio.shares.routes import FILES
from unstrung.studio.showing import (
    Expires,
    ShownVariant,
    Signature,
    Viewer,
    links_to,
    must_be_signed,
    sent,
)
from unstrung.studio.visitors import ReaderOf

router = APIRouter(prefix="/programme/v1", tags=["reviews"])


@router.get("/reviews")
def list_reviews(
    caller: CallerOf, session: Transaction, wanted: Annotated[ListReviews, Query()]
) -> ReviewList:
    """What waits for a reviewer, oldest due first, without the caller's own clips; for reviewers."""
    found, has_more = service.list_waiting(session, caller, wanted.after, wanted.limit)
    moment = now()
    return ReviewList(
        data=[review_object(each.share, each.proposal, caller.person_id, moment) for each in found],
        first_id=found[0].share.id if found else None,
        last_id=found[-1].share.id if found else None,
        has_more=has_more,
    )


@router.get("/reviews/{share_id}")
def get_review(
    studio: StudioOf, caller: CallerOf, session: Transaction, share_id: str
) -> ClaimedReviewObject:
    """Prompt and clip of a share that the caller has claimed, with the clip that it revises."""
    return _told(studio, caller, service.get_item(session, caller, share_id))


@router.post("/reviews/{share_id}/claim")
def claim_review(
    studio: StudioOf, caller: CallerOf, session: Transaction, share_id: str
) -> ClaimedReviewObject:
    """Take a share for half an hour; nobody else decides it meanwhile."""
    return _told(studio, caller, service.claim(session, caller, share_id))


@router.delete("/reviews/{share_id}/claim")
def release_claim(caller: CallerOf, session: Transaction, share_id: str) -> ReviewReleased:
    """Give a share back to the queue without a decision."""
    service.unclaim(session, caller, share_id)
    return ReviewReleased(id=share_id)


@router.post("/reviews/{share_id}/approve")
def approve_share(caller: CallerOf, session: Transaction, share_id: str) -> DecisionObject:
    """Release a share that the caller has claimed."""
    return decision_object(service.approve(session, caller, share_id))


@router.post("/reviews/{share_id}/refuse", openapi_extra=body_schema(RefuseShare))
def refuse_share(
    studio: StudioOf, caller: CallerOf, body: BodyOf, session: Transaction, share_id: str
) -> DecisionObject:
    """Refuse a share that the caller has claimed; some refusals wait for a second reviewer."""
    asked = body.as_a(RefuseShare)
    refusal = Refusal(
        asked.clause, asked.facts.strip(), asked.category, asked.suggested_change.strip(),
        asked.starts_s, asked.ends_s,
    )  # fmt: skip
    return decision_object(service.refuse(session, studio.assessor, caller, share_id, refusal))


@router.post("/reviews/{share_id}/second", openapi_extra=body_schema(SecondRefusal))
def second_refusal(
    caller: CallerOf, body: BodyOf, session: Transaction, share_id: str
) -> DecisionObject:
    """Agree or disagree with a refusal that waits for a second reviewer."""
    agrees = body.as_a(SecondRefusal).agrees
    return decision_object(service.second(session, caller, share_id, agrees))


@router.head("/reviews/{share_id}/{which}/{variant}", include_in_schema=False)
@router.get(
    "/reviews/{share_id}/{which}/{variant}", response_class=StreamingResponse, responses=FILES
)
def get_review_file(
    request: Request,
    studio: StudioOf,
    share_id: str,
    which: Literal["clip", "previous"],
    variant: ShownVariant,
    viewer: Viewer,
    expires: Expires,
    signature: Signature,
) -> Response:
    """A file of a clip under review, or of the one that it revises, for the reviewer who has it."""
    must_be_signed(studio, request, viewer, expires, signature)
    with studio.database.transaction() as session:
        video = service.watched(session, viewer, share_id, which == "previous")
    if video is None:
        raise NotFound("There is no such clip any more.", "share_id", "video_not_found")
    return sent(request, studio, video, variant)


@router.get("/figures/reviews")
def get_review_figures(_: ReaderOf, session: Transaction) -> ReviewFigures:
    """How many clips are refused, how often that was wrong, and how long it takes; for everybody."""
    return ReviewFigures(**asdict(appeals.review_figures(session)))


def _told(studio: Studio, caller: Caller, item: Item) -> ClaimedReviewObject:
    shared, folder = item.share, f"/programme/v1/reviews/{item.share.id}"
    seen = review_object(shared, item.proposal, caller.person_id, now())
    return ClaimedReviewObject(
        **seen.model_dump(),
        prompt=item.video.prompt if item.video else None,
        note=shared.note,
        links=links_to(studio, f"{folder}/clip", caller.person_id) if item.video else None,
        proposal=proposal_object(item.proposal),
        previous=_previous(studio, caller, item, folder),
    )


def _previous(studio: Studio, caller: Caller, item: Item, folder: str) -> PreviousObject | None:
    if item.previous is None:
        return None
    video, why = item.previous_video, item.previous_statement
    return PreviousObject(
        prompt=video.prompt if video else None,
        links=links_to(studio, f"{folder}/previous", caller.person_id) if video else None,
        facts=why.decision_facts if why else None,
        suggested_change=why.suggested_change if why else None,
        starts_s=why.starts_s if why else None,
        ends_s=why.ends_s if why else None,
    )
