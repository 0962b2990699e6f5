"""The arithmetic of a lottery for seats, which anybody can repeat offline.

    commitment   SHA-256(seed), published before the tickets are known
    list         the tickets in sorted order; its hash is SHA-256 over each ticket and a newline, UTF-8
    order        tickets by HMAC-SHA256(seed, ticket || hash of the list), least first

The seed is fixed before the tickets are, and the tickets before the seed is shown, so whoever holds the seed
cannot choose it by the tickets, and nobody can choose tickets by the seed. Nothing here uses a network, a
database or the studio.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from unstrung.transparency.errors import TransparencyError
from unstrung.transparency.notes import VerifierKey
from unstrung.transparency.receipts import Receipt, commitment_of, parse_receipt, verify_receipt

SEED_BYTES: Final = 32
ACTS: Final = ("announced", "closed", "drawn")
_TIMES: Final = ("announced_at", "closes_at", "closed_at", "drawn_at")
# What the log has committed to at each act, in the names of what is told.
_COMMITTED: Final = {
    "announced": ("id", "cohort_id", "seats", "seed_hash", "closes_at"),
    "closed": ("id", "tickets_hash", "num_tickets"),
    "drawn": ("id", "seed", "order_hash"),
}


def seed_hash_of(seed: bytes) -> str:
    """The commitment to a seed, hexadecimal."""
    return hashlib.sha256(seed).hexdigest()


def hash_of(tickets: Sequence[str]) -> str:
    """The hash of a list of tickets, hexadecimal; the list is sorted first."""
    return hashlib.sha256("".join(f"{each}\n" for each in sorted(tickets)).encode()).hexdigest()


def order_of(seed: bytes, tickets: Sequence[str]) -> list[str]:
    """The tickets in the order of the draw, first drawn first."""
    list_hash = bytes.fromhex(hash_of(tickets))

    def drawn(ticket: str) -> bytes:
        return hmac.digest(seed, ticket.encode() + list_hash, "sha256")

    return sorted(tickets, key=drawn)


def faults_of(told: Mapping[str, Any], key: VerifierKey | None = None) -> list[str]:
    """What is wrong with a lottery as it is told by `GET /programme/v1/lotteries/{id}`; nothing if empty.

    Args:
        told: the answer, as plain JSON values.
        key: of the transparency log; with it, the three acts must be in the log, one after the other.
            Without it, the acts are compared with the receipts' contents alone.
    """
    try:
        if told["drawn_at"] is None:
            return ["The lottery is not drawn yet; there is nothing to recompute."]
        faults = _faults_of_draw(told)
        receipts = [_receipt(told, act, faults) for act in ACTS]
        for act, receipt in zip(ACTS, receipts, strict=True):
            if receipt is not None:
                faults += _faults_of_act(told, act, receipt, key)
        places = [each.index for each in receipts if each is not None]
        if places != sorted(set(places)):
            faults.append("The log holds announcing, closing and drawing in another order.")
        return faults
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return [f"This is no lottery as the studio tells it ({type(error).__name__}: {error})."]


def _faults_of_draw(told: Mapping[str, Any]) -> list[str]:
    seed, tickets, order = bytes.fromhex(told["seed"]), told["tickets"], told["order"]
    times = [datetime.fromisoformat(told[name]) for name in _TIMES]
    claims = {
        "The seed has not 32 bytes.": len(seed) == SEED_BYTES,
        "The seed is another one than was committed to.": seed_hash_of(seed) == told["seed_hash"],
        "The list of tickets is not sorted, or names one twice.": tickets == sorted(set(tickets)),
        "The list of tickets is another one than was fixed.": (
            hash_of(tickets) == told["tickets_hash"]
        ),
        "The order is another one than follows from seed and tickets.": (
            order == order_of(seed, tickets)
        ),
        "Those who were drawn are not the first of the order.": (
            told["drawn"] == order[: told["seats"]]
        ),
        "Announcing, end of applying, closing and drawing are not one after the other.": (
            times == sorted(times)
        ),
    }
    return [fault for fault, holds in claims.items() if not holds]


def _receipt(told: Mapping[str, Any], act: str, faults: list[str]) -> Receipt | None:
    text = told["receipts"][act]
    if text is None:
        faults.append(f"There is no receipt of the act '{act}' yet; ask again in a few seconds.")
        return None
    try:
        return parse_receipt(text)
    except TransparencyError as error:
        faults.append(f"The receipt of the act '{act}' cannot be read: {error}.")
        return None


def _faults_of_act(
    told: Mapping[str, Any], act: str, receipt: Receipt, key: VerifierKey | None
) -> list[str]:
    if receipt.salt is None or receipt.content is None:
        return [f"The receipt of the act '{act}' does not show what was committed to."]
    try:
        if key is not None:
            verify_receipt(receipt, key)
    except TransparencyError as error:
        return [f"The act '{act}' is not in the log: {error}."]
    faults = []
    if commitment_of(receipt.content, receipt.salt) != receipt.entry.commitment:
        faults.append(f"The content of the act '{act}' is not what was committed to.")
    if receipt.entry.type != f"lottery.{act}":
        faults.append(f"The receipt of the act '{act}' is of another act, {receipt.entry.type}.")
    content = json.loads(receipt.content)
    shown = {
        **told,
        "num_tickets": len(told["tickets"]),
        "order_hash": hash_in_order(told["order"]),
    }
    faults += [
        f"{name} is {shown[name]!r}, but the log committed to {content.get(name)!r} when it was {act}."
        for name in _COMMITTED[act]
        if not _same(shown[name], content.get(name))
    ]
    return faults


def hash_in_order(tickets: Sequence[str]) -> str:
    """The hash of tickets in the order that they have, hexadecimal."""
    return hashlib.sha256("".join(f"{each}\n" for each in tickets).encode()).hexdigest()


def _same(shown: Any, committed: Any) -> bool:
    if shown == committed:
        return True
    try:  # one moment may be written in two ways
        return datetime.fromisoformat(shown) == datetime.fromisoformat(committed)
    except (TypeError, ValueError):
        return False
