"""Routes of videos: parse, call, tell."""

from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from unstrung.engine.description import Capability
from unstrung.studio.catalogue import service as catalogue
from unstrung.studio.catalogue.service import Resolved
from unstrung.studio.dependencies import (
    BodyOf,
    CallerOf,
    CreatorOf,
    StudioOf,
    Transaction,
    body_schema,
)
from unstrung.studio.identity import new_id
from unstrung.studio.inputs import discard, keep_clip, keep_reference
from unstrung.studio.telling import poll_after_ms, told, told_all
from unstrung.studio.videos import service
from unstrung.studio.videos.models import Kind
from unstrung.studio.videos.schemas import (
    CharacterObject,
    CreateCharacter,
    CreateVideo,
    EditVideo,
    ExtendVideo,
    ListVideos,
    RemixVideo,
    VideoDeleted,
    VideoList,
    VideoObject,
    VideoReference,
)
from unstrung.studio.videos.service import Retry, Wish

router = APIRouter(prefix="/v1", tags=["videos"])


@dataclass(frozen=True)
class Asking:
    """Everything that a request for a video brings along.

    The body is read before the transaction begins: a slow sender holds no connection.
    """

    request: Request
    response: Response
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


@router.post("/videos", openapi_extra=body_schema(CreateVideo))
def create_video(asking: AskingOf) -> VideoObject:
    """Ask for a video; it is queued and the answer comes at once."""
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


@router.post("/videos/edits", openapi_extra=body_schema(EditVideo))
def edit_video(asking: AskingOf) -> VideoObject:
    """Ask for a video, or a clip of one's own, with something changed."""
    asked = asking.body.as_a(EditVideo)
    return _from_source(asking, asked, _wish(Kind.EDIT, asked))


@router.post("/videos/extensions", openapi_extra=body_schema(ExtendVideo))
def extend_video(asking: AskingOf) -> VideoObject:
    """Ask for a video, or a clip of one's own, to go on."""
    asked = asking.body.as_a(ExtendVideo)
    return _from_source(asking, asked, replace(_wish(Kind.EXTEND, asked), seconds=asked.seconds))


@router.post("/videos/{video_id}/remix", openapi_extra=body_schema(RemixVideo))
def remix_video(asking: AskingOf, video_id: str) -> VideoObject:
    """Ask for a completed video again under another prompt: same seed, size and length."""
    asked = asking.body.as_a(RemixVideo)
    source = service.get_video(asking.session, asking.caller, video_id)
    model = asking.model(source.model)
    return _begun(asking, model, service.remix_of(source, asked.prompt))


@router.get("/videos")
def list_videos(
    studio: StudioOf, caller: CallerOf, session: Transaction, wanted: Annotated[ListVideos, Query()]
) -> VideoList:
    """The caller's own videos, newest first unless told otherwise."""
    videos, has_more = service.list_videos(
        session, caller, wanted.after, wanted.limit, wanted.order == "desc"
    )
    return VideoList(
        data=told_all(session, studio, caller, videos),
        first_id=videos[0].id if videos else None,
        last_id=videos[-1].id if videos else None,
        has_more=has_more,
    )


@router.post("/videos/characters", openapi_extra=body_schema(CreateCharacter, needs_file=True))
def create_character(asking: AskingOf) -> CharacterObject:
    """Bind a name to somebody in a clip of 2 to 4 seconds."""
    asked, storage = asking.body.as_a(CreateCharacter), asking.studio.storage
    asking.model(None).must(Capability.CHARACTERS)
    key = keep_clip(storage, asked.video, "video", 2.0, 4.0)
    try:
        character = service.create_character(
            asking.session, asking.studio.settings, asking.caller, new_id("char"), asked.name, key
        )
    except Exception:
        discard(storage, key)
        raise
    return _told_character(character.id, character.name, character.created_at.timestamp())


@router.get("/videos/characters/{character_id}")
def get_character(caller: CallerOf, session: Transaction, character_id: str) -> CharacterObject:
    """A character of the caller's own."""
    character = service.get_character(session, caller, character_id)
    return _told_character(character.id, character.name, character.created_at.timestamp())


@router.get("/videos/{video_id}")
def get_video(
    response: Response, studio: StudioOf, caller: CallerOf, session: Transaction, video_id: str
) -> VideoObject:
    """How far a video is."""
    video = service.get_video(session, caller, video_id)
    return _with_poll_hint(response, told(session, studio, caller, video))


@router.delete("/videos/{video_id}")
def delete_video(studio: StudioOf, caller: CallerOf, video_id: str) -> VideoDeleted:
    """Remove a video and its files for good; one that is still being made is cancelled first."""
    with studio.database.transaction() as session:
        files = service.delete_video(session, studio.jobs, caller, video_id)
    # Only now: a transaction that failed must not have lost the files.
    for prefix in files:
        studio.storage.delete_prefix(prefix)
    return VideoDeleted(id=video_id)


@router.post("/videos/{video_id}/cancel")
def cancel_video(
    studio: StudioOf, caller: CallerOf, session: Transaction, video_id: str
) -> VideoObject:
    """Stop a video that waits or runs; it counts as failed with the code `cancelled`."""
    video = service.cancel_video(session, studio.jobs, caller, video_id)
    return told(session, studio, caller, video)


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


def _begun(asking: Asking, model: Resolved, wish: Wish) -> VideoObject:
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
    video_told = told(asking.session, studio, asking.caller, video)
    return _with_poll_hint(asking.response, video_told)


def _from_source(asking: Asking, asked: EditVideo | ExtendVideo, wish: Wish) -> VideoObject:
    """Begin from a video of the caller's own or from an uploaded clip."""
    model = asking.model(asked.model)
    service.check_abilities(model, wish)
    if isinstance(asked.video, VideoReference):
        source = service.get_video(asking.session, asking.caller, asked.video.id)
        return _begun(asking, model, service.with_source(wish, source))
    key = keep_clip(asking.studio.storage, asked.video, "video")
    return _begun(asking, model, replace(wish, source_file=key))


def _with_poll_hint(response: Response, video: VideoObject) -> VideoObject:
    """Tell the SDKs when it is worth asking again."""
    wait_ms = poll_after_ms(video)
    if wait_ms is not None:
        response.headers["openai-poll-after-ms"] = str(wait_ms)
    return video


def _told_character(character_id: str, name: str, created_at: float) -> CharacterObject:
    return CharacterObject(id=character_id, name=name, created_at=int(created_at))
