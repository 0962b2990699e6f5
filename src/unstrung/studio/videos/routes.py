"""Routes of videos: parse, call, tell."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from unstrung.studio.asking import (
    Asking,
    AskingOf,
    blended,
    bound_character,
    connected,
    created,
    edited,
    extended,
    looped,
    recut,
    remixed,
    storyboarded,
)
from unstrung.studio.dependencies import (
    CallerOf,
    StudioOf,
    Transaction,
    body_schema,
)
from unstrung.studio.telling import poll_after_ms, told, told_all
from unstrung.studio.videos import service
from unstrung.studio.videos.models import Video
from unstrung.studio.videos.schemas import (
    BlendVideos,
    CharacterObject,
    ConnectVideos,
    CreateCharacter,
    CreateVideo,
    EditVideo,
    ExtendVideo,
    ListVideos,
    LoopVideo,
    RecutVideo,
    RemixVideo,
    TellStoryboard,
    VideoDeleted,
    VideoList,
    VideoObject,
)

router = APIRouter(prefix="/v1", tags=["videos"])


@router.post("/videos", openapi_extra=body_schema(CreateVideo))
def create_video(asking: AskingOf, response: Response) -> VideoObject:
    """Ask for a video; it is queued and the answer comes at once."""
    return _begun(asking, response, created(asking))


@router.post("/videos/edits", openapi_extra=body_schema(EditVideo))
def edit_video(asking: AskingOf, response: Response) -> VideoObject:
    """Ask for a video, or a clip of one's own, with something changed."""
    return _begun(asking, response, edited(asking))


@router.post("/videos/extensions", openapi_extra=body_schema(ExtendVideo))
def extend_video(asking: AskingOf, response: Response) -> VideoObject:
    """Ask for a video, or a clip of one's own, to go on, or to begin earlier."""
    return _begun(asking, response, extended(asking))


@router.post("/videos/loops", openapi_extra=body_schema(LoopVideo))
def loop_video(asking: AskingOf, response: Response) -> VideoObject:
    """Ask for a video, or a clip of one's own, to lead back to its beginning."""
    return _begun(asking, response, looped(asking))


@router.post("/videos/recuts", openapi_extra=body_schema(RecutVideo))
def recut_video(asking: AskingOf, response: Response) -> VideoObject:
    """Ask for a video of which one stretch stays, with the rest drawn anew."""
    return _begun(asking, response, recut(asking))


@router.post("/videos/connections", openapi_extra=body_schema(ConnectVideos))
def connect_videos(asking: AskingOf, response: Response) -> VideoObject:
    """Ask for a bridge from one video to another."""
    return _begun(asking, response, connected(asking))


@router.post("/videos/blends", openapi_extra=body_schema(BlendVideos))
def blend_videos(asking: AskingOf, response: Response) -> VideoObject:
    """Ask for one video that turns into another."""
    return _begun(asking, response, blended(asking))


@router.post("/videos/storyboards", openapi_extra=body_schema(TellStoryboard))
def tell_storyboard(asking: AskingOf, response: Response) -> VideoObject:
    """Ask for one video that tells several shots in their time."""
    return _begun(asking, response, storyboarded(asking))


@router.post("/videos/{video_id}/remix", openapi_extra=body_schema(RemixVideo))
def remix_video(asking: AskingOf, response: Response, video_id: str) -> VideoObject:
    """Ask for a completed video again under another prompt: same seed, size and length."""
    return _begun(asking, response, remixed(asking, video_id))


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
    """Bind a name to somebody in a picture, or in a clip of 2 to 4 seconds."""
    character = bound_character(asking)
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


def _begun(asking: Asking, response: Response, video: Video) -> VideoObject:
    return _with_poll_hint(response, told(asking.session, asking.studio, asking.caller, video))


def _with_poll_hint(response: Response, video: VideoObject) -> VideoObject:
    """Tell the SDKs when it is worth asking again."""
    wait_ms = poll_after_ms(video)
    if wait_ms is not None:
        response.headers["openai-poll-after-ms"] = str(wait_ms)
    return video


def _told_character(character_id: str, name: str, created_at: float) -> CharacterObject:
    return CharacterObject(id=character_id, name=name, created_at=int(created_at))
