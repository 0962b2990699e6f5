"""Create: the prompt bar, what is being made, and what was made last."""

from dataclasses import dataclass, replace
from typing import ClassVar, Final

from fastapi import Response

from unstrung.engine.description import ModelDescription
from unstrung.studio.asking import AskingOf, created
from unstrung.studio.catalogue import service as catalogue
from unstrung.studio.dependencies import Body
from unstrung.studio.pages.clips import Clip, clips_of
from unstrung.studio.pages.site import PREFIX, Page
from unstrung.studio.pages.visits import Visit, VisitOf, go, page_router
from unstrung.studio.videos import service as videos
from unstrung.studio.wire import File

router = page_router()
_TAKES: Final = 12


@dataclass(frozen=True, kw_only=True)
class CreatePage(Page):
    """The prompt bar and the last clips.

    Attributes:
        model: what it can do.
        clips: newest first.
        prompt: to begin with.
    """

    template: ClassVar[str] = "create.html"
    model: ModelDescription
    clips: list[Clip]
    prompt: str


@dataclass(frozen=True, kw_only=True)
class CardPage(Page):
    """One clip as a card, for scripts."""

    template: ClassVar[str] = "card.html"
    clip: Clip


@router.get("/create")
def show_create(visit: VisitOf, prompt: str = "") -> Response:
    """Where clips are asked for."""
    return visit.show(_page(visit, prompt))


@router.post("/create")
def ask_for_clip(asking: AskingOf) -> Response:
    """Ask for a clip; the page shows it being made."""
    created(replace(asking, body=filled(asking.body)))
    return go(f"{PREFIX}/create")


@router.get("/clips/{video_id}/card")
def show_card(visit: VisitOf, video_id: str) -> Response:
    """A clip as a card, to take the place of the one that was being made."""
    video = videos.get_video(visit.session, visit.member, video_id)
    return visit.show(CardPage(title=video.prompt[:60], clip=clips_of(visit, [video])[0]))


@router.post("/clips/{video_id}/cancel")
def cancel(visit: VisitOf, video_id: str) -> Response:
    """Stop a clip that is being made."""
    videos.cancel_video(visit.session, visit.studio.jobs, visit.member, video_id)
    return go(visit.reader.path)


def filled(body: Body) -> Body:
    """The fields of a form that were filled in: what is left empty was not asked."""
    kept = {
        key: value
        for key, value in body.fields.items()
        if value != "" and not (isinstance(value, File) and not value.data)
    }
    return replace(body, fields=kept)


def _page(visit: Visit, prompt: str) -> CreatePage:
    settings = visit.studio.settings
    model = catalogue.resolve(visit.session, settings.default_model, settings.model_aliases)
    found, _ = videos.list_videos(visit.session, visit.member, None, _TAKES, True)
    return CreatePage(
        title=visit.say("Create"), model=model.description, clips=clips_of(visit, found),
        prompt=prompt,
    )  # fmt: skip
