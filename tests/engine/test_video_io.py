"""Clips survive the way to a file and back, and a failure never leaves half a file."""

import os
import resource
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from unstrung.engine.errors import DataError, InvalidRequest
from unstrung.engine.image_io import SheetStyle, contact_sheet, write_image
from unstrung.engine.presets import MINI
from unstrung.engine.sources import read_source
from unstrung.engine.video_io import (
    check_target,
    probe,
    read_recipe,
    read_video,
    write_video,
    writing_video,
)

RECIPE = {"prompt": "ثعلب 🦊 in der Kälte\n", "seed": 2**63 - 1, "notes": ["a", "b"]}


def moving_box(num_frames: int = 13, height: int = 64, width: int = 96) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    frames = np.empty((num_frames, height, width, 3), np.uint8)
    frames[..., 0], frames[..., 1], frames[..., 2] = rows * 2, columns * 2, 128
    for index in range(num_frames):
        frames[index, 20:40, 4 * index : 4 * index + 20] = (230, 40, 30)
    return frames


def atoms(data: bytes) -> list[bytes]:
    """Names of the top-level boxes of an mp4, in order."""
    names, position = [], 0
    while position < len(data):
        size, name = struct.unpack(">I4s", data[position : position + 8])
        names.append(name)
        position += size
    return names


@contextmanager
def disk_of(num_bytes: int) -> Iterator[None]:
    """Let no file grow beyond `num_bytes`, as a full disk would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_clip_comes_back_nearly_unchanged(tmp_path: Path) -> None:
    frames = moving_box()
    write_video(tmp_path / "a.mp4", frames, 12, RECIPE)
    clip = read_video(tmp_path / "a.mp4")
    assert clip.frames.shape == frames.shape
    assert clip.frames.dtype == np.uint8
    assert clip.frame_rate == 12
    error = clip.frames.astype(float) - frames
    assert 10 * np.log10(255**2 / np.mean(error**2)) > 30
    inside_box = error[:, 24:36].mean(axis=(0, 1, 2))
    assert np.abs(inside_box).max() < 4, "colours shift if the matrix is not tagged"


def test_the_recipe_comes_back_exactly(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", moving_box(1), 12, RECIPE)
    assert read_recipe(tmp_path / "a.mp4") == RECIPE


def test_a_prompt_of_32000_characters_fits_into_the_recipe(tmp_path: Path) -> None:
    recipe = {"prompt": "ثعلب في الثلج " * 2286}
    write_video(tmp_path / "a.mp4", moving_box(1), 12, recipe)
    assert read_recipe(tmp_path / "a.mp4") == recipe


def test_characters_that_are_no_text_survive_in_the_recipe(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", moving_box(1), 12, {"prompt": "bad \udcff and \0"})
    assert read_recipe(tmp_path / "a.mp4") == {"prompt": "bad \udcff and \0"}


def test_the_file_is_h264_yuv420p_with_its_index_in_front(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", moving_box(49), 12, RECIPE)
    info = probe(tmp_path / "a.mp4")
    assert (info.codec, info.pixel_format) == ("h264", "yuv420p")
    assert (info.width, info.height, info.num_frames) == (96, 64, 49)
    assert info.frame_rate == 12
    assert info.seconds == pytest.approx(49 / 12)
    names = atoms((tmp_path / "a.mp4").read_bytes())
    assert names.index(b"moov") < names.index(b"mdat")


def test_the_same_frames_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        write_video(tmp_path / name, moving_box(), 12, RECIPE)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


@pytest.mark.parametrize("num_frames", [1, 2, 5])
def test_short_clips_keep_every_frame(tmp_path: Path, num_frames: int) -> None:
    write_video(tmp_path / "a.mp4", moving_box(num_frames), 12)
    assert len(read_video(tmp_path / "a.mp4").frames) == num_frames
    assert probe(tmp_path / "a.mp4").recipe is None


def test_odd_sides_become_even_without_moving_the_picture(tmp_path: Path) -> None:
    frames = moving_box(5, 63, 95)
    write_video(tmp_path / "a.mp4", frames, 12)
    back = read_video(tmp_path / "a.mp4").frames
    assert back.shape == (5, 64, 96, 3)
    assert np.abs(back[:, :63, :95].astype(float) - frames).mean() < 8


def test_frames_can_be_handed_over_as_they_come(tmp_path: Path) -> None:
    frames = moving_box()
    with writing_video(tmp_path / "a.mp4", 12, RECIPE) as writer:
        writer.write(frames[:1])
        assert not (tmp_path / "a.mp4").exists()
        writer.write(frames[1:])
    write_video(tmp_path / "b.mp4", frames, 12, RECIPE)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_max_seconds_stops_early(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", moving_box(), 12)
    assert len(read_video(tmp_path / "a.mp4", max_seconds=0.25).frames) == 3


def unsteady_video(path: Path, moments_ms: Sequence[int]) -> None:
    """A clip as phones write it: each frame has a time of its own, and a grey of its own."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for number, moment in enumerate(moments_ms):
            grey = np.full((64, 64, 3), 20 + 20 * number, np.uint8)
            frame = av.VideoFrame.from_ndarray(grey, "rgb24")
            frame.pts, frame.time_base = moment, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def test_frames_have_their_own_times(tmp_path: Path) -> None:
    moments = [0, 40, 500, 520, 1500]
    unsteady_video(tmp_path / "phone.mp4", moments)
    found = read_video(tmp_path / "phone.mp4").times
    assert found == pytest.approx([each / 1000 for each in moments], abs=2e-3)


def test_an_unsteady_clip_is_seen_as_it_was_filmed(tmp_path: Path) -> None:
    unsteady_video(tmp_path / "phone.mp4", [0, 40, 500, 520, 1500])
    source = read_source(tmp_path / "phone.mp4", MINI.native)
    assert "unsteady" in source.notes[-1]
    greys = np.round((source.frames.mean(axis=(1, 2, 3)) - 20) / 20).astype(int)
    at = {moment: int(greys[round(moment * 12)]) for moment in (0.0, 0.25, 0.5, 1.0, 1.25, 1.5)}
    assert at == {0.0: 0, 0.25: 1, 0.5: 2, 1.0: 3, 1.25: 3, 1.5: 4}


@pytest.mark.parametrize("stop", [KeyboardInterrupt, RuntimeError])
def test_an_interruption_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, stop: type[BaseException]
) -> None:
    target = tmp_path / "a.mp4"
    target.write_bytes(b"old")

    def interrupted() -> None:
        with writing_video(target, 12, RECIPE) as writer:
            writer.write(moving_box())
            raise stop

    with pytest.raises(stop):
        interrupted()
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


@pytest.mark.parametrize("num_bytes", [0, 500, 5000])
def test_a_full_disk_is_one_sentence_and_leaves_the_old_file(
    tmp_path: Path, num_bytes: int
) -> None:
    target = tmp_path / "a.mp4"
    target.write_bytes(b"old")
    noise = np.random.default_rng(0).integers(0, 255, (25, 64, 96, 3), np.uint8)
    with disk_of(num_bytes), pytest.raises(DataError, match="disk is full"):
        write_video(target, noise, 12, RECIPE)
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_a_full_disk_stops_images_too(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8)
    with disk_of(500), pytest.raises(DataError, match="disk is full"):
        write_image(tmp_path / "a.png", noise)
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"folder .*nowhere does not exist"):
        write_video(tmp_path / "nowhere" / "a.mp4", moving_box(1), 12)


def test_a_folder_as_target_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a folder"):
        write_video(tmp_path, moving_box(1), 12)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(DataError, match="cannot be written to"):
        check_target(tmp_path / "a.mp4")


def test_a_very_long_name_is_refused_in_one_sentence(tmp_path: Path) -> None:
    write_video(tmp_path / ("a" * 240 + ".mp4"), moving_box(1), 12)
    with pytest.raises(DataError, match="name is too long"):
        write_video(tmp_path / ("a" * 300 + ".mp4"), moving_box(1), 12)


@pytest.mark.parametrize(
    "frames",
    [
        np.zeros((0, 16, 16, 3), np.uint8),
        np.zeros((1, 16, 16, 3), np.float32),
        np.zeros((16, 16, 3), np.uint8),
    ],
)
def test_arrays_that_are_no_frames_are_refused(tmp_path: Path, frames: np.ndarray) -> None:
    with pytest.raises(InvalidRequest, match="frames must"):
        write_video(tmp_path / "a.mp4", frames, 12)
    assert not list(tmp_path.iterdir())


def test_files_that_are_no_video_are_refused_in_one_sentence(tmp_path: Path) -> None:
    whole = tmp_path / "whole.mp4"
    write_video(whole, moving_box(), 12, RECIPE)
    (tmp_path / "text.mp4").write_text("no video at all\n" * 99)
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "cut.mp4").write_bytes(whole.read_bytes()[:300])
    for name in ("text.mp4", "empty.mp4", "cut.mp4"):
        for read in (probe, read_recipe, read_video):
            with pytest.raises(DataError, match=f"{name} (is damaged|holds no video)"):
                read(tmp_path / name)
    (tmp_path / "cut.mp4").write_bytes(whole.read_bytes()[:-1500])
    with pytest.raises(DataError, match=r"cut off|damaged"):
        read_video(tmp_path / "cut.mp4")
    with pytest.raises(DataError, match="does not exist"):
        probe(tmp_path / "none.mp4")
    with pytest.raises(DataError, match="is a folder"):
        probe(tmp_path)


def test_a_picture_is_no_clip_with_a_recipe(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", moving_box(1)[0])
    with pytest.raises(DataError, match="carries no recipe"):
        read_recipe(tmp_path / "a.png")


def test_images_come_back_by_suffix(tmp_path: Path) -> None:
    image = moving_box(1)[0]
    write_image(tmp_path / "a.png", image)
    assert np.array_equal(read_video(tmp_path / "a.png").frames[0], image)
    write_image(tmp_path / "a.JPG", image)
    assert (tmp_path / "a.JPG").read_bytes()[:2] == b"\xff\xd8"
    with pytest.raises(InvalidRequest, match="end in"):
        write_image(tmp_path / "a.xyz", image)


def test_a_sheet_holds_every_clip_and_its_label() -> None:
    clips = [moving_box(), moving_box(1), moving_box(5, 96, 64)]
    labels = ["a box crosses", "ثعلب يعبر حقلا ثلجيا", "word " * 60]
    sheet = contact_sheet(clips, labels, columns=2, style=SheetStyle(num_frames=3))
    assert sheet.dtype == np.uint8
    assert sheet.shape[1] == 2 * (3 * 160 + 10) + 10
    arabic_row = sheet[10 + 107 : 10 + 107 + 18, 500:980]
    assert (arabic_row < 128).any(), "the Arabic label left no ink"
    assert (arabic_row[:, 300:] < 128).any(), "Arabic starts at the right"


def test_a_sheet_needs_a_label_for_each_clip() -> None:
    with pytest.raises(InvalidRequest, match="labels must"):
        contact_sheet([moving_box()], [])
