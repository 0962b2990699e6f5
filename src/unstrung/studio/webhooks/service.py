"""Rules about webhooks: endpoints and their secrets, announcing the end of a video, and delivering the news.

A delivery is at least once: its row and its job are written in the transaction that ends the video, every
attempt carries the same `webhook-id`, and a receiver that has seen the id may drop it. Signatures are those
of Standard Webhooks, which the closed API uses too, so that `client.webhooks.unwrap` verifies them.
"""

import base64
import json
import random
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Final

import procrastinate
import structlog
from procrastinate.jobs import Job
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from standardwebhooks import Webhook

from unstrung.studio.access.models import Scope
from unstrung.studio.access.service import Caller
from unstrung.studio.accounts.models import Person
from unstrung.studio.database import Database, now
from unstrung.studio.errors import Conflict, NotFound, ServiceFault, StudioError
from unstrung.studio.identity import new_id
from unstrung.studio.jobs import DELIVER_WEBHOOK, WEBHOOKS, JobQueue
from unstrung.studio.outbound import AddressRefused, Unreachable, check_public, post
from unstrung.studio.settings import Settings
from unstrung.studio.videos.models import OPEN, Status, Video
from unstrung.studio.webhooks.models import (
    DeliveryStatus,
    EventType,
    WebhookDelivery,
    WebhookEndpoint,
)
from unstrung.studio.webhooks.schemas import CreateWebhookEndpoint, UpdateWebhookEndpoint

MAX_ENDPOINTS: Final = 20
WAITS_S: Final = (5, 30, 2 * 60, 15 * 60, 3_600, 4 * 3_600)
TIMEOUT_S: Final = 10.0
OLD_SECRET_LIFE: Final = timedelta(hours=24)
_JITTER: Final = 0.2
_SECRET_BYTES: Final = 32
_TRY_AGAIN_S: Final = 5
_ID: Final = re.compile(r"whe_[0-9a-f]{32}")
_log = structlog.get_logger(__name__)


class DeliveryFailed(StudioError):
    """An attempt failed, and there is to be another.

    Attributes:
        wait_s: until then [s].
    """

    def __init__(self, message: str, wait_s: int) -> None:
        """Take the reason and the wait."""
        super().__init__(message)
        self.wait_s = wait_s


class DeliveryRetries(procrastinate.BaseRetryStrategy):
    """A delivery is tried again when `deliver` said, and soon if the database was away."""

    def get_retry_decision(
        self,
        *,
        exception: BaseException,
        job: Job,  # noqa: ARG002  (the interface is Procrastinate's)
    ) -> procrastinate.RetryDecision | None:
        """When to try again, or None for never."""
        if isinstance(exception, DeliveryFailed):
            return procrastinate.RetryDecision(retry_in={"seconds": exception.wait_s})
        if isinstance(exception, ServiceFault):
            return procrastinate.RetryDecision(retry_in={"seconds": _TRY_AGAIN_S})
        return None


@dataclass(frozen=True)
class Letter:
    """An event as it is sent to one endpoint, signed when it is sent.

    Attributes:
        event_id, payload: what is told.
        endpoint_id, url: who is told.
        secrets: that sign it, the newest first.
    """

    event_id: str
    payload: str
    endpoint_id: str
    url: str
    secrets: tuple[str, ...]


def create_endpoint(
    session: Session, settings: Settings, caller: Caller, asked: CreateWebhookEndpoint
) -> WebhookEndpoint:
    """Add an endpoint with a secret of its own.

    Raises:
        Forbidden: if the key may not.
        AddressRefused, Unreachable: if the address is not good.
        Conflict: if the caller has as many as there may be.
    """
    caller.must_have(Scope.GENERATE)
    # Before the session is used: no connection to the database waits for a look-up of a name.
    check_public(asked.url, settings.private_webhooks)
    # The person's row is the gate: endpoints of one person are counted by one request at a time.
    session.get_one(Person, caller.person_id, with_for_update={"key_share": True})
    own = WebhookEndpoint.person_id == caller.person_id
    count = session.scalar(select(func.count()).select_from(WebhookEndpoint).where(own)) or 0
    if count >= MAX_ENDPOINTS:
        raise Conflict(
            f"At most {MAX_ENDPOINTS} webhook endpoints may exist; delete one first.",
            code="too_many_webhook_endpoints",
        )
    moment = now()
    endpoint = WebhookEndpoint(
        id=new_id("whe"),
        person_id=caller.person_id,
        name=asked.name,
        url=asked.url,
        event_types=[str(each) for each in asked.event_types],
        secret=make_secret(),
        old_secret=None,
        old_secret_until=None,
        created_at=moment,
        updated_at=moment,
        disabled_at=None,
    )
    session.add(endpoint)
    session.flush()
    return endpoint


def get_endpoint(session: Session, caller: Caller, endpoint_id: str) -> WebhookEndpoint:
    """An endpoint of the caller's own.

    Raises:
        NotFound: if there is none, or it is somebody else's.
    """
    caller.must_have(Scope.READ)
    return _own(session, caller, endpoint_id)


def list_endpoints(
    session: Session, caller: Caller, after: str | None, limit: int
) -> tuple[Sequence[WebhookEndpoint], bool]:
    """A page of the caller's own endpoints, newest first, and whether there are more behind it.

    Raises:
        NotFound: if `after` is none of them.
    """
    caller.must_have(Scope.READ)
    query = select(WebhookEndpoint).where(WebhookEndpoint.person_id == caller.person_id)
    if after is not None:
        query = query.where(WebhookEndpoint.id < _own(session, caller, after, "after").id)
    found = session.scalars(query.order_by(WebhookEndpoint.id.desc()).limit(limit + 1)).all()
    return found[:limit], len(found) > limit


def update_endpoint(
    session: Session,
    settings: Settings,
    caller: Caller,
    endpoint_id: str,
    asked: UpdateWebhookEndpoint,
) -> WebhookEndpoint:
    """Change what was named; setting the address also turns an endpoint on again.

    Raises:
        Forbidden: if the key may not.
        AddressRefused, Unreachable: if the address is not good.
        NotFound: if there is none, or it is somebody else's.
    """
    caller.must_have(Scope.GENERATE)
    if asked.url is not None:
        check_public(asked.url, settings.private_webhooks)
    endpoint = _own(session, caller, endpoint_id, is_to_change=True)
    before = (endpoint.name, endpoint.url, endpoint.event_types, endpoint.disabled_at)
    if asked.name is not None:
        endpoint.name = asked.name
    if asked.url is not None:
        endpoint.url, endpoint.disabled_at = asked.url, None
    if asked.event_types is not None:
        endpoint.event_types = [str(each) for each in asked.event_types]
    if before != (endpoint.name, endpoint.url, endpoint.event_types, endpoint.disabled_at):
        endpoint.updated_at = now()
    return endpoint


def delete_endpoint(session: Session, caller: Caller, endpoint_id: str) -> None:
    """Remove an endpoint and what is on its way to it.

    Raises:
        Forbidden: if the key may not.
        NotFound: if there is none, or it is somebody else's.
    """
    caller.must_have(Scope.GENERATE)
    session.delete(_own(session, caller, endpoint_id, is_to_change=True))


def rotate_secret(
    session: Session, caller: Caller, endpoint_id: str, keep_old: bool
) -> WebhookEndpoint:
    """Give an endpoint a new secret; the old one also signs for 24 hours if it is kept.

    Raises:
        Forbidden: if the key may not.
        NotFound: if there is none, or it is somebody else's.
    """
    caller.must_have(Scope.GENERATE)
    endpoint = _own(session, caller, endpoint_id, is_to_change=True)
    moment = now()
    endpoint.old_secret = endpoint.secret if keep_old else None
    endpoint.old_secret_until = moment + OLD_SECRET_LIFE if keep_old else None
    endpoint.secret = make_secret()
    endpoint.updated_at = moment
    return endpoint


def make_secret() -> str:
    """A new secret in the form of Standard Webhooks."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"


def sample_letter(
    session: Session, caller: Caller, endpoint_id: str, event_type: EventType
) -> Letter:
    """A sample event for an endpoint, about a video that does not exist.

    Raises:
        Forbidden: if the key may not.
        NotFound: if there is none, or it is somebody else's.
    """
    caller.must_have(Scope.GENERATE)
    endpoint = _own(session, caller, endpoint_id)
    event_id = new_id("evt_test")
    payload = _payload(event_id, event_type, new_id("video_test"), int(now().timestamp()))
    return _letter(endpoint, event_id, payload)


def announce(session: Session, jobs: JobQueue, video: Video) -> None:
    """Have the end of a video told to the endpoints of its person, if this transaction comes through.

    Args:
        session: of the transaction that ends the video.
        jobs: where deliveries are enqueued.
        video: one that has ended.
    """
    assert video.status not in OPEN, f"{video.id} is {video.status}"
    is_completed = video.status == Status.COMPLETED
    event_type = EventType.VIDEO_COMPLETED if is_completed else EventType.VIDEO_FAILED
    # The lock keeps an endpoint that is being deleted from failing the transaction that ends the video.
    endpoint_ids = session.scalars(
        select(WebhookEndpoint.id)
        .where(
            WebhookEndpoint.person_id == video.person_id,
            WebhookEndpoint.disabled_at.is_(None),
            WebhookEndpoint.event_types.contains([str(event_type)]),
        )
        .with_for_update(read=True, key_share=True)
    ).all()
    if not endpoint_ids:
        return
    event_id = f"evt_{video.id.removeprefix('video_')}"
    moment = now()
    payload = _payload(event_id, event_type, video.id, int(moment.timestamp()))
    rows = [
        {
            "id": new_id("whd"),
            "endpoint_id": endpoint_id,
            "event_id": event_id,
            "event_type": event_type,
            "payload": payload,
            "status": DeliveryStatus.PENDING,
            "attempts": 0,
            "created_at": moment,
            "next_attempt_at": moment,
        }
        for endpoint_id in endpoint_ids
    ]
    statement = insert(WebhookDelivery).values(rows).on_conflict_do_nothing()
    for delivery_id in session.scalars(statement.returning(WebhookDelivery.id)).all():
        jobs.enqueue(session, DELIVER_WEBHOOK, WEBHOOKS, {"delivery_id": delivery_id})


def deliver(database: Database, settings: Settings, delivery_id: str, attempt: int) -> None:
    """Make one attempt at a delivery, and note what came of it; nothing if it is not wanted any more.

    Args:
        database: no transaction is open while the receiver is waited for.
        settings: say whether private addresses are good.
        delivery_id: of the delivery.
        attempt: attempts before this one.

    Raises:
        DeliveryFailed: if there is to be another attempt.
        ServiceFault: if the database cannot be reached.
    """
    with database.transaction() as session:
        letter = _open_letter(session, delivery_id)
    if letter is None:
        return
    status_code, problem = None, None
    try:
        status_code = send(settings, letter)
    except (AddressRefused, Unreachable) as error:
        problem = str(error)
    else:
        if not _is_good(status_code):
            problem = f"The endpoint answered {status_code}; it must answer 2xx."
    wait_s = None
    if problem is not None and status_code != HTTPStatus.GONE and attempt < len(WAITS_S):
        wait_s = round(WAITS_S[attempt] * random.uniform(1 - _JITTER, 1 + _JITTER))
    with database.transaction() as session:
        if status_code == HTTPStatus.GONE:
            _disable(session, letter)
        _note(session, delivery_id, attempt, status_code, problem, wait_s)
    if problem is None:
        return
    _log.info("webhook not delivered", delivery=delivery_id, reason=problem, wait_s=wait_s)
    if wait_s is not None:
        raise DeliveryFailed(problem, wait_s)


def send(settings: Settings, letter: Letter) -> int:
    """Sign a letter, send it, and return the status of the answer.

    Raises:
        AddressRefused: if the address has ceased to be good.
        Unreachable: if there was no answer.
    """
    moment = now()
    signatures = [
        Webhook(secret).sign(letter.event_id, moment, letter.payload) for secret in letter.secrets
    ]
    headers = {
        "content-type": "application/json",
        "webhook-id": letter.event_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
    return post(letter.url, letter.payload.encode(), headers, TIMEOUT_S, settings.private_webhooks)


def _own(
    session: Session,
    caller: Caller,
    endpoint_id: str,
    param: str = "webhook_endpoint_id",
    is_to_change: bool = False,
) -> WebhookEndpoint:
    endpoint = None
    if _ID.fullmatch(endpoint_id):
        endpoint = session.get(WebhookEndpoint, endpoint_id, with_for_update=is_to_change or None)
    if endpoint is None or endpoint.person_id != caller.person_id:
        raise NotFound(
            f"There is no webhook endpoint {endpoint_id[:64]!r}.",
            param,
            "webhook_endpoint_not_found",
        )
    return endpoint


def _payload(event_id: str, event_type: EventType, video_id: str, created_at: int) -> str:
    event = {
        "id": event_id,
        "object": "event",
        "created_at": created_at,
        "type": event_type,
        "data": {"id": video_id},
    }
    return json.dumps(event, separators=(",", ":"))


def _letter(endpoint: WebhookEndpoint, event_id: str, payload: str) -> Letter:
    signing = [endpoint.secret]
    until = endpoint.old_secret_until
    if endpoint.old_secret is not None and until is not None and now() < until:
        signing.append(endpoint.old_secret)
    return Letter(event_id, payload, endpoint.id, endpoint.url, tuple(signing))


def _open_letter(session: Session, delivery_id: str) -> Letter | None:
    """What is to be sent, or None for a delivery that is done, given up or gone."""
    query = (
        select(WebhookDelivery, WebhookEndpoint)
        .join(WebhookEndpoint, WebhookEndpoint.id == WebhookDelivery.endpoint_id)
        .where(WebhookDelivery.id == delivery_id, WebhookDelivery.status == DeliveryStatus.PENDING)
    )
    row = session.execute(query).one_or_none()
    if row is None:
        return None
    delivery, endpoint = row
    if endpoint.disabled_at is not None:
        delivery.status = DeliveryStatus.FAILED
        delivery.error = "The endpoint was disabled, as it answered 410 Gone."
        delivery.next_attempt_at = None
        return None
    return _letter(endpoint, delivery.event_id, delivery.payload)


def _disable(session: Session, letter: Letter) -> None:
    """Turn off an endpoint, unless its address was changed while it answered."""
    session.execute(
        update(WebhookEndpoint)
        .where(
            WebhookEndpoint.id == letter.endpoint_id,
            WebhookEndpoint.url == letter.url,
            WebhookEndpoint.disabled_at.is_(None),
        )
        .values(disabled_at=now())
    )


def _note(
    session: Session,
    delivery_id: str,
    attempt: int,
    status_code: int | None,
    problem: str | None,
    wait_s: int | None,
) -> None:
    """Write down what came of an attempt; what another worker has delivered meanwhile stays so."""
    delivery = session.get(WebhookDelivery, delivery_id, with_for_update=True)
    if delivery is None or delivery.status != DeliveryStatus.PENDING:
        return
    moment = now()
    delivery.attempts = attempt + 1
    delivery.status_code, delivery.error = status_code, problem
    delivery.next_attempt_at = None
    if problem is None:
        delivery.status, delivery.delivered_at = DeliveryStatus.DELIVERED, moment
    elif wait_s is None:
        delivery.status = DeliveryStatus.FAILED
    else:
        delivery.next_attempt_at = moment + timedelta(seconds=wait_s)


def _is_good(status_code: int) -> bool:
    return HTTPStatus.OK <= status_code < HTTPStatus.MULTIPLE_CHOICES
