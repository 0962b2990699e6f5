"""Applications without an account: who may read them, how they are decided, where they stand."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from studio.conftest import People
from studio.stewarding import (
    BASE,
    application_to,
    caller_with,
    code_of,
    cohort_of,
    publish_all,
    steward_key,
)
from unstrung.studio.access import service as access
from unstrung.studio.accounts import service as accounts
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.models import Seat
from unstrung.studio.app import create_app
from unstrung.studio.applications.models import Application
from unstrung.studio.database import Database, now
from unstrung.studio.log.models import EntryKind, LogEntry
from unstrung.studio.settings import Settings
from unstrung.studio.statements.models import Statement
from unstrung.studio.waitlist.service import forecast_days
from unstrung.transparency.notes import VerifierKey
from unstrung.transparency.receipts import parse_receipt, verify_receipt

REFUSAL = {
    "clause": "own-work",
    "facts": "The application shows and describes no work.",
    "change": "Describe one work of your own, finished or not.",
}


@pytest.fixture
def steward(app: FastAPI, client: TestClient, database: Database) -> Iterator[TestClient]:
    """A steward, calling the API that the owner has open."""
    assert client is not None
    opened = caller_with(app, steward_key(database))
    yield opened
    opened.close()


@pytest.fixture
def anyone(app: FastAPI, client: TestClient) -> Iterator[TestClient]:
    """Somebody without a key."""
    assert client is not None
    opened = caller_with(app, None)
    yield opened
    opened.close()


def applied(anyone: TestClient, cohort_id: str, name: str = "Someone", **other: Any) -> Any:
    answer = anyone.post(f"{BASE}/applications", json=application_to(cohort_id, name, **other))
    assert answer.status_code == 200, answer.text
    return answer.json()


def bearing(made: Any) -> dict[str, str]:
    return {"authorization": f"Bearer {made['token']}"}


def read(anyone: TestClient, made: Any) -> Any:
    answer = anyone.get(f"{BASE}/applications/{made['id']}", headers=bearing(made))
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_only_its_token_and_stewards_read_an_application(
    anyone: TestClient, client: TestClient, steward: TestClient, people: People
) -> None:
    cohort_id = cohort_of(steward)
    mine, other = applied(anyone, cohort_id, "Ada"), applied(anyone, cohort_id, "Bo")
    path = f"{BASE}/applications/{mine['id']}"
    assert read(anyone, mine)["contact"] == "Ada@example.org"
    assert "token" not in read(anyone, mine)
    assert code_of(anyone.get(path)) == (401, "missing_application_token")
    assert code_of(anyone.get(path, headers=bearing(other))) == (404, "application_not_found")
    assert code_of(client.get(path)) == (404, "application_not_found")
    assert code_of(client.get(path, headers=people.headers("admin")))[0] == 404
    assert steward.get(path).json()["contact"] == "Ada@example.org"
    # A token is no key.
    assert code_of(anyone.get("/v1/videos", headers=bearing(mine))) == (401, "invalid_api_key")


def test_the_token_is_not_kept(anyone: TestClient, steward: TestClient, database: Database) -> None:
    made = applied(anyone, cohort_of(steward))
    with database.transaction() as session:
        row = session.get_one(Application, made["id"])
    assert not any(made["token"] in str(value) for value in vars(row).values())
    assert made["token"].startswith("app_")


def test_an_application_stays_under_the_criteria_it_was_made_under(
    anyone: TestClient, steward: TestClient
) -> None:
    cohort_id = cohort_of(steward)
    made = applied(anyone, cohort_id)
    body = {
        "cohort_id": cohort_id,
        "text": "Stricter.",
        "clauses": {"strict": "Only feature films."},
    }
    assert steward.post(f"{BASE}/criteria", json=body).json()["version"] == 2
    versions = anyone.get(f"{BASE}/criteria", params={"cohort_id": cohort_id}).json()["data"]
    assert [each["version"] for each in versions] == [2, 1]
    assert read(anyone, made)["criteria_id"] == versions[1]["id"]
    path = f"{BASE}/applications/{made['id']}/refuse"
    refused = steward.post(path, json={**REFUSAL, "clause": "strict"})
    assert refused.json()["error"]["param"] == "clause"
    assert "version 1 of the criteria (one, own-work)" in refused.json()["error"]["message"]


def test_a_refusal_says_clause_facts_and_what_would_change_it_and_only_to_whom_it_concerns(
    anyone: TestClient, client: TestClient, steward: TestClient, database: Database
) -> None:
    made = applied(anyone, cohort_of(steward))
    path = f"{BASE}/applications/{made['id']}/refuse"
    for missing in ("clause", "facts", "change"):
        body = {key: value for key, value in REFUSAL.items() if key != missing}
        assert code_of(steward.post(path, json=body)) == (400, "missing_required_parameter")
    assert steward.post(path, json=REFUSAL).status_code == 200
    told = read(anyone, made)
    assert (told["state"], told["position"]) == ("refused", None)
    assert told["reasons"]["clause_text"] == "You show or describe work of your own."
    assert told["reasons"]["facts"] == REFUSAL["facts"]
    assert told["reasons"]["what_would_change_it"] == REFUSAL["change"]
    assert told["reasons"]["automated_decision"] == "AUTOMATED_DECISION_NOT_AUTOMATED"
    assert code_of(steward.post(path, json=REFUSAL)) == (409, "application_decided")
    statement_id = told["reasons"]["statement_id"]
    with database.transaction() as session:
        statement = session.get_one(Statement, statement_id)
        assert (statement.subject_kind, statement.subject_id) == ("application", made["id"])
        kinds = set(session.scalars(select(LogEntry.kind)))
    assert {EntryKind.APPLIED, EntryKind.REFUSED_ADMISSION, EntryKind.STATEMENT} <= kinds
    # An applicant has no account, and somebody who has one is not told of another's refusal.
    assert client.get(f"{BASE}/statements/{statement_id}").status_code == 404
    assert client.get(f"{BASE}/statements").json()["data"] == []


def test_an_admission_keeps_a_seat_and_the_applicant_alone_takes_the_code(
    anyone: TestClient, steward: TestClient
) -> None:
    cohort_id = cohort_of(steward, 1)
    made, late = applied(anyone, cohort_id, "Ada"), applied(anyone, cohort_id, "Bo")
    path = f"{BASE}/applications/{made['id']}"
    assert code_of(anyone.post(f"{path}/invitation", headers=bearing(made)))[1] == (
        "application_decided"
    )
    admitted = steward.post(f"{path}/admit", json={}).json()
    assert (admitted["state"], admitted["invitation"]) == ("admitted", "good")
    assert "code" not in admitted
    # The seat is promised: it is nobody else's.
    cohort = anyone.get(f"{BASE}/cohorts").json()["data"][0]
    assert (cohort["taken"], cohort["promised"], cohort["free"]) == (0, 1, 0)
    refused = steward.post(f"{BASE}/applications/{late['id']}/admit", json={})
    assert code_of(refused) == (409, "cohort_full")
    assert anyone.post(f"{path}/invitation", headers=bearing(late)).status_code == 404
    first = anyone.post(f"{path}/invitation", headers=bearing(made)).json()["code"]
    second = anyone.post(f"{path}/invitation", headers=bearing(made)).json()["code"]
    body = {"code": first, "name": "Ada"}
    assert anyone.post(f"{BASE}/invitations/redeem", json=body).status_code == 404
    body["code"] = second
    taken = anyone.post(f"{BASE}/invitations/redeem", json=body).json()
    assert (taken["cohort_id"], taken["role"]) == (cohort_id, "artist")
    assert read(anyone, made)["invitation"] == "used-up"
    cohort = anyone.get(f"{BASE}/cohorts").json()["data"][0]
    assert (cohort["taken"], cohort["promised"], cohort["free"]) == (1, 0, 0)


def test_whoever_goes_before_others_has_a_public_reason(
    anyone: TestClient, steward: TestClient
) -> None:
    cohort_id = cohort_of(steward, 3)
    first, second = applied(anyone, cohort_id, "Ada"), applied(anyone, cohort_id, "Bo")
    path = f"{BASE}/applications/{second['id']}/admit"
    assert code_of(steward.post(path, json={})) == (409, "not_next")
    reason = (
        "The subtitles of the cohort's first film are due, and only this applicant writes Arabic."
    )
    assert steward.post(path, json={"out_of_turn": reason}).json()["state"] == "admitted"
    told = anyone.get(f"{BASE}/waitlist", params={"cohort_id": cohort_id}).json()
    assert told["admitted_out_of_turn"] == [reason]
    assert steward.post(f"{BASE}/applications/{first['id']}/admit", json={}).status_code == 200


def test_a_withdrawn_application_is_erased_and_lets_its_seat_go(
    anyone: TestClient, steward: TestClient
) -> None:
    cohort_id = cohort_of(steward, 1)
    made, following = applied(anyone, cohort_id, "Ada"), applied(anyone, cohort_id, "Bo")
    steward.post(f"{BASE}/applications/{made['id']}/admit", json={})
    path = f"{BASE}/applications/{made['id']}/withdraw"
    assert anyone.post(path, headers=bearing(following)).status_code == 404
    gone = anyone.post(path, headers=bearing(made)).json()
    assert (gone["state"], gone["name"], gone["contact"], gone["wish"]) == ("withdrawn", "", "", "")
    assert code_of(anyone.post(path, headers=bearing(made))) == (409, "application_decided")
    admitted = steward.post(f"{BASE}/applications/{following['id']}/admit", json={})
    assert admitted.status_code == 200


def test_places_follow_the_order_of_applying_and_move_up(
    anyone: TestClient, steward: TestClient
) -> None:
    cohort_id = cohort_of(steward, 1)
    made = [applied(anyone, cohort_id, name) for name in ("Ada", "Bo", "Cy")]
    assert [read(anyone, each)["position"] for each in made] == [1, 2, 3]
    anyone.post(f"{BASE}/applications/{made[0]['id']}/withdraw", headers=bearing(made[0]))
    assert [read(anyone, each)["position"] for each in made] == [None, 1, 2]
    listed = steward.get(f"{BASE}/applications", params={"cohort_id": cohort_id}).json()["data"]
    assert [row["name"] for row in listed] == ["Bo", "Cy"]


def test_the_forecast_is_unknown_unless_seats_were_freed(
    anyone: TestClient, steward: TestClient, database: Database
) -> None:
    cohort_id = cohort_of(steward, 1)
    made = [applied(anyone, cohort_id, name) for name in ("Ada", "Bo", "Cy")]
    assert read(anyone, made[0])["forecast"]["days"] == 0
    forecast = read(anyone, made[1])["forecast"]
    assert (forecast["days"], forecast["says"][:8]) == (None, "Unknown:")
    with database.transaction() as session:
        for age in (10, 20, 40):
            person = accounts.create_person(session, f"left {age} days ago")
            seat = admission.seat(session, person.id, cohort_id)
            seat.left_at = now() - timedelta(days=age)
            session.flush()
        person = accounts.create_person(session, "still here")
        admission.seat(session, person.id, cohort_id)
    told = [read(anyone, each)["forecast"] for each in made]
    assert [each["freed_seats"] for each in told] == [2, 2, 2]
    assert [each["days"] for each in told] == [15, 30, 45]
    with database.transaction() as session:
        session.execute(update(Seat).values(left_at=now()).where(Seat.left_at.is_(None)))
    assert read(anyone, made[0])["forecast"]["days"] == 0


@given(st.integers(1, 500), st.integers(0, 500), st.integers(0, 100))
def test_a_forecast_never_shrinks_with_the_place_nor_grows_with_free_seats(
    position: int, free: int, freed: int
) -> None:
    days = forecast_days(position, free, freed)
    assert (days is None) == (position > free and freed == 0)
    if days is not None:
        assert (days == 0) == (position <= free)
        further, freer = (
            forecast_days(position + 1, free, freed),
            forecast_days(position, free + 1, freed),
        )
        assert further is None or further >= days
        assert freer is not None
        assert freer <= days


def test_nothing_is_asked_that_was_not_published_and_nothing_must_be_answered(
    anyone: TestClient, steward: TestClient
) -> None:
    cohort_id = cohort_of(steward)
    assert applied(anyone, cohort_id, answers={"why-now": "I have time."})["answers"]
    body = application_to(cohort_id, answers={"income": "none of your business"})
    refused = anyone.post(f"{BASE}/applications", json=body)
    assert refused.json()["error"]["param"] == "answers"
    assert "(why-now)" in refused.json()["error"]["message"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", " "), ("name", "a\x00b"), ("contact", "x"), ("roles", []), ("roles", ["king"]),
        ("wish", ""), ("links", ["ftp://x.org"]), ("language", "English"), ("answers", {"a": 1}),
        ("cohort_id", "a b"),
    ],
)  # fmt: skip
def test_a_field_that_breaks_its_rule_is_named(
    anyone: TestClient, steward: TestClient, field: str, value: Any
) -> None:
    body = application_to(cohort_of(steward)) | {field: value}
    refused = anyone.post(f"{BASE}/applications", json=body)
    assert refused.status_code == 400
    assert refused.json()["error"]["param"].startswith(field)


def test_a_cohort_takes_applications_when_criteria_are_published_and_it_is_open(
    anyone: TestClient, steward: TestClient
) -> None:
    bare = steward.post(f"{BASE}/cohorts", json={"name": "x", "seats": 1, "purpose": "y"}).json()[
        "id"
    ]
    closed = cohort_of(steward)
    steward.post(f"{BASE}/cohorts/{closed}", json={"takes_applications": False})
    for cohort_id in (bare, closed):
        refused = anyone.post(f"{BASE}/applications", json=application_to(cohort_id))
        assert code_of(refused) == (409, "applications_closed")


def test_an_address_applies_so_often_in_an_hour_and_is_told_when_it_may_again(
    settings: Settings, steward: TestClient
) -> None:
    cohort_id = cohort_of(steward)
    limited = create_app(settings.model_copy(update={"applications_per_hour": 2}))
    with caller_with(limited, None) as anyone:
        for name in ("Ada", "Bo"):
            applied(anyone, cohort_id, name)
        refused = anyone.post(f"{BASE}/applications", json=application_to(cohort_id))
        assert code_of(refused) == (429, "rate_limit_exceeded")
        assert "2 applications within an hour" in refused.json()["error"]["message"]
        assert 0 < int(refused.headers["retry-after"]) <= 7_200


def test_a_receipt_proves_when_an_application_was_made(
    anyone: TestClient, steward: TestClient, app: FastAPI, database: Database
) -> None:
    made = applied(anyone, cohort_of(steward))
    publish_all(app, database)
    path = f"{BASE}/applications/{made['id']}/receipt"
    answer = anyone.get(path, headers=bearing(made))
    assert answer.status_code == 200, answer.text
    receipt = parse_receipt(answer.text)
    key = VerifierKey.parse(anyone.get(f"{BASE}/log").json()["key"])
    assert verify_receipt(receipt, key).is_content_checked
    assert receipt.content is not None
    assert made["ticket"].encode() in receipt.content
    assert b"Someone" not in receipt.content


def test_stewards_see_how_many_applications_share_a_contact(
    anyone: TestClient, steward: TestClient
) -> None:
    cohort_id = cohort_of(steward)
    for contact in ("a@example.org", "A@example.org", "b@example.org"):
        applied(anyone, cohort_id, contact=contact)
    listed = steward.get(f"{BASE}/applications", params={"cohort_id": cohort_id}).json()["data"]
    assert [row["num_same_contact"] for row in listed] == [2, 2, 1]


def test_rights_over_others_do_not_come_with_an_application(
    anyone: TestClient, steward: TestClient
) -> None:
    cohort_id = cohort_of(steward)
    made = applied(anyone, cohort_id, roles=["reviewer", "designer"])
    path = f"{BASE}/applications/{made['id']}"
    assert (
        steward.post(f"{path}/admit", json={"role": "reviewer"}).json()["error"]["param"] == "role"
    )
    assert steward.post(f"{path}/admit", json={}).status_code == 200
    code = anyone.post(f"{path}/invitation", headers=bearing(made)).json()["code"]
    taken = anyone.post(f"{BASE}/invitations/redeem", json={"code": code, "name": "Ada"}).json()
    assert taken["role"] == "designer"


def test_the_key_of_a_newcomer_may_read_make_and_share(
    anyone: TestClient, steward: TestClient, database: Database
) -> None:
    cohort_id = cohort_of(steward)
    made = applied(anyone, cohort_id)
    path = f"{BASE}/applications/{made['id']}"
    steward.post(f"{path}/admit", json={})
    code = anyone.post(f"{path}/invitation", headers=bearing(made)).json()["code"]
    taken = anyone.post(f"{BASE}/invitations/redeem", json={"code": code, "name": "Ada"}).json()
    assert taken["scopes"] == ["read", "generate", "share"]
    with database.transaction() as session:
        assert access.recognise(session, taken["key"]).person_id == taken["person_id"]
