"""Flashes by WCAG 2.3.1, on clips whose flashes are known."""

from collections.abc import Callable

import numpy as np
import pytest

from studio.fakes import FakeGenerator
from unstrung.studio.database import Database
from unstrung.studio.flashes import LIMIT, most_flashes
from unstrung.studio.videos.models import Video

RATE = 24


def clip(
    hertz: float, low: object = 0, high: object = 255, part: float = 1.0, seconds: int = 2
) -> np.ndarray:
    """A grey clip of which a part, from its upper left corner, is low and high in turn."""
    frames = np.full((RATE * seconds, 96, 96, 3), 128, np.uint8)
    side = round(96 * part)
    for index in range(len(frames)):
        is_high = int(2 * hertz * index / RATE) % 2
        frames[index, :side, :side] = high if is_high else low
    return frames


@pytest.mark.parametrize("hertz", [1, 2, 3, 4, 6, 12])
def test_black_and_white_in_turn_flashes_as_often_as_it_does(hertz: int) -> None:
    assert abs(most_flashes(clip(hertz), RATE) - hertz) <= (hertz == 12)
    assert (most_flashes(clip(hertz), RATE) > LIMIT) == (hertz > 3)


def test_a_change_below_a_tenth_of_white_is_no_flash() -> None:
    assert most_flashes(clip(8, 100, 110), RATE) == 0
    assert most_flashes(clip(8, 235, 255), RATE) == 0, "the darker side is above 0.80"
    assert most_flashes(clip(8, 200, 255), RATE) > LIMIT


def test_a_small_part_of_the_field_may_flash() -> None:
    assert most_flashes(clip(8, part=0.15), RATE) == 0
    assert most_flashes(clip(8, part=0.25), RATE) > LIMIT


def test_saturated_red_counts_where_its_luminance_does_not() -> None:
    assert most_flashes(clip(6, (0, 0, 0), (150, 0, 0)), RATE) > LIMIT
    assert most_flashes(clip(6, (0, 0, 0), (0, 0, 150)), RATE) == 0


def test_something_that_passes_once_does_not_flash_often() -> None:
    frames = np.zeros((RATE, 96, 96, 3), np.uint8)
    for index in range(RATE):
        frames[index, :, 4 * index : 4 * index + 20] = 255
    assert most_flashes(frames, RATE) == 1


def test_one_frame_and_odd_sizes_are_taken() -> None:
    assert most_flashes(np.zeros((1, 2, 3, 3), np.uint8), 12) == 0
    assert most_flashes(np.zeros((3, 99, 181, 3), np.uint8), 23.976) == 0


def test_a_clip_says_how_often_it_flashes(
    client: object,
    make: Callable[[str], None],
    database: Database,
    generator: FakeGenerator,
    people: object,
) -> None:
    headers = people.headers("owner")  # type: ignore[attr-defined]
    body = {"prompt": "a fox", "seconds": "4"}
    video_id = client.post("/v1/videos", json=body, headers=headers).json()["id"]  # type: ignore[attr-defined]
    make(video_id)
    with database.transaction() as session:
        assert (session.get_one(Video, video_id).result or {})["flashes"] in range(3)
    told = client.get(f"/v1/videos/{video_id}", headers=headers).json()  # type: ignore[attr-defined]
    assert told["flashes"] in range(3)
