"""Tables of consents."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from unstrung.studio.database import Table, word_of


class Use(StrEnum):
    """What a consent is for; each is off until somebody switches it on."""

    BUG_WORK = "bug-work"
    PUBLICITY = "publicity"
    TRAINING = "training"
    METRICS = "metrics"


class Consent(Table):
    """One yes or no of somebody's, for everything or for one video; rows are never changed."""

    __tablename__ = "consents"
    __table_args__ = (Index("ix_consents_last", "person_id", "use", "video_id", "number"),)

    number: Mapped[int] = mapped_column(
        BigInteger, Identity(always=True), primary_key=True, comment="order: the last one holds"
    )
    person_id: Mapped[str] = mapped_column(ForeignKey("persons.id", ondelete="CASCADE"))
    use: Mapped[Use] = mapped_column(word_of(Use))
    video_id: Mapped[str | None] = mapped_column(
        String(64), comment="None for everything; the video may have been deleted since"
    )
    given: Mapped[bool]
    decided_at: Mapped[datetime]
    entry_id: Mapped[str] = mapped_column(String(64), comment="of the log: the receipt")
