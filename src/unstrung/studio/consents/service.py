"""Rules of consents: no is where everybody begins, and the last word holds.

A video's own word goes before the general one. What may be exported for a use is asked here at the moment of
the export, so that a consent which was withdrawn a second ago counts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from unstrung.studio.access.models import Scope
from unstrung.studio.access.service import Caller
from unstrung.studio.accounts.models import Person
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.service import Right
from unstrung.studio.consents.models import Consent, Use
from unstrung.studio.consents.schemas import ConsentedVideo
from unstrung.studio.database import Database, now
from unstrung.studio.errors import NotFound
from unstrung.studio.log import service as log
from unstrung.studio.log.models import EntryKind
from unstrung.studio.videos.models import Status, Video

_BATCH: Final = 500


@dataclass(frozen=True)
class Words:
    """Somebody's consents.

    Attributes:
        general: use to yes or no, for everything.
        videos: id of a video to its own words.
        history: every change, oldest first.
    """

    general: dict[Use, bool]
    videos: dict[str, dict[Use, bool]]
    history: list[Consent]


def change(
    session: Session, caller: Caller, use: Use, given: bool, video_id: str | None
) -> Consent:
    """Give or withdraw a consent; to say the same again changes nothing and returns the first word.

    Args:
        session: of the transaction.
        caller: whose consent it is; nobody consents for somebody else.
        use: what for.
        given: yes or no.
        video_id: of one video; None for everything.

    Raises:
        Forbidden: if the key may only read.
        NotFound: if the video is none of the caller's own.
    """
    caller.must_have(Scope.GENERATE)
    if video_id is not None:
        owner = session.scalar(select(Video.person_id).where(Video.id == _plain(video_id)))
        if owner != caller.person_id:
            raise NotFound(f"There is no video '{video_id}'.", "video_id", "video_not_found")
    # The person's row is the gate: of two changes at once one comes after the other.
    session.get_one(Person, caller.person_id, with_for_update=True)
    last = session.scalar(_last(caller.person_id, use, video_id))
    if last is not None and last.given == given:
        return last
    kind = EntryKind.CONSENT_GIVEN if given else EntryKind.CONSENT_WITHDRAWN
    entry = log.record(session, kind, {"use": str(use), "video_id": video_id}, caller.person_id)
    consent = Consent(
        person_id=caller.person_id, use=use, video_id=video_id, given=given, decided_at=now(),
        entry_id=entry.id,
    )  # fmt: skip
    session.add(consent)
    session.flush()
    return consent


def words_of(session: Session, caller: Caller) -> Words:
    """The caller's own consents, now and before.

    Raises:
        Forbidden: if the key may not read.
    """
    caller.must_have(Scope.READ)
    query = select(Consent).where(Consent.person_id == caller.person_id).order_by(Consent.number)
    history = list(session.scalars(query))
    general = dict.fromkeys(Use, False)
    videos: dict[str, dict[Use, bool]] = {}
    for each in history:
        own = general if each.video_id is None else videos.setdefault(each.video_id, {})
        own[each.use] = each.given
    return Words(general, videos, history)


def of_video(session: Session, video: Video) -> dict[str, bool]:
    """What may be done with a video at this moment, use by use; goes into its file."""
    found = {}
    for use in Use:
        own = session.scalar(_last(video.person_id, use, video.id))
        word = own or session.scalar(_last(video.person_id, use, None))
        found[str(use)] = word is not None and word.given
    return found


def allowing(session: Session, use: Use, videos: Sequence[Video]) -> set[str]:
    """Ids of those of some videos that may be used so at this moment."""
    people = {each.person_id for each in videos}
    query = select(Consent).where(Consent.use == use, Consent.person_id.in_(people))
    concerned = or_(Consent.video_id.is_(None), Consent.video_id.in_([each.id for each in videos]))
    words: dict[tuple[str, str | None], bool] = {}
    for word in session.scalars(query.where(concerned).order_by(Consent.number)):
        words[word.person_id, word.video_id] = word.given
    return {
        each.id
        for each in videos
        if words.get((each.person_id, each.id), words.get((each.person_id, None), False))
    }


def must_be_exporter(session: Session, caller: Caller) -> None:
    """Refuse whoever may not take videos out for a use.

    Raises:
        Forbidden: if the caller may not.
    """
    caller.must_have(Scope.ADMIN)
    admission.must_have_right(session, caller.person_id, Right.EXPORT_CONSENTED)


def export(database: Database, use: Use) -> Iterator[ConsentedVideo]:
    """Completed videos whose owners consent to a use at this moment, oldest first, naming nobody.

    Consents are asked for anew with every few hundred videos, each time in a transaction of its own: no
    reader, however slow, holds one open.
    """
    after = ""
    while True:
        with database.transaction() as session:
            rows = session.execute(_consented(use, after)).all()
        yield from (_line(use, video, word) for video, word in rows)
        if len(rows) < _BATCH:
            return
        after = rows[-1][0].id


def _consented(use: Use, after: str) -> Select[Video, Consent]:
    """A batch of videos with the word that lets them go."""
    word, own, general = aliased(Consent), aliased(Consent), aliased(Consent)

    def last(each: Any, condition: Any) -> Any:
        asked = select(each.number).where(each.person_id == Video.person_id, each.use == use)
        return (
            asked.where(condition).order_by(each.number.desc()).limit(1)
            .correlate(Video).scalar_subquery()
        )  # fmt: skip

    own_word = last(own, own.video_id == Video.id)
    general_word = last(general, general.video_id.is_(None))
    return (
        select(Video, word)
        .join(word, word.number == func.coalesce(own_word, general_word))
        .where(word.given, Video.status == Status.COMPLETED, Video.id > after)
        .order_by(Video.id)
        .limit(_BATCH)
    )


def _last(person_id: str, use: Use, video_id: str | None) -> Select[Consent]:
    query = select(Consent).where(
        and_(
            Consent.person_id == person_id,
            Consent.use == use,
            Consent.video_id.is_(None) if video_id is None else Consent.video_id == video_id,
        )
    )
    return query.order_by(Consent.number.desc()).limit(1)


def _line(use: Use, video: Video, word: Consent) -> ConsentedVideo:
    recipe = video.recipe or {}
    return ConsentedVideo(
        video_id=video.id,
        use=use,
        consented_at=word.decided_at,
        covers="everything" if word.video_id is None else "this video",
        created_at=video.created_at,
        model=video.resolved_model,
        prompt=video.prompt,
        caption=recipe.get("caption"),
        size=video.size,
        seconds=video.seconds,
        seed=video.seed,
        recipe=recipe,
        content=f"/v1/videos/{video.id}/content",
    )


def _plain(text: str) -> str:
    """A text that the database can be asked for."""
    return text.replace("\x00", "")
