"""A lottery for seats from announcement to draw, checked as an outsider would."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select

from studio.stewarding import BASE, application_to, caller_with, code_of, cohort_of, steward_key
from unstrung.lottery import faults_of, hash_of, order_of, seed_hash_of
from unstrung.studio.database import Database
from unstrung.studio.log.models import EntryKind, LogEntry
from unstrung.transparency.notes import VerifierKey


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


def announced(steward: TestClient, cohort_id: str, seats: int, in_s: float) -> Any:
    closes_at = datetime.now(UTC) + timedelta(seconds=in_s)
    body = {"cohort_id": cohort_id, "seats": seats, "closes_at": closes_at.isoformat()}
    answer = steward.post(f"{BASE}/lotteries", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def applied(anyone: TestClient, cohort_id: str, name: str) -> Any:
    answer = anyone.post(f"{BASE}/applications", json=application_to(cohort_id, name))
    assert answer.status_code == 200, answer.text
    return answer.json()


def closed(steward: TestClient, lottery_id: str) -> Any:
    """Close it as soon as it may be."""
    deadline = time.monotonic() + 60
    while True:
        answer = steward.post(f"{BASE}/lotteries/{lottery_id}/close")
        if answer.status_code == 200:
            return answer.json()
        assert code_of(answer) == (409, "lottery_state")
        assert "take part until" in answer.json()["error"]["message"]
        assert time.monotonic() < deadline


def state_of(anyone: TestClient, made: Any) -> Any:
    headers = {"authorization": f"Bearer {made['token']}"}
    return anyone.get(f"{BASE}/applications/{made['id']}", headers=headers).json()


def test_the_seed_is_fixed_before_the_tickets_and_the_tickets_before_the_seed_is_shown(
    anyone: TestClient, steward: TestClient, app: FastAPI, database: Database
) -> None:
    cohort_id = cohort_of(steward, 3)
    made = [applied(anyone, cohort_id, name) for name in ("Ada", "Bo")]
    lottery = announced(steward, cohort_id, 2, in_s=4)
    path = f"{BASE}/lotteries/{lottery['id']}"
    # Before: a commitment to the seed, and no ticket of those who are still to come.
    assert len(lottery["seed_hash"]) == 64
    assert (lottery["seed"], lottery["tickets"], lottery["order"]) == (None, None, None)
    with database.transaction() as session:
        (entry,) = session.scalars(
            select(LogEntry).where(LogEntry.kind == EntryKind.LOTTERY_ANNOUNCED)
        )
        assert entry.content is not None
        assert entry.content["seed_hash"] == lottery["seed_hash"]
    made += [applied(anyone, cohort_id, name) for name in ("Cy", "Di")]
    assert code_of(steward.post(f"{path}/draw")) == (409, "lottery_state")
    told = closed(steward, lottery["id"])
    # Between: the tickets are fixed, and the seed is still nobody's.
    assert told["tickets"] == sorted(each["ticket"] for each in made)
    assert (told["tickets_hash"], told["seed"]) == (hash_of(told["tickets"]), None)
    assert anyone.get(path).json()["seed"] is None
    late = applied(anyone, cohort_id, "Late")
    assert code_of(steward.post(f"{path}/close")) == (409, "lottery_state")
    drawn = steward.post(f"{path}/draw").json()
    # After: the seed is the one that was committed to, and the order follows from both.
    assert seed_hash_of(bytes.fromhex(drawn["seed"])) == lottery["seed_hash"] == drawn["seed_hash"]
    assert drawn["tickets"] == told["tickets"]
    assert drawn["order"] == order_of(bytes.fromhex(drawn["seed"]), told["tickets"])
    assert late["ticket"] not in drawn["tickets"]
    assert code_of(steward.post(f"{path}/draw")) == (409, "lottery_state")
    states = {each["ticket"]: state_of(anyone, each) for each in [*made, late]}
    assert [states[ticket]["state"] for ticket in drawn["order"]] == [
        "admitted", "admitted", "waiting", "waiting",
    ]  # fmt: skip
    assert [states[ticket]["draw_place"] for ticket in drawn["order"]] == [1, 2, 3, 4]
    # The rest of the draw goes before whoever came later.
    places = [states[ticket]["position"] for ticket in (*drawn["order"][2:], late["ticket"])]
    assert places == [1, 2, 3]
    app.state.studio.log.publish(database)
    public = anyone.get(path).json()
    key = VerifierKey.parse(public["log_key"])
    assert faults_of(public) == []
    assert faults_of(public, key) == []
    forged = {**public, "receipts": {**public["receipts"], "closed": public["receipts"]["drawn"]}}
    assert faults_of(forged, key)
    # Everything agrees but with what the log has committed to.
    seed = bytes(32)
    order = order_of(seed, public["tickets"])
    ground = {
        **public, "seed": seed.hex(), "seed_hash": seed_hash_of(seed), "order": order,
        "drawn": order[:2],
    }  # fmt: skip
    assert any("the log committed to" in fault for fault in faults_of(ground, key))


def test_seats_of_a_lottery_are_kept_until_the_draw_and_go_to_the_next_if_somebody_withdrew(
    anyone: TestClient, steward: TestClient
) -> None:
    cohort_id = cohort_of(steward, 1)
    made = {each["ticket"]: each for each in (applied(anyone, cohort_id, n) for n in ("Ada", "Bo"))}
    lottery = announced(steward, cohort_id, 1, in_s=1)
    again = {"cohort_id": cohort_id, "seats": 1, "closes_at": "2999-01-01T00:00:00Z"}
    assert steward.post(f"{BASE}/lotteries", json=again).status_code == 409
    first = next(iter(made.values()))
    assert code_of(steward.post(f"{BASE}/applications/{first['id']}/admit", json={})) == (
        409, "cohort_full",
    )  # fmt: skip
    closed(steward, lottery["id"])
    headers = {"authorization": f"Bearer {first['token']}"}
    anyone.post(f"{BASE}/applications/{first['id']}/withdraw", headers=headers)
    drawn = steward.post(f"{BASE}/lotteries/{lottery['id']}/draw").json()
    assert set(drawn["order"]) == set(made)
    (other,) = set(made) - {first["ticket"]}
    assert state_of(anyone, made[other])["state"] == "admitted"
    cohort = anyone.get(f"{BASE}/cohorts").json()["data"][0]
    assert (cohort["taken"], cohort["promised"], cohort["free"]) == (0, 1, 0)


def test_a_lottery_needs_free_seats_and_time(steward: TestClient) -> None:
    cohort_id = cohort_of(steward, 1)
    body = {"cohort_id": cohort_id, "seats": 2, "closes_at": "2999-01-01T00:00:00Z"}
    assert code_of(steward.post(f"{BASE}/lotteries", json=body)) == (409, "cohort_full")
    body |= {"seats": 1, "closes_at": "2001-01-01T00:00:00Z"}
    assert steward.post(f"{BASE}/lotteries", json=body).json()["error"]["param"] == "closes_at"
