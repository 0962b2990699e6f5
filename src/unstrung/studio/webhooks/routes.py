"""Routes of webhooks: parse, call, tell."""

from typing import Annotated

from fastapi import APIRouter, Query

from unstrung.studio.access.models import Scope
from unstrung.studio.dependencies import BodyOf, CallerOf, StudioOf, Transaction, body_schema
from unstrung.studio.webhooks import service
from unstrung.studio.webhooks.models import EventType
from unstrung.studio.webhooks.schemas import (
    CreateWebhookEndpoint,
    ListWebhookEndpoints,
    RotateWebhookSecret,
    SendTestEvent,
    UpdateWebhookEndpoint,
    WebhookEndpointDeleted,
    WebhookEndpointList,
    WebhookEndpointObject,
    WebhookEndpointWithSecret,
    WebhookEventTypeList,
    WebhookTestResult,
    endpoint_object,
    with_secret,
)

router = APIRouter(prefix="/v1", tags=["webhooks"])


@router.get("/webhook_event_types")
def list_event_types(caller: CallerOf) -> WebhookEventTypeList:
    """Events that an endpoint can be told of."""
    caller.must_have(Scope.READ)
    return WebhookEventTypeList(data=list(EventType))


@router.post("/webhook_endpoints", openapi_extra=body_schema(CreateWebhookEndpoint))
def create_endpoint(
    studio: StudioOf, caller: CallerOf, body: BodyOf, session: Transaction
) -> WebhookEndpointWithSecret:
    """Have a server told; the answer alone holds the secret that signs what is sent."""
    asked = body.as_a(CreateWebhookEndpoint)
    return with_secret(service.create_endpoint(session, studio.settings, caller, asked))


@router.get("/webhook_endpoints")
def list_endpoints(
    caller: CallerOf, session: Transaction, wanted: Annotated[ListWebhookEndpoints, Query()]
) -> WebhookEndpointList:
    """The caller's own endpoints, newest first."""
    found, has_more = service.list_endpoints(session, caller, wanted.after, wanted.limit)
    return WebhookEndpointList(
        data=[endpoint_object(endpoint) for endpoint in found],
        first_id=found[0].id if found else None,
        last_id=found[-1].id if found else None,
        has_more=has_more,
    )


@router.get("/webhook_endpoints/{endpoint_id}")
def get_endpoint(caller: CallerOf, session: Transaction, endpoint_id: str) -> WebhookEndpointObject:
    """One endpoint."""
    return endpoint_object(service.get_endpoint(session, caller, endpoint_id))


@router.post("/webhook_endpoints/{endpoint_id}", openapi_extra=body_schema(UpdateWebhookEndpoint))
def update_endpoint(
    studio: StudioOf, caller: CallerOf, body: BodyOf, session: Transaction, endpoint_id: str
) -> WebhookEndpointObject:
    """Change name, address or events."""
    asked = body.as_a(UpdateWebhookEndpoint)
    changed = service.update_endpoint(session, studio.settings, caller, endpoint_id, asked)
    return endpoint_object(changed)


@router.delete("/webhook_endpoints/{endpoint_id}")
def delete_endpoint(
    caller: CallerOf, session: Transaction, endpoint_id: str
) -> WebhookEndpointDeleted:
    """Tell a server nothing any more; what is on its way to it is dropped."""
    service.delete_endpoint(session, caller, endpoint_id)
    return WebhookEndpointDeleted(id=endpoint_id)


@router.post(
    "/webhook_endpoints/{endpoint_id}/rotate_secret",
    openapi_extra=body_schema(RotateWebhookSecret),
)
def rotate_secret(
    caller: CallerOf, body: BodyOf, session: Transaction, endpoint_id: str
) -> WebhookEndpointWithSecret:
    """Give an endpoint a new secret, which this answer alone holds."""
    keep_old = body.as_a(RotateWebhookSecret).keep_old_secret_active_for_24_hours
    return with_secret(service.rotate_secret(session, caller, endpoint_id, keep_old))


@router.post("/webhook_endpoints/{endpoint_id}/test", openapi_extra=body_schema(SendTestEvent))
def send_test_event(
    studio: StudioOf, caller: CallerOf, body: BodyOf, endpoint_id: str
) -> WebhookTestResult:
    """Send a sample event here and now, and say what the endpoint answered."""
    asked = body.as_a(SendTestEvent)
    with studio.database.transaction() as session:
        letter = service.sample_letter(session, caller, endpoint_id, asked.event_type)
    # Only now: no transaction may wait for somebody else's server.
    status_code = service.send(studio.settings, letter)
    return WebhookTestResult(
        webhook_endpoint_id=endpoint_id, event_type=asked.event_type, status_code=status_code
    )
