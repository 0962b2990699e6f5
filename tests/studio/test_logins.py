import json
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select, text

from studio.authenticator import (
    ORIGIN,
    SESSION,
    Authenticator,
    browser_of,
    held_by,
    let_pass,
    log_in,
    plant,
    register,
)
from studio.signing_in import OWNER, code_of, mails, signed_in_by_link, token_in
from unstrung.studio.accounts import service as accounts
from unstrung.studio.database import Database
from unstrung.studio.logins import service as logins
from unstrung.studio.logins.models import (
    AttemptKind,
    Passkey,
    SignInAttempt,
)
from unstrung.studio.passkeys import PasskeyRefused
from unstrung.studio.settings import Settings


@pytest.fixture
def authenticator(
    browser: TestClient, database: Database, settings: Settings, owner_id: str
) -> Authenticator:
    """A passkey of the owner's; the browser is signed out again."""
    made = Authenticator()
    signed_in_by_link(browser, database, settings, owner_id)
    register(browser, made)
    assert browser.delete(SESSION).status_code == 200
    return made


# Passkeys.


def test_a_passkey_signs_its_person_in_and_makes_the_session_fresh(
    browser: TestClient, authenticator: Authenticator, owner_id: str
) -> None:
    told = log_in(browser, authenticator)
    assert told["person_id"] == owner_id
    assert told["session"]["way"] == "passkey"
    assert told["session"]["fresh_until"] == told["session"]["created_at"] + 300
    assert browser.get(SESSION).json()["person_id"] == owner_id


def test_the_question_asks_for_a_discoverable_passkey_and_names_nobody(
    browser: TestClient, database: Database, settings: Settings, owner_id: str
) -> None:
    asked = browser.post(f"{SESSION}/passkey/login/begin").json()["public_key"]
    assert asked["allowCredentials"] == []
    assert (asked["rpId"], asked["userVerification"]) == ("localhost", "preferred")
    signed_in_by_link(browser, database, settings, owner_id)
    made = browser.post(f"{SESSION}/passkey/register/begin").json()["public_key"]
    assert made["authenticatorSelection"]["residentKey"] == "required"
    assert made["attestation"] == "none"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda each: setattr(each, "origin", "https://evil.example"),
        lambda each: setattr(each, "origin", "http://localhost:8301"),
        lambda each: setattr(each, "rp_id", "evil.example"),
        lambda each: setattr(each, "handle", b"person_somebody_else"),
        lambda each: setattr(each, "credential_id", b"unknown"),
        lambda each: setattr(each, "key", Authenticator().key),
        # Of an authenticator that was copied: the count of the original went further.
        lambda each: setattr(each, "sign_count", each.sign_count - 1),
    ],
    ids=["origin", "port", "host", "person", "credential", "key", "count"],
)
def test_every_bad_answer_of_a_passkey_is_refused_in_the_same_words(
    browser: TestClient, authenticator: Authenticator, spoil: Callable[[Authenticator], None]
) -> None:
    log_in(browser, authenticator)
    browser.delete(SESSION)
    spoil(authenticator)
    asked = browser.post(f"{SESSION}/passkey/login/begin").json()["public_key"]
    refused = browser.post(
        f"{SESSION}/passkey/login/finish", json={"credential": authenticator.get(asked)}
    )
    assert code_of(refused) == (401, "passkey_refused")
    assert refused.json()["error"]["message"] == (
        "This passkey was not accepted; begin again, on the site itself."
    )
    assert browser.get(SESSION).status_code == 401


def test_an_answer_to_another_challenge_is_refused_and_uses_the_question_up(
    browser: TestClient, authenticator: Authenticator
) -> None:
    earlier = browser.post(f"{SESSION}/passkey/login/begin").json()["public_key"]
    asked = browser.post(f"{SESSION}/passkey/login/begin").json()["public_key"]
    finish = f"{SESSION}/passkey/login/finish"
    wrong = browser.post(finish, json={"credential": authenticator.get(earlier)})
    assert code_of(wrong) == (401, "passkey_refused")
    right = browser.post(finish, json={"credential": authenticator.get(asked)})
    assert code_of(right) == (401, "sign_in_expired")


def test_a_whole_answer_cannot_be_sent_again(
    browser: TestClient, authenticator: Authenticator
) -> None:
    asked = browser.post(f"{SESSION}/passkey/login/begin").json()["public_key"]
    body = {"credential": authenticator.get(asked)}
    held = held_by(browser)
    assert browser.post(f"{SESSION}/passkey/login/finish", json=body).status_code == 200
    browser.cookies.clear()
    plant(browser, held)
    again = browser.post(f"{SESSION}/passkey/login/finish", json=body)
    assert code_of(again) == (401, "sign_in_expired")


def test_a_question_belongs_to_the_browser_that_asked_and_lasts_ten_minutes(
    app: FastAPI, browser: TestClient, database: Database, authenticator: Authenticator
) -> None:
    asked = browser.post(f"{SESSION}/passkey/login/begin").json()["public_key"]
    body = {"credential": authenticator.get(asked)}
    elsewhere = browser_of(app).post(f"{SESSION}/passkey/login/finish", json=body)
    assert code_of(elsewhere) == (401, "sign_in_expired")
    let_pass(database, timedelta(minutes=10))
    late = browser.post(f"{SESSION}/passkey/login/finish", json=body)
    assert code_of(late) == (401, "sign_in_expired")
    browser.post(f"{SESSION}/passkey/login/begin")
    with database.transaction() as session:
        assert len(session.scalars(select(SignInAttempt)).all()) == 1


@pytest.mark.parametrize(
    "credential",
    [
        {}, {"rawId": 1}, {"rawId": "%"}, {"rawId": "x", "id": "y", "type": "z", "response": {}},
        {"rawId": "eA", "id": "eA", "type": "public-key", "response": {"clientDataJSON": "e30"}},
    ],
)  # fmt: skip
def test_nonsense_instead_of_a_credential_is_refused(
    browser: TestClient, authenticator: Authenticator, credential: dict[str, Any]
) -> None:
    browser.post(f"{SESSION}/passkey/login/begin")
    answer = browser.post(f"{SESSION}/passkey/login/finish", json={"credential": credential})
    assert code_of(answer) == (401, "passkey_refused")


def test_a_damaged_registration_is_refused(
    browser: TestClient, database: Database, settings: Settings, owner_id: str
) -> None:
    signed_in_by_link(browser, database, settings, owner_id)
    for spoil in ("origin", "attestationObject", "clientDataJSON", "challenge"):
        asked = browser.post(f"{SESSION}/passkey/register/begin").json()["public_key"]
        made = Authenticator(origin="https://evil.example" if spoil == "origin" else ORIGIN)
        if spoil == "challenge":
            asked["challenge"] = "AAAA"
        credential = made.create(asked)
        if spoil in credential["response"]:
            credential["response"][spoil] = "AAAA"
        answer = browser.post(f"{SESSION}/passkey/register/finish", json={"credential": credential})
        assert code_of(answer) == (401, "passkey_refused"), spoil
    with database.transaction() as session:
        assert session.scalars(select(Passkey)).all() == []


def test_a_credential_is_kept_once(
    app: FastAPI, browser: TestClient, database: Database, settings: Settings, owner_id: str
) -> None:
    made = Authenticator()
    signed_in_by_link(browser, database, settings, owner_id)
    register(browser, made)
    with database.transaction() as session:
        other_id = accounts.find_person(session, "other").id
    other = browser_of(app)
    signed_in_by_link(other, database, settings, other_id)
    asked = other.post(f"{SESSION}/passkey/register/begin").json()["public_key"]
    body = {"credential": made.create(asked)}
    answer = other.post(f"{SESSION}/passkey/register/finish", json=body)
    assert code_of(answer) == (401, "passkey_refused")


def test_who_has_a_passkey_needs_it_to_add_another(
    browser: TestClient, database: Database, settings: Settings, authenticator: Authenticator,
    owner_id: str,
) -> None:  # fmt: skip
    # Whoever reads the owner's e-mails gets in, but no further.
    signed_in_by_link(browser, database, settings, owner_id)
    begin = f"{SESSION}/passkey/register/begin"
    assert code_of(browser.post(begin)) == (401, "fresh_passkey_required")
    log_in(browser, authenticator)
    register(browser, Authenticator())
    let_pass(database, timedelta(minutes=5))
    assert code_of(browser.post(begin)) == (401, "fresh_passkey_required")
    listed = browser.get(f"{SESSION}/passkeys").json()["data"]
    assert [each["name"] for each in listed] == ["my phone", "my phone"]
    removed = browser.delete(f"{SESSION}/passkeys/{listed[0]['id']}")
    assert code_of(removed) == (401, "fresh_passkey_required")


def test_the_first_passkey_needs_a_sign_in_of_the_last_minutes(
    browser: TestClient, database: Database, settings: Settings, owner_id: str
) -> None:
    signed_in_by_link(browser, database, settings, owner_id)
    let_pass(database, timedelta(minutes=10, seconds=1))
    refused = browser.post(f"{SESSION}/passkey/register/begin")
    assert code_of(refused) == (401, "fresh_sign_in_required")


def test_a_key_cannot_add_ways_into_an_account(client: TestClient) -> None:
    for path in ("/passkey/register/begin", "/oidc/nobody/add"):
        assert code_of(client.post(f"{SESSION}{path}", json={})) == (403, "session_required")


def test_the_last_way_in_stays(
    browser: TestClient, database: Database, authenticator: Authenticator
) -> None:
    log_in(browser, authenticator)
    (only,) = browser.get(f"{SESSION}/passkeys").json()["data"]
    with database.transaction() as session:
        session.execute(text("DELETE FROM email_addresses"))
    kept = browser.delete(f"{SESSION}/passkeys/{only['id']}")
    assert code_of(kept) == (409, "last_way_in")
    second = register(browser, Authenticator())
    assert browser.delete(f"{SESSION}/passkeys/{only['id']}").status_code == 200
    assert [each["id"] for each in browser.get(f"{SESSION}/passkeys").json()["data"]] == [
        second["id"]
    ]
    with database.transaction() as session:
        kinds = session.scalars(text("SELECT kind FROM log_entries ORDER BY number")).all()
    assert [kind for kind in kinds if kind.startswith("passkey")] == [
        "passkey.added", "passkey.added", "passkey.removed",
    ]  # fmt: skip


def test_lost_passkeys_are_forgotten_with_all_sessions(
    browser: TestClient, database: Database, settings: Settings, authenticator: Authenticator,
    owner_id: str,
) -> None:  # fmt: skip
    log_in(browser, authenticator)
    with database.transaction() as session:
        assert logins.forget_passkeys(session, owner_id) == 1
    assert code_of(browser.get(SESSION)) == (401, "revoked_session")
    signed_in_by_link(browser, database, settings, owner_id)
    register(browser, Authenticator())


def test_of_two_answers_with_one_count_one_is_taken(
    browser: TestClient, database: Database, settings: Settings, authenticator: Authenticator
) -> None:
    answers = []
    with database.transaction() as session:
        for _ in range(4):
            options, secret = logins.begin_passkey_login(session, settings)
            authenticator.sign_count = 10
            answers.append((secret, authenticator.get(options)))

    def is_taken(answer: tuple[str, dict[str, Any]]) -> bool:
        with database.transaction() as session:
            attempt = logins.take_attempt(session, AttemptKind.PASSKEY_LOGIN, answer[0])
        try:
            with database.transaction() as session:
                logins.person_by_passkey(session, settings, attempt, answer[1])
        except PasskeyRefused:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(is_taken, answers)) == [False, False, False, True]


# What must not happen on the way.


def test_signing_in_needs_a_request_from_our_own_pages(
    browser: TestClient, settings: Settings
) -> None:
    browser.post(f"{SESSION}/email/request", json={"address": OWNER})
    body = {"token": token_in(settings)}
    for origin in ("https://evil.example", "null", "http://localhost:8301", "http://localhost"):
        refused = browser.post(f"{SESSION}/email/redeem", json=body, headers={"origin": origin})
        assert code_of(refused) == (403, "cross_site"), origin
    del browser.headers["origin"]
    assert code_of(browser.post(f"{SESSION}/email/redeem", json=body)) == (403, "cross_site")


def test_a_session_from_before_signing_in_is_worth_nothing_after_it(
    app: FastAPI, browser: TestClient, database: Database, settings: Settings,
    authenticator: Authenticator,
) -> None:  # fmt: skip
    # An attacker puts a session of their own into somebody's browser, and waits for them to sign in.
    with database.transaction() as session:
        other_id = accounts.find_person(session, "other").id
    attacker = browser_of(app)
    signed_in_by_link(attacker, database, settings, other_id)
    planted = held_by(attacker)
    plant(browser, planted)
    log_in(browser, authenticator)
    assert held_by(browser)["unstrung_session"] != planted["unstrung_session"]
    assert code_of(attacker.get(SESSION)) == (401, "revoked_session")


def test_a_new_passkey_use_ends_what_was_copied_before_it(
    app: FastAPI, browser: TestClient, authenticator: Authenticator
) -> None:
    log_in(browser, authenticator)
    thief = browser_of(app)
    plant(thief, held_by(browser))
    assert thief.get(SESSION).status_code == 200
    log_in(browser, authenticator)
    assert code_of(thief.get(SESSION)) == (401, "revoked_session")
    assert browser.get(SESSION).status_code == 200


def test_no_secret_reaches_the_log_or_the_database(
    browser: TestClient, settings: Settings, database: Database, authenticator: Authenticator,
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.INFO)
    browser.post(f"{SESSION}/email/request", json={"address": OWNER})
    token = token_in(settings)
    browser.post(f"{SESSION}/email/redeem", json={"token": token})
    secrets = {token, *held_by(browser).values()}
    log_in(browser, authenticator)
    secrets |= set(held_by(browser).values())
    browser.get(SESSION)
    captured = capsys.readouterr()
    logged = captured.out + captured.err + caplog.text
    with database.transaction() as session:
        kept = [
            json.dumps(
                [list(map(str, row)) for row in session.execute(text(f"SELECT * FROM {name}"))]
            )
            for name in ("sessions", "session_tokens", "login_links", "log_entries", "persons")
        ]
    assert "session opened" in logged
    assert len(secrets) >= 5
    for secret in secrets:
        assert secret not in logged
        assert not any(secret in each for each in kept)


def test_mails_are_files_that_only_the_studio_reads(
    browser: TestClient, settings: Settings
) -> None:
    browser.post(f"{SESSION}/email/request", json={"address": OWNER, "language": "ar"})
    (path,) = Path(settings.studio_data / "mail").iterdir()
    assert path.suffix == ".eml"
    assert path.stat().st_mode & 0o077 == 0
    (letter,) = mails(settings)
    assert "تسجيل الدخول" in letter["subject"]
    assert token_in(settings) in letter.get_content()
