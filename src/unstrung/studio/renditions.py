"""What is made of a finished clip: the mp4 at the wanted size, a thumbnail, a sheet of frames, previews.

Runs in workers. Frames are (F, H, W, 3) uint8; the mp4 itself is written by the engine's `video_io`.
"""

import io
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from unstrung.engine.errors import InvalidRequest
from unstrung.engine.video_io import writing_video

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

THUMBNAIL_SIDE: Final = 512
PREVIEW_SIDE: Final = 320
SHEET_FRAMES: Final = 16
SHEET_COLUMNS: Final = 4
SHEET_SIDE: Final = 320
_MIN_SIDE, _MAX_SIDE = 2, 8_192
_BATCH_BYTES: Final = 32 * 1024 * 1024


def write_fitted(
    path: Path,
    frames: np.ndarray,
    width: int,
    height: int,
    frame_rate: Fraction | int,
    recipe: Mapping[str, Any] | None = None,
) -> None:
    """Write a clip as an mp4 of the wanted size, holding only a few scaled frames in memory.

    Args:
        path: target; it appears when all of it is written.
        frames: (F, H, W, 3) uint8.
        width, height: of the mp4 [px], even.
        frame_rate: [fps].
        recipe: how the clip was made; the size of the mp4 is added to it.

    Raises:
        InvalidRequest: if the frames or the size break their rules.
        DataError: if the file cannot be written.
    """
    batches = fitted(frames, width, height)
    delivered = {"delivered_width": width, "delivered_height": height}
    with writing_video(path, frame_rate, {**(recipe or {}), **delivered}) as writer:
        for batch in batches:
            writer.write(batch)


def fitted(frames: np.ndarray, width: int, height: int) -> Iterator[np.ndarray]:
    """Scale frames to cover the wanted size and cut off what stands over at both sides alike.

    Args:
        frames: (F, H, W, 3) uint8.
        width, height: wanted [px], even as H.264 needs them.

    Returns:
        Batches (f, height, width, 3) uint8 of about 32 MiB, each made when it is asked for.

    Raises:
        InvalidRequest: at once, if the frames or the size break their rules.
    """
    _check_frames(frames)
    for name, side in (("width", width), ("height", height)):
        if side % 2 or not _MIN_SIDE <= side <= _MAX_SIDE:
            fix = min(_MAX_SIDE, max(_MIN_SIDE, side // 2 * 2))
            raise InvalidRequest(name, side, f"be even and {_MIN_SIDE} to {_MAX_SIDE}", str(fix))
    return _batches(frames, width, height)


def fit_to(frames: np.ndarray, width: int, height: int) -> np.ndarray:
    """All of `fitted` in one array; frames of the wanted size come back as they are.

    Raises:
        InvalidRequest: if the frames or the size break their rules.
    """
    batches = fitted(frames, width, height)
    if frames.shape[1:3] == (height, width):
        return frames
    scaled = np.empty((len(frames), height, width, 3), np.uint8)
    done = 0
    for batch in batches:
        scaled[done : done + len(batch)] = batch
        done += len(batch)
    return scaled


def thumbnail(frames: np.ndarray, longest_side: int = THUMBNAIL_SIDE) -> bytes:
    """The middle frame of a clip as WebP.

    Args:
        frames: (F, H, W, 3) uint8.
        longest_side: at most [px]; smaller frames are not enlarged.

    Raises:
        InvalidRequest: if the frames or the side break their rules.
    """
    _check_frames(frames)
    picture = _within(frames[len(frames) // 2], longest_side)
    return _encoded(picture, "WEBP", quality=85)


def spritesheet(
    frames: np.ndarray, columns: int = SHEET_COLUMNS, longest_side: int = SHEET_SIDE
) -> bytes:
    """Up to 16 frames from first to last, evenly spaced in time, row by row on one JPEG.

    Args:
        frames: (F, H, W, 3) uint8.
        columns: frames side by side, 1 to 16; a short clip takes fewer.
        longest_side: of one frame on the sheet, at most [px]; smaller frames are not enlarged.

    Raises:
        InvalidRequest: if the frames, the columns or the side break their rules.
    """
    from PIL import Image

    _check_frames(frames)
    if not 1 <= columns <= SHEET_FRAMES:
        fix = min(SHEET_FRAMES, max(1, columns))
        raise InvalidRequest("columns", columns, f"lie within 1 to {SHEET_FRAMES}", str(fix))
    count = min(SHEET_FRAMES, len(frames))
    moments = np.linspace(0, len(frames) - 1, count).round().astype(int)
    cells = [_within(frames[moment], longest_side) for moment in moments]
    columns = min(columns, count)
    width, height = cells[0].size
    sheet = Image.new("RGB", (columns * width, -(-count // columns) * height))
    for index, cell in enumerate(cells):
        row, column = divmod(index, columns)
        sheet.paste(cell, (column * width, row * height))
    return _encoded(sheet, "JPEG", quality=85)


def preview(frame: np.ndarray, longest_side: int = PREVIEW_SIDE) -> bytes:
    """A frame of a clip that is still forming as a small WebP, made within milliseconds.

    Args:
        frame: (H, W, 3) uint8.
        longest_side: at most [px]; smaller frames are not enlarged.

    Raises:
        InvalidRequest: if the frame or the side breaks its rule.
    """
    _check_frames(frame[None])
    return _encoded(_within(frame, longest_side), "WEBP", quality=70)


def _batches(frames: np.ndarray, width: int, height: int) -> Iterator[np.ndarray]:
    size = max(1, _BATCH_BYTES // (width * height * 3))
    for start in range(0, len(frames), size):
        batch = frames[start : start + size]
        if batch.shape[1:3] != (height, width):
            batch = np.stack([_covering(frame, width, height) for frame in batch])
        yield batch


def _covering(frame: np.ndarray, width: int, height: int) -> np.ndarray:
    """The largest part of a frame that has the wanted shape, from its centre, scaled in one go."""
    from PIL import Image

    scale = max(width / frame.shape[1], height / frame.shape[0])
    left = (frame.shape[1] - width / scale) / 2
    top = (frame.shape[0] - height / scale) / 2
    # Rounding must not put the box a hair outside the frame, which Pillow refuses.
    box = (
        max(0.0, left),
        max(0.0, top),
        min(float(frame.shape[1]), left + width / scale),
        min(float(frame.shape[0]), top + height / scale),
    )
    picture = Image.fromarray(frame)
    return np.asarray(picture.resize((width, height), Image.Resampling.LANCZOS, box=box))


def _within(frame: np.ndarray, longest_side: int) -> "Picture":
    """A frame made smaller, if need be, so that no side is longer than wanted."""
    from PIL import Image

    if not 1 <= longest_side <= _MAX_SIDE:
        fix = min(_MAX_SIDE, max(1, longest_side))
        raise InvalidRequest("longest_side", longest_side, f"be 1 to {_MAX_SIDE}", str(fix))
    picture = Image.fromarray(frame)
    scale = longest_side / max(picture.size)
    if scale >= 1:
        return picture
    width, height = (max(1, round(side * scale)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3)


def _encoded(picture: "Picture", picture_format: str, quality: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, picture_format, quality=quality)
    return buffer.getvalue()


def _check_frames(frames: np.ndarray) -> None:
    right_form = frames.ndim == 4 and frames.shape[-1] == 3 and frames.dtype == np.uint8
    if not right_form or not frames.size:
        shown = f"{frames.shape} {frames.dtype}"
        raise InvalidRequest("frames", shown, "be (F, H, W, 3) of uint8 and not empty")
