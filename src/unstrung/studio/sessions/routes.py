"""Routes of sessions: parse, call, tell."""

from fastapi import APIRouter, BackgroundTasks, Request, Response

from unstrung.studio import cookies
from unstrung.studio.admission.routes import PathId
from unstrung.studio.dependencies import (
    BodyOf,
    CallerOf,
    FreshCaller,
    StudioOf,
    Transaction,
    body_schema,
)
from unstrung.studio.sessions import service
from unstrung.studio.sessions.schemas import (
    EndSessions,
    SessionList,
    SessionsEnded,
    WhoAmI,
    session_object,
    who_am_i,
)
from unstrung.studio.signing_in import letters_of_end, send_letter

router = APIRouter(prefix="/programme/v1/session", tags=["sessions"])
people_router = APIRouter(prefix="/programme/v1/people", tags=["sessions"])


@router.get("")
def get_caller(caller: CallerOf, session: Transaction) -> WhoAmI:
    """Who is calling, with which rights, and until when."""
    person, roles, current = service.describe(session, caller)
    told = session_object(current, caller.key_id) if current else None
    return who_am_i(person, roles, sorted(caller.scopes), told)


@router.delete("")
def sign_out(
    request: Request, response: Response, studio: StudioOf, caller: CallerOf, session: Transaction
) -> SessionsEnded:
    """End the session that asks."""
    service.end_session(session, caller, service.session_of(session, caller).id)
    cookies.clear(response, studio.settings)
    request.state.next_token = None
    return SessionsEnded(ended=1)


@router.get("/sessions")
def list_sessions(caller: CallerOf, session: Transaction) -> SessionList:
    """The caller's sessions that are good, newest first."""
    found = service.list_sessions(session, caller)
    return SessionList(data=[session_object(each, caller.key_id) for each in found])


@router.delete("/sessions")
def end_other_sessions(caller: CallerOf, session: Transaction) -> SessionsEnded:
    """End all of the caller's sessions but the one that asks."""
    return SessionsEnded(ended=service.end_other_sessions(session, caller))


@router.delete("/sessions/{session_id}")
def end_session(caller: CallerOf, session: Transaction, session_id: str) -> SessionsEnded:
    """End one of the caller's sessions."""
    service.end_session(session, caller, session_id)
    return SessionsEnded(ended=1)


@people_router.post("/{person_id}/sessions/end", openapi_extra=body_schema(EndSessions))
def end_sessions_of(
    studio: StudioOf,
    caller: FreshCaller,
    body: BodyOf,
    session: Transaction,
    tasks: BackgroundTasks,
    person_id: PathId,
) -> SessionsEnded:
    """End all sessions of somebody whose browser or mailbox others may have (stewards).

    The person is told by e-mail, and finds the reason among their receipts.
    """
    asked = body.as_a(EndSessions)
    ended = service.end_sessions_of(session, caller, person_id, asked.reason)
    letters = letters_of_end(session, studio.settings, person_id) if ended else []
    for letter in letters:
        tasks.add_task(send_letter, studio.settings, letter)
    return SessionsEnded(ended=ended)
