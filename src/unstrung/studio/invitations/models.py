"""Tables of invitations."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from unstrung.studio.admission.models import ProgrammeRole
from unstrung.studio.database import Table, word_of


class Invitation(Table):
    """A way into a cohort; only the digest of its code is kept."""

    __tablename__ = "invitations"
    __table_args__ = (
        CheckConstraint("num_uses >= 0 AND num_uses <= max_uses", name="num_uses"),
        Index("ix_invitations_cohort_id", "cohort_id", "id"),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    cohort_id: Mapped[str] = mapped_column(ForeignKey("cohorts.id"))
    role: Mapped[ProgrammeRole] = mapped_column(word_of(ProgrammeRole))
    code_digest: Mapped[bytes | None] = mapped_column(
        LargeBinary, unique=True, comment="SHA-256; None until the applicant asks for the code"
    )
    max_uses: Mapped[int]
    num_uses: Mapped[int] = mapped_column(default=0)
    expires_at: Mapped[datetime] = mapped_column(
        comment="without the time that pauses of everybody give back"
    )
    note: Mapped[str] = mapped_column(Text, default="", comment="for stewards: whom it is for")
    hold_id: Mapped[str | None] = mapped_column(
        ForeignKey("seat_holds.id"), comment="the seat that is kept for it, if one is"
    )
    created_at: Mapped[datetime]
    created_by: Mapped[str | None] = mapped_column(
        String(64), comment="person, or None for the command line"
    )
    revoked_at: Mapped[datetime | None]
    declined_at: Mapped[datetime | None] = mapped_column(comment="only where it had one use")


class InvitationDecline(Table):
    """Why somebody did not come; not who, not by which invitation, and only on which day."""

    __tablename__ = "invitation_declines"
    __table_args__ = (Index("ix_invitation_declines_cohort_id", "cohort_id", "declined_on"),)

    # All chance: an id that begins with the time would say when.
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    cohort_id: Mapped[str] = mapped_column(ForeignKey("cohorts.id"))
    why: Mapped[str | None] = mapped_column(Text, comment="None if nothing was said")
    declined_on: Mapped[date]
