import io
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from unstrung.engine.errors import InvalidRequest
from unstrung.engine.video_io import probe, read_video
from unstrung.studio.renditions import (
    fit_to,
    fitted,
    preview,
    spritesheet,
    thumbnail,
    write_fitted,
)


def clip(num_frames: int, width: int, height: int) -> np.ndarray:
    """Frames of one grey each, brighter with time, with a white cross in the middle."""
    frames = np.zeros((num_frames, height, width, 3), np.uint8)
    frames += np.linspace(0, 200, num_frames).astype(np.uint8)[:, None, None, None]
    frames[:, height // 2 - 2 : height // 2 + 2] = 255
    frames[:, :, width // 2 - 2 : width // 2 + 2] = 255
    return frames


def opened(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


even = st.integers(1, 90).map(lambda half: 2 * half)


@given(st.integers(1, 3), st.integers(1, 60), st.integers(1, 60), even, even)
def test_any_clip_fits_any_even_size(
    num_frames: int, width: int, height: int, wanted_width: int, wanted_height: int
) -> None:
    frames = np.full((num_frames, height, width, 3), (10, 120, 240), np.uint8)
    scaled = fit_to(frames, wanted_width, wanted_height)
    assert scaled.shape == (num_frames, wanted_height, wanted_width, 3)
    assert (scaled == (10, 120, 240)).all()  # no border, nothing stretched in


def test_a_clip_of_the_wanted_size_stays_as_it_is() -> None:
    frames = clip(3, 64, 48)
    assert fit_to(frames, 64, 48) is frames
    assert np.array_equal(np.concatenate(list(fitted(frames, 64, 48))), frames)


@pytest.mark.parametrize("size", [(128, 128), (96, 192), (192, 96), (48, 32)])
def test_the_centre_stays_in_the_centre(size: tuple[int, int]) -> None:
    scaled = fit_to(clip(1, 96, 64), *size)[0].astype(int)
    assert np.abs(scaled - scaled[:, ::-1]).max() <= 1
    assert np.abs(scaled - scaled[::-1]).max() <= 1
    assert scaled[size[1] // 2, size[0] // 2].min() > 250


def test_shapes_are_cut_and_not_stretched() -> None:
    frames = np.zeros((1, 60, 120, 3), np.uint8)
    frames[:, :, :30], frames[:, :, -30:] = 255, 255
    assert fit_to(frames, 60, 60).max() < 40
    assert (fit_to(frames, 240, 120)[:, :, :55] > 200).all()


def test_large_clips_are_scaled_a_few_frames_at_a_time() -> None:
    frames = clip(200, 64, 36)
    tracemalloc.start()
    batch = next(fitted(frames, 1792, 1024))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert batch.shape[1:] == (1024, 1792, 3)
    assert batch.nbytes <= 32 * 1024 * 1024
    assert peak < 100e6  # all frames would be 1.1 GB


def test_an_mp4_has_the_wanted_size_and_says_so(tmp_path: Path) -> None:
    frames = clip(9, 64, 64)
    write_fitted(tmp_path / "a.mp4", frames, 180, 320, 12, {"prompt": "a cross"})
    info = probe(tmp_path / "a.mp4")
    assert (info.width, info.height, info.num_frames, info.frame_rate) == (180, 320, 9, 12)
    assert info.recipe == {"prompt": "a cross", "delivered_width": 180, "delivered_height": 320}
    seen = read_video(tmp_path / "a.mp4").frames
    assert np.abs(seen.astype(int) - fit_to(frames, 180, 320)).mean() < 4


def test_a_refused_size_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="width must be even and 2 to 8192, got 181; try 180"):
        write_fitted(tmp_path / "a.mp4", clip(2, 64, 64), 181, 320, 12)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("width", "height"), [(0, 64), (64, -2), (64, 63), (8_194, 64)])
def test_sizes_outside_the_rules_are_refused_before_any_work(width: int, height: int) -> None:
    with pytest.raises(InvalidRequest, match="try"):
        fitted(clip(1, 64, 64), width, height)


@pytest.mark.parametrize(
    "frames",
    [np.zeros((0, 8, 8, 3), np.uint8), np.zeros((8, 8, 3), np.uint8), np.zeros((1, 8, 8, 4), np.uint8),
     np.zeros((1, 8, 8, 3), np.float32)],
)  # fmt: skip
def test_what_are_no_frames_is_refused(frames: np.ndarray) -> None:
    for make in (thumbnail, spritesheet, lambda each: fit_to(each, 8, 8)):
        with pytest.raises(InvalidRequest, match="frames must be"):
            make(frames)


def test_a_thumbnail_is_the_middle_frame_within_its_side() -> None:
    frames = np.stack([np.full((300, 600, 3), grey, np.uint8) for grey in (0, 120, 255)])
    picture = opened(thumbnail(frames))
    assert (picture.format, picture.size) == ("WEBP", (512, 256))
    assert np.abs(np.asarray(picture.convert("RGB")).astype(int) - 120).max() <= 3
    assert opened(thumbnail(frames[:, :64, :48])).size == (48, 64)


@pytest.mark.parametrize(
    ("num_frames", "columns", "size"),
    [
        (100, 4, (256, 256)),
        (16, 8, (512, 128)),
        (3, 4, (192, 64)),
        (1, 4, (64, 64)),
        (5, 4, (256, 128)),
    ],
)
def test_a_sheet_shows_up_to_sixteen_frames(
    num_frames: int, columns: int, size: tuple[int, int]
) -> None:
    picture = opened(spritesheet(clip(num_frames, 64, 64), columns))
    assert (picture.format, picture.size) == ("JPEG", size)


def test_a_sheet_runs_from_the_first_frame_to_the_last() -> None:
    frames = np.stack([np.full((32, 32, 3), grey, np.uint8) for grey in range(0, 200, 2)])
    cells = np.asarray(opened(spritesheet(frames, 4)).convert("L")).astype(int)[16::32, 16::32]
    greys = cells.ravel()
    assert abs(greys[0] - 0) <= 2
    assert abs(greys[-1] - 198) <= 2
    assert (np.abs(np.diff(greys) - 198 / 15) <= 4).all()


def test_layouts_outside_the_rules_are_refused() -> None:
    frames = clip(2, 64, 64)
    for columns in (0, 17):
        with pytest.raises(InvalidRequest, match="columns must lie within 1 to 16"):
            spritesheet(frames, columns)
    for side in (0, 8_193):
        with pytest.raises(InvalidRequest, match="longest_side"):
            thumbnail(frames, side)


def test_a_preview_is_small() -> None:
    frame = np.random.default_rng(0).integers(0, 255, (480, 640, 3)).astype(np.uint8)
    picture = opened(preview(frame))
    assert (picture.format, picture.size) == ("WEBP", (320, 240))
    assert opened(preview(frame[:64, :96])).size == (96, 64)
    with pytest.raises(InvalidRequest):
        preview(frame[0])
