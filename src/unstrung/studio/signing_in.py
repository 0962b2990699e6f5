"""The last step of every way in: a session, its cookies, and letters about what others may have done."""

import structlog
from fastapi import BackgroundTasks, Request, Response
from sqlalchemy.orm import Session

from unstrung.studio import cookies, mail
from unstrung.studio.charters import service as charters
from unstrung.studio.database import now
from unstrung.studio.dependencies import studio_of
from unstrung.studio.logins import service as logins
from unstrung.studio.sessions import service as sessions
from unstrung.studio.sessions.models import Way
from unstrung.studio.sessions.service import Opened
from unstrung.studio.settings import Settings
from unstrung.studio.sign_in_letters import ended_letter, notice_letter

_log = structlog.get_logger(__name__)


def sign_in(
    request: Request,
    response: Response,
    tasks: BackgroundTasks,
    session: Session,
    person_id: str,
    way: Way,
) -> Opened:
    """Sign somebody in whom `way` has shown to be that person; what the browser held before is over.

    The person is told by letter if their recent sessions were elsewhere.
    """
    studio = studio_of(request)
    settings = studio.settings
    program, network = cookies.program_of(request), studio.sightings.network_of(request)
    if sessions.is_unusual(session, person_id, program, network):
        language, moment = charters.language_of(session, person_id), now()
        for address in logins.addresses_of(session, person_id):
            letter = notice_letter(address, cookies.site(settings), program, moment, language)
            tasks.add_task(send_letter, settings, letter)
    opened = sessions.open_session(
        session, person_id, way, program, cookies.held(request, settings), network=network
    )
    cookies.set_session(response, settings, opened)
    return opened


def letters_of_end(session: Session, settings: Settings, person_id: str) -> list[mail.Letter]:
    """What is written to somebody whose sessions were ended for them, to each of their addresses."""
    language, moment = charters.language_of(session, person_id), now()
    return [
        ended_letter(address, cookies.site(settings), moment, language)
        for address in logins.addresses_of(session, person_id)
    ]


def send_letter(settings: Settings, letter: mail.Letter) -> None:
    """Send a letter after the answer has left."""
    try:
        mail.send(settings, letter)
    except mail.MailFailed as error:
        # Whoever signs in must not be able to tell; the operator must.
        _log.error("e-mail not sent", reason=str(error))
