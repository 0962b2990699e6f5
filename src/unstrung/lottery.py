"""The arithmetic of a lottery for seats, which anybody can repeat offline.

    secret_hash     SHA-256(secret), the operator's 32 bytes; in the log before tickets and phrases are known
    share, seal     of an entrant's phrase: share = SHA-256(phrase), seal = SHA-256(share), both hexadecimal
    list            the tickets in sorted order; its hash is SHA-256 over each ticket and a newline, UTF-8
    contributions   `ticket seal sealed` or `ticket seal open`, sorted and hashed alike; in the log with it
    seed            SHA-256 over lines: the first is SEED_LINE, then the secret, then `drand CHAIN ROUND
                    RANDOMNESS` if a round was announced, then `ticket share` of each opened phrase, sorted
    order           tickets by HMAC-SHA256(seed, ticket || hash of the list), least first

The secret is fixed before anything else is known, and tickets and seals before the secret is shown. So the
operator cannot know the outcome while it can still change the list, provided that one seal was not its own
and was opened afterwards, or that a round of drand was announced and published afterwards. What holds for a
given draw is told by `assurances_of`; docs/decisions/0016 says why each is needed. Nothing here uses a
network, a database or the studio.
"""

import hashlib
import hmac
import json
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from unstrung.transparency.errors import TransparencyError
from unstrung.transparency.notes import VerifierKey
from unstrung.transparency.receipts import Receipt, commitment_of, parse_receipt, verify_receipt

SECRET_BYTES: Final = 32
SEED_LINE: Final = "unstrung lottery 1"
# Chains of the League of Entropy: when their first round was, in seconds of Unix time, and how many there are
# between two rounds. Without a network nothing else says when a round becomes known.
DRAND_CHAINS: Final[Mapping[str, tuple[int, int]]] = {
    "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971": (1_692_803_367, 3),
    "8990e7a9aaed2ffed73dbd7092123d6f289930540d7651336225dc172e51b2ce": (1_595_431_050, 30),
}
ACTS: Final = ("announced", "closed", "drawn")
_TIMES: Final = ("announced_at", "closes_at", "closed_at", "drawn_at")
# What the log has committed to at each act, in the names of what is told.
_COMMITTED: Final = {
    "announced": (
        "id", "cohort_id", "seats", "secret_hash", "closes_at", "open_for_hours", "drand_chain",
        "drand_round",
    ),
    "closed": ("id", "tickets_hash", "num_tickets", "contributions_hash", "num_contributions"),
    "drawn": ("id", "secret", "drand_randomness", "shares_hash", "seed", "order_hash"),
}  # fmt: skip


def secret_hash_of(secret: bytes) -> str:
    """The commitment to the operator's secret, hexadecimal."""
    return hashlib.sha256(secret).hexdigest()


def share_of(phrase: str) -> str:
    """What an entrant's words put into the seed, hexadecimal; spaces and composed letters do not matter.

    The words themselves are published nowhere.
    """
    said = " ".join(unicodedata.normalize("NFC", phrase).split())
    return hashlib.sha256(said.encode()).hexdigest()


def seal_of(share: str) -> str:
    """The commitment to a share, hexadecimal: it shows nothing until the share is."""
    return hashlib.sha256(bytes.fromhex(share)).hexdigest()


def hash_of(tickets: Sequence[str]) -> str:
    """The hash of a list of tickets, hexadecimal; the list is sorted first."""
    return hash_in_order(sorted(tickets))


def hash_in_order(lines: Sequence[str]) -> str:
    """The hash of lines in the order that they have, each with a newline, hexadecimal."""
    return hashlib.sha256("".join(f"{each}\n" for each in lines).encode()).hexdigest()


def contributions_hash_of(contributions: Sequence[Mapping[str, Any]]) -> str:
    """The hash of who sealed what: each has `ticket`, `seal` and `is_sealed`."""
    return hash_of(
        [
            f"{each['ticket']} {each['seal']} {'sealed' if each['is_sealed'] else 'open'}"
            for each in contributions
        ]
    )


def shares_hash_of(shares: Mapping[str, str]) -> str:
    """The hash of the shares that were opened, by ticket."""
    return hash_of(_lines_of(shares))


def seed_of(secret: bytes, drand: tuple[str, int, str] | None, shares: Mapping[str, str]) -> bytes:
    """The seed of a draw.

    Args:
        secret: the operator's 32 bytes.
        drand: chain, round and randomness, if a round was announced.
        shares: of the phrases that were opened, by ticket.
    """
    lines = [SEED_LINE, secret.hex()]
    if drand is not None:
        lines.append(" ".join(("drand", drand[0], str(drand[1]), drand[2])))
    return bytes.fromhex(hash_in_order([*lines, *_lines_of(shares)]))


def order_of(seed: bytes, tickets: Sequence[str]) -> list[str]:
    """The tickets in the order of the draw, first drawn first."""
    list_hash = bytes.fromhex(hash_of(tickets))

    def drawn(ticket: str) -> bytes:
        return hmac.digest(seed, ticket.encode() + list_hash, "sha256")

    return sorted(tickets, key=drawn)


def drand_time(chain: str, number: int) -> datetime:
    """When a round of one of the known chains becomes known to everybody."""
    first, period_s = DRAND_CHAINS[chain]
    return datetime.fromtimestamp(first, UTC) + timedelta(seconds=(number - 1) * period_s)


def drand_round_after(chain: str, moment: datetime) -> int:
    """The first round of one of the known chains that becomes known after a moment."""
    first, period_s = DRAND_CHAINS[chain]
    return max(0, int((moment.timestamp() - first) // period_s) + 1) + 1


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
        faults = _faults_of_entries(told) + _faults_of_draw(told)
        receipts = [_receipt(told, act, faults) for act in ACTS]
        for act, receipt in zip(ACTS, receipts, strict=True):
            if receipt is not None:
                faults += _faults_of_act(told, act, receipt, key)
        places = [each.index for each in receipts if each is not None]
        if places != sorted(set(places)):
            faults.append("The log holds announcing, closing and drawing in another order.")
        fixed = receipts[1]
        if fixed is not None and _drand_of(told) is not None:
            faults += _faults_of_round(told, datetime.fromisoformat(fixed.entry.time))
        return faults
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        return [f"This is no lottery as the studio tells it ({type(error).__name__}: {error})."]


def faults_of_own(told: Mapping[str, Any], ticket: str, phrase: str) -> list[str]:
    """What is wrong with one's own part in a draw without other faults; nothing if it was mixed in."""
    share = share_of(phrase)
    sealed = {each["ticket"]: each["seal"] for each in told["contributions"]}
    if sealed.get(ticket) != seal_of(share):
        return [f"The list holds another phrase of {ticket}, or none."]
    if told["shares"].get(ticket) != share:
        return [f"The phrase of {ticket} was not opened, so it is not in the seed."]
    return []


def assurances_of(told: Mapping[str, Any]) -> list[str]:
    """Why nobody could choose the outcome of a draw without faults, or who could, in whole sentences."""
    sealed = [each["ticket"] for each in told["contributions"] if each["is_sealed"]]
    num_shut = len([ticket for ticket in sealed if ticket not in told["shares"]])
    num_open = len(told["contributions"]) - len(sealed)
    said = []
    drand = _drand_of(told)
    if drand is not None:
        chain, number, randomness = drand
        said.append(
            f"Compare: https://api.drand.sh/{chain}/public/{number} must say that its randomness is "
            f"{randomness}. That round became known on {drand_time(chain, number):%Y-%m-%d %H:%M:%S} UTC, "
            "after the list was fixed, so whoever has compared knows that nobody could choose the outcome."
        )
    if len(sealed) > num_shut:
        said.append(
            f"{len(sealed) - num_shut} phrases were opened after the list was fixed. Whoever did not know "
            "all of them, and the secret, did not know the outcome while the list could be changed."
        )
    if num_shut:
        said.append(
            f"{num_shut} seals stayed shut. Whoever held all of those and the secret could choose among "
            f"2^{num_shut} outcomes by opening some."
        )
    if num_open:
        said.append(
            f"{num_open} phrases were readable for the operator before the list was fixed; they bind an "
            "operator only as far as it could add no ticket after them."
        )
    if drand is None and len(sealed) == num_shut:
        said.append(
            "No phrase was sealed by somebody else and opened, and no round of drand was announced: the "
            "operator could know the outcome when it fixed the list."
        )
    return said


def _lines_of(shares: Mapping[str, str]) -> list[str]:
    return [f"{ticket} {share}" for ticket, share in sorted(shares.items())]


def _drand_of(told: Mapping[str, Any]) -> tuple[str, int, str] | None:
    if told["drand_round"] is None:
        return None
    return str(told["drand_chain"]), int(told["drand_round"]), str(told["drand_randomness"])


def _faults_of_entries(told: Mapping[str, Any]) -> list[str]:
    """What is wrong with tickets, seals and shares."""
    tickets, contributions, shares = told["tickets"], told["contributions"], told["shares"]
    sealed = [each["ticket"] for each in contributions]
    seals = {each["ticket"]: each["seal"] for each in contributions}
    must_be_open = {each["ticket"] for each in contributions if not each["is_sealed"]}
    waits_until = datetime.fromisoformat(told["closed_at"]) + timedelta(
        hours=told["open_for_hours"]
    )
    claims = {
        "The list of tickets is not sorted, or names one twice.": tickets == sorted(set(tickets)),
        "The list of tickets is another one than was fixed.": (
            hash_of(tickets) == told["tickets_hash"]
        ),
        "The seals are not sorted by ticket, or one ticket has two.": sealed == sorted(set(sealed)),
        "There is a seal of somebody without a ticket.": set(sealed) <= set(tickets),
        "The seals are others than were fixed.": (
            contributions_hash_of(contributions) == told["contributions_hash"]
        ),
        "A phrase was opened that is not the one that was sealed.": all(
            seals.get(ticket) == seal_of(share) for ticket, share in shares.items()
        ),
        "A phrase that needed no opening is missing.": must_be_open <= set(shares),
        "It was drawn before all seals were open or their time was over.": (
            set(sealed) <= set(shares) or datetime.fromisoformat(told["drawn_at"]) >= waits_until
        ),
    }
    return [fault for fault, holds in claims.items() if not holds]


def _faults_of_draw(told: Mapping[str, Any]) -> list[str]:
    """What is wrong with secret, seed and order."""
    secret, seed = bytes.fromhex(told["secret"]), bytes.fromhex(told["seed"])
    tickets, order = told["tickets"], told["order"]
    times = [datetime.fromisoformat(told[name]) for name in _TIMES]
    claims = {
        "The secret has not 32 bytes.": len(secret) == SECRET_BYTES,
        "The secret is another one than was committed to.": (
            secret_hash_of(secret) == told["secret_hash"]
        ),
        "The seed is another one than follows from secret, round and phrases.": (
            seed == seed_of(secret, _drand_of(told), told["shares"])
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
    faults = [fault for fault, holds in claims.items() if not holds]
    if _drand_of(told) is not None:
        faults += _faults_of_round(told, datetime.fromisoformat(told["closed_at"]))
    return faults


def _faults_of_round(told: Mapping[str, Any], fixed_at: datetime) -> list[str]:
    """Whether the round of drand could be known when the list was fixed."""
    drand = _drand_of(told)
    assert drand is not None
    chain, number, randomness = drand
    if chain not in DRAND_CHAINS:
        return [f"The chain {chain} is not known here, so nothing says when its round was."]
    if len(bytes.fromhex(randomness)) != 32:
        return ["The randomness of the round has not 32 bytes."]
    if drand_time(chain, number) <= fixed_at:
        return [
            f"The round {number} was known before the list was fixed, at {fixed_at:%H:%M:%S} UTC."
        ]
    return []


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
        "num_contributions": len(told["contributions"]),
        "shares_hash": shares_hash_of(told["shares"]),
        "order_hash": hash_in_order(told["order"]),
    }
    faults += [
        f"{name} is {shown[name]!r}, but the log committed to {content.get(name)!r} when it was {act}."
        for name in _COMMITTED[act]
        if not _same(shown[name], content.get(name))
    ]
    return faults


def _same(shown: Any, committed: Any) -> bool:
    if shown == committed:
        return True
    try:  # one moment may be written in two ways
        return datetime.fromisoformat(shown) == datetime.fromisoformat(committed)
    except (TypeError, ValueError):
        return False
