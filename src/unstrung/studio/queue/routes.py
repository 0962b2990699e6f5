"""Routes of the queue: how busy it is, and news of one video as they happen (SSE)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import APIRouter, Header, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from unstrung.studio.access.service import Caller
from unstrung.studio.dependencies import CallerOf, Studio, StudioOf, Transaction
from unstrung.studio.errors import NotFound, ServiceFault
from unstrung.studio.telling import busy, told
from unstrung.studio.videos import service as videos
from unstrung.studio.videos.models import OPEN, Status
from unstrung.studio.videos.schemas import QueueObject, VideoObject

router = APIRouter(prefix="/v1", tags=["queue"])
TICK_S: Final = 0.9  # so that news come at least once a second while a video is made
HEARTBEAT_S: Final = 10.0


@router.get("/queue")
def get_queue(studio: StudioOf, caller: CallerOf, session: Transaction) -> QueueObject:
    """How busy the service is, and how long a new video would take."""
    return busy(session, studio, caller)


@router.get(
    "/videos/{video_id}/events",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Server-sent events `video.progress`, `video.completed`, `video.failed` and "
            "`video.deleted`; the data is the video, the id its revision.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        }
    },
)
async def follow_video(
    request: Request,
    studio: StudioOf,
    caller: CallerOf,
    video_id: str,
    last_event_id: Annotated[str | None, Header(max_length=32)] = None,
) -> StreamingResponse:
    """News of a video until it has ended; a client that lost the line says the last id it saw."""
    await run_in_threadpool(
        _look, studio, caller, video_id
    )  # a wrong id is told as an error, not as news
    seen = int(last_event_id) if last_event_id and last_event_id.isdecimal() else None
    return StreamingResponse(
        _news(request, studio, caller, video_id, seen),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


async def _news(
    request: Request, studio: Studio, caller: Caller, video_id: str, seen: int | None
) -> AsyncIterator[str]:
    quiet_s = 0.0
    place: int | None = None
    async with studio.listener.following(video_id) as changed:
        while not await request.is_disconnected():
            changed.clear()
            try:
                revision, video = await run_in_threadpool(_look, studio, caller, video_id)
            except NotFound:
                yield _event("video.deleted", None, f'{{"id": "{video_id}"}}')
                return
            except ServiceFault:
                yield ": the database is away\n\n"
                await asyncio.sleep(TICK_S)
                continue
            is_running = video.status == Status.IN_PROGRESS.value
            if revision != seen or is_running or video.queue_position != place:
                yield _event(_name(video), revision, video.model_dump_json())
                seen, place, quiet_s = revision, video.queue_position, 0.0
            elif quiet_s >= HEARTBEAT_S:
                yield ": still here\n\n"
                quiet_s = 0.0
            if video.status not in OPEN:
                return
            try:
                await asyncio.wait_for(changed.wait(), TICK_S)
            except TimeoutError:
                quiet_s += TICK_S


def _look(studio: Studio, caller: Caller, video_id: str) -> tuple[int, VideoObject]:
    with studio.database.transaction() as session:
        video = videos.get_video(session, caller, video_id)
        return video.revision, told(session, studio, caller, video)


def _name(video: VideoObject) -> str:
    return f"video.{video.status}" if video.status not in OPEN else "video.progress"


def _event(name: str, revision: int | None, data: str) -> str:
    number = f"id: {revision}\n" if revision is not None else ""
    return f"{number}event: {name}\ndata: {data}\n\n"
