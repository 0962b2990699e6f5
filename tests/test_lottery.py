"""The arithmetic of the lottery, and that any change to what was published is found."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from unstrung.lottery import faults_of, hash_in_order, hash_of, order_of, seed_hash_of
from unstrung.transparency.notes import Checkpoint, Note, SignerKey, parse_note, sign_note
from unstrung.transparency.receipts import Receipt, make_entry, new_salt

TICKETS = st.lists(st.from_regex(r"ticket_[0-9a-f]{4}", fullmatch=True), unique=True, max_size=12)
SEEDS = st.binary(min_size=32, max_size=32)
START = datetime(2026, 12, 1, tzinfo=UTC)


def receipt(index: int, kind: str, content: dict[str, Any]) -> str:
    """A receipt with a commitment that holds; its place in a log is another test's matter."""
    plain, salt = json.dumps(content, sort_keys=True, separators=(",", ":")).encode(), new_salt()
    entry = make_entry(kind, START, plain, salt)
    return str(Receipt(index, (), _head(), entry, salt, plain))


def _head() -> Note:
    key = SignerKey.generate("example.org/log")
    return parse_note(str(sign_note(str(Checkpoint(key.name, 3, bytes(32))), key)))


def lottery(seed: bytes, given_tickets: list[str], seats: int) -> dict[str, Any]:
    tickets, order = sorted(given_tickets), order_of(seed, given_tickets)
    times = [(START + timedelta(hours=hour)).isoformat() for hour in range(4)]
    told = {
        "id": "lottery_1", "cohort_id": "cohort_1", "seats": seats, "seed": seed.hex(),
        "seed_hash": seed_hash_of(seed), "tickets": tickets, "tickets_hash": hash_of(tickets),
        "order": order, "drawn": order[:seats], "announced_at": times[0], "closes_at": times[1],
        "closed_at": times[2], "drawn_at": times[3],
    }  # fmt: skip
    announced = {
        name: told[name] for name in ("id", "cohort_id", "seats", "seed_hash", "closes_at")
    }
    closed = {"id": "lottery_1", "tickets_hash": hash_of(tickets), "num_tickets": len(tickets)}
    drawn = {"id": "lottery_1", "seed": seed.hex(), "order_hash": hash_in_order(order)}
    told["receipts"] = {
        "announced": receipt(0, "lottery.announced", announced),
        "closed": receipt(1, "lottery.closed", closed),
        "drawn": receipt(2, "lottery.drawn", drawn),
    }
    return told


@given(SEEDS, TICKETS, st.integers(1, 5))
def test_an_honest_lottery_has_no_faults(seed: bytes, tickets: list[str], seats: int) -> None:
    assert faults_of(lottery(seed, tickets, seats)) == []


@given(SEEDS, SEEDS, TICKETS)
def test_another_seed_is_found(seed: bytes, other: bytes, tickets: list[str]) -> None:
    assume(seed != other)
    told = lottery(seed, tickets, 1)
    assert faults_of({**told, "seed": other.hex()})
    # Nor does it help to change everything that follows from it.
    order = order_of(other, told["tickets"])
    changed = {"seed": other.hex(), "seed_hash": seed_hash_of(other), "order": order}
    assert faults_of({**told, **changed, "drawn": order[:1]})


@given(SEEDS, TICKETS, TICKETS, st.booleans())
def test_other_tickets_are_found(
    seed: bytes, tickets: list[str], others: list[str], follows: bool
) -> None:
    assume(sorted(tickets) != sorted(others))
    told = lottery(seed, tickets, 2)
    changed: dict[str, Any] = {"tickets": sorted(others)}
    if follows:
        order = order_of(seed, others)
        changed |= {"tickets_hash": hash_of(others), "order": order, "drawn": order[:2]}
    assert faults_of({**told, **changed})


@given(SEEDS, TICKETS, st.randoms(use_true_random=False))
def test_another_order_is_found(seed: bytes, tickets: list[str], chance: Any) -> None:
    told = lottery(seed, tickets, 2)
    order = list(told["order"])
    chance.shuffle(order)
    assume(order != told["order"])
    assert faults_of({**told, "order": order, "drawn": order[:2]})
    assert faults_of({**told, "drawn": order[:2]}) or order[:2] == told["order"][:2]


@given(SEEDS, TICKETS, st.sampled_from(["announced", "closed", "drawn"]))
def test_a_receipt_of_something_else_is_found(seed: bytes, tickets: list[str], act: str) -> None:
    told = lottery(seed, tickets, 1)
    forged = receipt(1, f"lottery.{act}", {"id": "lottery_2"})
    assert faults_of({**told, "receipts": {**told["receipts"], act: forged}})
    missing = faults_of({**told, "receipts": {**told["receipts"], act: None}})
    assert missing == [f"There is no receipt of the act '{act}' yet; ask again in a few seconds."]


def test_the_order_is_the_published_formula() -> None:
    """Fixed values: whoever writes a second checker can compare with these."""
    tickets = ["ticket_b", "ticket_a", "ticket_c"]
    assert hash_of(tickets) == hash_of(sorted(tickets))
    assert seed_hash_of(bytes(32)) == (
        "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925"
    )
    assert order_of(bytes(32), tickets) == ["ticket_c", "ticket_b", "ticket_a"]
    assert hash_of(tickets) == "d47276f27d90c1e06fc026bd3df20459c672a396fb02c00fd98324b0c6ad4290"
    assert order_of(bytes(32), tickets) == order_of(bytes(32), tickets[::-1])


def test_what_is_no_lottery_is_told_and_not_thrown() -> None:
    for told in ({}, {"drawn_at": "x"}, {"drawn_at": "x", "seed": 3, "tickets": None}):
        (fault,) = faults_of(told)
        assert "no lottery as the studio tells it" in fault
    assert "not drawn yet" in faults_of({"drawn_at": None})[0]
