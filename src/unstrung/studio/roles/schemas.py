"""Wire format of roles."""

from datetime import datetime
from typing import Final, Literal

from pydantic import BaseModel, Field

from unstrung.studio.admission.models import ProgrammeRole
from unstrung.studio.admission.schemas import PublicReason, RoleWord
from unstrung.studio.fields import StrictRequest


class GrantRole(StrictRequest):
    """Give somebody a role."""

    role: RoleWord


class HandBackRole(StrictRequest):
    """Give up a role of one's own."""

    role: RoleWord


class WithdrawRole(StrictRequest):
    """Take a role away."""

    role: RoleWord
    reason: PublicReason = Field(description="Facts, told to the person; also in the statement.")


BODIES: Final = (GrantRole, HandBackRole, WithdrawRole)


class RoleObject(BaseModel):
    """A role and what it allows."""

    role: ProgrammeRole
    rights: list[str]


class RoleList(BaseModel):
    """All roles."""

    object: Literal["list"] = "list"
    data: list[RoleObject]


class PersonRoles(BaseModel):
    """Roles of one person."""

    object: Literal["person.roles"] = "person.roles"
    person_id: str
    roles: list[ProgrammeRole]


class RoleWithdrawalObject(BaseModel):
    """A role that is gone, or that waits for a second steward."""

    object: Literal["role.withdrawal"] = "role.withdrawal"
    id: str
    person_id: str
    role: ProgrammeRole
    proposed_at: datetime
    withdrawn_at: datetime | None = Field(
        description="None while a second steward has to agree, since the person complained, appealed, wrote "
        "a letter or refused a task within 30 days; a proposal holds for 24 hours."
    )
