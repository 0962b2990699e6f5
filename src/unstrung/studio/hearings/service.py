"""Rules of hearings: who may hear an appeal, and what they decide.

Nobody hears an appeal who decided, seconded, reviewed or heard the matter before, or lodged it. Whoever hears
it sees the decision, the appeal and the clip, and no names.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from unstrung.studio.access.service import Caller
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.service import Right
from unstrung.studio.appeals import service as appeals
from unstrung.studio.appeals.models import Appeal, AppealOutcome, AppealStage, PanelSeat
from unstrung.studio.applications.models import Application
from unstrung.studio.database import now
from unstrung.studio.errors import Conflict, Forbidden
from unstrung.studio.shares import service as shares
from unstrung.studio.shares.models import Share
from unstrung.studio.statements.models import Statement, SubjectKind
from unstrung.studio.videos import service as videos
from unstrung.studio.videos.models import Video

TAKE_FOR: Final = timedelta(days=2)
_MAJORITY: Final = appeals.PANEL_SIZE // 2 + 1


@dataclass(frozen=True)
class Hearing:
    """An appeal as whoever hears it has it: without the name of who lodged it.

    Attributes:
        appeal: with its text.
        statement: the decision that is contested.
        share, video: what was refused, if it was a clip.
        application: what was refused, if it was one; whoever hears it is not told name and contact.
        seat: of the caller, on a panel.
    """

    appeal: Appeal
    statement: Statement
    share: Share | None
    video: Video | None
    application: Application | None
    seat: PanelSeat | None


def list_hearings(session: Session, caller: Caller, limit: int) -> Sequence[Hearing]:
    """Appeals that the caller may hear, or was drawn for, oldest due first.

    Raises:
        Forbidden: if the caller hears no appeals.
    """
    _must_hear(session, caller.person_id)
    person = caller.person_id
    is_free = or_(
        Appeal.heard_by.is_(None), Appeal.heard_by == person, Appeal.taken_until <= func.now()
    )
    query = (
        select(Appeal, Statement, PanelSeat)
        .join(Statement, Statement.id == Appeal.statement_id)
        .outerjoin(PanelSeat, _seat_of(person))
        .where(
            Appeal.outcome.is_(None),
            or_(
                PanelSeat.person_id.is_not(None),
                and_(
                    Appeal.stage == AppealStage.HEARING,
                    Appeal.person_id.is_distinct_from(person),
                    is_free,
                    ~appeals.took_part(person, Appeal.id),
                ),
            ),
        )
    )
    rows = session.execute(query.order_by(Appeal.due_at, Appeal.id).limit(limit)).all()
    return [_hearing(session, *row) for row in rows]


def get_hearing(session: Session, caller: Caller, appeal_id: str) -> Hearing:
    """All that whoever hears an appeal may see: for the one who took it, and for its panel.

    Raises:
        Forbidden: if the caller hears no appeals.
        NotFound: if there is none, or it is not the caller's to hear.
    """
    _must_hear(session, caller.person_id)
    return _held(session, caller.person_id, appeal_id)


def take(session: Session, caller: Caller, appeal_id: str) -> Hearing:
    """Take an appeal to hear it, for two days.

    Raises:
        Forbidden: if the caller hears no appeals, or had a part in the decision.
        NotFound: if there is none.
        Conflict: if it is decided, somebody else has taken it, or a panel hears it.
    """
    _must_act(session, caller)
    appeal = appeals.locked(session, appeal_id)
    _must_be_open(appeal)
    if appeal.stage == AppealStage.PANEL:
        raise Conflict(
            "A panel hears this appeal; whoever is drawn for it votes.", "appeal_id", "panel_hears"
        )
    _must_be_apart(session, caller.person_id, appeal)
    moment = now()
    is_taken = appeal.taken_until is not None and appeal.taken_until > moment
    if is_taken and appeal.heard_by != caller.person_id:
        raise Conflict(
            f"Somebody else hears '{appeal_id}'; take another.", "appeal_id", "appeal_taken"
        )
    appeal.heard_by, appeal.taken_until = caller.person_id, moment + TAKE_FOR
    session.flush()
    return _held(session, caller.person_id, appeal_id)


def decide(
    session: Session, caller: Caller, appeal_id: str, outcome: AppealOutcome, reasons: str
) -> Appeal:
    """Uphold or overturn a decision, as the one person who took the appeal.

    Raises:
        Forbidden: if the caller hears no appeals, or had a part in the decision.
        NotFound: if there is none, or the caller has not taken it.
        Conflict: if it is decided.
    """
    _must_act(session, caller)
    appeal = appeals.locked(session, appeal_id)
    _must_be_open(appeal)
    is_taken = appeal.taken_until is not None and appeal.taken_until > now()
    if appeal.stage != AppealStage.HEARING or appeal.heard_by != caller.person_id or not is_taken:
        raise Conflict(
            f"You have not taken '{appeal_id}', or your two days are over; take it first.",
            "appeal_id",
            "not_taken",
        )
    # Asked again: a part in the decision may have come between.
    _must_be_apart(session, caller.person_id, appeal)
    appeals.close(session, appeal, outcome, reasons.strip(), caller.person_id)
    return appeal


def vote(
    session: Session, caller: Caller, appeal_id: str, outcome: AppealOutcome, reasons: str
) -> Appeal:
    """Vote as a juror who was drawn; two equal votes of three decide.

    Raises:
        Forbidden: if the caller hears no appeals.
        NotFound: if there is none, or the caller was not drawn for it.
        Conflict: if it is decided, or the caller has voted.
    """
    _must_act(session, caller)
    appeal = appeals.locked(session, appeal_id)
    seat = session.get(PanelSeat, (appeal_id, caller.person_id))
    if seat is None:
        raise appeals.unknown(appeal_id)
    _must_be_open(appeal)
    if seat.vote is not None:
        raise Conflict("You have voted on this appeal already.", "appeal_id", "already_voted")
    seat.vote, seat.reasons, seat.voted_at = outcome, reasons.strip(), now()
    session.flush()
    seats = session.scalars(
        select(PanelSeat).where(PanelSeat.appeal_id == appeal_id).order_by(PanelSeat.voted_at)
    ).all()
    votes = Counter(each.vote for each in seats if each.vote is not None)
    if votes[outcome] >= _MAJORITY:
        told = "\n\n".join(each.reasons or "" for each in seats if each.vote == outcome)
        appeals.close(session, appeal, outcome, told, None)
    return appeal


def watched(session: Session, person_id: str, appeal_id: str) -> Video | None:
    """The clip behind the link of whoever hears an appeal; asked anew each time it is played.

    Raises:
        Forbidden, NotFound: unless that person hears it now.
    """
    _must_hear(session, person_id)
    return _held(session, person_id, appeal_id).video


def _must_hear(session: Session, person_id: str) -> None:
    if not admission.has_right(session, person_id, Right.REVIEW):
        admission.must_have_right(session, person_id, Right.HEAR_APPEALS)


def _must_act(session: Session, caller: Caller) -> None:
    shares.must_be_trusted(session, caller)
    _must_hear(session, caller.person_id)


def _must_be_open(appeal: Appeal) -> None:
    if appeal.outcome is not None:
        raise Conflict(
            f"The appeal '{appeal.id}' is decided: {appeal.outcome}.", "appeal_id", "appeal_decided"
        )


def _must_be_apart(session: Session, person_id: str, appeal: Appeal) -> None:
    query = select(Statement.id).where(
        Statement.id == appeal.statement_id, ~appeals.took_part(person_id, appeal.id)
    )
    if appeal.person_id == person_id or session.scalar(query) is None:
        raise Forbidden(
            "Somebody who had no part in the decision must hear this appeal.", code="took_part"
        )


def _held(session: Session, person_id: str, appeal_id: str) -> Hearing:
    """An open appeal that somebody hears now."""
    videos.must_look_like_id(appeal_id, "appeal_id")
    query = (
        select(Appeal, Statement, PanelSeat)
        .join(Statement, Statement.id == Appeal.statement_id)
        .outerjoin(PanelSeat, _seat_of(person_id))
        .where(
            Appeal.id == appeal_id,
            Appeal.outcome.is_(None),
            or_(
                PanelSeat.person_id.is_not(None),
                and_(Appeal.heard_by == person_id, Appeal.taken_until > func.now()),
            ),
        )
    )
    row = session.execute(query).one_or_none()
    if row is None:
        raise appeals.unknown(appeal_id)
    return _hearing(session, *row)


def _seat_of(person_id: str) -> ColumnElement[bool]:
    return and_(PanelSeat.appeal_id == Appeal.id, PanelSeat.person_id == person_id)


def _hearing(
    session: Session, appeal: Appeal, statement: Statement, seat: PanelSeat | None
) -> Hearing:
    share = video = None
    if statement.subject_kind == SubjectKind.SHARE and statement.subject_id is not None:
        share = session.get(Share, statement.subject_id)
        video = session.get(Video, share.video_id) if share and share.video_id else None
    application = None
    if statement.subject_kind == SubjectKind.APPLICATION:
        application = session.get(Application, statement.subject_id)
    return Hearing(appeal, statement, share, video, application, seat)
