"""Rules of appeals: somebody who had no part in the decision hears it, then three testers, on a clock.

An appeal whose clock runs out is won, unless it is about what law forbids. A won appeal undoes the decision
there and then: the share is released, the pause ends, the application waits again, and the statement says
that it was taken back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.orm import Session

from unstrung.studio.access.models import Scope
from unstrung.studio.access.service import Caller
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.models import ProgrammeRole, RoleGrant
from unstrung.studio.appeals.models import Appeal, AppealOutcome, AppealStage, PanelSeat
from unstrung.studio.applications import service as applications
from unstrung.studio.assessments.service import ILLEGAL
from unstrung.studio.database import now
from unstrung.studio.errors import Conflict, NotFound
from unstrung.studio.identity import new_id
from unstrung.studio.log import service as log
from unstrung.studio.log.models import EntryKind
from unstrung.studio.pauses import service as pauses
from unstrung.studio.pauses.models import Pause
from unstrung.studio.reviews import service as reviews
from unstrung.studio.reviews.models import Outcome, ReviewDecision
from unstrung.studio.roles.models import RoleWithdrawal
from unstrung.studio.shares import service as shares
from unstrung.studio.shares.models import Release, Share, ShareStatus
from unstrung.studio.statements import service as statements
from unstrung.studio.statements.models import Statement, SubjectKind
from unstrung.studio.videos import service as videos

HEAR_WITHIN: Final = timedelta(days=7)
PANEL_SIZE: Final = 3
ERASED: Final = "(erased)"
_BY_CLOCK: Final = "Nobody decided within seven days, so the appeal is won."
_TOGETHER: Final = "Another appeal against the same decision was won."


@dataclass(frozen=True)
class Figures:
    """What is published about reviews; shares are None while there is nothing to count.

    Attributes:
        decisions, refusals: that have had effect.
        refusal_rate: refusals among decisions.
        appealed_refusals: refusals that an appeal was decided about.
        precision: upheld among appealed refusals.
        overturn_rate: overturned among appealed refusals.
        median_review_s, p95_review_s: from sharing to decision [s].
        overdue_releases: shares that the clock released.
        waiting: shares that wait now.
    """

    decisions: int
    refusals: int
    refusal_rate: float | None
    appealed_refusals: int
    precision: float | None
    overturn_rate: float | None
    median_review_s: float | None
    p95_review_s: float | None
    overdue_releases: int
    waiting: int


def lodge(session: Session, caller: Caller, statement_id: str, words: str) -> Appeal:
    """Appeal against a decision; a pause does not keep anybody from it.

    Raises:
        Forbidden: if the key may not even read.
        NotFound: if there is no such statement, or it does not concern the caller.
        Conflict: if it was taken back, is being heard, or was heard by the panel.
    """
    statement = _concerning(session, caller, statement_id)
    return _added(session, statement, words, person_id=caller.person_id)


def lodge_for_applicant(session: Session, application_id: str, token: str, words: str) -> Appeal:
    """Appeal against the refusal of an application, as whoever holds its token; no account is needed.

    While it is heard the application takes part in lotteries, so that a won appeal finds its place.

    Raises:
        NotFound: if the token is not this application's.
        Conflict: if it was not refused, is being heard, or was heard by the panel.
    """
    application = applications.contest(session, application_id, token)
    assert application.statement_id is not None, "every refusal has its statement"
    statement = session.get_one(Statement, application.statement_id, with_for_update=True)
    return _added(session, statement, words, application_id=application.id)


def list_for_applicant(session: Session, application_id: str, token: str) -> Sequence[Appeal]:
    """The appeals of an applicant, newest first, decided if their clock has run out.

    Raises:
        NotFound: if the token is not this application's.
    """
    lapse(session)
    applications.get_own(session, application_id, token)
    query = select(Appeal).where(Appeal.application_id == application_id)
    return session.scalars(query.order_by(Appeal.id.desc())).all()


def forget_words(session: Session, application_id: str) -> None:
    """Erase what an applicant wrote in appeals, as withdrawing an application does with all its words."""
    session.execute(
        update(Appeal).where(Appeal.application_id == application_id).values(text=ERASED)
    )


def get_appeal(session: Session, caller: Caller, appeal_id: str) -> Appeal:
    """An appeal of the caller's own, decided if its clock has run out.

    Raises:
        Forbidden: if the key may not.
        NotFound: if there is none, or it is somebody else's.
    """
    caller.must_have(Scope.READ)
    videos.must_look_like_id(appeal_id, "appeal_id")
    lapse(session)
    appeal = session.get(Appeal, appeal_id)
    if appeal is None or appeal.person_id != caller.person_id:
        raise unknown(appeal_id)
    return appeal


def list_appeals(
    session: Session, caller: Caller, after: str | None, limit: int
) -> tuple[Sequence[Appeal], bool]:
    """A page of the caller's own appeals, newest first, and whether there are more behind it.

    Raises:
        Forbidden: if the key may not.
    """
    caller.must_have(Scope.READ)
    lapse(session)
    query = select(Appeal).where(Appeal.person_id == caller.person_id)
    if after is not None:
        videos.must_look_like_id(after, "after")
        query = query.where(Appeal.id < after)
    found = session.scalars(query.order_by(Appeal.id.desc()).limit(limit + 1)).all()
    return found[:limit], len(found) > limit


def lapse(session: Session) -> list[str]:
    """Decide appeals whose clock has run out for those who lodged them, fill panels, and return the decided.

    Appeals about what law forbids wait for a decision however long that takes.
    """
    query = (
        select(Appeal)
        .join(Statement, Statement.id == Appeal.statement_id)
        .where(Appeal.outcome.is_(None), Appeal.due_at <= now(), ~_is_hard())
        .order_by(Appeal.due_at)
        .limit(100)
        .with_for_update(of=Appeal, skip_locked=True)
    )
    decided = []
    for appeal in session.scalars(query).all():
        if appeal.outcome is None:  # else an appeal before it in this list has decided both
            close(session, appeal, AppealOutcome.OVERTURNED, _BY_CLOCK, None, by_clock=True)
            decided.append(appeal.id)
    seats = select(func.count()).where(PanelSeat.appeal_id == Appeal.id).scalar_subquery()
    short = select(Appeal).where(
        Appeal.outcome.is_(None), Appeal.stage == AppealStage.PANEL, seats < PANEL_SIZE
    )
    for appeal in session.scalars(short.with_for_update(skip_locked=True)).all():
        _draw_panel(session, appeal)
    return decided


def review_figures(session: Session) -> Figures:
    """What is published about reviews; the same for whoever asks."""
    took = func.extract("epoch", ReviewDecision.effective_at - Share.created_at)
    is_refusal = ReviewDecision.outcome == Outcome.REFUSE
    row = session.execute(
        select(
            func.count(),
            func.count().filter(is_refusal),
            func.percentile_cont(0.5).within_group(took),
            func.percentile_cont(0.95).within_group(took),
        )
        .join(Share, Share.id == ReviewDecision.share_id)
        .where(ReviewDecision.effective_at.is_not(None))
    ).one()
    decisions, refusals, median, late = row
    heard = select(Appeal.id).where(
        Appeal.statement_id == Statement.id, Appeal.outcome.is_not(None)
    )
    appealed, overturned = session.execute(
        select(func.count(), func.count().filter(Statement.reversed_at.is_not(None)))
        .select_from(ReviewDecision)
        .join(Statement, Statement.id == ReviewDecision.statement_id)
        .where(heard.exists())
    ).one()
    by_clock = or_(Share.release == Release.CLOCK, shares.is_overdue())
    return Figures(
        decisions=decisions,
        refusals=refusals,
        refusal_rate=_ratio(refusals, decisions),
        appealed_refusals=appealed,
        precision=_ratio(appealed - overturned, appealed),
        overturn_rate=_ratio(overturned, appealed),
        median_review_s=None if median is None else float(median),
        p95_review_s=None if late is None else float(late),
        overdue_releases=session.scalar(select(func.count(Share.id)).where(by_clock)) or 0,
        waiting=session.scalar(
            select(func.count(Share.id)).where(
                Share.status == ShareStatus.WAITING, ~shares.is_overdue()
            )
        )
        or 0,
    )


# What hearings do with an appeal.


def locked(session: Session, appeal_id: str) -> Appeal:
    """An appeal that nobody else changes; what its clock has decided is not open any more."""
    videos.must_look_like_id(appeal_id, "appeal_id")
    lapse(session)
    appeal = session.get(Appeal, appeal_id, with_for_update=True, populate_existing=True)
    if appeal is None:
        raise unknown(appeal_id)
    return appeal


def close(
    session: Session,
    appeal: Appeal,
    outcome: AppealOutcome,
    reasons: str,
    heard_by: str | None,
    by_clock: bool = False,
) -> None:
    """Decide an appeal; a won one undoes the decision, for everybody who contests it."""
    appeal.outcome, appeal.reasons, appeal.by_clock = outcome, reasons, by_clock
    appeal.decided_at = now()
    session.flush()
    log.record(session, EntryKind.APPEAL_DECIDED, _logged(appeal), appeal.person_id)
    is_won = outcome == AppealOutcome.OVERTURNED
    if appeal.application_id is not None:
        applications.settle(session, appeal.application_id, is_won)
    if not is_won:
        return
    statement = session.get_one(Statement, appeal.statement_id, with_for_update=True)
    statement.reversed_at = appeal.decided_at
    if statement.subject_kind == SubjectKind.SHARE and statement.subject_id is not None:
        shares.reinstate(session, statement.subject_id)
    if statement.subject_kind == SubjectKind.PAUSE and statement.subject_id is not None:
        pauses.overturn(session, statement.subject_id, heard_by, f"An appeal was won: {reasons}")
    if statement.subject_kind == SubjectKind.ROLE and statement.subject_id is not None:
        gone = session.get(RoleWithdrawal, statement.subject_id)
        if gone is not None:  # its person may have had everything erased
            admission.add_role(session, gone.person_id, gone.role, None)
    others = select(Appeal).where(
        Appeal.statement_id == statement.id, Appeal.outcome.is_(None), Appeal.id != appeal.id
    )
    for other in session.scalars(others.with_for_update()).all():
        other.outcome, other.reasons, other.decided_at = outcome, _TOGETHER, appeal.decided_at
        session.flush()
        log.record(session, EntryKind.APPEAL_DECIDED, _logged(other), other.person_id)


def took_part(person_id: Any, appeal_id: Any) -> ColumnElement[bool]:
    """Whether somebody had a part in a decision or an earlier hearing, as a condition on `Statement`.

    Args:
        person_id: a person, or a column of the enclosing query.
        appeal_id: the appeal in question, of which hearing it is no part.
    """
    paused = select(Pause.id).where(
        Statement.subject_kind == SubjectKind.PAUSE,
        Pause.id == Statement.subject_id,
        or_(Pause.proposed_by == person_id, Pause.seconded_by == person_id),
    )
    other = Appeal.__table__.alias("other_appeals")
    heard = select(other.c.id).where(
        other.c.statement_id == Statement.id,
        other.c.id != appeal_id,
        or_(other.c.heard_by == person_id, other.c.person_id == person_id),
    )
    earlier = Appeal.__table__.alias("panel_appeals")
    voted = select(PanelSeat.appeal_id).where(
        PanelSeat.appeal_id == earlier.c.id,
        earlier.c.statement_id == Statement.id,
        earlier.c.id != appeal_id,
        PanelSeat.person_id == person_id,
    )
    withdrawn = select(RoleWithdrawal.id).where(
        Statement.subject_kind == SubjectKind.ROLE,
        RoleWithdrawal.id == Statement.subject_id,
        or_(RoleWithdrawal.proposed_by == person_id, RoleWithdrawal.seconded_by == person_id),
    )
    return or_(
        Statement.decided_by.is_not_distinct_from(person_id),
        Statement.person_id.is_not_distinct_from(person_id),
        and_(
            Statement.subject_kind == SubjectKind.SHARE,
            reviews.took_part(Statement.subject_id, person_id),
        ),
        paused.correlate_except(Pause).exists(),
        withdrawn.correlate_except(RoleWithdrawal).exists(),
        heard.correlate_except(other).exists(),
        voted.correlate_except(PanelSeat, earlier).exists(),
    )


def unknown(appeal_id: str) -> NotFound:
    """What is said of an appeal that is not there, or not for these eyes."""
    return NotFound(f"There is no appeal '{appeal_id}'.", "appeal_id", "appeal_not_found")


def _concerning(session: Session, caller: Caller, statement_id: str) -> Statement:
    """A statement that concerns the caller, held until the transaction is through."""
    videos.must_look_like_id(statement_id, "statement_id")
    statement = statements.get_statement(session, caller, statement_id)
    session.refresh(statement, with_for_update=True)
    if statement.person_id is None and statement.subject_kind == SubjectKind.PAUSE:
        covered = select(Pause.id).where(
            Pause.id == statement.subject_id, pauses.covers(caller.person_id, caller.key_id)
        )
        if session.scalar(covered) is None:
            raise NotFound(
                f"There is no statement '{statement_id}' that concerns you.",
                "statement_id",
                "statement_not_found",
            )
    return statement


def _added(
    session: Session,
    statement: Statement,
    words: str,
    *,
    person_id: str | None = None,
    application_id: str | None = None,
) -> Appeal:
    """Write an appeal down, of a person or of an applicant, and draw its panel if it is one's second."""
    if statement.reversed_at is not None:
        raise Conflict(
            f"The decision '{statement.id}' was taken back already.",
            "statement_id",
            "statement_reversed",
        )
    own = Appeal.person_id == person_id
    if application_id is not None:
        own = Appeal.application_id == application_id
    moment, stage = now(), _next_stage(session, statement.id, own)
    appeal = Appeal(
        id=new_id("appeal"), statement_id=statement.id, person_id=person_id,
        application_id=application_id, stage=stage, text=words.strip(), lodged_at=moment,
        due_at=moment + HEAR_WITHIN, by_clock=False,
    )  # fmt: skip
    session.add(appeal)
    session.flush()
    if person_id is not None:
        pauses.protect(session, person_id, "appeal")
    if stage == AppealStage.PANEL:
        _draw_panel(session, appeal)
    log.record(session, EntryKind.APPEAL_LODGED, _logged(appeal), person_id)
    return appeal


def _next_stage(session: Session, statement_id: str, own: ColumnElement[bool]) -> AppealStage:
    mine = {
        each.stage: each
        for each in session.scalars(select(Appeal).where(Appeal.statement_id == statement_id, own))
    }
    for each in mine.values():
        if each.outcome is None:
            raise Conflict(
                f"The appeal '{each.id}' is being heard, until {each.due_at:%Y-%m-%d %H:%M} UTC at most.",
                "statement_id",
                "appeal_open",
            )
    if AppealStage.PANEL in mine:
        raise Conflict(
            "The panel has heard this; there is no further appeal.",
            "statement_id",
            "appeals_exhausted",
        )
    return AppealStage.PANEL if mine else AppealStage.HEARING


def _is_hard() -> ColumnElement[bool]:
    """Whether a decision is about what law forbids, as a condition on `Statement`."""
    hard = select(Share.id).where(
        Statement.subject_kind == SubjectKind.SHARE,
        Share.id == Statement.subject_id,
        Share.is_hard_illegal,
    )
    return or_(Statement.decision_ground == ILLEGAL, hard.correlate_except(Share).exists())


def _draw_panel(session: Session, appeal: Appeal) -> None:
    """Draw jurors by chance from those who had no part, as many as are still missing."""
    seated = select(PanelSeat.person_id).where(PanelSeat.appeal_id == appeal.id)
    missing = PANEL_SIZE - len(session.scalars(seated).all())
    query = (
        select(RoleGrant.person_id)
        .join(Statement, Statement.id == appeal.statement_id)
        .where(
            RoleGrant.role == ProgrammeRole.JUROR,
            RoleGrant.person_id.is_distinct_from(appeal.person_id),
            RoleGrant.person_id.not_in(seated),
            ~took_part(RoleGrant.person_id, appeal.id),
        )
        .order_by(func.random())
        .limit(missing)
    )
    for person_id in session.scalars(query).all():
        session.add(PanelSeat(appeal_id=appeal.id, person_id=person_id, drawn_at=now()))
    session.flush()


def _logged(appeal: Appeal) -> dict[str, Any]:
    """What the log commits to; who heard it and what was written are not in it."""
    return {
        "id": appeal.id, "statement_id": appeal.statement_id, "stage": str(appeal.stage),
        "due_at": appeal.due_at.isoformat(), "outcome": appeal.outcome and str(appeal.outcome),
        "by_clock": appeal.by_clock,
    }  # fmt: skip


def _ratio(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
