"""Cohorts with caps, seats that are left in one step, and what is possible without one."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from studio.conftest import People
from studio.stewarding import BASE, caller_with, code_of, cohort_of, steward_key
from unstrung.studio.access import service as access
from unstrung.studio.access.service import Caller
from unstrung.studio.accounts import service as accounts
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.models import Cohort, ProgrammeRole, Seat, SeatHold
from unstrung.studio.admission.service import Change
from unstrung.studio.app import create_app
from unstrung.studio.database import Database
from unstrung.studio.errors import Conflict
from unstrung.studio.identity import new_id
from unstrung.studio.log.models import EntryKind, LogEntry
from unstrung.studio.settings import Settings


@pytest.fixture
def steward(app: FastAPI, client: TestClient, database: Database) -> Iterator[TestClient]:
    """A steward, calling the API that the owner has open."""
    assert client is not None
    opened = caller_with(app, steward_key(database))
    yield opened
    opened.close()


def seat_for(database: Database, secret: str, cohort_id: str) -> str:
    with database.transaction() as session:
        person_id = access.recognise(session, secret).person_id
        admission.seat(session, person_id, cohort_id)
        return person_id


def person_of(database: Database, secret: str) -> Caller:
    with database.transaction() as session:
        return access.recognise(session, secret)


def test_a_cohort_never_has_more_seats_than_its_cap_however_many_ask_at_once(
    database: Database,
) -> None:
    with database.transaction() as session:
        cohort_id = admission.create_cohort(session, "Film", 3, "Films.").id
        people = [accounts.create_person(session, f"P{i}").id for i in range(16)]
    barrier, refused = threading.Barrier(4), []

    def take(mine: list[str]) -> None:
        barrier.wait()
        for person_id in mine:
            try:
                with database.transaction() as session:
                    admission.seat(session, person_id, cohort_id)
            except Conflict as error:
                refused.append(error.code)

    threads = [threading.Thread(target=take, args=(people[i::4],)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.transaction() as session:
        assert admission.num_taken(session, cohort_id) == 3
    assert refused == ["cohort_full"] * 13


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["seat", "leave", "hold", "release", "keep", "cap"]), st.integers(1, 5)
    ),
    max_size=30,
)


@given(ACTS)
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_taken_and_promised_seats_stay_within_the_cap_over_any_acts(
    database: Database, acts: list[tuple[str, int]]
) -> None:
    with database.transaction() as session:
        for table in (Seat, SeatHold, Cohort):
            session.execute(delete(table))
        cohort = admission.create_cohort(session, new_id("c"), 3, "Films.")
        people = [accounts.create_person(session, f"P{i}").id for i in range(6)]
        holds: list[str] = []
        for act, number in acts:
            try:
                if act == "seat":
                    admission.seat(session, people[number], cohort.id)
                elif act == "leave":
                    caller = Caller(people[number], "key_0", False, frozenset({"generate"}))
                    admission.leave(session, caller)
                elif act == "hold":
                    holds.append(admission.hold(session, cohort.id, 1 + number % 2, None).id)
                elif act == "release" and holds:
                    admission.release(session, holds[number % len(holds)])
                elif act == "keep" and holds:
                    hold_id = holds[number % len(holds)]
                    admission.seat(session, people[number], cohort.id, hold_id=hold_id)
                elif act == "cap":
                    admission.change_cohort(session, None, cohort.id, Change(seats=number))
            except Conflict:
                pass
            full = admission.occupancy(session, cohort)
            assert full.taken + full.held + full.free == cohort.seats


def test_leaving_is_one_call_that_frees_the_seat_and_keeps_everything_else(
    client: TestClient, steward: TestClient, database: Database, people: People
) -> None:
    cohort_id = cohort_of(steward, 1)
    person_id = seat_for(database, people.owner, cohort_id)
    video_id = client.post("/v1/videos", json={"prompt": "a fox"}).json()["id"]
    with database.transaction() as session:
        admission.grant_role(session, person_id, ProgrammeRole.ARTIST, None)
    left = client.post(f"{BASE}/leave")
    assert left.status_code == 200
    assert left.json()["still_possible"] == ["read", "download", "export", "delete", "appeal"]
    assert client.get(f"/v1/videos/{video_id}").json()["status"] == "queued"
    told = client.get(f"{BASE}/seat").json()
    assert (told["cohort_id"], told["roles"]) == (None, ["artist"])
    (cohort,) = client.get(f"{BASE}/cohorts").json()["data"]
    assert (cohort["taken"], cohort["free"]) == (0, 1)
    assert code_of(client.post(f"{BASE}/leave")) == (409, "no_seat")
    with database.transaction() as session:
        kinds = session.scalars(select(LogEntry.kind).where(LogEntry.person_id == person_id)).all()
    assert EntryKind.LEFT in kinds


@pytest.fixture
def programme(
    settings: Settings, workshop: object, people: People, database: Database
) -> Iterator[TestClient]:
    """The owner, who has accepted the charter, calling a studio that runs the programme."""
    assert workshop is not None
    names = {"operator_name": "Lanterna", "operator_contact": "us@example.org"}
    law = {"operator_law": {"en": "Italian law"}}
    app = create_app(settings.model_copy(update={"programme": True, **names, **law}))
    with caller_with(app, people.owner) as opened:
        publisher = caller_with(app, steward_key(database, "publisher"))
        published = publisher.post(f"{BASE}/charter/versions", json={"version": "1.0"})
        assert published.status_code == 200, published.text
        publisher.close()
        digest = opened.get(f"{BASE}/charter", params={"version": "1.0"}).json()["digest"]
        body = {"version": "1.0", "language": "en", "digest": digest}
        accepted = opened.post(f"{BASE}/charter/acceptances", json=body)
        assert accepted.status_code == 200, accepted.text
        yield opened


def test_while_the_programme_is_on_new_clips_need_a_seat_and_nothing_else_does(
    client: TestClient, programme: TestClient, steward: TestClient, database: Database,
    people: People,
) -> None:  # fmt: skip
    video_id = client.post("/v1/videos", json={"prompt": "a fox"}).json()["id"]
    refused = programme.post("/v1/videos", json={"prompt": "a fox"})
    assert code_of(refused) == (403, "no_seat")
    assert "stay yours" in refused.json()["error"]["message"]
    seat_for(database, people.owner, cohort_of(steward))
    assert programme.get(f"{BASE}/seat").json()["may_begin_clips"] is True
    assert programme.post("/v1/videos", json={"prompt": "a fox"}).status_code == 200
    programme.post(f"{BASE}/leave")
    assert code_of(programme.post("/v1/videos", json={"prompt": "a bear"})) == (403, "no_seat")
    assert programme.get(f"{BASE}/seat").json()["may_begin_clips"] is False
    for method, path in (
        ("GET", "/v1/videos"),
        ("GET", f"/v1/videos/{video_id}"),
        ("POST", f"/v1/videos/{video_id}/cancel"),
        ("DELETE", f"/v1/videos/{video_id}"),
    ):
        assert programme.request(method, path).status_code == 200, path


def test_nobody_loses_a_seat_for_doing_nothing(
    client: TestClient, steward: TestClient, database: Database, people: People
) -> None:
    person_id = seat_for(database, people.owner, cohort_of(steward))
    long_ago = datetime.now(UTC) - timedelta(days=3_650)
    with database.transaction() as session:
        session.scalars(select(Seat)).one().taken_at = long_ago
    # Whatever the programme does by itself: pauses lapse, cohorts change, stewards look.
    steward.get(f"{BASE}/cohorts")
    with database.transaction() as session:
        seat = admission.seat_of(session, person_id)
        assert seat is not None
        assert (seat.taken_at, seat.left_at) == (long_ago, None)
    assert client.get(f"{BASE}/seat").json()["cohort_id"] is not None


def test_a_cap_is_not_lowered_under_those_who_sit(
    steward: TestClient, database: Database, people: People
) -> None:
    cohort_id = cohort_of(steward, 2)
    for key in (people.owner, people.other):
        seat_for(database, key, cohort_id)
    refused = steward.post(f"{BASE}/cohorts/{cohort_id}", json={"seats": 1})
    assert code_of(refused) == (409, "conflict")
    assert "at least 2, got 1" in refused.json()["error"]["message"]
    assert steward.post(f"{BASE}/cohorts/{cohort_id}", json={"seats": 3}).json()["free"] == 1


def test_a_seat_waits_for_the_stage_of_its_cohort(
    steward: TestClient, database: Database, people: People
) -> None:
    body = {"name": "Later", "seats": 1, "purpose": "Later.", "stage": "artists"}
    cohort_id = steward.post(f"{BASE}/cohorts", json=body).json()["id"]
    with pytest.raises(Conflict, match="from the stage 'artists' on"):
        seat_for(database, people.owner, cohort_id)


# (method, path, body, status for nobody, somebody, a steward)
PHRASE = {"phrase": "words of my own choice"}
ROUTES: list[tuple[str, str, Any, tuple[int, int, int]]] = [
    ("GET", "/cohorts", None, (200, 200, 200)),
    ("POST", "/cohorts", {"name": "x", "seats": 1, "purpose": "y"}, (401, 403, 200)),
    ("POST", "/cohorts/{cohort}", {"seats": 9}, (401, 403, 200)),
    ("GET", "/seat", None, (401, 200, 200)),
    ("POST", "/leave", None, (401, 409, 409)),
    ("GET", "/roles", None, (200, 200, 200)),
    ("POST", "/roles/hand_back", {"role": "artist"}, (401, 404, 404)),
    ("GET", "/people/{person}/roles", None, (401, 404, 200)),
    ("POST", "/people/{person}/roles", {"role": "artist"}, (401, 403, 200)),
    (
        "POST", "/people/{person}/roles/withdraw",
        {"role": "juror", "reason": "It was a mistake."}, (401, 403, 404),
    ),
    ("GET", "/stages", None, (200, 200, 200)),
    ("POST", "/stages/move", {"stage": "red-team"}, (401, 403, 409)),
    ("POST", "/stages/gates", {"stage": "artists", "text": "x"}, (401, 403, 200)),
    ("POST", "/stages/gates/gate_0/open", {"evidence_url": "https://a.org"}, (401, 403, 404)),
    ("POST", "/stages/gates/gate_0/reopen", {"reason": "It was not done."}, (401, 403, 404)),
    ("GET", "/criteria", None, (200, 200, 200)),
    (
        "POST", "/criteria", {"cohort_id": "{cohort}", "text": "x", "clauses": {"a": "b"}},
        (401, 403, 200),
    ),
    ("GET", "/waitlist?cohort_id={cohort}", None, (200, 200, 200)),
    ("GET", "/applications?cohort_id={cohort}", None, (401, 403, 200)),
    ("GET", "/applications/application_0", None, (401, 404, 404)),
    ("GET", "/applications/application_0/receipt", None, (401, 404, 404)),
    ("POST", "/applications/application_0/withdraw", None, (401, 404, 404)),
    ("POST", "/applications/application_0/invitation", None, (401, 404, 404)),
    ("POST", "/applications/application_0/admit", {}, (401, 403, 404)),
    (
        "POST", "/applications/application_0/refuse",
        {"clause": "a", "facts": "It shows none.", "change": "Show some of it."}, (401, 403, 404),
    ),
    ("GET", "/applications/application_0/phrase", None, (401, 404, 404)),
    ("PUT", "/applications/application_0/phrase", PHRASE, (401, 404, 404)),
    ("POST", "/applications/application_0/phrase/open", PHRASE, (401, 404, 404)),
    ("GET", "/lotteries", None, (200, 200, 200)),
    ("GET", "/lotteries/lottery_0", None, (404, 404, 404)),
    (
        "POST", "/lotteries",
        {"cohort_id": "{cohort}", "seats": 1, "closes_at": "2999-01-01T00:00:00Z"}, (401, 403, 200),
    ),
    ("POST", "/lotteries/lottery_0/close", None, (401, 403, 404)),
    ("POST", "/lotteries/lottery_0/draw", None, (401, 403, 404)),
    ("GET", "/invitations", None, (401, 403, 200)),
    ("GET", "/invitations/declines", None, (401, 403, 200)),
    ("POST", "/invitations/redeem", {"code": "inv_0", "name": "x"}, (404, 404, 404)),
    ("POST", "/invitations/decline", {"code": "inv_0"}, (404, 404, 404)),
    ("POST", "/invitations/invitation_0/revoke", None, (401, 403, 404)),
]  # fmt: skip


def test_every_route_answers_nobody_somebody_and_a_steward_as_it_should(
    settings: Settings, client: TestClient, steward: TestClient, database: Database, people: People
) -> None:
    assert client is not None
    cohort_id = cohort_of(steward)
    names = {"cohort": cohort_id, "person": person_of(database, people.other).person_id}
    wide = create_app(settings.model_copy(update={"visits_per_minute": 10_000}))
    callers = (None, people.owner, steward.headers["authorization"].removeprefix("Bearer "))
    wrong = []
    with caller_with(wide, None) as calling:
        for method, path, body, statuses in ROUTES:
            given = {**body, "cohort_id": cohort_id} if body and "cohort_id" in body else body
            for key, status in zip(callers, statuses, strict=True):
                headers = {"authorization": f"Bearer {key}"} if key else {}
                answer = calling.request(
                    method, BASE + path.format(**names), json=given, headers=headers
                )
                if answer.status_code != status:
                    wrong.append(f"{method} {path} {statuses}: {answer.status_code} {answer.text}")
    assert wrong == []


def test_the_table_above_holds_every_route_of_admission(app: FastAPI) -> None:
    tags = {"admission", "applications", "invitations", "lotteries", "roles", "stages"}
    found = {
        (method.upper(), path)
        for path, operations in app.openapi()["paths"].items()
        for method, operation in operations.items()
        if tags & set(operation["tags"])
    }
    ids = {"cohort": "cohort_id", "person": "person_id"}
    ids |= {f"{kind}_0": f"{kind}_id" for kind in ("gate", "application", "lottery", "invitation")}

    def template(path: str) -> str:
        parts = [part.strip("{}") for part in path.partition("?")[0].split("/")]
        return BASE + "/".join(f"{{{ids[part]}}}" if part in ids else part for part in parts)

    told = {(method, template(path)) for method, path, _, _ in ROUTES}
    told |= {("POST", f"{BASE}/applications"), ("POST", f"{BASE}/invitations")}
    assert told == found


def test_an_admins_key_without_the_role_is_no_stewards(client: TestClient, people: People) -> None:
    body = {"name": "x", "seats": 1, "purpose": "y"}
    refused = client.post(f"{BASE}/cohorts", json=body, headers=people.headers("admin"))
    assert code_of(refused) == (403, "missing_right")
