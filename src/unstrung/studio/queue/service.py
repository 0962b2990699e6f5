"""Rules of the queue: fair turns between people, places and forecasts, and the fence around a result.

Turns follow start-time fair queueing (Goyal, Vin and Cheng 1996): a video starts, in virtual time, when the
person's previous one ends or now, whichever is later, and the least start goes first. So a person's hundred
videos wait behind each other and not before somebody else's first, and nobody waits for ever.

The fence: a worker that begins a video raises `attempt` and must show that number with every report. A worker
that lost its video (stalled, cancelled, deleted) finds that the number has moved on, and stops.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import case, func, select, text, tuple_, update
from sqlalchemy.orm import Session, aliased

from unstrung.studio.accounts.models import Person
from unstrung.studio.catalogue import service as catalogue
from unstrung.studio.catalogue.models import Model
from unstrung.studio.database import now
from unstrung.studio.identity import first_id
from unstrung.studio.jobs import MAKE_VIDEO, VIDEOS, JobQueue
from unstrung.studio.pauses import service as pauses
from unstrung.studio.queue.models import Queue
from unstrung.studio.videos.models import OPEN, Status, Video

CHANNEL: Final = "unstrung_videos"
COUNTED: Final = 1_000
_UNITS_PER_SECOND: Final = 10
_ASSUMED_RUN_S: Final = 15.0
_RESCUING: Final = 0x756E7374  # of the lock that lets one worker at a time rescue videos
_SILENT: Final = """(jobs.worker_id IS NULL OR jobs.worker_id IN (
    SELECT id FROM procrastinate_workers WHERE last_heartbeat < now() - make_interval(secs => :silent_s)))"""
# Of those that wait without a job, only the first are looked for: the others become first in time.
_ORPHANS: Final = f"""
    SELECT videos.id, jobs.lock FROM videos
    LEFT JOIN procrastinate_jobs AS jobs ON jobs.id = videos.job_id
    WHERE videos.id IN (
        SELECT id FROM videos WHERE status = 'in_progress'
        UNION ALL SELECT args->>'video_id' FROM procrastinate_jobs WHERE status = 'doing'
        UNION ALL (SELECT id FROM videos WHERE status = 'queued' AND NOT {pauses.OF_VIDEO_SQL}
            ORDER BY queue_start, id LIMIT 100))
    AND videos.status IN ('queued', 'in_progress')
    AND (jobs.id IS NULL OR jobs.status NOT IN ('todo', 'doing') OR jobs.status = 'doing' AND {_SILENT})
    ORDER BY videos.id LIMIT 100 FOR UPDATE OF videos SKIP LOCKED"""
# Jobs whose video is done: their worker died, or could not say so. They would keep their lock for ever.
_FORGET_JOBS: Final = f"""
    DELETE FROM procrastinate_jobs AS jobs
    WHERE jobs.queue_name = '{VIDEOS}' AND jobs.status = 'doing'
    AND NOT EXISTS (
        SELECT FROM videos WHERE videos.id = jobs.args->>'video_id' AND videos.job_id = jobs.id
        AND videos.status IN ('queued', 'in_progress'))
    AND ({_SILENT} OR EXISTS (
        SELECT FROM videos WHERE videos.id = jobs.args->>'video_id'
        AND videos.completed_at < now() - interval '1 minute'))"""


@dataclass(frozen=True)
class Turn:
    """Where a new video stands.

    Attributes:
        start, cost: in virtual time.
        lock: of the person's place; each place runs one video at a time.
    """

    start: int
    cost: int
    lock: str


class LostVideo(Exception):
    """The video was cancelled, deleted or given to another worker."""


def take_turn(session: Session, person: Person, seconds: float, places: int) -> Turn:
    """A turn for a new video of a person, whose row must be locked.

    Args:
        session: of the transaction that will add the video.
        person: who asks.
        seconds: length of the video [s], which is what a turn costs.
        places: videos of one person that may run at once.
    """
    virtual_time = session.scalar(select(Queue.virtual_time).where(Queue.id == 1)) or 0
    last_end = session.scalar(
        select(func.max(Video.queue_start + Video.queue_cost)).where(
            Video.person_id == person.id, Video.status.in_(OPEN)
        )
    )
    cost = max(1, round(seconds * _UNITS_PER_SECOND / person.weight))
    lock = f"{person.id}/{person.num_videos % places}"
    return Turn(max(virtual_time, last_end or 0), cost, lock)


def enqueue(session: Session, jobs: JobQueue, video: Video, lock: str, ahead: int = 0) -> None:
    """Put a video's job into the transaction that writes the video.

    Args:
        session: of that transaction.
        jobs: where it is enqueued.
        video: with its turn.
        lock: of the person's place.
        ahead: virtual time by which it goes before its turn.
    """
    video.job_id = jobs.enqueue(
        session,
        MAKE_VIDEO,
        VIDEOS,
        {"video_id": video.id},
        priority=ahead - video.queue_start,
        lock=lock,
    )
    tell(session, video.id)


def tell(session: Session, video_id: str) -> None:
    """Wake whoever follows a video, once the transaction is through."""
    session.execute(select(func.pg_notify(CHANNEL, video_id)))


# What a worker does with a video.


def begin(session: Session, video_id: str) -> Video | None:
    """Take a video for a new attempt, or None if there is nothing to do any more, or not now.

    A video whose person, cohort or key is paused keeps its turn without a job; `rescue` gives it one later.
    """
    statement = (
        update(Video)
        .where(Video.id == video_id, Video.status.in_(OPEN), ~pauses.of_video())
        .values(
            attempt=Video.attempt + 1,
            revision=Video.revision + 1,
            status=Status.IN_PROGRESS,
            phase="loading",
            progress=0,
            step=0,
            started_at=now(),
        )
        .returning(Video)
    )
    video = session.scalars(statement).one_or_none()
    if video is not None:
        session.execute(
            update(Queue)
            .where(Queue.id == 1)
            .values(virtual_time=func.greatest(Queue.virtual_time, video.queue_start))
        )
        tell(session, video_id)
    return video


def check(session: Session, video_id: str, attempt: int) -> None:
    """Make sure that a worker still has its video.

    Raises:
        LostVideo: if it has not.
    """
    held = select(Video.id).where(_held(video_id, attempt))
    if session.scalar(held) is None:
        raise LostVideo(video_id)


def report(session: Session, video_id: str, attempt: int, values: dict[str, Any]) -> None:
    """Note how far a video is.

    Raises:
        LostVideo: if the worker does not have it any more.
    """
    _change(session, video_id, attempt, values)
    tell(session, video_id)


def publish(
    session: Session,
    video: Video,
    files: dict[str, Any],
    recipe: dict[str, Any],
    result: dict[str, Any],
) -> None:
    """Make a result the video's own; of several workers with the same video, one can.

    May be done again by the worker that did it: a database that dies may have committed without saying so.

    Raises:
        LostVideo: if the worker does not have it any more.
    """
    if _is_published(session, video):
        return
    moment = now()
    values = {
        "status": Status.COMPLETED, "phase": "done", "progress": 100, "completed_at": moment,
        "seed": recipe["seed"], "recipe": recipe, "result": result, "files": files,
    }  # fmt: skip
    _change(session, video.id, video.attempt, values)
    if video.started_at is not None:
        catalogue.note_run(
            session, video.resolved_model, (moment - video.started_at).total_seconds()
        )
    tell(session, video.id)


def fail(session: Session, video_id: str, attempt: int, code: str, message: str) -> None:
    """Give a video up, saying why.

    Raises:
        LostVideo: if the worker does not have it any more.
    """
    values = {
        "status": Status.FAILED, "phase": "done", "completed_at": now(),
        "error_code": code, "error_message": message,
    }  # fmt: skip
    _change(session, video_id, attempt, values)
    tell(session, video_id)


def hand_back(session: Session, video_id: str, attempt: int) -> None:
    """Let a video wait again, as if it had not begun; its worker is stopping.

    Raises:
        LostVideo: if the worker does not have it any more.
    """
    values = {
        "status": Status.QUEUED, "phase": "queued", "progress": 0, "step": 0, "started_at": None,
        "handed_back": Video.handed_back + 1,
    }  # fmt: skip
    _change(session, video_id, attempt, values)
    tell(session, video_id)


def rescue(session: Session, jobs: JobQueue, silent_s: float) -> list[str]:
    """Enqueue open videos again whose worker is silent, or which have no job, and return their ids.

    They get new jobs. The old one would be ended by its worker, should that only have been slow, while the
    next worker is at it; and a new one is announced, so that idle workers need not look for it.

    Args:
        session: of a transaction of its own.
        jobs: where they are enqueued.
        silent_s: time without a sign of life after which a worker counts as dead [s].
    """
    if not session.scalar(select(func.pg_try_advisory_xact_lock(_RESCUING))):
        return []
    given = {"silent_s": silent_s}
    orphans = session.execute(text(_ORPHANS), given).all()
    for video_id, lock in orphans:
        video = session.get_one(Video, video_id)
        # Of equal turns the older job goes first; this one's job is young, but has waited already.
        enqueue(session, jobs, video, lock or f"{video.person_id}/0", ahead=1)
    session.flush()  # the jobs that the videos had are left over now
    session.execute(text(_FORGET_JOBS), given)
    return [video_id for video_id, _ in orphans]


# What people are told.


@dataclass(frozen=True)
class Outlook:
    """What somebody who waits wants to know.

    Attributes:
        place: videos that begin earlier, counted up to `COUNTED`; None if the video does not wait.
        eta_s: when it will probably be done, from now [s]; None if it is.
    """

    place: int | None = None
    eta_s: float | None = None


def outlooks(session: Session, videos: Sequence[Video]) -> dict[str, Outlook]:
    """The outlook of each of some videos, asked in one go however many they are."""
    ids = [video.id for video in videos if video.status in OPEN]
    found = {}
    if ids:
        earlier = aliased(Video)
        before = select(earlier.id).where(
            earlier.status == Status.QUEUED,
            tuple_(earlier.queue_start, earlier.id) < tuple_(Video.queue_start, Video.id),
        )
        place = select(func.count()).select_from(before.limit(COUNTED).correlate(Video).subquery())
        mean = select(Model.mean_run_s).where(Model.name == Video.resolved_model)
        query = select(
            Video.id,
            case((Video.status == Status.QUEUED, place.scalar_subquery())),
            mean.scalar_subquery(),
            catalogue.workers_of(Video.resolved_model).scalar_subquery(),
        )
        rows = session.execute(query.where(Video.id.in_(ids)))
        found = {video_id: (place, mean, workers) for video_id, place, mean, workers in rows}
    return {
        video.id: _outlook(video, *found[video.id]) if video.id in found else Outlook()
        for video in videos
    }


def _outlook(video: Video, place: int | None, mean: float | None, num_workers: int) -> Outlook:
    mean = mean or _ASSUMED_RUN_S
    if place is not None:
        return Outlook(place, round((place // max(1, num_workers) + 1) * mean, 1))
    elapsed = (now() - video.started_at).total_seconds() if video.started_at else 0.0
    if video.progress >= 10:
        return Outlook(None, round(elapsed * (100 - video.progress) / video.progress, 1))
    return Outlook(None, round(max(1.0, mean - elapsed), 1))


def mean_run_s(session: Session, model: str) -> float:
    """Seconds that a video of a model takes; a guess before the first one."""
    return session.scalar(select(Model.mean_run_s).where(Model.name == model)) or _ASSUMED_RUN_S


def count(session: Session, status: Status, person_id: str | None = None) -> int:
    """Open videos in a status, of one person or of all, counted up to `COUNTED`."""
    found = select(Video.id).where(Video.status == status)
    if person_id is not None:
        found = found.where(Video.person_id == person_id)
    return session.scalar(select(func.count()).select_from(found.limit(COUNTED).subquery())) or 0


def started_since(session: Session, person_id: str, since: datetime, most: int) -> int:
    """Videos that a person asked for since a moment, counted up to `most`."""
    found = select(Video.id).where(
        Video.person_id == person_id, Video.id > first_id("video", since)
    )
    found = found.order_by(Video.id.desc()).limit(most)
    return session.scalar(select(func.count()).select_from(found.subquery())) or 0


def _is_published(session: Session, video: Video) -> bool:
    found = select(Video.id).where(
        Video.id == video.id, Video.attempt == video.attempt, Video.status == Status.COMPLETED
    )
    return session.scalar(found) is not None


def _held(video_id: str, attempt: int) -> Any:
    return (
        (Video.id == video_id) & (Video.attempt == attempt) & (Video.status == Status.IN_PROGRESS)
    )


def _change(session: Session, video_id: str, attempt: int, values: dict[str, Any]) -> None:
    statement = (
        update(Video)
        .where(_held(video_id, attempt))
        .values(**values, revision=Video.revision + 1)
        .returning(Video.id)
    )
    if session.scalar(statement) is None:
        raise LostVideo(video_id)
