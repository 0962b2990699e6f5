"""The arithmetic of the lottery, and that any change to what was published is found."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from unstrung.lottery import (
    DRAND_CHAINS,
    assurances_of,
    contributions_hash_of,
    drand_round_after,
    drand_time,
    faults_of,
    faults_of_own,
    hash_in_order,
    hash_of,
    order_of,
    seal_of,
    secret_hash_of,
    seed_of,
    share_of,
    shares_hash_of,
)
from unstrung.transparency.notes import Checkpoint, Note, SignerKey, parse_note, sign_note
from unstrung.transparency.receipts import Receipt, make_entry, new_salt

TICKETS = st.lists(st.from_regex(r"ticket_[0-9a-f]{4}", fullmatch=True), unique=True, max_size=12)
SECRETS = st.binary(min_size=32, max_size=32)
PHRASES = st.dictionaries(st.from_regex(r"ticket_[0-9a-f]{4}", fullmatch=True), st.text(min_size=1))
QUICK = "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971"
START = datetime(2026, 12, 1, tzinfo=UTC)


@given(st.sampled_from(sorted(DRAND_CHAINS)), st.datetimes(timezones=st.just(UTC)))
def test_the_round_after_a_moment_is_the_first_that_nobody_knows_then(
    chain: str, moment: datetime
) -> None:
    number = drand_round_after(chain, moment)
    assert moment < drand_time(chain, number)
    assert number == 1 or drand_time(chain, number - 1) <= moment


def receipt(index: int, kind: str, content: dict[str, Any]) -> str:
    """A receipt with a commitment that holds; its place in a log is another test's matter."""
    plain, salt = json.dumps(content, sort_keys=True, separators=(",", ":")).encode(), new_salt()
    entry = make_entry(kind, START, plain, salt)
    return str(Receipt(index, (), _head(), entry, salt, plain))


def _head() -> Note:
    key = SignerKey.generate("example.org/log")
    return parse_note(str(sign_note(str(Checkpoint(key.name, 3, bytes(32))), key)))


def lottery(
    secret: bytes,
    given_tickets: list[str],
    seats: int,
    *,
    sealed: dict[str, str] | None = None,
    readable: dict[str, str] | None = None,
    shut: tuple[str, ...] = (),
    drand: tuple[str, int, str] | None = None,
) -> dict[str, Any]:
    """An honest lottery as it is told.

    Args:
        secret, given_tickets, seats: of the draw.
        sealed, readable: phrases by ticket, opened after closing or known before.
        shut: tickets whose seal nobody opened.
        drand: chain, round, randomness.
    """
    phrases = {**(readable or {}), **(sealed or {})}
    shares = {ticket: share_of(each) for ticket, each in phrases.items() if ticket not in shut}
    tickets = sorted({*given_tickets, *phrases})
    contributions = [
        {
            "ticket": ticket,
            "seal": seal_of(share_of(phrases[ticket])),
            "is_sealed": ticket in (sealed or {}),
        }
        for ticket in sorted(phrases)
    ]
    seed = seed_of(secret, drand, shares)
    order = order_of(seed, tickets)
    chain, number, randomness = drand or (None, None, None)
    times = [(START + timedelta(hours=hour)).isoformat() for hour in (0, 1, 2, 30)]
    told = {
        "id": "lottery_1", "cohort_id": "cohort_1", "seats": seats, "secret": secret.hex(),
        "secret_hash": secret_hash_of(secret), "seed": seed.hex(), "tickets": tickets,
        "tickets_hash": hash_of(tickets), "order": order, "drawn": order[:seats],
        "contributions": contributions, "contributions_hash": contributions_hash_of(contributions),
        "shares": shares, "open_for_hours": 24.0, "drand_chain": chain, "drand_round": number,
        "drand_randomness": randomness, "announced_at": times[0], "closes_at": times[1],
        "closed_at": times[2], "drawn_at": times[3],
    }  # fmt: skip
    announced = {
        name: told[name]
        for name in (
            "id", "cohort_id", "seats", "secret_hash", "closes_at", "open_for_hours", "drand_chain",
            "drand_round",
        )
    }  # fmt: skip
    closed = {
        "id": "lottery_1", "tickets_hash": hash_of(tickets), "num_tickets": len(tickets),
        "contributions_hash": told["contributions_hash"], "num_contributions": len(contributions),
    }  # fmt: skip
    drawn = {
        "id": "lottery_1", "secret": secret.hex(), "drand_randomness": randomness,
        "shares_hash": shares_hash_of(shares), "seed": seed.hex(), "order_hash": hash_in_order(order),
    }  # fmt: skip
    told["receipts"] = {
        "announced": receipt(0, "lottery.announced", announced),
        "closed": receipt(1, "lottery.closed", closed),
        "drawn": receipt(2, "lottery.drawn", drawn),
    }
    return told


def followed(told: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """A lottery with something changed and everything that follows from it made to fit, but for the log."""
    other = {**told, **changed}
    drand = (other["drand_chain"], other["drand_round"], other["drand_randomness"])
    seed = seed_of(
        bytes.fromhex(other["secret"]), None if drand[1] is None else drand, other["shares"]
    )
    order = order_of(seed, other["tickets"])
    return {
        **other, "secret_hash": secret_hash_of(bytes.fromhex(other["secret"])), "seed": seed.hex(),
        "tickets_hash": hash_of(other["tickets"]), "order": order,
        "contributions_hash": contributions_hash_of(other["contributions"]),
        "drawn": order[: other["seats"]],
    }  # fmt: skip


@given(SECRETS, TICKETS, PHRASES, PHRASES, st.integers(1, 5))
def test_an_honest_lottery_has_no_faults(
    secret: bytes,
    tickets: list[str],
    sealed: dict[str, str],
    readable: dict[str, str],
    seats: int,
) -> None:
    told = lottery(secret, tickets, seats, sealed=sealed, readable=readable, shut=tuple(sealed)[:1])
    assert faults_of(told) == []
    assert assurances_of(told)


@given(SECRETS, SECRETS, TICKETS, PHRASES)
def test_another_secret_is_found(
    secret: bytes, other: bytes, tickets: list[str], sealed: dict[str, str]
) -> None:
    assume(secret != other)
    told = lottery(secret, tickets, 1, sealed=sealed)
    assert faults_of({**told, "secret": other.hex()})
    # Nor does it help to change everything that follows from it.
    assert faults_of(followed(told, secret=other.hex()))


@given(SECRETS, TICKETS, TICKETS, st.booleans())
def test_other_tickets_are_found(
    secret: bytes, tickets: list[str], others: list[str], follows: bool
) -> None:
    assume(sorted(tickets) != sorted(others))
    told = lottery(secret, tickets, 2)
    changed: dict[str, Any] = {"tickets": sorted(others)}
    assert faults_of(followed(told, **changed) if follows else {**told, **changed})


@given(SECRETS, PHRASES, st.text(min_size=1), st.booleans())
def test_another_phrase_or_none_is_found(
    secret: bytes, sealed: dict[str, str], other: str, follows: bool
) -> None:
    assume(sealed)
    ticket = min(sealed)
    assume(share_of(other) != share_of(sealed[ticket]))
    told = lottery(secret, [], 1, sealed=sealed)
    shares = {**told["shares"], ticket: share_of(other)}
    contributions = [
        {**each, "seal": seal_of(shares[each["ticket"]])} for each in told["contributions"]
    ]
    # The share alone, the share with its seal, and the seal left out altogether.
    for changed in (
        {"shares": shares},
        {"shares": shares, "contributions": contributions},
        {"contributions": told["contributions"][1:], "shares": {**told["shares"]}},
    ):
        assert faults_of(followed(told, **changed) if follows else {**told, **changed})
    assert faults_of_own(told, ticket, sealed[ticket]) == []
    assert faults_of_own(told, ticket, other) != []
    assert faults_of_own(told, "ticket_of_nobody", other) != []


def test_a_seal_that_nobody_opened_waits_for_its_time_and_is_told() -> None:
    phrases = {"ticket_a": "a phrase of mine", "ticket_b": "a phrase of theirs"}
    told = lottery(bytes(32), [], 1, sealed=phrases, shut=("ticket_b",))
    assert faults_of(told) == []
    (fault,) = faults_of_own(told, "ticket_b", phrases["ticket_b"])
    assert "was not opened" in fault
    assert any("choose among 2^1 outcomes" in each for each in assurances_of(told))
    early = {**told, "drawn_at": told["closed_at"]}
    assert "before all seals were open" in " ".join(faults_of(early))


def test_what_protects_a_draw_is_said_as_it_is() -> None:
    alone = assurances_of(lottery(bytes(32), ["ticket_a"], 1))
    assert len(alone) == 1
    assert "the operator could know the outcome" in alone[0]
    readable = assurances_of(lottery(bytes(32), [], 1, readable={"ticket_a": "words"}))
    assert any("readable for the operator" in each for each in readable)
    assert any("the operator could know the outcome" in each for each in readable)
    sealed = assurances_of(lottery(bytes(32), [], 1, sealed={"ticket_a": "words"}))
    assert len(sealed) == 1
    assert "did not know the outcome" in sealed[0]


def test_a_round_of_drand_is_mixed_in_and_must_come_after_the_list() -> None:
    first, period_s = DRAND_CHAINS[QUICK]
    fixed_at = START + timedelta(hours=2)
    number = int((fixed_at.timestamp() - first) // period_s) + 3
    assert drand_time(QUICK, 1).timestamp() == first
    assert fixed_at < drand_time(QUICK, number) <= fixed_at + timedelta(seconds=2 * period_s)
    told = lottery(bytes(32), ["ticket_a"], 1, drand=(QUICK, number, "ab" * 32))
    assert faults_of(told) == []
    assert f"https://api.drand.sh/{QUICK}/public/{number}" in assurances_of(told)[0]
    assert faults_of(followed(told, drand_randomness="cd" * 32))
    before = lottery(bytes(32), ["ticket_a"], 1, drand=(QUICK, number - 3, "ab" * 32))
    assert any("was known before the list was fixed" in each for each in faults_of(before))
    unknown = lottery(bytes(32), ["ticket_a"], 1, drand=("0" * 64, number, "ab" * 32))
    assert any("is not known here" in each for each in faults_of(unknown))
    short = lottery(bytes(32), ["ticket_a"], 1, drand=(QUICK, number, "ab"))
    assert any("has not 32 bytes" in each for each in faults_of(short))


@given(SECRETS, TICKETS, st.randoms(use_true_random=False))
def test_another_order_is_found(secret: bytes, tickets: list[str], chance: Any) -> None:
    told = lottery(secret, tickets, 2)
    order = list(told["order"])
    chance.shuffle(order)
    assume(order != told["order"])
    assert faults_of({**told, "order": order, "drawn": order[:2]})
    assert faults_of({**told, "drawn": order[:2]}) or order[:2] == told["order"][:2]


@given(SECRETS, TICKETS, st.sampled_from(["announced", "closed", "drawn"]))
def test_a_receipt_of_something_else_is_found(secret: bytes, tickets: list[str], act: str) -> None:
    told = lottery(secret, tickets, 1)
    forged = receipt(1, f"lottery.{act}", {"id": "lottery_2"})
    assert faults_of({**told, "receipts": {**told["receipts"], act: forged}})
    missing = faults_of({**told, "receipts": {**told["receipts"], act: None}})
    assert missing == [f"There is no receipt of the act '{act}' yet; ask again in a few seconds."]


def test_seed_and_order_are_the_published_formulas() -> None:
    """Fixed values: whoever writes a second checker can compare with these."""
    tickets = ["ticket_b", "ticket_a", "ticket_c"]
    assert hash_of(tickets) == hash_of(sorted(tickets))
    assert secret_hash_of(bytes(32)) == (
        "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925"
    )
    assert order_of(bytes(32), tickets) == ["ticket_c", "ticket_b", "ticket_a"]
    assert hash_of(tickets) == "d47276f27d90c1e06fc026bd3df20459c672a396fb02c00fd98324b0c6ad4290"
    assert order_of(bytes(32), tickets) == order_of(bytes(32), tickets[::-1])
    share = share_of("the sea is  never the\tsame")
    assert share == share_of("the sea is never the same")
    lines = f"unstrung lottery 1\n{'00' * 32}\ndrand {QUICK} 7 {'ab' * 32}\nticket_a {share}\n"
    seed = seed_of(bytes(32), (QUICK, 7, "ab" * 32), {"ticket_a": share})
    assert seed == hashlib.sha256(lines.encode()).digest()
    assert seal_of(share) == hashlib.sha256(bytes.fromhex(share)).hexdigest()


def test_what_is_no_lottery_is_told_and_not_thrown() -> None:
    for told in ({}, {"drawn_at": "x"}, {"drawn_at": "x", "secret": 3, "tickets": None}):
        (fault,) = faults_of(told)
        assert "no lottery as the studio tells it" in fault
    assert "not drawn yet" in faults_of({"drawn_at": None})[0]
