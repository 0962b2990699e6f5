"""Pictures and clips of a person's own, as a model can use them.

They may come from anywhere; they are cut in the middle, scaled and resampled to what the model draws, and
each change is told.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from unstrung.engine.errors import DataError
from unstrung.engine.request import NativeShapes, nearest_size
from unstrung.engine.video_io import probe, read_video

if TYPE_CHECKING:
    from PIL import Image

MAX_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Source:
    """A picture or clip of somebody's own, as the model can use it.

    Attributes:
        frames: (F, H, W, 3) uint8 at a native size and rate; a picture has one frame.
        digest: SHA-256 of the file.
        captions: what it shows, if it was made here and says so.
        notes: what was changed, one sentence each.
    """

    frames: np.ndarray
    digest: str = ""
    captions: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()

    @property
    def size(self) -> str:
        """WIDTHxHEIGHT [px]."""
        return f"{self.frames.shape[2]}x{self.frames.shape[1]}"


def read_source(path: Path, native: NativeShapes, size: str | None = None) -> Source:
    """Read a picture or clip and fit it to a model.

    Args:
        path: any file that Pillow or FFmpeg reads; of a clip, the first 60 s.
        native: what the model draws.
        size: WIDTHxHEIGHT to fit it to; None takes the nearest.

    Raises:
        DataError: if the file is missing, damaged, or neither.
    """
    sizes = set[tuple[int, int]]()

    def fit(frame: np.ndarray) -> np.ndarray:
        height, width = frame.shape[:2]
        sizes.add((width, height))
        wanted = size or nearest_size(width, height, native)
        return _fitted(frame, *(int(side) for side in wanted.split("x")))

    frames, times, captions = _decoded(path, fit)
    used = f"{frames.shape[2]}x{frames.shape[1]}"
    notes = [
        f"{path.name} of {width}x{height} is used as {used}, cut in the middle."
        for width, height in sizes
        if f"{width}x{height}" != used
    ]
    if len(frames) > 1:
        steps = np.diff(times)
        mean = 1 / float(steps.mean())
        keeps_beat = float(np.ptp(steps)) < 0.5 / native.frame_rate
        if not keeps_beat or abs(mean - native.frame_rate) > 0.01:
            told = f"{mean:.4g} fps" if keeps_beat else f"{mean:.4g} fps on average, unsteady,"
            notes.append(f"{path.name} of {told} is used at {native.frame_rate} fps.")
            # A frame is seen until the next one begins; a hair earlier, for times are rounded in files.
            moments = np.arange(0, times[-1] + float(steps.mean()) - 1e-6, 1 / native.frame_rate)
            frames = frames[np.searchsorted(times, moments + 1e-4, side="right") - 1]
    return Source(frames, _digest(path), captions, tuple(notes))


def _decoded(
    path: Path, fit: Callable[[np.ndarray], np.ndarray]
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...] | None]:
    """Frames, the time at which each begins [s], and what a recipe says of them."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(path) as picture:
            if getattr(picture, "n_frames", 1) == 1:
                upright = ImageOps.exif_transpose(picture)
                return fit(_on_white(upright))[None], np.zeros(1), None
            if picture.format in ("WEBP", "PNG"):  # which FFmpeg does not play
                return *_animated(picture, fit), None
    except UnidentifiedImageError:
        pass  # no picture; perhaps a clip
    except (OSError, Image.DecompressionBombError) as error:
        raise DataError(f"{path} cannot be read as a picture or a clip: {error}") from error
    info = probe(path)
    clip = read_video(path, MAX_SECONDS, fit)
    recipe = info.recipe or {}
    told = recipe.get("captions")
    captions = tuple(map(str, told)) if isinstance(told, list) and told else None
    return clip.frames, np.array(clip.times), captions


def _animated(
    picture: "Image.Image", fit: Callable[[np.ndarray], np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Frames of an animated picture, and the time at which each begins [s]."""
    from PIL import ImageSequence

    frames, times, spent_ms = [], list[float](), 0.0
    for frame in ImageSequence.Iterator(picture):
        frames.append(fit(_on_white(frame)))
        times.append(spent_ms / 1000)
        spent_ms += frame.info.get("duration") or 100.0
        if spent_ms > 1000 * MAX_SECONDS:
            break
    return np.stack(frames), np.array(times)


def _on_white(picture: "Image.Image") -> np.ndarray:
    """A picture as (H, W, 3) uint8, on white where it is transparent."""
    from PIL import Image

    if not picture.has_transparency_data:
        return np.asarray(picture.convert("RGB"))
    white = Image.new("RGBA", picture.size, "white")
    white.alpha_composite(picture.convert("RGBA"))
    return np.asarray(white.convert("RGB"))


def _fitted(frame: np.ndarray, width: int, height: int) -> np.ndarray:
    from PIL import Image, ImageOps

    if frame.shape[:2] == (height, width):
        return frame
    fitted = ImageOps.fit(Image.fromarray(frame), (width, height), Image.Resampling.LANCZOS)
    return np.asarray(fitted)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
