"""Videos as they are told to somebody: with their place in the queue, a forecast and signed links."""

import time
from collections.abc import Sequence
from typing import Final

from sqlalchemy.orm import Session

from unstrung.studio.access.service import Caller
from unstrung.studio.catalogue import service as catalogue
from unstrung.studio.dependencies import Studio
from unstrung.studio.queue import service as queue
from unstrung.studio.queue.service import Outlook
from unstrung.studio.videos.models import OPEN, Status, Video
from unstrung.studio.videos.schemas import Links, QueueObject, VideoObject, video_object

VARIANTS: Final = {
    "video": ("video/mp4", "mp4"),
    "thumbnail": ("image/webp", "webp"),
    "spritesheet": ("image/jpeg", "jpg"),
    "preview": ("image/webp", "webp"),
}
_MIN_POLL_MS: Final = 1_000
_MAX_POLL_MS: Final = 15_000


def told(session: Session, studio: Studio, caller: Caller, video: Video) -> VideoObject:
    """A video for the eyes of a caller."""
    return told_all(session, studio, caller, [video])[0]


def told_all(
    session: Session, studio: Studio, caller: Caller, videos: Sequence[Video]
) -> list[VideoObject]:
    """Videos for the eyes of a caller."""
    outlooks = queue.outlooks(session, videos)
    return [_object(studio, caller, video, outlooks[video.id]) for video in videos]


def _object(studio: Studio, caller: Caller, video: Video, outlook: Outlook) -> VideoObject:
    links = preview = None
    if video.status == Status.COMPLETED:
        expires_at = int(time.time()) + studio.settings.link_seconds
        signed = [_link(studio, video.id, each, caller, expires_at) for each in list(VARIANTS)[:3]]
        links = Links(
            video=signed[0], thumbnail=signed[1], spritesheet=signed[2], expires_at=expires_at
        )
    elif video.status == Status.IN_PROGRESS and video.phase == "denoising":
        expires_at = int(time.time()) + studio.settings.link_seconds
        preview = _link(studio, video.id, "preview", caller, expires_at)
    return video_object(video, outlook.place, outlook.eta_s, links, preview)


def busy(session: Session, studio: Studio, caller: Caller) -> QueueObject:
    """How busy the service is, and how long a new video would take."""
    queued = queue.count(session, Status.QUEUED)
    workers = catalogue.num_workers(session)
    mean = queue.mean_run_s(session, studio.settings.default_model)
    return QueueObject(
        queued=queued,
        running=queue.count(session, Status.IN_PROGRESS),
        workers=workers,
        mine_queued=queue.count(session, Status.QUEUED, caller.person_id),
        mine_running=queue.count(session, Status.IN_PROGRESS, caller.person_id),
        eta_seconds=round((queued // workers + 1) * mean, 1) if workers else None,
    )


def poll_after_ms(video: VideoObject) -> int | None:
    """When it is worth asking again: after an eighth of the forecast, within 1 to 15 s [ms]."""
    if video.status not in OPEN:
        return None
    wanted = 1_000 * (video.eta_seconds or 0) / 8
    return int(min(_MAX_POLL_MS, max(_MIN_POLL_MS, wanted)))


def file_path(video_id: str, variant: str) -> str:
    """The path of a signed link to a file."""
    return f"/v1/files/{video_id}/{variant}"


def _link(studio: Studio, video_id: str, variant: str, caller: Caller, expires_at: int) -> str:
    path = file_path(video_id, variant)
    query = studio.signer.sign(path, caller.person_id, expires_at)
    return f"{studio.settings.base_url}{path}?{query}"
