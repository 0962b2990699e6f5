"""Tables of webhooks."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from unstrung.studio.database import Table, word_of


class EventType(StrEnum):
    """What is told; the words of the closed API."""

    VIDEO_COMPLETED = "video.completed"
    VIDEO_FAILED = "video.failed"


class DeliveryStatus(StrEnum):
    """How far a delivery is."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class WebhookEndpoint(Table):
    """An address of a person's own that is told of events."""

    __tablename__ = "webhook_endpoints"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("persons.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    url: Mapped[str] = mapped_column(Text)
    event_types: Mapped[list[Any]] = mapped_column(comment="events that it is told of")
    # In clear, unlike keys: signing needs the secret itself, and a digest would be no use.
    secret: Mapped[str] = mapped_column(String(100), comment="whsec_..., signs what is sent")
    old_secret: Mapped[str | None] = mapped_column(
        String(100), comment="the one before, which also signs until old_secret_until"
    )
    old_secret_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime] = mapped_column(comment="last change of settings or secret")
    disabled_at: Mapped[datetime | None] = mapped_column(
        comment="when it answered 410 Gone; it is told nothing until its url is set again"
    )


class WebhookDelivery(Table):
    """One event on its way to one endpoint."""

    __tablename__ = "webhook_deliveries"
    # An event's id follows from its video, so that announcing the same end twice adds nothing.
    __table_args__ = (UniqueConstraint("endpoint_id", "event_id"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    endpoint_id: Mapped[str] = mapped_column(ForeignKey("webhook_endpoints.id", ondelete="CASCADE"))
    event_id: Mapped[str] = mapped_column(
        String(64), comment="evt_..., the webhook-id of every attempt"
    )
    event_type: Mapped[EventType] = mapped_column(word_of(EventType))
    payload: Mapped[str] = mapped_column(Text, comment="JSON, byte for byte as it is signed")
    status: Mapped[DeliveryStatus] = mapped_column(word_of(DeliveryStatus))
    attempts: Mapped[int] = mapped_column(default=0)
    status_code: Mapped[int | None] = mapped_column(comment="HTTP status of the last answer")
    error: Mapped[str | None] = mapped_column(Text, comment="why the last attempt failed")
    created_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]
    next_attempt_at: Mapped[datetime | None] = mapped_column(comment="about when it is tried again")
