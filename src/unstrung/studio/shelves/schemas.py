"""Wire format of the shelf: what may be asked, and what is told."""

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, Field, StrictBool

from unstrung.studio.fields import StrictRequest, one_of
from unstrung.studio.shelves.models import Folder
from unstrung.studio.videos.models import Kind, Status
from unstrung.studio.videos.schemas import VideoObject

MOST_AT_ONCE: Final = 100
FolderName = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^\x00]*\S[^\x00]*$")]


class NameFolder(StrictRequest):
    """Make a folder, or give one another name."""

    name: FolderName


class MarkClips(StrictRequest):
    """Note something about clips of one's own; what is left out stays as it was."""

    video_ids: list[Annotated[str, Field(max_length=64)]] = Field(
        min_length=1, max_length=MOST_AT_ONCE
    )
    is_starred: StrictBool | None = None
    folder_id: str | None = Field(
        None, max_length=64, description="Where they go; 'none' takes them out of their folder."
    )


BODIES: Final = (NameFolder, MarkClips)


class ListShelf(StrictRequest):
    """Which clips are wanted."""

    search: str = Field(
        "", max_length=200, description="Parts of prompts or captions, all of them."
    )
    starred: bool = False
    folder: str | None = Field(None, max_length=64, description="Id of a folder.")
    status: Annotated[Status, BeforeValidator(one_of(Status))] | None = None
    kind: Annotated[Kind, BeforeValidator(one_of(Kind))] | None = None
    shared: bool | None = Field(None, description="Whether others can see it, or will.")
    order: Literal["asc", "desc"] = Field("desc", description="Oldest or newest first.")
    after: str | None = Field(None, max_length=64, description="Last clip of the page before.")
    limit: int = Field(20, ge=1, le=MOST_AT_ONCE, description="Most clips of the page.")


class FolderObject(BaseModel):
    """A folder."""

    id: str
    object: Literal["folder"] = "folder"
    name: str
    created_at: datetime


class FolderList(BaseModel):
    """Folders by name."""

    object: Literal["list"] = "list"
    data: list[FolderObject]


class FolderDeleted(BaseModel):
    """A folder is gone; its clips are not."""

    id: str
    object: Literal["folder.deleted"] = "folder.deleted"
    deleted: Literal[True] = True


class ShelfClip(BaseModel):
    """A clip of one's own with what was noted about it."""

    object: Literal["shelf.clip"] = "shelf.clip"
    video: VideoObject
    is_starred: bool
    folder_id: str | None
    is_shared: bool


class ShelfPage(BaseModel):
    """A page of clips."""

    object: Literal["list"] = "list"
    data: list[ShelfClip]
    last_id: str | None
    has_more: bool


class ClipsMarked(BaseModel):
    """Something was noted."""

    object: Literal["shelf.marked"] = "shelf.marked"
    marked: int


def folder_object(folder: Folder) -> FolderObject:
    """A row as it is told."""
    return FolderObject(id=folder.id, name=folder.name, created_at=folder.created_at)
