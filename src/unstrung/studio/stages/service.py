"""Rules of release stages: forward only through open gates, back only with a public reason.

A stage decides which cohorts' seats can be taken. A move back takes nobody's seat away: whoever is to be
stopped has to be paused, with a statement of reasons.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from unstrung.studio.access.service import Caller
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.service import Right
from unstrung.studio.database import now
from unstrung.studio.errors import Conflict, InvalidField, NotFound
from unstrung.studio.identity import new_id
from unstrung.studio.log import service as log
from unstrung.studio.log.models import EntryKind
from unstrung.studio.stages.models import Gate, Stage, StageMove

# The name of the lock under which gates and stage change, among the database's advisory locks.
_LOCK: Final = 7_301
_ORDER: Final = tuple(Stage)


def add_gate(session: Session, by: Caller | None, stage: Stage, text: str) -> Gate:
    """Add something that has to be done before a stage begins.

    Raises:
        Forbidden: if the caller may not.
        InvalidField: for the first stage, which nothing comes before, or an empty text.
        Conflict: if the release has reached that stage.
    """
    admission.must_act(session, by, Right.ADMIT)
    _lock(session)
    if stage == _ORDER[0]:
        raise InvalidField(
            f"stage must be one after '{_ORDER[0]}', which everything begins with", "stage"
        )
    if not text.strip():
        raise InvalidField("text must say what has to be done", "text")
    if _ORDER.index(admission.current_stage(session)) >= _ORDER.index(stage):
        raise Conflict(
            f"The release has reached '{stage}' already; add gates before a stage.", "stage"
        )
    gate = Gate(
        id=new_id("gate"), stage=stage, text=text.strip(), added_at=now(), done_at=None,
        evidence_url=None, reopened_because=None,
    )  # fmt: skip
    session.add(gate)
    session.flush()
    _record(session, gate)
    return gate


def open_gate(session: Session, by: Caller | None, gate_id: str, evidence_url: str) -> Gate:
    """Note that what a gate asks for is done.

    Raises:
        Forbidden: if the caller may not.
        NotFound: if there is no such gate.
        InvalidField: if the evidence is no address.
        Conflict: if it is open.
    """
    admission.must_act(session, by, Right.ADMIT)
    _lock(session)
    if not evidence_url.startswith(("https://", "http://")):
        raise InvalidField(
            f"evidence_url must be an address such as https://example.org/report, got {evidence_url!r}",
            "evidence_url",
        )
    gate = _gate(session, gate_id)
    if gate.done_at is not None:
        raise Conflict(f"The gate '{gate_id}' is open already.", "gate_id")
    gate.done_at, gate.evidence_url = now(), evidence_url
    session.flush()
    _record(session, gate)
    return gate


def reopen_gate(session: Session, by: Caller | None, gate_id: str, reason: str) -> Gate:
    """Note that what a gate asks for is not done after all; the release stays where it is.

    Raises:
        Forbidden: if the caller may not.
        NotFound: if there is no such gate.
        Conflict: if it is not open.
    """
    admission.must_act(session, by, Right.ADMIT)
    _lock(session)
    gate = _gate(session, gate_id)
    if gate.done_at is None:
        raise Conflict(f"The gate '{gate_id}' is not open.", "gate_id")
    gate.done_at, gate.reopened_because = None, reason.strip()
    session.flush()
    _record(session, gate)
    return gate


def move(session: Session, by: Caller | None, stage: Stage, reason: str | None) -> StageMove:
    """Move the release to the next stage, or back to an earlier one.

    Raises:
        Forbidden: if the caller may not.
        InvalidField: for a step back without a reason.
        Conflict: for a stage that is skipped or the present one, or while a gate before it is shut.
    """
    mover = admission.must_act(session, by, Right.ADMIT)
    _lock(session)
    present = admission.current_stage(session)
    steps = _ORDER.index(stage) - _ORDER.index(present)
    if steps == 0:
        raise Conflict(f"The release is at '{stage}' already.", "stage")
    if steps > 1:
        following = _ORDER[_ORDER.index(present) + 1]
        raise Conflict(f"No stage is skipped; after '{present}' comes '{following}'.", "stage")
    if steps < 0 and len((reason or "").strip()) < 10:
        raise InvalidField(
            "reason must say in public, in at least 10 characters, why the release goes back",
            "reason",
        )
    if steps > 0:
        _must_be_open(session, stage)
    moved = StageMove(
        from_stage=present, to_stage=stage, reason=reason, moved_at=now(), moved_by=mover
    )
    session.add(moved)
    session.flush()
    content = {"from": str(present), "to": str(stage), "reason": reason}
    log.record(session, EntryKind.STAGE_MOVED, content)
    return moved


def list_gates(session: Session) -> Sequence[Gate]:
    """All gates, oldest first."""
    return session.scalars(select(Gate).order_by(Gate.id)).all()


def list_moves(session: Session) -> Sequence[StageMove]:
    """All moves, newest first."""
    return session.scalars(select(StageMove).order_by(StageMove.number.desc())).all()


def is_reached(present: Stage, stage: Stage) -> bool:
    """Whether a stage has begun."""
    return _ORDER.index(stage) <= _ORDER.index(present)


def _must_be_open(session: Session, stage: Stage) -> None:
    gates = session.scalars(select(Gate).where(Gate.stage == stage).order_by(Gate.id)).all()
    if not gates:
        raise Conflict(
            f"'{stage}' has no gates; publish at least one, so that everybody sees what it waits for.",
            "stage",
            "gate_shut",
        )
    shut = [gate for gate in gates if gate.done_at is None]
    if shut:
        raise Conflict(
            f"{len(shut)} of {len(gates)} gates before '{stage}' are shut, first: {shut[0].text[:200]}",
            "stage",
            "gate_shut",
        )


def _gate(session: Session, gate_id: str) -> Gate:
    gate = session.get(Gate, gate_id)
    if gate is None:
        raise NotFound(f"There is no gate '{gate_id}'.", "gate_id", "gate_not_found")
    return gate


def _lock(session: Session) -> None:
    session.execute(select(func.pg_advisory_xact_lock(_LOCK)))


def _record(session: Session, gate: Gate) -> None:
    content: dict[str, Any] = {
        "id": gate.id, "stage": str(gate.stage), "text": gate.text,
        "done_at": gate.done_at and gate.done_at.isoformat(),
        "evidence_url": gate.evidence_url, "reopened_because": gate.reopened_because,
    }  # fmt: skip
    log.record(session, EntryKind.GATE_CHANGED, content)
