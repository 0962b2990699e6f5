"""Wire format of sessions."""

from typing import Final, Literal

from pydantic import BaseModel, Field

from unstrung.studio.accounts.models import Person
from unstrung.studio.admission.schemas import PublicReason
from unstrung.studio.fields import StrictRequest
from unstrung.studio.sessions.models import PersonSession, Way


class EndSessions(StrictRequest):
    """End all sessions of somebody (stewards)."""

    reason: PublicReason = Field(description="What happened; told to the person.")


BODIES: Final = (EndSessions,)


class SessionObject(BaseModel):
    """A session, without its secrets."""

    id: str
    object: Literal["session"] = "session"
    way: Way = Field(description="How the person signed in.")
    program: str = Field(description="Family of the browser or program.")
    created_at: int
    last_seen_at: int = Field(description="To the minute.")
    expires_at: int = Field(description="However much it is used.")
    fresh_until: int | None = Field(
        description="Until when a steward may act without using a passkey again; null if none was used."
    )
    is_current: bool = Field(description="Whether it is the one that asks.")


class SessionList(BaseModel):
    """Sessions that are good, newest first."""

    object: Literal["list"] = "list"
    data: list[SessionObject]


class SessionsEnded(BaseModel):
    """Sessions are over."""

    object: Literal["session.ended"] = "session.ended"
    ended: int


class WhoAmI(BaseModel):
    """Who is calling."""

    object: Literal["caller"] = "caller"
    person_id: str
    name: str
    role: str
    programme_roles: list[str]
    scopes: list[str]
    session: SessionObject | None = Field(description="Null for a key.")


def session_object(found: PersonSession, current_id: str) -> SessionObject:
    """A row as it is told."""
    fresh = found.fresh_until
    return SessionObject(
        id=found.id,
        way=found.way,
        program=found.program,
        created_at=int(found.created_at.timestamp()),
        last_seen_at=int(found.last_seen_at.timestamp()),
        expires_at=int(found.expires_at.timestamp()),
        fresh_until=int(fresh.timestamp()) if fresh else None,
        is_current=found.id == current_id,
    )


def who_am_i(
    person: Person, programme_roles: list[str], scopes: list[str], current: SessionObject | None
) -> WhoAmI:
    """A caller as they are told of themselves."""
    return WhoAmI(
        person_id=person.id,
        name=person.name,
        role=person.role,
        programme_roles=programme_roles,
        scopes=scopes,
        session=current,
    )
