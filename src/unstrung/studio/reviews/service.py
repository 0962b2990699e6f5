"""Rules of reviews: oldest due first, one reviewer at a time, nobody their own, complete reasons or none.

A reviewer sees prompt and clip, and neither who the author is nor what else the author said. Whether a second
reviewer is needed is found here, and why is told to nobody. After the clock, a decision comes too late.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from unstrung.studio.access.service import Caller
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.service import Right
from unstrung.studio.assessments.service import Action, Assessor, ListedClass
from unstrung.studio.database import now
from unstrung.studio.errors import Conflict, Forbidden, InvalidField
from unstrung.studio.identity import new_id
from unstrung.studio.log import service as log
from unstrung.studio.log.models import EntryKind
from unstrung.studio.pauses import service as pauses
from unstrung.studio.pauses.models import ProtectedAct
from unstrung.studio.reviews.models import Outcome, ReviewDecision
from unstrung.studio.shares import service as shares
from unstrung.studio.shares.models import Share, ShareStatus
from unstrung.studio.statements import service as statements
from unstrung.studio.statements.models import Statement, SubjectKind
from unstrung.studio.statements.service import Reasons
from unstrung.studio.videos.models import Video

CLAIM_FOR: Final = timedelta(minutes=30)
# Clauses of the charter that a share can be against; criticism of anybody is against none.
CLAUSES: Final = ("sharing", "never-shared")
_SLACK_S: Final = 0.5  # a clip may be shorter by this than it is said to be


@dataclass(frozen=True)
class Refusal:
    """Why a share is refused, complete.

    Attributes:
        clause: of the charter, one of `CLAUSES`.
        facts: what is to be seen or heard, in sentences that its author can check; they become public.
        category: a class of the closed list.
        suggested_change: what would make the clip acceptable.
        starts_s, ends_s: seconds of the clip at issue, or None for all of it.
    """

    clause: str
    facts: str
    category: str
    suggested_change: str
    starts_s: float | None = None
    ends_s: float | None = None


@dataclass(frozen=True)
class Item:
    """One share as a reviewer has it.

    Attributes:
        share: what waits.
        video: its clip; None once the owner deleted it.
        proposal: a refusal that waits for a second reviewer.
        previous, previous_video, previous_statement: the refused share that it revises, its clip, and why.
    """

    share: Share
    video: Video | None
    proposal: ReviewDecision | None
    previous: Share | None = None
    previous_video: Video | None = None
    previous_statement: Statement | None = None


def list_waiting(
    session: Session, caller: Caller, after: str | None, limit: int
) -> tuple[Sequence[Item], bool]:
    """A page of what waits for a reviewer, oldest due first, without the caller's own clips.

    Raises:
        Forbidden: if the caller is no reviewer.
        NotFound: if `after` is no share.
    """
    _must_review(session, caller)
    query = _waiting().where(Share.person_id.is_distinct_from(caller.person_id))
    if after is not None:
        marker = shares.find(session, after)
        query = query.where(
            or_(
                Share.due_at > marker.due_at,
                and_(Share.due_at == marker.due_at, Share.id > marker.id),
            )
        )
    rows = session.execute(query.order_by(Share.due_at, Share.id).limit(limit + 1)).all()
    return [Item(*row) for row in rows[:limit]], len(rows) > limit


def get_item(session: Session, caller: Caller, share_id: str) -> Item:
    """All that its reviewer may see of a share, with the clip that it revises.

    Raises:
        Forbidden: if the caller is no reviewer, or owns it.
        NotFound: if there is none.
        Conflict: if the caller has not claimed it, or it waits no more.
    """
    _must_review(session, caller)
    shared = shares.find(session, share_id)
    _must_be_held_by(shared, caller.person_id)
    return _item(session, shared)


def claim(session: Session, caller: Caller, share_id: str) -> Item:
    """Take a share for half an hour; claiming it again begins the half hour anew.

    Raises:
        Forbidden: if the caller is no reviewer, owns it, or asked for the second opinion on it.
        NotFound: if there is none.
        Conflict: if another reviewer has it, or it waits no more.
    """
    _must_review(session, caller, acts=True)
    shared = shares.locked(session, share_id)
    _must_wait(shared, caller)
    moment = now()
    is_taken = shared.claimed_until is not None and shared.claimed_until > moment
    if is_taken and shared.claimed_by != caller.person_id:
        raise Conflict(
            f"Another reviewer has '{share_id}' until {shared.claimed_until:%H:%M} UTC; take the next.",
            "share_id",
            "review_claimed",
        )
    proposal = _open_proposal(session, share_id)
    if proposal is not None and proposal.decided_by == caller.person_id:
        raise Forbidden(
            "Another reviewer must look at this refusal, which is yours.", code="second_opinion"
        )
    shared.claimed_by, shared.claimed_until = caller.person_id, moment + CLAIM_FOR
    session.flush()
    return _item(session, shared)


def unclaim(session: Session, caller: Caller, share_id: str) -> None:
    """Give a share back to the queue without a decision; its clock has gone on.

    Raises:
        Forbidden: if the caller is no reviewer, or owns it.
        NotFound: if there is none.
        Conflict: if the caller has not claimed it, or it waits no more.
    """
    _must_review(session, caller, acts=True)
    shared = shares.locked(session, share_id)
    _must_be_held_by(shared, caller.person_id)
    shared.claimed_until = None
    session.flush()


def approve(session: Session, caller: Caller, share_id: str) -> ReviewDecision:
    """Release a share; one reviewer is enough for that.

    Raises:
        Forbidden: if the caller is no reviewer, or owns it.
        NotFound: if there is none.
        Conflict: if the caller has not claimed it, it waits no more, or a refusal waits for a second opinion.
    """
    shared = _to_decide(session, caller, share_id)
    decision = _decision(shared, caller, Outcome.APPROVE, None, needs_second=False)
    decision.effective_at = decision.decided_at
    session.add(decision)
    session.flush()
    shares.approve(session, shared)
    log.record(session, EntryKind.REVIEW_DECIDED, _logged(decision), shared.person_id)
    return decision


def refuse(
    session: Session, assessor: Assessor, caller: Caller, share_id: str, refusal: Refusal
) -> ReviewDecision:
    """Refuse a share with complete reasons, at once or as soon as a second reviewer agrees.

    Raises:
        Forbidden: if the caller is no reviewer, or owns it.
        NotFound: if there is none.
        Conflict: if the caller has not claimed it, it waits no more, or a refusal waits for a second opinion.
        InvalidField: naming what is incomplete.
    """
    shared = _to_decide(session, caller, share_id)
    risk = _check(session, assessor, shared, refusal)
    needs_second = _is_protected(session, shared.person_id)
    reasons = _given(shared, refusal, risk)
    decision = _decision(shared, caller, Outcome.REFUSE, reasons, needs_second)
    session.add(decision)
    # Found by a person or by a program: what law forbids is not released by a clock.
    shared.is_hard_illegal = shared.is_hard_illegal or risk.is_hard_illegal
    shared.claimed_until = None
    session.flush()
    if not needs_second:
        _take_effect(session, shared, decision)
    return decision


def previewed(
    session: Session, assessor: Assessor, caller: Caller, share_id: str, refusal: Refusal
) -> Reasons:
    """The reasons that a refusal would give its owner, for the reviewer to read before deciding.

    Raises:
        Forbidden, NotFound, Conflict, InvalidField: as `refuse`.
    """
    shared = _to_decide(session, caller, share_id)
    risk = _check(session, assessor, shared, refusal)
    return _reasons(shared, _given(shared, refusal, risk), caller.person_id)


def second(session: Session, caller: Caller, share_id: str, agrees: bool) -> ReviewDecision:
    """Say, as another reviewer who claimed it, whether a refusal shall have effect.

    Whoever disagrees keeps the claim, and may decide otherwise.

    Raises:
        Forbidden: if the caller is no reviewer, or owns it.
        NotFound: if there is none.
        Conflict: if the caller has not claimed it, it waits no more, or nothing waits for a second opinion.
    """
    _must_review(session, caller, acts=True)
    shared = shares.locked(session, share_id)
    _must_be_held_by(shared, caller.person_id)
    decision = _open_proposal(session, share_id)
    if decision is None:
        raise Conflict(
            f"No refusal of '{share_id}' waits for a second opinion; decide instead.",
            "share_id",
            "no_second_wanted",
        )
    decision.seconded_by = caller.person_id
    if agrees:
        _take_effect(session, shared, decision)
    else:
        decision.dropped_at = now()
        shared.is_hard_illegal = any(each["is_hard_illegal"] for each in shared.held)
        session.flush()
        log.record(session, EntryKind.REVIEW_DECIDED, _logged(decision), shared.person_id)
    return decision


def watched(session: Session, person_id: str, share_id: str, is_previous: bool) -> Video | None:
    """The clip behind a reviewer's link, or the one that it revises; asked anew each time it is played.

    Raises:
        Forbidden, NotFound, Conflict: unless that reviewer has the share now.
    """
    admission.must_have_right(session, person_id, Right.REVIEW)
    shared = shares.find(session, share_id)
    _must_be_held_by(shared, person_id)
    item = _item(session, shared)
    return item.previous_video if is_previous else item.video


def took_part(share_id: Any, person_id: Any) -> ColumnElement[bool]:
    """Whether somebody decided, seconded or last had a share; both may be columns of an enclosing query."""
    decided = select(ReviewDecision.id).where(
        ReviewDecision.share_id == share_id,
        or_(ReviewDecision.decided_by == person_id, ReviewDecision.seconded_by == person_id),
    )
    had = select(Share.id).where(Share.id == share_id, Share.claimed_by == person_id)
    return or_(
        decided.correlate_except(ReviewDecision).exists(), had.correlate_except(Share).exists()
    )


def _must_review(session: Session, caller: Caller, acts: bool = False) -> None:
    """Refuse whoever is no reviewer."""
    if acts:
        shares.must_be_trusted(session, caller)
    else:
        shares.must_read(caller)
    admission.must_have_right(session, caller.person_id, Right.REVIEW)


def _must_wait(shared: Share, caller: Caller) -> None:
    _must_not_own(shared, caller.person_id)
    if shares.status_of(shared, now()) != ShareStatus.WAITING:
        raise _over(shared)


def _must_be_held_by(shared: Share, person_id: str) -> None:
    _must_not_own(shared, person_id)
    moment = now()
    if shares.status_of(shared, moment) != ShareStatus.WAITING:
        raise _over(shared)
    is_held = shared.claimed_until is not None and shared.claimed_until > moment
    if not is_held or shared.claimed_by != person_id:
        raise Conflict(
            f"You have not claimed '{shared.id}', or your half hour is over; claim it first.",
            "share_id",
            "not_claimed",
        )


def _must_not_own(shared: Share, person_id: str) -> None:
    if shared.person_id == person_id:
        raise Forbidden("Nobody reviews a clip of their own.", code="own_share")


def _over(shared: Share) -> Conflict:
    return Conflict(
        f"The share '{shared.id}' waits no more: it is {shares.status_of(shared, now())}.",
        "share_id",
        "review_over",
    )


def _to_decide(session: Session, caller: Caller, share_id: str) -> Share:
    _must_review(session, caller, acts=True)
    shared = shares.locked(session, share_id)
    _must_be_held_by(shared, caller.person_id)
    if _open_proposal(session, share_id) is not None:
        raise Conflict(
            f"A refusal of '{share_id}' waits for a second opinion; agree or disagree first.",
            "share_id",
            "second_opinion_wanted",
        )
    return shared


def _check(session: Session, assessor: Assessor, shared: Share, refusal: Refusal) -> ListedClass:
    """The class of a refusal whose reasons are complete."""
    listed = {each.name: each for each in assessor.listed() if each.action != Action.LABEL}
    if refusal.category not in listed:
        raise InvalidField(
            f"category must be one of {', '.join(listed)}, got {refusal.category[:40]!r}; there is no other "
            "ground for a refusal",
            "category",
        )
    risk = listed[refusal.category]
    if refusal.clause not in CLAUSES or (refusal.clause == "never-shared") != risk.is_hard_illegal:
        fix = "never-shared" if risk.is_hard_illegal else "sharing"
        raise InvalidField(
            f"clause must be '{fix}' for the category '{risk.name}', got {refusal.clause[:40]!r}",
            "clause",
        )
    _check_range(session, shared, refusal)
    return risk


def _check_range(session: Session, shared: Share, refusal: Refusal) -> None:
    begins, ends = refusal.starts_s, refusal.ends_s
    if begins is None and ends is None:
        return
    if begins is None or ends is None:
        missing = "starts_s" if begins is None else "ends_s"
        raise InvalidField(
            f"{missing} must be given with the other end of the time range, or neither", missing
        )
    video = session.get(Video, shared.video_id) if shared.video_id else None
    most = float(((video.result if video else None) or {}).get("duration_seconds", ends))
    if not 0 <= begins < ends <= most + _SLACK_S:
        raise InvalidField(
            f"ends_s must lie after starts_s and within the clip's {most:g} s, got {begins:g} to {ends:g}",
            "ends_s",
        )


def _take_effect(session: Session, shared: Share, decision: ReviewDecision) -> None:
    """Refuse a share, and tell its owner why."""
    assert decision.reasons is not None
    reasons = _reasons(shared, decision.reasons, decision.decided_by)
    subject = (SubjectKind.SHARE, shared.id)
    statement = statements.issue(session, shared.person_id, subject, reasons)
    decision.statement_id, decision.effective_at = statement.id, now()
    shares.refuse(session, shared, statement.id)
    log.record(session, EntryKind.REVIEW_DECIDED, _logged(decision), shared.person_id)


def _given(shared: Share, refusal: Refusal, risk: ListedClass) -> dict[str, Any]:
    """A refusal as its decision keeps it."""
    return {
        **asdict(refusal), "dsa_category": risk.category, "ground": risk.ground, "law": risk.law,
        "what": risk.what, "automated": bool(shared.held),
    }  # fmt: skip


def _reasons(shared: Share, given: dict[str, Any], decided_by: str | None) -> Reasons:
    begins, ends = given["starts_s"], given["ends_s"]
    passages = [each for found in shared.held for each in found["passages"]]
    return Reasons(
        clause=given["clause"],
        facts=given["facts"],
        category=given["dsa_category"],
        explanation=f"The clause '{given['clause']}' of the charter covers: {given['what']}",
        ground=given["ground"],
        legal_ground=given["law"],
        visibility=("DECISION_VISIBILITY_CONTENT_DISABLED",),
        is_automated_detection=given["automated"],
        time_range=None if begins is None else (begins, ends),
        suggested_change=given["suggested_change"],
        passages=tuple(passages),
        decided_by=decided_by,
    )


def _decision(
    shared: Share,
    caller: Caller,
    outcome: Outcome,
    reasons: dict[str, Any] | None,
    needs_second: bool,
) -> ReviewDecision:
    return ReviewDecision(
        id=new_id("decision"),
        share_id=shared.id,
        outcome=outcome,
        reasons=reasons,
        decided_by=caller.person_id,
        decided_at=now(),
        needs_second=needs_second,
    )


def _is_protected(session: Session, person_id: str | None) -> bool:
    """Whether somebody complained, appealed, wrote a letter or refused a task within 30 days."""
    acts = select(ProtectedAct.id).where(
        ProtectedAct.person_id == person_id,
        ProtectedAct.acted_at > now() - pauses.PROTECTED_FOR,
    )
    return bool(session.scalar(select(acts.exists())))


def _is_open() -> ColumnElement[bool]:
    return and_(
        ReviewDecision.needs_second.is_(True),
        ReviewDecision.effective_at.is_(None),
        ReviewDecision.dropped_at.is_(None),
    )


def _open_proposal(session: Session, share_id: str) -> ReviewDecision | None:
    query = select(ReviewDecision).where(ReviewDecision.share_id == share_id, _is_open())
    return session.scalar(query)


def _waiting() -> Any:
    return (
        select(Share, Video, ReviewDecision)
        .outerjoin(Video, Video.id == Share.video_id)
        .outerjoin(ReviewDecision, and_(ReviewDecision.share_id == Share.id, _is_open()))
        .where(
            Share.status == ShareStatus.WAITING, Share.video_id.is_not(None), ~shares.is_overdue()
        )
    )


def _item(session: Session, shared: Share) -> Item:
    def video_of(each: Share | None) -> Video | None:
        return session.get(Video, each.video_id) if each and each.video_id else None

    previous = session.get(Share, shared.revises) if shared.revises else None
    why = (
        session.get(Statement, previous.statement_id)
        if previous and previous.statement_id
        else None
    )
    return Item(
        shared,
        video_of(shared),
        _open_proposal(session, shared.id),
        previous,
        video_of(previous),
        why,
    )


def _logged(decision: ReviewDecision) -> dict[str, Any]:
    """What the log commits to; who decided is not in it."""
    return {
        "id": decision.id, "share_id": decision.share_id, "outcome": str(decision.outcome),
        "needed_second": decision.needs_second, "statement_id": decision.statement_id,
        "effective_at": decision.effective_at and decision.effective_at.isoformat(),
        "dropped_at": decision.dropped_at and decision.dropped_at.isoformat(),
    }  # fmt: skip
