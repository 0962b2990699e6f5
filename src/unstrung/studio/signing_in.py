"""The last step of every way in: a session for the person, and its cookies for the browser."""

from fastapi import Request, Response
from sqlalchemy.orm import Session

from unstrung.studio import cookies
from unstrung.studio.sessions import service as sessions
from unstrung.studio.sessions.models import Way
from unstrung.studio.sessions.service import Opened
from unstrung.studio.settings import Settings


def sign_in(
    request: Request,
    response: Response,
    settings: Settings,
    session: Session,
    person_id: str,
    way: Way,
) -> Opened:
    """Sign somebody in whom `way` has shown to be that person; what the browser held before is over."""
    opened = sessions.open_session(
        session, person_id, way, cookies.program_of(request), cookies.held(request, settings)
    )
    cookies.set_session(response, settings, opened)
    return opened
