"""Pictures of the cast: animated RGBA sprites at several sizes, decoded once and mapped from disk.

Art plays at 24 frames a second; the theatre at 12, so every second frame is kept. Colours are
premultiplied, because that is what survives scaling and blending without dark fringes.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from unstrung.engine.errors import DataError
from unstrung.engine.theatre.cast import CastMember, load_cast

LEVELS = (192, 96, 48)
_ART_FRAME_STEP = 2
_MAX_FRAMES = 36


@dataclass(frozen=True)
class Sprite:
    """One member's loop at every level of detail.

    Attributes:
        levels: by size [px], arrays (F, size, size, 4) uint8, premultiplied RGBA.
        box: left, top, right, bottom of what is ever drawn, as shares of the square.
    """

    levels: dict[int, np.ndarray]
    box: tuple[float, float, float, float]

    @property
    def num_frames(self) -> int:
        """Frames in the loop, at 12 a second."""
        return int(self.levels[LEVELS[0]].shape[0])

    def level_for(self, size: float) -> np.ndarray:
        """The coarsest level that still has one pixel for each of `size` wanted pixels."""
        for level in reversed(LEVELS):
            if level >= size * 0.95:
                return self.levels[level]
        return self.levels[LEVELS[0]]


class Sprites:
    """Sprites by cast name; art is read from `art` and its decoded form cached beside it."""

    def __init__(self, art: Path | None) -> None:
        """Remember where the art lies; nothing is read yet.

        Args:
            art: folder of `<code>.webp` files from `unstrung data fetch`; None for drawn props only.
        """
        self._art = art
        self._loaded: dict[str, Sprite] = {}

    def __getitem__(self, name: str) -> Sprite:
        """The sprite of a cast member, decoded at first use.

        Raises:
            DataError: if its art is missing or damaged.
        """
        if name not in self._loaded:
            self._loaded[name] = self._load(load_cast()[name])
        return self._loaded[name]

    def warm(self, names: Iterable[str]) -> None:
        """Decode and cache the sprites of all `names` now."""
        for name in names:
            self[name]

    def _load(self, cast_member: CastMember) -> Sprite:
        if not cast_member.code:
            return _finish(_draw_prop(cast_member.name))
        if self._art is None:
            raise DataError(f"{cast_member.name} needs art; run `unstrung data fetch` first.")
        folder = self._art / "decoded"
        paths = {size: folder / f"{cast_member.code}-{size}.npy" for size in LEVELS}
        if not all(path.exists() for path in paths.values()):
            folder.mkdir(parents=True, exist_ok=True)
            sprite = _finish(_decode(self._art / f"{cast_member.code}.webp"))
            for size, path in paths.items():
                temporary = path.with_suffix(f".{os.getpid()}.tmp")
                with temporary.open("wb") as file:
                    np.save(file, sprite.levels[size])
                temporary.replace(path)
        levels = {size: np.load(path, mmap_mode="r") for size, path in paths.items()}
        return Sprite(levels, _box(levels[LEVELS[-1]]))


def _decode(path: Path, max_frames: int = _MAX_FRAMES) -> np.ndarray:
    """Read an animated WebP as (F, 192, 192, 4) uint8 premultiplied RGBA at 12 frames a second."""
    try:
        with Image.open(path) as image:
            frames = []
            for index in range(0, getattr(image, "n_frames", 1), _ART_FRAME_STEP):
                image.seek(index)
                frames.append(np.asarray(image.convert("RGBA"), dtype=np.float32))
                if len(frames) == max_frames:
                    break
    except (FileNotFoundError, UnidentifiedImageError, OSError, EOFError) as error:
        raise DataError(
            f"The art file {path} is missing or damaged; run `unstrung data fetch` again."
        ) from error
    stack = np.stack(frames)
    stack[..., :3] *= stack[..., 3:] / 255.0
    size = LEVELS[0]
    return np.stack([cv2.resize(f, (size, size), interpolation=cv2.INTER_AREA) for f in stack])


def portrait(cast_member: CastMember, art: Path | None, size: int = 32) -> np.ndarray:
    """The first frame of a member, (size, size, 4) uint8 premultiplied RGBA; black without art."""
    if not cast_member.code:
        picture = _draw_prop(cast_member.name)[0]
    elif art is None:
        return np.zeros((size, size, 4), np.uint8)
    else:
        picture = _decode(art / f"{cast_member.code}.webp", max_frames=1)[0]
    small: np.ndarray = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
    return small.round().astype(np.uint8)


def _finish(stack: np.ndarray) -> Sprite:
    levels = {
        size: np.stack(
            [cv2.resize(frame, (size, size), interpolation=cv2.INTER_AREA) for frame in stack]
        )
        .clip(0, 255)
        .round()
        .astype(np.uint8)
        for size in LEVELS
    }
    return Sprite(levels, _box(levels[LEVELS[-1]]))


def _box(stack: np.ndarray) -> tuple[float, float, float, float]:
    alpha = stack[..., 3].max(axis=0) > 40
    rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
    if not rows.size:
        return (0.0, 0.0, 1.0, 1.0)
    size = stack.shape[1]
    return (
        float(columns[0]) / size,
        float(rows[0]) / size,
        float(columns[-1] + 1) / size,
        float(rows[-1] + 1) / size,
    )


_PROP_COLOURS = {
    "circle": (235, 70, 60),
    "box": (60, 120, 235),
    "triangle": (60, 190, 90),
    "ring": (245, 190, 40),
    "cross": (160, 80, 210),
    "diamond": (240, 130, 190),
}


def _draw_prop(name: str) -> np.ndarray:
    """A drawn prop, swelling a little over a loop of 12 frames, (12, 192, 192, 4) float32."""
    size = LEVELS[0]
    frames = []
    for index in range(12):
        radius = size * (0.40 + 0.03 * np.sin(2 * np.pi * index / 12))
        alpha = np.zeros((size, size), np.uint8)
        centre = size // 2
        _draw_shape(alpha, name, centre, int(radius))
        shade = np.linspace(1.1, 0.75, size, dtype=np.float32)[:, None, None]
        colour = np.minimum(np.array(_PROP_COLOURS[name], np.float32) * shade, 255.0)
        cover = alpha.astype(np.float32)[..., None] / 255.0
        frames.append(np.concatenate([colour * cover, cover * 255.0], axis=-1))
    return np.stack(frames)


def _draw_shape(alpha: np.ndarray, name: str, centre: int, radius: int) -> None:
    corners: dict[str, list[tuple[float, float]]] = {
        "box": [(-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8)],
        "triangle": [(0, -1), (0.95, 0.8), (-0.95, 0.8)],
        "diamond": [(0, -1), (0.7, 0), (0, 1), (-0.7, 0)],
    }
    if name == "circle":
        cv2.circle(alpha, (centre, centre), radius, 255, -1, cv2.LINE_AA)
    elif name == "ring":
        cv2.circle(alpha, (centre, centre), int(radius * 0.8), 255, radius // 3, cv2.LINE_AA)
    elif name == "cross":
        arm = radius // 3
        cv2.rectangle(
            alpha, (centre - radius, centre - arm), (centre + radius, centre + arm), 255, -1
        )
        cv2.rectangle(
            alpha, (centre - arm, centre - radius), (centre + arm, centre + radius), 255, -1
        )
    else:
        points = [(centre + int(x * radius), centre + int(y * radius)) for x, y in corners[name]]
        cv2.fillPoly(alpha, [np.array(points, np.int32)], 255, cv2.LINE_AA)
