"""E-mail links: good once, for a quarter of an hour, and no answer tells who has an account."""

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, text

from studio.authenticator import (
    ORIGIN,
    SESSION,
    browsing,
    let_pass,
)
from studio.conftest import People
from studio.signing_in import OWNER, code_of, mails, token_in
from unstrung.studio.accounts import service as accounts
from unstrung.studio.app import create_app
from unstrung.studio.database import Database
from unstrung.studio.errors import Conflict
from unstrung.studio.logins import service as logins
from unstrung.studio.logins.models import (
    EmailAddress,
    LoginLink,
)
from unstrung.studio.settings import Settings


def test_a_link_signs_in_once_and_only_when_its_button_is_pressed(
    browser: TestClient, settings: Settings, owner_id: str
) -> None:
    assert browser.post(f"{SESSION}/email/request", json={"address": OWNER}).status_code == 200
    token = token_in(settings)
    assert f"{ORIGIN}/studio/sign-in/code#{token}" in mails(settings)[0].get_content()
    page = browser.get("/studio/sign-in/code")
    assert page.status_code == 200
    assert "script-src 'self'" in page.headers["content-security-policy"]
    told = browser.post(f"{SESSION}/email/redeem", json={"token": token})
    assert (told.status_code, told.json()["person_id"]) == (200, owner_id)
    assert told.json()["session"]["fresh_until"] is None
    again = browser.post(f"{SESSION}/email/redeem", json={"token": token})
    assert code_of(again) == (401, "link_not_good")


def test_a_link_is_good_for_fifteen_minutes(
    browser: TestClient, settings: Settings, database: Database
) -> None:
    browser.post(f"{SESSION}/email/request", json={"address": OWNER})
    let_pass(database, timedelta(minutes=15))
    late = browser.post(f"{SESSION}/email/redeem", json={"token": token_in(settings)})
    assert code_of(late) == (401, "link_not_good")


def test_nobody_learns_from_an_answer_who_has_an_account(
    browser: TestClient, settings: Settings, database: Database
) -> None:
    answers = [
        browser.post(f"{SESSION}/email/request", json={"address": address})
        for address in (OWNER, "nobody@example.org")
    ]
    assert answers[0].content == answers[1].content
    assert answers[0].status_code == answers[1].status_code == 200
    known, unknown = mails(settings)
    assert "code#" in known.get_content()
    assert "code#" not in unknown.get_content()
    assert "no account" in unknown.get_content()
    with database.transaction() as session:
        assert len(session.scalars(select(LoginLink)).all()) == 2
    for _ in range(4):
        for address in (OWNER, "nobody@example.org"):
            browser.post(f"{SESSION}/email/request", json={"address": address})
    refused = [
        browser.post(f"{SESSION}/email/request", json={"address": address})
        for address in (OWNER, "nobody@example.org")
    ]
    assert [code_of(each) for each in refused] == [(429, "too_many_links")] * 2
    assert refused[0].json() == refused[1].json()


def test_one_address_is_one_person_in_every_spelling(
    browser: TestClient, settings: Settings, database: Database, owner_id: str
) -> None:
    browser.post(f"{SESSION}/email/request", json={"address": "  Owner@EXAMPLE.org "})
    assert mails(settings)[0]["to"] == OWNER
    with database.transaction() as session:
        other = accounts.find_person(session, "other")
        with pytest.raises(Conflict) as caught:
            logins.add_address(session, other.id, OWNER)
    assert caught.value.code == "address_taken"


@pytest.mark.parametrize(
    "address",
    [
        "x",
        "a@",
        "@b",
        "a@b\nBcc: c@d",
        "a b@c.org",
        "a@b@c..org",
        "\u212aelvin@example.org",
        "a@-b.org",
    ],
)
def test_what_is_no_address_is_refused_by_name(browser: TestClient, address: str) -> None:
    answer = browser.post(f"{SESSION}/email/request", json={"address": address})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "address"


def test_an_unknown_address_makes_no_account_unless_that_is_open(
    browser: TestClient, settings: Settings, database: Database
) -> None:
    # A link to an address that was somebody's when it was asked for.
    browser.post(f"{SESSION}/email/request", json={"address": OWNER})
    with database.transaction() as session:
        session.execute(text("DELETE FROM email_addresses"))
    refused = browser.post(f"{SESSION}/email/redeem", json={"token": token_in(settings)})
    assert code_of(refused) == (403, "registration_closed")
    with browsing(create_app(settings.model_copy(update={"open_registration": True}))) as opened:
        opened.post(f"{SESSION}/email/request", json={"address": "new@example.org"})
        body = {"token": token_in(settings), "name": "Newcomer"}
        told = opened.post(f"{SESSION}/email/redeem", json=body)
        assert told.status_code == 200, told.text
        assert opened.get(SESSION).json()["name"] == "Newcomer"
    with database.transaction() as session:
        kept = session.get_one(EmailAddress, "new@example.org")
        assert kept.person_id == told.json()["person_id"]
        assert kept.verified_at is not None


def test_a_steps_rate_is_counted_for_each_address(
    settings: Settings, database: Database, people: People
) -> None:
    narrow = create_app(settings.model_copy(update={"visits_per_minute": 2}))
    with browsing(narrow) as browser:
        answers = [browser.post(f"{SESSION}/passkey/login/begin") for _ in range(3)]
    assert [each.status_code for each in answers] == [200, 200, 429]
