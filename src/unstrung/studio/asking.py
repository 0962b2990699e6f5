"""Asking for videos, whichever way somebody asks: one path for the API and for the pages.

The body is checked, what it brings along is kept, the rules of `videos.service` are asked, and what was kept
goes again if they refuse.
"""

from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import Depends, Request

from unstrung.engine.description import Capability
from unstrung.studio.catalogue import service as catalogue
from unstrung.studio.catalogue.service import Resolved
from unstrung.studio.dependencies import BodyOf, CreatorOf, StudioOf, Transaction
from unstrung.studio.identity import new_id
from unstrung.studio.inputs import copied, discard, keep_character, keep_clip, keep_reference
from unstrung.studio.videos import service
from unstrung.studio.videos.models import Character, Kind, Video
from unstrung.studio.videos.schemas import (
    CreateCharacter,
    CreateVideo,
    EditVideo,
    ExtendVideo,
    RemixVideo,
    VideoReference,
)
from unstrung.studio.videos.service import Retry, Wish


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
    return _from_source(asking, asked, _wish(Kind.EDIT, asked))


def extended(asking: Asking) -> Video:
    """A video, or a clip of one's own, gone on with."""
    asked = asking.body.as_a(ExtendVideo)
    return _from_source(asking, asked, replace(_wish(Kind.EXTEND, asked), seconds=asked.seconds))


def remixed(asking: Asking, video_id: str) -> Video:
    """A completed video again under another prompt: same seed, size and length."""
    asked = asking.body.as_a(RemixVideo)
    source = service.get_video(asking.session, asking.caller, video_id)
    model = asking.model(source.model)
    return _begun(asking, model, service.remix_of(source, asked.prompt))


def asked_again(asking: Asking, video_id: str) -> Video:
    """A video with the very settings of another one, whatever became of that."""
    source = service.get_video(asking.session, asking.caller, video_id)
    wish, storage = service.wish_of(source), asking.studio.storage
    wish = replace(
        wish,
        reference_file=copied(storage, wish.reference_file),
        source_file=wish.source_file if wish.source_video_id else copied(storage, wish.source_file),
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


def _wish(kind: Kind, asked: CreateVideo | EditVideo | ExtendVideo) -> Wish:
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
    source_upload = wish.source_file if wish.source_video_id is None else None
    try:
        video = service.create_video(
            asking.session, studio.jobs, studio.settings, asking.caller, model, wish, retry,
            studio.assessor,
        )  # fmt: skip
    except Exception:
        discard(studio.storage, wish.reference_file, source_upload)
        raise
    if video.reference_file != wish.reference_file or video.source_file != wish.source_file:
        # The same request had already made this video.
        discard(studio.storage, wish.reference_file, source_upload)
    return video


def _from_source(asking: Asking, asked: EditVideo | ExtendVideo, wish: Wish) -> Video:
    """Begin from a video of the caller's own or from an uploaded clip."""
    model = asking.model(asked.model)
    service.check_abilities(model, wish)
    if isinstance(asked.video, VideoReference):
        source = service.get_video(asking.session, asking.caller, asked.video.id)
        return _begun(asking, model, service.with_source(wish, source))
    key = keep_clip(asking.studio.storage, asked.video, "video")
    return _begun(asking, model, replace(wish, source_file=key))
