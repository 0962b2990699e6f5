"""A lottery for seats from announcement to draw, checked as an outsider would."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from studio.stewarding import (
    BASE,
    application_to,
    caller_with,
    code_of,
    cohort_of,
    publish_all,
    steward_key,
)
from unstrung.lottery import (
    DRAND_CHAINS,
    assurances_of,
    faults_of,
    faults_of_own,
    hash_of,
    order_of,
    seal_of,
    secret_hash_of,
    seed_of,
    share_of,
)
from unstrung.studio.database import Database
from unstrung.studio.log.models import EntryKind, LogEntry
from unstrung.studio.lotteries.models import Lottery
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


def announced(
    steward: TestClient, cohort_id: str, seats: int, in_s: float = 3600, **other: Any
) -> Any:
    closes_at = datetime.now(UTC) + timedelta(seconds=in_s)
    body = {"cohort_id": cohort_id, "seats": seats, "closes_at": closes_at.isoformat(), **other}
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


def test_the_secret_is_fixed_before_the_tickets_and_the_tickets_before_it_is_shown(
    anyone: TestClient, steward: TestClient, app: FastAPI, database: Database
) -> None:
    cohort_id = cohort_of(steward, 3)
    made = [applied(anyone, cohort_id, name) for name in ("Ada", "Bo")]
    lottery = announced(steward, cohort_id, 2, in_s=4)
    path = f"{BASE}/lotteries/{lottery['id']}"
    # Before: a commitment to the secret, and no ticket of those who are still to come.
    assert len(lottery["secret_hash"]) == 64
    assert (lottery["secret"], lottery["tickets"], lottery["order"]) == (None, None, None)
    with database.transaction() as session:
        (entry,) = session.scalars(
            select(LogEntry).where(LogEntry.kind == EntryKind.LOTTERY_ANNOUNCED)
        )
        assert entry.content is not None
        assert entry.content["secret_hash"] == lottery["secret_hash"]
    made += [applied(anyone, cohort_id, name) for name in ("Cy", "Di")]
    assert code_of(steward.post(f"{path}/draw")) == (409, "lottery_state")
    told = closed(steward, lottery["id"])
    # Between: the tickets are fixed, and the secret is not shown.
    assert told["tickets"] == sorted(each["ticket"] for each in made)
    assert (told["tickets_hash"], told["secret"]) == (hash_of(told["tickets"]), None)
    assert anyone.get(path).json()["secret"] is None
    late = applied(anyone, cohort_id, "Late")
    assert code_of(steward.post(f"{path}/close")) == (409, "lottery_state")
    drawn = steward.post(f"{path}/draw").json()
    # After: the secret is the one that was committed to, and the order follows from all.
    secret = bytes.fromhex(drawn["secret"])
    assert secret_hash_of(secret) == lottery["secret_hash"] == drawn["secret_hash"]
    assert drawn["seed"] == seed_of(secret, None, {}).hex()
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
    publish_all(app, database)
    public = anyone.get(path).json()
    key = VerifierKey.parse(public["log_key"])
    assert faults_of(public) == []
    assert faults_of(public, key) == []
    forged = {**public, "receipts": {**public["receipts"], "closed": public["receipts"]["drawn"]}}
    assert faults_of(forged, key)
    # Everything agrees but with what the log has committed to.
    secret = bytes(32)
    seed = seed_of(secret, None, {})
    order = order_of(seed, public["tickets"])
    ground = {
        **public, "secret": secret.hex(), "secret_hash": secret_hash_of(secret), "seed": seed.hex(),
        "order": order, "drawn": order[:2],
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


PHRASE = "the sea is never the same"


def by_token(anyone: TestClient, made: Any, method: str, path: str = "", body: Any = None) -> Any:
    """What an applicant is answered about their phrase."""
    headers = {"authorization": f"Bearer {made['token']}"}
    address = f"{BASE}/applications/{made['id']}/phrase{path}"
    return anyone.request(method, address, json=body, headers=headers)


def over(database: Database, **passed: float) -> None:
    """Let the end of applying, or the time for opening seals, be behind."""
    with database.transaction() as session:
        moment = datetime.now(UTC)
        session.execute(update(Lottery).where(Lottery.closed_at.is_(None)).values(closes_at=moment))
        for hours in passed.values():
            gone = moment - timedelta(hours=hours)
            session.execute(
                update(Lottery).values(announced_at=gone, closes_at=gone, closed_at=gone)
            )


def test_phrases_of_applicants_decide_with_the_operator_s_secret(
    anyone: TestClient, steward: TestClient, app: FastAPI, database: Database
) -> None:
    cohort_id = cohort_of(steward, 3)
    sealing, telling = applied(anyone, cohort_id, "Ada"), applied(anyone, cohort_id, "Bo")
    # Before there is a commitment of the operator's, a phrase would bind nobody.
    early = by_token(anyone, sealing, "PUT", body={"phrase": PHRASE})
    assert code_of(early) == (409, "lottery_state")
    lottery = announced(steward, cohort_id, 1, in_s=5)
    path = f"{BASE}/lotteries/{lottery['id']}"
    seal = seal_of(share_of(PHRASE))
    put = by_token(anyone, sealing, "PUT", body={"seal": seal})
    assert (put.json()["is_sealed"], put.json()["is_open"]) == (True, False)
    assert by_token(anyone, telling, "PUT", body={"phrase": "first thoughts of mine"}).is_success
    assert by_token(anyone, telling, "PUT", body={"phrase": "second thoughts of mine"}).is_success
    with_phrase = application_to(cohort_id, "Cy", phrase="words with my application")
    with_it = anyone.post(f"{BASE}/applications", json=with_phrase).json()
    assert code_of(by_token(anyone, sealing, "POST", "/open", {"phrase": PHRASE})) == (
        409, "lottery_state",
    )  # fmt: skip
    fixed = closed(steward, lottery["id"])
    assert code_of(by_token(anyone, telling, "PUT", body={"phrase": PHRASE}))[1] == "lottery_state"
    listed = {each["ticket"]: each for each in fixed["contributions"]}
    assert set(listed) == {each["ticket"] for each in (sealing, telling, with_it)}
    assert (listed[sealing["ticket"]]["seal"], fixed["shares"]) == (seal, None)
    # The draw waits for the seal; a wrong phrase does not open it.
    assert code_of(steward.post(f"{path}/draw")) == (409, "lottery_state")
    wrong = by_token(anyone, sealing, "POST", "/open", {"phrase": "another phrase of mine"})
    assert wrong.json()["error"]["param"] == "phrase"
    assert by_token(anyone, sealing, "POST", "/open", {"phrase": PHRASE}).json()["is_open"]
    assert by_token(anyone, sealing, "POST", "/open", {"phrase": PHRASE}).is_success
    drawn = steward.post(f"{path}/draw").json()
    assert drawn["shares"] == {
        sealing["ticket"]: share_of(PHRASE),
        telling["ticket"]: share_of("second thoughts of mine"),
        with_it["ticket"]: share_of("words with my application"),
    }
    publish_all(app, database)
    public = anyone.get(path).json()
    assert faults_of(public, VerifierKey.parse(public["log_key"])) == []
    assert faults_of_own(public, sealing["ticket"], PHRASE) == []
    assert any("did not know the outcome" in each for each in assurances_of(public))
    # No words and no names are published.
    told = json.dumps(public)
    assert [word for word in (PHRASE, "thoughts", "Ada", sealing["id"]) if word in told] == []


def test_a_seal_that_stays_shut_holds_a_draw_up_only_until_its_time(
    anyone: TestClient, steward: TestClient, app: FastAPI, database: Database
) -> None:
    cohort_id = cohort_of(steward, 3)
    made = applied(anyone, cohort_id, "Ada")
    lottery = announced(steward, cohort_id, 1, open_for_hours=2)
    by_token(anyone, made, "PUT", body={"seal": seal_of(share_of(PHRASE))})
    over(database)
    path = f"{BASE}/lotteries/{lottery['id']}"
    steward.post(f"{path}/close")
    refused = steward.post(f"{path}/draw")
    assert "1 seals may still be opened" in refused.json()["error"]["message"]
    over(database, closed=3)
    drawn = steward.post(f"{path}/draw").json()
    assert (drawn["shares"], drawn["drawn"]) == ({}, [made["ticket"]])
    assert state_of(anyone, made)["state"] == "admitted"
    told = by_token(anyone, made, "GET").json()
    assert (told["is_open"], told["seal"]) == (False, seal_of(share_of(PHRASE)))
    assert any("stayed shut" in each for each in assurances_of(drawn))


def test_a_phrase_is_one_s_own_and_whole(anyone: TestClient, steward: TestClient) -> None:
    cohort_id = cohort_of(steward, 3)
    made, other = applied(anyone, cohort_id, "Ada"), applied(anyone, cohort_id, "Bo")
    announced(steward, cohort_id, 1)
    for body, param in (
        ({}, "phrase"),
        ({"phrase": PHRASE, "seal": "ab" * 32}, "phrase"),
        ({"phrase": "short"}, "phrase"),
        ({"seal": "no seal"}, "seal"),
    ):
        refused = by_token(anyone, made, "PUT", body=body)
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)
    foreign = {**made, "token": other["token"]}
    for method, path, body in (
        ("GET", "", None), ("PUT", "", {"phrase": PHRASE}), ("POST", "/open", {"phrase": PHRASE}),
    ):  # fmt: skip
        answer = by_token(anyone, foreign, method, path, body)
        assert code_of(answer) == (404, "application_not_found")
    assert code_of(by_token(anyone, made, "GET")) == (404, "not_found")


def test_a_phrase_in_an_application_needs_an_open_lottery(
    anyone: TestClient, steward: TestClient
) -> None:
    body = application_to(cohort_of(steward, 3), "Ada", phrase=PHRASE)
    assert code_of(anyone.post(f"{BASE}/applications", json=body)) == (409, "lottery_state")


def test_a_round_of_drand_is_announced_ahead_and_given_with_the_draw(
    anyone: TestClient, steward: TestClient, app: FastAPI, database: Database
) -> None:
    cohort_id = cohort_of(steward, 3)
    chain, (first, period_s) = next(iter(DRAND_CHAINS.items()))
    coming = int((time.time() + 7200 - first) / period_s)
    closes_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    body = {"cohort_id": cohort_id, "seats": 1, "closes_at": closes_at, "drand_chain": chain}
    for number in (None, 1, coming - 3600):
        refused = steward.post(f"{BASE}/lotteries", json={**body, "drand_round": number})
        assert refused.json()["error"]["param"] == "drand_round"
    unknown = {**body, "drand_round": coming, "drand_chain": "0" * 64}
    refused = steward.post(f"{BASE}/lotteries", json=unknown)
    assert refused.json()["error"]["param"] == "drand_chain"
    applied(anyone, cohort_id, "Ada")
    lottery = announced(steward, cohort_id, 1, drand_chain=chain, drand_round=coming)
    over(database)
    path = f"{BASE}/lotteries/{lottery['id']}"
    steward.post(f"{path}/close")
    refused = steward.post(f"{path}/draw", json={})
    assert refused.json()["error"]["param"] == "drand_randomness"
    drawn = steward.post(f"{path}/draw", json={"drand_randomness": "ab" * 32}).json()
    secret = bytes.fromhex(drawn["secret"])
    assert drawn["seed"] == seed_of(secret, (chain, coming, "ab" * 32), {}).hex()
    publish_all(app, database)
    public = {**anyone.get(path).json(), "closes_at": lottery["closes_at"]}
    # The test has let time pass by hand; the log keeps what was announced.
    assert faults_of(public) == [
        "Announcing, end of applying, closing and drawing are not one after the other."
    ]
    assert f"public/{coming} must say" in assurances_of(public)[0]
