"""Tables of the shelf: folders, and where each clip is kept."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from unstrung.studio.database import Table


class Folder(Table):
    """A folder of somebody's library."""

    __tablename__ = "folders"
    __table_args__ = (UniqueConstraint("person_id", "name"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("persons.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime]


class ShelfMark(Table):
    """What somebody noted about a clip of theirs; a clip without one is in no folder and has no star."""

    __tablename__ = "shelf_marks"
    __table_args__ = (
        Index(
            "ix_shelf_marks_folder", "folder_id", "video_id",
            postgresql_where=text("folder_id IS NOT NULL"),
        ),
        Index(
            "ix_shelf_marks_starred", "person_id", "video_id",
            postgresql_where=text("is_starred"),
        ),
    )  # fmt: skip

    video_id: Mapped[str] = mapped_column(
        ForeignKey("videos.id", ondelete="CASCADE"), primary_key=True
    )
    person_id: Mapped[str] = mapped_column(ForeignKey("persons.id", ondelete="CASCADE"))
    is_starred: Mapped[bool] = mapped_column(default=False)
    folder_id: Mapped[str | None] = mapped_column(ForeignKey("folders.id", ondelete="SET NULL"))
