"""Routes of the shelf: parse, call, tell."""

from typing import Annotated

from fastapi import APIRouter, Query

from unstrung.studio.dependencies import BodyOf, CallerOf, StudioOf, Transaction, body_schema
from unstrung.studio.shelves import service
from unstrung.studio.shelves.schemas import (
    ClipsMarked,
    FolderDeleted,
    FolderList,
    FolderObject,
    ListShelf,
    MarkClips,
    NameFolder,
    ShelfClip,
    ShelfPage,
    folder_object,
)
from unstrung.studio.telling import told_all

router = APIRouter(prefix="/programme/v1/shelf", tags=["shelf"])


@router.get("/clips")
def list_shelf(
    studio: StudioOf, caller: CallerOf, session: Transaction, wanted: Annotated[ListShelf, Query()]
) -> ShelfPage:
    """The caller's own clips, searched and filtered."""
    wish = service.ShelfWish(
        search=wanted.search, starred=wanted.starred, folder_id=wanted.folder,
        statuses=(wanted.status,) if wanted.status else (),
        kinds=(wanted.kind,) if wanted.kind else (),
        shared=wanted.shared, newest_first=wanted.order == "desc",
    )  # fmt: skip
    found, has_more = service.list_clips(session, caller, wish, wanted.after, wanted.limit)
    told = told_all(session, studio, caller, [each.video for each in found])
    data = [
        ShelfClip(
            video=video, is_starred=each.is_starred, folder_id=each.folder_id,
            is_shared=each.is_shared,
        )
        for each, video in zip(found, told, strict=True)
    ]  # fmt: skip
    return ShelfPage(data=data, last_id=told[-1].id if told else None, has_more=has_more)


@router.post("/clips", openapi_extra=body_schema(MarkClips))
def mark_clips(caller: CallerOf, body: BodyOf, session: Transaction) -> ClipsMarked:
    """Star clips, or put them into a folder; all of them, or none."""
    asked = body.as_a(MarkClips)
    marked = service.mark(
        session, caller, asked.video_ids, is_starred=asked.is_starred, folder_id=asked.folder_id
    )
    return ClipsMarked(marked=marked)


@router.get("/folders")
def list_folders(caller: CallerOf, session: Transaction) -> FolderList:
    """The caller's folders by name."""
    found = service.list_folders(session, caller)
    return FolderList(data=[folder_object(each) for each in found])


@router.post("/folders", openapi_extra=body_schema(NameFolder))
def create_folder(caller: CallerOf, body: BodyOf, session: Transaction) -> FolderObject:
    """Make a folder."""
    return folder_object(service.create_folder(session, caller, body.as_a(NameFolder).name))


@router.post("/folders/{folder_id}", openapi_extra=body_schema(NameFolder))
def rename_folder(
    caller: CallerOf, body: BodyOf, session: Transaction, folder_id: str
) -> FolderObject:
    """Give a folder another name."""
    name = body.as_a(NameFolder).name
    return folder_object(service.rename_folder(session, caller, folder_id, name))


@router.delete("/folders/{folder_id}")
def delete_folder(caller: CallerOf, session: Transaction, folder_id: str) -> FolderDeleted:
    """Remove a folder; the clips in it stay."""
    service.delete_folder(session, caller, folder_id)
    return FolderDeleted(id=folder_id)
