"""Rules of the shelf: everybody keeps their own clips in order, and finds them again among 100,000.

Search is for parts of words in any language. PostgreSQL's own trigrams know letters of one locale, and none
beyond ASCII in "C", so an index of our own holds every three characters that follow one another.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Text, cast, delete, exists, func, select
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Session

from unstrung.studio.access.models import Scope
from unstrung.studio.access.service import Caller
from unstrung.studio.accounts.models import Person
from unstrung.studio.database import now
from unstrung.studio.errors import Conflict, NotFound, TooMany
from unstrung.studio.identity import new_id
from unstrung.studio.shares.models import Share, ShareStatus
from unstrung.studio.shelves.models import Folder, ShelfMark
from unstrung.studio.videos import service as videos
from unstrung.studio.videos.models import Kind, Status, Video

MAX_FOLDERS: Final = 500
NO_FOLDER: Final = "none"
_MAX_WORDS: Final = 8
_OPEN_SHARES: Final = (ShareStatus.SHARED, ShareStatus.WAITING)


@dataclass(frozen=True)
class ShelfWish:
    """Which clips somebody wants to see.

    Attributes:
        search: parts of prompts or captions, all of which must be there.
        starred: only those with a star.
        folder_id: only those in a folder.
        statuses, kinds: only those; empty takes all.
        shared: only those that others can see or will, or only the others; None takes both.
        newest_first: order.
    """

    search: str = ""
    starred: bool = False
    folder_id: str | None = None
    statuses: tuple[Status, ...] = ()
    kinds: tuple[Kind, ...] = ()
    shared: bool | None = None
    newest_first: bool = True


@dataclass(frozen=True)
class Kept:
    """A clip with what was noted about it.

    Attributes:
        video: the clip.
        is_starred, folder_id: as noted.
        is_shared: whether others can see it, or will when a reviewer is through.
    """

    video: Video
    is_starred: bool
    folder_id: str | None
    is_shared: bool


def list_clips(
    session: Session, caller: Caller, wish: ShelfWish, after: str | None, limit: int
) -> tuple[list[Kept], bool]:
    """A page of the caller's own clips, and whether there are more behind it.

    Raises:
        NotFound: if there is no such folder.
    """
    caller.must_have(Scope.READ)
    query, key = select(Video).where(Video.person_id == caller.person_id), Video.id
    if wish.starred or wish.folder_id is not None:
        # The order comes from the index of the marks, so that a page costs a page.
        query = query.join(ShelfMark, ShelfMark.video_id == Video.id)
        query = query.where(ShelfMark.person_id == caller.person_id)
        key = ShelfMark.video_id
    if wish.folder_id is not None:
        folder = get_folder(session, caller, wish.folder_id)
        query = query.where(ShelfMark.folder_id == folder.id)
    if wish.starred:
        query = query.where(ShelfMark.is_starred)
    if wish.statuses:
        query = query.where(Video.status.in_(wish.statuses))
    if wish.kinds:
        query = query.where(Video.kind.in_(wish.kinds))
    if wish.shared is not None:
        shown = _is_shared()
        query = query.where(shown if wish.shared else ~shown)
    query = query.where(*_says(wish.search))
    if after is not None:
        videos.must_look_like_id(after, "after")
        query = query.where(key < after if wish.newest_first else key > after)
    order = key.desc() if wish.newest_first else key.asc()
    found = session.scalars(query.order_by(order).limit(limit + 1)).all()
    return _kept(session, found[:limit]), len(found) > limit


def own_clips(session: Session, caller: Caller, video_ids: Sequence[str]) -> Sequence[Video]:
    """Those of some clips that are the caller's own, newest first.

    Raises:
        NotFound: if one is not.
    """
    caller.must_have(Scope.READ)
    for video_id in video_ids:
        videos.must_look_like_id(video_id, "video_ids")
    query = select(Video).where(Video.id.in_(video_ids), Video.person_id == caller.person_id)
    found = session.scalars(query.order_by(Video.id.desc())).all()
    missing = set(video_ids) - {each.id for each in found}
    if missing:
        raise NotFound(f"There is no video '{min(missing)}'.", "video_ids", "video_not_found")
    return found


def mark(
    session: Session,
    caller: Caller,
    video_ids: Sequence[str],
    *,
    is_starred: bool | None = None,
    folder_id: str | None = None,
) -> int:
    """Note something about clips of the caller's own, and return about how many.

    Args:
        session: of the transaction.
        caller: whose clips they are.
        video_ids: of the clips.
        is_starred: None leaves it as it was.
        folder_id: where they go; `none` takes them out of their folder, None leaves them.

    Raises:
        Forbidden: if the key may only read.
        NotFound: if a clip or the folder is none of the caller's own.
    """
    caller.must_have(Scope.GENERATE)
    found = own_clips(session, caller, video_ids)
    values: dict[str, Any] = {} if is_starred is None else {"is_starred": is_starred}
    if folder_id is not None:
        is_out = folder_id == NO_FOLDER
        values["folder_id"] = None if is_out else get_folder(session, caller, folder_id).id
    if values and found:
        rows = [
            {"video_id": each.id, "person_id": each.person_id, "is_starred": False, **values}
            for each in found
        ]
        session.execute(
            insert(ShelfMark)
            .values(rows)
            .on_conflict_do_update(index_elements=["video_id"], set_=values)
        )
    return len(found)


def sharable(session: Session, caller: Caller, video_ids: Sequence[str]) -> list[str]:
    """Those of some clips of the caller's own that can be shared now: finished, and never shared yet."""
    taken = select(Share.video_id).where(
        Share.video_id.in_(video_ids), Share.status != ShareStatus.WITHDRAWN
    )
    has_share = set(session.scalars(taken))
    return [
        each.id
        for each in own_clips(session, caller, video_ids)
        if each.status == Status.COMPLETED and each.id not in has_share
    ]


def shared_of(session: Session, video_ids: Sequence[str]) -> set[str]:
    """Those of some clips that others can see, or will when a reviewer is through."""
    query = select(Share.video_id).where(
        Share.video_id.in_(video_ids), Share.status.in_(_OPEN_SHARES)
    )
    return {each for each in session.scalars(query) if each is not None}


def list_folders(session: Session, caller: Caller) -> Sequence[Folder]:
    """The caller's folders by name."""
    caller.must_have(Scope.READ)
    query = select(Folder).where(Folder.person_id == caller.person_id)
    return session.scalars(query.order_by(func.lower(Folder.name), Folder.id)).all()


def get_folder(session: Session, caller: Caller, folder_id: str) -> Folder:
    """A folder of the caller's own.

    Raises:
        NotFound: if there is none, or it is somebody else's.
    """
    caller.must_have(Scope.READ)
    videos.must_look_like_id(folder_id, "folder_id")
    folder = session.get(Folder, folder_id)
    if folder is None or folder.person_id != caller.person_id:
        raise NotFound(f"There is no folder '{folder_id}'.", "folder_id", "folder_not_found")
    return folder


def create_folder(session: Session, caller: Caller, name: str) -> Folder:
    """Make a folder.

    Raises:
        Forbidden: if the key may only read.
        Conflict: if there is one of that name.
        TooMany: if there are too many.
    """
    caller.must_have(Scope.GENERATE)
    session.get_one(Person, caller.person_id, with_for_update=True)
    known = list_folders(session, caller)
    if len(known) >= MAX_FOLDERS:
        raise TooMany(f"There are {MAX_FOLDERS} folders already; remove one first.", "name")
    shown = _free_name(known, name)
    made = Folder(id=new_id("folder"), person_id=caller.person_id, name=shown, created_at=now())
    session.add(made)
    session.flush()
    return made


def rename_folder(session: Session, caller: Caller, folder_id: str, name: str) -> Folder:
    """Give a folder another name.

    Raises:
        Forbidden, NotFound, Conflict: if it may not be.
    """
    caller.must_have(Scope.GENERATE)
    session.get_one(Person, caller.person_id, with_for_update=True)
    folder = get_folder(session, caller, folder_id)
    others = [each for each in list_folders(session, caller) if each.id != folder_id]
    folder.name = _free_name(others, name)
    session.flush()
    return folder


def delete_folder(session: Session, caller: Caller, folder_id: str) -> None:
    """Remove a folder; the clips in it stay, in none.

    Raises:
        Forbidden, NotFound: if it may not be.
    """
    caller.must_have(Scope.GENERATE)
    folder = get_folder(session, caller, folder_id)
    session.execute(delete(Folder).where(Folder.id == folder.id))


def _kept(session: Session, found: Sequence[Video]) -> list[Kept]:
    ids = [each.id for each in found]
    marks = {
        each.video_id: each
        for each in session.scalars(select(ShelfMark).where(ShelfMark.video_id.in_(ids)))
    }
    shared = shared_of(session, ids)
    return [
        Kept(
            each,
            each.id in marks and marks[each.id].is_starred,
            marks[each.id].folder_id if each.id in marks else None,
            each.id in shared,
        )
        for each in found
    ]


def _says(search: str) -> list[ColumnElement[bool]]:
    """The conditions of clips whose prompt or caption holds all of some parts."""
    parts = search.replace("\x00", " ").lower().split()[:_MAX_WORDS]
    conditions: list[ColumnElement[bool]] = [
        Video.words.contains(part, autoescape=True) for part in parts
    ]
    triples = sorted({part[i : i + 3] for part in parts for i in range(len(part) - 2)})
    if triples:
        held = func.trigrams_of(Video.words, type_=ARRAY(Text))
        conditions.append(held.contains(cast(triples, ARRAY(Text))))
    return conditions


def _is_shared() -> ColumnElement[bool]:
    return exists().where(Share.video_id == Video.id, Share.status.in_(_OPEN_SHARES))


def _free_name(known: Sequence[Folder], name: str) -> str:
    shown = " ".join(name.split())
    if any(each.name.lower() == shown.lower() for each in known):
        raise Conflict(f"There is a folder '{shown}' already.", "name", "folder_exists")
    return shown
