"""Wire format of reviews: what reviewers decide, and what they are told, which is nobody's name."""

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, Field, StrictBool

from unstrung.studio.fields import StrictRequest
from unstrung.studio.reviews.models import Outcome, ReviewDecision
from unstrung.studio.shares.models import Audience, Share
from unstrung.studio.shares.schemas import HeldObject, held_objects
from unstrung.studio.videos.schemas import Links

_WORDS = r"^[^\x00]*\S[^\x00]*$"
_Words = Annotated[str, Field(min_length=10, max_length=2_000, pattern=_WORDS)]


class RefuseShare(StrictRequest):
    """Refuse a clip, with complete reasons."""

    clause: Literal["sharing", "never-shared"] = Field(description="Of the charter.")
    category: str = Field(
        min_length=1, max_length=40, description="Name of a class of the public list."
    )
    facts: _Words = Field(
        description="What is to be seen, so that the author can check it. It becomes public: name nobody."
    )
    suggested_change: _Words = Field(description="What would make the clip acceptable.")
    starts_s: float | None = Field(None, ge=0, description="Seconds of the clip at issue.")
    ends_s: float | None = Field(None, gt=0)


class SecondRefusal(StrictRequest):
    """Agree or disagree with a refusal, as another reviewer."""

    agrees: StrictBool


BODIES: Final = (RefuseShare, SecondRefusal)


class ListReviews(StrictRequest):
    """Which page of the queue is wanted."""

    after: str | None = Field(
        None, max_length=64, description="Id of the last share of the page before."
    )
    limit: int = Field(20, ge=1, le=100, description="Most shares of the page.")


class ReviewObject(BaseModel):
    """A share in the queue: what it waits for, before anybody has to look at it."""

    id: str
    object: Literal["review"] = "review"
    wants: Literal["decision", "second_opinion"]
    audience: Audience
    held: list[HeldObject]
    is_revision: bool
    created_at: datetime
    due_at: datetime | None
    is_released_by_clock: bool
    claim: Literal["none", "yours", "another"]
    claimed_until: datetime | None


class ReviewList(BaseModel):
    """A page of the queue, oldest due first."""

    object: Literal["list"] = "list"
    data: list[ReviewObject]
    first_id: str | None
    last_id: str | None
    has_more: bool


class ProposalObject(BaseModel):
    """A refusal that another reviewer proposes."""

    clause: str
    category: str
    facts: str
    suggested_change: str
    starts_s: float | None
    ends_s: float | None


class PreviousObject(BaseModel):
    """The refused clip that this one revises, and why it was refused."""

    prompt: str | None
    links: Links | None
    facts: str | None
    suggested_change: str | None
    starts_s: float | None
    ends_s: float | None


class ClaimedReviewObject(ReviewObject):
    """A share for the eyes of the reviewer who has claimed it."""

    prompt: str | None
    note: str | None = Field(description="The author's words to the reviewer.")
    links: Links | None
    proposal: ProposalObject | None
    previous: PreviousObject | None


class DecisionObject(BaseModel):
    """A reviewer's decision."""

    id: str
    object: Literal["review_decision"] = "review_decision"
    share_id: str
    outcome: Outcome
    state: Literal["effective", "waits_for_second_opinion", "dropped"]
    decided_at: datetime
    statement_id: str | None


class ReviewReleased(BaseModel):
    """A share is back in the queue."""

    id: str
    object: Literal["review.released"] = "review.released"


class ReviewFigures(BaseModel):
    """What is published about reviews; shares are null while there is nothing to count."""

    object: Literal["figures.reviews"] = "figures.reviews"
    decisions: int
    refusals: int
    refusal_rate: float | None
    appealed_refusals: int = Field(description="Refusals about which an appeal was decided.")
    precision: float | None = Field(description="Upheld among appealed refusals.")
    overturn_rate: float | None = Field(description="Overturned among appealed refusals.")
    median_review_s: float | None = Field(description="From sharing to decision [s].")
    p95_review_s: float | None
    overdue_releases: int = Field(description="Clips that the clock released.")
    waiting: int


def review_object(
    shared: Share, proposal: ReviewDecision | None, person_id: str, moment: datetime
) -> ReviewObject:
    """A row as reviewers see it in the queue."""
    is_claimed = shared.claimed_until is not None and shared.claimed_until > moment
    claim: Literal["none", "yours", "another"] = "none"
    if is_claimed:
        claim = "yours" if shared.claimed_by == person_id else "another"
    return ReviewObject(
        id=shared.id,
        wants="decision" if proposal is None else "second_opinion",
        audience=shared.audience,
        held=held_objects(shared),
        is_revision=shared.revises is not None,
        created_at=shared.created_at,
        due_at=shared.due_at,
        is_released_by_clock=not shared.is_hard_illegal,
        claim=claim,
        claimed_until=shared.claimed_until if is_claimed else None,
    )


def proposal_object(proposal: ReviewDecision | None) -> ProposalObject | None:
    """A refusal that waits for a second reviewer, if there is one; who proposed it is not told."""
    if proposal is None or proposal.reasons is None:
        return None
    return ProposalObject.model_validate(proposal.reasons)


def decision_object(decision: ReviewDecision) -> DecisionObject:
    """A row as its reviewer sees it."""
    state: Literal["effective", "waits_for_second_opinion", "dropped"] = "waits_for_second_opinion"
    if decision.effective_at is not None:
        state = "effective"
    elif decision.dropped_at is not None:
        state = "dropped"
    return DecisionObject(
        id=decision.id,
        share_id=decision.share_id,
        outcome=decision.outcome,
        state=state,
        decided_at=decision.decided_at,
        statement_id=decision.statement_id,
    )
