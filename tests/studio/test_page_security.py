"""What pages tell browsers and the log, seen without a browser: `tests/pages` has those with one."""

from datetime import timedelta

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import update

from studio.authenticator import browser_of
from studio.signing_in import OWNER, mails
from unstrung.studio.accounts.models import Person
from unstrung.studio.database import Database
from unstrung.studio.logins import service as logins
from unstrung.studio.settings import Settings

CODE = "/studio/sign-in/code"
SCRIPTED = {"hx-request": "true"}


def code_for(database: Database, settings: Settings, person_id: str) -> str:
    with database.transaction() as session:
        return logins.link_for(session, settings, person_id).partition("#")[2]


@pytest.fixture
def signed_in(
    browser: TestClient, database: Database, settings: Settings, owner_id: str
) -> TestClient:
    """A browser whose person signed in on the page of codes."""
    code = code_for(database, settings, owner_id)
    answer = browser.post(CODE, data={"token": code}, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return browser


@pytest.mark.parametrize(
    "path", ["/studio", "/studio/sign-in", CODE, "/studio/account", "/studio/no"]
)
def test_a_page_runs_our_own_scripts_alone_and_is_kept_by_nobody(
    signed_in: TestClient, path: str
) -> None:
    told = signed_in.get(path).headers
    policy = dict(each.strip().split(" ", 1) for each in told["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in told["content-security-policy"]
    assert policy.get("script-src", "'none'") in ("'self'", "'none'")
    assert "no-store" in told["cache-control"]
    for name, value in (
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ):
        assert told[name] == value


@pytest.mark.parametrize("headers", [{}, SCRIPTED])
def test_signing_out_on_a_page_clears_what_the_browser_put_aside(
    signed_in: TestClient, headers: dict[str, str]
) -> None:
    answer = signed_in.post("/studio/sign-out", headers=headers, follow_redirects=False)
    assert answer.status_code == (204 if headers else 303)
    assert answer.headers["clear-site-data"] == '"cache", "storage"'
    assert len(answer.headers.get_list("set-cookie")) == 2
    again = signed_in.get("/studio/account", follow_redirects=False)
    assert (again.status_code, again.headers["location"][:15]) == (303, "/studio/sign-in")


@pytest.mark.parametrize("headers", [{}, SCRIPTED])
def test_a_sign_in_on_a_page_from_elsewhere_is_told(
    signed_in: TestClient, app: FastAPI, database: Database, settings: Settings, owner_id: str,
    headers: dict[str, str],
) -> None:  # fmt: skip
    assert mails(settings) == []
    with database.transaction() as session:
        session.execute(update(Person).values(created_at=Person.created_at - timedelta(days=2)))
    elsewhere = browser_of(app, "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/139.0")
    code = code_for(database, settings, owner_id)
    elsewhere.post(CODE, data={"token": code}, headers=headers, follow_redirects=False)
    assert [each["to"] for each in mails(settings)] == [OWNER]


@pytest.mark.parametrize("headers", [{}, SCRIPTED])
def test_a_letter_asked_for_on_a_page_is_sent(
    browser: TestClient, settings: Settings, headers: dict[str, str]
) -> None:
    body = {"address": OWNER}
    browser.post("/studio/sign-in/email", data=body, headers=headers, follow_redirects=False)
    assert [each["to"] for each in mails(settings)] == [OWNER]


def test_what_people_write_is_text_on_pages(signed_in: TestClient) -> None:
    written = "<script>alert(1)</script>"
    changed = signed_in.post("/studio/account/name", data={"name": written}, follow_redirects=False)
    assert changed.status_code == 303, changed.text
    page = signed_in.get("/studio/account").text
    assert written not in page
    assert "&lt;script&gt;" in page
