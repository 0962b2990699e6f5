"""Everything that is somebody's can be taken out, also while paused, and be erased for good."""

import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import JSON, Text, select

from studio.conftest import People
from studio.test_consents import a_video
from unstrung.studio.access import service as access
from unstrung.studio.access.models import Key, Scope
from unstrung.studio.access.service import Caller
from unstrung.studio.accounts import service as accounts
from unstrung.studio.accounts.models import Person, Role
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.models import ProgrammeRole, Seat
from unstrung.studio.database import Database
from unstrung.studio.exports import service as exports
from unstrung.studio.log.models import EntryKind, LogEntry
from unstrung.studio.making import Workshop
from unstrung.studio.pauses import service as pauses
from unstrung.studio.pauses.models import Pause
from unstrung.studio.statements import service as statements
from unstrung.studio.statements.models import Statement, SubjectKind
from unstrung.studio.tables import metadata
from unstrung.studio.videos.models import Character, Video
from unstrung.studio.webhooks.models import WebhookEndpoint

# An address of an endpoint is looked up; it is this machine's own.
pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]
EXPORT, ME = "/programme/v1/export", "/programme/v1/me"
HOOK = {"name": "x", "url": "http://127.0.0.1:9/", "event_types": ["video.completed"]}
# Long texts and JSON of rows that outlive their person and are left as they are, each with its reason.
LEFT_AS_IT_IS = {
    "appeals.reasons": "words of whoever heard it",
    "log_entries.content": "emptied by log.service.erase",
    "shares.labels": "names of classes",
    "statements": "the public export consists of them",
}


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


def archive_of(client: TestClient, headers: Any = None) -> zipfile.ZipFile:
    answer = client.get(EXPORT, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    found = zipfile.ZipFile(io.BytesIO(answer.content))
    assert found.testzip() is None
    return found


def records(archive: zipfile.ZipFile, name: str) -> Any:
    return json.loads(archive.read(name))


def id_of(database: Database, name: str) -> str:
    with database.transaction() as session:
        return accounts.find_person(session, name).id


def live(client: TestClient, make: Callable[[str], None], workshop: Workshop) -> str:
    """Have the owner do a bit of everything; return the id of a finished video."""
    video_id: str = client.post("/v1/videos", json={"prompt": "a fox"}).json()["id"]
    make(video_id)
    client.put("/programme/v1/consents/training", json={"given": True})
    assert client.post("/v1/webhook_endpoints", json=HOOK).status_code == 200
    workshop.storage.put("uploads/upload_c", b"\x00\x00\x00\x18ftypmp42", "video/mp4")
    workshop.storage.put("uploads/upload_r", b"\x89PNG\r\n", "image/png")
    owner = id_of(workshop.database, "owner")
    with workshop.database.transaction() as session:
        session.add(
            Character(
                id="char_1", person_id=owner, name="Mossy", file="uploads/upload_c",
                created_at=datetime.now(UTC),
            )
        )  # fmt: skip
        session.get_one(Video, video_id).reference_file = "uploads/upload_r"
        cohort = admission.create_cohort(session, "first", 300, "to make clips")
        admission.seat(session, owner, cohort.id)
        admission.grant_role(session, owner, ProgrammeRole.ARTIST, None)
        pauses.protect(session, owner, "complaint")
    return video_id


def pause(steward: TestClient, level: str, target: str) -> Any:
    body = {
        "level": level, "target_id": target, "ground": "leaked-key",
        "reason": "The key was seen in public.", "resume_plan": "A new key is made for you.",
        "expires_at": (datetime.now(UTC) + timedelta(hours=24)).isoformat(),
    }  # fmt: skip
    answer = steward.post("/programme/v1/pauses", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_everything_of_a_person_is_in_one_archive_of_open_formats(
    client: TestClient, make: Callable[[str], None], workshop: Workshop
) -> None:
    video_id = live(client, make, workshop)
    found = archive_of(client)
    clip = found.getinfo(f"videos/{video_id}.mp4")
    assert clip.compress_type == zipfile.ZIP_STORED
    assert found.read(clip) == client.get(f"/v1/videos/{video_id}/content").content
    recipe = records(found, f"videos/{video_id}.recipe.json")
    assert (recipe["prompt"], recipe["consents"]["training"]) == ("a fox", False)
    assert found.read(f"videos/{video_id}.reference.png").startswith(b"\x89PNG")
    assert found.read("characters/char_1.mp4")[4:8] == b"ftyp"
    assert records(found, "person.json")[0]["name"] == "owner"
    for name, field, value in (
        ("videos", "id", video_id),
        ("characters", "name", "Mossy"),
        ("consents", "use", "training"),
        ("seats", "left_at", None),
        ("cohorts", "name", "first"),
        ("role_grants", "role", "artist"),
        ("webhook_endpoints", "url", HOOK["url"]),
        ("keys", "name", "test"),
        ("protected_acts", "kind", "complaint"),
    ):
        assert records(found, f"{name}.json")[0][field] == value, name
    kinds = {each["kind"] for each in records(found, "log_entries.json")}
    assert {"consent.given", "admission.granted", "role.granted"} <= kinds
    readme = found.read("README.txt").decode()
    assert "missing.json" not in readme
    assert video_id not in readme


def test_an_export_holds_no_secret_and_nothing_of_anybody_else(
    client: TestClient, make: Callable[[str], None], workshop: Workshop, people: People
) -> None:
    live(client, make, workshop)
    others = client.post("/v1/videos", json={"prompt": "a whale"}, headers=people.headers("other"))
    make(others.json()["id"])
    found = archive_of(client)
    with workshop.database.transaction() as session:
        secrets = [session.scalars(select(WebhookEndpoint.secret)).one(), people.owner]
        secrets += [each.hex() for each in session.scalars(select(Key.digest))]
    told = "\n".join(found.read(name).decode("latin-1") for name in found.namelist())
    assert [secret for secret in secrets if secret in told] == []
    assert "a whale" not in told
    assert id_of(workshop.database, "other") not in told
    theirs = archive_of(client, people.headers("other"))
    assert [each["prompt"] for each in records(theirs, "videos.json")] == ["a whale"]


def test_names_in_an_archive_are_ours(
    client: TestClient, make: Callable[[str], None], workshop: Workshop
) -> None:
    live(client, make, workshop)
    with workshop.database.transaction() as session:
        session.scalars(select(Character)).one().name = "../../etc/passwd"
        accounts.find_person(session, "owner").name = "/../owner"
    for each in archive_of(client).infolist():
        assert re.fullmatch(r"([a-z]+/)?[A-Za-z0-9_]+(\.[a-z0-9]+)+", each.filename), each.filename
        assert each.external_attr == 0o644 << 16


def test_whoever_is_paused_can_export_and_reads_of_the_pause(
    client: TestClient, steward: TestClient, make: Callable[[str], None], workshop: Workshop
) -> None:
    video_id = live(client, make, workshop)
    owner = id_of(workshop.database, "owner")
    with workshop.database.transaction() as session:
        session.execute(metadata.tables["protected_acts"].delete())
    pause(steward, "person", owner)
    assert client.post("/v1/videos", json={"prompt": "a fox"}).status_code == 403
    found = archive_of(client)
    assert f"videos/{video_id}.mp4" in found.namelist()
    (told,) = records(found, "pauses.json")
    assert told["reason"] == "The key was seen in public."
    assert "proposed_by" not in told
    assert records(found, "statements.json")[0]["decision_facts"] == told["reason"]


def test_a_clip_that_is_lost_does_not_spoil_the_archive(
    client: TestClient, make: Callable[[str], None], workshop: Workshop
) -> None:
    video_id = live(client, make, workshop)
    workshop.storage.delete_prefix(f"videos/{video_id}")
    found = archive_of(client)
    assert [each["file"] for each in records(found, "missing.json")] == [f"videos/{video_id}.mp4"]
    assert "missing.json" in found.read("README.txt").decode()


def test_an_archive_of_many_clips_never_holds_them_all(
    database: Database, workshop: Workshop
) -> None:
    with database.transaction() as session:
        person = accounts.create_person(session, "prolific")
        session.add_all(a_video(person.id, f"video_{n:04d}") for n in range(300))
    clip = bytes(1_000_000)
    for n in range(0, 300, 10):
        workshop.storage.put(f"videos/video_{n:04d}/1/video.mp4", clip, "video/mp4")
    caller = Caller(person.id, "key_x", False, frozenset(Scope))
    sizes = [len(each) for each in exports.archive(database, workshop.storage, caller)]
    assert sum(sizes) > 30 * len(clip)
    assert max(sizes) < 600_000


def test_every_table_with_a_person_is_exported_or_excepted_with_a_reason(
    client: TestClient, make: Callable[[str], None], workshop: Workshop
) -> None:
    live(client, make, workshop)
    names = set(archive_of(client).namelist())
    for table in metadata.sorted_tables:
        if exports.OWNER in table.columns:
            is_told = f"{table.name}.json" in names
            assert is_told != bool(exports.NOT_EXPORTED.get(table.name)), table.name
    for table, _, _ in exports.parts_of_personal_tables():
        assert f"{table.name}.json" in names


def test_no_exported_column_names_other_people_or_opens_a_door() -> None:
    for table in exports.personal_tables():
        for column in exports.exported_columns(table):
            persons = [key for key in column.foreign_keys if key.column.table.name == "persons"]
            assert column.name == exports.OWNER or not persons, f"{table.name}.{column.name}"
            assert "secret" not in column.name
    assert "digest" not in {each.name for each in exports.exported_columns(Key.__table__)}  # type: ignore[arg-type]


def test_every_table_with_a_person_says_what_becomes_of_it_at_erasure() -> None:
    deleted = {table.name for table in exports.deleted_tables()}
    for table in exports.personal_tables():
        assert table.name in deleted or exports.KEPT.get(table.name), (
            f"{table.name}: give person_id ondelete='CASCADE', or a reason in exports.service.KEPT"
        )
    for table in metadata.sorted_tables:
        for key in table.foreign_keys:
            if key.column.table.name in deleted:
                assert key.ondelete in ("CASCADE", "SET NULL"), f"{table.name}.{key.parent.name}"


def test_words_in_rows_that_outlive_their_person_are_overwritten_or_left_for_a_reason() -> None:
    for name in exports.KEPT:
        for column in metadata.tables[name].columns:
            if isinstance(column.type, Text | JSON) and name not in LEFT_AS_IT_IS:
                told = f"{name}.{column.name}"
                assert column.name in exports.REDACTED.get(name, ()) or told in LEFT_AS_IT_IS, told


def test_columns_that_hold_storage_keys_are_known() -> None:
    found = {
        f"{table.name}.{column.name}"
        for table in [
            *exports.personal_tables(),
            *(t for t, _, _ in exports.parts_of_personal_tables()),
        ]
        for column in table.columns
        if column.name in ("file", "files") or column.name.endswith(("_file", "_files"))
    }
    assert found == exports.FILE_COLUMNS


def test_erasure_asks_for_one_s_own_id_and_then_leaves_nothing_but_what_it_lists(
    client: TestClient, steward: TestClient, make: Callable[[str], None], workshop: Workshop
) -> None:
    video_id = live(client, make, workshop)
    client.post("/v1/videos", json={"prompt": "one that waits"})
    database, owner = workshop.database, id_of(workshop.database, "owner")
    with database.transaction() as session:
        reasons = statements.Reasons(
            clause="sharing", facts="A fact.", category="STATEMENT_CATEGORY_OTHER_VIOLATION_TC",
            explanation="A reason.", decided_by=None,
        )  # fmt: skip
        statements.issue(session, owner, (SubjectKind.PROMPT, None), reasons)
        commitments = set(session.scalars(select(LogEntry.commitment)))
        session.execute(metadata.tables["protected_acts"].delete())
    pause(steward, "person", owner)
    refused = client.request("DELETE", ME, json={"confirm": "yes"})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "confirm")
    assert owner in refused.json()["error"]["message"]
    assert client.get(f"/v1/videos/{video_id}").status_code == 200
    answer = client.request("DELETE", ME, json={"confirm": owner})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["deleted"]["videos"], told["deleted"]["characters"]) == (2, 1)
    remains = {each["what"]: each["count"] for each in told["remains"]}
    assert remains["statements"] == 2
    assert remains["persons"] == remains["pauses"] == 1
    assert client.get("/v1/videos").status_code == 401
    with database.transaction() as session:
        assert session.get_one(Person, owner).name == "erased"
        assert commitments <= set(session.scalars(select(LogEntry.commitment)))
        left = session.scalars(select(LogEntry).where(LogEntry.content.is_not(None))).all()
        assert [each.id for each in left if owner in json.dumps(each.content)] == []
        assert [each for each in left if each.person_id == owner] == []
        assert session.scalars(select(LogEntry.kind)).all().count(EntryKind.ERASED) == 1
        kept = session.scalars(select(Statement)).all()
        assert {each.person_id for each in kept} == {owner}
        assert session.scalars(select(Pause.target_id)).all() == ["erased"]
        pauses.lapse(session)
    files = [
        path for path in (workshop.settings.studio_data / "files").rglob("*") if path.is_file()
    ]
    assert files == []
    assert not any(owner in line for line in client.get("/programme/v1/pauses").text.splitlines())


def test_erasure_touches_nobody_else(
    client: TestClient, people: People, make: Callable[[str], None], workshop: Workshop
) -> None:
    live(client, make, workshop)
    others = client.post("/v1/videos", json={"prompt": "a whale"}, headers=people.headers("other"))
    make(others.json()["id"])
    client.put(
        "/programme/v1/consents/metrics", json={"given": True}, headers=people.headers("other")
    )
    before = archive_of(client, people.headers("other"))
    owner = id_of(workshop.database, "owner")
    assert client.request("DELETE", ME, json={"confirm": owner}).status_code == 200
    after = archive_of(client, people.headers("other"))
    assert set(before.namelist()) == set(after.namelist())
    for name in before.namelist():
        if name not in ("README.txt", "keys.json", "log_entries.json"):
            assert before.read(name) == after.read(name), name


def test_a_steward_who_is_erased_leaves_acts_of_office_without_a_name(
    steward: TestClient, client: TestClient, database: Database
) -> None:
    pause(steward, "person", id_of(database, "owner"))
    me = id_of(database, "steward")
    told = steward.request("DELETE", ME, json={"confirm": me}).json()
    assert {"what": "pauses.proposed_by", "count": 1}.items() <= next(
        each.items() for each in told["remains"] if each["what"] == "pauses.proposed_by"
    )
    with database.transaction() as session:
        assert not admission.has_right(session, me, admission.Right.PAUSE)
        assert session.scalars(select(Seat).where(Seat.person_id == me)).all() == []
    assert client.get("/v1/videos").status_code == 200


def test_each_route_answers_each_as_it_should(
    client: TestClient, people: People, database: Database
) -> None:
    with database.transaction() as session:
        owner = accounts.find_person(session, "owner")
        reading = access.create_key(session, owner, "read only", [Scope.READ])[1]
    keys: dict[str, Any] = {who: people.headers(who) for who in ("nobody", "other", "admin")}
    keys["reading"] = {"authorization": f"Bearer {reading}"}
    client.headers.pop("authorization")
    for who, exporting, erasing in (
        ("nobody", 401, 401), ("reading", 200, 403), ("other", 200, 400), ("admin", 200, 400),
    ):  # fmt: skip
        assert client.get(EXPORT, headers=keys[who]).status_code == exporting, who
        body = {"confirm": owner.id}
        answer = client.request("DELETE", ME, json=body, headers=keys[who])
        assert answer.status_code == erasing, who
    assert client.get("/v1/videos", headers=people.headers("owner")).status_code == 200
