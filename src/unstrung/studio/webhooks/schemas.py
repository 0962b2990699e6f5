"""Wire format of webhooks: what may be asked, and what is told."""

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, StrictBool

from unstrung.studio.fields import StrictRequest
from unstrung.studio.outbound import MAX_URL_CHARACTERS
from unstrung.studio.webhooks.models import EventType, WebhookEndpoint

_HINT_CHARACTERS: Final = 4


def _printable(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise ValueError("must be readable text such as 'my server'")
    return value


def _event(value: object) -> EventType:
    # JSON is checked strictly, and there nothing is a member of an enumeration yet.
    for event_type in EventType:
        if value == event_type:
            return event_type
    raise ValueError(f"must be {' or '.join(map(repr, map(str, EventType)))}")


def _without_repeats(value: list[EventType]) -> list[EventType]:
    return list(dict.fromkeys(value))


Name = Annotated[
    str,
    Field(min_length=1, max_length=100, description="What the endpoint is called."),
    AfterValidator(_printable),
]
Url = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_URL_CHARACTERS,
        description="https address that is told; it must be public.",
        json_schema_extra={"format": "uri", "examples": ["https://example.com/hooks"]},
    ),
]
Event = Annotated[EventType, BeforeValidator(_event)]
EventTypes = Annotated[
    list[Event],
    Field(min_length=1, max_length=100, description="Events that it is told of."),
    AfterValidator(_without_repeats),
]


class CreateWebhookEndpoint(StrictRequest):
    """Ask for a server to be told."""

    name: Name
    url: Url
    event_types: EventTypes


class UpdateWebhookEndpoint(StrictRequest):
    """Change an endpoint; what is left out stays."""

    name: Name | None = None
    url: Url | None = Field(
        default=None,
        description="Setting it also turns an endpoint on again that answered 410 Gone.",
    )
    event_types: EventTypes | None = None


class RotateWebhookSecret(StrictRequest):
    """Ask for a new secret."""

    keep_old_secret_active_for_24_hours: StrictBool = Field(
        False, description="Sign with the old secret too, for 24 hours."
    )


class SendTestEvent(StrictRequest):
    """Ask for a sample event."""

    event_type: Event


BODIES: Final = (
    CreateWebhookEndpoint,
    UpdateWebhookEndpoint,
    RotateWebhookSecret,
    SendTestEvent,
)


class ListWebhookEndpoints(StrictRequest):
    """Which page of endpoints is wanted."""

    after: str | None = Field(
        None, max_length=64, description="Id of the last endpoint of the page before."
    )
    limit: int = Field(20, ge=0, le=100, description="Most endpoints of the page.")


class WebhookEndpointObject(BaseModel):
    """An endpoint, without its secret."""

    id: str
    object: Literal["webhook_endpoint"] = "webhook_endpoint"
    created_at: int
    updated_at: int
    name: str
    url: str
    event_types: list[EventType]
    signing_secret_hint: str
    # Ours; the SDKs hand unknown fields on.
    disabled_at: int | None = Field(
        description="When it answered 410 Gone; it is told nothing until its url is set again."
    )


class WebhookEndpointWithSecret(WebhookEndpointObject):
    """An endpoint with its secret, which is shown when it is made and never again."""

    signing_secret: str


class WebhookEndpointList(BaseModel):
    """A page of endpoints."""

    object: Literal["list"] = "list"
    data: list[WebhookEndpointObject]
    first_id: str | None
    last_id: str | None
    has_more: bool


class WebhookEndpointDeleted(BaseModel):
    """An endpoint is gone."""

    id: str
    object: Literal["webhook_endpoint.deleted"] = "webhook_endpoint.deleted"
    deleted: Literal[True] = True


class WebhookTestResult(BaseModel):
    """What an endpoint answered to a sample event."""

    object: Literal["webhook_endpoint.test"] = "webhook_endpoint.test"
    webhook_endpoint_id: str
    event_type: EventType
    status_code: int = Field(description="HTTP status of the endpoint's answer, good or bad.")
    success: Literal[True] = True


class WebhookEventTypeList(BaseModel):
    """Events that can be told."""

    object: Literal["list"] = "list"
    data: list[EventType]


def endpoint_object(endpoint: WebhookEndpoint) -> WebhookEndpointObject:
    """A row as it is told."""
    return WebhookEndpointObject(
        id=endpoint.id,
        created_at=int(endpoint.created_at.timestamp()),
        updated_at=int(endpoint.updated_at.timestamp()),
        name=endpoint.name,
        url=endpoint.url,
        event_types=endpoint.event_types,
        signing_secret_hint=f"whsec_...{endpoint.secret[-_HINT_CHARACTERS:]}",
        disabled_at=int(endpoint.disabled_at.timestamp()) if endpoint.disabled_at else None,
    )


def with_secret(endpoint: WebhookEndpoint) -> WebhookEndpointWithSecret:
    """A row as it is told once, when its secret is new."""
    return WebhookEndpointWithSecret(
        **endpoint_object(endpoint).model_dump(), signing_secret=endpoint.secret
    )
