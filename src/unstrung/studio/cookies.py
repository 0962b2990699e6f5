"""Cookies of sessions, and the rule against requests that another site makes a browser send.

A session is two cookies: the token, which rotates, and the holder's secret, which is made once. Both are
HttpOnly, SameSite=Lax and, but for plain http on this machine, Secure with the prefix `__Host-`, which a
browser accepts only from this very host, for every path and over TLS.

The rule: whatever changes something and is authenticated by cookies must name our own origin in `Origin`.
Browsers send that header with every POST and DELETE and scripts cannot set it, so plain HTML forms work,
which could not send a header of our own. Reading needs none, since no other origin may read the answer.
"""

from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from unstrung.studio.errors import Forbidden
from unstrung.studio.sessions.service import LIFE, Held, Opened
from unstrung.studio.settings import Settings, is_loopback

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_TOKEN: Final = "unstrung_session"
_HOLDER: Final = "unstrung_holder"
_ATTEMPT: Final = "unstrung_attempt"
_ATTEMPT_S: Final = 600
_MAX_PROGRAM_CHARACTERS: Final = 32
# The order matters: Edge and Opera also call themselves Chrome, and Chrome calls itself Safari.
_BROWSERS: Final = (
    ("edge", ("Edg/", "EdgA/", "EdgiOS/")),
    ("opera", ("OPR/", "OPT/")),
    ("samsung", ("SamsungBrowser/",)),
    ("firefox", ("Firefox/", "FxiOS/")),
    ("chrome", ("Chrome/", "CriOS/", "Chromium/")),
    ("safari", ("Safari/",)),
)


def held(request: Request, settings: Settings) -> Held | None:
    """The session that a request shows, good or not; None if it shows none."""
    token = request.cookies.get(_name(settings, _TOKEN))
    if not token:
        return None
    holder = request.cookies.get(_name(settings, _HOLDER), "")
    return Held(token, holder, program_of(request))


def attempt(request: Request, settings: Settings) -> str:
    """The secret of the sign-in that a browser is in the middle of; empty if it is in none."""
    return request.cookies.get(_name(settings, _ATTEMPT), "")


def set_session(response: Response, settings: Settings, opened: Opened) -> None:
    """Give a browser a new session; the sign-in that opened it is over."""
    set_token(response, settings, opened.token)
    _set(response, settings, _HOLDER, opened.holder, int(LIFE.total_seconds()))
    clear_attempt(response, settings)


def set_token(response: Response, settings: Settings, token: str) -> None:
    """Give a browser the next token of its session; how long that lives the server knows better."""
    _set(response, settings, _TOKEN, token, int(LIFE.total_seconds()))


def hand_over(request: Request, response: Response) -> None:
    """Give the browser its next token, if it is due one, whatever the answer is otherwise."""
    token = getattr(request.state, "next_token", None)
    if token is not None:
        set_token(response, request.app.state.studio.settings, token)


def set_attempt(response: Response, settings: Settings, secret: str) -> None:
    """Tie a sign-in that begins to the browser that begins it."""
    _set(response, settings, _ATTEMPT, secret, _ATTEMPT_S)


def clear(response: Response, settings: Settings) -> None:
    """Take back the session, clips that the browser keeps for minutes, and what pages put aside."""
    for name in (_TOKEN, _HOLDER):
        _set(response, settings, name, "", 0)
    response.headers["clear-site-data"] = '"cache", "storage"'


def clear_attempt(response: Response, settings: Settings) -> None:
    """Take the cookie of a sign-in back that is over."""
    _set(response, settings, _ATTEMPT, "", 0)


def must_be_same_origin(request: Request, settings: Settings) -> None:
    """Refuse what another site may have made a browser send.

    Raises:
        Forbidden: if `Origin` is missing or names another origin.
    """
    given = request.headers.get("origin")
    known = origins(settings)
    if given is None or given not in known:
        raise Forbidden(
            f"A request that is signed in by cookies must come from {known[0]} and say so in the header "
            "'Origin'; programs use a key.",
            code="cross_site",
        )


def origins(settings: Settings) -> list[str]:
    """Our own origins, the usual one first; this machine may be called by each of its names."""
    parsed = urlsplit(settings.base_url)
    port = f":{parsed.port}" if parsed.port else ""
    if is_loopback(parsed.hostname or ""):
        names = ("localhost", "127.0.0.1", "[::1]")
        return [f"{parsed.scheme}://{name}{port}" for name in names]
    return [f"{parsed.scheme}://{parsed.netloc}".lower()]


def site(settings: Settings) -> str:
    """How a browser reaches us, for links to sign in by, without a slash at the end.

    On this machine by its name: its numbers have other cookies, and passkeys know none.
    """
    parsed = urlsplit(settings.base_url)
    if is_loopback(parsed.hostname or ""):
        return origins(settings)[0] + parsed.path
    return settings.base_url


def program_of(request: Request) -> str:
    """The family of the browser or program that sends a request, without versions or systems.

    Browsers change their version while a session lasts, and the system when a telephone asks for the pages
    of a computer, but not the family.
    """
    agent = request.headers.get("user-agent", "")
    for family, marks in _BROWSERS:
        if any(mark in agent for mark in marks):
            return family
    product = agent.partition("/")[0].strip().lower()
    known = "".join(letter for letter in product if letter.isascii() and letter.isalnum())
    return known[:_MAX_PROGRAM_CHARACTERS] or "unknown"


def _name(settings: Settings, name: str) -> str:
    return f"__Host-{name}" if _is_secure(settings) else name


def _is_secure(settings: Settings) -> bool:
    parsed = urlsplit(settings.base_url)
    return parsed.scheme == "https" or not is_loopback(parsed.hostname or "")


def _set(response: Response, settings: Settings, name: str, value: str, max_age_s: int) -> None:
    response.set_cookie(
        _name(settings, name), value, max_age=max_age_s, path="/", httponly=True, samesite="lax",
        secure=_is_secure(settings),
    )  # fmt: skip
