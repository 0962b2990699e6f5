"""What people are told of sign-ins that may not be theirs, and what stewards can end for them."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from studio.authenticator import (
    FIREFOX,
    ORIGIN,
    SESSION,
    Authenticator,
    browser_of,
    let_pass,
    log_in,
    plant,
    register,
)
from studio.conftest import People
from studio.signing_in import OWNER, code_of, mails, signed_in_by_link
from unstrung.studio.accounts import service as accounts
from unstrung.studio.accounts.models import Person
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.models import ProgrammeRole
from unstrung.studio.charters.models import CharterAcceptance, CharterVersion
from unstrung.studio.database import Database, now
from unstrung.studio.log.models import EntryKind, LogEntry
from unstrung.studio.logins import service as logins
from unstrung.studio.logins.models import EmailAddress
from unstrung.studio.notices import LANGUAGES
from unstrung.studio.sessions import service as sessions
from unstrung.studio.sessions.models import Way
from unstrung.studio.settings import Settings
from unstrung.studio.sign_in_letters import ended_letter, notice_letter
from unstrung.studio.statements.models import Statement

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/139.0 Safari/537.36"
NOTICE = "Unstrung: a new sign-in"
WHY = {"reason": "Their telephone was stolen."}


@pytest.fixture
def known_id(browser: TestClient, database: Database, settings: Settings, owner_id: str) -> str:
    """A person with an address whose account is old, and who signed in by Firefox lately."""
    signed_in_by_link(browser, database, settings, owner_id)
    with database.transaction() as session:
        session.execute(update(Person).values(created_at=Person.created_at - timedelta(days=400)))
    return owner_id


def notices(settings: Settings) -> list[Any]:
    return [each for each in mails(settings) if each["subject"] == NOTICE]


def browser_at(app: FastAPI, address: str, agent: str = FIREFOX) -> TestClient:
    """A browser in another network."""
    return TestClient(
        app, base_url=ORIGIN, headers={"user-agent": agent, "origin": ORIGIN},
        client=(address, 50_000), raise_server_exceptions=False,
    )  # fmt: skip


# Who is told of a sign-in.


def test_the_first_sign_in_to_a_new_account_surprises_nobody(
    browser: TestClient, database: Database, settings: Settings, owner_id: str
) -> None:
    signed_in_by_link(browser, database, settings, owner_id)
    assert mails(settings) == []


def test_a_sign_in_by_another_browser_is_told_once(
    app: FastAPI, browser: TestClient, database: Database, settings: Settings, known_id: str
) -> None:
    signed_in_by_link(browser, database, settings, known_id)
    assert notices(settings) == []
    for _ in range(2):
        signed_in_by_link(browser_of(app, CHROME), database, settings, known_id)
    (told,) = notices(settings)
    assert told["to"] == OWNER
    assert "chrome" in told.get_content()
    assert ORIGIN in told.get_content()
    assert f"{now():%Y-%m-%d}" in told.get_content()
    assert "testclient" not in told.get_content()


def test_a_sign_in_from_another_network_is_told_once(
    app: FastAPI, database: Database, settings: Settings, known_id: str
) -> None:
    for address in ("203.0.113.9", "203.0.113.200"):
        signed_in_by_link(browser_at(app, address), database, settings, known_id)
    (told,) = notices(settings)
    assert "203.0" not in told.get_content()


def test_a_passkey_that_signs_in_elsewhere_is_told(
    app: FastAPI, browser: TestClient, settings: Settings, known_id: str
) -> None:
    assert known_id
    passkey = Authenticator()
    register(browser, passkey)
    log_in(browser, passkey)
    assert notices(settings) == []
    log_in(browser_at(app, "198.51.100.7"), passkey)
    assert len(notices(settings)) == 1


def test_what_was_seen_a_month_ago_is_forgotten(
    browser: TestClient, database: Database, settings: Settings, known_id: str
) -> None:
    let_pass(database, timedelta(days=31))
    signed_in_by_link(browser, database, settings, known_id)
    assert len(notices(settings)) == 1


def test_only_an_address_that_its_person_reads_is_written_to(
    app: FastAPI, database: Database, settings: Settings, known_id: str
) -> None:
    with database.transaction() as session:
        session.execute(update(EmailAddress).values(verified_at=None))
    signed_in_by_link(browser_of(app, CHROME), database, settings, known_id)
    assert mails(settings) == []
    with database.transaction() as session:
        logins.add_address(session, known_id, "second@example.org", is_verified=True)
    signed_in_by_link(browser_at(app, "203.0.113.9"), database, settings, known_id)
    assert [each["to"] for each in mails(settings)] == ["second@example.org"]


@pytest.mark.parametrize(
    ("language", "subject"), [("it", "Unstrung: un nuovo accesso"), ("eo", NOTICE)]
)
def test_the_notice_is_in_the_language_of_the_charter_that_was_accepted(
    app: FastAPI, database: Database, settings: Settings, known_id: str, language: str, subject: str
) -> None:
    with database.transaction() as session:
        session.add(
            CharterVersion(
                version="1.0", published_at=now(), published_by=known_id, effective_at=now(),
                entry_id="entry_0",
            )
        )  # fmt: skip
        session.flush()
        session.add(
            CharterAcceptance(
                id="acceptance_0", person_id=known_id, version="1.0", language=language,
                digest="0" * 64, accepted_at=now(), entry_id="entry_1",
            )
        )  # fmt: skip
    signed_in_by_link(browser_of(app, CHROME), database, settings, known_id)
    assert [each["subject"] for each in mails(settings)] == [subject]


def test_a_notice_that_cannot_be_sent_keeps_nobody_out(
    app: FastAPI, database: Database, settings: Settings, known_id: str
) -> None:
    (settings.studio_data / "mail").write_text("no folder")
    signed_in_by_link(browser_of(app, CHROME), database, settings, known_id)


@pytest.mark.parametrize("language", LANGUAGES)
def test_notices_say_the_same_in_every_language(language: str) -> None:
    letter = notice_letter(OWNER, "https://studio.example", "firefox", now(), language)
    for part in ("https://studio.example", "firefox", "UTC", f"{now():%Y}"):
        assert part in letter.text
    assert "passkey" in letter.text
    assert "{" not in letter.text
    assert "\n" not in letter.subject
    ended = ended_letter(OWNER, "https://studio.example", now(), language)
    for part in ("https://studio.example/studio/programme/receipts", "passkey", f"{now():%Y}"):
        assert part in ended.text
    assert "{" not in ended.text


# What stewards end.


@pytest.fixture
def steward(app: FastAPI, database: Database, people: People) -> Iterator[TestClient]:
    """The admin as a steward, signed in with a passkey a moment ago."""
    assert people
    with database.transaction() as session:
        person = accounts.find_person(session, "admin")
        admission.grant_role(session, person.id, ProgrammeRole.STEWARD, None)
        opened = sessions.open_session(session, person.id, Way.PASSKEY, "firefox")
    browser = browser_of(app)
    plant(browser, {"unstrung_session": opened.token, "unstrung_holder": opened.holder})
    yield browser
    browser.close()


def test_a_steward_ends_all_sessions_of_a_person_who_finds_the_reason(
    app: FastAPI, browser: TestClient, steward: TestClient, database: Database, settings: Settings,
    people: People, owner_id: str,
) -> None:  # fmt: skip
    path = f"/programme/v1/people/{owner_id}/sessions/end"
    other = browser_of(app, CHROME)
    for each in (browser, other):
        signed_in_by_link(each, database, settings, owner_id)
    answer = steward.post(path, json=WHY)
    assert answer.json() == {"object": "session.ended", "ended": 2}
    for each in (browser, other):
        assert code_of(each.get(SESSION)) == (401, "revoked_session")
    # Nothing else is taken away: the key goes on, and so does the steward.
    with_key = app_call(app, people.owner, "/programme/v1/receipts")
    assert with_key.json()["data"][0]["kind"] == "session.all-ended"
    assert steward.get(SESSION).status_code == 200
    signed_in_by_link(browser, database, settings, owner_id)
    with database.transaction() as session:
        query = select(LogEntry).where(LogEntry.kind == EntryKind.SESSIONS_ENDED)
        entry = session.scalars(query).one()
        assert entry.person_id == owner_id
        assert entry.content == {"person_id": owner_id, "ended": 2, **WHY}
        assert session.scalars(select(Statement)).all() == []


def test_who_is_signed_out_by_a_steward_is_told_where_the_reason_is(
    app: FastAPI, steward: TestClient, database: Database, settings: Settings, known_id: str
) -> None:
    assert app
    path = f"/programme/v1/people/{known_id}/sessions/end"
    assert steward.post(path, json=WHY).json()["ended"] == 1
    assert steward.post(path, json=WHY).json()["ended"] == 0, "who is signed out is not told again"
    (told,) = [each for each in mails(settings) if "sessions were ended" in each["subject"]]
    assert told["to"] == OWNER
    assert f"{ORIGIN}/studio/programme/receipts" in told.get_content()
    assert "telephone" not in told.get_content()
    assert f"{now():%Y-%m-%d}" in told.get_content()
    assert database


def app_call(app: FastAPI, key: str, path: str) -> Any:
    calling = TestClient(app, headers={"authorization": f"Bearer {key}"})
    return calling.get(path)


def test_ending_sessions_takes_a_steward_a_fresh_passkey_a_person_and_a_reason(
    app: FastAPI, steward: TestClient, database: Database, people: People, owner_id: str
) -> None:
    path = f"/programme/v1/people/{owner_id}/sessions/end"
    for key, refusal in (
        (people.owner, (403, "insufficient_scope")),
        (people.other, (403, "insufficient_scope")),
    ):
        calling = TestClient(app, headers={"authorization": f"Bearer {key}"})
        assert code_of(calling.post(path, json=WHY)) == refusal
    assert code_of(steward.post(path, json={})) == (400, "missing_required_parameter")
    assert code_of(steward.post(path, json={"reason": "so"})) == (400, "invalid_value")
    nobody = "/programme/v1/people/person_0/sessions/end"
    assert code_of(steward.post(nobody, json=WHY)) == (404, "not_found")
    let_pass(database, timedelta(minutes=5))
    assert code_of(steward.post(path, json=WHY)) == (401, "fresh_passkey_required")


def test_an_admin_who_is_no_steward_ends_nobodys_sessions(
    app: FastAPI, people: People, owner_id: str
) -> None:
    calling = TestClient(app, headers=people.headers("admin"))
    answer = calling.post(f"/programme/v1/people/{owner_id}/sessions/end", json=WHY)
    assert code_of(answer) == (403, "missing_right")
