"""What is done to clips beyond the Sora contract: loops, cuts, bridges, storyboards; and their origins."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from studio.fakes import FakeGenerator
from unstrung.engine.video_io import probe, write_video
from unstrung.studio.catalogue import service as catalogue
from unstrung.studio.database import Database
from unstrung.studio.making import Workshop
from unstrung.studio.storage import FileMissing, Storage
from unstrung.studio.videos.models import Video

Make = Callable[[str], None]
SHOTS = [{"prompt": "a fox stands", "start": 0}, {"prompt": "the fox jumps", "start": 2.5}]


@pytest.fixture(autouse=True)
def able(workshop: Workshop, generator: FakeGenerator) -> None:
    """A model that can do what `mini` can."""
    generator.capabilities = None
    with workshop.database.transaction() as session:
        catalogue.offer(session, generator.describe())


@pytest.fixture
def clip(tmp_path: Path) -> bytes:
    """An mp4 of three seconds."""
    path = tmp_path / "given.mp4"
    write_video(path, np.zeros((36, 64, 64, 3), np.uint8), 12)
    return path.read_bytes()


@pytest.fixture
def made(client: TestClient, make: Make) -> Callable[[], str]:
    """Makes a completed video."""

    def completed() -> str:
        asked = {"prompt": "a fox crosses a snowy field", "seconds": "3", "size": "640x360"}
        video_id: str = client.post("/v1/videos", json=asked).json()["id"]
        make(video_id)
        return video_id

    return completed


def _ask(client: TestClient, path: str, **fields: Any) -> dict[str, Any]:
    response = client.post(f"/v1/videos/{path}", json={"prompt": "it snows", **fields})
    assert response.status_code == 200, response.text
    video: dict[str, Any] = response.json()
    return video


def test_the_usual_model_says_that_it_does_all_of_this(client: TestClient) -> None:
    able = set(client.get("/v1/models/mini").json()["capabilities"])
    assert {"extend_backward", "loop", "recut", "connect", "blend", "storyboard"} <= able


@pytest.mark.parametrize(
    ("path", "kind", "fields", "asked"),
    [
        ("loops", "loop", {"seconds": 1.5}, {"seconds": 1.5}),
        ("recuts", "recut", {"keep": {"from": 1, "to": 2.5}}, {"keep": (1.0, 2.5), "seconds": 3.0}),
        (
            "extensions",
            "extend",
            {"seconds": "2", "direction": "backward"},
            {"seconds": 2.0, "is_backward": True},
        ),
        ("extensions", "extend", {"seconds": "2"}, {"is_backward": False}),
        ("edits", "edit", {"strength": "mild"}, {"strength": "mild"}),
        ("edits", "edit", {"strength": 0.5}, {"strength": "0.5"}),
        ("edits", "edit", {}, {"strength": "strong"}),
    ],
)
def test_a_clip_is_worked_on_and_remembers_what_it_was_made_of(
    client: TestClient,
    make: Make,
    made: Callable[[], str],
    generator: FakeGenerator,
    path: str,
    kind: str,
    fields: dict[str, Any],
    asked: dict[str, Any],
) -> None:
    source = made()
    video = _ask(client, path, video={"id": source}, **fields)
    assert (video["kind"], video["size"]) == (kind, "640x360")
    make(video["id"])
    task = generator.tasks[-1]
    assert task.kind == kind
    assert task.source is not None
    assert {name: getattr(task, name) for name in asked} == asked
    told = client.get(f"/v1/videos/{video['id']}").json()
    assert (told["status"], told["source_video_ids"]) == ("completed", [source])


@pytest.mark.parametrize(("path", "kind"), [("connections", "connect"), ("blends", "blend")])
def test_a_clip_of_two_names_both_in_its_file(
    client: TestClient,
    make: Make,
    made: Callable[[], str],
    generator: FakeGenerator,
    tmp_path: Path,
    path: str,
    kind: str,
) -> None:
    first, second = made(), made()
    video = _ask(client, path, video={"id": first}, second={"id": second})
    make(video["id"])
    task = generator.tasks[-1]
    assert task.kind == kind
    assert task.source is not None
    assert task.second is not None
    told = client.get(f"/v1/videos/{video['id']}").json()
    assert told["source_video_ids"] == [first, second]
    (tmp_path / "joined.mp4").write_bytes(client.get(f"/v1/videos/{video['id']}/content").content)
    recipe = probe(tmp_path / "joined.mp4").recipe
    assert recipe is not None
    assert recipe["parents"] == [first, second]


def test_own_files_are_joined_with_videos_and_go_with_the_result(
    client: TestClient, make: Make, made: Callable[[], str], clip: bytes, database: Database,
    workshop: Workshop,
) -> None:  # fmt: skip
    response = client.post(
        "/v1/videos/connections",
        data={"prompt": "it snows", "video[id]": made(), "seconds": "1"},
        files={"second": ("given.mp4", clip, "video/mp4")},
    )
    assert response.status_code == 200, response.text
    video_id = response.json()["id"]
    make(video_id)
    with database.transaction() as session:
        key = session.get_one(Video, video_id).second_file
    assert key is not None
    assert _is_kept(workshop.storage, key)
    client.delete(f"/v1/videos/{video_id}")
    assert not _is_kept(workshop.storage, key)


def _is_kept(storage: Storage, key: str) -> bool:
    try:
        return bool(storage.read(key))
    except FileMissing:
        return False


@pytest.mark.parametrize("is_form", [False, True])
def test_a_storyboard_is_one_video_of_several_shots(
    client: TestClient, make: Make, generator: FakeGenerator, is_form: bool
) -> None:
    body = {"shots": SHOTS, "end": 6, "seed": 3, "size": "640x360"}
    if is_form:
        flat = {"shots": json.dumps(SHOTS), "end": "6", "seed": "3", "size": "640x360"}
        response = client.post("/v1/videos/storyboards", data=flat)
    else:
        response = client.post("/v1/videos/storyboards", json=body)
    assert response.status_code == 200, response.text
    video = response.json()
    assert (video["kind"], video["seconds"]) == ("storyboard", "6")
    assert video["prompt"] == "a fox stands / the fox jumps"
    make(video["id"])
    task = generator.tasks[-1]
    assert task.shots == ((0.0, "a fox stands"), (2.5, "the fox jumps"))
    assert (task.seconds, task.seed) == (6.0, 3)


@pytest.mark.parametrize(
    ("path", "fields", "param"),
    [
        ("storyboards", {"shots": []}, "shots"),
        ("storyboards", {"shots": [{"prompt": "a fox", "start": 1}]}, "shots"),
        ("storyboards", {"shots": [*SHOTS, {"prompt": "x", "start": 1}]}, "shots"),
        ("storyboards", {"shots": [{"prompt": "x" * 20_000, "start": n} for n in (0, 1)]}, "shots"),
        ("storyboards", {"shots": SHOTS, "end": 61}, "end"),
        ("recuts", {"keep": {"from": 2, "to": 1}}, "keep"),
        ("recuts", {}, "keep"),
        ("edits", {"strength": "wild"}, "strength"),
        ("edits", {"strength": 0}, "strength"),
        ("extensions", {"seconds": 1, "direction": "up"}, "direction"),
        ("blends", {}, "second"),
    ],
)
def test_what_cannot_be_is_refused_by_the_name_of_the_field(
    client: TestClient, path: str, fields: dict[str, Any], param: str
) -> None:
    rest = {} if path == "storyboards" else {"prompt": "x", "video": {"id": "video_1"}}
    response = client.post(f"/v1/videos/{path}", json={**rest, **fields})
    assert response.status_code == 400
    assert response.json()["error"]["param"] == param


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("loops", {}),
        ("recuts", {"keep": {"from": 0, "to": 1}}),
        ("connections", {"second": {"id": "video_1"}}),
        ("blends", {"second": {"id": "video_1"}}),
        ("extensions", {"seconds": 1, "direction": "backward"}),
        ("storyboards", {"shots": SHOTS}),
    ],
)
def test_a_model_that_does_less_says_so(
    client: TestClient,
    workshop: Workshop,
    generator: FakeGenerator,
    path: str,
    fields: dict[str, Any],
) -> None:
    generator.capabilities = ("text_to_video", "remix", "extend")
    with workshop.database.transaction() as session:
        catalogue.offer(session, generator.describe())
    rest = {} if path == "storyboards" else {"prompt": "x", "video": {"id": "video_1"}}
    response = client.post(f"/v1/videos/{path}", json={**rest, **fields})
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "unsupported_by_model"


def test_clips_of_others_are_not_there_to_be_joined(
    client: TestClient, made: Callable[[], str]
) -> None:
    fields = {"prompt": "x", "video": {"id": made()}, "second": {"id": "video_nobodys"}}
    response = client.post("/v1/videos/blends", json=fields)
    assert (response.status_code, response.json()["error"]["code"]) == (404, "video_not_found")
