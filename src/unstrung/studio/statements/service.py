"""Rules about statements: nobody is refused or sanctioned without one, and it says how to contest it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from unstrung.studio.access.models import Scope
from unstrung.studio.access.service import Caller
from unstrung.studio.confidences import service as confidences
from unstrung.studio.database import now
from unstrung.studio.errors import NotFound
from unstrung.studio.identity import new_id
from unstrung.studio.log import service as log
from unstrung.studio.log.models import EntryKind
from unstrung.studio.statements.models import Statement, SubjectKind

CONTENT_TYPE: Final = "CONTENT_TYPE_SYNTHETIC_MEDIA"
_UNLOGGED: Final = ("decided_by", "prompt")


@dataclass(frozen=True)
class Reasons:
    """What a decision rests on, in the fields of the DSA Transparency Database (docs/programme.md).

    Attributes:
        clause: of the charter.
        facts: what happened, in a sentence that the person can check.
        category: STATEMENT_CATEGORY_...
        ground: DECISION_GROUND_INCOMPATIBLE_CONTENT (against the charter) or ..._ILLEGAL_CONTENT.
        explanation: why these facts are against it.
        visibility, provision, account: what was decided; those that do not apply are None.
        is_automated_detection, is_automated_decision: whether a program noticed, and whether it decided.
        ends_at: when it ends by itself.
        time_range: of a clip [s].
        suggested_change: what would make it acceptable.
        decided_by: person, or None for a program.
        legal_ground: the law, where the ground is illegal content.
        passages, prompt: words of a prompt at issue, and the prompt where nothing else keeps it.
        confidence_id: the confidential item at issue; needed by its clause, and by no other.
    """

    clause: str
    facts: str
    category: str
    explanation: str
    ground: str = "DECISION_GROUND_INCOMPATIBLE_CONTENT"
    visibility: tuple[str, ...] = ()
    provision: str | None = None
    account: str | None = None
    is_automated_detection: bool = False
    is_automated_decision: bool = False
    ends_at: datetime | None = None
    time_range: tuple[float, float] | None = None
    suggested_change: str | None = None
    decided_by: str | None = None
    reference_url: str | None = None
    legal_ground: str | None = None
    passages: tuple[dict[str, Any], ...] = ()
    prompt: str | None = None
    confidence_id: str | None = None


def issue(
    session: Session,
    person_id: str | None,
    subject: tuple[SubjectKind, str | None],
    reasons: Reasons,
) -> Statement:
    """Write a statement and commit to it in the log.

    Args:
        session: of the transaction that decides.
        person_id: whom it concerns; None if it concerns many.
        subject: what it is about, and its id.
        reasons: complete; a decision without facts or explanation is a fault of ours.

    Raises:
        InvalidField, Conflict: for a breach of confidentiality that names no item, or one that does not bind
            the person at this moment.
    """
    assert reasons.facts, "a statement needs facts"
    assert reasons.explanation, "a statement needs an explanation"
    if reasons.clause == confidences.CLAUSE or reasons.confidence_id is not None:
        reasons = _of_breach(session, person_id, reasons)
    statement = _statement(person_id, subject, reasons)
    session.add(statement)
    session.flush()
    told = {key: value for key, value in asdict(reasons).items() if key not in _UNLOGGED and value}
    log.record(session, EntryKind.STATEMENT, {"id": statement.id, **told}, person_id)
    return statement


def _statement(
    person_id: str | None, subject: tuple[SubjectKind, str | None], reasons: Reasons
) -> Statement:
    """The row of a statement, in the field names of the DSA Transparency Database."""
    is_illegal = reasons.ground == "DECISION_GROUND_ILLEGAL_CONTENT"
    begins, ends = reasons.time_range or (None, None)
    return Statement(
        id=new_id("sor"),
        person_id=person_id,
        subject_kind=subject[0],
        subject_id=subject[1],
        clause=reasons.clause,
        decision_visibility=list(reasons.visibility) or None,
        decision_provision=reasons.provision,
        decision_account=reasons.account,
        decision_ground=reasons.ground,
        decision_ground_reference_url=reasons.reference_url,
        illegal_content_legal_ground=(
            reasons.legal_ground or reasons.clause if is_illegal else None
        ),
        illegal_content_explanation=reasons.explanation if is_illegal else None,
        incompatible_content_ground=None if is_illegal else reasons.clause,
        incompatible_content_explanation=None if is_illegal else reasons.explanation,
        decision_facts=reasons.facts,
        category=reasons.category,
        source_type="SOURCE_VOLUNTARY",
        automated_detection="Yes" if reasons.is_automated_detection else "No",
        automated_decision=(
            "AUTOMATED_DECISION_FULLY"
            if reasons.is_automated_decision
            else "AUTOMATED_DECISION_NOT_AUTOMATED"
        ),
        content_type=[CONTENT_TYPE],
        application_date=now(),
        end_date=reasons.ends_at,
        starts_s=begins,
        ends_s=ends,
        suggested_change=reasons.suggested_change,
        passages=list(reasons.passages) or None,
        prompt=reasons.prompt,
        confidence_id=reasons.confidence_id,
        decided_by=reasons.decided_by,
    )


def of_subject(session: Session, kind: SubjectKind, subject_id: str) -> Statement | None:
    """The newest statement about something."""
    query = select(Statement).where(
        Statement.subject_kind == kind, Statement.subject_id == subject_id
    )
    return session.scalar(query.order_by(Statement.id.desc()).limit(1))


def get_statement(session: Session, caller: Caller, statement_id: str) -> Statement:
    """A statement that concerns the caller, or everybody.

    Raises:
        NotFound: if there is none, or it concerns somebody else.
    """
    caller.must_have(Scope.READ)
    statement = session.get(Statement, statement_id)
    if statement is None or not (
        statement.person_id == caller.person_id or _concerns_many(statement)
    ):
        raise NotFound(
            f"There is no statement '{statement_id}'.", "statement_id", "statement_not_found"
        )
    return statement


def list_statements(
    session: Session, caller: Caller, after: str | None, limit: int
) -> Sequence[Statement]:
    """The caller's own statements and those that concern everybody, newest first."""
    caller.must_have(Scope.READ)
    query = select(Statement).where(
        or_(
            Statement.person_id == caller.person_id,
            # Applicants, who have no account, are nobody's either, and theirs are not everybody's to read.
            and_(Statement.person_id.is_(None), Statement.subject_kind == SubjectKind.PAUSE),
        )
    )
    if after is not None:
        query = query.where(Statement.id < after)
    return session.scalars(query.order_by(Statement.id.desc()).limit(limit)).all()


def export_batch(session: Session, after: str = "", limit: int = 500) -> list[dict[str, Any]]:
    """Statements in the fields of the DSA Transparency Database, oldest first, naming nobody.

    Args:
        session: of a short transaction: a slow reader of the whole export must not hold one.
        after: `puid` of the last one that was read.
        limit: most to return; fewer mean that these are the last.
    """
    query = select(Statement).where(Statement.id > after).order_by(Statement.id)
    return [public_fields(row) for row in session.scalars(query.limit(limit))]


def public_fields(statement: Statement) -> dict[str, Any]:
    """One statement for the public export."""
    hidden = {"id", "person_id", "subject_id", "subject_kind", "decided_by", "clause"}
    hidden |= {"starts_s", "ends_s", "suggested_change", "reversed_at", "passages", "prompt"}
    hidden.add("confidence_id")
    told: dict[str, Any] = {"puid": statement.id}
    for column in Statement.__table__.columns:
        value = getattr(statement, column.name)
        if column.name not in hidden and value is not None:
            told[column.name] = value.isoformat() if isinstance(value, datetime) else value
    return told


def _of_breach(session: Session, person_id: str | None, reasons: Reasons) -> Reasons:
    """Reasons that hold a broken confidence against somebody, with what it never covers."""
    item = confidences.must_bind(session, person_id, reasons.confidence_id, reasons.ends_at)
    never = " ".join(str(words) for words in item.carve_outs.values())
    explanation = (
        f"{reasons.explanation} The item '{item.id}' was accepted and is in force until "
        f"{item.ends_at:%Y-%m-%d %H:%M} UTC. It never covers, so these are no breach: {never}"
    )
    return replace(reasons, clause=confidences.CLAUSE, explanation=explanation)


def _concerns_many(statement: Statement) -> bool:
    return statement.person_id is None and statement.subject_kind == SubjectKind.PAUSE
