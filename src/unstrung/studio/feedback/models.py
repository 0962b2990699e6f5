"""Tables of feedback."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from unstrung.studio.database import Table, word_of


class FeedbackKind(StrEnum):
    """What a note is."""

    BUG = "bug"
    IDEA = "idea"
    PRAISE = "praise"
    QUESTION = "question"


class FeedbackStatus(StrEnum):
    """What became of a note."""

    NEW = "new"
    SEEN = "seen"
    PLANNED = "planned"
    DONE = "done"
    DECLINED = "declined"


class Feedback(Table):
    """A note on a stretch of a clip; it outlives the clip, since seed and model tell how to see it again."""

    __tablename__ = "feedback"
    __table_args__ = (
        Index("ix_feedback_person_id", "person_id", "id"),
        Index("ix_feedback_status", "status", "id"),
        Index("ix_feedback_video_id", "video_id"),
        CheckConstraint("starts_s >= 0 AND ends_s >= starts_s", name="stretch"),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[str] = mapped_column(
        ForeignKey("persons.id", ondelete="CASCADE"), comment="who wrote it"
    )
    video_id: Mapped[str | None] = mapped_column(
        ForeignKey("videos.id", ondelete="SET NULL"), comment="None once the clip is deleted"
    )
    model: Mapped[str] = mapped_column(String(100), comment="that made the clip")
    seed: Mapped[int | None] = mapped_column(BigInteger, comment="of the clip")
    starts_s: Mapped[float] = mapped_column(comment="from where in the clip [s]")
    ends_s: Mapped[float] = mapped_column(comment="until where [s]")
    kind: Mapped[FeedbackKind] = mapped_column(word_of(FeedbackKind))
    text: Mapped[str] = mapped_column(Text)
    is_credited: Mapped[bool] = mapped_column(
        comment="whether the person wants to be named with it; no, unless they said so"
    )
    status: Mapped[FeedbackStatus] = mapped_column(word_of(FeedbackStatus))
    reason: Mapped[str | None] = mapped_column(Text, comment="of the status, for who wrote it")
    created_at: Mapped[datetime]
    answered_at: Mapped[datetime | None] = mapped_column(comment="when the status was last set")
    answered_by: Mapped[str | None] = mapped_column(
        ForeignKey("persons.id", ondelete="SET NULL"), comment="steward"
    )
