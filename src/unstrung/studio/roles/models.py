"""Tables of roles that were taken back."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from unstrung.studio.admission.models import ProgrammeRole
from unstrung.studio.database import Table, word_of


class RoleWithdrawal(Table):
    """A role that was taken back, or that waits for a second steward to be; rows are never deleted."""

    __tablename__ = "role_withdrawals"
    __table_args__ = (Index("ix_role_withdrawals_person_id", "person_id", "role"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("persons.id", ondelete="CASCADE"))
    role: Mapped[ProgrammeRole] = mapped_column(word_of(ProgrammeRole))
    reason: Mapped[str] = mapped_column(Text, comment="told to the person")
    proposed_at: Mapped[datetime]
    proposed_by: Mapped[str | None] = mapped_column(
        String(64), comment="person, or None for the command line"
    )
    withdrawn_at: Mapped[datetime | None] = mapped_column(comment="None while it waits")
    seconded_by: Mapped[str | None] = mapped_column(String(64))
