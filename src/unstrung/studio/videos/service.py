"""Rules about videos: asking for one, finding it, taking it back."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from unstrung.engine.description import Capability
from unstrung.studio.access.models import Scope
from unstrung.studio.access.service import Caller
from unstrung.studio.accounts.models import Person
from unstrung.studio.admission import service as admission
from unstrung.studio.assessing import USUAL_ASSESSOR
from unstrung.studio.assessments.service import Assessor, must_be_allowed
from unstrung.studio.catalogue.service import Resolved
from unstrung.studio.charters import service as charters
from unstrung.studio.database import now
from unstrung.studio.errors import Conflict, NotFound, TooMany
from unstrung.studio.identity import new_id
from unstrung.studio.jobs import JobQueue
from unstrung.studio.pauses import service as pauses
from unstrung.studio.queue import service as queue
from unstrung.studio.settings import Settings
from unstrung.studio.videos.models import OPEN, Character, Kind, Status, Video
from unstrung.studio.webhooks import service as webhooks

# What the closed API delivered when a request named no size.
ALIAS_SIZE: Final = "720x1280"
RETRY_WINDOW: Final = timedelta(minutes=2)
_DAY: Final = timedelta(hours=24)
_ID: Final = re.compile(r"[0-9A-Za-z_-]{1,64}")


@dataclass(frozen=True)
class Wish:
    """What somebody asks for, whichever call it came by.

    Attributes:
        kind: the call.
        prompt: what should be seen.
        seconds: length as canonical text [s].
        size: "WIDTHxHEIGHT" [px], or None for the usual one.
        seed, num_steps, guidance_scale, verbatim: as in the engine's request.
        reference_file: storage key of a picture or clip to begin from.
        source_file: storage key of a clip that something is done to.
        source_video_id: video that this one comes from.
        second_file, second_video_id: the same of a clip to connect with or to turn into.
        is_backward: whether an extension leads to the clip.
        strength: how far an edit goes; a word, or a number as text.
        keep: beginning and end of the stretch that a recut keeps [s].
        shots: of a storyboard: beginning [s] and prompt of each.
        characters: ids.
    """

    kind: Kind
    prompt: str
    seconds: str = "4"
    size: str | None = None
    seed: int | None = None
    num_steps: int | None = None
    guidance_scale: float | None = None
    verbatim: bool = False
    reference_file: str | None = None
    source_file: str | None = None
    source_video_id: str | None = None
    second_file: str | None = None
    second_video_id: str | None = None
    is_backward: bool = False
    strength: str | None = None
    keep: tuple[float, float] | None = None
    shots: tuple[tuple[float, str], ...] = ()
    characters: tuple[str, ...] = ()


@dataclass(frozen=True)
class Retry:
    """How a request may be one that was sent before.

    Attributes:
        fingerprint: digest of everything that was asked.
        idempotency_key: the sender's own name for the request.
        is_repeat: whether the client says that it is trying again.
    """

    fingerprint: bytes
    idempotency_key: str | None = None
    is_repeat: bool = False


_NEEDS: Final = {
    Kind.CREATE: Capability.TEXT_TO_VIDEO,
    Kind.REMIX: Capability.REMIX,
    Kind.EDIT: Capability.EDIT,
    Kind.EXTEND: Capability.EXTEND,
    Kind.LOOP: Capability.LOOP,
    Kind.RECUT: Capability.RECUT,
    Kind.CONNECT: Capability.CONNECT,
    Kind.BLEND: Capability.BLEND,
    Kind.STORYBOARD: Capability.STORYBOARD,
}
_FROM_WORDS: Final = (Kind.CREATE, Kind.REMIX, Kind.STORYBOARD)


def fingerprint(path: str, fields: dict[str, Any], files: dict[str, bytes]) -> bytes:
    """Digest of a request, the same however it was encoded."""
    told = {
        "path": path,
        "fields": {key: value for key, value in fields.items() if key not in files},
        "files": {key: hashlib.sha256(data).hexdigest() for key, data in files.items()},
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).digest()


def earlier_answer(session: Session, caller: Caller, retry: Retry) -> Video | None:
    """The video that the same request already made, if it is being sent again.

    Raises:
        Conflict: if the idempotency key was used for another request.
    """
    mine = select(Video).where(Video.person_id == caller.person_id)
    if retry.idempotency_key is not None:
        video = session.scalar(mine.where(Video.idempotency_key == retry.idempotency_key))
        if video is not None and video.fingerprint != retry.fingerprint:
            raise Conflict(
                "This Idempotency-Key was used for another request; use a new one.",
                "Idempotency-Key",
                "idempotency_key_reused",
            )
        return video
    if not retry.is_repeat:
        return None
    return session.scalar(
        mine.where(Video.fingerprint == retry.fingerprint, Video.created_at > now() - RETRY_WINDOW)
        .order_by(Video.created_at.desc())
        .limit(1)
    )


def create_video(
    session: Session,
    jobs: JobQueue,
    settings: Settings,
    caller: Caller,
    model: Resolved,
    wish: Wish,
    retry: Retry,
    assessor: Assessor = USUAL_ASSESSOR,
) -> Video:
    """Add a video and its job, and return at once.

    Raises:
        Forbidden, Paused, UnsupportedByModel, TooMany, NotFound, Conflict: if it may not be.
        NotedRefusal: if the prompt is in a class that is never made; its statement outlives the transaction.
    """
    must_be_let(session, settings, caller)
    check_abilities(model, wish)
    must_be_allowed(assessor, caller.person_id, wish.prompt)
    # The person's row is the gate: quotas and turns of one person are counted by one request at a time.
    person = session.get_one(Person, caller.person_id, with_for_update=True)
    repeated = earlier_answer(session, caller, retry)
    if repeated is not None:
        return repeated
    _check_quotas(session, settings, person.id)
    for character_id in wish.characters:
        get_character(session, caller, character_id)
    turn = queue.take_turn(session, person, float(wish.seconds), settings.jobs_per_person)
    person.num_videos += 1
    video = _new_video(caller, model, wish, retry, turn)
    session.add(video)
    session.flush()
    queue.enqueue(session, jobs, video, turn.lock)
    return video


def must_be_let(session: Session, settings: Settings, caller: Caller) -> None:
    """Refuse whoever may begin nothing now; pages ask before they show a button.

    Raises:
        Forbidden, Paused: saying why, and what would help.
    """
    caller.must_have(Scope.GENERATE)
    pauses.must_not_be_paused(session, caller)
    charters.must_have_accepted(session, settings, caller)
    admission.must_have_seat(session, settings, caller.person_id)


def _new_video(
    caller: Caller, model: Resolved, wish: Wish, retry: Retry, turn: queue.Turn
) -> Video:
    """A row of a video that waits."""
    usual_size = ALIAS_SIZE if model.is_alias else model.description.sizes[0]
    return Video(
        id=new_id("video"),
        person_id=caller.person_id,
        key_id=caller.key_id,
        kind=wish.kind,
        model=model.asked,
        resolved_model=model.description.name,
        prompt=wish.prompt,
        size=wish.size or usual_size,
        seconds=wish.seconds,
        seed=wish.seed,
        num_steps=wish.num_steps,
        guidance_scale=wish.guidance_scale,
        verbatim=wish.verbatim,
        reference_file=wish.reference_file,
        source_file=wish.source_file,
        source_video_id=wish.source_video_id,
        second_file=wish.second_file,
        second_video_id=wish.second_video_id,
        is_backward=wish.is_backward,
        strength=wish.strength,
        keep=list(wish.keep) if wish.keep is not None else None,
        shots=[list(shot) for shot in wish.shots] or None,
        characters=list(wish.characters),
        status=Status.QUEUED,
        phase="queued",
        progress=0,
        step=0,
        total_steps=wish.num_steps or model.description.num_steps,
        attempt=0,
        handed_back=0,
        revision=1,
        queue_start=turn.start,
        queue_cost=turn.cost,
        created_at=now(),
        fingerprint=retry.fingerprint,
        idempotency_key=retry.idempotency_key,
    )


def check_abilities(model: Resolved, wish: Wish) -> None:
    """Refuse what the model cannot do, by its own description.

    Raises:
        UnsupportedByModel: naming the field.
    """
    model.must(_NEEDS[wish.kind], None if wish.kind in _FROM_WORDS else "video")
    if wish.is_backward:
        model.must(Capability.EXTEND_BACKWARD, "direction")
    if wish.reference_file is not None:
        model.must(Capability.IMAGE_TO_VIDEO, "input_reference")
    if wish.characters:
        model.must(Capability.CHARACTERS, "characters")


def remix_of(source: Video, prompt: str) -> Wish:
    """The same seed, size and length under another prompt.

    Raises:
        Conflict: if the source is not completed.
    """
    must_be_completed(source)
    return Wish(
        Kind.REMIX, prompt, source.seconds, source.size, source.seed, source.num_steps,
        source.guidance_scale, source.verbatim, source_file=(source.files or {}).get("video"),
        source_video_id=source.id,
    )  # fmt: skip


def variation_of(source: Video) -> Wish:
    """The same again with another seed.

    Raises:
        Conflict: if the source is not completed.
    """
    wish = remix_of(source, source.prompt)
    return replace(wish, seed=None, characters=tuple(source.characters))


def wish_of(video: Video) -> Wish:
    """What was asked for, to ask for it again; files are those of the video."""
    return Wish(
        video.kind, video.prompt, video.seconds, video.size, video.seed, video.num_steps,
        video.guidance_scale, video.verbatim, video.reference_file, video.source_file,
        video.source_video_id, video.second_file, video.second_video_id, video.is_backward,
        video.strength, None if video.keep is None else (video.keep[0], video.keep[1]),
        tuple((start, prompt) for start, prompt in video.shots or ()), tuple(video.characters),
    )  # fmt: skip


def with_source(wish: Wish, source: Video) -> Wish:
    """A wish that does something to a video of the caller's own.

    Raises:
        Conflict: if the source is not completed.
    """
    must_be_completed(source)
    # These are as long as what they are made of; nobody says so.
    keeps_length = wish.kind in (Kind.RECUT, Kind.BLEND)
    return replace(
        wish,
        seconds=source.seconds if keeps_length else wish.seconds,
        size=wish.size or source.size,
        source_file=(source.files or {})["video"],
        source_video_id=source.id,
    )


def with_second(wish: Wish, second: Video) -> Wish:
    """A wish whose other clip is a video of the caller's own.

    Raises:
        Conflict: if it is not completed.
    """
    must_be_completed(second)
    return replace(wish, second_file=(second.files or {})["video"], second_video_id=second.id)


def must_be_completed(video: Video) -> None:
    """Refuse a video that has no files yet, or never will.

    Raises:
        Conflict: saying how far it is.
    """
    if video.status != Status.COMPLETED:
        raise Conflict(
            f"The video '{video.id}' is {video.status}; wait until it is completed.",
            "video",
            "video_not_completed",
        )


def get_video(session: Session, caller: Caller, video_id: str) -> Video:
    """A video of the caller's own; an admin's key sees everybody's.

    Raises:
        NotFound: if there is none, or it is somebody else's.
    """
    caller.must_have(Scope.READ)
    must_look_like_id(video_id, "video_id")
    video = session.get(Video, video_id)
    if video is None or not (caller.is_admin or video.person_id == caller.person_id):
        raise NotFound(f"There is no video '{video_id}'.", "video_id", "video_not_found")
    return video


def must_look_like_id(text: str, param: str) -> None:
    """Refuse what no row can be called, which the database may not even be able to ask for.

    Raises:
        NotFound: if it does not.
    """
    if not _ID.fullmatch(text):
        raise NotFound(f"There is nothing called {text[:64]!r}.", param)


def list_videos(
    session: Session, caller: Caller, after: str | None, limit: int, newest_first: bool
) -> tuple[Sequence[Video], bool]:
    """A page of the caller's own videos, and whether there are more behind it.

    Raises:
        NotFound: if `after` is none of them.
    """
    caller.must_have(Scope.READ)
    query = select(Video).where(Video.person_id == caller.person_id)
    if after is not None:
        must_look_like_id(after, "after")
        marker = session.get(Video, after)
        if marker is None or marker.person_id != caller.person_id:
            raise NotFound(
                f"There is no video '{after}' to go on after.", "after", "video_not_found"
            )
        query = query.where(Video.id < after if newest_first else Video.id > after)
    order = Video.id.desc() if newest_first else Video.id.asc()
    found = session.scalars(query.order_by(order).limit(limit + 1)).all()
    return found[:limit], len(found) > limit


def cancel_video(session: Session, jobs: JobQueue, caller: Caller, video_id: str) -> Video:
    """Stop a video that waits or runs; its worker finds out within a denoising step.

    Raises:
        NotFound: if there is none, or it is somebody else's.
        Conflict: if it has already ended.
    """
    caller.must_have(Scope.GENERATE)
    get_video(session, caller, video_id)
    video = session.get_one(Video, video_id, with_for_update=True)
    if video.status not in OPEN:
        raise Conflict(
            f"The video '{video_id}' is {video.status} and cannot be cancelled.",
            "video_id",
            "video_not_open",
        )
    if video.job_id is not None:
        jobs.cancel(session, video.job_id)
    video.status = Status.FAILED
    video.phase = "done"
    video.error_code, video.error_message = "cancelled", "The video was cancelled."
    video.completed_at = now()
    video.revision += 1
    queue.tell(session, video_id)
    webhooks.announce(session, jobs, video)
    return video


def delete_video(
    session: Session, jobs: JobQueue, caller: Caller, video_id: str
) -> tuple[str, ...]:
    """Remove a video for good, cancelling it first if it is still open.

    Returns the storage prefixes of its files, which are to go once the transaction is through.

    Raises:
        NotFound: if there is none, or it is somebody else's.
    """
    caller.must_have(Scope.GENERATE)
    get_video(session, caller, video_id)
    video = session.get(Video, video_id, with_for_update=True)
    if video is None:
        raise NotFound(f"There is no video '{video_id}'.", "video_id", "video_not_found")
    if video.job_id is not None:
        jobs.cancel(session, video.job_id)
    session.delete(video)
    queue.tell(session, video_id)
    uploads = [video.reference_file]
    if video.source_video_id is None:  # else the source is another video's own file
        uploads.append(video.source_file)
    if video.second_video_id is None:
        uploads.append(video.second_file)
    return (f"videos/{video_id}", *(key for key in uploads if key is not None))


def create_character(
    session: Session, settings: Settings, caller: Caller, character_id: str, name: str, file: str
) -> Character:
    """Bind a name to a clip that has been stored.

    Raises:
        Forbidden, Paused: if the caller may not.
    """
    caller.must_have(Scope.GENERATE)
    pauses.must_not_be_paused(session, caller)
    charters.must_have_accepted(session, settings, caller)
    character = Character(
        id=character_id, person_id=caller.person_id, name=name, file=file, created_at=now()
    )
    session.add(character)
    session.flush()
    return character


def get_character(session: Session, caller: Caller, character_id: str) -> Character:
    """A character of the caller's own.

    Raises:
        NotFound: if there is none, or it is somebody else's.
    """
    caller.must_have(Scope.READ)
    must_look_like_id(character_id, "character_id")
    character = session.get(Character, character_id)
    if character is None or not (caller.is_admin or character.person_id == caller.person_id):
        raise NotFound(
            f"There is no character '{character_id}'.", "character_id", "character_not_found"
        )
    return character


def list_characters(session: Session, caller: Caller, limit: int = 50) -> Sequence[Character]:
    """The caller's own characters, newest first."""
    caller.must_have(Scope.READ)
    query = select(Character).where(Character.person_id == caller.person_id)
    return session.scalars(query.order_by(Character.id.desc()).limit(limit)).all()


def _check_quotas(session: Session, settings: Settings, person_id: str) -> None:
    waiting = queue.count(session, Status.QUEUED, person_id)
    running = queue.count(session, Status.IN_PROGRESS, person_id)
    if waiting + running >= settings.open_videos_per_person:
        raise TooMany(
            f"At most {settings.open_videos_per_person} of your videos may wait or run at a time; "
            "wait for one, or cancel one.",
            code="too_many_open_videos",
            retry_after_s=max(1, round(queue.mean_run_s(session, settings.default_model))),
        )
    most = settings.videos_per_day
    if queue.started_since(session, person_id, now() - _DAY, most) >= most:
        raise TooMany(
            f"At most {most} videos may be asked for within 24 hours.",
            code="daily_quota_exceeded",
            retry_after_s=3600,
        )
