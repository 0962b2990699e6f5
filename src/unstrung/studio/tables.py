"""All tables, imported together so that the metadata is complete; for migrations and tests."""

from unstrung.studio.access.models import Key
from unstrung.studio.accounts.models import Person
from unstrung.studio.catalogue.models import Model, Worker
from unstrung.studio.database import Table
from unstrung.studio.queue.models import Queue
from unstrung.studio.videos.models import Character, Video
from unstrung.studio.webhooks.models import WebhookDelivery, WebhookEndpoint

metadata = Table.metadata

__all__ = [
    "Character",
    "Key",
    "Model",
    "Person",
    "Queue",
    "Video",
    "WebhookDelivery",
    "WebhookEndpoint",
    "Worker",
    "metadata",
]
