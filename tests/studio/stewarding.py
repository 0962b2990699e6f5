"""Stewards, cohorts and applicants for tests of the programme."""

import time
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient

from unstrung.studio.access import service as access
from unstrung.studio.access.models import Scope
from unstrung.studio.accounts import service as accounts
from unstrung.studio.accounts.models import Role
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.models import ProgrammeRole
from unstrung.studio.database import Database
from unstrung.studio.log import service as log

BASE = "/programme/v1"
CRITERIA = {
    "text": "We look for people who want to make films and say what hurts.",
    "clauses": {
        "own-work": "You show or describe work of your own.",
        "one": "One application each.",
    },
    "questions": {"why-now": "Why now?"},
}


def caller_with(app: FastAPI, key: str | None) -> TestClient:
    """Somebody calling the API with a key or a token; None calls without."""
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    return TestClient(app, headers=headers, raise_server_exceptions=False)


def steward_key(database: Database, name: str = "steward") -> str:
    """The key of a new steward."""
    with database.transaction() as session:
        person = accounts.create_person(session, name, Role.ADMIN)
        admission.grant_role(session, person.id, ProgrammeRole.STEWARD, None)
        return access.create_key(session, person, "desk", list(Scope))[1]


def publish_all(app: FastAPI, database: Database) -> None:
    """Publish what waits for its place in the log, and wait where the studio's own task is at it."""
    for _ in range(500):
        app.state.studio.log.publish(database)
        with database.transaction() as session:
            if not log.waiting(session, 1):
                return
        time.sleep(0.01)
    raise AssertionError("The log was not published within 5 s.")


def cohort_of(steward: TestClient, seats: int = 2, name: str = "Film") -> str:
    """A new cohort that takes applications."""
    made = steward.post(
        f"{BASE}/cohorts", json={"name": name, "seats": seats, "purpose": "Films of artists."}
    )
    assert made.status_code == 200, made.text
    cohort_id: str = made.json()["id"]
    published = steward.post(f"{BASE}/criteria", json={"cohort_id": cohort_id, **CRITERIA})
    assert published.status_code == 200, published.text
    return cohort_id


def application_to(cohort_id: str, name: str = "Someone", **other: Any) -> dict[str, Any]:
    """What an applicant sends."""
    return {
        "cohort_id": cohort_id, "name": name, "contact": f"{name}@example.org",
        "roles": ["artist"], "wish": "A film about a lighthouse.", **other,
    }  # fmt: skip


def code_of(answer: Any) -> tuple[int, str]:
    """Status and error code of a refusal."""
    return answer.status_code, answer.json()["error"]["code"]
