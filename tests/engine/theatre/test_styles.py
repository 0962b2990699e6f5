"""Styles change the whole picture and keep what it shows."""

import cv2
import numpy as np
import pytest

from unstrung.engine.theatre import styles
from unstrung.engine.theatre.script import Style


def scene(height=128, width=128):
    """A red ball on a blue and green ground, RGB."""
    frame = np.zeros((height, width, 3), np.uint8)
    frame[: height // 2] = (120, 180, 240)
    frame[height // 2 :] = (80, 170, 70)
    cv2.circle(frame, (width // 2, height // 2), height // 4, (220, 50, 40), -1, cv2.LINE_AA)
    return frame


@pytest.mark.parametrize("style", Style)
@pytest.mark.parametrize("size", [(128, 128), (128, 224), (64, 48)])
def test_styles_keep_size_and_type_and_the_frame_they_were_given(style, size):
    frame = scene(*size)
    before = frame.copy()
    drawn = styles.apply(style, frame)
    assert drawn.shape == (*size, 3)
    assert drawn.dtype == np.uint8
    assert np.array_equal(frame, before)


@pytest.mark.parametrize("style", [style for style in Style if style is not Style.PLAIN])
def test_every_style_is_seen_and_keeps_the_ball(style):
    drawn = styles.apply(style, scene())
    assert np.abs(drawn.astype(int) - scene()).mean() > 5
    grey = cv2.cvtColor(drawn, cv2.COLOR_RGB2GRAY).astype(int)
    ring = np.abs(np.diff(grey[48], axis=0))
    assert ring.max() > 8, "the edge of the ball is gone"


def test_plain_is_plain():
    assert np.array_equal(styles.apply(Style.PLAIN, scene()), scene())


def test_black_and_white_is_grey():
    drawn = styles.apply(Style.BLACK_AND_WHITE, scene())
    assert np.ptp(drawn, axis=-1).max() == 0
    assert np.ptp(drawn) > 40


def test_sepia_is_brown_and_never_burns_out():
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=-1)
    drawn = styles.apply(Style.SEPIA, np.repeat(ramp, 16, axis=0)).astype(int)
    assert (drawn[..., 0] >= drawn[..., 1]).all()
    assert (drawn[..., 1] >= drawn[..., 2]).all()
    assert len(np.unique(drawn[0, -40:], axis=0)) > 30


def test_pixel_art_has_square_dots_and_few_tones():
    drawn = styles.apply(Style.PIXEL_ART, scene())
    dots = drawn.reshape(32, 4, 32, 4, 3)
    assert (dots == dots[:, :1, :, :1]).all()
    assert len(np.unique(drawn)) <= 8
    assert len(np.unique(drawn.reshape(-1, 3), axis=0)) > 3


def test_pencil_is_dark_lines_on_light_paper():
    drawn = styles.apply(Style.PENCIL, scene()).astype(int).mean(axis=-1)
    assert np.median(drawn) > 190
    assert drawn.min() < 130


def test_watercolour_is_paler():
    assert styles.apply(Style.WATERCOLOUR, scene()).mean() > scene().mean() + 10


def test_night_vision_is_green_and_darker_at_the_corners():
    drawn = styles.apply(Style.NIGHT_VISION, np.full((64, 64, 3), 200, np.uint8)).astype(int)
    assert (drawn[..., 1] > drawn[..., 0]).all()
    assert (drawn[..., 1] > drawn[..., 2]).all()
    assert drawn[0, 0, 1] < 0.6 * drawn[32, 32, 1]
