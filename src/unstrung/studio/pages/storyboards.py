"""Storyboard: cards on a time line, and the one clip that tells them."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

from fastapi import Response

from unstrung.engine.description import ModelDescription
from unstrung.engine.errors import InvalidRequest
from unstrung.engine.request import STILL_SECONDS
from unstrung.engine.sources import MAX_SECONDS
from unstrung.engine.storyboard import MAX_SHOTS, parse_storyboard
from unstrung.studio.asking import AskingOf, created, storyboarded
from unstrung.studio.catalogue import service as catalogue
from unstrung.studio.dependencies import Body
from unstrung.studio.errors import InvalidField
from unstrung.studio.pages.create import filled
from unstrung.studio.pages.site import PREFIX, Page
from unstrung.studio.pages.visits import Visit, VisitOf, go, page_router

router = page_router()
_LEAST_ROWS: Final = 6
_USUAL_S: Final = 2.0
_SETTINGS: Final = ("size", "seed", "model")


@dataclass(frozen=True)
class Card:
    """A shot on the page.

    Attributes:
        prompt: what is seen; an empty card is ignored.
        seconds: how long.
    """

    prompt: str = ""
    seconds: float = _USUAL_S


@dataclass(frozen=True, kw_only=True)
class StoryboardPage(Page):
    """Cards on a time line.

    Attributes:
        model: what it can do.
        cards: filled ones first; empty ones for whoever has no scripts.
        new_card: one that is added.
        text: the same in the form that the command line reads; empty if no card is filled.
        max_seconds, max_shots: of a storyboard.
    """

    template: ClassVar[str] = "storyboard.html"
    model: ModelDescription
    cards: list[Card]
    new_card: Card
    text: str
    max_seconds: float
    max_shots: int


@router.get("/storyboard")
def show_storyboard(visit: VisitOf, text: str = "") -> Response:
    """Cards, empty or out of a text."""
    _ = visit.member
    return visit.show(_page(visit, text.strip()))


@router.post("/storyboard")
def tell_storyboard(asking: AskingOf) -> Response:
    """Ask for the clip that tells all cards."""
    cards = _cards(asking.body)
    shots, start = [], 0.0
    for card in cards:
        shots.append({"prompt": card.prompt, "start": str(round(start, 3))})
        start += card.seconds
    fields = {**_settings(asking.body), "shots": shots, "end": str(round(start, 3))}
    video = storyboarded(replace(asking, body=replace(asking.body, fields=fields)))
    return go(f"{PREFIX}/clips/{video.id}")


@router.post("/storyboard/stills")
def draw_stills(asking: AskingOf) -> Response:
    """Ask for a still of each card; they are shown where all clips are."""
    for card in _cards(asking.body):
        fields = {
            **_settings(asking.body),
            "prompt": card.prompt,
            "seconds": f"{STILL_SECONDS:g}",
        }
        created(replace(asking, body=replace(asking.body, fields=fields)))
    return go(f"{PREFIX}/create")


def _page(visit: Visit, text: str) -> StoryboardPage:
    settings = visit.studio.settings
    model = catalogue.resolve(visit.session, settings.default_model, settings.model_aliases)
    cards = _read(text) if text else []
    empty = max(0, _LEAST_ROWS - len(cards))
    return StoryboardPage(
        title=visit.say("Storyboard"), model=model.description,
        cards=[*cards, *[Card()] * empty], new_card=Card(), text=text,
        max_seconds=MAX_SECONDS, max_shots=MAX_SHOTS,
    )  # fmt: skip


def _read(text: str) -> list[Card]:
    """A storyboard as the command line reads it.

    Raises:
        InvalidField: with the line that is wrong.
    """
    try:
        board = parse_storyboard(text)
    except InvalidRequest as error:
        raise InvalidField(str(error), "text") from error
    ends = (*board.starts[1:], board.seconds)
    return [
        Card(prompt, round(end - start, 3))
        for prompt, start, end in zip(board.prompts, board.starts, ends, strict=True)
    ]


def _cards(body: Body) -> list[Card]:
    """The cards of a form that say something.

    Raises:
        InvalidField: if there is none, or a length is no number.
    """
    given: Any = body.fields.get("shots")
    rows = [row for row in given if isinstance(row, dict)] if isinstance(given, list) else []
    cards = []
    for number, row in enumerate(rows, start=1):
        prompt, seconds = row.get("prompt"), row.get("seconds") or _USUAL_S
        if not isinstance(prompt, str) or not prompt.strip():
            continue
        try:
            cards.append(Card(prompt.strip(), float(seconds)))
        except (TypeError, ValueError):
            raise InvalidField(
                f"Card {number} must last a number of seconds such as 2, got {seconds!r}.", "shots"
            ) from None
    if not cards:
        raise InvalidField("Write what is seen on at least one card.", "shots")
    return cards


def _settings(body: Body) -> dict[str, Any]:
    """What all cards share."""
    return {name: value for name, value in filled(body).fields.items() if name in _SETTINGS}
