"""Making one video: take it, draw it, store it, publish it; stop as soon as it is not ours any more.

Kill -9 at any line loses nothing: files go under a name of the attempt's own, and only the fenced update at
the end makes them the video's. What a dead worker left behind goes with the video.
"""

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import structlog
from sqlalchemy.orm import Session

from unstrung.engine.errors import EngineError
from unstrung.engine.request import Generation, Step, recipe_of
from unstrung.studio import renditions
from unstrung.studio.assessing import USUAL_ASSESSOR
from unstrung.studio.assessments import service as assessments
from unstrung.studio.assessments.service import Assessor
from unstrung.studio.consents import service as consents
from unstrung.studio.database import Database
from unstrung.studio.errors import ServiceFault
from unstrung.studio.flashes import most_flashes
from unstrung.studio.generator import Generator, Task
from unstrung.studio.jobs import JobQueue
from unstrung.studio.metrics import WorkerMetrics
from unstrung.studio.pauses import service as pauses
from unstrung.studio.queue import service as queue
from unstrung.studio.queue.service import LostVideo
from unstrung.studio.settings import Settings
from unstrung.studio.storage import Storage, StorageUnavailable
from unstrung.studio.videos.models import Character, Kind, Video
from unstrung.studio.webhooks import service as webhooks

REPORT_EVERY_S: Final = 0.25
PREVIEW_EVERY_S: Final = 1.0
PATIENCE_S: Final = 60.0
PICTURE_PX: Final = 512
_PAUSE_S: Final = 0.5
_DENOISED, _ENCODED = 90, 95  # percent when these are done
_log = structlog.get_logger(__name__)
_Result = TypeVar("_Result")


class Stopping(Exception):
    """The worker was told to stop; the video goes back to the queue."""


@dataclass(frozen=True)
class Workshop:
    """What a worker needs to make videos.

    Attributes:
        settings, database, storage, jobs, generator, metrics: its parts.
        stopping: set when the worker is to hand back what it has.
        assessor: who finds classes of risk in clips.
    """

    settings: Settings
    database: Database
    storage: Storage
    jobs: JobQueue
    generator: Generator
    metrics: WorkerMetrics
    stopping: threading.Event
    assessor: Assessor = USUAL_ASSESSOR


def make_video(workshop: Workshop, video_id: str) -> None:
    """Make a video that is waiting, or do nothing if there is nothing to do any more.

    Raises:
        Stopping: after the video was handed back.
        ServiceFault, StorageUnavailable: if a part of the service stayed away; the job is to be tried again.
    """
    with workshop.database.transaction() as session:
        video = queue.begin(session, video_id)
    if video is None:
        return
    structlog.contextvars.bind_contextvars(
        video=video_id, attempt=video.attempt, job=video.job_id, model=video.resolved_model
    )
    _log.info("video begins")
    started = time.perf_counter()
    try:
        _make(workshop, video)
        seconds = time.perf_counter() - started
        workshop.metrics.made(seconds)
        _log.info("video completed", seconds=round(seconds, 2))
    except LostVideo:
        workshop.metrics.lost()
        _log.info("video is not ours any more; what was made is dropped")
        workshop.storage.delete_prefix(_folder(video))
        with workshop.database.transaction() as session:
            pauses.note_stop(session, video.id)
    except Stopping:
        _log.info("video handed back")
        with _unless_lost():
            _write(workshop, lambda session: queue.hand_back(session, video.id, video.attempt))
        raise
    except EngineError as error:
        _give_up(workshop, video, "generation_failed", str(error))
    except (ServiceFault, StorageUnavailable):
        raise
    except Exception:
        _log.exception("video failed")
        _give_up(
            workshop,
            video,
            "internal_error",
            "The video could not be made; the operator can see why.",
        )
    finally:
        structlog.contextvars.clear_contextvars()


def _make(workshop: Workshop, video: Video) -> None:
    if video.attempt - video.handed_back > workshop.settings.max_attempts:
        _give_up(
            workshop, video, "worker_died",
            f"{workshop.settings.max_attempts} workers died over this video; it is not tried again.",
        )  # fmt: skip
        return
    with tempfile.TemporaryDirectory(prefix="unstrung-") as folder:
        task = _task(workshop, video, Path(folder))
        follower = _Follower(workshop, video)
        generation = workshop.generator.generate(task, follower.on_step)
        follower.tell("encoding", _DENOISED)
        recipe = recipe_of(generation, 0) | _origin(video)
        _write(workshop, lambda session: recipe.update(consents=consents.of_video(session, video)))
        path = Path(folder) / "video.mp4"
        frames = generation.clips[0]
        _write_video(path, generation, task, recipe)
        follower.tell("encoding", _ENCODED)
        files = _store(workshop, video, path, _small(frames, task))
        found = assessments.assess(workshop.assessor, video.prompt, frames, generation.frame_rate)
    result = _result(video, task, generation)

    def publish(session: Session) -> None:
        queue.publish(session, video, files, recipe, result)
        assessments.store(session, video.id, found)
        webhooks.announce(session, workshop.jobs, session.get_one(Video, video.id))

    _write(workshop, publish)


class _Follower:
    """Tells the database of every step, at most a few times a second, and hears of cancellation."""

    def __init__(self, workshop: Workshop, video: Video) -> None:
        self._workshop = workshop
        self._video = video
        self._told_at = self._previewed_at = 0.0

    def on_step(self, step: Step) -> None:
        """Stop within this step if the video is not ours any more."""
        if self._workshop.stopping.is_set():
            raise Stopping
        moment, is_last = time.monotonic(), step.index + 1 == step.total
        try:
            if is_last or moment - self._told_at >= REPORT_EVERY_S:
                progress = round(_DENOISED * (step.index + 1) / step.total)
                self._report("denoising", progress, step.index + 1, step.total)
                self._told_at = moment
            else:
                with self._workshop.database.transaction() as session:
                    queue.check(session, self._video.id, self._video.attempt)
            if moment - self._previewed_at >= PREVIEW_EVERY_S and not is_last:
                data = renditions.preview(step.preview())
                self._workshop.storage.put(
                    f"{_folder(self._video)}/preview.webp", data, "image/webp"
                )
                self._previewed_at = time.monotonic()
        except (ServiceFault, StorageUnavailable) as error:
            # The drawing goes on: whether it is still wanted is asked again at the next step and at the end.
            _log.warning("progress could not be told: %s", error)

    def tell(self, phase: str, progress: int) -> None:
        """Note a phase outside denoising."""
        if self._workshop.stopping.is_set():
            raise Stopping
        total = self._video.total_steps
        try:
            self._report(phase, progress, total, total)
        except ServiceFault as error:
            _log.warning("progress could not be told: %s", error)

    def _report(self, phase: str, progress: int, step: int, total: int) -> None:
        values = {"phase": phase, "progress": progress, "step": step, "total_steps": total}
        self._video.total_steps = total
        with self._workshop.database.transaction() as session:
            queue.report(session, self._video.id, self._video.attempt, values)


def preview_key(video: Video) -> str:
    """Where the preview of a running video is."""
    return f"{_folder(video)}/preview.webp"


def _task(workshop: Workshop, video: Video, folder: Path) -> Task:
    """What is to be made, with its files at hand."""
    width, height = (int(side) for side in video.size.split("x"))

    def fetched(key: str | None, name: str) -> Path | None:
        if key is None:
            return None
        workshop.storage.fetch(key, folder / name)
        return folder / name

    with workshop.database.transaction() as session:
        found = [session.get(Character, each) for each in video.characters]
    characters = []
    for index, character in enumerate(found):
        path = fetched(character.file, f"character-{index}") if character else None
        if character is not None and path is not None:
            characters.append((character.name, path))
    return Task(
        kind=video.kind,
        prompt=video.prompt,
        seconds=float(video.seconds),
        width=width,
        height=height,
        seed=video.seed,
        num_steps=video.num_steps,
        guidance_scale=video.guidance_scale,
        verbatim=video.verbatim,
        reference=fetched(video.reference_file, "reference"),
        source=fetched(video.source_file, "source"),
        second=fetched(video.second_file, "second"),
        is_backward=video.is_backward,
        strength=video.strength,
        keep=(video.keep[0], video.keep[1]) if video.keep else None,
        shots=tuple((start, prompt) for start, prompt in video.shots or ()),
        characters=tuple(characters),
    )


def _write_video(path: Path, generation: Generation, task: Task, recipe: dict[str, Any]) -> None:
    renditions.write_fitted(
        path, generation.clips[0], task.width, task.height, generation.frame_rate, recipe
    )


def _store(workshop: Workshop, video: Video, path: Path, frames: np.ndarray) -> dict[str, str]:
    """Put every variant where only this attempt writes, and return the keys."""
    folder = _folder(video)
    files = {
        "video": f"{folder}/video.mp4",
        "thumbnail": f"{folder}/thumbnail.webp",
        "spritesheet": f"{folder}/spritesheet.jpg",
    }
    workshop.storage.put(files["video"], path, "video/mp4")
    workshop.storage.put(files["thumbnail"], renditions.thumbnail(frames), "image/webp")
    workshop.storage.put(files["spritesheet"], renditions.spritesheet(frames), "image/jpeg")
    return files


def _origin(video: Video) -> dict[str, Any]:
    """What a recipe says of the videos that a clip was made of, and of what was done to them."""
    parents = [each for each in (video.source_video_id, video.second_video_id) if each]
    told = {
        "parents": parents or None,
        "direction": "backward" if video.is_backward else None,
        "strength": video.strength,
        "keep": video.keep,
        "shots": video.shots,
    }
    return {name: value for name, value in told.items() if value is not None}


def _small(frames: np.ndarray, task: Task) -> np.ndarray:
    """The frames in the shape of the delivered clip, small enough for pictures."""
    scale = min(1.0, PICTURE_PX / max(task.width, task.height))
    width, height = (max(2, round(side * scale / 2) * 2) for side in (task.width, task.height))
    return renditions.fit_to(frames, width, height)


def _result(video: Video, task: Task, generation: Generation) -> dict[str, Any]:
    num_frames, height, width = generation.clips[0].shape[:3]
    seconds = num_frames / generation.frame_rate
    notes = list(generation.notes)
    says_length = video.kind not in (Kind.EDIT, Kind.RECUT, Kind.BLEND)
    if says_length and task.seconds - seconds > 0.5:
        notes.append(
            f"seconds {video.seconds} was asked; the longest clip of the model '{generation.model}' has "
            f"{seconds:.3g} s, and that is what was delivered."
        )
    if (width, height) != (task.width, task.height):
        notes.append(f"Drawn at {width}x{height} and scaled to {video.size}.")
    return {
        "native_size": f"{width}x{height}",
        "fps": generation.frame_rate,
        "num_frames": num_frames,
        "duration_seconds": round(seconds, 3),
        "flashes": most_flashes(generation.clips[0], generation.frame_rate),
        "notes": notes,
        "timings_s": {name: round(value, 3) for name, value in generation.timings_s.items()},
    }


def _give_up(workshop: Workshop, video: Video, code: str, message: str) -> None:
    workshop.metrics.failed(code)
    _log.warning("video failed", code=code, reason=message)

    def fail(session: Session) -> None:
        queue.fail(session, video.id, video.attempt, code, message)

    def fail_and_announce(session: Session) -> None:
        fail(session)
        webhooks.announce(session, workshop.jobs, session.get_one(Video, video.id))

    with _unless_lost():
        try:
            _write(workshop, fail_and_announce)
        except (LostVideo, ServiceFault):
            raise
        except Exception:
            # A video that cannot be announced must all the same not be made again and again.
            _log.exception("the failure could not be announced")
            _write(workshop, fail)


def _write(workshop: Workshop, change: Callable[[Session], None]) -> None:
    """Make a change that matters; a database that is away for a moment is waited for."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            with workshop.database.transaction() as session:
                change(session)
            return
        except ServiceFault:
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_S)


@contextmanager
def _unless_lost() -> Iterator[None]:
    try:
        yield
    except LostVideo:
        _log.info("video is not ours any more")


def _folder(video: Video) -> str:
    return f"videos/{video.id}/{video.attempt}"
