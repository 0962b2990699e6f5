"""The log: every act gets a place and a receipt, and nothing that goes wrong can change what was signed."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from unstrung.studio.accounts.models import Person
from unstrung.studio.database import Database
from unstrung.studio.errors import ServiceFault
from unstrung.studio.log import service as log
from unstrung.studio.log.models import EntryKind, LogEntry
from unstrung.studio.publishing import LogFolder
from unstrung.studio.settings import Settings
from unstrung.transparency.notes import Checkpoint, VerifierKey, parse_note
from unstrung.transparency.receipts import Entry, parse_receipt, verify_receipt
from unstrung.transparency.tiles import TileLog, TileView

SAID = {"use": "training", "given": True}


@pytest.fixture
def folder(settings: Settings) -> LogFolder:
    """The log of the studio."""
    return LogFolder(settings.log_path, "studio.test/log")


@pytest.fixture
def record(database: Database) -> Callable[..., str]:
    """Writes an act of somebody's, or of nobody's."""

    def recorded(name: str | None = None, said: dict[str, object] | None = None) -> str:
        with database.transaction() as session:
            person = session.scalar(select(Person.id).where(Person.name == name)) if name else None
            return log.record(session, EntryKind.CONSENT_GIVEN, said or SAID, person).id

    return recorded


def settle(folder: LogFolder, database: Database) -> None:
    """Publish what waits, though the API's own turn may come between."""
    for _ in range(200):
        folder.publish(database)
        with database.transaction() as session:
            if not log.waiting(session, 1):
                return
        time.sleep(0.02)


def test_an_act_has_a_receipt_that_verifies_with_the_key_alone(
    client: TestClient, folder: LogFolder, database: Database, record: Callable[..., str]
) -> None:
    for _ in range(300):
        record()
    receipt_id = record("owner")
    settle(folder, database)
    text = client.get(f"/programme/v1/receipts/{receipt_id}").text
    key = VerifierKey.parse(client.get("/programme/v1/log").json()["key"])
    checked = verify_receipt(parse_receipt(text), key)
    assert (checked.index, checked.size) == (300, 301)
    assert checked.entry.type == "consent.given"
    assert checked.is_content_checked
    assert parse_receipt(text).content == b'{"given":true,"use":"training"}'


def test_a_receipt_is_its_owners_alone(
    client: TestClient,
    people: object,
    folder: LogFolder,
    database: Database,
    record: Callable[..., str],
) -> None:
    receipt_id = record("owner")
    settle(folder, database)
    path = f"/programme/v1/receipts/{receipt_id}"
    for who, status in (("owner", 200), ("other", 404), ("admin", 404), ("nobody", 401)):
        headers = {"authorization": "", **people.headers(who)}  # type: ignore[attr-defined]
        assert client.get(path, headers=headers).status_code == status
    listed = client.get("/programme/v1/receipts").json()
    assert [each["id"] for each in listed["data"]] == [receipt_id]
    assert listed["has_more"] is False


def test_outsiders_read_the_whole_log_over_http_and_find_nobody_in_it(
    client: TestClient, folder: LogFolder, database: Database, record: Callable[..., str]
) -> None:
    for number in range(40):
        record("owner", {"secret": f"prompt {number}"})
    settle(folder, database)

    def read(path: str) -> bytes:
        answer = client.get(f"/programme/v1/log/{path}", headers={"authorization": ""})
        assert answer.status_code == 200, path
        return answer.content

    checkpoint = Checkpoint.parse(parse_note(read("checkpoint").decode()).text)
    view = TileView(read, checkpoint.size)
    assert view.root() == checkpoint.root
    entries = list(view.entries())
    assert len({Entry.parse(each).commitment for each in entries}) == 40
    assert not any(b"prompt" in each or b"owner" in each for each in entries)
    for path in ("tile/0/999", "tile/0/../../log-key", "tile/x/000", "nothing"):
        assert client.get(f"/programme/v1/log/{path}").status_code == 404


def test_growth_is_consistent_and_published_once(
    folder: LogFolder, database: Database, record: Callable[..., str]
) -> None:
    assert folder.publish(database) == 0  # an empty log has a head, too
    record()
    assert folder.publish(database) == 1
    assert folder.publish(database) == 0
    old = Checkpoint.parse(parse_note(folder.read("checkpoint").decode()).text)
    for _ in range(5):
        record()
    assert folder.publish(database) == 5
    view = TileView(folder.read, 6)
    assert view.root(old.size) == old.root


def test_a_crash_between_folder_and_database_is_mended(
    folder: LogFolder, database: Database, record: Callable[..., str]
) -> None:
    ids = [record() for _ in range(3)]
    folder.publish(database)
    with database.transaction() as session:  # as if the transaction had not come through
        session.execute(update(LogEntry).where(LogEntry.id != ids[0]).values(position=None))
    ids.append(record())
    folder.publish(database)
    with database.transaction() as session:
        rows = session.scalars(select(LogEntry)).all()
    places = {row.id: row.position for row in rows}
    assert [places[each] for each in ids] == [0, 1, 2, 3]
    assert TileView(folder.read, 4).root()


def test_a_folder_that_lacks_entries_is_refused(
    folder: LogFolder, database: Database, record: Callable[..., str], tmp_path: Path
) -> None:
    record()
    folder.publish(database)
    record()
    with pytest.raises(
        ServiceFault, match="holds 0 entries of the log and the database knows of 1"
    ):
        LogFolder(tmp_path / "elsewhere", "studio.test/log").publish(database)
    assert folder.publish(database) == 1


def test_a_second_writer_waits(
    folder: LogFolder, database: Database, record: Callable[..., str]
) -> None:
    record()
    with TileLog(folder.tiles), pytest.raises(ServiceFault, match="one process at a time"):
        folder.publish(database)
    with database.transaction() as session:
        assert log.may_publish(session)
        assert folder.publish(database) == 0
    assert folder.publish(database) == 1


def test_erasure_leaves_the_log_whole(
    client: TestClient, folder: LogFolder, database: Database, record: Callable[..., str]
) -> None:
    assert client is not None
    published, waiting = record("owner"), ""
    settle(folder, database)
    waiting = record("owner")
    with database.transaction() as session:
        owner = session.scalars(select(Person.id).where(Person.name == "owner")).one()
        log.erase(session, owner)
    settle(folder, database)
    with database.transaction() as session:
        rows = session.scalars(select(LogEntry).where(LogEntry.id.in_([published, waiting]))).all()
        assert all(row.content is None and row.salt is None for row in rows)
        assert sorted(row.position or 0 for row in rows) == [0, 1]
    assert TileView(folder.read, 2).root()


def test_the_key_is_secret_and_stays(folder: LogFolder, settings: Settings) -> None:
    first = folder.verifier
    assert (settings.log_path / "log-key").stat().st_mode & 0o077 == 0
    assert LogFolder(settings.log_path, "another.name/log").verifier == first


def test_the_api_publishes_by_itself(client: TestClient, record: Callable[..., str]) -> None:
    receipt_id = record("owner")
    for _ in range(100):
        answer = client.get(f"/programme/v1/receipts/{receipt_id}")
        if answer.status_code == 200:
            break
        assert answer.json()["error"]["code"] == "not_published"
        time.sleep(0.05)
    assert answer.status_code == 200
