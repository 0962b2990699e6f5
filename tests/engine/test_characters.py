"""Characters cut out of clips and pictures, and their names in prompts."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from unstrung.engine.characters import (
    SIDE,
    Character,
    cut_out,
    read_character,
    stand_in,
    straight_alpha,
    with_stand_ins,
)
from unstrung.engine.errors import DataError, InvalidRequest
from unstrung.engine.video_io import write_video


def scene(left: int, seed: int = 0) -> np.ndarray:
    """A red ball on a grainy green ground."""
    rng = np.random.default_rng(seed)
    ground = np.clip(rng.normal((70, 140, 80), 6, (128, 128, 3)), 0, 255).astype(np.uint8)
    picture = Image.fromarray(ground)
    ImageDraw.Draw(picture).ellipse((left, 40, left + 48, 88), fill=(220, 40, 40))
    return np.asarray(picture)


@pytest.mark.parametrize("places", [(40,), tuple(range(4, 76, 3))])
def test_who_stands_out_is_cut_out_of_a_picture_or_a_clip(places: tuple[int, ...]) -> None:
    cut = cut_out(np.stack([scene(place, index) for index, place in enumerate(places)]))
    solid = cut[..., 3] > 128
    assert solid.sum() == pytest.approx(np.pi * 24.5**2, rel=0.12)
    assert np.abs(cut[solid][:, :3].astype(int) - (220, 40, 40)).mean() < 12


def test_nobody_is_not_cut_out() -> None:
    with pytest.raises(InvalidRequest, match="character"):
        cut_out(np.full((9, 64, 64, 3), 90, np.uint8))


def test_a_file_becomes_a_character_in_the_middle_of_a_square(tmp_path: Path) -> None:
    path = tmp_path / "ball.mp4"
    write_video(path, np.stack([scene(place, 1) for place in range(4, 76, 3)]), 12, {})
    character = read_character("Ball", path)
    assert character.picture.shape == (SIDE, SIDE, 4)
    rows, columns = np.nonzero(character.picture[..., 3] > 128)
    assert abs(rows.mean() - SIDE / 2) < 6
    assert abs(columns.mean() - SIDE / 2) < 6
    assert rows.max() - rows.min() > 0.8 * SIDE


def test_a_transparent_picture_is_taken_as_it_is(tmp_path: Path) -> None:
    picture = Image.new("RGBA", (60, 30), (0, 0, 0, 0))
    ImageDraw.Draw(picture).rectangle((10, 5, 49, 24), fill=(10, 200, 30, 255))
    path = tmp_path / "box.png"
    picture.save(path)
    cut = read_character("Box", path).picture
    assert tuple(cut[SIDE // 2, SIDE // 2]) == (10, 200, 30, 255)
    assert cut[0, 0, 3] == 0
    assert tuple(straight_alpha(cut)[SIDE // 2, SIDE // 2]) == (10, 200, 30, 255)


def test_other_files_and_names_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("hello")
    with pytest.raises(DataError, match=r"notes\.txt"):
        read_character("Mila", path)
    for name in ("", "!!", "x" * 81):
        with pytest.raises(InvalidRequest, match="name"):
            Character(name, np.zeros((SIDE, SIDE, 4), np.uint8))


def body(height: int, colour: tuple[int, int, int]) -> np.ndarray:
    picture = np.zeros((64, 64, 4), np.uint8)
    picture[32 - height // 2 : 32 + height // 2, 16:48] = (*colour, 255)
    return picture


def test_the_member_who_looks_most_alike_lends_its_word() -> None:
    cast = {
        "tall": body(60, (200, 0, 0)),
        "flat": body(20, (200, 0, 0)),
        "blue": body(60, (0, 0, 200)),
    }
    assert stand_in(body(58, (180, 20, 0)), cast) == "tall"
    assert stand_in(body(58, (20, 0, 180)), cast) == "blue"
    assert stand_in(body(58, (180, 20, 0)), cast, taken=["tall"]) == "blue"


def test_names_become_words_of_the_cast() -> None:
    words = [("Mila", "fox"), ("Mila Rose", "bear")]
    told = "@mila meets MILA ROSE; Milano is far"
    assert with_stand_ins(told, words) == "fox meets bear; Milano is far"
    assert with_stand_ins(
        "\u0645\u064a\u0644\u0627 \u0647\u0646\u0627",
        [("\u0645\u064a\u0644\u0627", "\u062b\u0639\u0644\u0628")],
    ).startswith("\u062b\u0639\u0644\u0628")
