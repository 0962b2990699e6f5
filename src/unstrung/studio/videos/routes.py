"""Routes of videos: parse, call, tell."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.orm import Session

from unstrung.engine.description import Capability
from unstrung.studio.access.service import Caller
from unstrung.studio.catalogue import service as catalogue
from unstrung.studio.catalogue.service import Resolved
from unstrung.studio.dependencies import (
    Body,
    BodyOf,
    CallerOf,
    CreatorOf,
    Studio,
    StudioOf,
    Transaction,
    body_schema,
)
from unstrung.studio.identity import new_id
from unstrung.studio.inputs import discard, keep_clip, keep_reference
from unstrung.studio.telling import poll_after_ms, told
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


@router.post("/videos", openapi_extra=body_schema(CreateVideo))
def create_video(
    request: Request,
    response: Response,
    studio: StudioOf,
    caller: CreatorOf,
    body: BodyOf,
    session: Transaction,
) -> VideoObject:
    """Ask for a video; it is queued and the answer comes at once."""
    asked = body.as_a(CreateVideo)
    model = _model(session, studio, asked.model)
    wish = Wish(
        Kind.CREATE,
        asked.prompt,
        asked.seconds,
        asked.size,
        asked.seed,
        asked.num_steps,
        asked.guidance_scale,
        asked.verbatim,
        characters=tuple(each.id for each in asked.characters),
    )
    if asked.input_reference is not None:
        model.must(Capability.IMAGE_TO_VIDEO, "input_reference")
        key = keep_reference(studio.storage, studio.settings, asked.input_reference)
        wish = replace(wish, reference_file=key)
    return _begun(request, response, studio, caller, session, body, model, wish)


@router.post("/videos/edits", openapi_extra=body_schema(EditVideo))
def edit_video(
    request: Request,
    response: Response,
    studio: StudioOf,
    caller: CreatorOf,
    body: BodyOf,
    session: Transaction,
) -> VideoObject:
    """Ask for a video, or a clip of one's own, with something changed."""
    asked = body.as_a(EditVideo)
    wish = Wish(
        Kind.EDIT, asked.prompt, seed=asked.seed, num_steps=asked.num_steps,
        guidance_scale=asked.guidance_scale, verbatim=asked.verbatim,
    )  # fmt: skip
    return _from_source(request, response, studio, caller, session, body, asked, wish)


@router.post("/videos/extensions", openapi_extra=body_schema(ExtendVideo))
def extend_video(
    request: Request,
    response: Response,
    studio: StudioOf,
    caller: CreatorOf,
    body: BodyOf,
    session: Transaction,
) -> VideoObject:
    """Ask for a video, or a clip of one's own, to go on."""
    asked = body.as_a(ExtendVideo)
    wish = Wish(
        Kind.EXTEND, asked.prompt, asked.seconds, seed=asked.seed, num_steps=asked.num_steps,
        guidance_scale=asked.guidance_scale, verbatim=asked.verbatim,
    )  # fmt: skip
    return _from_source(request, response, studio, caller, session, body, asked, wish)


@router.post("/videos/{video_id}/remix", openapi_extra=body_schema(RemixVideo))
def remix_video(
    request: Request, response: Response, studio: StudioOf, caller: CreatorOf, body: BodyOf,
    session: Transaction, video_id: str,
) -> VideoObject:  # fmt: skip
    """Ask for a completed video again under another prompt: same seed, size and length."""
    asked = body.as_a(RemixVideo)
    source = service.get_video(session, caller, video_id)
    model = _model(session, studio, source.model)
    wish = service.remix_of(source, asked.prompt)
    return _begun(request, response, studio, caller, session, body, model, wish)


@router.get("/videos")
def list_videos(
    studio: StudioOf, caller: CallerOf, session: Transaction, wanted: Annotated[ListVideos, Query()]
) -> VideoList:
    """The caller's own videos, newest first unless told otherwise."""
    videos, has_more = service.list_videos(
        session, caller, wanted.after, wanted.limit, wanted.order == "desc"
    )
    return VideoList(
        data=[told(session, studio, caller, video) for video in videos],
        first_id=videos[0].id if videos else None,
        last_id=videos[-1].id if videos else None,
        has_more=has_more,
    )


@router.post("/videos/characters", openapi_extra=body_schema(CreateCharacter, needs_file=True))
def create_character(
    studio: StudioOf, caller: CreatorOf, body: BodyOf, session: Transaction
) -> CharacterObject:
    """Bind a name to somebody in a clip of 2 to 4 seconds."""
    asked = body.as_a(CreateCharacter)
    _model(session, studio, None).must(Capability.CHARACTERS)
    key = keep_clip(studio.storage, asked.video, "video", 2.0, 4.0)
    try:
        character = service.create_character(session, caller, new_id("char"), asked.name, key)
    except Exception:
        discard(studio.storage, key)
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


def _begun(
    request: Request, response: Response, studio: Studio, caller: Caller, session: Session,
    body: Body, model: Resolved, wish: Wish,
) -> VideoObject:  # fmt: skip
    """Add the video; what was uploaded for it goes again if it is not added."""
    retry = Retry(
        service.fingerprint(request.url.path, body.fields, body.files),
        request.headers.get("idempotency-key"),
        request.headers.get("x-stainless-retry-count", "0") not in ("0", ""),
    )
    uploaded = [
        key
        for key in (wish.reference_file, wish.source_file)
        if key and wish.source_video_id is None
    ]
    try:
        video = service.create_video(
            session, studio.jobs, studio.settings, caller, model, wish, retry
        )
    except Exception:
        discard(studio.storage, *uploaded)
        raise
    if video.reference_file != wish.reference_file or video.source_file != wish.source_file:
        discard(studio.storage, *uploaded)  # the same request had already made this video
    return _with_poll_hint(response, told(session, studio, caller, video))


def _from_source(
    request: Request, response: Response, studio: Studio, caller: Caller, session: Session,
    body: Body, asked: EditVideo | ExtendVideo, wish: Wish,
) -> VideoObject:  # fmt: skip
    """Begin from a video of the caller's own or from an uploaded clip."""
    model = _model(session, studio, asked.model)
    service.check_abilities(model, wish)
    if isinstance(asked.video, VideoReference):
        wish = service.with_source(wish, service.get_video(session, caller, asked.video.id))
    else:
        key = keep_clip(studio.storage, asked.video, "video")
        wish = replace(wish, source_file=key)
    return _begun(request, response, studio, caller, session, body, model, wish)


def _model(session: Session, studio: Studio, asked: str | None) -> Resolved:
    settings = studio.settings
    return catalogue.resolve(session, asked or settings.default_model, settings.model_aliases)


def _with_poll_hint(response: Response, video: VideoObject) -> VideoObject:
    """Tell the SDKs when it is worth asking again."""
    wait_ms = poll_after_ms(video)
    if wait_ms is not None:
        response.headers["openai-poll-after-ms"] = str(wait_ms)
    return video


def _told_character(character_id: str, name: str, created_at: float) -> CharacterObject:
    return CharacterObject(id=character_id, name=name, created_at=int(created_at))
