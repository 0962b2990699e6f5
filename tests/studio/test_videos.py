import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text

from studio.conftest import People
from studio.fakes import EVERYTHING, FakeGenerator
from unstrung.engine.video_io import write_video
from unstrung.studio.app import create_app
from unstrung.studio.catalogue import service as catalogue
from unstrung.studio.database import Database
from unstrung.studio.making import Workshop
from unstrung.studio.settings import Settings

Make = Callable[[str], None]
FOX = {
    "prompt": "a fox crosses a snowy field",
    "model": "sora-2",
    "seconds": "8",
    "size": "1280x720",
}


def _create(client: TestClient, **fields: Any) -> dict[str, Any]:
    response = client.post("/v1/videos", json={**FOX, **fields})
    assert response.status_code == 200, response.text
    video: dict[str, Any] = response.json()
    return video


@pytest.fixture
def able(workshop: Workshop, generator: FakeGenerator) -> None:
    """A model that does everything."""
    generator.capabilities = EVERYTHING
    with workshop.database.transaction() as session:
        catalogue.offer(session, generator.describe())


@pytest.fixture
def clip(tmp_path: Path) -> bytes:
    """An mp4 of three seconds."""
    path = tmp_path / "given.mp4"
    frames = np.random.default_rng(0).integers(0, 255, (36, 64, 64, 3), dtype=np.uint8)
    write_video(path, frames, 12)
    return path.read_bytes()


def test_a_video_is_queued_at_once_and_says_what_old_programs_expect(client: TestClient) -> None:
    video = _create(client)
    assert video["object"] == "video"
    assert video["status"] == "queued"
    assert video["model"] == "sora-2"
    assert video["resolved_model"] == "mini"
    assert (video["size"], video["seconds"], video["progress"]) == ("1280x720", "8", 0)
    assert video["queue_position"] == 0
    assert client.get(f"/v1/videos/{video['id']}").headers["openai-poll-after-ms"].isdecimal()


def test_json_and_forms_ask_for_the_same(client: TestClient) -> None:
    first = client.post("/v1/videos", json={**FOX, "seed": 7}).json()
    second = client.post(
        "/v1/videos", files={key: (None, str(value)) for key, value in {**FOX, "seed": 7}.items()}
    )
    same = ("prompt", "model", "seconds", "size", "seed")
    assert [first[key] for key in same] == [second.json()[key] for key in same]


def test_a_finished_video_says_how_it_was_made(client: TestClient, make: Make) -> None:
    video_id = _create(client, seed=11)["id"]
    make(video_id)
    video = client.get(f"/v1/videos/{video_id}").json()
    assert (video["status"], video["progress"], video["seed"]) == ("completed", 100, 11)
    assert video["native_size"] == "96x64"
    assert any("scaled to 1280x720" in note for note in video["notes"])
    assert any("seconds 8 was asked" in note for note in video["notes"])
    assert video["usage"]["frames"] == 9
    assert "openai-poll-after-ms" not in client.get(f"/v1/videos/{video_id}").headers


def test_the_file_is_a_playable_mp4_of_the_size_that_was_asked(
    client: TestClient, make: Make, tmp_path: Path
) -> None:
    video_id = _create(client)["id"]
    make(video_id)
    path = tmp_path / "got.mp4"
    path.write_bytes(client.get(f"/v1/videos/{video_id}/content").content)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (1280, 720)
        assert sum(1 for _ in container.decode(stream)) == 9
        assert json.loads(container.metadata["comment"])["prompt"] == FOX["prompt"]


@pytest.mark.parametrize(
    ("variant", "kind", "start"),
    [("thumbnail", "image/webp", b"RIFF"), ("spritesheet", "image/jpeg", b"\xff\xd8")],
)
def test_pictures_of_a_video_can_be_had(
    client: TestClient, make: Make, variant: str, kind: str, start: bytes
) -> None:
    video_id = _create(client)["id"]
    make(video_id)
    response = client.get(f"/v1/videos/{video_id}/content", params={"variant": variant})
    assert response.headers["content-type"] == kind
    assert response.content.startswith(start)


def test_parts_of_a_file_can_be_had(client: TestClient, make: Make) -> None:
    video_id = _create(client)["id"]
    make(video_id)
    path = f"/v1/videos/{video_id}/content"
    whole = client.get(path)
    part = client.get(path, headers={"range": "bytes=4-11"})
    assert (part.status_code, part.content) == (206, whole.content[4:12])
    again = client.get(path, headers={"if-none-match": whole.headers["etag"]})
    assert again.status_code == 304
    assert client.get(path, headers={"range": "bytes=99999999-"}).status_code == 416


def test_a_signed_link_needs_no_key_and_expires(
    client: TestClient, app: FastAPI, make: Make
) -> None:
    video_id = _create(client)["id"]
    make(video_id)
    link = client.get(f"/v1/videos/{video_id}").json()["urls"]["video"]
    path = link[link.index("/v1/") :]
    stranger = TestClient(app, raise_server_exceptions=False)
    assert stranger.get(path).status_code == 200
    for altered in (path.replace("viewer=person", "viewer=someone"), path[:-1] + "!"):
        refused = stranger.get(altered)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "link_refused")


def test_a_file_of_an_unfinished_video_is_not_there_yet(client: TestClient) -> None:
    video_id = _create(client)["id"]
    response = client.get(f"/v1/videos/{video_id}/content")
    assert response.status_code == 409
    assert response.json()["error"]["code"] == "video_not_completed"
    assert response.headers["x-should-retry"] == "false"


def test_a_cancelled_video_is_failed_with_a_reason(client: TestClient, make: Make) -> None:
    video_id = _create(client)["id"]
    video = client.post(f"/v1/videos/{video_id}/cancel").json()
    assert (video["status"], video["error"]["code"]) == ("failed", "cancelled")
    make(video_id)  # a worker that was about to begin finds nothing to do
    assert client.get(f"/v1/videos/{video_id}").json()["status"] == "failed"
    assert client.post(f"/v1/videos/{video_id}/cancel").status_code == 409


def test_a_video_cancelled_in_the_middle_stops_at_the_next_step(
    client: TestClient, workshop: Workshop, make: Make, generator: FakeGenerator
) -> None:
    video_id = _create(client)["id"]
    steps = []
    original = generator.generate

    def generate(task: Any, on_step: Any) -> Any:
        def told(step: Any) -> None:
            steps.append(step.index)
            if step.index == 1:
                client.post(f"/v1/videos/{video_id}/cancel")
            on_step(step)

        return original(task, told)

    generator.generate = generate  # type: ignore[method-assign]
    make(video_id)
    assert steps == [0, 1]
    assert client.get(f"/v1/videos/{video_id}").json()["error"]["code"] == "cancelled"
    assert not list(Path(workshop.settings.files_url).rglob("*.mp4"))


def test_deleting_removes_row_job_and_files(
    client: TestClient, make: Make, database: Database, settings: Settings
) -> None:
    done, waiting = _create(client)["id"], _create(client)["id"]
    make(done)
    for video_id in (done, waiting):
        answer = client.delete(f"/v1/videos/{video_id}").json()
        assert answer == {"id": video_id, "object": "video.deleted", "deleted": True}
        assert client.get(f"/v1/videos/{video_id}").status_code == 404
    assert not [path for path in Path(settings.files_url).rglob("*") if path.is_file()]
    with database.transaction() as session:
        left = session.scalar(
            text("SELECT count(*) FROM procrastinate_jobs WHERE args ->> 'video_id' = :id"),
            {"id": waiting},
        )
    assert left == 0


def test_a_worker_that_fails_tells_the_reason(
    client: TestClient, make: Make, generator: FakeGenerator
) -> None:
    generator.fails_with = RuntimeError("secret detail")
    video_id = _create(client)["id"]
    make(video_id)
    error = client.get(f"/v1/videos/{video_id}").json()["error"]
    assert error["code"] == "internal_error"
    assert "secret" not in error["message"]


def test_pages_follow_each_other_in_both_orders(client: TestClient) -> None:
    ids = [_create(client)["id"] for _ in range(5)]
    for order, expected in (("asc", ids), ("desc", ids[::-1])):
        seen, after = [], None
        while True:
            query = {"limit": 2, "order": order} | ({"after": after} if after else {})
            page = client.get("/v1/videos", params=query).json()
            seen += [video["id"] for video in page["data"]]
            assert page["last_id"] == seen[-1]
            if not page["has_more"]:
                break
            after = page["last_id"]
        assert seen == expected


def test_a_remix_keeps_seed_and_size(
    client: TestClient, make: Make, generator: FakeGenerator
) -> None:
    source = _create(client, seed=5)["id"]
    assert client.post(f"/v1/videos/{source}/remix", json={"prompt": "at night"}).status_code == 409
    make(source)
    remix = client.post(f"/v1/videos/{source}/remix", json={"prompt": "at night"}).json()
    assert remix["remixed_from_video_id"] == source
    make(remix["id"])
    task = generator.tasks[-1]
    assert (task.kind, task.prompt, task.seed, task.width) == ("remix", "at night", 5, 1280)
    assert task.source is not None


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/videos/edits", {"prompt": "x", "video": {"id": "video_1"}}),
        ("/v1/videos/extensions", {"prompt": "x", "seconds": 4, "video": {"id": "video_1"}}),
        (
            "/v1/videos",
            {"prompt": "x", "input_reference": {"image_url": "https://example.org/a.png"}},
        ),
        ("/v1/videos", {"prompt": "x", "characters": [{"id": "char_1"}]}),
    ],
)
def test_what_the_model_cannot_do_is_refused_by_name(
    client: TestClient, path: str, body: dict[str, Any]
) -> None:
    response = client.post(path, json=body)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "unsupported_by_model"


@pytest.mark.usefixtures("able")
def test_a_clip_of_ones_own_is_edited_and_extended(
    client: TestClient, make: Make, generator: FakeGenerator, clip: bytes
) -> None:
    file = {"video": ("given.mp4", clip, "video/mp4")}
    for path, kind in (("edits", "edit"), ("extensions", "extend")):
        data = {"prompt": "in the rain"} | ({"seconds": "4"} if kind == "extend" else {})
        video = client.post(f"/v1/videos/{path}", data=data, files=file).json()
        make(video["id"])
        assert client.get(f"/v1/videos/{video['id']}").json()["status"] == "completed"
        assert generator.tasks[-1].kind == kind
        again = client.post(
            f"/v1/videos/{path}", json={**data, "video": {"id": video["id"]}}
        ).json()
        make(again["id"])
        assert generator.tasks[-1].source is not None


@pytest.mark.usefixtures("able")
def test_a_character_is_bound_and_used(
    client: TestClient, make: Make, generator: FakeGenerator, clip: bytes
) -> None:
    made = client.post(
        "/v1/videos/characters",
        data={"name": "Mossy"},
        files={"video": ("m.mp4", clip, "video/mp4")},
    ).json()
    assert client.get(f"/v1/videos/characters/{made['id']}").json()["name"] == "Mossy"
    video = client.post("/v1/videos", json={**FOX, "characters": [{"id": made["id"]}]}).json()
    make(video["id"])
    assert [name for name, _ in generator.tasks[-1].characters] == ["Mossy"]


@pytest.mark.usefixtures("able")
def test_a_file_that_is_no_clip_is_refused(client: TestClient) -> None:
    response = client.post(
        "/v1/videos/edits", data={"prompt": "x"}, files={"video": ("a.mp4", b"hello", "video/mp4")}
    )
    assert response.status_code == 400
    assert response.json()["error"]["param"] == "video"


def test_a_request_that_the_client_repeats_is_one_video(client: TestClient) -> None:
    first = _create(client)["id"]
    again = client.post("/v1/videos", json=FOX, headers={"x-stainless-retry-count": "1"})
    form = client.post(
        "/v1/videos",
        files={key: (None, value) for key, value in FOX.items()},
        headers={"x-stainless-retry-count": "2"},
    )
    assert [again.json()["id"], form.json()["id"]] == [first, first]
    assert _create(client)["id"] != first


def test_an_idempotency_key_names_one_video(client: TestClient) -> None:
    header = {"idempotency-key": "abc"}
    first = client.post("/v1/videos", json=FOX, headers=header).json()["id"]
    assert client.post("/v1/videos", json=FOX, headers=header).json()["id"] == first
    other = client.post("/v1/videos", json={**FOX, "seed": 1}, headers=header)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({}, "prompt", "missing_required_parameter"),
        ({"prompt": ""}, "prompt", "invalid_value"),
        ({"prompt": "x", "colour": "red"}, "colour", "unknown_parameter"),
        ({"prompt": "x", "size": "big"}, "size", "invalid_value"),
        ({"prompt": "x", "seconds": "long"}, "seconds", "invalid_value"),
        ({"prompt": "x", "seed": -1}, "seed", "invalid_value"),
    ],
)
def test_a_bad_field_is_named(
    client: TestClient, body: dict[str, Any], param: str, code: str
) -> None:
    response = client.post("/v1/videos", json=body)
    error = response.json()["error"]
    assert (response.status_code, error["param"], error["code"]) == (400, param, code)
    assert error["type"] == "invalid_request_error"
    assert response.headers["x-request-id"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "unknown_url"),
        ("PUT", "/v1/videos", 405, "method_not_allowed"),
        ("GET", "/v1/videos?limit=101", 400, "invalid_value"),
        ("GET", "/v1/videos?colour=red", 400, "unknown_parameter"),
        ("GET", "/v1/videos?after=video_0", 404, "video_not_found"),
        ("GET", "/v1/videos/%00", 404, "not_found"),
        ("GET", "/v1/models/nothing", 404, "model_not_found"),
        ("DELETE", "/v1/videos/edits", 404, "video_not_found"),
    ],
)
def test_every_error_comes_in_the_envelope(
    client: TestClient, method: str, path: str, status: int, code: str
) -> None:
    response = client.request(method, path)
    assert response.status_code == status
    assert response.json()["error"]["code"] == code


def test_an_unknown_model_is_not_found_and_the_known_ones_are_named(client: TestClient) -> None:
    response = client.post("/v1/videos", json={**FOX, "model": "gpt"})
    assert (response.status_code, response.json()["error"]["code"]) == (404, "model_not_found")
    assert "mini, sora-2" in response.json()["error"]["message"]


def test_a_wrong_method_is_told_the_right_ones(client: TestClient) -> None:
    assert client.put("/v1/videos").headers["allow"] == "GET, POST"
    assert client.put("/v1/videos/edits").headers["allow"] == "POST"
    assert client.put("/v1/videos/video_1").headers["allow"] == "DELETE, GET"


def test_a_fault_of_ours_tells_nothing_but_the_request(client: TestClient, app: FastAPI) -> None:
    def broken() -> None:
        raise RuntimeError("secret detail")

    app.add_api_route("/broken", broken)
    response = client.get("/broken")
    assert response.status_code == 500
    assert response.json()["error"]["code"] == "internal_error"
    assert "secret" not in response.text


def test_bodies_that_cannot_be_read_are_refused(client: TestClient) -> None:
    for content, kind, code in [
        (b"{", "application/json", "invalid_json"),
        (b"[]", "application/json", "invalid_json"),
        (b"x", "text/plain", "unsupported_media_type"),
        (b"x", "multipart/form-data", "invalid_request"),
    ]:
        response = client.post("/v1/videos", content=content, headers={"content-type": kind})
        assert response.status_code == 400
        assert response.json()["error"]["code"] == code


def test_a_body_above_the_limit_is_refused(
    workshop: Workshop, settings: Settings, people: People
) -> None:
    small = settings.model_copy(update={"max_upload_bytes": 1_000})
    with TestClient(create_app(small), headers=people.headers("owner")) as client:
        response = client.post("/v1/videos", json={"prompt": "x" * 2_000})
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "body_too_large"


def test_a_key_that_asks_too_often_is_told_to_wait(
    workshop: Workshop, settings: Settings, people: People
) -> None:
    slow = settings.model_copy(update={"requests_per_minute": 2, "creations_per_minute": 1})
    with TestClient(create_app(slow), headers=people.headers("owner")) as client:
        assert client.post("/v1/videos", json=FOX).status_code == 200
        second = client.post("/v1/videos", json=FOX)
        third = client.get("/v1/videos")
    for refused in (second, third):
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) > 0
        assert refused.json()["error"]["type"] == "rate_limit_error"


def test_models_describe_themselves_and_their_aliases(client: TestClient) -> None:
    models = {model["id"]: model for model in client.get("/v1/models").json()["data"]}
    assert set(models) == {"mini", "sora-2", "sora-2-pro"}
    assert models["sora-2"]["alias_of"] == "mini"
    assert models["mini"]["parameters"]["properties"]["prompt"]["maxLength"] == 32_000
    assert client.get("/v1/models/sora-2-2025-10-06").json()["alias_of"] == "mini"


def test_news_of_a_video_come_until_it_has_ended(client: TestClient, make: Make) -> None:
    video_id = _create(client)["id"]
    make(video_id)
    news = client.get(f"/v1/videos/{video_id}/events").text
    assert news.startswith("id: ")
    assert "event: video.completed" in news
    assert client.get("/v1/videos/video_0/events").status_code == 404


def test_the_queue_is_told(client: TestClient) -> None:
    _create(client)
    queue = client.get("/v1/queue").json()
    assert (queue["queued"], queue["mine_queued"], queue["running"]) == (1, 1, 0)


def test_the_service_says_how_it_is(client: TestClient) -> None:
    assert client.get("/healthz").json() == {
        "status": "ok",
        "database": None,
        "storage": None,
        "workers": None,
    }
    assert client.get("/readyz").json()["status"] == "ok"
    assert "unstrung_videos_queued 0.0" in client.get("/metrics").text


def test_more_callers_than_connections_all_get_their_answer(
    workshop: Workshop, settings: Settings, people: People
) -> None:
    # FastAPI needs threads to finish a request that holds a connection: once, all waited for each other.
    few = settings.model_copy(update={"database_pool": 2})
    with (
        TestClient(create_app(few), headers=people.headers("owner")) as client,
        ThreadPoolExecutor(60) as callers,
    ):
        answers = list(callers.map(lambda _: client.get("/v1/videos").status_code, range(180)))
    assert set(answers) == {200}
