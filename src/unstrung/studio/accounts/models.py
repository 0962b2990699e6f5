"""Tables of people."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from unstrung.studio.database import Table, word_of


class Role(StrEnum):
    """What a person is allowed."""

    MEMBER = "member"
    ADMIN = "admin"


class Person(Table):
    """Somebody who owns keys and videos."""

    __tablename__ = "persons"
    __table_args__ = (CheckConstraint("weight > 0", name="weight"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(200), comment="as the person wants to be called")
    role: Mapped[Role] = mapped_column(
        word_of(Role), comment="member, or admin: may see everybody's"
    )
    created_at: Mapped[datetime]
    weight: Mapped[float] = mapped_column(
        default=1.0, comment="share of the queue when it is full; 2 is twice the usual one"
    )
    num_videos: Mapped[int] = mapped_column(
        default=0,
        comment="videos ever asked for; deals them out over the person's places in the queue",
    )
