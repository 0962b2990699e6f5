"""The four consents: off until given, the last word holds, and only what they allow is exported."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given
from hypothesis import settings as trials
from hypothesis import strategies as st
from sqlalchemy import delete, select, text

from studio.conftest import People
from unstrung.engine.video_io import read_recipe
from unstrung.studio.access import service as access
from unstrung.studio.access.models import Scope
from unstrung.studio.access.service import Caller
from unstrung.studio.accounts import service as accounts
from unstrung.studio.accounts.models import Role
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.models import ProgrammeRole
from unstrung.studio.consents import service as consents
from unstrung.studio.consents.models import Consent, Use
from unstrung.studio.database import Database
from unstrung.studio.log.models import LogEntry
from unstrung.studio.making import Workshop
from unstrung.studio.videos.models import Kind, Status, Video

CONSENTS = "/programme/v1/consents"
OFF = {"bug-work": False, "publicity": False, "training": False, "metrics": False}


@pytest.fixture
def steward(app: FastAPI, database: Database, client: TestClient) -> Iterator[TestClient]:
    """A steward, calling the API that the owner has open."""
    assert client
    with database.transaction() as session:
        person = accounts.create_person(session, "steward", Role.ADMIN)
        admission.grant_role(session, person.id, ProgrammeRole.STEWARD, None)
        key = access.create_key(session, person, "desk", list(Scope))[1]
    calling = TestClient(
        app, headers={"authorization": f"Bearer {key}"}, raise_server_exceptions=False
    )
    yield calling
    calling.close()


def put(client: TestClient, use: str, given: bool, video_id: str | None = None) -> Any:
    answer = client.put(f"{CONSENTS}/{use}", json={"given": given, "video_id": video_id})
    assert answer.status_code == 200, answer.text
    return answer.json()


def exported(steward: TestClient, use: str) -> list[Any]:
    answer = steward.get(f"{CONSENTS}/export", params={"use": use})
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def a_video(person_id: str, name: str, status: Status = Status.COMPLETED) -> Video:
    return Video(
        id=name, person_id=person_id, kind=Kind.CREATE, model="mini", resolved_model="mini",
        prompt="a fox", size="64x64", seconds="4", characters=[], status=status, phase="done",
        progress=100, step=4, total_steps=4, attempt=1, revision=1, queue_start=0, queue_cost=1,
        created_at=datetime.now(UTC), fingerprint=b"x", files={"video": f"videos/{name}/1/video.mp4"},
    )  # fmt: skip


def test_all_four_are_off_and_nothing_is_exported(
    client: TestClient, steward: TestClient, make: Callable[[str], None]
) -> None:
    make(client.post("/v1/videos", json={"prompt": "a fox"}).json()["id"])
    state = client.get(CONSENTS).json()
    assert (state["current"], state["videos"], state["history"]) == (OFF, {}, [])
    assert [exported(steward, use) for use in OFF] == [[], [], [], []]


def test_a_consent_covers_one_use_and_can_be_taken_back(
    client: TestClient, steward: TestClient, make: Callable[[str], None], database: Database
) -> None:
    video_id = client.post("/v1/videos", json={"prompt": "a fox"}).json()["id"]
    make(video_id)
    given = put(client, "training", True)
    assert put(client, "training", True) == given, "the same word again is no new one"
    assert client.get(CONSENTS).json()["current"] == {**OFF, "training": True}
    (line,) = exported(steward, "training")
    assert (line["video_id"], line["covers"]) == (video_id, "everything")
    assert exported(steward, "publicity") == []
    withdrawn = put(client, "training", False)
    assert exported(steward, "training") == []
    history = client.get(CONSENTS).json()["history"]
    assert [each["given"] for each in history] == [True, False]
    with database.transaction() as session:
        kinds = [
            str(session.scalars(select(LogEntry.kind).where(LogEntry.id == each)).one())
            for each in (given["receipt_id"], withdrawn["receipt_id"])
        ]
    assert kinds == ["consent.given", "consent.withdrawn"]


def test_a_video_s_own_word_goes_before_the_general_one(
    client: TestClient, steward: TestClient, make: Callable[[str], None]
) -> None:
    ids = []
    for _ in range(2):
        ids.append(client.post("/v1/videos", json={"prompt": "a fox"}).json()["id"])
        make(ids[-1])
    put(client, "publicity", True)
    put(client, "publicity", False, ids[0])
    assert [each["video_id"] for each in exported(steward, "publicity")] == [ids[1]]
    put(client, "publicity", True, ids[0])
    put(client, "publicity", False)
    (line,) = exported(steward, "publicity")
    assert (line["video_id"], line["covers"]) == (ids[0], "this video")
    assert client.get(CONSENTS).json()["videos"] == {ids[0]: {"publicity": True}}


def test_the_export_names_nobody(
    client: TestClient, steward: TestClient, make: Callable[[str], None], database: Database
) -> None:
    make(client.post("/v1/videos", json={"prompt": "a fox"}).json()["id"])
    put(client, "metrics", True)
    with database.transaction() as session:
        owner = accounts.find_person(session, "owner").id
    lines = steward.get(f"{CONSENTS}/export", params={"use": "metrics"}).text
    assert lines.count("\n") == 1
    assert owner not in lines
    assert "owner" not in lines


def test_a_new_file_says_what_was_consented_to_when_it_was_made(
    client: TestClient, make: Callable[[str], None], workshop: Workshop, tmp_path: Path
) -> None:
    put(client, "training", True)
    video_id = client.post("/v1/videos", json={"prompt": "a fox"}).json()["id"]
    put(client, "publicity", True, video_id)
    make(video_id)
    put(client, "training", False)
    path = tmp_path / "saved.mp4"
    path.write_bytes(client.get(f"/v1/videos/{video_id}/content").content)
    assert read_recipe(path)["consents"] == {**OFF, "training": True, "publicity": True}
    assert workshop.database


def test_nobody_consents_for_somebody_else(
    client: TestClient, people: People, make: Callable[[str], None]
) -> None:
    video_id = client.post("/v1/videos", json={"prompt": "a fox"}).json()["id"]
    make(video_id)
    body = {"given": True, "video_id": video_id}
    for who in ("other", "admin"):
        refused = client.put(f"{CONSENTS}/training", json=body, headers=people.headers(who))
        assert (refused.status_code, refused.json()["error"]["code"]) == (404, "video_not_found")
        own = client.get(CONSENTS, headers=people.headers(who)).json()
        assert own["history"] == []


def test_each_route_answers_each_as_it_should(
    client: TestClient, people: People, steward: TestClient, database: Database
) -> None:
    with database.transaction() as session:
        owner = accounts.find_person(session, "owner")
        reading = access.create_key(session, owner, "read only", [Scope.READ])[1]
    # (method, path, body, the status that nobody, a reading key, the owner, an admin without a role and a
    # steward get).
    routes: list[tuple[str, str, Any, tuple[int, ...]]] = [
        ("GET", CONSENTS, None, (401, 200, 200, 200, 200)),
        ("PUT", f"{CONSENTS}/training", {"given": True}, (401, 403, 200, 200, 200)),
        ("PUT", f"{CONSENTS}/fame", {"given": True}, (401, 400, 400, 400, 400)),
        ("PUT", f"{CONSENTS}/training", {"given": "yes"}, (401, 400, 400, 400, 400)),
        ("GET", f"{CONSENTS}/export?use=training", None, (401, 403, 403, 403, 200)),
        ("GET", f"{CONSENTS}/export?use=fame", None, (401, 400, 400, 400, 400)),
    ]
    keys: list[Any] = [people.headers("nobody"), {"authorization": f"Bearer {reading}"}]
    keys += [people.headers("owner"), people.headers("admin")]
    keys.append({"authorization": steward.headers["authorization"]})
    client.headers.pop("authorization")
    for method, path, body, statuses in routes:
        got = [client.request(method, path, json=body, headers=each) for each in keys]
        assert tuple(each.status_code for each in got) == statuses, (method, path)


word = st.tuples(
    st.sampled_from(["one", "two"]), st.sampled_from([Use.TRAINING, Use.METRICS]), st.booleans(),
    st.sampled_from([None, 0, 1]),
)  # fmt: skip


@given(said=st.lists(word, max_size=10))
@trials(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_over_any_sequence_the_last_word_of_a_video_or_else_the_last_general_one_holds(
    database: Database, said: list[tuple[str, Use, bool, int | None]]
) -> None:
    with database.transaction() as session:
        session.execute(text("TRUNCATE persons, videos, consents, log_entries CASCADE"))
        ids = {name: accounts.create_person(session, name).id for name in ("one", "two")}
        session.add_all(a_video(ids[name], f"video_{name}_{n}") for name in ids for n in range(2))
        session.add(a_video(ids["one"], "video_waits", Status.QUEUED))
    general: dict[tuple[str, Use], bool] = {}
    own: dict[tuple[str, Use], bool] = {}
    for name, use, yes, number in said:
        video_id = None if number is None else f"video_{name}_{number}"
        caller = Caller(ids[name], "key_x", False, frozenset(Scope))
        with database.transaction() as session:
            consents.change(session, caller, use, yes, video_id)
        if video_id is None:
            general[name, use] = yes
        else:
            own[video_id, use] = yes
    for use in Use:
        expected = {
            f"video_{name}_{n}"
            for name in ids
            for n in range(2)
            if own.get((f"video_{name}_{n}", use), general.get((name, use), False))
        }
        assert {each.video_id for each in consents.export(database, use)} == expected
        with database.transaction() as session:
            videos = session.scalars(select(Video).where(Video.status == Status.COMPLETED)).all()
            told = {each.id for each in videos if consents.of_video(session, each)[str(use)]}
        assert told == expected


def test_ten_thousand_videos_are_exported_in_batches_and_in_time(database: Database) -> None:
    with database.transaction() as session:
        ids = [accounts.create_person(session, f"person {n}").id for n in range(100)]
        session.add_all(a_video(ids[n % 100], f"video_{n:05d}") for n in range(10_000))
        session.flush()
        session.add_all(
            Consent(
                person_id=each, use=use, given=n % 2 == 0, decided_at=datetime.now(UTC),
                entry_id="entry_x",
            )
            for n, each in enumerate(ids)
            for use in Use
        )  # fmt: skip
    with database.transaction() as session:
        session.execute(text("ANALYZE videos, consents"))
    began = datetime.now(UTC)
    assert sum(1 for _ in consents.export(database, Use.TRAINING)) == 5_000
    assert (datetime.now(UTC) - began).total_seconds() < 20
    with database.transaction() as session:
        session.execute(delete(Video))
