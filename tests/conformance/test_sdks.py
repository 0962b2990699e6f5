"""The real SDKs, unmodified, against a running server: every call, both encodings."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from unstrung.engine.video_io import probe, write_video
from unstrung.studio.access import service as access
from unstrung.studio.accounts import service as accounts
from unstrung.studio.catalogue import service as catalogue
from unstrung.studio.database import Database, migrate
from unstrung.studio.embedded import EmbeddedPostgres
from unstrung.studio.videos.models import Kind, Status, Video

HERE = Path(__file__).parent
SDKS = Path(sys.prefix) / "sdks"
RELEASES = ("python-2", "python-3", "node-6", "node-7")


@dataclass(frozen=True)
class Server:
    """A running studio.

    Attributes:
        url: of the API with /v1.
        key, pager_key: of somebody, and of somebody with 250 videos.
        folder: for what the SDKs save, with a clip to upload.
    """

    url: str
    key: str
    pager_key: str
    folder: Path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Database, API and worker in processes of their own."""
    folder = tmp_path_factory.mktemp("conformance")
    postgres = EmbeddedPostgres(folder / "postgres")
    url = postgres.start()
    migrate(url)
    key, pager_key = _people(url)
    write_video(folder / "clip.mp4", _somebody_walks(), 12)
    environment = {
        **os.environ,
        "UNSTRUNG_DATABASE_URL": url,
        "UNSTRUNG_STUDIO_DATA": str(folder),
        "UNSTRUNG_PRIVATE_WEBHOOKS": "true",
        "UNSTRUNG_JOBS_PER_PERSON": "8",
    }
    command = [sys.executable, str(HERE / "stub_studio.py")]
    with ExitStack() as stack:
        stack.callback(postgres.stop)
        for part in ("worker", "api"):
            process = subprocess.Popen(
                [*command, part], env=environment, stdout=subprocess.PIPE, text=True
            )
            stack.callback(process.wait)
            stack.callback(process.terminate)
            if process.stdout is not None:
                stack.callback(process.stdout.close)
        assert process.stdout is not None
        port = int(process.stdout.readline())
        _wait_for_model(url)
        yield Server(f"http://127.0.0.1:{port}/v1", key, pager_key, folder)


def _somebody_walks() -> np.ndarray:
    """Three seconds of somebody who stands out from a still ground, as characters are cut out of."""
    frames = np.full((36, 128, 128, 3), (120, 150, 190), np.uint8)
    rows, columns = np.mgrid[:128, :128]
    for index, frame in enumerate(frames):
        x = 30 + 2 * index
        body = (rows - 80) ** 2 + (columns - x) ** 2 < 24**2
        head = (rows - 46) ** 2 + (columns - x) ** 2 < 14**2
        frame[body], frame[head] = (190, 60, 40), (240, 200, 150)
    return frames


def _people(url: str) -> tuple[str, str]:
    database = Database(url)
    with database.transaction() as session:
        person = accounts.create_person(session, "Somebody")
        _, key = access.create_key(session, person, "test")
        pager = accounts.create_person(session, "Pager")
        _, pager_key = access.create_key(session, pager, "test")
        for index in range(250):
            session.add(
                Video(
                    id=f"video_{index:032x}", person_id=pager.id, kind=Kind.CREATE, model="sora-2",
                    resolved_model="mini", prompt="a fox", size="1280x720", seconds="4",
                    verbatim=False, characters=[], status=Status.FAILED, phase="done", progress=0,
                    step=0, total_steps=4, attempt=1, handed_back=0, revision=1, queue_start=0,
                    queue_cost=1, created_at=datetime.now(UTC) + timedelta(seconds=index),
                    fingerprint=b"", error_code="test", error_message="Made for paging.",
                )
            )  # fmt: skip
    database.close()
    return key, pager_key


def _wait_for_model(url: str) -> None:
    database, deadline = Database(url), time.monotonic() + 60
    try:
        while time.monotonic() < deadline:
            with database.transaction() as session:
                if catalogue.list_models(session):
                    return
            time.sleep(0.05)
    finally:
        database.close()
    raise AssertionError("the worker did not offer its model within a minute")


def _run(release: str, server: Server) -> dict[str, str]:
    """Let a release make its calls, in a process of its own."""
    environment = {
        **os.environ,
        "STUDIO_URL": server.url,
        "STUDIO_KEY": server.key,
        "PAGER_KEY": server.pager_key,
        "STUDIO_CLIP": str(server.folder / "clip.mp4"),
        "STUDIO_OUT": str(server.folder),
    }
    if release.startswith("python"):
        command = [sys.executable, str(HERE / "python_calls.py")]
        if release == "python-2":
            environment["PYTHONPATH"] = str(SDKS / release)
    else:
        own = SDKS / release / "node_modules" / "node" / "bin" / "node"
        node = str(own) if own.exists() else shutil.which("node") or "node"
        command = [node, str(HERE / "node_calls.mjs")]
        environment["SDK_FOLDER"] = str(SDKS / release)
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told: dict[str, Any] = json.loads(done.stdout)
    assert told["version"].startswith(release.rpartition("-")[2])
    results: dict[str, str] = told["results"]
    return results


@pytest.mark.parametrize("release", RELEASES)
def test_every_call_of_an_unmodified_sdk_works(release: str, server: Server) -> None:
    if release.startswith("node"):
        if shutil.which("npm") is None or shutil.which("node") is None:
            pytest.skip("node or npm is missing, so the Node SDK cannot be tested here")
        if not (SDKS / release / "node_modules" / "openai").is_dir():
            pytest.skip(f"the Node SDK {release} was not installed; run `make test`, which does it")
    elif release == "python-2":
        assert (SDKS / release / "openai").is_dir(), "run `make test`, which installs the old SDK"
    results = _run(release, server)
    failed = {name: told for name, told in results.items() if told != "ok"}
    assert not failed, "\n".join(f"{name}: {told}" for name, told in failed.items())
    assert len(results) >= 13


def test_a_program_written_for_sora_runs_with_another_address_and_key(server: Server) -> None:
    example = HERE.parents[1] / "docs" / "examples" / "sora_program.py"
    path = server.folder / "fox.mp4"
    environment = {
        **os.environ,
        "OPENAI_BASE_URL": server.url,
        "OPENAI_API_KEY": server.key,
        "PYTHONWARNINGS": "ignore",
    }
    done = subprocess.run(
        [sys.executable, str(example), str(path)],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    info = probe(path)
    assert (info.width, info.height, info.codec) == (1280, 720, "h264")


@pytest.mark.enable_socket
@pytest.mark.allow_hosts(["127.0.0.1"])
def test_calls_that_nobody_thought_of_break_nothing(server: Server) -> None:
    # The events of a video go on until it ends: nothing for a program that waits for whole answers.
    # Chains of calls take as long as all the rest and find least: they run if more is asked for.
    examples = os.environ.get("SCHEMATHESIS_EXAMPLES")
    phases = "examples,coverage,fuzzing,stateful" if examples else "examples,coverage,fuzzing"
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "--config-file", str(HERE / "schemathesis.toml"), "run",
        f"{server.url.removesuffix('/v1')}/openapi.json",
        "--header", f"Authorization: Bearer {server.key}",
        "--exclude-path", "/v1/videos/{video_id}/events",
        # The programme's hundred routes would take ten times as long, and DELETE /me would end the caller:
        # tests/studio/test_programme_routes.py calls each.
        "--exclude-path-regex", "^/programme/",
        "--max-examples", examples or "3", "--phases", phases, "--suppress-health-check", "too_slow",
        "--seed", "1", "--request-timeout", "30", "--no-color",
    ]  # fmt: skip
    done = subprocess.run(
        command, env={**os.environ, **_things_to_find(server)}, capture_output=True, text=True,
        cwd=server.folder, timeout=3600, check=False,
    )  # fmt: skip
    (server.folder / "schemathesis.txt").write_text(done.stdout)
    assert done.returncode == 0, done.stdout[-6000:]


def _things_to_find(server: Server) -> dict[str, str]:
    """A finished video and a webhook endpoint, and two more to delete, as the configuration calls them."""
    found = {}
    with httpx.Client(
        base_url=server.url, headers={"Authorization": f"Bearer {server.key}"}, timeout=30
    ) as client:
        for prefix in ("", "DOOMED_"):
            video = client.post("/videos", json={"prompt": "a fox", "size": "128x128"})
            hook = client.post(
                "/webhook_endpoints",
                json={
                    "name": "hook",
                    "url": "http://127.0.0.1:9/",
                    "event_types": ["video.completed"],
                },
            )
            found[f"{prefix}VIDEO_ID"] = video.json()["id"]
            found[f"{prefix}ENDPOINT_ID"] = hook.json()["id"]
        deadline = time.monotonic() + 60
        while client.get(f"/videos/{found['VIDEO_ID']}").json()["status"] != "completed":
            assert time.monotonic() < deadline, "the video was not made within a minute"
            time.sleep(0.1)
    return found
