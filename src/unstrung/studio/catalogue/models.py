"""Tables of models and of the workers that offer them."""

from datetime import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from unstrung.studio.database import Table


class Model(Table):
    """A model that a worker has offered, in the words of its own description."""

    __tablename__ = "models"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    description: Mapped[dict[str, Any]] = mapped_column(
        comment="engine.description.ModelDescription"
    )
    created_at: Mapped[datetime]
    offered_at: Mapped[datetime] = mapped_column(comment="when a worker last offered it")
    mean_run_s: Mapped[float | None] = mapped_column(
        comment="seconds that a video takes, a running mean; for forecasts"
    )


class Worker(Table):
    """A process that makes videos of one model."""

    __tablename__ = "workers"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    model: Mapped[str] = mapped_column(String(100))
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime] = mapped_column(index=True, comment="last sign of life")
