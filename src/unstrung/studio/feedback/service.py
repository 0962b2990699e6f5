"""Rules of feedback: a note on a stretch of a clip that its writer may see, and may take back.

Nobody owes any, and nothing here or elsewhere counts how much somebody gives. Stewards read notes without
names; who wants to be named with one says so, note by note.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from unstrung.studio.access.models import Scope
from unstrung.studio.access.service import Caller
from unstrung.studio.accounts.models import Person
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.service import Right
from unstrung.studio.database import now
from unstrung.studio.errors import InvalidField, NotFound
from unstrung.studio.feedback.models import Feedback, FeedbackKind, FeedbackStatus
from unstrung.studio.identity import new_id
from unstrung.studio.shares import service as shares
from unstrung.studio.videos import service as videos
from unstrung.studio.videos.models import Video


@dataclass(frozen=True)
class About:
    """Which clip somebody speaks of: one of their own, or one that is shared with them.

    Attributes:
        video_id: of one's own.
        share_id, token: of a share, and of its link.
    """

    video_id: str | None = None
    share_id: str | None = None
    token: str | None = None


@dataclass(frozen=True)
class Note:
    """What somebody says.

    Attributes:
        kind: bug, idea, praise or question.
        text: in their own words.
        starts_s, ends_s: stretch of the clip [s]; None ends with the clip.
        is_credited: whether they want to be named with it.
    """

    kind: FeedbackKind
    text: str
    starts_s: float = 0.0
    ends_s: float | None = None
    is_credited: bool = False


def give(session: Session, caller: Caller, about: About, note: Note) -> Feedback:
    """Note something about a clip; seed and model are the clip's own, so nobody has to look them up.

    Raises:
        Forbidden: if the key may only read.
        NotFound: if there is no such clip, or it is not shown to the caller.
        Conflict: if it is not completed.
        InvalidField: if not exactly one clip is named, or the stretch lies outside it.
    """
    caller.must_have(Scope.GENERATE)
    video = _clip(session, caller, about)
    length_s = float((video.result or {}).get("duration_seconds") or video.seconds)
    ends_s = length_s if note.ends_s is None else note.ends_s
    if not note.starts_s <= ends_s <= length_s + 0.5:
        raise InvalidField(
            f"The stretch must lie within the clip, from 0 to {length_s:g} s, and begin before it ends; "
            f"got {note.starts_s:g} to {ends_s:g} s.",
            "ends_s",
        )
    written = Feedback(
        id=new_id("note"), person_id=caller.person_id, video_id=video.id, model=video.resolved_model,
        seed=video.seed, starts_s=note.starts_s, ends_s=min(ends_s, length_s) if length_s else ends_s,
        kind=note.kind, text=note.text.strip(), is_credited=note.is_credited,
        status=FeedbackStatus.NEW, created_at=now(),
    )  # fmt: skip
    written.ends_s = max(written.ends_s, written.starts_s)
    session.add(written)
    session.flush()
    return written


def list_own(
    session: Session, caller: Caller, after: str | None, limit: int
) -> tuple[Sequence[Feedback], bool]:
    """A page of the caller's own notes, newest first, and whether there are more behind it."""
    caller.must_have(Scope.READ)
    return _page(session, [Feedback.person_id == caller.person_id], after, limit)


def of_video(session: Session, caller: Caller, video_id: str) -> Sequence[Feedback]:
    """The caller's own notes on a clip, by the moment that they speak of."""
    caller.must_have(Scope.READ)
    query = select(Feedback).where(
        Feedback.person_id == caller.person_id, Feedback.video_id == video_id
    )
    return session.scalars(query.order_by(Feedback.starts_s, Feedback.id).limit(100)).all()


def get_own(session: Session, caller: Caller, note_id: str) -> Feedback:
    """A note of the caller's own.

    Raises:
        NotFound: if there is none, or it is somebody else's.
    """
    caller.must_have(Scope.READ)
    note = _found(session, note_id)
    if note.person_id != caller.person_id:
        raise _unknown(note_id)
    return note


def withdraw(session: Session, caller: Caller, note_id: str) -> None:
    """Take a note of the caller's own back; nothing of it stays.

    Raises:
        NotFound: if there is none, or it is somebody else's.
    """
    caller.must_have(Scope.GENERATE)
    session.delete(get_own(session, caller, note_id))
    session.flush()


# What stewards do.


def list_all(
    session: Session,
    caller: Caller,
    status: FeedbackStatus | None,
    kind: FeedbackKind | None,
    after: str | None,
    limit: int,
) -> tuple[Sequence[Feedback], bool]:
    """A page of everybody's notes, newest first, and whether there are more behind it.

    Raises:
        Forbidden: if the caller is no steward.
    """
    _must_answer(session, caller)
    rules: list[ColumnElement[bool]] = []
    if status is not None:
        rules.append(Feedback.status == status)
    if kind is not None:
        rules.append(Feedback.kind == kind)
    return _page(session, rules, after, limit)


def credits(session: Session, notes: Sequence[Feedback]) -> dict[str, str]:
    """Names of those who want to be named, by note."""
    ids = {note.person_id for note in notes if note.is_credited}
    people = session.scalars(select(Person).where(Person.id.in_(ids)))
    names = {person.id: person.name for person in people}
    return {note.id: names[note.person_id] for note in notes if note.is_credited}


def answer(
    session: Session, caller: Caller, note_id: str, status: FeedbackStatus, reason: str | None
) -> Feedback:
    """Say what becomes of a note; who declines says why.

    Raises:
        Forbidden: if the caller is no steward.
        NotFound: if there is none.
        InvalidField: if it is declined without a reason.
    """
    _must_answer(session, caller)
    if status == FeedbackStatus.DECLINED and not (reason or "").strip():
        raise InvalidField("reason must say why, if a note is declined.", "reason")
    note = _found(session, note_id)
    note.status, note.reason = status, reason
    note.answered_at, note.answered_by = now(), caller.person_id
    session.flush()
    return note


def _must_answer(session: Session, caller: Caller) -> None:
    caller.must_have(Scope.READ)
    admission.must_have_right(session, caller.person_id, Right.ANSWER_FEEDBACK)


def _clip(session: Session, caller: Caller, about: About) -> Video:
    """The clip that is spoken of, if it is shown to the caller."""
    if (about.video_id is None) == (about.share_id is None):
        raise InvalidField("Name a clip: video_id of your own, or share_id.", "video_id")
    if about.share_id is not None:
        return shares.shown(session, about.share_id, about.token)[1]
    assert about.video_id is not None
    video = videos.get_video(session, caller, about.video_id)
    if (
        video.person_id != caller.person_id
    ):  # an admin sees it, but speaks of shared clips as others do
        raise NotFound(f"There is no video '{video.id}'.", "video_id", "video_not_found")
    videos.must_be_completed(video)
    return video


def _page(
    session: Session, rules: Sequence[ColumnElement[bool]], after: str | None, limit: int
) -> tuple[Sequence[Feedback], bool]:
    query = select(Feedback).where(*rules)
    if after is not None:
        videos.must_look_like_id(after, "after")
        query = query.where(Feedback.id < after)
    found = session.scalars(query.order_by(Feedback.id.desc()).limit(limit + 1)).all()
    return found[:limit], len(found) > limit


def _found(session: Session, note_id: str) -> Feedback:
    videos.must_look_like_id(note_id, "note_id")
    note = session.get(Feedback, note_id)
    if note is None:
        raise _unknown(note_id)
    return note


def _unknown(note_id: str) -> NotFound:
    return NotFound(f"There is no note '{note_id}'.", "note_id", "note_not_found")
