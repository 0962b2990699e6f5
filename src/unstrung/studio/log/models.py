"""Tables of the transparency log."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from unstrung.studio.database import Table, word_of


class EntryKind(StrEnum):
    """What an entry of the log speaks of; public, so it names kinds of acts and nobody."""

    CHARTER_PUBLISHED = "charter.published"
    CHARTER_ACCEPTED = "charter.accepted"
    CONSENT_GIVEN = "consent.given"
    CONSENT_WITHDRAWN = "consent.withdrawn"
    CONFIDENCE_ASKED = "confidence.asked"
    CONFIDENCE_ACCEPTED = "confidence.accepted"
    CONFIDENCE_DECLINED = "confidence.declined"
    CONFIDENCE_ENDED = "confidence.ended"
    CONFIDENCE_LAPSED = "confidence.lapsed"
    LOTTERY_ANNOUNCED = "lottery.announced"
    LOTTERY_CLOSED = "lottery.closed"
    LOTTERY_DRAWN = "lottery.drawn"
    CRITERIA_PUBLISHED = "criteria.published"
    COHORT_CHANGED = "cohort.changed"
    APPLIED = "admission.applied"
    OFFERED = "admission.offered"
    ADMITTED = "admission.granted"
    REFUSED_ADMISSION = "admission.refused"
    REINSTATED = "admission.reinstated"
    LEFT = "person.left"
    ERASED = "person.erased"
    GATE_CHANGED = "gate.changed"
    STAGE_MOVED = "stage.moved"
    ROLE_GRANTED = "role.granted"
    ROLE_WITHDRAWN = "role.withdrawn"
    KEY_REVOKED = "key.revoked"
    PASSKEY_ADDED = "passkey.added"
    PASSKEY_REMOVED = "passkey.removed"
    SESSION_REPLAYED = "session.replayed"
    SESSIONS_ENDED = "session.all-ended"
    STATEMENT = "statement.issued"
    SHARED = "share.made"
    SHARE_RELEASED = "share.released"
    SHARE_WITHDRAWN = "share.withdrawn"
    REVIEW_DECIDED = "review.decided"
    APPEAL_LODGED = "appeal.lodged"
    APPEAL_DECIDED = "appeal.decided"
    PAUSE_PROPOSED = "pause.proposed"
    PAUSED = "pause.begun"
    RESUMED = "pause.ended"


class LogEntry(Table):
    """One act: a salted commitment that is public, and what was committed to, which is its owner's."""

    __tablename__ = "log_entries"
    __table_args__ = (
        Index("ix_log_entries_waiting", "number", postgresql_where=text("position IS NULL")),
        Index("ix_log_entries_person_id", "person_id", "number"),
    )

    number: Mapped[int] = mapped_column(
        BigInteger, Identity(always=True), primary_key=True, comment="order of being written"
    )
    id: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[EntryKind] = mapped_column(word_of(EntryKind))
    person_id: Mapped[str | None] = mapped_column(
        ForeignKey("persons.id", ondelete="SET NULL"), comment="whose receipt it is"
    )
    content: Mapped[dict[str, Any] | None] = mapped_column(
        comment="what was committed to; gone after erasure, while the commitment stays"
    )
    salt: Mapped[bytes | None] = mapped_column(LargeBinary, comment="gone after erasure")
    commitment: Mapped[bytes] = mapped_column(
        LargeBinary, unique=True, comment="SHA-256 of salt and content"
    )
    created_at: Mapped[datetime]
    position: Mapped[int | None] = mapped_column(
        BigInteger, unique=True, comment="place in the log; None until it is published"
    )
