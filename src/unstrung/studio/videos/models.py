"""Tables of videos and characters."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from unstrung.studio.database import Table, word_of


class Status(StrEnum):
    """How far a video is; the words of the closed API."""

    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"


OPEN = (Status.QUEUED, Status.IN_PROGRESS)


class Kind(StrEnum):
    """Which call asked for a video."""

    CREATE = "create"
    REMIX = "remix"
    EDIT = "edit"
    EXTEND = "extend"
    LOOP = "loop"
    RECUT = "recut"
    CONNECT = "connect"
    BLEND = "blend"
    STORYBOARD = "storyboard"


class Video(Table):
    """One clip: the request, its way through the queue, and the result."""

    __tablename__ = "videos"
    __table_args__ = (
        Index("ix_videos_person_id_id", "person_id", text("id DESC")),
        # Few videos are open at a time, so that the place in the queue does not cost more as the table grows.
        Index("ix_videos_queue", "queue_start", "id", postgresql_where=text("status = 'queued'")),
        Index(
            "ix_videos_open",
            "status",
            "person_id",
            postgresql_where=text("status IN ('queued', 'in_progress')"),
        ),
        Index("ix_videos_fingerprint", "person_id", "fingerprint", "created_at"),
        Index(
            "uq_videos_idempotency_key",
            "person_id",
            "idempotency_key",
            unique=True,
            postgresql_where=text("idempotency_key IS NOT NULL"),
        ),
        Index("ix_videos_trigrams", text("trigrams_of(words)"), postgresql_using="gin"),
        CheckConstraint("progress BETWEEN 0 AND 100", name="progress"),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("persons.id", ondelete="CASCADE"))
    key_id: Mapped[str | None] = mapped_column(
        String(64), comment="key that it was begun with; None if before keys were noted"
    )
    kind: Mapped[Kind] = mapped_column(word_of(Kind))
    model: Mapped[str] = mapped_column(String(100), comment="as it was asked for, such as sora-2")
    resolved_model: Mapped[str] = mapped_column(String(100), comment="the model behind that name")
    prompt: Mapped[str] = mapped_column(Text)
    size: Mapped[str] = mapped_column(String(16), comment="as it is delivered, WIDTHxHEIGHT [px]")
    seconds: Mapped[str] = mapped_column(String(16), comment="as it was asked for [s]")
    seed: Mapped[int | None] = mapped_column(BigInteger)
    num_steps: Mapped[int | None]
    guidance_scale: Mapped[float | None]
    verbatim: Mapped[bool] = mapped_column(default=False)
    reference_file: Mapped[str | None] = mapped_column(
        Text, comment="key of the picture or clip to begin from"
    )
    source_file: Mapped[str | None] = mapped_column(
        Text, comment="key of the clip that something is done to"
    )
    source_video_id: Mapped[str | None] = mapped_column(
        String(64), comment="video that this one came from"
    )
    second_file: Mapped[str | None] = mapped_column(
        Text, comment="key of the clip to connect with or to turn into"
    )
    second_video_id: Mapped[str | None] = mapped_column(
        String(64), comment="other video that this one came from"
    )
    is_backward: Mapped[bool] = mapped_column(
        default=False, comment="whether an extension leads to the clip"
    )
    strength: Mapped[str | None] = mapped_column(
        String(16), comment="how far an edit goes: a word, or a number above 0 and at most 1"
    )
    keep: Mapped[list[Any] | None] = mapped_column(
        comment="beginning and end of the stretch that a recut keeps [s]"
    )
    shots: Mapped[list[Any] | None] = mapped_column(
        comment="of a storyboard: beginning [s] and prompt of each"
    )
    characters: Mapped[list[Any]] = mapped_column(comment="ids of characters in it")

    status: Mapped[Status] = mapped_column(word_of(Status))
    phase: Mapped[str] = mapped_column(
        String(16), comment="queued, loading, denoising, encoding, done, paused"
    )
    progress: Mapped[int] = mapped_column(comment="percent")
    step: Mapped[int] = mapped_column(comment="denoising steps that are done")
    total_steps: Mapped[int]
    attempt: Mapped[int] = mapped_column(
        comment="fence: raised when a worker begins; only the worker that raised it last may publish"
    )
    handed_back: Mapped[int] = mapped_column(
        default=0,
        comment="attempts that ended because a worker was stopped, which are not held against it",
    )
    revision: Mapped[int] = mapped_column(comment="raised by every change; the id of its event")
    job_id: Mapped[int | None] = mapped_column(BigInteger, comment="of Procrastinate")
    queue_start: Mapped[int] = mapped_column(
        BigInteger, comment="virtual start time, see decision 0012"
    )
    queue_cost: Mapped[int] = mapped_column(BigInteger, comment="virtual time that it takes")

    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_message: Mapped[str | None] = mapped_column(Text)

    recipe: Mapped[dict[str, Any] | None] = mapped_column(
        comment="what the file says of how it was made"
    )
    result: Mapped[dict[str, Any] | None] = mapped_column(
        comment="native size, frames, seconds, notes, timings"
    )
    files: Mapped[dict[str, Any] | None] = mapped_column(comment="storage key of each variant")
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary, comment="SHA-256 of the request")
    idempotency_key: Mapped[str | None] = mapped_column(String(255))
    words: Mapped[str] = mapped_column(
        Text,
        Computed(
            "lower(left(prompt, 1600) || ' ' || left(coalesce(recipe ->> 'caption', ''), 400))",
            persisted=True,
        ),
        deferred=True,
        comment="beginnings of prompt and caption in small letters, for search",
    )


class Character(Table):
    """Somebody or something out of a clip, to be used in prompts by name."""

    __tablename__ = "characters"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("persons.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    file: Mapped[str] = mapped_column(Text, comment="storage key of the clip")
    created_at: Mapped[datetime]
