"""Tables of the charter."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from unstrung.studio.database import Table


class CharterStatus(StrEnum):
    """Where a published version stands; it follows from the time, so no column holds it."""

    UPCOMING = "upcoming"
    IN_FORCE = "in force"
    PAST = "past"


class CharterVersion(Table):
    """A version that was published; rows are never changed."""

    __tablename__ = "charter_versions"
    __table_args__ = (Index("ix_charter_versions_effective_at", "effective_at"),)

    version: Mapped[str] = mapped_column(String(16), primary_key=True, comment="such as 1.0")
    published_at: Mapped[datetime]
    published_by: Mapped[str] = mapped_column(String(64), comment="person, who was a steward then")
    effective_at: Mapped[datetime] = mapped_column(
        comment="from when it is the one in force, until that of a later version"
    )
    entry_id: Mapped[str] = mapped_column(String(64), comment="of the log")


class CharterText(Table):
    """A published version in one language, word for word; rows are never changed.

    Kept here, so that what was published stays what it was when files or settings change.
    """

    __tablename__ = "charter_texts"

    version: Mapped[str] = mapped_column(ForeignKey("charter_versions.version"), primary_key=True)
    language: Mapped[str] = mapped_column(String(8), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), comment="SHA-256 of the source, hexadecimal")
    source: Mapped[str] = mapped_column(Text, comment="Markdown with the operator's terms in it")


class CharterAcceptance(Table):
    """Somebody's yes to a version, in the words that they read."""

    __tablename__ = "charter_acceptances"
    __table_args__ = (UniqueConstraint("person_id", "version"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("persons.id", ondelete="CASCADE"))
    version: Mapped[str] = mapped_column(ForeignKey("charter_versions.version"))
    language: Mapped[str] = mapped_column(String(8), comment="in which it was read")
    digest: Mapped[str] = mapped_column(String(64), comment="of the text that was read")
    accepted_at: Mapped[datetime]
    entry_id: Mapped[str] = mapped_column(String(64), comment="of the log: the receipt")
