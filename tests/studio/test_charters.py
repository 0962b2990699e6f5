"""The charter in force: published by stewards, read by anybody, accepted before anything is made."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import settings as trials
from hypothesis import strategies as st
from sqlalchemy import select, text, update

from studio.conftest import People
from unstrung.charter.clauses import LANGUAGES
from unstrung.studio.access import service as access
from unstrung.studio.access.models import Scope
from unstrung.studio.accounts import service as accounts
from unstrung.studio.accounts.models import Person, Role
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.models import ProgrammeRole
from unstrung.studio.charters import service as charters
from unstrung.studio.charters.models import CharterAcceptance, CharterText, CharterVersion
from unstrung.studio.database import Database
from unstrung.studio.errors import InvalidField
from unstrung.studio.log.models import EntryKind, LogEntry
from unstrung.studio.settings import Settings

CHARTER = "/programme/v1/charter"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An operator's own charters: the shipped one, and a later version with one duty more."""
    found = tmp_path / "charters"
    shutil.copytree(str(resources.files("unstrung.charter") / "texts" / "1.0"), found / "1.0")
    shutil.copytree(found / "1.0", found / "1.1")
    for path in (found / "1.1").iterdir():
        text = path.read_text("utf-8")
        begin = text.index("\n\n### ", text.index("{.we}"))
        path.write_text(f"{text[:begin]}\n- No duty is added in silence.{text[begin:]}", "utf-8")
    return found


@pytest.fixture
def settings(database_url: str, tmp_path: Path, folder: Path) -> Settings:
    """Settings of a programme."""
    return Settings(
        database_url=database_url, studio_data=tmp_path, private_webhooks=True, programme=True,
        log_publish_s=3600,
        charter_folder=str(folder), operator_name="Lanterna", operator_contact="us@example.org",
        operator_law={"en": "Italian law", "it": "la legge italiana"},
    )  # fmt: skip


@pytest.fixture
def steward(app: FastAPI, database: Database, client: TestClient) -> Iterator[TestClient]:
    """A steward, calling the API that the owner has open."""
    assert client
    with database.transaction() as session:
        person = accounts.create_person(session, "steward", Role.ADMIN)
        admission.grant_role(session, person.id, ProgrammeRole.STEWARD, None)
        cohort = admission.create_cohort(session, "first", 300, "to make clips")
        admission.seat(session, accounts.find_person(session, "owner").id, cohort.id)
        key = access.create_key(session, person, "desk", list(Scope))[1]
    calling = TestClient(
        app, headers={"authorization": f"Bearer {key}"}, raise_server_exceptions=False
    )
    yield calling
    calling.close()


def publish(steward: TestClient, version: str = "1.0", **other: Any) -> Any:
    answer = steward.post(f"{CHARTER}/versions", json={"version": version, **other})
    assert answer.status_code == 200, answer.text
    return answer.json()


def accept(client: TestClient, version: str = "1.0", language: str = "en") -> Any:
    read = client.get(CHARTER, params={"version": version, "language": language}).json()
    body = {"version": version, "language": language, "digest": read["digest"]}
    answer = client.post(f"{CHARTER}/acceptances", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def create(client: TestClient) -> Any:
    return client.post("/v1/videos", json={"prompt": "a fox"})


def let_pass(database: Database, days: float) -> None:
    """Make everything that concerns the charter so much older."""
    early = timedelta(days=days)
    with database.transaction() as session:
        session.execute(
            update(CharterVersion).values(
                published_at=CharterVersion.published_at - early,
                effective_at=CharterVersion.effective_at - early,
            )
        )


def test_nobody_makes_anything_before_accepting_the_version_in_force(
    client: TestClient, steward: TestClient
) -> None:
    refused = create(client)
    assert refused.status_code == 403
    assert refused.json()["error"]["code"] == "charter_not_accepted"
    publish(steward)
    error = create(client).json()["error"]
    assert error["code"] == "charter_not_accepted"
    assert "1.0" in error["message"]
    read_at = error["statement"]["read_at"]
    assert client.get(read_at).json()["version"] == error["statement"]["version"] == "1.0"
    accept(client)
    assert create(client).status_code == 200, create(client).text


def test_a_studio_without_a_programme_needs_no_charter(
    database: Database, settings: Settings, client: TestClient
) -> None:
    assert create(client).status_code == 403
    with database.transaction() as session:
        owner = accounts.find_person(session, "owner")
        caller = access.Caller(owner.id, "key_x", False, frozenset(Scope))
        off = settings.model_copy(update={"programme": False})
        charters.must_have_accepted(session, off, caller)
    assert not Settings().programme


def test_a_character_needs_the_charter_too(
    client: TestClient, database: Database, settings: Settings
) -> None:
    from unstrung.studio.errors import Forbidden
    from unstrung.studio.videos import service as videos

    assert client
    with database.transaction() as session:
        owner = accounts.find_person(session, "owner")
        caller = access.Caller(owner.id, "key_x", False, frozenset(Scope))
        with pytest.raises(Forbidden, match="charter"):
            videos.create_character(session, settings, caller, "char_x", "Mossy", "uploads/x")


def test_the_text_is_filled_in_and_shown_in_every_language_with_one_digest_each(
    client: TestClient, steward: TestClient
) -> None:
    published = publish(steward)
    assert list(published["digests"]) == list(LANGUAGES)
    client.headers.pop("authorization")
    for language in LANGUAGES:
        read = client.get(CHARTER, params={"language": language}).json()
        assert read["digest"] == published["digests"][language]
        assert "Lanterna" in read["source"]
        assert "{operator}" not in read["source"]
        assert read["is_translation"] == (language != "en")
        assert client.get(read["original"]).json()["language"] == "en"
        assert [each["number"] for each in read["clauses"]] == list(range(1, 16))
    assert "la legge italiana" in client.get(CHARTER, params={"language": "it"}).text
    refused = client.get(CHARTER, params={"language": "xx"})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "language")
    assert client.get(CHARTER, params={"version": "9.9"}).json()["error"]["code"] == (
        "charter_not_found"
    )


def test_what_was_published_stays_when_the_files_change(
    client: TestClient, steward: TestClient, folder: Path
) -> None:
    digest = publish(steward)["digests"]["en"]
    path = folder / "1.0" / "en.md"
    path.write_text(path.read_text("utf-8") + "- You work for nothing.\n", "utf-8")
    assert client.get(CHARTER).json()["digest"] == digest


def test_an_acceptance_names_the_words_that_were_read_and_has_a_receipt(
    client: TestClient, steward: TestClient, database: Database
) -> None:
    digests = publish(steward)["digests"]
    body = {"version": "1.0", "language": "it", "digest": digests["en"]}
    refused = client.post(f"{CHARTER}/acceptances", json=body).json()["error"]
    assert (refused["param"], refused["code"]) == ("digest", "invalid_value")
    assert digests["it"] in refused["message"]
    first = accept(client, language="it")
    assert first["digest"] == digests["it"]
    assert accept(client, language="en") == first, "a yes is given once"
    assert client.get(f"{CHARTER}/acceptances").json()["data"] == [first]
    with database.transaction() as session:
        entry = session.scalars(select(LogEntry).where(LogEntry.id == first["receipt_id"])).one()
        assert entry.kind == EntryKind.CHARTER_ACCEPTED
        assert entry.content == {"version": "1.0", "language": "it", "digest": digests["it"]}
        logged = session.scalars(
            select(LogEntry).where(LogEntry.kind == EntryKind.CHARTER_PUBLISHED)
        ).one()
        assert logged.content is not None
        assert logged.content["digests"] == digests


def test_a_new_version_asks_again_from_its_day_on_and_not_before(
    client: TestClient, steward: TestClient, database: Database
) -> None:
    publish(steward)
    accept(client)
    coming = publish(steward, "1.1")
    assert coming["status"] == "upcoming"
    begins = datetime.fromisoformat(coming["effective_at"])
    assert begins - datetime.fromisoformat(coming["published_at"]) == timedelta(days=7)
    assert client.get(CHARTER).json()["version"] == "1.0"
    assert create(client).status_code == 200, create(client).text
    let_pass(database, 7.1)
    assert client.get(CHARTER).json()["version"] == "1.1"
    error = create(client).json()["error"]
    assert error["statement"]["version"] == "1.1"
    old = {"version": "1.0", "language": "en", "digest": "0" * 64}
    refused = client.post(f"{CHARTER}/acceptances", json=old).json()["error"]
    assert refused["param"] == "version"
    assert "1.1" in refused["message"]
    accept(client, "1.1")
    assert create(client).status_code == 200, create(client).text
    told = client.get(f"{CHARTER}/versions").json()["data"]
    assert [(each["version"], each["status"]) for each in told] == [
        ("1.1", "in force"), ("1.0", "past"),
    ]  # fmt: skip


def test_who_accepts_a_coming_version_early_is_not_interrupted(
    client: TestClient, steward: TestClient, database: Database
) -> None:
    publish(steward)
    accept(client)
    publish(steward, "1.1")
    accept(client, "1.1")
    let_pass(database, 7.1)
    assert create(client).status_code == 200, create(client).text


def test_a_later_version_waits_seven_days_and_is_a_later_one(steward: TestClient) -> None:
    publish(steward)
    soon = (datetime.now(UTC) + timedelta(days=6, hours=23)).isoformat()
    for body, param in (
        ({"version": "1.1", "effective_at": soon}, "effective_at"),
        ({"version": "1.0"}, "version"),
        ({"version": "7.7"}, "version"),
        ({"version": "one"}, "version"),
    ):
        refused = steward.post(f"{CHARTER}/versions", json=body)
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, param), body


@given(wanted=st.lists(st.tuples(st.integers(0, 3), st.integers(-30, 30)), max_size=6))
@trials(max_examples=60, deadline=None)
def test_whatever_is_published_every_later_version_was_announced_a_week_before(
    wanted: list[tuple[int, int]],
) -> None:
    moment, versions = datetime(2026, 1, 1, tzinfo=UTC), [(0, None)]
    row = None
    for wait, ahead in wanted:
        moment += timedelta(days=wait)
        try:
            begins = charters._checked_beginning(row, moment + timedelta(days=ahead), moment)
        except InvalidField:
            continue
        if row is not None:
            assert begins - moment >= charters.NOTICE
            assert begins > row.effective_at
        assert begins >= moment
        row = CharterVersion(version=f"1.{len(versions)}", effective_at=begins)
        versions.append((len(versions), None))


def test_the_differences_are_told_in_words_and_as_data(
    client: TestClient, steward: TestClient
) -> None:
    publish(steward)
    publish(steward, "1.1")
    client.headers.pop("authorization")
    changes = client.get(f"{CHARTER}/changes", params={"from": "1.0"}).json()
    assert (changes["version_before"], changes["version_after"]) == ("1.0", "1.1")
    (clause,) = changes["clauses"]
    (sentence,) = clause["sentences"]
    assert (sentence["change"], sentence["part"]) == ("added", "we")
    assert sentence["after"] == "No duty is added in silence."
    assert "No duty is added in silence." in changes["told"]
    refused = client.get(f"{CHARTER}/changes", params={"from": "1.0", "to": "3.0"})
    assert (refused.status_code, refused.json()["error"]["param"]) == (404, "to")


def test_a_charter_without_a_name_under_it_is_not_published(
    database: Database, settings: Settings, steward: TestClient
) -> None:
    nameless = settings.model_copy(update={"operator_name": "", "operator_law": {}})
    with database.transaction() as session:
        person = accounts.find_person(session, "steward")
        caller = access.Caller(person.id, "key_x", True, frozenset(Scope))
        with pytest.raises(Exception, match="OPERATOR_NAME and UNSTRUNG_OPERATOR_LAW"):
            charters.publish(session, nameless, caller, "1.0", None)
    assert steward.get(f"{CHARTER}/versions").json()["data"] == []


def test_each_route_answers_each_as_it_should(
    client: TestClient, people: People, steward: TestClient
) -> None:
    digest = publish(steward)["digests"]["en"]
    yes = {"version": "1.0", "language": "en", "digest": digest}
    # (method, path, body, the status that nobody, the owner, an admin without a role and a steward get).
    routes: list[tuple[str, str, Any, tuple[int, int, int, int]]] = [
        ("GET", CHARTER, None, (200, 200, 200, 200)),
        ("GET", f"{CHARTER}/versions", None, (200, 200, 200, 200)),
        ("POST", f"{CHARTER}/versions", {"version": "1.1"}, (401, 403, 403, 200)),
        ("GET", f"{CHARTER}/changes?from=1.0", None, (200, 200, 200, 200)),
        ("POST", f"{CHARTER}/acceptances", yes, (401, 200, 200, 200)),
        ("GET", f"{CHARTER}/acceptances", None, (401, 200, 200, 200)),
    ]
    keys = [people.headers("nobody"), people.headers("owner"), people.headers("admin")]
    keys.append({"authorization": steward.headers["authorization"]})
    client.headers.pop("authorization")
    for method, path, body, statuses in routes:
        got = [client.request(method, path, json=body, headers=each).status_code for each in keys]
        assert tuple(got) == statuses, (method, path)


def test_nobody_sees_what_others_accepted(
    client: TestClient, people: People, steward: TestClient
) -> None:
    publish(steward)
    accept(client)
    other = client.get(f"{CHARTER}/acceptances", headers=people.headers("other"))
    assert other.json()["data"] == []


def test_the_gate_asks_an_index_with_a_thousand_people(
    client: TestClient, steward: TestClient, database: Database, settings: Settings
) -> None:
    publish(steward)
    accept(client)
    with database.transaction() as session:
        moment = datetime.now(UTC)
        people = [
            Person(id=f"person_{n}", name="x", role=Role.MEMBER, created_at=moment)
            for n in range(1_000)
        ]
        session.add_all(people)
        session.flush()
        session.add_all(
            CharterAcceptance(
                id=f"acceptance_{n}", person_id=f"person_{n}", version="1.0", language="en",
                digest="0" * 64, accepted_at=moment, entry_id="entry_x",
            )
            for n in range(1_000)
        )  # fmt: skip
        owner = accounts.find_person(session, "owner")
        caller = access.Caller(owner.id, "key_x", False, frozenset(Scope))
        session.flush()
        charters.must_have_accepted(session, settings, caller)
        assert session.scalars(select(CharterText.language)).all()
        session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = session.connection().exec_driver_sql(
            "EXPLAIN SELECT id FROM charter_acceptances "
            "WHERE person_id = 'person_5' AND version = '1.0'"
        )
        told = " ".join(row[0] for row in plan)
        assert "uq_charter_acceptances_person_id_version" in told, told
