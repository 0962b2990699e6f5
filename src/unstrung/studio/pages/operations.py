"""What is done to a clip from its page: each form asks for a new clip and goes to its page."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from fastapi import Response

from unstrung.studio.asking import (
    Asking,
    AskingOf,
    blended,
    connected,
    edited,
    extended,
    looped,
    recut,
    remixed,
    varied,
)
from unstrung.studio.errors import InvalidField
from unstrung.studio.pages.create import filled
from unstrung.studio.pages.site import PREFIX
from unstrung.studio.pages.visits import Visit, go, page_router
from unstrung.studio.videos import service as videos
from unstrung.studio.videos.models import Status, Video

router = page_router()
MOST_VARIATIONS: Final = 4
_NUM_OTHERS: Final = 20
_LOOK_AT: Final = 100


def others_of(visit: Visit, video_id: str) -> list[tuple[str, str]]:
    """Id and prompt of the caller's last completed clips but one, for the choice of a second clip."""
    found, _ = videos.list_videos(visit.session, visit.member, None, _LOOK_AT, True)
    completed = [each for each in found if each.status == Status.COMPLETED and each.id != video_id]
    return [(each.id, each.prompt[:80]) for each in completed[:_NUM_OTHERS]]


@router.post("/clips/{video_id}/extend")
def go_on(asking: AskingOf, video_id: str) -> Response:
    """The clip goes on, or begins earlier."""
    return _made_of(asking, video_id, extended)


@router.post("/clips/{video_id}/loop")
def close_to_loop(asking: AskingOf, video_id: str) -> Response:
    """The clip leads back to its beginning."""
    return _made_of(asking, video_id, looped)


@router.post("/clips/{video_id}/recut")
def cut_anew(asking: AskingOf, video_id: str) -> Response:
    """One stretch of the clip stays."""
    return _made_of(asking, video_id, recut)


@router.post("/clips/{video_id}/edit")
def change(asking: AskingOf, video_id: str) -> Response:
    """The motion stays, what the prompt names changes."""
    return _made_of(asking, video_id, edited)


@router.post("/clips/{video_id}/connect")
def connect(asking: AskingOf, video_id: str) -> Response:
    """A bridge to another clip."""
    return _made_of(asking, video_id, connected)


@router.post("/clips/{video_id}/blend")
def blend(asking: AskingOf, video_id: str) -> Response:
    """The clip turns into another."""
    return _made_of(asking, video_id, blended)


@router.post("/clips/{video_id}/remix")
def remix(asking: AskingOf, video_id: str) -> Response:
    """The same seed under another prompt."""
    return _to(remixed(replace(asking, body=filled(asking.body)), video_id))


@router.post("/clips/{video_id}/variations")
def vary(asking: AskingOf, video_id: str) -> Response:
    """The same prompt with other seeds; several are shown together where all clips are."""
    count = asking.body.fields.get("count", "1")
    if count not in map(str, range(1, MOST_VARIATIONS + 1)):
        raise InvalidField(f"count must be 1 to {MOST_VARIATIONS}, got {count!r}.", "count")
    made = [varied(asking, video_id) for _ in range(int(count))]
    return _to(made[0]) if len(made) == 1 else go(f"{PREFIX}/create")


def _made_of(asking: Asking, video_id: str, make: Callable[[Asking], Video]) -> Response:
    """Ask for a clip that is made of this one, which the address names and not the form."""
    body = filled(asking.body)
    fields = {**_nested(body.fields), "video": {"id": video_id}}
    return _to(make(replace(asking, body=replace(body, fields=fields))))


def _nested(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A select holds the id of the second clip as plain text."""
    second = fields.get("second")
    return {**fields, "second": {"id": second}} if isinstance(second, str) else dict(fields)


def _to(video: Video) -> Response:
    return go(f"{PREFIX}/clips/{video.id}")
