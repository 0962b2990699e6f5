import socket
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

import openai
import procrastinate
import pytest
from fastapi.testclient import TestClient
from procrastinate.jobs import Job
from sqlalchemy import select, text
from standardwebhooks import Webhook, WebhookVerificationError

from studio.conftest import People
from studio.receivers import Receiver, receiving
from unstrung.studio.access import service as access
from unstrung.studio.access.service import Caller
from unstrung.studio.database import Database, now
from unstrung.studio.errors import Conflict, Forbidden, NotFound, ServiceFault
from unstrung.studio.jobs import JobQueue
from unstrung.studio.settings import Settings
from unstrung.studio.videos.models import Kind, Status, Video
from unstrung.studio.webhooks import service
from unstrung.studio.webhooks.models import (
    DeliveryStatus,
    EventType,
    WebhookDelivery,
    WebhookEndpoint,
)
from unstrung.studio.webhooks.schemas import CreateWebhookEndpoint, UpdateWebhookEndpoint
from unstrung.studio.webhooks.service import WAITS_S, DeliveryFailed, DeliveryRetries

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

BOTH = [EventType.VIDEO_COMPLETED, EventType.VIDEO_FAILED]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A server on this machine."""
    with receiving() as found:
        yield found


@pytest.fixture
def owner(database: Database, people: People) -> Caller:
    """The owner."""
    with database.transaction() as session:
        return access.recognise(session, people.owner)


@pytest.fixture
def other(database: Database, people: People) -> Caller:
    """Somebody else."""
    with database.transaction() as session:
        return access.recognise(session, people.other)


Make = Callable[..., WebhookEndpoint]


@pytest.fixture
def subscribe(database: Database, settings: Settings, receiver: Receiver, owner: Caller) -> Make:
    """Adds an endpoint of the owner's."""

    def made(event_types: Sequence[EventType] = BOTH, caller: Caller = owner) -> WebhookEndpoint:
        asked = CreateWebhookEndpoint(name="mine", url=receiver.url, event_types=list(event_types))
        with database.transaction() as session:
            return service.create_endpoint(session, settings, caller, asked)

    return made


def _ended(caller: Caller, number: int = 1, status: Status = Status.COMPLETED) -> Video:
    return Video(
        id=f"video_{number:032x}", person_id=caller.person_id, kind=Kind.CREATE, model="mini",
        resolved_model="mini", prompt="a fox", size="64x64", seconds="1", characters=[],
        status=status, phase="done", progress=100, step=1, total_steps=1, attempt=1, revision=1,
        queue_start=0, queue_cost=1, created_at=now(), fingerprint=b"",
    )  # fmt: skip


def _announce(database: Database, video: Video) -> list[str]:
    """Announce a video, and return the ids of all deliveries there are."""
    with database.transaction() as session:
        service.announce(session, JobQueue(), video)
    with database.transaction() as session:
        return list(session.scalars(select(WebhookDelivery.id).order_by(WebhookDelivery.id)))


def _delivery(database: Database, delivery_id: str) -> WebhookDelivery:
    with database.transaction() as session:
        return session.get_one(WebhookDelivery, delivery_id)


def _endpoint(database: Database, endpoint_id: str) -> WebhookEndpoint:
    with database.transaction() as session:
        return session.get_one(WebhookEndpoint, endpoint_id)


def _num_jobs(database: Database) -> int:
    with database.transaction() as session:
        count: int = session.scalars(text("SELECT count(*) FROM procrastinate_jobs")).one()
        return count


# What an event is, and who is told.


def test_an_event_passes_the_checks_of_both_libraries(
    database: Database, settings: Settings, receiver: Receiver, owner: Caller, subscribe: Make
) -> None:
    endpoint = subscribe()
    [delivery_id] = _announce(database, _ended(owner))
    service.deliver(database, settings, delivery_id, 0)
    [(headers, body)] = receiver.received
    event = Webhook(endpoint.secret).verify(body, headers)
    assert event == {
        "id": headers["webhook-id"],
        "object": "event",
        "created_at": event["created_at"],
        "type": "video.completed",
        "data": {"id": _ended(owner).id},
    }
    client = openai.OpenAI(api_key="x", webhook_secret=endpoint.secret)
    unwrapped = client.webhooks.unwrap(body, headers)
    assert unwrapped.to_dict() == event
    with pytest.raises(openai.InvalidWebhookSignatureError):
        client.webhooks.unwrap(body + b" ", headers)
    assert headers["content-type"] == "application/json"
    kept = _delivery(database, delivery_id)
    assert (kept.status, kept.attempts, kept.status_code) == (DeliveryStatus.DELIVERED, 1, 200)
    assert kept.delivered_at is not None


def test_only_those_who_asked_are_told(
    database: Database, owner: Caller, other: Caller, subscribe: Make
) -> None:
    subscribe([EventType.VIDEO_COMPLETED])
    wanted = subscribe([EventType.VIDEO_FAILED])
    subscribe(BOTH, other)
    [delivery_id] = _announce(database, _ended(owner, status=Status.FAILED))
    kept = _delivery(database, delivery_id)
    assert (kept.endpoint_id, kept.event_type) == (wanted.id, EventType.VIDEO_FAILED)
    assert _num_jobs(database) == 1


def test_without_endpoints_nothing_is_written(database: Database, owner: Caller) -> None:
    assert _announce(database, _ended(owner)) == []
    assert _num_jobs(database) == 0


def test_the_same_end_is_announced_once(database: Database, owner: Caller, subscribe: Make) -> None:
    subscribe()
    subscribe()
    first = _announce(database, _ended(owner))
    assert _announce(database, _ended(owner)) == first
    assert len(first) == _num_jobs(database) == 2


def test_a_transaction_that_fails_announces_nothing(
    database: Database, owner: Caller, subscribe: Make
) -> None:
    subscribe()

    def failing() -> None:
        with database.transaction() as session:
            service.announce(session, JobQueue(), _ended(owner))
            raise RuntimeError("the video is not ours any more")

    with pytest.raises(RuntimeError, match="not ours"):
        failing()
    assert _num_jobs(database) == 0


def test_an_endpoint_cannot_vanish_while_an_end_is_announced(
    database: Database, owner: Caller, subscribe: Make
) -> None:
    endpoint_id = subscribe().id

    def delete_meanwhile() -> None:
        with database.transaction() as session:
            session.execute(text("SET LOCAL lock_timeout = '50ms'"))
            service.delete_endpoint(session, owner, endpoint_id)

    with database.transaction() as session:
        service.announce(session, JobQueue(), _ended(owner))
        with pytest.raises(ServiceFault):
            delete_meanwhile()
    assert _num_jobs(database) == 1


# Attempts.


def test_a_delivery_that_fails_is_tried_again_under_the_same_id(
    database: Database, settings: Settings, receiver: Receiver, owner: Caller, subscribe: Make
) -> None:
    subscribe()
    [delivery_id] = _announce(database, _ended(owner))
    receiver.statuses = [500]
    with pytest.raises(DeliveryFailed, match="answered 500"):
        service.deliver(database, settings, delivery_id, 0)
    failed = _delivery(database, delivery_id)
    assert (failed.status, failed.status_code) == (DeliveryStatus.PENDING, 500)
    assert failed.next_attempt_at is not None
    assert now() < failed.next_attempt_at < now() + timedelta(seconds=2 * WAITS_S[0])
    service.deliver(database, settings, delivery_id, 1)
    (first, first_body), (second, second_body) = receiver.received
    assert (first["webhook-id"], first_body) == (second["webhook-id"], second_body)
    kept = _delivery(database, delivery_id)
    assert (kept.status, kept.attempts, kept.error) == (DeliveryStatus.DELIVERED, 2, None)


def test_what_was_delivered_is_not_sent_again(
    database: Database, settings: Settings, receiver: Receiver, owner: Caller, subscribe: Make
) -> None:
    subscribe()
    [delivery_id] = _announce(database, _ended(owner))
    service.deliver(database, settings, delivery_id, 0)
    service.deliver(database, settings, delivery_id, 1)
    service.deliver(database, settings, "whd_gone", 0)
    assert len(receiver.received) == 1


def test_what_another_worker_delivered_meanwhile_stays_delivered(
    database: Database, settings: Settings, receiver: Receiver, owner: Caller, subscribe: Make
) -> None:
    subscribe()
    [delivery_id] = _announce(database, _ended(owner))
    receiver.meanwhile = [lambda: service.deliver(database, settings, delivery_id, 1)]
    receiver.statuses = [200, 500]  # the other worker's answer comes first
    with pytest.raises(DeliveryFailed):
        service.deliver(database, settings, delivery_id, 0)
    kept = _delivery(database, delivery_id)
    assert (kept.status, kept.attempts) == (DeliveryStatus.DELIVERED, 2)


def test_an_address_that_was_changed_meanwhile_is_not_disabled(
    database: Database, settings: Settings, receiver: Receiver, owner: Caller, subscribe: Make
) -> None:
    endpoint = subscribe()
    [delivery_id] = _announce(database, _ended(owner))

    def change() -> None:
        asked = UpdateWebhookEndpoint(url=f"{receiver.url}/new")
        with database.transaction() as session:
            service.update_endpoint(session, settings, owner, endpoint.id, asked)

    receiver.meanwhile, receiver.statuses = [change], [410]
    service.deliver(database, settings, delivery_id, 0)
    assert _endpoint(database, endpoint.id).disabled_at is None


@pytest.mark.parametrize("attempt", range(len(WAITS_S)))
def test_waits_grow_and_are_spread(
    database: Database, settings: Settings, receiver: Receiver, owner: Caller, subscribe: Make,
    attempt: int,
) -> None:  # fmt: skip
    subscribe()
    [delivery_id] = _announce(database, _ended(owner))
    receiver.statuses = [503]
    with pytest.raises(DeliveryFailed) as caught:
        service.deliver(database, settings, delivery_id, attempt)
    assert 0.8 * WAITS_S[attempt] <= caught.value.wait_s <= 1.2 * WAITS_S[attempt]


def test_after_the_last_attempt_it_is_given_up(
    database: Database, settings: Settings, receiver: Receiver, owner: Caller, subscribe: Make
) -> None:
    subscribe()
    [delivery_id] = _announce(database, _ended(owner))
    receiver.statuses = [500]
    service.deliver(database, settings, delivery_id, len(WAITS_S))
    kept = _delivery(database, delivery_id)
    assert (kept.status, kept.attempts) == (DeliveryStatus.FAILED, len(WAITS_S) + 1)
    assert kept.next_attempt_at is None
    assert "500" in (kept.error or "")


def test_gone_disables_the_endpoint_until_its_url_is_set(
    database: Database, settings: Settings, receiver: Receiver, owner: Caller, subscribe: Make
) -> None:
    endpoint = subscribe()
    first, second = (_announce(database, _ended(owner, number))[-1] for number in (1, 2))
    receiver.statuses = [410]
    service.deliver(database, settings, first, 0)
    assert _delivery(database, first).status == DeliveryStatus.FAILED
    assert _endpoint(database, endpoint.id).disabled_at is not None
    service.deliver(database, settings, second, 0)
    assert _delivery(database, second).status == DeliveryStatus.FAILED
    assert len(receiver.received) == 1
    assert len(_announce(database, _ended(owner, 3))) == 2
    with database.transaction() as session:
        asked = UpdateWebhookEndpoint(url=receiver.url)
        service.update_endpoint(session, settings, owner, endpoint.id, asked)
    assert len(_announce(database, _ended(owner, 4))) == 3


def test_redirects_are_not_followed(
    database: Database, settings: Settings, receiver: Receiver, owner: Caller, subscribe: Make
) -> None:
    subscribe()
    [delivery_id] = _announce(database, _ended(owner))
    receiver.statuses, receiver.headers = [302], {"location": receiver.url}
    with pytest.raises(DeliveryFailed, match="answered 302"):
        service.deliver(database, settings, delivery_id, 0)
    assert len(receiver.received) == 1


def test_a_receiver_that_is_away_is_a_failed_attempt(
    database: Database, settings: Settings, receiver: Receiver, owner: Caller, subscribe: Make
) -> None:
    endpoint = subscribe()
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with database.transaction() as session:
            session.get_one(WebhookEndpoint, endpoint.id).url = f"http://127.0.0.1:{port}/"
        [delivery_id] = _announce(database, _ended(owner))
        with pytest.raises(DeliveryFailed, match="cannot be reached"):
            service.deliver(database, settings, delivery_id, 0)
    assert _delivery(database, delivery_id).status_code is None


def test_an_address_is_checked_again_when_it_is_used(
    database: Database, settings: Settings, receiver: Receiver, owner: Caller, subscribe: Make
) -> None:
    subscribe()
    [delivery_id] = _announce(database, _ended(owner))
    strict = settings.model_copy(update={"private_webhooks": False})
    with pytest.raises(DeliveryFailed, match="https"):
        service.deliver(database, strict, delivery_id, 0)
    assert receiver.received == []


def test_retries_are_decided_by_the_delivery() -> None:
    job = Job(
        id=1, queue="webhooks", lock=None, queueing_lock=None, task_name="webhook.deliver",
        status="doing", attempts=0,
    )  # fmt: skip

    def wait_s(exception: Exception) -> float | None:
        decision = DeliveryRetries().get_retry_decision(exception=exception, job=job)
        if decision is None:
            return None
        assert isinstance(decision, procrastinate.RetryDecision)
        assert decision.retry_at is not None
        return (decision.retry_at - now()).total_seconds()

    assert wait_s(DeliveryFailed("no", 900)) == pytest.approx(900, abs=2)
    assert wait_s(ServiceFault("away")) == pytest.approx(5, abs=2)
    assert wait_s(RuntimeError("a bug")) is None


# Secrets.


def test_while_a_secret_is_rotated_both_sign(
    database: Database, settings: Settings, receiver: Receiver, owner: Caller, subscribe: Make
) -> None:
    old = subscribe()
    with database.transaction() as session:
        new = service.rotate_secret(session, owner, old.id, keep_old=True)
    first = _announce(database, _ended(owner, 1))[-1]
    service.deliver(database, settings, first, 0)
    headers, body = receiver.received[-1]
    for secret in (old.secret, new.secret):
        Webhook(secret).verify(body, headers)
        openai.OpenAI(api_key="x", webhook_secret=secret).webhooks.unwrap(body, headers)
    with database.transaction() as session:
        session.get_one(WebhookEndpoint, old.id).old_secret_until = now() - timedelta(seconds=1)
    second = _announce(database, _ended(owner, 2))[-1]
    service.deliver(database, settings, second, 0)
    headers, body = receiver.received[-1]
    Webhook(new.secret).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(old.secret).verify(body, headers)


def test_a_secret_that_is_not_kept_ends_at_once(
    database: Database, settings: Settings, receiver: Receiver, owner: Caller, subscribe: Make
) -> None:
    old = subscribe()
    with database.transaction() as session:
        service.rotate_secret(session, owner, old.id, keep_old=False)
    [delivery_id] = _announce(database, _ended(owner))
    service.deliver(database, settings, delivery_id, 0)
    headers, body = receiver.received[-1]
    with pytest.raises(WebhookVerificationError):
        Webhook(old.secret).verify(body, headers)


# Endpoints.


def test_others_endpoints_do_not_exist(
    database: Database, settings: Settings, other: Caller, subscribe: Make
) -> None:
    endpoint_id = subscribe().id
    calls: list[Callable[..., object]] = [
        lambda session: service.get_endpoint(session, other, endpoint_id),
        lambda session: service.list_endpoints(session, other, endpoint_id, 20),
        lambda session: service.delete_endpoint(session, other, endpoint_id),
        lambda session: service.rotate_secret(session, other, endpoint_id, keep_old=True),
        lambda session: service.sample_letter(session, other, endpoint_id, BOTH[0]),
        lambda session: service.update_endpoint(
            session, settings, other, endpoint_id, UpdateWebhookEndpoint(name="x")
        ),
    ]
    for call in calls:
        with database.transaction() as session, pytest.raises(NotFound) as caught:
            call(session)
        assert caught.value.code == "webhook_endpoint_not_found"
    with database.transaction() as session:
        assert service.list_endpoints(session, other, None, 20) == ([], False)


def test_a_key_that_may_only_read_changes_nothing(
    database: Database, settings: Settings, owner: Caller, subscribe: Make
) -> None:
    endpoint_id = subscribe().id
    reader = Caller(owner.person_id, owner.key_id, False, frozenset({"read"}))
    with database.transaction() as session:
        assert service.get_endpoint(session, reader, endpoint_id).id == endpoint_id
        with pytest.raises(Forbidden):
            service.delete_endpoint(session, reader, endpoint_id)
        with pytest.raises(Forbidden):
            service.rotate_secret(session, reader, endpoint_id, keep_old=True)
    with pytest.raises(Forbidden):
        subscribe(BOTH, reader)


def test_twenty_endpoints_are_enough(subscribe: Make) -> None:
    for _ in range(service.MAX_ENDPOINTS):
        subscribe()
    with pytest.raises(Conflict, match="At most 20") as caught:
        subscribe()
    assert caught.value.code == "too_many_webhook_endpoints"


def test_an_endpoint_takes_its_deliveries_with_it(
    database: Database, settings: Settings, receiver: Receiver, owner: Caller, subscribe: Make
) -> None:
    endpoint_id = subscribe().id
    [delivery_id] = _announce(database, _ended(owner))
    with database.transaction() as session:
        service.delete_endpoint(session, owner, endpoint_id)
    service.deliver(database, settings, delivery_id, 0)
    assert receiver.received == []


def test_an_update_that_changes_nothing_leaves_its_mark_nowhere(
    database: Database, settings: Settings, owner: Caller, subscribe: Make
) -> None:
    endpoint = subscribe()
    for name, is_change in (("mine", False), ("theirs", True)):
        with database.transaction() as session:
            asked = UpdateWebhookEndpoint(name=name)
            found = service.update_endpoint(session, settings, owner, endpoint.id, asked)
            assert (found.updated_at > endpoint.updated_at) == is_change
            assert found.url == endpoint.url


# Over the wire, with the unmodified client.


@pytest.fixture
def sdk(client: TestClient, people: People) -> openai.OpenAI:
    """The official client, whose requests end in this process."""
    return openai.OpenAI(
        api_key=people.owner, base_url="http://testserver/v1", max_retries=0, http_client=client
    )


def test_the_official_client_manages_endpoints(sdk: openai.OpenAI, receiver: Receiver) -> None:
    webhooks = sdk.webhooks
    assert webhooks.event_types.list().data == ["video.completed", "video.failed"]
    made = webhooks.create(name="mine", url=receiver.url, event_types=["video.completed"])
    assert Webhook(made.signing_secret)
    assert made.signing_secret_hint is not None
    assert made.signing_secret.endswith(made.signing_secret_hint[-4:])
    found = webhooks.retrieve(made.id)
    assert (found.object, found.name, found.url) == ("webhook_endpoint", "mine", receiver.url)
    assert "signing_secret" not in found.to_dict()
    changed = webhooks.update(made.id, name="ours", event_types=["video.failed"])
    assert (changed.name, changed.event_types) == ("ours", ["video.failed"])
    rotated = webhooks.rotate_secret(made.id, keep_old_secret_active_for_24_hours=True)
    assert rotated.signing_secret != made.signing_secret
    second = webhooks.create(name="second", url=receiver.url, event_types=["video.failed"])
    assert [each.id for each in webhooks.list(limit=1)] == [second.id, made.id]
    gone = webhooks.delete(made.id)
    assert (gone.id, gone.deleted, gone.object) == (made.id, True, "webhook_endpoint.deleted")
    with pytest.raises(openai.NotFoundError):
        webhooks.retrieve(made.id)


def test_the_official_client_sends_a_test(sdk: openai.OpenAI, receiver: Receiver) -> None:
    made = sdk.webhooks.create(name="mine", url=receiver.url, event_types=["video.completed"])
    receiver.statuses = [200, 503]
    for status in (200, 503):
        result = sdk.webhooks.test(made.id, event_type="video.failed")
        assert (result.object, result.success) == ("webhook_endpoint.test", True)
        assert (result.webhook_endpoint_id, result.status_code) == (made.id, status)
    headers, body = receiver.received[0]
    event = sdk.webhooks.unwrap(body, headers, secret=made.signing_secret)
    assert str(event.type) == "video.failed"
    sdk.webhooks.update(made.id, url="http://127.0.0.1:1/")
    with pytest.raises(openai.BadRequestError) as caught:
        sdk.webhooks.test(made.id, event_type="video.failed")
    assert caught.value.code == "address_unreachable"


def test_the_official_client_is_told_what_is_not_offered(
    sdk: openai.OpenAI, receiver: Receiver
) -> None:
    with pytest.raises(openai.BadRequestError, match=r"'video\.completed' or 'video\.failed'"):
        sdk.webhooks.create(name="mine", url=receiver.url, event_types=["batch.completed"])
    with pytest.raises(openai.NotFoundError):
        sdk.webhooks.test("whe_unknown", event_type="video.failed")


def test_the_fields_of_an_endpoint_are_checked(client: TestClient, receiver: Receiver) -> None:
    good = {"name": "mine", "url": receiver.url, "event_types": ["video.failed", "video.failed"]}
    for change, param in [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"name": " "}, "name"),
        ({"url": "ftp://example.com"}, "url"),
        ({"url": "x" * 3_000}, "url"),
        ({"event_types": []}, "event_types"),
        ({"event_types": ["batch.completed"]}, "event_types.0"),
        ({"color": "red"}, "color"),
    ]:
        response = client.post("/v1/webhook_endpoints", json={**good, **change})
        error = response.json()["error"]
        assert (response.status_code, error["param"]) == (400, param), error
        if param == "event_types.0":
            assert "'video.completed' or 'video.failed'" in error["message"]
    made = client.post("/v1/webhook_endpoints", json=good)
    assert made.status_code == 200
    assert made.json()["event_types"] == ["video.failed"]


def test_a_body_may_be_a_form(client: TestClient, receiver: Receiver) -> None:
    made = client.post(
        "/v1/webhook_endpoints",
        data={"name": "mine", "url": receiver.url, "event_types[]": ["video.completed"]},
    )
    assert made.status_code == 200, made.text
    path = f"/v1/webhook_endpoints/{made.json()['id']}/rotate_secret"
    rotated = client.post(path, data={"keep_old_secret_active_for_24_hours": "true"})
    assert rotated.json()["signing_secret"] != made.json()["signing_secret"]
    assert client.post(path).status_code == 200
