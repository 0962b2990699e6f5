"""Rules of sharing: the owner decides, nobody is asked first, and what waits does so on a clock.

A clip is private until its owner shares it. Then it is shared at once, unless it belongs to a listed class
whose action is review: it waits for a reviewer, and when the clock runs out it is released. Only what is
hard-illegal waits for a decision however long that takes. Whoever reads treats an overdue share as released,
so it is released to the second; `release_overdue` writes down what has happened.
"""

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from unstrung.studio.access import service as access
from unstrung.studio.access.models import Scope
from unstrung.studio.access.service import Caller
from unstrung.studio.assessments import service as assessments
from unstrung.studio.assessments.service import Assessor, Finding, ListedClass
from unstrung.studio.database import now
from unstrung.studio.errors import Conflict, NotFound
from unstrung.studio.identity import new_id
from unstrung.studio.log import service as log
from unstrung.studio.log.models import EntryKind
from unstrung.studio.pauses import service as pauses
from unstrung.studio.pauses.models import Level, Pause
from unstrung.studio.shares.models import Audience, Release, Share, ShareStatus
from unstrung.studio.videos import service as videos
from unstrung.studio.videos.models import Video

# In a signed link of somebody without a key; it names nobody.
ANYBODY: Final = "anybody"


@dataclass(frozen=True)
class ShareWish:
    """What an owner wants to share.

    Attributes:
        video_id: the clip.
        audience: with whom.
        revises: refused share that this clip takes the place of.
        note: words to the reviewer, should there be one.
        shows_prompt: whether its viewers read the prompt.
    """

    video_id: str
    audience: Audience
    revises: str | None = None
    note: str | None = None
    shows_prompt: bool = False


def share(
    session: Session, assessor: Assessor, caller: Caller, review_hours: int, wish: ShareWish
) -> Share:
    """Share a clip of the caller's own, at once unless a listed class asks for a reviewer.

    Args:
        session: of the transaction.
        assessor: knows the list, and reads the words of clips that were never assessed.
        caller: the owner.
        review_hours: after which a share that waits is released.
        wish: what is shared, and with whom.

    Raises:
        Forbidden, Paused: if the caller may not share anything.
        NotFound: if there is no such clip, or it is somebody else's.
        Conflict: if it is not completed, is shared already or was refused.
    """
    caller.must_have(Scope.SHARE)
    pauses.must_not_be_paused(session, caller)
    video = _own_clip(session, caller, wish.video_id)
    earlier = _earlier(session, video.id)
    _must_be_sharable(earlier)
    _check_revision(session, caller, wish)
    found = assessments.of_video(session, assessor, video)
    verdict = assessments.verdict(assessor, found.findings)
    moment = now()
    waits = bool(verdict.held) and not _is_cleared(earlier, wish.audience)
    shared = Share(
        id=new_id("share"),
        video_id=video.id,
        person_id=caller.person_id,
        audience=wish.audience,
        status=ShareStatus.WAITING if waits else ShareStatus.SHARED,
        token=secrets.token_urlsafe(32),
        held=[_told(*each) for each in verdict.held],
        labels=list(verdict.labels),
        is_hard_illegal=verdict.is_hard_illegal,
        note=wish.note,
        shows_prompt=wish.shows_prompt,
        revises=wish.revises,
        created_at=moment,
        due_at=moment + timedelta(hours=review_hours) if waits else None,
        release=None if waits else Release.AT_ONCE,
        released_at=None if waits else moment,
    )
    session.add(shared)
    session.flush()
    log.record(session, EntryKind.SHARED, _logged(shared), caller.person_id)
    return shared


def withdraw(session: Session, caller: Caller, share_id: str) -> Share:
    """Close a share of the caller's own at once; the clip stays, and so does what was decided.

    Raises:
        Forbidden: if the key may not.
        NotFound: if there is none, or it is somebody else's.
        Conflict: if it is withdrawn already.
    """
    caller.must_have(Scope.SHARE)
    get_share(session, caller, share_id)
    shared = locked(session, share_id)
    if shared.status == ShareStatus.WITHDRAWN:
        raise Conflict(f"The share '{share_id}' is withdrawn already.", "share_id")
    settle(session, shared)
    shared.status = ShareStatus.WITHDRAWN
    shared.withdrawn_at = now()
    session.flush()
    log.record(session, EntryKind.SHARE_WITHDRAWN, _logged(shared), caller.person_id)
    return shared


def get_share(session: Session, caller: Caller, share_id: str) -> Share:
    """A share of the caller's own, whatever its status.

    Raises:
        Forbidden: if the key may not.
        NotFound: if there is none, or it is somebody else's.
    """
    must_read(caller)
    videos.must_look_like_id(share_id, "share_id")
    shared = session.get(Share, share_id)
    if shared is None or shared.person_id != caller.person_id:
        raise _unknown(share_id)
    return shared


def list_shares(
    session: Session, caller: Caller, after: str | None, limit: int
) -> tuple[Sequence[Share], bool]:
    """A page of the caller's own shares, newest first, and whether there are more behind it.

    Raises:
        Forbidden: if the key may not.
    """
    must_read(caller)
    query = select(Share).where(Share.person_id == caller.person_id)
    if after is not None:
        videos.must_look_like_id(after, "after")
        query = query.where(Share.id < after)
    found = session.scalars(query.order_by(Share.id.desc()).limit(limit + 1)).all()
    return found[:limit], len(found) > limit


def of_video(session: Session, caller: Caller, video_id: str) -> Sequence[Share]:
    """The caller's own shares of a clip, newest first.

    Raises:
        Forbidden: if the key may not.
    """
    must_read(caller)
    query = select(Share).where(Share.person_id == caller.person_id, Share.video_id == video_id)
    return session.scalars(query.order_by(Share.id.desc())).all()


def revisable(session: Session, caller: Caller, limit: int = 20) -> Sequence[Share]:
    """The caller's own shares that were refused and stay so: what another clip may take the place of.

    Raises:
        Forbidden: if the key may not.
    """
    must_read(caller)
    query = select(Share).where(
        Share.person_id == caller.person_id,
        Share.refused_at.is_not(None),
        Share.reinstated_at.is_(None),
    )
    return session.scalars(query.order_by(Share.id.desc()).limit(limit)).all()


def viewer_of(session: Session, secret: str | None) -> str:
    """Whom a link to a shared clip names: the holder of a key, or anybody.

    Raises:
        Unauthenticated: if a key is given that is not good.
    """
    return ANYBODY if secret is None else access.recognise(session, secret).person_id


def list_public(
    session: Session, after: str | None, limit: int
) -> tuple[Sequence[tuple[Share, Video]], bool]:
    """A page of what is shared with everybody, newest first, and whether there is more behind it."""
    query = (
        select(Share, Video)
        .join(Video, Video.id == Share.video_id)
        .where(
            Share.audience == Audience.PUBLIC,
            # As the index has it; `is_visible` decides.
            Share.status.in_((ShareStatus.SHARED, ShareStatus.WAITING)),
            is_visible(),
        )
    )
    if after is not None:
        videos.must_look_like_id(after, "after")
        query = query.where(Share.id < after)
    rows = session.execute(query.order_by(Share.id.desc()).limit(limit + 1)).all()
    return [(row[0], row[1]) for row in rows[:limit]], len(rows) > limit


def shown(session: Session, share_id: str, token: str | None) -> tuple[Share, Video]:
    """A clip for the eyes of whoever asks, if it is shared with everybody or they hold its link.

    Raises:
        NotFound: in every other case, always in the same words.
    """
    shared, video = shown_by_link(session, share_id)
    holds_link = hmac.compare_digest((token or "").encode(), shared.token.encode())
    if shared.audience != Audience.PUBLIC and not holds_link:
        raise _unknown(share_id)
    return shared, video


def shown_by_link(session: Session, share_id: str) -> tuple[Share, Video]:
    """A clip whose signed link was good; that it is still shared is asked again.

    Raises:
        NotFound: if it is not.
    """
    videos.must_look_like_id(share_id, "share_id")
    query = (
        select(Share, Video)
        .join(Video, Video.id == Share.video_id)
        .where(Share.id == share_id, is_visible())
    )
    row = session.execute(query).one_or_none()
    if row is None:
        raise _unknown(share_id)
    return row[0], row[1]


def is_overdue(moment: datetime | None = None) -> ColumnElement[bool]:
    """The condition of a share that the clock has released, whether or not that is written down."""
    return and_(
        Share.status == ShareStatus.WAITING,
        Share.is_hard_illegal.is_(False),
        Share.due_at <= (moment or func.now()),
    )


def is_visible(moment: datetime | None = None) -> ColumnElement[bool]:
    """The condition of a share that may be seen by those whom it is shared with."""
    return or_(Share.status == ShareStatus.SHARED, is_overdue(moment))


def status_of(shared: Share, moment: datetime) -> ShareStatus:
    """Where a share stands now, by the clock."""
    return ShareStatus.SHARED if _is_due(shared, moment) else shared.status


def settle(session: Session, shared: Share) -> bool:
    """Write down that the clock has released a share, if it has; return whether it had."""
    if not _is_due(shared, now()):
        return False
    assert shared.due_at is not None
    shared.status, shared.release = ShareStatus.SHARED, Release.CLOCK
    shared.released_at = shared.due_at
    session.flush()
    log.record(session, EntryKind.SHARE_RELEASED, _logged(shared), shared.person_id)
    return True


def release_overdue(session: Session) -> list[str]:
    """Write down which shares the clock has released, and return their ids."""
    query = select(Share).where(is_overdue()).order_by(Share.due_at).limit(500)
    found = session.scalars(query.with_for_update(skip_locked=True)).all()
    return [shared.id for shared in found if settle(session, shared)]


# What reviews and appeals do with a share.


def find(session: Session, share_id: str) -> Share:
    """A share, whoever owns it.

    Raises:
        NotFound: if there is none.
    """
    videos.must_look_like_id(share_id, "share_id")
    shared = session.get(Share, share_id)
    if shared is None:
        raise _unknown(share_id)
    return shared


def locked(session: Session, share_id: str) -> Share:
    """A share that nobody else changes until the transaction is through.

    Raises:
        NotFound: if there is none.
    """
    videos.must_look_like_id(share_id, "share_id")
    shared = session.get(Share, share_id, with_for_update=True, populate_existing=True)
    if shared is None:
        raise _unknown(share_id)
    return shared


def must_read(caller: Caller) -> None:
    """Refuse a key that neither reads nor shares.

    Raises:
        Forbidden: naming the scope.
    """
    if not {Scope.SHARE, Scope.ADMIN} & caller.scopes:
        caller.must_have(Scope.READ)


def must_be_trusted(session: Session, caller: Caller) -> None:
    """Refuse a key that decides about others and only reads, or is stopped itself, or whose person is.

    A pause of a cohort or of everybody keeps nobody from reviewing, nor from hearing appeals against it.

    Raises:
        Forbidden, Paused: if it may not.
    """
    if Scope.ADMIN not in caller.scopes:
        caller.must_have(Scope.SHARE)
    own = select(Pause.id).where(
        pauses.in_force(),
        pauses.covers(caller.person_id, caller.key_id),
        Pause.level.in_((Level.KEY, Level.PERSON)),
    )
    if session.scalar(own.limit(1)) is not None:
        pauses.must_not_be_paused(session, caller)


def approve(session: Session, shared: Share) -> None:
    """Release a share that waits, since a reviewer has nothing against it."""
    assert shared.status == ShareStatus.WAITING
    shared.status, shared.release = ShareStatus.SHARED, Release.APPROVED
    shared.released_at, shared.claimed_until = now(), None
    session.flush()
    log.record(session, EntryKind.SHARE_RELEASED, _logged(shared), shared.person_id)


def refuse(session: Session, shared: Share, statement_id: str) -> None:
    """Refuse a share that waits; the clip stays its owner's, and private."""
    assert shared.status == ShareStatus.WAITING
    shared.status, shared.refused_at = ShareStatus.REFUSED, now()
    shared.statement_id, shared.claimed_until = statement_id, None
    session.flush()


def reinstate(session: Session, share_id: str) -> None:
    """Undo a refusal because an appeal was won; a share that its owner withdrew stays closed."""
    shared = locked(session, share_id)
    if shared.refused_at is None or shared.reinstated_at is not None:
        return
    shared.reinstated_at = now()
    if shared.status == ShareStatus.REFUSED:
        shared.status, shared.release = ShareStatus.SHARED, Release.APPEAL
        shared.released_at = shared.reinstated_at
    session.flush()
    log.record(session, EntryKind.SHARE_RELEASED, _logged(shared), shared.person_id)


def _own_clip(session: Session, caller: Caller, video_id: str) -> Video:
    """A completed clip of the caller's own: nobody shares for somebody else, admins included."""
    videos.must_look_like_id(video_id, "video_id")
    # Two requests to share the same clip go one after the other.
    video = session.get(Video, video_id, with_for_update=True)
    if video is None or video.person_id != caller.person_id:
        raise NotFound(f"There is no video '{video_id}'.", "video_id", "video_not_found")
    videos.must_be_completed(video)
    return video


def _earlier(session: Session, video_id: str) -> Sequence[Share]:
    query = select(Share).where(Share.video_id == video_id).order_by(Share.id.desc())
    return session.scalars(query).all()


def _must_be_sharable(earlier: Sequence[Share]) -> None:
    for each in earlier:
        if each.status in (ShareStatus.SHARED, ShareStatus.WAITING):
            raise Conflict(
                f"This clip has the share '{each.id}' already; withdraw that to share it otherwise.",
                "video_id",
                "share_exists",
            )
        if each.refused_at is not None and each.reinstated_at is None:
            raise Conflict(
                f"This clip was refused as '{each.id}'; appeal, or share another clip as its revision.",
                "video_id",
                "share_refused",
            )


def _check_revision(session: Session, caller: Caller, wish: ShareWish) -> None:
    if wish.revises is None:
        return
    refused = get_share(session, caller, wish.revises)
    if refused.refused_at is None or refused.reinstated_at is not None:
        raise Conflict(
            f"The share '{refused.id}' was not refused, so nothing revises it; leave 'revises' out.",
            "revises",
            "not_refused",
        )


def _is_cleared(earlier: Sequence[Share], audience: Audience) -> bool:
    """Whether the same clip was released before, for as many people or more: that answer stands."""
    return any(
        each.release not in (None, Release.AT_ONCE)
        and (each.audience == Audience.PUBLIC or each.audience == audience)
        for each in earlier
    )


def _is_due(shared: Share, moment: datetime) -> bool:
    """`is_overdue` for a row that is at hand."""
    is_waiting = shared.status == ShareStatus.WAITING and not shared.is_hard_illegal
    return is_waiting and shared.due_at is not None and shared.due_at <= moment


def _told(finding: Finding, risk: ListedClass) -> dict[str, Any]:
    begins, ends = finding.time_range or (None, None)
    return {
        "risk": risk.name,
        "what": risk.what,
        "is_hard_illegal": risk.is_hard_illegal,
        "rule": finding.rule,
        "passages": [asdict(passage) for passage in finding.passages],
        "starts_s": begins,
        "ends_s": ends,
    }


def _logged(shared: Share) -> dict[str, Any]:
    """What the log commits to."""
    return {
        "id": shared.id, "video_id": shared.video_id, "audience": str(shared.audience),
        "status": str(shared.status), "release": shared.release and str(shared.release),
        "classes": sorted({each["risk"] for each in shared.held}), "revises": shared.revises,
        "due_at": shared.due_at and shared.due_at.isoformat(),
    }  # fmt: skip


def _unknown(share_id: str) -> NotFound:
    return NotFound(f"There is no share '{share_id}'.", "share_id", "share_not_found")
