"""Tables of assessments."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from unstrung.studio.database import Table


class Assessment(Table):
    """What was found in a clip when it was made, so that sharing it asks nobody and takes no time."""

    __tablename__ = "assessments"
    __table_args__ = (Index("ix_assessments_assessed_at", "assessed_at"),)

    video_id: Mapped[str] = mapped_column(
        ForeignKey("videos.id", ondelete="CASCADE"), primary_key=True
    )
    findings: Mapped[list[Any]] = mapped_column(
        comment="class, rule, passages of the prompt, seconds of the clip, score"
    )
    frames_note: Mapped[str | None] = mapped_column(
        Text, comment="why nobody looked at the frames; None if a classifier did"
    )
    assessed_at: Mapped[datetime]
    rules: Mapped[str] = mapped_column(String(16), comment="words, or words and frames")
