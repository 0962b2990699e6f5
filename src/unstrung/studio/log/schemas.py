"""Wire format of the log."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from unstrung.studio.log.models import EntryKind, LogEntry


class ReceiptObject(BaseModel):
    """An act of the caller's, and where it stands in the log."""

    id: str
    object: Literal["receipt"] = "receipt"
    kind: EntryKind
    created_at: datetime
    position: int | None = Field(description="Place in the log; null until it is published.")


class ReceiptList(BaseModel):
    """Acts, newest first."""

    object: Literal["list"] = "list"
    data: list[ReceiptObject]
    has_more: bool


class LogObject(BaseModel):
    """What an outsider needs to check the log."""

    object: Literal["log"] = "log"
    origin: str
    key: str = Field(description="Verifier key, C2SP signed-note.")
    url: str = Field(description="Where checkpoint and tiles are, C2SP tlog-tiles.")


def receipt_object(entry: LogEntry) -> ReceiptObject:
    """An entry as its owner sees it in a list."""
    return ReceiptObject(
        id=entry.id, kind=entry.kind, created_at=entry.created_at, position=entry.position
    )
