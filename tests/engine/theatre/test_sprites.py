"""Sprites are premultiplied loops at three sizes, decoded once and refused when art is missing."""

import numpy as np
import pytest
from PIL import Image

from unstrung.engine.errors import DataError
from unstrung.engine.theatre.cast import member, members_of
from unstrung.engine.theatre.sprites import LEVELS, Sprites, portrait


def write_art(folder, code, num_frames=6):
    """An animated square that jumps from left to right, as WebP."""
    frames = []
    for index in range(num_frames):
        picture = np.zeros((64, 64, 4), np.uint8)
        picture[16:48, 8 + 4 * index : 30 + 4 * index] = (200, 40, 40, 255)
        frames.append(Image.fromarray(picture, "RGBA"))
    frames[0].save(
        folder / f"{code}.webp", save_all=True, append_images=frames[1:], duration=42, lossless=True
    )


@pytest.mark.parametrize("name", members_of("prop"))
def test_props_are_drawn_at_every_level(name):
    sprite = Sprites(None)[name]
    for size in LEVELS:
        level = sprite.levels[size]
        assert level.shape == (sprite.num_frames, size, size, 4)
        assert level.dtype == np.uint8
        assert (level[..., :3] <= level[..., 3:].astype(int) + 1).all(), "not premultiplied"
    left, top, right, bottom = sprite.box
    assert 0 <= left < right <= 1
    assert 0 <= top < bottom <= 1


def test_a_level_has_a_pixel_for_every_wanted_one():
    sprite = Sprites(None)["box"]
    assert sprite.level_for(30).shape[1] == 48
    assert sprite.level_for(60).shape[1] == 96
    assert sprite.level_for(500).shape[1] == 192


def test_sprites_are_loaded_once():
    sprites = Sprites(None)
    sprites.warm(["circle", "ring"])
    assert sprites["circle"] is sprites["circle"]


def test_art_without_a_folder_is_refused_with_the_way_out():
    with pytest.raises(DataError, match=r"unstrung data fetch"):
        Sprites(None)["horse"]


def test_art_is_decoded_at_half_rate_and_cached_beside_itself(tmp_path):
    write_art(tmp_path, member("horse").code)
    first = Sprites(tmp_path)["horse"]
    assert first.num_frames == 3
    assert first.box[0] < 0.2
    (tmp_path / f"{member('horse').code}.webp").unlink()
    again = Sprites(tmp_path)["horse"]
    assert all(np.array_equal(first.levels[size], again.levels[size]) for size in LEVELS)


def test_missing_and_damaged_art_is_named(tmp_path):
    with pytest.raises(DataError, match=r"missing or damaged"):
        Sprites(tmp_path)["horse"]
    (tmp_path / f"{member('cow').code}.webp").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"missing or damaged"):
        Sprites(tmp_path)["cow"]


def test_portraits_show_the_first_frame_and_are_black_without_art(tmp_path):
    write_art(tmp_path, member("horse").code)
    assert portrait(member("horse"), tmp_path).any()
    assert not portrait(member("horse"), None).any()
    assert portrait(member("circle"), None).shape == (32, 32, 4)
