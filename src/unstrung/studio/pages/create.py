"""Create: the prompt bar, what is being made, and what was made last."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from fastapi import Request, Response

from unstrung.engine.description import Capability, ModelDescription
from unstrung.engine.errors import EngineError
from unstrung.engine.presets import preset
from unstrung.engine.prompt_preview import preview_prompt, style_words
from unstrung.studio.asking import Asking, AskingOf, asked_again, bound_character, created
from unstrung.studio.catalogue import service as catalogue
from unstrung.studio.dependencies import Body
from unstrung.studio.errors import Forbidden, InvalidField, Paused, WireError
from unstrung.studio.inputs import discard
from unstrung.studio.pages.clips import Clip, clips_of
from unstrung.studio.pages.drafts import Draft, draft_of_address, draft_of_recipe, draft_of_video
from unstrung.studio.pages.sentences import translated
from unstrung.studio.pages.site import PREFIX, Page
from unstrung.studio.pages.visits import Visit, VisitOf, go, page_router
from unstrung.studio.telling import busy
from unstrung.studio.uploads import UploadRefused, inspect_upload, recipe_of_upload
from unstrung.studio.videos import service as videos
from unstrung.studio.videos.models import Character, Video
from unstrung.studio.videos.schemas import MAX_SECONDS, QueueObject
from unstrung.studio.wire import File

router = page_router()
_TAKES: Final = 12
_MOST_TAKES: Final = 100  # all of them are shown while they are being made
_MOST_AT_ONCE: Final = 4
_MOST_PREVIEWED: Final = 2_000  # characters of a prompt that is read while it is typed
_DRAWN_PX: Final = 18


@dataclass(frozen=True)
class Shape:
    """A size with a small drawing of it.

    Attributes:
        size: WIDTHxHEIGHT [px].
        width, height: of the drawing.
    """

    size: str
    width: int
    height: int


@dataclass(frozen=True)
class Obstacle:
    """Why nothing can be made now, in the place of the button.

    Attributes:
        code: of the refusal.
        message: in a sentence.
        pause: what stops, in machine-readable form; empty for other reasons.
        ends_at: when the pause ends by itself; None for other reasons.
    """

    code: str
    message: str
    pause: Mapping[str, Any]
    ends_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class TakesPage(Page):
    """The last clips, for scripts.

    Attributes:
        clips: newest first; all that wait or are being made are among them.
        num_asked: how many were just asked for.
        queue, eta: how busy it is, and how long a new clip would take.
    """

    template: ClassVar[str] = "takes.html"
    clips: list[Clip]
    num_asked: int
    queue: QueueObject
    eta: timedelta | None


@dataclass(frozen=True, kw_only=True)
class CreatePage(TakesPage):
    """The prompt bar and the last clips.

    Attributes:
        clips, num_asked, queue, eta: as for the clips alone.
        model: what it can do.
        models: names of all that are offered.
        parameters: what may be set, by name; JSON Schema.
        draft: what the form is filled with.
        shapes, lengths: to choose from, what the draft holds among them.
        styles: name to the words that are added.
        characters: of one's own, if the model can show any.
        reference: clip to begin from.
        obstacle: why nothing can be made now.
        reads_prompts: whether it can be shown how a prompt will be understood.
    """

    template: ClassVar[str] = "create.html"
    model: ModelDescription
    models: list[str]
    parameters: Mapping[str, Any]
    draft: Draft
    shapes: list[Shape]
    lengths: list[str]
    styles: list[tuple[str, str]]
    characters: list[Character]
    reference: Clip | None
    obstacle: Obstacle | None
    reads_prompts: bool


@dataclass(frozen=True, kw_only=True)
class CardPage(Page):
    """One clip as a card, for scripts.

    Attributes:
        clip: the clip.
    """

    template: ClassVar[str] = "card.html"
    clip: Clip


@dataclass(frozen=True, kw_only=True)
class UnderstoodPage(Page):
    """How a prompt will be understood, for scripts.

    Attributes:
        caption: what the model will read; empty for an empty prompt.
        unplaced: words that found no place.
        notes: what was assumed or left out.
        is_verbatim: whether the prompt goes to the model as it stands.
    """

    template: ClassVar[str] = "understood.html"
    caption: str
    unplaced: list[str]
    notes: tuple[str, ...]
    is_verbatim: bool


@router.get("/create")
def show_create(
    visit: VisitOf, request: Request, again: str = "", understood: bool = False
) -> Response:
    """Where clips are asked for; `again` fills the form with the settings of a clip."""
    if again:
        video = videos.get_video(visit.session, visit.member, again)
        return visit.show(_page(visit, draft_of_video(video, as_understood=understood)))
    return visit.show(_page(visit, draft_of_address(request.query_params)))


@router.get("/create/understood")
def show_understood(
    visit: VisitOf, request: Request, prompt: str = "", verbatim: bool = False
) -> Response:
    """How a prompt will be understood, while it is typed."""
    member, text = visit.member, prompt[:_MOST_PREVIEWED].strip()
    chosen = request.query_params.getlist("characters[][id]")[:2]
    names = {videos.get_character(visit.session, member, each).name for each in chosen}
    own = {word.casefold() for name in names for word in name.split()}
    page = UnderstoodPage(
        title=visit.say("Create"), caption=text, unplaced=[], notes=(), is_verbatim=verbatim
    )
    if text and not verbatim and any(map(str.isalnum, text)):
        mapped = preview_prompt(text)
        unplaced = [each for each in mapped.unplaced if each.casefold() not in own]
        page = replace(page, caption=mapped.caption, unplaced=unplaced, notes=mapped.notes)
    return visit.show(page)


@router.get("/create/takes")
def show_takes(visit: VisitOf) -> Response:
    """The last clips as they stand."""
    return visit.show(_takes(visit, 0))


@router.post("/create")
def ask_for_clips(visit: VisitOf, asking: AskingOf) -> Response:
    """Ask for one to four clips; the page shows them being made."""
    num_asked = len(_asked_for(visit, replace(asking, body=filled(asking.body))))
    if not visit.reader.is_fragment:
        return go(f"{PREFIX}/create")
    answer = visit.show(_takes(visit, num_asked))
    answer.headers["hx-retarget"], answer.headers["hx-reswap"] = "#takes", "outerHTML"
    return answer


@router.post("/recall")
def recall(visit: VisitOf, asking: AskingOf) -> Response:
    """Fill the form with what a clip's file says of how it was made; the file is not kept."""
    given = asking.body.fields.get("file")
    if not isinstance(given, File) or not given.data:
        raise InvalidField("Choose the mp4 of a clip.", "file")
    try:
        inspect_upload(given.data, given.content_type)
    except UploadRefused as error:
        raise InvalidField(str(error), "file", "unreadable_file") from error
    recipe = recipe_of_upload(given.data)
    if recipe is None:
        raise InvalidField(
            "The file carries no recipe; it was made or rewritten by another program.", "file"
        )
    known = tuple(each.name for each in catalogue.list_models(visit.session))
    return visit.show(_page(visit, draft_of_recipe(recipe, known)))


@router.post("/characters")
def bind_character(asking: AskingOf) -> Response:
    """Make a character from a picture or a short clip."""
    body = filled(asking.body)
    fields = {"name": body.fields.get("name", ""), "video": body.fields.get("file", "")}
    bound_character(replace(asking, body=replace(body, fields=fields)))
    return go(f"{PREFIX}/create#characters")


@router.get("/clips/{video_id}/card")
def show_card(visit: VisitOf, video_id: str) -> Response:
    """A clip as a card, to take the place of the one that was being made."""
    video = videos.get_video(visit.session, visit.member, video_id)
    return visit.show(CardPage(title=video.prompt[:60], clip=clips_of(visit, [video])[0]))


@router.post("/clips/{video_id}/again")
def make_again(asking: AskingOf, video_id: str) -> Response:
    """Ask for a clip with the very settings of another one, such as one that failed."""
    asked_again(asking, video_id)
    return go(f"{PREFIX}/create")


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


def _asked_for(visit: Visit, asking: Asking) -> list[Video]:
    """Videos with seeds that follow one another: all of them, or none if one is refused."""
    fields = dict(asking.body.fields)
    count = str(fields.pop("count", "1"))
    if count not in map(str, range(1, _MOST_AT_ONCE + 1)):
        raise InvalidField(f"count must be 1 to {_MOST_AT_ONCE}, got {count[:20]!r}.", "count")
    clip_id = fields.pop("reference_clip", "")
    if clip_id and "input_reference" not in fields:
        fields["input_reference"] = _file_of(visit, str(clip_id))
    seeds: list[Any]
    if int(count) > 1:
        first = str(fields.get("seed", secrets.randbelow(2**31)))
        seeds = [str(int(first) + n) if first.isascii() and first.isdigit() else first
                 for n in range(int(count))]  # fmt: skip
    else:
        seeds = [fields.get("seed")]
    made: list[Video] = []
    try:
        for seed in seeds:
            own = {key: value for key, value in fields.items() if key != "seed"}
            own |= {} if seed is None else {"seed": seed}
            made.append(created(replace(asking, body=replace(asking.body, fields=own))))
    except Exception:
        discard(visit.studio.storage, *(each.reference_file for each in made))
        raise
    return made


def _file_of(visit: Visit, video_id: str) -> File:
    """The file of a clip of one's own, to begin another one from."""
    video = videos.get_video(visit.session, visit.member, video_id)
    videos.must_be_completed(video)
    data = visit.studio.storage.read((video.files or {})["video"])
    return File(data, f"{video_id}.mp4", "video/mp4")


def _page(visit: Visit, draft: Draft) -> CreatePage:
    settings, member = visit.studio.settings, visit.member
    wanted = draft.model or settings.default_model
    model = catalogue.resolve(visit.session, wanted, settings.model_aliases).description
    names = [each.name for each in catalogue.list_models(visit.session)]
    can_have_characters = Capability.CHARACTERS in model.capabilities
    takes = _takes(visit, 0)
    return CreatePage(
        title=visit.say("Create"), clips=takes.clips, num_asked=0, queue=takes.queue, eta=takes.eta,
        model=model, models=names, parameters=model.parameters["properties"],
        draft=replace(draft, model=model.name), shapes=_shapes(model, draft.size),
        lengths=_lengths(model, draft.seconds), styles=_styles(visit),
        characters=list(videos.list_characters(visit.session, member)) if can_have_characters else [],
        reference=_reference(visit, draft.reference_clip), obstacle=_obstacle(visit),
        reads_prompts=_is_ours(model.name),
    )  # fmt: skip


def _takes(visit: Visit, num_asked: int) -> TakesPage:
    """The last clips, and all that are still being made."""
    found, _ = videos.list_videos(visit.session, visit.member, None, _MOST_TAKES, True)
    shown = clips_of(visit, found)
    kept = [each for place, each in enumerate(shown) if place < _TAKES or each.is_open]
    queue = busy(visit.session, visit.studio, visit.member)
    eta = None if queue.eta_seconds is None else timedelta(seconds=round(queue.eta_seconds))
    return TakesPage(
        title=visit.say("Create"), clips=kept, num_asked=num_asked, queue=queue, eta=eta
    )


def _obstacle(visit: Visit) -> Obstacle | None:
    """What the services would answer to a request made now, asked before anybody writes one."""
    try:
        videos.must_be_let(visit.session, visit.studio.settings, visit.member)
    except (Forbidden, Paused) as refusal:
        return _told(visit, refusal)
    return None


def _told(visit: Visit, refusal: WireError) -> Obstacle:
    pause = refusal.statement or {} if isinstance(refusal, Paused) else {}
    notice = pause.get("notice", {})
    message = notice.get(visit.reader.language.code) or translated(
        visit.reader.language, str(refusal)
    )
    ends_at = datetime.fromisoformat(pause["expires_at"]) if pause else None
    return Obstacle(refusal.code, message, pause, ends_at)


def _shapes(model: ModelDescription, chosen: str) -> list[Shape]:
    """The model's own sizes, and one that is asked for."""
    sizes = list(model.sizes)
    sides = chosen.split("x")
    if (
        chosen not in sizes
        and len(sides) == 2
        and all(map(str.isdigit, sides))
        and "0" not in sides
    ):
        sizes.append(chosen)
    found = []
    for size in sizes:
        width, height = (int(side) for side in size.split("x"))
        scale = _DRAWN_PX / max(width, height)
        found.append(Shape(size, max(4, round(width * scale)), max(4, round(height * scale))))
    return found


def _lengths(model: ModelDescription, chosen: str) -> list[str]:
    """Half of what the model draws at once, all of it, and what takes several pieces [s]."""
    usual = [model.max_seconds * factor for factor in (0.5, 1, 2, 4)]
    found = [f"{each:g}" for each in usual if each <= MAX_SECONDS]
    try:
        is_other = chosen not in found and 0 < float(chosen) <= MAX_SECONDS
    except ValueError:
        is_other = False
    return sorted([*found, chosen] if is_other else found, key=float)


def _styles(visit: Visit) -> list[tuple[str, str]]:
    names = {
        "watercolour": visit.say("Watercolour"),
        "pencil": visit.say("Pencil"),
        "pixel_art": visit.say("Pixel art"),
        "black_and_white": visit.say("Black and white"),
        "sepia": visit.say("Sepia"),
        "night_vision": visit.say("Night vision"),
    }
    words = style_words(visit.reader.language.code)
    return [(names.get(style, text), text) for style, text in words.items()]


def _reference(visit: Visit, video_id: str) -> Clip | None:
    if not video_id:
        return None
    return clips_of(visit, [videos.get_video(visit.session, visit.member, video_id)])[0]


def _is_ours(name: str) -> bool:
    """Whether a model understands prompts as the engine here does."""
    try:
        preset(name)
    except EngineError:
        return False
    return True
