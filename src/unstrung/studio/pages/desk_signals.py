"""Signals and the log at the desk: evidence as leads, and receipts that anybody can check."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from fastapi import Response

from unstrung.studio.dependencies import BodyOf
from unstrung.studio.errors import InvalidField
from unstrung.studio.log import service as log
from unstrung.studio.log.models import LogEntry
from unstrung.studio.pages.desk_home import ANY
from unstrung.studio.pages.site import PREFIX, Page
from unstrung.studio.pages.visits import Visit, VisitOf, go, page_router
from unstrung.studio.signals import service as signals
from unstrung.studio.signals.models import Signal
from unstrung.studio.signals.schemas import SettleSignal
from unstrung.studio.wire import File
from unstrung.transparency.errors import TransparencyError
from unstrung.transparency.receipts import Checked, parse_receipt, verify_receipt

router = page_router()
_PAGE: Final = 24


@dataclass(frozen=True, kw_only=True)
class SignalsPage(Page):
    """Keys that may be in other hands.

    Attributes:
        found: open signals, newest first.
    """

    template: ClassVar[str] = "desk/signals.html"
    found: Sequence[Signal]


@dataclass(frozen=True, kw_only=True)
class LogPage(Page):
    """The log, as the reader and everybody else can check it.

    Attributes:
        entries: of the reader's own acts, newest first.
        size: entries that have their place.
        key: that heads are signed with.
        address: of the log.
        checked: what a receipt proves; None before one is given.
        problem: what is wrong with the receipt; empty if nothing is.
    """

    template: ClassVar[str] = "desk/log.html"
    entries: Sequence[LogEntry]
    size: int
    key: str
    address: str
    checked: Checked | None = None
    problem: str = ""


@router.get("/desk/signals")
def show_signals(visit: VisitOf) -> Response:
    """Open signals."""
    found = signals.list_signals(visit.session, visit.must_have_any("pause"))
    return visit.show(SignalsPage(title=visit.say("Signals"), found=found))


@router.post("/desk/signals/{signal_id}/settle")
def settle(visit: VisitOf, body: BodyOf, signal_id: str) -> Response:
    """Close a signal after looking at it."""
    caller, asked = visit.must_have_any("pause"), body.as_a(SettleSignal)
    signals.settle(visit.session, caller, signal_id, asked.outcome)
    return go(f"{PREFIX}/desk/signals")


@router.get("/desk/log")
def show_log(visit: VisitOf) -> Response:
    """The log."""
    return visit.show(_log(visit))


@router.post("/desk/log")
def check_receipt(visit: VisitOf, body: BodyOf) -> Response:
    """Check a receipt against the key of this log."""
    given = body.fields.get("receipt")
    if not isinstance(given, File) or not given.data:
        raise InvalidField("receipt must be the file of a receipt", "receipt")
    try:
        receipt = parse_receipt(given.data.decode("utf-8", "replace"))
        checked = verify_receipt(receipt, visit.studio.log.verifier)
    except TransparencyError as error:
        return visit.show(_log(visit, problem=str(error)))
    return visit.show(_log(visit, checked))


def _log(visit: Visit, checked: Checked | None = None, problem: str = "") -> LogPage:
    caller = visit.must_have_any(*ANY)
    return LogPage(
        title=visit.say("Log"), entries=log.list_entries(visit.session, caller, None, _PAGE),
        size=log.num_published(visit.session), key=str(visit.studio.log.verifier),
        address=f"{visit.studio.settings.base_url}/programme/v1/log", checked=checked,
        problem=problem,
    )  # fmt: skip
