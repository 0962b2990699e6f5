"""Figures for pages: what a pause would stop, how long reviews take; reads only, and names nobody."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from unstrung.studio.access.models import Key
from unstrung.studio.access.service import Caller
from unstrung.studio.accounts.models import Person
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.models import Cohort
from unstrung.studio.admission.service import Right
from unstrung.studio.errors import NotFound
from unstrung.studio.pauses import service as pauses
from unstrung.studio.pauses.models import Level
from unstrung.studio.reviews.models import ReviewDecision
from unstrung.studio.shares.models import Share
from unstrung.studio.videos.models import OPEN, Video

_KINDS: Final = {Level.KEY: Key, Level.PERSON: Person, Level.COHORT: Cohort}


@dataclass(frozen=True)
class Effects:
    """What a pause would do if it began now.

    Attributes:
        people, others: whom it would stop, and who would go on.
        keys: good ones that it would stop.
        clips: being made or waiting, which would wait until it ends.
        why_second: why another steward has to agree; empty if nobody has to.
    """

    people: int
    others: int
    keys: int
    clips: int
    why_second: str


def effects_of_pause(
    session: Session, caller: Caller, level: Level, target_id: str | None
) -> Effects:
    """What a pause would do, for a steward who thinks about one.

    Raises:
        Forbidden: if the caller may not pause.
        NotFound: if there is nobody like that.
    """
    admission.must_have_right(session, caller.person_id, Right.PAUSE)
    if level != Level.EVERYBODY and (
        target_id is None or session.get(_KINDS[level], target_id) is None
    ):
        raise NotFound(f"There is no {level} '{target_id or ''}'.", "target_id")
    people = select(func.count()).select_from(Person)
    concerned = pauses.concerned(level, target_id)
    persons = select(Person.id).where(concerned)
    keys: ColumnElement[bool] = Key.person_id.in_(persons)
    clips: ColumnElement[bool] = Video.person_id.in_(persons)
    if level == Level.KEY:
        keys, clips = Key.id == target_id, Video.key_id == target_id
    affected = session.scalar(people.where(concerned)) or 0
    good = select(func.count(Key.id)).where(Key.revoked_at.is_(None), keys)
    waiting = select(func.count(Video.id)).where(Video.status.in_(OPEN), clips)
    return Effects(
        people=affected,
        others=(session.scalar(people) or 0) - affected,
        keys=session.scalar(good) or 0,
        clips=session.scalar(waiting) or 0,
        why_second=pauses.why_second(session, level, target_id) or "",
    )


def review_time_of_nine_in_ten(session: Session) -> float | None:
    """Within which time nine of ten decisions fell, from sharing on [s]; None before the first."""
    took = func.extract("epoch", ReviewDecision.effective_at - Share.created_at)
    query = (
        select(func.percentile_cont(0.9).within_group(took))
        .join(Share, Share.id == ReviewDecision.share_id)
        .where(ReviewDecision.effective_at.is_not(None))
    )
    found = session.scalar(query)
    return None if found is None else float(found)
