"""The table of the queue's clock."""

from sqlalchemy import BigInteger, CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from unstrung.studio.database import Table


class Queue(Table):
    """The clock of the queue: one row."""

    __tablename__ = "queue"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    virtual_time: Mapped[int] = mapped_column(
        BigInteger, comment="virtual start of the video that began last"
    )
