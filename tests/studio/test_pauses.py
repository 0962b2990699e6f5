"""The pause ladder: who may stop whom, what stops, what goes on, and that it ends."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select, text, update

from studio.fakes import FakeGenerator
from unstrung.engine.request import Step
from unstrung.studio.access import service as access
from unstrung.studio.access.models import Key, Scope
from unstrung.studio.accounts import service as accounts
from unstrung.studio.accounts.models import Person, Role
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.models import ProgrammeRole
from unstrung.studio.database import Database
from unstrung.studio.log.models import EntryKind, LogEntry
from unstrung.studio.making import Workshop, make_video
from unstrung.studio.notices import LANGUAGES, pause_notice
from unstrung.studio.pauses import service as pauses
from unstrung.studio.pauses.models import Level, Pause, PauseGround
from unstrung.studio.queue import service as queue
from unstrung.studio.statements.models import Statement

Ids = dict[str, str]


@pytest.fixture
def stewards(database: Database) -> list[str]:
    """Keys of two stewards."""
    keys = []
    with database.transaction() as session:
        for name in ("first steward", "second steward"):
            person = accounts.create_person(session, name, Role.ADMIN)
            admission.grant_role(session, person.id, ProgrammeRole.STEWARD, None)
            keys.append(access.create_key(session, person, "desk", list(Scope))[1])
    return keys


@pytest.fixture
def desk(app: FastAPI, stewards: list[str]) -> Iterator[list[TestClient]]:
    """The stewards, calling the API."""
    clients = [
        TestClient(app, headers={"authorization": f"Bearer {key}"}, raise_server_exceptions=False)
        for key in stewards
    ]
    yield clients
    for each in clients:
        each.close()


@pytest.fixture
def ids(database: Database, client: TestClient) -> Ids:
    """Ids of people and of the owner's key by name."""
    assert client is not None
    with database.transaction() as session:
        found = {person.name: person.id for person in session.scalars(select(Person))}
        found["key"] = session.scalars(select(Key.id).where(Key.person_id == found["owner"])).one()
    return found


def order(level: str, target: str | None, hours: float = 24.0, **other: Any) -> dict[str, Any]:
    body = {
        "level": level,
        "target_id": target,
        "ground": "security-incident",
        "reason": "Sessions were copied to a public page.",
        "resume_plan": "Everybody signs in again with a new key.",
        "expires_at": (datetime.now(UTC) + timedelta(hours=hours)).isoformat(),
    }
    return {key: value for key, value in {**body, **other}.items() if value is not None}


def begun(steward: TestClient, level: str, target: str | None, hours: float = 24.0) -> Any:
    answer = steward.post("/programme/v1/pauses", json=order(level, target, hours))
    assert answer.status_code == 200, answer.text
    return answer.json()


def create(client: TestClient) -> Any:
    return client.post("/v1/videos", json={"prompt": "a fox in the snow"})


def in_an_hour(database: Database) -> None:
    """Let all pauses be an hour over."""
    with database.transaction() as session:
        early = timedelta(days=40)
        session.execute(
            update(Pause).values(
                proposed_at=Pause.proposed_at - early,
                begun_at=Pause.begun_at - early,
                expires_at=Pause.expires_at - early,
            )
        )


def test_a_paused_person_begins_nothing_and_keeps_everything(
    client: TestClient, desk: list[TestClient], ids: Ids, make: Callable[[str], None]
) -> None:
    video = create(client).json()
    make(video["id"])
    pause = begun(desk[0], "person", ids["owner"])
    assert pause["status"] == "in force"
    refused = create(client)
    assert refused.status_code == 403
    error = refused.json()["error"]
    assert error["code"] == "access_paused"
    assert error["statement"]["id"] == pause["id"]
    assert error["statement"]["resume_plan"] == "Everybody signs in again with a new key."
    assert set(error["statement"]["notice"]) == set(LANGUAGES)
    assert int(refused.headers["retry-after"]) > 23 * 3600
    assert client.get(f"/v1/videos/{video['id']}").json()["status"] == "completed"
    content = client.get(f"/v1/videos/{video['id']}/content")
    assert content.status_code == 200
    assert content.content[4:8] == b"ftyp"
    assert client.delete(f"/v1/videos/{video['id']}").status_code == 200


def test_others_are_unaffected_and_told_so_in_numbers(
    client: TestClient, desk: list[TestClient], ids: Ids, people: Any
) -> None:
    pause = begun(desk[0], "person", ids["owner"])
    assert (pause["num_affected"], pause["num_unaffected"]) == (1, 4)
    assert create(client).status_code == 403
    other = client.post("/v1/videos", json={"prompt": "a fox"}, headers=people.headers("other"))
    assert other.status_code == 200


def test_a_paused_key_stops_alone(
    client: TestClient, desk: list[TestClient], ids: Ids, database: Database
) -> None:
    with database.transaction() as session:
        owner = session.get_one(Person, ids["owner"])
        secret = access.create_key(session, owner, "second")[1]
    begun(desk[0], "key", ids["key"])
    assert create(client).status_code == 403
    fine = client.post(
        "/v1/videos", json={"prompt": "a fox"}, headers={"authorization": f"Bearer {secret}"}
    )
    assert fine.status_code == 200


def test_a_cohort_stops_and_lapses_by_the_clock(
    client: TestClient, desk: list[TestClient], ids: Ids, database: Database
) -> None:
    with database.transaction() as session:
        cohort = admission.create_cohort(session, "film", 3, "Films.")
        admission.seat(session, ids["owner"], cohort.id)
    begun(desk[0], "cohort", cohort.id)
    assert create(client).status_code == 403
    in_an_hour(database)
    assert create(client).status_code == 200  # nobody did anything


def test_everybody_needs_two_stewards(client: TestClient, desk: list[TestClient]) -> None:
    proposed = begun(desk[0], "everybody", None)
    assert proposed["status"] == "proposed"
    assert create(client).status_code == 200
    path = f"/programme/v1/pauses/{proposed['id']}/second"
    alone = desk[0].post(path)
    assert (alone.status_code, alone.json()["error"]["code"]) == (403, "second_steward")
    assert desk[1].get("/programme/v1/pauses/proposals").json()["data"][0]["id"] == proposed["id"]
    assert desk[1].post(path).json()["status"] == "in force"
    refused = create(client)
    assert refused.status_code == 503
    assert refused.json()["error"]["code"] == "access_paused"
    assert client.get("/v1/videos").status_code == 200
    assert desk[1].post(path).status_code == 409


def test_somebody_who_complained_is_not_paused_by_one_steward(
    client: TestClient, desk: list[TestClient], ids: Ids, database: Database
) -> None:
    with database.transaction() as session:
        pauses.protect(session, ids["owner"], "complaint")
        cohort = admission.create_cohort(session, "film", 3, "Films.")
        admission.seat(session, ids["owner"], cohort.id)
    for level, target in (("person", ids["owner"]), ("key", ids["key"]), ("cohort", cohort.id)):
        proposed = begun(desk[0], level, target)
        assert proposed["status"] == "proposed"
        assert "30 days" in proposed["needs_second"]
    assert create(client).status_code == 200
    assert begun(desk[0], "person", ids["other"])["status"] == "in force"


def test_videos_in_the_making_go_back_to_the_queue_and_keep_their_turn(
    client: TestClient,
    desk: list[TestClient],
    ids: Ids,
    workshop: Workshop,
    database: Database,
    generator: FakeGenerator,
) -> None:
    video_id = create(client).json()["id"]

    def pause_now(step: Step) -> None:
        if step.index == 0:
            begun(desk[0], "person", ids["owner"])

    generator.on_each_step = pause_now
    make_video(workshop, video_id)
    told = client.get(f"/v1/videos/{video_id}").json()
    assert (told["status"], told["phase"]) == ("queued", "paused")
    pause = client.get("/programme/v1/pauses/mine").json()["data"][0]
    assert pause["num_stopped"] == 1
    assert 0 <= pause["seconds_to_stop"] < 1
    generator.on_each_step = None
    make_video(workshop, video_id)  # a worker that still holds the job
    with database.transaction() as session:
        session.execute(text("DELETE FROM procrastinate_jobs"))  # it ended, with nothing to do
        assert queue.rescue(session, workshop.jobs, 0.0) == []
    assert client.get(f"/v1/videos/{video_id}").json()["status"] == "queued"
    in_an_hour(database)
    with database.transaction() as session:
        assert pauses.lapse(session) != []
        assert queue.rescue(session, workshop.jobs, 0.0) == [video_id]
    make_video(workshop, video_id)
    assert client.get(f"/v1/videos/{video_id}").json()["status"] == "completed"


def test_time_that_was_lost_is_given_back(
    client: TestClient, desk: list[TestClient], ids: Ids, database: Database
) -> None:
    assert client is not None
    before = datetime.now(UTC) + timedelta(days=100)
    with database.transaction() as session:
        session.execute(update(Key).where(Key.id == ids["key"]).values(expires_at=before))
    pause = begun(desk[0], "person", ids["owner"])
    with database.transaction() as session:
        row = session.get_one(Pause, pause["id"])
        row.begun_at = datetime.now(UTC) - timedelta(hours=5)
    ended = (
        desk[1]
        .post(
            f"/programme/v1/pauses/{pause['id']}/end", json={"reason": "All have signed in again."}
        )
        .json()
    )
    assert ended["status"] == "ended"
    assert ended["compensated_s"] == pytest.approx(5 * 3600, abs=5)
    with database.transaction() as session:
        after = session.get_one(Key, ids["key"]).expires_at
    assert after is not None
    assert after - before == pytest.approx(timedelta(hours=5), abs=timedelta(seconds=5))


def test_a_pause_of_one_key_gives_time_back_to_that_key_alone(
    client: TestClient, desk: list[TestClient], ids: Ids, database: Database
) -> None:
    assert client is not None
    before = datetime.now(UTC) + timedelta(days=100)
    with database.transaction() as session:
        owner = session.get_one(Person, ids["owner"])
        other, _ = access.create_key(session, owner, "second", expires_at=before)
        session.execute(update(Key).where(Key.id == ids["key"]).values(expires_at=before))
    pause = begun(desk[0], "key", ids["key"])
    with database.transaction() as session:
        session.get_one(Pause, pause["id"]).begun_at = datetime.now(UTC) - timedelta(hours=5)
    desk[0].post(f"/programme/v1/pauses/{pause['id']}/end", json={"reason": "It is renewed."})
    with database.transaction() as session:
        assert session.get_one(Key, other.id).expires_at == before
        after = session.get_one(Key, ids["key"]).expires_at
    assert after is not None
    assert after > before


def test_every_pause_has_a_statement_and_entries_in_the_log(
    client: TestClient, desk: list[TestClient], ids: Ids, database: Database
) -> None:
    assert client is not None
    pause = begun(desk[0], "person", ids["owner"])
    desk[0].post(f"/programme/v1/pauses/{pause['id']}/end", json={"reason": "It is solved."})
    with database.transaction() as session:
        (statement,) = session.scalars(select(Statement))
        assert (statement.person_id, statement.subject_id) == (ids["owner"], pause["id"])
        assert statement.decision_facts == "Sessions were copied to a public page."
        kinds = list(session.scalars(select(LogEntry.kind).order_by(LogEntry.number)))
    assert kinds[-4:] == [
        EntryKind.PAUSE_PROPOSED, EntryKind.STATEMENT, EntryKind.PAUSED, EntryKind.RESUMED
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"level": "world"}, "level"),
        ({"ground": "criticises-the-operator"}, "ground"),
        ({"reason": "short"}, "reason"),
        ({"resume_plan": None}, "resume_plan"),
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"expires_at": "2026-01-01T00:00:00"}, "expires_at"),
        ({"target_id": "person_nobody"}, "target_id"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_bad_order_names_its_field(
    desk: list[TestClient], ids: Ids, change: dict[str, Any], param: str
) -> None:
    body = order("person", ids["owner"])
    body.update(change)
    answer = desk[0].post(
        "/programme/v1/pauses", json={k: v for k, v in body.items() if v is not None}
    )
    assert answer.status_code in (400, 404)
    assert answer.json()["error"]["param"] == param


@pytest.mark.parametrize(
    ("level", "hours"), [("key", 721), ("person", 337), ("cohort", 169), ("everybody", 73)]
)
def test_no_pause_is_for_ever(
    desk: list[TestClient], ids: Ids, database: Database, level: str, hours: float
) -> None:
    with database.transaction() as session:
        cohort = admission.create_cohort(session, "film", 3, "Films.")
    target = {"key": ids["key"], "person": ids["owner"], "cohort": cohort.id, "everybody": None}
    answer = desk[0].post("/programme/v1/pauses", json=order(level, target[level], hours))
    assert answer.status_code == 400
    assert "a longer pause is a new decision" in answer.json()["error"]["message"]


def test_only_stewards_pause(client: TestClient, ids: Ids, people: Any) -> None:
    for who, status in (("owner", 403), ("admin", 403), ("nobody", 401)):
        answer = client.post(
            "/programme/v1/pauses",
            json=order("person", ids["other"]),
            headers={"authorization": "", **people.headers(who)},
        )
        assert answer.status_code == status, who


def test_whom_a_pause_stopped_is_told_to_them_and_to_stewards_only(
    client: TestClient, desk: list[TestClient], ids: Ids, people: Any
) -> None:
    pause = begun(desk[0], "person", ids["owner"])
    path = f"/programme/v1/pauses/{pause['id']}"
    assert client.get(path).json()["target_id"] == ids["owner"]
    told = client.get(path, headers=people.headers("other")).json()
    assert (told["target_id"], told["reason"]) == (None, None)
    listed = client.get("/programme/v1/pauses", headers={"authorization": ""}).json()["data"]
    assert [(each["target_id"], each["num_affected"]) for each in listed] == [(None, 1)]


def test_a_proposal_that_nobody_seconds_is_dropped(
    desk: list[TestClient], ids: Ids, database: Database
) -> None:
    assert ids
    proposed = begun(desk[0], "everybody", None, 72)
    with database.transaction() as session:
        row = session.get_one(Pause, proposed["id"])
        row.proposed_at -= timedelta(hours=25)
    assert desk[1].post(f"/programme/v1/pauses/{proposed['id']}/second").status_code == 409
    with database.transaction() as session:
        assert pauses.lapse(session) == [proposed["id"]]
        row = session.get_one(Pause, proposed["id"])
        assert (row.begun_at, row.compensated_s) == (None, None)


def test_notices_are_whole_in_every_language() -> None:
    for level in Level:
        for ground in PauseGround:
            told = pause_notice(level, ground, datetime(2026, 11, 26, 12, tzinfo=UTC))
            assert list(told) == list(LANGUAGES)
            assert len(set(told.values())) == len(LANGUAGES)
            assert all("2026-11-26 12:00 UTC" in each and "{" not in each for each in told.values())
