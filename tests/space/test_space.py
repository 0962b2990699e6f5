"""The Hugging Face Space: driven by Gradio's own client, and its two ways of making a clip."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pages.stage import Stage, open_stage
from unstrung.engine.video_io import probe
from unstrung.studio.access import service as access
from unstrung.studio.accounts.models import Person, Role
from unstrung.studio.admission.models import ProgrammeRole
from unstrung.studio.charters import service as charters

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1", "::1", "localhost"])]
ROOT = Path(__file__).parents[2]
SPACE = ROOT / "space"
GRADIO = Path(sys.prefix) / "sdks/space"
CLIENT = """
import json, sys
from gradio_client import Client
client = Client(sys.argv[1], verbose=False)
video, told = client.predict(*json.loads(sys.argv[2]), api_name="/make")
print(json.dumps([video["video"] if isinstance(video, dict) else video, told]))
"""
sys.path.insert(0, str(SPACE))
from makers import Ask, NotMade, StudioMaker  # noqa: E402  # the Space is no package


def environment(**more: str) -> dict[str, str]:
    # Last on the path: what both need comes from our own environment.
    paths = os.pathsep.join([str(ROOT / "src"), str(GRADIO)])
    return {**os.environ, "PYTHONPATH": paths, "GRADIO_ANALYTICS_ENABLED": "False", **more}


@pytest.fixture(scope="module")
def space() -> Iterator[str]:
    """The Space as it is started, with the shipped model."""
    if not (GRADIO / "gradio").is_dir():
        pytest.skip("Gradio is not installed; `make .venv/.space-installed` installs it")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "app.py"], cwd=SPACE, env=environment(GRADIO_SERVER_PORT=str(port)),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as knock:
            if knock.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.2)
    else:
        process.kill()
        raise AssertionError(f"the Space did not start: {process.communicate()[0]}")
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.communicate(timeout=20)


def test_the_space_makes_a_clip_with_the_shipped_model(space: str) -> None:
    asked = ["a fox crosses a snowy field", 2, "1:1", "7", ""]
    done = subprocess.run(
        [sys.executable, "-c", CLIENT, space, json.dumps(asked)],
        env=environment(), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    video, told = json.loads(done.stdout.splitlines()[-1])
    assert "fox" in told
    assert "Seed: 7" in told
    assert probe(Path(video)).num_frames == 25


def test_front_matter_is_complete_and_nothing_secret_is_in_the_space() -> None:
    head = (SPACE / "README.md").read_text("utf-8").split("---")[1]
    known = dict(re.findall(r"^(\w+): (.+)$", head, re.M))
    assert {
        "title",
        "emoji",
        "sdk",
        "sdk_version",
        "app_file",
        "license",
        "hf_oauth",
    } <= known.keys()
    assert (SPACE / known["app_file"]).is_file()
    for path in SPACE.glob("*"):
        if path.is_file():
            assert not re.search(r"ust_[0-9A-Za-z]{30}|hf_[0-9A-Za-z]{20}", path.read_text("utf-8"))


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with open_stage(tmp_path_factory.mktemp("stage")) as opened:
        opened.add_person("Noor")
        yield opened


def test_a_studio_is_asked_with_the_persons_own_key(stage: Stage) -> None:
    with stage.database.transaction() as session:
        _, key = access.create_key(session, session.get_one(Person, stage.people["Noor"]), "space")
    maker, seen = StudioMaker(stage.url), []
    with stage.working():
        made = maker.make(
            Ask("a fox", 2, "720x720", 5), key, lambda done, phase: seen.append((done, phase))
        )
    assert made.path.read_bytes()[4:8] == b"ftyp"
    assert made.seed == 5
    assert seen[-1][0] == 1.0


@pytest.mark.parametrize(("key", "told"), [("", "key of your own"), ("ust_wrong", "key")])
def test_without_a_good_key_a_sentence_says_so(stage: Stage, key: str, told: str) -> None:
    with pytest.raises(NotMade, match=told):
        StudioMaker(stage.url).make(Ask("a fox", 2, "720x720"), key, lambda *_: None)


def test_the_studios_terms_are_read_from_it(stage: Stage) -> None:
    assert "No version of the charter was published" in StudioMaker(stage.url).terms()
    stage.add_person("Steward", Role.MEMBER, ProgrammeRole.STEWARD)
    operator = {"operator_name": "Lanterna", "operator_contact": "us@example.org"}
    settings = stage.settings.model_copy(update={**operator, "operator_law": {"en": "Italian law"}})
    with stage.database.transaction() as session:
        charters.publish(session, settings, stage.caller("Steward"), "1.0", None)
    terms = StudioMaker(stage.url).terms()
    assert "Pauses in force: 0" in terms
    assert len(terms) > 2_000


def test_a_studio_that_is_away_is_said_to_be() -> None:
    with pytest.raises(NotMade, match="does not answer"):
        StudioMaker("http://127.0.0.1:9").terms()
