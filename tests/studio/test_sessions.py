import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import structlog
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text

from studio.authenticator import (
    FIREFOX,
    ORIGIN,
    SESSION,
    browser_of,
    browsing,
    held_by,
    let_pass,
    plant,
)
from studio.conftest import People
from unstrung.studio import cookies
from unstrung.studio.accounts import service as accounts
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.models import ProgrammeRole
from unstrung.studio.app import create_app
from unstrung.studio.database import Database
from unstrung.studio.logs import set_up_logs
from unstrung.studio.sessions import service as sessions
from unstrung.studio.sessions.models import Way
from unstrung.studio.sessions.service import Held, Recognised
from unstrung.studio.settings import Settings

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/139.0 Safari/537.36"
PAUSES = "/programme/v1/pauses"


@pytest.fixture
def browser(app: FastAPI, people: People) -> Iterator[TestClient]:
    with browsing(app) as opened:
        yield opened


def sign_in(
    browser: TestClient, database: Database, name: str = "owner", way: Way = Way.EMAIL
) -> str:
    """Sign somebody in without any ceremony, and return the session's id."""
    with database.transaction() as session:
        person = accounts.find_person(session, name)
        opened = sessions.open_session(session, person.id, way, "firefox")
    browser.cookies.clear()
    plant(browser, {"unstrung_session": opened.token, "unstrung_holder": opened.holder})
    return opened.session.id


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


# What a session may do.


def test_a_session_calls_the_api_as_its_person(browser: TestClient, database: Database) -> None:
    session_id = sign_in(browser, database)
    told = browser.get(SESSION).json()
    assert (told["name"], told["scopes"]) == ("owner", ["generate", "read", "share"])
    assert told["session"]["id"] == session_id
    assert browser.get("/v1/videos").status_code == 200
    assert browser.post("/v1/videos", json={"prompt": "a fox"}).status_code == 200


def test_a_key_goes_before_a_session_and_works_as_before(
    browser: TestClient, database: Database, people: People
) -> None:
    sign_in(browser, database, "other")
    told = browser.get(SESSION, headers=people.headers("owner")).json()
    assert (told["name"], told["session"]) == ("owner", None)
    bad = browser.get(SESSION, headers={"authorization": "Bearer ust_bad"})
    assert code_of(bad) == (401, "invalid_api_key")


def test_admins_and_stewards_have_the_scope_admin_in_their_sessions(
    browser: TestClient, database: Database
) -> None:
    sign_in(browser, database, "admin")
    assert "admin" in browser.get(SESSION).json()["scopes"]
    with database.transaction() as session:
        person = accounts.find_person(session, "owner")
        admission.grant_role(session, person.id, ProgrammeRole.STEWARD, None)
    sign_in(browser, database, "owner")
    told = browser.get(SESSION).json()
    assert "admin" in told["scopes"]
    assert told["programme_roles"] == ["steward"]


@pytest.mark.parametrize("name", ["admin", "owner"])
def test_an_act_of_a_steward_takes_a_fresh_passkey_in_a_session_but_not_with_a_key(
    browser: TestClient, database: Database, people: People, name: str
) -> None:
    with database.transaction() as session:
        person = accounts.find_person(session, name)
        admission.grant_role(session, person.id, ProgrammeRole.STEWARD, None)
    sign_in(browser, database, name)
    stale = browser.post(PAUSES, json={})
    assert code_of(stale) == (401, "fresh_passkey_required")
    assert code_of(browser.post(f"{PAUSES}/pause_0/second")) == (401, "fresh_passkey_required")
    assert code_of(browser.post(f"{PAUSES}/pause_0/end", json={})) == (
        401,
        "fresh_passkey_required",
    )
    assert browser.get(f"{PAUSES}/proposals").status_code == 200
    sign_in(browser, database, name, Way.PASSKEY)
    assert browser.post(PAUSES, json={}).status_code == 400
    let_pass(database, timedelta(minutes=5))
    assert code_of(browser.post(PAUSES, json={})) == (401, "fresh_passkey_required")
    with_key = browser.post(PAUSES, json={}, headers=people.headers("admin"))
    assert with_key.status_code == 400


def test_what_only_an_admin_may_change_takes_a_fresh_passkey_too(
    browser: TestClient, database: Database
) -> None:
    sign_in(browser, database, "owner")
    video = f"/v1/videos/{browser.post('/v1/videos', json={'prompt': 'a fox'}).json()['id']}"
    sign_in(browser, database, "admin")
    assert browser.get(video).status_code == 200
    assert browser.delete(video).status_code == 404
    sign_in(browser, database, "admin", Way.PASSKEY)
    assert browser.delete(video).status_code == 200


def test_a_session_makes_a_key_only_with_a_fresh_passkey(
    browser: TestClient, database: Database
) -> None:
    # A key lives on when the session is over, so a stolen session must not make one.
    body = {"name": "laptop", "scopes": ["read"]}
    sign_in(browser, database)
    assert code_of(browser.post("/programme/v1/keys", json=body)) == (401, "fresh_passkey_required")
    sign_in(browser, database, way=Way.PASSKEY)
    assert browser.post("/programme/v1/keys", json=body).status_code == 200


# Requests that another site makes a browser send.


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:8301", None])
def test_a_change_by_cookies_must_come_from_our_own_pages(
    browser: TestClient, database: Database, origin: str | None
) -> None:
    sign_in(browser, database)
    del browser.headers["origin"]
    headers = {"origin": origin} if origin else {}
    for method, path in (
        ("POST", "/v1/videos"),
        ("DELETE", SESSION),
        ("DELETE", f"{SESSION}/sessions"),
    ):
        refused = browser.request(method, path, headers=headers)
        assert code_of(refused) == (403, "cross_site")
    assert browser.get(SESSION, headers=headers).status_code == 200


def test_a_key_needs_no_origin(client: TestClient) -> None:
    assert client.post("/v1/videos", json={"prompt": "a fox"}).status_code == 200


def test_a_form_on_our_own_pages_works_without_a_script(
    browser: TestClient, database: Database
) -> None:
    sign_in(browser, database)
    assert browser.post("/v1/videos", data={"prompt": "a fox"}).status_code == 200


# Cookies.


def test_cookies_are_for_this_host_over_tls_alone(settings: Settings, people: People) -> None:
    far = settings.model_copy(update={"public_url": "https://studio.example"})
    with browsing(create_app(far)) as browser:
        browser.base_url = "https://studio.example"
        browser.headers["origin"] = "https://studio.example"
        answer = browser.post(f"{SESSION}/passkey/login/begin")
        (told,) = answer.headers.get_list("set-cookie")
        assert told.startswith("__Host-unstrung_attempt=")
        attributes = {each.strip().lower() for each in told.split(";")[1:]}
        assert {"secure", "httponly", "samesite=lax", "path=/"} <= attributes
        assert not any(each.startswith("domain") for each in attributes)
        # On this machine's own origin nothing of it counts.
        refused = browser.post(f"{SESSION}/passkey/login/begin", headers={"origin": ORIGIN})
        assert refused.status_code == 403


def test_plain_http_on_this_machine_has_no_secure_cookies(browser: TestClient) -> None:
    (told,) = browser.post(f"{SESSION}/passkey/login/begin").headers.get_list("set-cookie")
    assert told.startswith("unstrung_attempt=")
    assert "httponly" in told.lower()
    assert "secure" not in told.lower()


@pytest.mark.parametrize(
    ("agent", "family"),
    [
        (FIREFOX, "firefox"),
        (CHROME, "chrome"),
        (f"{CHROME} Edg/139.0", "edge"),
        ("Mozilla/5.0 (iPhone) AppleWebKit/605 Version/18.0 Mobile/15E148 Safari/604.1", "safari"),
        ("python-requests/2.34", "pythonrequests"),
        ("", "unknown"),
        ("\x1b[31m evil", "31mevil"),
    ],
)
def test_a_program_is_known_by_its_family_alone(agent: str, family: str) -> None:
    scope = {"type": "http", "headers": [(b"user-agent", agent.encode())]}
    assert cookies.program_of(cookies.Request(scope)) == family


# Life, rotation and replay.


def test_a_session_ends_after_twelve_hours_however_much_it_is_used(
    browser: TestClient, database: Database
) -> None:
    sign_in(browser, database)
    for _ in range(28):
        let_pass(database, timedelta(minutes=25))
        assert browser.get(SESSION).status_code == 200
    let_pass(database, timedelta(minutes=20))
    assert code_of(browser.get(SESSION)) == (401, "expired_session")


def test_a_session_ends_after_thirty_idle_minutes(browser: TestClient, database: Database) -> None:
    sign_in(browser, database)
    let_pass(database, timedelta(minutes=28))
    assert browser.get(SESSION).status_code == 200
    let_pass(database, timedelta(minutes=30, seconds=1))
    assert code_of(browser.get(SESSION)) == (401, "expired_session")
    assert browser.get(f"{SESSION}/sessions").status_code == 401


def test_a_token_is_replaced_after_ten_minutes_also_when_the_answer_is_a_refusal(
    browser: TestClient, database: Database
) -> None:
    sign_in(browser, database)
    first = held_by(browser)
    let_pass(database, timedelta(minutes=9))
    assert "set-cookie" not in browser.get(SESSION).headers
    let_pass(database, timedelta(minutes=2))
    assert browser.get("/v1/videos/video_0").status_code == 404
    second = held_by(browser)
    assert second["unstrung_session"] != first["unstrung_session"]
    assert second["unstrung_holder"] == first["unstrung_holder"]
    assert browser.get(SESSION).status_code == 200


def test_a_replaced_token_is_good_for_thirty_seconds_and_then_ends_the_session(
    app: FastAPI, browser: TestClient, database: Database
) -> None:
    sign_in(browser, database)
    thief = browser_of(app)
    plant(thief, held_by(browser))
    let_pass(database, timedelta(minutes=11))
    assert browser.get(SESSION).status_code == 200
    late = thief.get(SESSION)
    assert late.status_code == 200
    assert "set-cookie" not in late.headers
    let_pass(database, timedelta(seconds=31))
    assert code_of(thief.get(SESSION)) == (401, "revoked_session")
    # Nobody can say which of the two is the thief.
    assert code_of(browser.get(SESSION)) == (401, "revoked_session")
    with database.transaction() as session:
        reason = session.scalar(text("SELECT end_reason FROM sessions"))
        logged = session.scalar(
            text("SELECT count(*) FROM log_entries WHERE kind = 'session.replayed'")
        )
    assert (reason, logged) == ("replayed", 1)


def test_a_thief_who_rotates_first_is_given_away_by_the_owner(
    app: FastAPI, browser: TestClient, database: Database
) -> None:
    sign_in(browser, database)
    thief = browser_of(app)
    plant(thief, held_by(browser))
    let_pass(database, timedelta(minutes=11))
    assert thief.get(SESSION).status_code == 200
    let_pass(database, timedelta(minutes=1))
    assert code_of(browser.get(SESSION)) == (401, "revoked_session")
    assert code_of(thief.get(SESSION)) == (401, "revoked_session")


def test_a_token_without_its_holders_secret_ends_the_session(
    app: FastAPI, browser: TestClient, database: Database
) -> None:
    for spoil in ("", "something else"):
        sign_in(browser, database)
        thief = browser_of(app)
        plant(thief, {**held_by(browser), "unstrung_holder": spoil})
        assert code_of(thief.get(SESSION)) == (401, "revoked_session")
        assert browser.get(SESSION).status_code == 401


def test_a_program_that_replays_a_browsers_cookies_ends_the_session(
    app: FastAPI, browser: TestClient, database: Database
) -> None:
    sign_in(browser, database)
    replayer = browser_of(app, "python-requests/2.34")
    plant(replayer, held_by(browser))
    assert code_of(replayer.get("/v1/videos")) == (401, "revoked_session")
    assert code_of(browser.get(SESSION)) == (401, "revoked_session")


def test_of_many_requests_at_once_one_replaces_the_token_and_all_are_answered(
    database: Database, people: People
) -> None:
    with database.transaction() as session:
        person = accounts.find_person(session, "owner")
        opened = sessions.open_session(session, person.id, Way.EMAIL, "firefox")
    let_pass(database, timedelta(minutes=11))
    held = Held(opened.token, opened.holder, "firefox")
    together = threading.Barrier(8)

    def recognised(_: int) -> Recognised:
        together.wait()
        with database.transaction() as session:
            return sessions.recognise(session, held, True)

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(recognised, range(8)))
    assert all(each.caller is not None for each in found)
    assert sum(each.next_token is not None for each in found) == 1
    with database.transaction() as session:
        open_tokens = session.scalar(
            text("SELECT count(*) FROM session_tokens WHERE replaced_at IS NULL")
        )
    assert open_tokens == 1


# One's own sessions.


def test_signing_out_ends_the_session_and_takes_the_cookies_back(
    app: FastAPI, browser: TestClient, database: Database
) -> None:
    sign_in(browser, database)
    held = held_by(browser)
    let_pass(database, timedelta(minutes=11))
    answer = browser.delete(SESSION)
    assert answer.json() == {"object": "session.ended", "ended": 1}
    told = answer.headers.get_list("set-cookie")
    assert len(told) == 2
    assert all('=""' in each and "Max-Age=0" in each for each in told)
    assert answer.headers["clear-site-data"] == '"cache", "storage"'
    again = browser_of(app)
    plant(again, held)
    assert code_of(again.get(SESSION)) == (401, "revoked_session")


def test_sessions_are_listed_and_ended_one_by_one_or_all_others(
    app: FastAPI, browser: TestClient, database: Database
) -> None:
    ids = [sign_in(browser, database) for _ in range(4)]
    listed = browser.get(f"{SESSION}/sessions").json()["data"]
    assert [each["id"] for each in listed] == ids[::-1]
    assert [each["is_current"] for each in listed] == [True, False, False, False]
    assert browser.delete(f"{SESSION}/sessions/{ids[0]}").status_code == 200
    assert code_of(browser.delete(f"{SESSION}/sessions/{ids[0]}")) == (404, "session_not_found")
    assert browser.delete(f"{SESSION}/sessions").json()["ended"] == 2
    assert [each["id"] for each in browser.get(f"{SESSION}/sessions").json()["data"]] == ids[3:]


def test_everybodys_sessions_can_be_ended_when_they_leave(
    browser: TestClient, database: Database
) -> None:
    sign_in(browser, database)
    with database.transaction() as session:
        person_id = accounts.find_person(session, "owner").id
        assert sessions.end_all_sessions(session, person_id) == 1
    assert code_of(browser.get(SESSION)) == (401, "revoked_session")


def test_leaving_the_programme_ends_every_other_session_and_keeps_ways_to_ones_works(
    browser: TestClient, database: Database
) -> None:
    sign_in(browser, database)
    with database.transaction() as session:
        person_id = accounts.find_person(session, "owner").id
        cohort = admission.create_cohort(session, "first", 2, "To try it out.")
        admission.seat(session, person_id, cohort.id)
        sessions.open_session(session, person_id, Way.EMAIL, "firefox")
    assert len(browser.get(f"{SESSION}/sessions").json()["data"]) == 2
    assert browser.post("/programme/v1/leave").status_code == 200
    assert len(browser.get(f"{SESSION}/sessions").json()["data"]) == 1
    assert browser.get("/v1/videos").status_code == 200


# (method, path, body, the status that nobody, somebody else, the owner and an admin get by a session).
ROUTES: list[tuple[str, str, Any, tuple[int, int, int, int]]] = [
    ("GET", "", None, (401, 200, 200, 200)),
    ("GET", "/sessions", None, (401, 200, 200, 200)),
    ("DELETE", "/sessions/{session_id}", None, (401, 404, 200, 404)),
    ("DELETE", "/sessions", None, (401, 200, 200, 200)),
    ("GET", "/passkeys", None, (401, 200, 200, 200)),
    ("DELETE", "/passkeys/passkey_0", None, (401, 404, 404, 404)),
    ("POST", "/passkey/register/begin", None, (401, 200, 200, 200)),
    ("POST", "/passkey/register/finish", {"credential": {}}, (401, 401, 401, 401)),
    ("POST", "/passkey/login/begin", None, (200, 200, 200, 200)),
    ("POST", "/passkey/login/finish", {"credential": {}}, (401, 401, 401, 401)),
    ("POST", "/email/request", {"address": "a@example.org"}, (200, 200, 200, 200)),
    ("POST", "/email/redeem", {"token": "x"}, (401, 401, 401, 401)),
    ("GET", "/oidc", None, (200, 200, 200, 200)),
    ("POST", "/oidc/x/start", {}, (404, 404, 404, 404)),
    ("POST", "/oidc/x/add", {}, (401, 404, 404, 404)),
    ("GET", "/oidc/x/callback", None, (401, 401, 401, 401)),
    ("DELETE", "", None, (401, 200, 200, 200)),
]


@pytest.mark.parametrize(("method", "path", "body", "statuses"), ROUTES)
def test_a_route_answers_each_as_it_should(
    browser: TestClient, database: Database, method: str, path: str, body: Any,
    statuses: tuple[int, ...],
) -> None:  # fmt: skip
    owners = sign_in(browser, database, "owner")
    for who, status in zip(("nobody", "other", "owner", "admin"), statuses, strict=True):
        if who == "nobody":
            browser.cookies.clear()
        else:
            sign_in(browser, database, who)
        answer = browser.request(method, SESSION + path.format(session_id=owners), json=body)
        assert answer.status_code == status, f"{who}: {answer.text}"


def test_the_table_above_holds_every_route(app: FastAPI) -> None:
    found = {
        (method.upper(), path.removeprefix(SESSION).replace("{issuer}", "x"))
        for path, operations in app.openapi()["paths"].items()
        if path == SESSION or path.startswith(f"{SESSION}/")
        for method in operations
    }
    told = {(method, path.replace("passkey_0", "{passkey_id}")) for method, path, _, _ in ROUTES}
    assert told == found


@pytest.mark.parametrize("form", ["console", "json"])
def test_nobody_can_write_a_line_of_the_log_by_what_they_send(
    form: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    forged = "x\n2026-11-26T00:00:00Z [info] signed in person=admin\r\x1b[2J\u2028y"
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    try:
        set_up_logs(form, "info")
        logging.getLogger("studio").warning("no such path: %s", forged)
        structlog.stdlib.get_logger("studio").warning("session revoked", reason=forged)
    finally:
        structlog.reset_defaults()
        logging.getLogger().handlers[:] = handlers
        logging.getLogger().setLevel(level)
    told = capsys.readouterr().err
    assert told.count("\n") == 2
    assert not {"\r", "\x1b", "\u2028"} & set(told)


def test_a_forged_header_reaches_no_log(
    browser: TestClient, database: Database, capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.INFO)
    sign_in(browser, database)
    evil = "evil\x1b[2J [info] signed in"
    headers = {"user-agent": evil, "x-request-id": evil, "origin": evil, "host": "evil"}
    assert browser.post("/v1/videos", headers=headers).status_code == 403
    assert browser.get("/v1/videos", headers=headers).status_code == 401
    captured = capsys.readouterr()
    logged = captured.out + captured.err + caplog.text
    assert "session revoked" in logged
    assert "evil" not in logged
