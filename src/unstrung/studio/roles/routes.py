"""Routes of roles: parse, call, tell."""

from fastapi import APIRouter

from unstrung.studio.admission import service as admission
from unstrung.studio.admission.models import ProgrammeRole
from unstrung.studio.admission.routes import PathId
from unstrung.studio.dependencies import BodyOf, CallerOf, Transaction, body_schema
from unstrung.studio.roles import service
from unstrung.studio.roles.schemas import (
    GrantRole,
    HandBackRole,
    PersonRoles,
    RoleList,
    RoleObject,
    RoleWithdrawalObject,
    WithdrawRole,
)
from unstrung.studio.visitors import VisitorOf

router = APIRouter(prefix="/programme/v1", tags=["roles"])


@router.get("/roles")
def list_roles(_: VisitorOf) -> RoleList:
    """Roles and what each allows; everybody may see them."""
    return RoleList(
        data=[
            RoleObject(role=role, rights=sorted(admission.RIGHTS.get(role, ())))
            for role in ProgrammeRole
        ]
    )


@router.post("/roles/hand_back", openapi_extra=body_schema(HandBackRole))
def hand_back(caller: CallerOf, body: BodyOf, session: Transaction) -> PersonRoles:
    """Give up a role of one's own; no reason is asked for."""
    service.hand_back(session, caller, body.as_a(HandBackRole).role)
    roles = sorted(admission.roles_of(session, caller.person_id))
    return PersonRoles(person_id=caller.person_id, roles=roles)


@router.get("/people/{person_id}/roles")
def get_roles(caller: CallerOf, session: Transaction, person_id: PathId) -> PersonRoles:
    """Roles of the caller's own; stewards see everybody's."""
    return PersonRoles(person_id=person_id, roles=service.roles_of(session, caller, person_id))


@router.post("/people/{person_id}/roles", openapi_extra=body_schema(GrantRole))
def grant_role(
    caller: CallerOf, body: BodyOf, session: Transaction, person_id: PathId
) -> PersonRoles:
    """Give somebody a role (stewards)."""
    service.grant(session, caller, person_id, body.as_a(GrantRole).role)
    return PersonRoles(person_id=person_id, roles=service.roles_of(session, caller, person_id))


@router.post("/people/{person_id}/roles/withdraw", openapi_extra=body_schema(WithdrawRole))
def withdraw_role(
    caller: CallerOf, body: BodyOf, session: Transaction, person_id: PathId
) -> RoleWithdrawalObject:
    """Take a role away with a statement of reasons, or agree to what another steward proposed."""
    asked = body.as_a(WithdrawRole)
    found = service.withdraw(session, caller, person_id, asked.role, asked.reason)
    return RoleWithdrawalObject(
        id=found.id, person_id=person_id, role=found.role, proposed_at=found.proposed_at,
        withdrawn_at=found.withdrawn_at,
    )  # fmt: skip
