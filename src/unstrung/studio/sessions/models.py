"""Tables of sessions."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from unstrung.studio.database import Table, word_of


class Way(StrEnum):
    """How somebody signed in."""

    PASSKEY = "passkey"
    EMAIL = "email"
    OIDC = "oidc"
    INVITATION = "invitation"


class EndReason(StrEnum):
    """Why a session ended before its time."""

    SIGNED_OUT = "signed-out"
    ENDED_BY_PERSON = "ended-by-person"
    REPLACED = "replaced"
    REPLAYED = "replayed"
    WRONG_HOLDER = "wrong-holder"
    REVOKED = "revoked"


class PersonSession(Table):
    """Somebody's being signed in on one browser; its secrets are kept as digests only."""

    __tablename__ = "sessions"
    __table_args__ = (
        Index("ix_sessions_person_id", "person_id", "id"),
        Index("ix_sessions_expires_at", "expires_at"),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("persons.id", ondelete="CASCADE"))
    way: Mapped[Way] = mapped_column(word_of(Way))
    holder_digest: Mapped[bytes] = mapped_column(
        LargeBinary, comment="SHA-256 of the secret that the browser holds beside the token"
    )
    program: Mapped[str] = mapped_column(
        String(32), comment="family of the browser or program; the session is good in no other"
    )
    network: Mapped[bytes | None] = mapped_column(
        LargeBinary, comment="keyed digest of where it was opened; None if nobody saw"
    )
    created_at: Mapped[datetime]
    rotated_at: Mapped[datetime] = mapped_column(comment="when the present token was made")
    last_seen_at: Mapped[datetime] = mapped_column(comment="to the minute")
    expires_at: Mapped[datetime] = mapped_column(comment="however much it is used")
    fresh_until: Mapped[datetime | None] = mapped_column(
        comment="until when a steward may act without another passkey; None if none was used"
    )
    revoked_at: Mapped[datetime | None]
    end_reason: Mapped[EndReason | None] = mapped_column(word_of(EndReason))


class SessionToken(Table):
    """A token that a session has or had; old ones are kept so that their use gives a thief away."""

    __tablename__ = "session_tokens"
    __table_args__ = (Index("ix_session_tokens_session_id", "session_id"),)

    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True, comment="SHA-256")
    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"))
    made_at: Mapped[datetime]
    replaced_at: Mapped[datetime | None] = mapped_column(comment="None for the present one")
