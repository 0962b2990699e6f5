"""What anybody may call: every such route is counted by address, and no body grows above its limit."""

import asyncio
import itertools
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from starlette.requests import Request

from studio.conftest import People
from unstrung.studio.app import _routers, create_app
from unstrung.studio.dependencies import caller_of
from unstrung.studio.errors import BodyTooLarge
from unstrung.studio.making import Workshop
from unstrung.studio.settings import Settings
from unstrung.studio.visitors import guest_of, reader_of, visitor_of
from unstrung.studio.wire import read_body

# Routes that neither ask who calls nor count, each with its reason.
UNCOUNTED = {
    "/healthz": "says only that the process answers",
    "/readyz": "for whoever runs the studio; a proxy keeps it from the world",
    "/metrics": "for whoever runs the studio; a proxy keeps it from the world",
    "/programme/v1/log/checkpoint": "a small file, which auditors read again and again",
    "/programme/v1/log/tile/{path:path}": "small files, which auditors read by the thousand",
    "/": "leads to the first page",
    "/favicon.ico": "leads to the mark",
    "/studio/static/{name:path}": "small files from memory, which every page asks for",
    "/v1/files/{video_id}/{variant}": "players ask in parts; without a good signature nothing is looked up",
    "/programme/v1/shared/{share_id}/files/{variant}": "the same",
    "/programme/v1/hearings/{appeal_id}/files/{variant}": "the same",
    "/programme/v1/reviews/{share_id}/{which}/{variant}": "the same",
}
SIGNED = [path for path in UNCOUNTED if path.endswith("{variant}")]


def depends_on(dependant: Dependant, calls: set[Any]) -> bool:
    return any(each.call in calls or depends_on(each, calls) for each in dependant.dependencies)


def routes() -> list[APIRoute]:
    return [each for router in _routers() for each in router.routes if isinstance(each, APIRoute)]


def test_every_route_that_anybody_may_call_is_counted_by_address() -> None:
    counted = {caller_of, visitor_of, reader_of, guest_of}
    free = {each.path for each in routes() if not depends_on(each.dependant, counted)}
    assert free - set(UNCOUNTED) == set(), "count it, or say in UNCOUNTED why not"
    assert set(UNCOUNTED) - free == set(), "a reason that is not needed any more"


def test_whoever_only_guesses_a_signature_is_refused_before_anything_is_looked_up(
    workshop: Workshop, settings: Settings
) -> None:
    assert workshop.settings is settings
    nowhere = settings.model_copy(
        update={"database_url": "postgresql:///none?host=/no/such/folder"}
    )
    client = TestClient(create_app(nowhere), raise_server_exceptions=False)
    assert client.get("/programme/v1/pauses").status_code == 503
    query = {"viewer": "person_1", "expires": "9999999999", "signature": "A" * 43}
    for path in SIGNED:
        filled = path.replace("{variant}", "video").replace("{which}", "clip")
        answer = client.get(filled.replace("{", "").replace("}", ""), params=query)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "link_refused"), path


def test_whoever_reads_too_often_is_told_to_wait_and_may_still_sign_in(
    workshop: Workshop, settings: Settings, people: People
) -> None:
    assert people
    slow = settings.model_copy(update={"requests_per_minute": 2})
    assert workshop.settings is settings
    with TestClient(create_app(slow)) as client:
        statuses = [client.get("/programme/v1/pauses").status_code for _ in range(3)]
        refused = client.get("/programme/v1/statements/export")
        signing_in = client.get("/programme/v1/session/oidc")
    assert statuses == [200, 200, 429]
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    assert signing_in.status_code == 200


FORM = (
    b'--b\r\ncontent-disposition: form-data; name="video"; filename="x.mp4"\r\n'
    b"content-type: video/mp4\r\n\r\n"
)


@pytest.mark.parametrize(
    ("kind", "first"),
    [
        ("multipart/form-data; boundary=b", FORM),
        ("application/x-www-form-urlencoded", b"prompt="),
        ("application/json", b'{"prompt": "'),
    ],
)
def test_a_body_of_untold_length_is_cut_off_at_the_limit(kind: str, first: bytes) -> None:
    received = 0
    chunks = itertools.chain([first], itertools.repeat(b"x" * 10_000))

    async def receive() -> dict[str, Any]:
        nonlocal received
        body = next(chunks)
        received += len(body)
        return {"type": "http.request", "body": body, "more_body": True}

    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", kind.encode())]}
    with pytest.raises(BodyTooLarge):
        asyncio.run(read_body(Request(scope, receive), 200_000))
    assert received <= 200_000 + 10_000


def test_an_application_of_untold_length_is_refused(client: TestClient) -> None:
    def endless() -> Any:
        yield FORM
        yield b"x" * 300_000
        yield b"\r\n--b--\r\n"

    answer = client.post(
        "/programme/v1/applications", content=endless(),
        headers={"content-type": "multipart/form-data; boundary=b", "authorization": ""},
    )  # fmt: skip
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "body_too_large"
