"""Every route x (nobody, somebody else, the owner, an admin)."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from studio.conftest import People
from unstrung.studio.access import service as access
from unstrung.studio.access.models import Scope
from unstrung.studio.accounts import service as accounts
from unstrung.studio.database import Database, now
from unstrung.studio.videos.models import Character

# An address of an endpoint is looked up, and called; it is this machine's own.
pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]
WHO = ("nobody", "other", "owner", "admin")
HOOK = {"name": "x", "url": "http://127.0.0.1:9/", "event_types": ["video.completed"]}
# (method, path, body, the status that nobody, somebody else, the owner and an admin get).
# An admin sees everybody's videos; webhook endpoints are a person's own whoever asks.
ROUTES: list[tuple[str, str, Any, tuple[int, int, int, int]]] = [
    ("GET", "/healthz", None, (200, 200, 200, 200)),
    ("GET", "/readyz", None, (200, 200, 200, 200)),
    ("GET", "/metrics", None, (200, 200, 200, 200)),
    ("GET", "/openapi.json", None, (200, 200, 200, 200)),
    ("GET", "/v1/models", None, (401, 200, 200, 200)),
    ("GET", "/v1/models/{model_name}", None, (401, 200, 200, 200)),
    ("GET", "/v1/queue", None, (401, 200, 200, 200)),
    ("POST", "/v1/videos", {"prompt": "a fox"}, (401, 200, 200, 200)),
    ("GET", "/v1/videos", None, (401, 200, 200, 200)),
    ("GET", "/v1/videos/{video_id}", None, (401, 404, 200, 200)),
    ("GET", "/v1/videos/{video_id}/content", None, (401, 404, 200, 200)),
    ("HEAD", "/v1/videos/{video_id}/content", None, (401, 404, 200, 200)),
    ("GET", "/v1/videos/{video_id}/events", None, (401, 404, 200, 200)),
    ("POST", "/v1/videos/{video_id}/remix", {"prompt": "at night"}, (401, 404, 200, 200)),
    ("POST", "/v1/videos/{video_id}/cancel", None, (401, 404, 409, 409)),
    ("DELETE", "/v1/videos/{video_id}", None, (401, 404, 200, 200)),
    # The model of these tests does neither, and says so before it looks at anything of anybody's.
    ("POST", "/v1/videos/edits", {"prompt": "x", "video": {"id": "v"}}, (401, 400, 400, 400)),
    (
        "POST", "/v1/videos/extensions", {"prompt": "x", "seconds": 4, "video": {"id": "v"}},
        (401, 400, 400, 400),
    ),
    ("POST", "/v1/videos/loops", {"video": {"id": "v"}}, (401, 400, 400, 400)),
    ("POST", "/v1/videos/recuts", {"video": {"id": "v"}}, (401, 400, 400, 400)),
    ("POST", "/v1/videos/connections", {"video": {"id": "v"}}, (401, 400, 400, 400)),
    ("POST", "/v1/videos/blends", {"video": {"id": "v"}}, (401, 400, 400, 400)),
    ("POST", "/v1/videos/storyboards", {"shots": []}, (401, 400, 400, 400)),
    ("POST", "/v1/videos/characters", {"name": "x"}, (401, 400, 400, 400)),
    ("GET", "/v1/videos/characters/{character_id}", None, (401, 404, 200, 200)),
    ("GET", "/v1/files/{video_id}/{variant}", None, (400, 400, 400, 400)),
    ("HEAD", "/v1/files/{video_id}/{variant}", None, (400, 400, 400, 400)),
    ("GET", "/v1/webhook_event_types", None, (401, 200, 200, 200)),
    ("POST", "/v1/webhook_endpoints", HOOK, (401, 200, 200, 200)),
    ("GET", "/v1/webhook_endpoints", None, (401, 200, 200, 200)),
    ("GET", "/v1/webhook_endpoints/{endpoint_id}", None, (401, 404, 200, 404)),
    ("POST", "/v1/webhook_endpoints/{endpoint_id}", {"name": "y"}, (401, 404, 200, 404)),
    ("POST", "/v1/webhook_endpoints/{endpoint_id}/rotate_secret", {}, (401, 404, 200, 404)),
    # Nobody listens at the endpoint, which its owner is told.
    (
        "POST", "/v1/webhook_endpoints/{endpoint_id}/test", {"event_type": "video.completed"},
        (401, 404, 400, 404),
    ),
    ("DELETE", "/v1/webhook_endpoints/{endpoint_id}", None, (401, 404, 200, 404)),
]  # fmt: skip


@pytest.fixture
def things(client: TestClient, make: Callable[[str], None], database: Database) -> dict[str, str]:
    """A finished video, an endpoint and a character of the owner's."""
    video_id = client.post("/v1/videos", json={"prompt": "a fox"}).json()["id"]
    make(video_id)
    endpoint_id = client.post("/v1/webhook_endpoints", json=HOOK).json()["id"]
    with database.transaction() as session:
        owner = accounts.find_person(session, "owner")
        session.add(
            Character(
                id="char_0", person_id=owner.id, name="Mossy", file="uploads/upload_0",
                created_at=now(),
            )
        )  # fmt: skip
    return {
        "video_id": video_id,
        "endpoint_id": endpoint_id,
        "character_id": "char_0",
        "model_name": "mini",
        "variant": "video",
    }


@pytest.mark.parametrize("who", [WHO[:3], WHO[3:]], ids="-".join)
@pytest.mark.parametrize(
    ("method", "path", "body", "statuses"), ROUTES, ids=lambda each: str(each)[:44]
)
def test_a_route_answers_each_as_it_should(
    client: TestClient, people: People, things: dict[str, str],
    method: str, path: str, body: Any, statuses: tuple[int, ...], who: tuple[str, ...],
) -> None:  # fmt: skip
    # Who may not comes first and must change nothing.
    for each in who:
        client.headers.pop("authorization", None)
        client.headers.update(people.headers(each))
        response = client.request(method, path.format(**things), json=body)
        assert response.status_code == statuses[WHO.index(each)], f"{each}: {response.text}"


def test_the_table_above_holds_every_route(app: FastAPI) -> None:
    told = {(method, path) for method, path, _, _ in ROUTES if method != "HEAD"}
    told.remove(("GET", "/openapi.json"))
    found = {
        (method.upper(), path)
        for path, operations in app.openapi()["paths"].items()
        for method in operations
        if not path.startswith("/programme/")  # test_programme_routes.py
    }
    assert told == found


def test_a_key_for_reading_cannot_change_anything(
    client: TestClient, database: Database, things: dict[str, str]
) -> None:
    with database.transaction() as session:
        owner = accounts.find_person(session, "owner")
        _, secret = access.create_key(session, owner, "read only", [Scope.READ])
    client.headers["authorization"] = f"Bearer {secret}"
    video = f"/v1/videos/{things['video_id']}"
    assert client.get(video).status_code == 200
    for method, path, body in (
        ("POST", "/v1/videos", {"prompt": "a fox"}),
        ("POST", f"{video}/remix", {"prompt": "a fox"}),
        ("POST", f"{video}/cancel", None),
        ("DELETE", video, None),
        ("POST", "/v1/webhook_endpoints", HOOK),
    ):
        refused = client.request(method, path, json=body)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "insufficient_scope")
