"""Tables of keys."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from unstrung.studio.database import Table


class Scope(StrEnum):
    """What a key may be used for."""

    READ = "read"
    GENERATE = "generate"
    SHARE = "share"
    ADMIN = "admin"


class Key(Table):
    """A key of a person; only its digest is kept."""

    __tablename__ = "keys"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("persons.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(200), comment="what the key is for")
    prefix: Mapped[str] = mapped_column(String(16), comment="first characters, to tell keys apart")
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True, comment="SHA-256 of the key")
    scopes: Mapped[list[Any]] = mapped_column(comment="what the key may be used for")
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None] = mapped_column(comment="to the minute")
    revoked_at: Mapped[datetime | None]
