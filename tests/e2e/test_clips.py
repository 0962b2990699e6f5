"""Commands that begin from a person's own pictures and clips, with a model that draws gradients."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fakes import GradientPipeline
from unstrung.cli import main
from unstrung.engine.video_io import probe, read_recipe, write_video

BOARD = "0 a fox stands in the snow\n2 the fox jumps\n5 end\n"


def run(*arguments: str) -> int:
    return main(list(arguments), lambda _: GradientPipeline())


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A current folder with two clips, two pictures and a storyboard."""
    monkeypatch.chdir(tmp_path)
    frames = np.random.default_rng(0).integers(0, 255, (37, 64, 64, 3)).astype(np.uint8)
    write_video(tmp_path / "one.mp4", frames, 12, {"captions": ["a fox"]})
    write_video(tmp_path / "two.mp4", frames[::-1], 12, {})
    Image.fromarray(frames[0]).save(tmp_path / "one.png")
    cut = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    cut.paste((200, 40, 40, 255), (8, 8, 32, 32))
    cut.save(tmp_path / "mila.png")
    (tmp_path / "board.txt").write_text(BOARD, "utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "operation", "num_frames"),
    [
        (["image-to-video", "one.png", "a fox", "--seconds", "2"], "image_to_video", 25),
        (["keyframes", "a fox", "--at", "0=one.png", "--at", "1=one.png"], "keyframes", 49),
        (["storyboard", "board.txt"], "storyboard", 61),
        (["extend", "one.mp4", "a fox"], "extend", 73),
        (["extend", "one.mp4", "a fox", "--before"], "extend", 73),
        (["recut", "one.mp4", "a fox", "--keep", "1-2"], "recut", 36),
        (["loop", "one.mp4", "a fox"], "loop", 61),
        (["connect", "one.mp4", "two.mp4", "a fox"], "connect", 98),
        (["blend", "one.mp4", "two.mp4", "a fox"], "blend", 37),
        (["edit", "one.mp4", "a fox", "--strength", "mild"], "edit", 37),
        (["refine", "one.mp4", "a fox"], "refine", 37),
    ],
)
def test_every_operation_writes_a_clip_that_says_what_it_is(
    folder: Path, arguments: list[str], operation: str, num_frames: int
) -> None:
    assert run(*arguments, "--seed", "7", "--out", "made.mp4") == 0
    assert probe(folder / "made.mp4").num_frames == num_frames
    recipe = read_recipe(folder / "made.mp4")
    assert (recipe["operation"], recipe["seed"]) == (operation, 7)
    assert len(recipe["inputs"]) == sum(each.endswith((".mp4", ".png")) for each in arguments)


def test_a_still_is_a_picture_that_carries_its_recipe(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("still", "a fox", "--seed", "7", "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["path"] == "a-fox-7.png"
    assert result["notes"] == []
    with Image.open(folder / "a-fox-7.png") as picture:
        assert picture.size == (64, 64)
    assert run("info", "a-fox-7.png", "--json") == 0
    assert json.loads(capsys.readouterr().out)["recipe"]["prompt"] == "a fox"


def test_variations_of_an_edit_have_seeds_of_their_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("edit", "one.mp4", "a bear", "--seed", "7", "--count", "2", "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["seeds"] == [7, 8]
    assert len(result["paths"]) == 2


def test_a_character_is_cut_out_looked_at_and_drawn_with(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("character", "mila.png", "--name", "Mila", "--out", "cut.png") == 0
    with Image.open(folder / "cut.png") as picture:
        assert picture.mode == "RGBA"
    capsys.readouterr()
    assert run("generate", "Mila jumps", "--character", "Mila=cut.png", "--json") == 0
    assert json.loads(capsys.readouterr().out)["model"] == "gradient with Mila"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["keyframes", "a fox", "--at", "one.png"], "--at must be SECONDS=FILE, got one.png"),
        (["keyframes", "a fox", "--at", "9=one.png"], "--at must lie within 0 to 4.00 s"),
        (["recut", "one.mp4", "a fox", "--keep", "first"], "--keep must be START-END in seconds"),
        (["recut", "one.mp4", "a fox", "--keep", "2-1"], "--keep must be two moments in order"),
        (["edit", "one.mp4", "a fox", "--strength", "much"], "--strength must be subtle, mild"),
        (["generate", "a fox", "--character", "Mila"], "--character must be NAME=FILE, got Mila"),
        (["character", "mila.png", "--out", "cut.jpg"], "--out must end in .png"),
        (["still", "a fox", "--out", "fox.mp4"], "--out must end in .png"),
        (
            ["extend", "one.mp4", "a fox", "--seconds", "60"],
            "--seconds must make a clip of at most",
        ),
    ],
)
def test_a_wrong_value_is_one_sentence_and_code_2(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    before = sorted(folder.iterdir())
    assert run(*arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(sentence)
    assert err.count("\n") == 1
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize("file", ["gone.mp4", "board.txt"])
def test_a_file_that_is_no_clip_is_one_sentence_and_code_1(
    capsys: pytest.CaptureFixture[str], file: str
) -> None:
    assert run("extend", file, "a fox") == 1
    err = capsys.readouterr().err
    assert file in err
    assert err.count("\n") == 1
