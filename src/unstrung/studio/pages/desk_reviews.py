"""The review queue: one clip at a time, blurred first, and reasons that are read before they are sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from fastapi import Response

from unstrung.studio.assessments.service import Action, ListedClass
from unstrung.studio.database import now
from unstrung.studio.dependencies import Body, BodyOf
from unstrung.studio.pages.create import filled
from unstrung.studio.pages.site import PREFIX, Page
from unstrung.studio.pages.visits import Visit, VisitOf, go, page_router
from unstrung.studio.reviews import service as reviews
from unstrung.studio.reviews.schemas import RefuseShare, ReviewObject, SecondRefusal, review_object
from unstrung.studio.reviews.service import Item, Refusal
from unstrung.studio.showing import links_to
from unstrung.studio.statements.service import Reasons

router = page_router()
_PAGE: Final = 24
_QUEUE: Final = f"{PREFIX}/desk/reviews"


@dataclass(frozen=True, kw_only=True)
class ReviewsPage(Page):
    """The queue.

    Attributes:
        found: oldest due first, without the reader's own clips.
        after: id to go on after; empty at the end.
        done: what was decided last: released, refused, second, returned; else empty.
    """

    template: ClassVar[str] = "desk/reviews.html"
    found: Sequence[ReviewObject]
    after: str
    done: str


@dataclass(frozen=True, kw_only=True)
class ReviewPage(Page):
    """A clip that the reader has claimed.

    Attributes:
        item: the share, with its clip and what it revises.
        seen: the same as the queue tells it.
        video, previous: addresses of the clips; empty if they are gone.
        seconds: length of the clip; None if nobody knows.
        classes: that a refusal may name.
        draft: a refusal that is being written.
        preview: what its owner would read; None before it was asked for.
        until: the claim is the reader's.
    """

    template: ClassVar[str] = "desk/review.html"
    item: Item
    seen: ReviewObject
    video: str
    previous: str
    seconds: float | None
    classes: Sequence[ListedClass]
    draft: Refusal | None
    preview: Reasons | None
    until: datetime | None


@router.get("/desk/reviews")
def show_reviews(visit: VisitOf, after: str = "", done: str = "") -> Response:
    """What waits for a reviewer."""
    caller = visit.must_have_any("review")
    found, has_more = reviews.list_waiting(visit.session, caller, after or None, _PAGE)
    moment = now()
    page = ReviewsPage(
        title=visit.say("Review queue"), done=done, after=found[-1].share.id if has_more else "",
        found=[review_object(each.share, each.proposal, caller.person_id, moment) for each in found],
    )  # fmt: skip
    return visit.show(page)


@router.get("/desk/reviews/{share_id}")
def show_review(visit: VisitOf, share_id: str) -> Response:
    """A claimed clip."""
    caller = visit.must_have_any("review")
    return visit.show(_page(visit, reviews.get_item(visit.session, caller, share_id)))


@router.post("/desk/reviews/{share_id}/claim")
def claim(visit: VisitOf, share_id: str) -> Response:
    """Take a clip for half an hour."""
    reviews.claim(visit.session, visit.must_have_any("review"), share_id)
    return go(f"{_QUEUE}/{share_id}")


@router.post("/desk/reviews/{share_id}/return")
def give_back(visit: VisitOf, share_id: str) -> Response:
    """Give it back without a decision."""
    reviews.unclaim(visit.session, visit.must_have_any("review"), share_id)
    return go(f"{_QUEUE}?done=returned")


@router.post("/desk/reviews/{share_id}/release")
def release(visit: VisitOf, share_id: str) -> Response:
    """Let it be shared."""
    reviews.approve(visit.session, visit.must_have_any("review"), share_id)
    return go(f"{_QUEUE}?done=released")


@router.post("/desk/reviews/{share_id}/preview")
def preview_refusal(visit: VisitOf, body: BodyOf, share_id: str) -> Response:
    """Show the reasons as their owner would read them; nothing is decided by this."""
    caller, draft = visit.must_have_any("review"), _refusal(body)
    assessor = visit.studio.assessor
    told = reviews.previewed(visit.session, assessor, caller, share_id, draft)
    item = reviews.get_item(visit.session, caller, share_id)
    return visit.show(_page(visit, item, draft, told))


@router.post("/desk/reviews/{share_id}/refuse")
def refuse(visit: VisitOf, body: BodyOf, share_id: str) -> Response:
    """Refuse it with the reasons that were read."""
    caller, assessor = visit.must_have_any("review"), visit.studio.assessor
    decision = reviews.refuse(visit.session, assessor, caller, share_id, _refusal(body))
    return go(f"{_QUEUE}?done={'refused' if decision.effective_at else 'second'}")


@router.post("/desk/reviews/{share_id}/second")
def second(visit: VisitOf, body: BodyOf, share_id: str) -> Response:
    """Agree or disagree with another reviewer's refusal."""
    caller, agrees = visit.must_have_any("review"), body.as_a(SecondRefusal).agrees
    reviews.second(visit.session, caller, share_id, agrees)
    return go(f"{_QUEUE}?done=refused" if agrees else f"{_QUEUE}/{share_id}")


def _refusal(body: Body) -> Refusal:
    asked = filled(body).as_a(RefuseShare)
    return Refusal(
        asked.clause, asked.facts.strip(), asked.category, asked.suggested_change.strip(),
        asked.starts_s, asked.ends_s,
    )  # fmt: skip


def _page(
    visit: Visit, item: Item, draft: Refusal | None = None, preview: Reasons | None = None
) -> ReviewPage:
    caller, folder = visit.member, f"/programme/v1/reviews/{item.share.id}"
    result = (item.video.result if item.video else None) or {}
    base = visit.studio.settings.base_url

    def address(which: str) -> str:
        signed = links_to(visit.studio, f"{folder}/{which}", caller.person_id)
        return signed.video.removeprefix(base)

    listed = visit.studio.assessor.listed(visit.reader.language.code)
    return ReviewPage(
        title=visit.say("Review a clip"), item=item,
        seen=review_object(item.share, item.proposal, caller.person_id, now()),
        video=address("clip") if item.video else "",
        previous=address("previous") if item.previous_video else "",
        seconds=result.get("duration_seconds"), draft=draft, preview=preview,
        classes=[each for each in listed if each.action != Action.LABEL],
        until=item.share.claimed_until,
    )  # fmt: skip
