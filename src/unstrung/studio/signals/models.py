"""Tables of signals."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from unstrung.studio.database import Table, word_of


class Step(StrEnum):
    """What follows from a score; a person decides from the last one on."""

    CONFIRM = "confirm"
    SUSPEND_KEY = "suspend-key"
    ASK_STEWARD = "ask-steward"


class Sighting(Table):
    """A key was used from a network with a program in some hour; digests, no addresses."""

    __tablename__ = "key_sightings"

    key_id: Mapped[str] = mapped_column(ForeignKey("keys.id", ondelete="CASCADE"), primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True, index=True)
    network: Mapped[bytes] = mapped_column(LargeBinary(8), primary_key=True)
    client: Mapped[bytes] = mapped_column(LargeBinary(8), primary_key=True)


class Signal(Table):
    """A score was reached; rows are kept, so that anybody concerned can ask why."""

    __tablename__ = "signals"
    __table_args__ = (
        Index("ix_signals_key_id", "key_id", "id"),
        Index("ix_signals_open", "id", postgresql_where=text("settled_at IS NULL")),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    key_id: Mapped[str] = mapped_column(ForeignKey("keys.id", ondelete="CASCADE"))
    person_id: Mapped[str] = mapped_column(ForeignKey("persons.id", ondelete="CASCADE"), index=True)
    step: Mapped[Step] = mapped_column(word_of(Step))
    score: Mapped[int]
    facts: Mapped[str] = mapped_column(Text, comment="what was counted, in a sentence")
    pause_id: Mapped[str | None] = mapped_column(String(64), comment="if the key was suspended")
    noted_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[str | None] = mapped_column(
        String(64), comment="steward, or the owner who confirmed"
    )
    outcome: Mapped[str | None] = mapped_column(Text)


class Canary(Table):
    """A key that was laid out and belongs to nobody; whoever uses it has read what was not theirs."""

    __tablename__ = "canaries"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True, comment="SHA-256 of the key")
    place: Mapped[str] = mapped_column(Text, comment="where it was laid out")
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(64))
    num_uses: Mapped[int] = mapped_column(default=0)
    last_used_at: Mapped[datetime | None]
    last_network: Mapped[bytes | None] = mapped_column(LargeBinary(8))
