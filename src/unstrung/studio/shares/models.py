"""Tables of sharing."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from unstrung.studio.database import Table, word_of


class Audience(StrEnum):
    """Whom a clip is shared with."""

    LINK = "link"
    PUBLIC = "public"


class ShareStatus(StrEnum):
    """Where a share stands; a clip without one is private."""

    SHARED = "shared"
    WAITING = "waiting"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Release(StrEnum):
    """Why a clip may be seen."""

    AT_ONCE = "at_once"
    APPROVED = "approved"
    CLOCK = "clock"
    APPEAL = "appeal"


class Share(Table):
    """A clip that its owner shares; rows outlive clip and owner, since decisions about them are counted."""

    __tablename__ = "shares"
    __table_args__ = (
        Index("ix_shares_person_id", "person_id", "id"),
        Index("ix_shares_video_id", "video_id"),
        Index("ix_shares_waiting", "due_at", "id", postgresql_where=text("status = 'waiting'")),
        # A clip has one share at a time, whoever asks twice at once.
        Index(
            "uq_shares_open",
            "video_id",
            unique=True,
            postgresql_where=text("status IN ('shared', 'waiting')"),
        ),
        Index(
            "ix_shares_public",
            "id",
            postgresql_where=text("audience = 'public' AND status IN ('shared', 'waiting')"),
        ),
        CheckConstraint("(status = 'waiting') <= (due_at IS NOT NULL)", name="due_at"),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    video_id: Mapped[str | None] = mapped_column(
        ForeignKey("videos.id", ondelete="SET NULL"), comment="None once its owner deleted it"
    )
    person_id: Mapped[str | None] = mapped_column(
        ForeignKey("persons.id", ondelete="SET NULL"), comment="owner of the clip"
    )
    audience: Mapped[Audience] = mapped_column(word_of(Audience))
    status: Mapped[ShareStatus] = mapped_column(word_of(ShareStatus))
    token: Mapped[str] = mapped_column(String(64), comment="what makes its link unguessable")
    held: Mapped[list[Any]] = mapped_column(
        comment="findings for which it waited: class, rule, passages, seconds"
    )
    labels: Mapped[list[Any]] = mapped_column(comment="classes that viewers are told of")
    is_hard_illegal: Mapped[bool] = mapped_column(comment="whether no clock ever releases it")
    shows_prompt: Mapped[bool] = mapped_column(
        default=False, comment="whether its page says the prompt"
    )
    note: Mapped[str | None] = mapped_column(Text, comment="the owner's words to the reviewer")
    revises: Mapped[str | None] = mapped_column(
        ForeignKey("shares.id"), comment="refused share that this one takes the place of"
    )
    created_at: Mapped[datetime]
    due_at: Mapped[datetime | None] = mapped_column(
        comment="when it is released without a decision; None if it never waited"
    )
    release: Mapped[Release | None] = mapped_column(word_of(Release))
    released_at: Mapped[datetime | None]
    refused_at: Mapped[datetime | None] = mapped_column(comment="stays when that is overturned")
    reinstated_at: Mapped[datetime | None] = mapped_column(comment="when a refusal was overturned")
    withdrawn_at: Mapped[datetime | None]
    statement_id: Mapped[str | None] = mapped_column(ForeignKey("statements.id"))
    claimed_by: Mapped[str | None] = mapped_column(
        ForeignKey("persons.id", ondelete="SET NULL"), comment="reviewer who had it last"
    )
    claimed_until: Mapped[datetime | None]
