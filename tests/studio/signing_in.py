"""Signing in by e-mail, for tests of people and sessions."""

import re
from email import message_from_bytes, policy
from typing import Any

from fastapi.testclient import TestClient

from studio.authenticator import SESSION
from unstrung.studio.database import Database
from unstrung.studio.logins import service as logins
from unstrung.studio.settings import Settings

OWNER = "owner@example.org"


def signed_in_by_link(
    browser: TestClient, database: Database, settings: Settings, person_id: str
) -> dict[str, Any]:
    with database.transaction() as session:
        link = logins.link_for(session, settings, person_id)
    answer = browser.post(f"{SESSION}/email/redeem", json={"token": link.partition("#")[2]})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def mails(settings: Settings) -> list[Any]:
    return [
        message_from_bytes(path.read_bytes(), policy=policy.default)
        for path in sorted((settings.studio_data / "mail").glob("*"))
    ]


def token_in(settings: Settings) -> str:
    (found,) = re.findall(r"code#(\S+)", mails(settings)[-1].get_content())
    return str(found)


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]
