"""Clips to files and back: mp4 with its recipe inside, contact sheets, still images.

Every file is written beside its target under a temporary name, flushed to disk and then moved, so
the target is either the old file or the whole new one. Frames are (F, H, W, 3) uint8; models are
unknown here.
"""

import errno
import itertools
import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from unstrung.engine.errors import DataError, InvalidRequest

RECIPE_KEY: Final = "comment"
_BT709 = 1
_LIMITED_RANGE = 1
# Without mbtree=0 about one encode in twenty of identical frames differed (x264 with AVX-512, 150 runs).
_ENCODER_OPTIONS = {"crf": "17", "preset": "medium", "x264-params": "mbtree=0"}


@dataclass(frozen=True)
class Clip:
    """Decoded frames.

    Attributes:
        frames: (F, H, W, 3) uint8.
        frame_rate: mean rate that the file names [fps]; 0 if it names none.
        times: when each frame begins, from the first [s]; phones and screen recorders do not keep a beat.
    """

    frames: np.ndarray
    frame_rate: float
    times: tuple[float, ...] = ()


@dataclass(frozen=True)
class VideoInfo:
    """What the header of a video file says.

    Attributes:
        width, height: [px].
        frame_rate: [fps].
        num_frames: frames in the file.
        seconds: length [s].
        codec, pixel_format: such as h264 and yuv420p.
        recipe: how the clip was made, or None if the file does not say.
    """

    width: int
    height: int
    frame_rate: float
    num_frames: int
    seconds: float
    codec: str
    pixel_format: str
    recipe: dict[str, Any] | None


def check_target(path: Path) -> None:
    """Find out before any work is done whether a file can be written at `path`.

    Raises:
        DataError: if the folder is missing or closed to writing, or `path` is a folder.
    """
    try:
        is_folder, has_parent = path.is_dir(), path.parent.is_dir()
    except OSError as error:
        raise DataError(_why_not_written(path, error)) from error
    if is_folder:
        raise DataError(f"{path} is a folder; give the name of a file.")
    folder = path.parent if path.parent.name else path.parent.absolute()
    if not has_parent:
        raise DataError(f"The folder {folder} does not exist; create it first.")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise DataError(f"The folder {folder} cannot be written to; choose another one.")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Lend a temporary sibling of `path` and move it there once the block has filled it.

    Whatever ends the block early, ctrl-C included, the sibling is removed and `path` stays as is.

    Raises:
        DataError: if the disk is full or the folder cannot be written to.
    """
    check_target(path)
    temporary = path.with_name(f".{secrets.token_hex(6)}.tmp")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise DataError(_why_not_written(path, error)) from error
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


class VideoWriter:
    """Encodes frames into one open mp4; made by `writing_video`."""

    def __init__(self, container: "av.container.OutputContainer", frame_rate: Fraction) -> None:
        """Take an open container; its stream is set up when the first frames tell their size."""
        self._container = container
        self._frame_rate = frame_rate
        self._stream: av.VideoStream | None = None

    def write(self, frames: np.ndarray) -> None:
        """Append frames (F, H, W, 3) uint8, all of the size of the first ones."""
        right_form = frames.ndim == 4 and frames.shape[-1] == 3 and frames.dtype == np.uint8
        if not right_form or not frames.size:
            shown = f"{frames.shape} {frames.dtype}"
            raise InvalidRequest("frames", shown, "be (F, H, W, 3) of uint8 and not empty")
        frames = _with_even_sides(frames)
        if self._stream is None:
            self._stream = self._open_stream(frames.shape[2], frames.shape[1])
        for image in frames:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            frame = frame.reformat(
                format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
            )
            self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        """Encode what the encoder still holds back."""
        if self._stream is None:
            raise InvalidRequest("frames", 0, "be at least one")
        self._container.mux(self._stream.encode(None))

    def _open_stream(self, width: int, height: int) -> av.VideoStream:
        stream = self._container.add_stream(
            "libx264", rate=self._frame_rate, options=_ENCODER_OPTIONS
        )
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        # Untagged small videos are shown with BT.601 by some players and BT.709 by others.
        context = stream.codec_context
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _LIMITED_RANGE
        return stream


@contextmanager
def writing_video(
    path: Path, frame_rate: Fraction | int, recipe: Mapping[str, Any] | None = None
) -> Iterator[VideoWriter]:
    """Open an mp4 that takes frames as they come and appears at `path` when the block ends well.

    H.264, yuv420p, index at the front. Arguments and errors as for `write_video`.
    """
    options = {"movflags": "+faststart"}
    with (
        replacing(path) as temporary,
        av.open(str(temporary), "w", format="mp4", options=options) as container,
    ):
        if recipe is not None:
            container.metadata[RECIPE_KEY] = recipe_to_text(recipe)
        writer = VideoWriter(container, Fraction(frame_rate))
        yield writer
        writer.finish()


def write_video(
    path: Path,
    frames: np.ndarray,
    frame_rate: Fraction | int,
    recipe: Mapping[str, Any] | None = None,
) -> None:
    """Write a whole clip as mp4 with the recipe in its metadata, never half of it.

    Args:
        path: target; an existing file is replaced.
        frames: (F, H, W, 3) uint8; odd sides are made even by repeating the last row or column.
        frame_rate: [fps].
        recipe: anything JSON can hold.

    Raises:
        DataError: if the file cannot be written.
        InvalidRequest: if `frames` is empty or of another form.
    """
    with writing_video(path, frame_rate, recipe) as writer:
        writer.write(frames)


def read_video(
    path: Path,
    max_seconds: float | None = None,
    fit: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Clip:
    """Decode a video file.

    Args:
        path: any file that FFmpeg reads.
        max_seconds: leave out what begins later [s].
        fit: applied to each frame as it comes, so that a long, large clip need not lie in memory whole.

    Raises:
        DataError: if the file is missing, damaged or no video.
    """
    frames: list[np.ndarray] = []
    times: list[float] = []
    with _opened(path) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        frame_rate = float(stream.average_rate or 0)
        told_s = float((stream.duration or 0) * (stream.time_base or 0))
        for frame in container.decode(stream):
            time = frame.time if frame.time is not None else len(frames) / (frame_rate or 12.0)
            if max_seconds is not None and times and time - times[0] >= max_seconds:
                told_s = 0.0  # the rest is not looked at
                break
            picture = frame.to_ndarray(format="rgb24")
            frames.append(picture if fit is None else fit(picture))
            times.append(time)
        expected = stream.frames
    if not frames or (len(frames) < expected and _ends_early(times, told_s)):
        raise DataError(f"{path} is cut off: {len(frames)} of {expected} frames could be read.")
    return Clip(np.stack(frames), frame_rate, tuple(time - times[0] for time in times))


def _ends_early(times: Sequence[float], told_s: float) -> bool:
    """Whether a file says that it is longer than its last frame, by more than the longest step so far.

    Fewer frames than a header counts are usual where a frame stands for several.
    """
    steps = [after - before for before, after in itertools.pairwise(times)]
    return times[-1] - times[0] + max([0.5, *steps]) < told_s


def probe(path: Path) -> VideoInfo:
    """Read the header of a video file: size, length, codec, recipe.

    Raises:
        DataError: if the file is missing, damaged or no video.
    """
    with _opened(path) as container:
        stream = container.streams.video[0]
        frame_rate = float(stream.average_rate or 0)
        seconds = float((stream.duration or 0) * (stream.time_base or 0))
        num_frames = stream.frames or round(seconds * frame_rate)
        return VideoInfo(
            width=stream.width,
            height=stream.height,
            frame_rate=frame_rate,
            num_frames=num_frames,
            seconds=seconds,
            codec=stream.codec_context.name,
            pixel_format=stream.codec_context.pix_fmt or "",
            recipe=recipe_from_text(container.metadata.get(RECIPE_KEY)),
        )


def read_recipe(path: Path) -> dict[str, Any]:
    """Read back how a clip was made.

    Raises:
        DataError: if the file is no video or carries no recipe.
    """
    recipe = probe(path).recipe
    if recipe is None:
        raise DataError(f"{path} carries no recipe; it was made or rewritten by another program.")
    return recipe


def with_recipe(path: Path, target: Path, recipe: Mapping[str, Any]) -> None:
    """Copy a video file with another recipe in it; not a frame is encoded again, and no other tag is kept.

    Raises:
        DataError: if the file is missing, damaged or no video, or the copy cannot be written.
    """
    options = {"movflags": "+faststart"}
    with (
        _opened(path) as source,
        replacing(target) as temporary,
        av.open(str(temporary), "w", format="mp4", options=options) as container,
    ):
        container.metadata[RECIPE_KEY] = recipe_to_text(recipe)
        stream = source.streams.video[0]
        copied = container.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.dts is not None:
                packet.stream = copied
                container.mux(packet)


def _with_even_sides(frames: np.ndarray) -> np.ndarray:
    odd_height, odd_width = frames.shape[1] % 2, frames.shape[2] % 2
    if not odd_height and not odd_width:
        return frames
    return np.pad(frames, ((0, 0), (0, odd_height), (0, odd_width), (0, 0)), mode="edge")


def recipe_to_text(recipe: Mapping[str, Any]) -> str:
    """A recipe as the text that goes into a file."""
    text = json.dumps(recipe, ensure_ascii=False, separators=(",", ":"))
    # A lone surrogate cannot be UTF-8; its backslash form is the JSON escape of the same character.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def recipe_from_text(text: str | None) -> dict[str, Any] | None:
    """The recipe in a text; None if it holds none."""
    try:
        recipe = json.loads(text or "")
    except (json.JSONDecodeError, RecursionError):
        return None
    return recipe if isinstance(recipe, dict) else None


@contextmanager
def _opened(path: Path) -> Iterator[av.container.InputContainer]:
    """Open a video for reading and turn what goes wrong into one sentence."""
    if path.is_dir():
        raise DataError(f"{path} is a folder, not a video file.")
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            if not container.streams.video:
                raise DataError(f"{path} holds no video.")
            yield container
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist.") from error
    except PermissionError as error:
        raise DataError(f"{path} cannot be read: permission denied.") from error
    except (av.FFmpegError, OSError) as error:
        raise DataError(f"{path} is damaged or not a video file.") from error


def _why_not_written(path: Path, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"{path} was not written: the disk is full or the file too large for it; free space."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{path} was not written: the folder {path.parent} cannot be written to."
    if error.errno == errno.ENAMETOOLONG:
        return f"{path.name[:40]}... was not written: the name is too long; choose a shorter one."
    return f"{path} was not written: {os.strerror(error.errno) if error.errno else error}."


def _sync_folder(folder: Path) -> None:
    """Make the new name itself survive a power cut, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
