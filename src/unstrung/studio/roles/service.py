"""Rules of giving roles back and taking them away.

A role that is taken away is a sanction: its holder gets a statement of reasons, and within 30 days of a
complaint, an appeal, a letter or a refused task of theirs a second steward has to agree. A role that its
holder hands back is neither.
"""

from datetime import timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from unstrung.studio.access.models import Scope
from unstrung.studio.access.service import Caller
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.models import ProgrammeRole, RoleGrant
from unstrung.studio.admission.service import Right
from unstrung.studio.database import now
from unstrung.studio.errors import Conflict, Forbidden, InvalidField, NotFound
from unstrung.studio.identity import new_id
from unstrung.studio.log import service as log
from unstrung.studio.log.models import EntryKind
from unstrung.studio.pauses.models import ProtectedAct
from unstrung.studio.pauses.service import PROTECTED_FOR
from unstrung.studio.roles.models import RoleWithdrawal
from unstrung.studio.statements import service as statements
from unstrung.studio.statements.models import SubjectKind
from unstrung.studio.statements.service import Reasons

PROPOSAL_FOR: Final = timedelta(hours=24)
_CLAUSE: Final = "roles"
# The name of the lock under which stewards are counted, among the database's advisory locks.
_LOCK: Final = 7_302


def grant(session: Session, by: Caller, person_id: str, role: ProgrammeRole) -> None:
    """Give somebody a role; to give it twice changes nothing.

    Raises:
        Forbidden: if the caller may not.
        NotFound: if there is nobody like that.
    """
    granter = admission.must_act(session, by, Right.GRANT_ROLES)
    admission.grant_role(session, person_id, role, granter)


def roles_of(session: Session, caller: Caller, person_id: str) -> list[ProgrammeRole]:
    """Roles of the caller's own; stewards see everybody's.

    Raises:
        NotFound: if it is somebody else, or there is nobody like that.
    """
    caller.must_have(Scope.READ)
    is_own = person_id == caller.person_id
    is_steward = Scope.ADMIN in caller.scopes and admission.has_right(
        session, caller.person_id, Right.GRANT_ROLES
    )
    if not is_own and not is_steward:
        raise NotFound(f"There is no person '{person_id}'.", "person_id")
    return sorted(admission.roles_of(session, person_id))


def hand_back(session: Session, caller: Caller, role: ProgrammeRole) -> None:
    """Give up a role of one's own, without a reason.

    Raises:
        NotFound: if the caller has no such role.
        Conflict: if nobody would be left to admit, pause and grant.
    """
    caller.must_have(Scope.GENERATE)
    _must_not_be_last(session, caller.person_id, role)
    _remove(session, _grant_of(session, caller.person_id, role), None)


def withdraw(
    session: Session, by: Caller | None, person_id: str, role: ProgrammeRole, reason: str
) -> RoleWithdrawal:
    """Take a role away, or agree to what another steward proposed.

    Raises:
        Forbidden: if the caller may not, or proposed it and a second steward has to agree.
        NotFound: if the person has no such role.
        InvalidField: for a reason that says nothing.
        Conflict: for the last steward.
    """
    steward = admission.must_act(session, by, Right.GRANT_ROLES)
    if len(reason.strip()) < 10:
        raise InvalidField(
            f"reason must say in at least 10 characters why, got {len(reason.strip())}", "reason"
        )
    _must_not_be_last(session, person_id, role)
    found = _grant_of(session, person_id, role)
    waiting = session.scalar(
        select(RoleWithdrawal)
        .where(
            RoleWithdrawal.person_id == person_id,
            RoleWithdrawal.role == role,
            RoleWithdrawal.withdrawn_at.is_(None),
            RoleWithdrawal.proposed_at > now() - PROPOSAL_FOR,
        )
        .order_by(RoleWithdrawal.id.desc())
        .limit(1)
        .with_for_update()
    )
    if waiting is None:
        waiting = RoleWithdrawal(
            id=new_id("withdrawal"), person_id=person_id, role=role, reason=reason.strip(),
            proposed_at=now(), proposed_by=steward, withdrawn_at=None, seconded_by=None,
        )  # fmt: skip
        session.add(waiting)
        session.flush()
        if _is_protected(session, person_id):
            return waiting
    elif waiting.proposed_by == steward:
        raise Forbidden(
            "Another steward than the one who proposed it must agree.", code="second_steward"
        )
    else:
        waiting.seconded_by = steward
    waiting.withdrawn_at = now()
    session.flush()
    _remove(session, found, waiting)
    return waiting


def _remove(session: Session, found: RoleGrant, withdrawal: RoleWithdrawal | None) -> None:
    content = {"person_id": found.person_id, "role": str(found.role)}
    if withdrawal is not None:
        reasons = Reasons(
            clause=_CLAUSE,
            facts=withdrawal.reason,
            category="STATEMENT_CATEGORY_OTHER_VIOLATION_TC",
            explanation=f"The role '{found.role}' and its rights were withdrawn; everything else stays.",
            provision="DECISION_PROVISION_PARTIAL_TERMINATION",
            decided_by=withdrawal.proposed_by,
        )
        subject = (SubjectKind.ROLE, withdrawal.id)
        content["statement_id"] = statements.issue(session, found.person_id, subject, reasons).id
    session.delete(found)
    session.flush()
    log.record(session, EntryKind.ROLE_WITHDRAWN, content, found.person_id)


def _grant_of(session: Session, person_id: str, role: ProgrammeRole) -> RoleGrant:
    found = session.get(RoleGrant, (person_id, role), with_for_update=True)
    if found is None:
        raise NotFound(f"The person '{person_id}' has no role '{role}'.", "role")
    return found


def _must_not_be_last(session: Session, person_id: str, role: ProgrammeRole) -> None:
    if role != ProgrammeRole.STEWARD:
        return
    session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    others = select(func.count()).where(RoleGrant.role == role, RoleGrant.person_id != person_id)
    if not session.scalar(others):
        raise Conflict("This is the last steward; grant the role to somebody else first.", "role")


def _is_protected(session: Session, person_id: str) -> bool:
    acts = select(ProtectedAct.id).where(
        ProtectedAct.person_id == person_id, ProtectedAct.acted_at > now() - PROTECTED_FOR
    )
    return bool(session.scalar(select(acts.exists())))
