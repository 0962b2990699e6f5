"""Tables of people's ways in: passkeys, e-mail addresses, outside identities, and what is under way."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from unstrung.studio.database import Table, word_of


class AttemptKind(StrEnum):
    """What a browser is in the middle of."""

    REGISTER_PASSKEY = "register-passkey"
    PASSKEY_LOGIN = "passkey-login"
    OIDC = "oidc"


class Passkey(Table):
    """A public key of somebody's authenticator (WebAuthn)."""

    __tablename__ = "passkeys"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("persons.id", ondelete="CASCADE"), index=True)
    credential_id: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary, comment="COSE")
    sign_count: Mapped[int] = mapped_column(
        BigInteger, comment="as the authenticator counts; one that does not go up was copied"
    )
    transports: Mapped[list[Any]] = mapped_column(comment="how a browser reaches it")
    name: Mapped[str] = mapped_column(String(100), comment="as the person calls it")
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None] = mapped_column(comment="to the minute")


class EmailAddress(Table):
    """An address that somebody can sign in by; no other table holds it but that of fresh links."""

    __tablename__ = "email_addresses"

    address: Mapped[str] = mapped_column(String(320), primary_key=True, comment="in small letters")
    person_id: Mapped[str] = mapped_column(ForeignKey("persons.id", ondelete="CASCADE"), index=True)
    verified_at: Mapped[datetime | None] = mapped_column(comment="when a link to it was followed")


class LoginLink(Table):
    """A link to sign in with; there is one too where nobody here has the address that was named."""

    __tablename__ = "login_links"
    __table_args__ = (
        Index("ix_login_links_address", "address", "created_at"),
        Index("ix_login_links_expires_at", "expires_at"),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True, comment="SHA-256 of its token")
    address: Mapped[str | None] = mapped_column(
        String(320), comment="where it was sent; None if it was handed over otherwise"
    )
    person_id: Mapped[str | None] = mapped_column(
        ForeignKey("persons.id", ondelete="CASCADE"),
        comment="whom it signs in; None for whoever has the address",
    )
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class OutsideIdentity(Table):
    """Somebody as an OpenID Connect issuer knows them; issuer and subject together, never an address."""

    __tablename__ = "outside_identities"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("persons.id", ondelete="CASCADE"), index=True)
    issuer: Mapped[str] = mapped_column(Text, comment="its address, as its tokens say")
    subject: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime]


class SignInAttempt(Table):
    """What a browser must bring back: a challenge of a passkey, or state, nonce and verifier of OIDC."""

    __tablename__ = "sign_in_attempts"
    __table_args__ = (Index("ix_sign_in_attempts_expires_at", "expires_at"),)

    digest: Mapped[bytes] = mapped_column(
        LargeBinary, primary_key=True, comment="SHA-256 of the secret in the browser's cookie"
    )
    kind: Mapped[AttemptKind] = mapped_column(word_of(AttemptKind))
    session_id: Mapped[str | None] = mapped_column(
        ForeignKey("sessions.id", ondelete="CASCADE"),
        comment="session that adds a way in; None to sign in",
    )
    content: Mapped[dict[str, Any]] = mapped_column(comment="what the answer is checked against")
    expires_at: Mapped[datetime]
