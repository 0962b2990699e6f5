"""Keys in other hands: a program asks, then stops the key alone, then asks a person; never more."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from studio.conftest import People
from studio.stewarding import steward_key
from unstrung.studio.access import service as access
from unstrung.studio.access.models import Key, Scope
from unstrung.studio.access.service import Caller
from unstrung.studio.accounts import service as accounts
from unstrung.studio.accounts.models import Person
from unstrung.studio.database import Database
from unstrung.studio.errors import Forbidden
from unstrung.studio.pauses import service as pauses
from unstrung.studio.pauses.models import Level, Pause
from unstrung.studio.settings import Settings
from unstrung.studio.sightings import Sightings, network_around, program_of
from unstrung.studio.signals import service as signals
from unstrung.studio.signals.models import Canary, Sighting, Signal, Step
from unstrung.studio.statements.models import Statement

BASE = "/programme/v1"


@pytest.fixture
def steward(app: FastAPI, database: Database) -> Iterator[TestClient]:
    """A steward, calling the API."""
    headers = {"authorization": f"Bearer {steward_key(database)}"}
    with TestClient(app, headers=headers, raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def owner(database: Database, client: TestClient) -> Caller:
    """The owner's own key as a caller, as if signed in."""
    assert client is not None
    with database.transaction() as session:
        person = session.scalars(select(Person.id).where(Person.name == "owner")).one()
        key = session.scalars(select(Key.id).where(Key.person_id == person)).one()
    return Caller(person, key, False, frozenset(map(str, Scope)), is_session=True)


def seen_from(database: Database, caller: Caller, networks: int, first: int = 0) -> list[Signal]:
    """The key is used from so many networks; the signals that follow."""
    found = []
    for number in range(first, first + networks):
        with database.transaction() as session:
            signal = signals.see(session, caller, number.to_bytes(8), b"12345678")
            found += [signal] if signal else []
    return found


def hours_later(database: Database, hours: float) -> None:
    with database.transaction() as session:
        session.execute(update(Signal).values(noted_at=Signal.noted_at - timedelta(hours=hours)))


def test_a_few_networks_are_nobodys_business(database: Database, owner: Caller) -> None:
    assert seen_from(database, owner, signals.MANY_NETWORKS - 1) == []


def test_steps_come_one_at_a_time_and_end_at_a_person(
    client: TestClient, database: Database, owner: Caller
) -> None:
    steps = [each.step for each in seen_from(database, owner, 2 * signals.MANY_NETWORKS)]
    assert steps == [Step.CONFIRM, Step.SUSPEND_KEY]
    refused = client.post("/v1/videos", json={"prompt": "a fox"})
    assert refused.json()["error"]["code"] == "access_paused"
    assert client.get("/v1/videos").status_code == 200
    hours_later(database, 2)
    assert [each.step for each in seen_from(database, owner, 1, 100)] == [Step.ASK_STEWARD]
    hours_later(database, 2)
    assert [each.step for each in seen_from(database, owner, 1, 200)] == [Step.ASK_STEWARD]
    with database.transaction() as session:
        (pause,) = session.scalars(select(Pause))
        (statement,) = session.scalars(select(Statement))
    assert (pause.level, pause.proposed_by) == (Level.KEY, None)
    assert pause.expires_at - datetime.now(UTC) <= signals.SUSPENDED_FOR
    assert statement.automated_decision == "AUTOMATED_DECISION_FULLY"
    assert "12 networks" in statement.decision_facts


def test_the_owner_ends_a_suspension_with_a_new_secret(
    client: TestClient, database: Database, owner: Caller, people: People
) -> None:
    seen_from(database, owner, 2 * signals.MANY_NETWORKS)
    with database.transaction() as session:
        _, secret = signals.confirm(session, owner, owner.key_id)
    assert client.get("/v1/videos").status_code == 401  # the old secret
    fresh = {"authorization": f"Bearer {secret}"}
    assert client.post("/v1/videos", json={"prompt": "a fox"}, headers=fresh).status_code == 200
    assert all(
        each["settled_at"] for each in client.get(f"{BASE}/signals", headers=fresh).json()["data"]
    )
    assert people.owner != secret


def test_a_key_alone_makes_and_renews_no_keys(client: TestClient, owner: Caller) -> None:
    for method, path, body in (
        ("POST", f"{BASE}/keys", {"name": "another"}),
        ("POST", f"{BASE}/keys/{owner.key_id}/rotate", None),
    ):
        answer = client.request(method, path, json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "sign_in_required")


def test_nobody_makes_a_key_that_can_do_more(database: Database, owner: Caller) -> None:
    weak = replace(owner, scopes=frozenset({"read"}))
    with database.transaction() as session, pytest.raises(Forbidden, match="generate"):
        access.create_own_key(session, weak, "another", [Scope.GENERATE], None)


def test_no_program_stops_somebody_who_is_protected(database: Database, owner: Caller) -> None:
    with database.transaction() as session:
        pauses.protect(session, owner.person_id, "complaint")
    steps = [each.step for each in seen_from(database, owner, 2 * signals.MANY_NETWORKS)]
    assert steps == [Step.CONFIRM, Step.ASK_STEWARD]
    with database.transaction() as session:
        assert session.scalars(select(Pause)).all() == []


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(acts=st.lists(st.tuples(st.integers(1, 6), st.integers(0, 30)), min_size=1, max_size=8))
def test_no_sequence_of_sightings_stops_a_person(
    database: Database, acts: list[tuple[int, int]]
) -> None:
    with database.transaction() as session:
        person = accounts.create_person(session, "somebody")
        key, _ = access.create_key(session, person, "theirs")
        other, _ = access.create_key(session, person, "untouched")
    caller = Caller(person.id, key.id, False, frozenset(map(str, Scope)))
    first = 0
    for networks, hours in acts:
        seen_from(database, caller, networks, first)
        first += networks
        hours_later(database, hours)
    with database.transaction() as session:
        levels = set(session.scalars(select(Pause.level).where(Pause.target_id == key.id)))
        assert levels <= {Level.KEY}
        assert pauses.stopping(session, person.id, other.id) is None


def test_a_key_that_a_scanner_found_is_revoked_at_once(
    client: TestClient, people: People, database: Database, owner: Caller
) -> None:
    assert owner
    asked = {
        "tokens": [
            {"token": people.owner, "url": "https://example.org/page"},
            {"token": access.make_secret()},
            {"token": "ust_nonsense"},
        ]
    }
    answer = client.post(f"{BASE}/keys/leaked", json=asked, headers={"authorization": ""}).json()
    labels = [each["label"] for each in answer["data"]]
    assert labels == ["true_positive", "false_positive", "false_positive"]
    assert client.get("/v1/videos").json()["error"]["code"] == "revoked_api_key"
    with database.transaction() as session:
        (signal,) = session.scalars(select(Signal))
    assert "https://example.org/page" in signal.facts


def test_a_canary_tells_its_keepers_and_nobody_else(
    client: TestClient, steward: TestClient, database: Database
) -> None:
    laid = steward.post(f"{BASE}/canaries", json={"place": "the old wiki"}).json()
    used = client.get("/v1/videos", headers={"authorization": f"Bearer {laid['secret']}"})
    unknown = client.get("/v1/videos", headers={"authorization": f"Bearer {access.make_secret()}"})
    assert used.status_code == unknown.status_code == 401
    shown = [each.json()["error"]["message"].split("...")[1] for each in (used, unknown)]
    assert shown[0] == shown[1]
    (listed,) = steward.get(f"{BASE}/canaries").json()["data"]
    assert (listed["num_uses"], "secret" in listed) == (1, False)
    assert client.get(f"{BASE}/canaries").status_code == 403
    with database.transaction() as session:
        assert session.scalars(select(Canary)).one().last_network is not None


def test_own_keys_are_listed_and_revoked(client: TestClient, owner: Caller, people: People) -> None:
    (listed,) = client.get(f"{BASE}/keys").json()["data"]
    assert listed["id"] == owner.key_id
    assert "secret" not in listed
    path = f"{BASE}/keys/{owner.key_id}"
    assert client.delete(path, headers=people.headers("other")).status_code == 404
    assert client.delete(path).json()["revoked_at"] is not None
    assert client.get("/v1/videos").status_code == 401


def test_stewards_see_open_signals_and_settle_them(
    client: TestClient, steward: TestClient, database: Database, owner: Caller, people: People
) -> None:
    seen_from(database, owner, signals.MANY_NETWORKS)
    (signal,) = steward.get(f"{BASE}/signals").json()["data"]
    assert client.get(f"{BASE}/signals", headers=people.headers("other")).json()["data"] == []
    path = f"{BASE}/signals/{signal['id']}/settle"
    assert client.post(path, json={"outcome": "A tour."}).status_code == 403
    assert steward.post(path, json={"outcome": "A tour."}).json()["outcome"] == "A tour."
    assert steward.get(f"{BASE}/signals").json()["data"] == []


def test_requests_are_noted_as_digests_of_networks(
    app: FastAPI, people: People, database: Database
) -> None:
    for host in ("203.0.113.7", "203.0.113.200", "198.51.100.1", "2001:db8:1:2::3"):
        with TestClient(app, headers=people.headers("owner"), client=(host, 1)) as elsewhere:
            assert elsewhere.get("/v1/videos").status_code == 200
    with database.transaction() as session:
        key = session.scalars(select(Key).where(Key.digest == access.digest_of(people.owner))).one()
        assert signals.score(session, key.id, datetime.now(UTC)).networks == 3


def test_sightings_are_forgotten_after_a_day(database: Database, owner: Caller) -> None:
    seen_from(database, owner, 3)
    with database.transaction() as session:
        signals.forget_old(session)
        assert signals.score(session, owner.key_id, datetime.now(UTC)).networks == 3
        session.execute(update(Sighting).values(hour=Sighting.hour - timedelta(hours=26)))
        signals.forget_old(session)
        assert session.scalars(select(Sighting)).all() == []


def test_networks_and_programs_are_coarse() -> None:
    assert network_around("203.0.113.7") == network_around("203.0.113.99") == "203.0.113.0/24"
    assert network_around("::ffff:203.0.113.7") == "203.0.113.0/24"
    assert network_around("2001:db8:1:2::3") == "2001:db8:1::/48"
    assert network_around("testclient") == "testclient"
    assert program_of("openai-python/2.24.0 (linux)") == program_of("OpenAI-Python/3.1") != "none"
    assert program_of("") == program_of("/4.0") == "none"


def test_digests_depend_on_the_secret(settings: Settings) -> None:
    assert settings
    one, two = Sightings(b"a" * 32), Sightings(b"b" * 32)
    assert one._digest("network", "203.0.113.0/24") != two._digest("network", "203.0.113.0/24")
