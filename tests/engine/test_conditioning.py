"""Which frames a clip begins from."""

import numpy as np
import pytest

from unstrung.engine import conditioning
from unstrung.engine.errors import InvalidRequest


def clip(num_frames: int, value: int = 1) -> np.ndarray:
    """Frames that count upwards from a value."""
    frames = np.zeros((num_frames, 16, 16, 3), np.uint8)
    frames += (value + np.arange(num_frames, dtype=np.uint8))[:, None, None, None]
    return frames


def test_a_picture_is_the_first_frame() -> None:
    given = conditioning.from_image(clip(1, 7)[0], 9)
    assert given.start_times == (0.0, 1.0, 1.0)
    assert given.frames[0].max() == 7
    assert given.shape.frames == 9


def test_a_keyframe_fills_the_latent_frame_in_which_it_falls() -> None:
    given = conditioning.keyframes({6: clip(1, 7)[0]}, 13, strength=0.75)
    assert given.start_times == (1.0, 1.0, 0.25, 1.0)
    assert [int(frame.max()) for frame in given.frames[4:10]] == [0, 7, 7, 7, 7, 0]


def test_both_ends_may_be_given() -> None:
    before, after = clip(21), clip(30, 100)
    tail = conditioning.last_frames(before, 2)
    head = conditioning.first_frames(after, 2)
    assert (len(tail), len(head)) == (5, 8)
    given = conditioning.between(tail, head, 25)
    assert given.start_times == (0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0)
    assert int(given.frames[4].max()) == 21  # the last of the first clip
    assert int(given.frames[17].max()) == 100  # the first of the second


@pytest.mark.parametrize(("strength", "start"), [("subtle", 0.8), ("0.5", 0.5), (0.25, 0.25)])
def test_strength_is_a_word_or_a_number(strength: str | float, start: float) -> None:
    assert conditioning.redrawn(clip(5), strength).start_times == (start, start)


@pytest.mark.parametrize("strength", ["heavy", 0, 1.5, -1, "nan"])
def test_other_strengths_are_refused(strength: str | float) -> None:
    with pytest.raises(InvalidRequest, match="strength"):
        conditioning.redrawn(clip(5), strength)


def test_what_leaves_nothing_to_make_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="num_frames"):
        conditioning.between(clip(9), clip(4), 13)
    with pytest.raises(InvalidRequest, match="clip"):
        conditioning.between(None, None, 13)
    with pytest.raises(InvalidRequest, match="frame"):
        conditioning.keyframes({13: clip(1)[0]}, 13)


def test_grain_fades_where_nothing_moves_and_leaves_no_outline_of_what_does() -> None:
    drawn = np.full((13, 16, 16, 3), 100, np.uint8)
    for index in range(13):
        drawn[index, 4:8, index : index + 3] = 200  # a body that moves
    shown = drawn.copy()
    shown[0] = drawn[0] + 10  # the same in another grain
    given = conditioning.GivenClip(shown, (0.0, 1.0, 1.0, 1.0))
    made = conditioning.faithful(drawn, given)
    assert np.array_equal(made[0], shown[0])
    background = made[1:, 12, 12, 0].astype(int) - 100
    assert background[0] > background[4] > 0
    assert background[8:].max() == 0
    # Where the body has been at first, the neighbours show what stands there now, and nothing of its grain.
    assert made[5, 5, 1, 0] == 100
