"""The whole recipe on drawn props: from nothing to weights to a clip, through the command line."""

from pathlib import Path

import pytest

from unstrung.cli import main
from unstrung.engine.training.curves import read_log
from unstrung.engine.video_io import probe, read_recipe

QUICK = "0.001"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training root in which every part of the preset `tiny` has been trained for a moment."""
    root = tmp_path_factory.mktemp("training")
    steps = [
        ["train", "autoencoder", "--out", str(root / "autoencoder-tiny")],
        ["data", "prepare", "--out", str(root / "data")],
        ["train", "text", "--out", str(root / "text-tiny"), "--minutes", QUICK],
        ["train", "oracle", "--out", str(root / "oracle-tiny"), "--minutes", QUICK],
        ["train", "transformer", "--out", str(root / "transformer-tiny"), "--minutes", QUICK],
        ["train", "planner", "--out", str(root / "planner-tiny"), "--minutes", QUICK],
    ]
    for step in steps:
        assert main([*step, "--preset", "tiny"]) == 0, step
    return root


def test_every_part_leaves_its_weights_and_its_losses(root: Path) -> None:
    assert (root / "autoencoder-tiny" / "autoencoder.safetensors").exists()
    for part in ("text-tiny", "oracle-tiny", "transformer-tiny", "planner-tiny"):
        assert list((root / part).glob("*.safetensors"))
        assert all(record["loss"] > 0 for record in read_log(root / part / "losses.jsonl"))
        assert (root / part / "losses.png").exists()
    assert list((root / "transformer-tiny" / "samples").glob("*.jpg"))


def test_a_resumed_run_adds_to_its_log(root: Path) -> None:
    out = root / "transformer-tiny"
    before = read_log(out / "losses.jsonl")
    command = [
        "train",
        "transformer",
        "--preset",
        "tiny",
        "--out",
        str(out),
        "--minutes",
        QUICK,
        "--resume",
    ]
    assert main(command) == 0
    after = read_log(out / "losses.jsonl")
    assert after[: len(before)] == before
    assert after[len(before)]["step"] == before[-1]["step"] + 1


def test_shipped_weights_draw_a_clip_and_start_another_run(root: Path, tmp_path: Path) -> None:
    weights, clip = tmp_path / "weights", tmp_path / "clip.mp4"
    assert main(["ship", "--preset", "tiny", "--root", str(root), "--out", str(weights)]) == 0
    prompt = ["generate", "a circle in the snow", "--weights", str(weights), "--seconds", "0.75"]
    assert main([*prompt, "--seed", "3", "--out", str(clip)]) == 0
    assert probe(clip).num_frames == 9
    assert read_recipe(clip)["seed"] == 3
    out = root / "transformer-tiny"
    begun = ["train", "transformer", "--preset", "tiny", "--out", str(out), "--minutes", QUICK]
    assert main([*begun, "--start", str(weights), "--cooldown", "0.5"]) == 0


def test_a_run_without_what_it_builds_on_says_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "transformer-tiny"
    assert main(["train", "transformer", "--preset", "tiny", "--out", str(out)]) == 1
    assert "text_encoder.safetensors is missing" in capsys.readouterr().err
