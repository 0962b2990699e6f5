"""Asking for videos, whichever way somebody asks: one path for the API and for the pages.

The body is checked, what it brings along is kept, the rules of `videos.service` are asked, and what was kept
goes again if they refuse.
"""

from dataclasses import dataclass, replace
from typing import Annotated, Final

from fastapi import Depends, Request

from unstrung.engine.description import Capability
from unstrung.engine.errors import InvalidRequest
from unstrung.engine.request import MAX_PROMPT_CHARACTERS
from unstrung.engine.storyboard import LAST_SHOT_S, Storyboard
from unstrung.studio.catalogue import service as catalogue
from unstrung.studio.catalogue.service import Resolved
from unstrung.studio.dependencies import BodyOf, CreatorOf, StudioOf, Transaction
from unstrung.studio.errors import InvalidField
from unstrung.studio.identity import new_id
from unstrung.studio.inputs import copied, discard, keep_character, keep_clip, keep_reference
from unstrung.studio.videos import service
from unstrung.studio.videos.models import Character, Kind, Video
from unstrung.studio.videos.schemas import (
    BlendVideos,
    ConnectVideos,
    CreateCharacter,
    CreateVideo,
    EditVideo,
    ExtendVideo,
    LoopVideo,
    RecutVideo,
    RemixVideo,
    TellStoryboard,
    VideoReference,
)
from unstrung.studio.videos.service import Retry, Wish
from unstrung.studio.wire import File

_BETWEEN_SHOTS: Final = " / "
_FromSource = EditVideo | ExtendVideo | LoopVideo | RecutVideo | ConnectVideos | BlendVideos


@dataclass(frozen=True)
class Asking:
    """Everything that a request for a video brings along.

    The body is read before the transaction begins: a slow sender holds no connection.
    """

    request: Request
    studio: StudioOf
    caller: CreatorOf
    body: BodyOf
    session: Transaction

    def model(self, asked: str | None) -> Resolved:
        """The model that is asked for, or the usual one."""
        settings = self.studio.settings
        return catalogue.resolve(
            self.session, asked or settings.default_model, settings.model_aliases
        )


AskingOf = Annotated[Asking, Depends()]


def created(asking: Asking) -> Video:
    """A new video."""
    asked, studio = asking.body.as_a(CreateVideo), asking.studio
    model = asking.model(asked.model)
    wish = replace(
        _wish(Kind.CREATE, asked),
        seconds=asked.seconds,
        size=asked.size,
        characters=tuple(each.id for each in asked.characters),
    )
    if asked.input_reference is not None:
        model.must(Capability.IMAGE_TO_VIDEO, "input_reference")
        key = keep_reference(studio.storage, studio.settings, asked.input_reference)
        wish = replace(wish, reference_file=key)
    return _begun(asking, model, wish)


def edited(asking: Asking) -> Video:
    """A video, or a clip of one's own, with something changed."""
    asked = asking.body.as_a(EditVideo)
    return _from_source(asking, asked, replace(_wish(Kind.EDIT, asked), strength=asked.strength))


def extended(asking: Asking) -> Video:
    """A video, or a clip of one's own, gone on with, or led to."""
    asked = asking.body.as_a(ExtendVideo)
    wish = replace(
        _wish(Kind.EXTEND, asked),
        seconds=asked.seconds,
        is_backward=asked.direction == "backward",
    )
    return _from_source(asking, asked, wish)


def looped(asking: Asking) -> Video:
    """A video, or a clip of one's own, led back to its beginning."""
    asked = asking.body.as_a(LoopVideo)
    return _from_source(asking, asked, replace(_wish(Kind.LOOP, asked), seconds=asked.seconds))


def recut(asking: Asking) -> Video:
    """A video, or a clip of one's own, of which one stretch stays."""
    asked = asking.body.as_a(RecutVideo)
    keep = (asked.keep.begin, asked.keep.end)
    return _from_source(asking, asked, replace(_wish(Kind.RECUT, asked), keep=keep))


def connected(asking: Asking) -> Video:
    """A bridge between two videos or clips of one's own."""
    asked = asking.body.as_a(ConnectVideos)
    return _from_source(asking, asked, replace(_wish(Kind.CONNECT, asked), seconds=asked.seconds))


def blended(asking: Asking) -> Video:
    """A video that turns into another."""
    asked = asking.body.as_a(BlendVideos)
    return _from_source(asking, asked, _wish(Kind.BLEND, asked))


def storyboarded(asking: Asking) -> Video:
    """A video of several shots."""
    asked = asking.body.as_a(TellStoryboard)
    board = _board(asked)
    wish = Wish(
        Kind.STORYBOARD,
        _BETWEEN_SHOTS.join(board.prompts),
        f"{board.seconds:g}",
        asked.size,
        asked.seed,
        asked.num_steps,
        asked.guidance_scale,
        asked.verbatim,
        shots=tuple(zip(board.starts, board.prompts, strict=True)),
    )
    return _begun(asking, asking.model(asked.model), wish)


def remixed(asking: Asking, video_id: str) -> Video:
    """A completed video again under another prompt: same seed, size and length."""
    asked = asking.body.as_a(RemixVideo)
    source = service.get_video(asking.session, asking.caller, video_id)
    model = asking.model(source.model)
    return _begun(asking, model, service.remix_of(source, asked.prompt))


def varied(asking: Asking, video_id: str) -> Video:
    """A completed video again with another seed."""
    source = service.get_video(asking.session, asking.caller, video_id)
    return _begun(asking, asking.model(source.model), service.variation_of(source))


def _board(asked: TellStoryboard) -> Storyboard:
    """The shots on their time line.

    Raises:
        InvalidField: if a rule of time lines is broken.
    """
    prompts = tuple(shot.prompt for shot in asked.shots)
    starts = tuple(shot.start for shot in asked.shots)
    length = len(_BETWEEN_SHOTS.join(prompts))
    if length > MAX_PROMPT_CHARACTERS:
        raise InvalidField(
            f"All prompts of shots together must have at most {MAX_PROMPT_CHARACTERS:,} characters, "
            f"got {length:,}.",
            "shots",
        )
    try:
        return Storyboard(prompts, starts, asked.end or starts[-1] + LAST_SHOT_S)
    except InvalidRequest as error:
        raise InvalidField(str(error), "shots") from error


def asked_again(asking: Asking, video_id: str) -> Video:
    """A video with the very settings of another one, whatever became of that."""
    source = service.get_video(asking.session, asking.caller, video_id)
    wish, storage = service.wish_of(source), asking.studio.storage
    wish = replace(
        wish,
        reference_file=copied(storage, wish.reference_file),
        source_file=wish.source_file if wish.source_video_id else copied(storage, wish.source_file),
        second_file=wish.second_file if wish.second_video_id else copied(storage, wish.second_file),
    )
    return _begun(asking, asking.model(source.model), wish)


def bound_character(asking: Asking) -> Character:
    """A name bound to somebody in a picture or a short clip."""
    asked, storage = asking.body.as_a(CreateCharacter), asking.studio.storage
    asking.model(None).must(Capability.CHARACTERS)
    key = keep_character(storage, asked.video, "video")
    try:
        return service.create_character(
            asking.session, asking.studio.settings, asking.caller, new_id("char"), asked.name, key
        )
    except Exception:
        discard(storage, key)
        raise


def _wish(kind: Kind, asked: CreateVideo | _FromSource) -> Wish:
    """What all ways of asking share."""
    return Wish(
        kind,
        asked.prompt,
        seed=asked.seed,
        num_steps=asked.num_steps,
        guidance_scale=asked.guidance_scale,
        verbatim=asked.verbatim,
    )


def _begun(asking: Asking, model: Resolved, wish: Wish) -> Video:
    """Add the video; what was uploaded for it goes again if it is not added."""
    studio, headers = asking.studio, asking.request.headers
    retry = Retry(
        service.fingerprint(asking.request.url.path, asking.body.fields, asking.body.files),
        headers.get("idempotency-key"),
        headers.get("x-stainless-retry-count", "0") not in ("0", ""),
    )
    uploads = (wish.reference_file, *_uploads(wish))
    try:
        video = service.create_video(
            asking.session, studio.jobs, studio.settings, asking.caller, model, wish, retry,
            studio.assessor,
        )  # fmt: skip
    except Exception:
        discard(studio.storage, *uploads)
        raise
    if not set(uploads) <= {None, video.reference_file, video.source_file, video.second_file}:
        # The same request had already made this video.
        discard(studio.storage, *uploads)
    return video


def _uploads(wish: Wish) -> tuple[str | None, ...]:
    """Clips that were kept for a wish: not those that are videos' own files."""
    first = wish.source_file if wish.source_video_id is None else None
    return first, wish.second_file if wish.second_video_id is None else None


def _from_source(asking: Asking, asked: _FromSource, wish: Wish) -> Video:
    """Begin from videos of the caller's own or from uploaded clips."""
    model = asking.model(asked.model)
    service.check_abilities(model, wish)
    given = asked.video
    if isinstance(given, VideoReference):
        wish = service.with_source(wish, _own(asking, given))
    else:
        wish = replace(wish, source_file=keep_clip(asking.studio.storage, given, "video"))
    if isinstance(asked, ConnectVideos | BlendVideos):
        try:
            wish = _with_second(asking, asked.second, wish)
        except Exception:
            discard(asking.studio.storage, *_uploads(wish))
            raise
    return _begun(asking, model, wish)


def _with_second(asking: Asking, given: File | VideoReference, wish: Wish) -> Wish:
    if isinstance(given, VideoReference):
        return service.with_second(wish, _own(asking, given))
    return replace(wish, second_file=keep_clip(asking.studio.storage, given, "second"))


def _own(asking: Asking, reference: VideoReference) -> Video:
    return service.get_video(asking.session, asking.caller, reference.id)
