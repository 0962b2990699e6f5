"""The library: everything of one's own, in order, and found again."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Final
from urllib.parse import urlencode

from fastapi import BackgroundTasks, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from unstrung.studio.dependencies import BodyOf
from unstrung.studio.fields import StrictRequest
from unstrung.studio.pages.clips import Clip, clips_of
from unstrung.studio.pages.site import PREFIX, Page
from unstrung.studio.pages.visits import Visit, VisitOf, go, own_path, page_router
from unstrung.studio.shares import service as shares
from unstrung.studio.shares.models import Audience
from unstrung.studio.shares.service import ShareWish
from unstrung.studio.shelves import service as shelves
from unstrung.studio.shelves.models import Folder
from unstrung.studio.shelves.schemas import MOST_AT_ONCE, NameFolder
from unstrung.studio.shelves.service import Kept, ShelfWish
from unstrung.studio.storage import Storage
from unstrung.studio.videos import service as videos
from unstrung.studio.videos.models import OPEN, Kind, Status
from unstrung.studio.zips import zipped

router = page_router()
LIBRARY: Final = f"{PREFIX}/library"
_PAGE: Final = 24
_STATUSES: Final = {"made": (Status.COMPLETED,), "open": OPEN, "failed": (Status.FAILED,)}


class Filters(BaseModel):
    """What of the library is wanted, as its address says it; what makes no sense is not asked."""

    q: str = ""
    starred: str = ""
    folder: str = ""
    status: str = ""
    kind: str = ""
    shared: str = ""
    order: str = ""

    @property
    def wish(self) -> ShelfWish:
        """The same, as the shelf takes it."""
        return ShelfWish(
            search=self.q[:200],
            starred=bool(self.starred),
            folder_id=self.folder or None,
            statuses=_STATUSES.get(self.status, ()),
            kinds=(Kind(self.kind),) if self.kind in set(Kind) else (),
            shared={"yes": True, "no": False}.get(self.shared),
            newest_first=self.order != "oldest",
        )

    def address(self, after: str = "") -> str:
        """Where this is."""
        said = {key: value for key, value in self.model_dump().items() if value}
        query = urlencode({**said, **({"after": after} if after else {})})
        return f"{LIBRARY}?{query}" if query else LIBRARY


class LibraryQuery(Filters):
    """Filters, and the rest of the address."""

    after: str | None = None
    chosen: str = ""
    said: str = ""
    n: int = 0


class ActOnClips(StrictRequest):
    """What the bar under the library does with the chosen clips."""

    act: str
    clips: list[str] = Field([], max_length=MOST_AT_ONCE)
    folder: str = ""
    audience: Audience = Audience.LINK
    shows_prompt: bool = False
    confirmed: bool = False
    next: str = ""


@dataclass(frozen=True)
class Shelved:
    """A clip in the library.

    Attributes:
        clip: as cards show it.
        kept: what was noted about it.
    """

    clip: Clip
    kept: Kept


@dataclass(frozen=True, kw_only=True)
class LibraryPage(Page):
    """A page of one's clips.

    Attributes:
        shelved: clips with what was noted about them.
        folders: by name.
        folder: that is open; None if none is.
        filters: what was asked.
        all_chosen: whether every clip is ticked.
        after: id to go on after; empty at the end.
        is_first: whether it is the first page.
        here: address of this page.
        said: what was just done, in a sentence; empty if nothing was.
    """

    template: ClassVar[str] = "library.html"
    shelved: list[Shelved]
    folders: Sequence[Folder]
    folder: Folder | None
    filters: Filters
    all_chosen: bool
    after: str
    is_first: bool
    here: str
    said: str = ""


@dataclass(frozen=True, kw_only=True)
class DeletePage(Page):
    """Asks once more before clips are gone.

    Attributes:
        clips: which.
        next: where to go on, either way.
        shared: how many others can see.
    """

    template: ClassVar[str] = "library_delete.html"
    clips: list[Clip] = field(default_factory=list)
    next: str
    shared: int


@router.get("/library")
def show_library(visit: VisitOf, asked: Annotated[LibraryQuery, Query()]) -> Response:
    """One's clips, searched and filtered."""
    filters = Filters(**asked.model_dump(include=set(Filters.model_fields)))
    session, caller = visit.session, visit.member
    kept, has_more = shelves.list_clips(session, caller, filters.wish, asked.after or None, _PAGE)
    folders = shelves.list_folders(session, caller)
    clips = clips_of(visit, [each.video for each in kept])
    page = LibraryPage(
        title=visit.say("Library"),
        shelved=[Shelved(*each) for each in zip(clips, kept, strict=True)],
        folders=folders,
        folder=next((each for each in folders if each.id == filters.folder), None),
        filters=filters,
        all_chosen=asked.chosen == "all",
        after=kept[-1].video.id if has_more else "",
        is_first=not asked.after,
        here=filters.address(asked.after or ""),
        said=_sentence(visit, asked.said, asked.n),
    )
    return visit.show(page)


@router.post("/library/act")
def act(visit: VisitOf, body: BodyOf, tasks: BackgroundTasks) -> Response:
    """Do something with the chosen clips."""
    asked = body.as_a(ActOnClips)
    onward = own_path(asked.next) if asked.next.startswith(LIBRARY) else LIBRARY
    if not asked.clips:
        return go(_after(onward, "nothing", 0))
    if asked.act == "download":
        return _download(visit, asked.clips)
    if asked.act == "delete":
        return _delete(visit, asked, onward, tasks)
    if asked.act == "share":
        return go(_after(onward, "shared", _share(visit, asked)))
    starred = {"star": True, "unstar": False}.get(asked.act)
    folder = (asked.folder or shelves.NO_FOLDER) if asked.act == "move" else None
    number = shelves.mark(
        visit.session, visit.member, asked.clips, is_starred=starred, folder_id=folder
    )
    return go(_after(onward, asked.act, number))


@router.post("/library/folders")
def create_folder(visit: VisitOf, body: BodyOf) -> Response:
    """Make a folder, and open it."""
    made = shelves.create_folder(visit.session, visit.member, body.as_a(NameFolder).name)
    return go(f"{LIBRARY}?folder={made.id}")


@router.post("/library/folders/{folder_id}/name")
def rename_folder(visit: VisitOf, body: BodyOf, folder_id: str) -> Response:
    """Give a folder another name."""
    shelves.rename_folder(visit.session, visit.member, folder_id, body.as_a(NameFolder).name)
    return go(f"{LIBRARY}?folder={folder_id}")


@router.post("/library/folders/{folder_id}/delete")
def delete_folder(visit: VisitOf, folder_id: str) -> Response:
    """Remove a folder; its clips stay."""
    shelves.delete_folder(visit.session, visit.member, folder_id)
    return go(_after(LIBRARY, "folder", 1))


def _download(visit: Visit, video_ids: Sequence[str]) -> Response:
    found = shelves.own_clips(visit.session, visit.member, video_ids)
    files = [(each.files["video"], f"{each.id}.mp4") for each in found if each.files]
    headers = {
        "content-disposition": 'attachment; filename="unstrung-clips.zip"',
        "cache-control": "private, no-store",
    }
    return StreamingResponse(zipped(visit.studio.storage, files), 200, headers, "application/zip")


def _delete(visit: Visit, asked: ActOnClips, onward: str, tasks: BackgroundTasks) -> Response:
    found = shelves.own_clips(visit.session, visit.member, asked.clips)
    if not asked.confirmed:
        shared = len(shelves.shared_of(visit.session, asked.clips))
        return visit.show(
            DeletePage(
                title=visit.say("Delete clips"), clips=clips_of(visit, found), next=onward,
                shared=shared,
            )
        )  # fmt: skip
    for each in found:
        files = videos.delete_video(visit.session, visit.studio.jobs, visit.member, each.id)
        # After the answer, and so after the transaction: one that failed must not have lost the files.
        tasks.add_task(_forget, visit.studio.storage, files)
    return go(_after(onward, "deleted", len(found)))


def _forget(storage: Storage, prefixes: Sequence[str]) -> None:
    for prefix in prefixes:
        storage.delete_prefix(prefix)


def _share(visit: Visit, asked: ActOnClips) -> int:
    """Share what can be; what is shared already, unfinished or was refused stays as it is."""
    chosen = shelves.sharable(visit.session, visit.member, asked.clips)
    for video_id in chosen:
        wish = ShareWish(video_id, asked.audience, shows_prompt=asked.shows_prompt)
        studio = visit.studio
        shares.share(
            visit.session, studio.assessor, visit.member, studio.settings.review_hours, wish
        )
    return len(chosen)


def _after(onward: str, said: str, number: int) -> str:
    """A page of the library that also says what was done."""
    path, _, query = onward.partition("?")
    kept = [each for each in query.split("&") if each and not each.startswith(("said=", "n="))]
    return f"{path}?{'&'.join([*kept, f'said={said}', f'n={number}'])}"


def _sentence(visit: Visit, said: str, number: int) -> str:
    words = visit.reader.language.words
    forms: dict[str, Any] = {
        "star": words.ngettext("%(num)s clip has a star.", "%(num)s clips have a star.", number),
        "unstar": words.ngettext(
            "%(num)s clip has no star now.", "%(num)s clips have no star now.", number
        ),
        "move": words.ngettext("%(num)s clip was moved.", "%(num)s clips were moved.", number),
        "deleted": words.ngettext("%(num)s clip is deleted.", "%(num)s clips are deleted.", number),
        "shared": words.ngettext(
            "%(num)s clip was shared; others that you chose stay as they were.",
            "%(num)s clips were shared; others that you chose stay as they were.",
            number,
        ),
        "folder": visit.say("The folder is gone; its clips are still here."),
        "nothing": visit.say("Tick clips first, then choose what to do with them."),
    }
    sentence = str(forms.get(said, ""))
    return (
        sentence % {"num": visit.reader.language.number(number)} if "%(" in sentence else sentence
    )
