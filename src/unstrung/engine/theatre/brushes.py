"""Brushes: soft, resolution-independent shapes in world units, painted on transparent panoramas.

The lowest step of the scenery: a `Canvas` blends anti-aliased, shaded polygons, an `Easel` holds
the layers of one setting under one light. It knows no setting: see `landscapes`, `wonderlands`.
World: one unit is the height of the view, x to the right, y down, (0, 0) the centre of the view.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from unstrung.engine.theatre.script import TimeOfDay

LEFT, TOP = -2.0, -0.75
PANORAMA_WIDTH, PANORAMA_HEIGHT = 4.0, 1.5
_OVERSAMPLING = 2
_SUBPIXEL_BITS = 4

Shape = NDArray[np.float64]  # (N, 2) corners of a closed outline in world units
Shading = Literal["down", "across", "round"]
T = TypeVar("T")


@dataclass(frozen=True)
class Light:
    """How a time of day changes the colour of everything that does not shine by itself."""

    gain: tuple[float, float, float]
    lift: tuple[float, float, float]

    def sheltered(self) -> "Light":
        """The same light at half strength, as indoors or where there is no sky."""
        red, green, blue = self.gain
        lift_red, lift_green, lift_blue = self.lift
        return Light(
            ((1 + red) / 2, (1 + green) / 2, (1 + blue) / 2),
            (lift_red / 2, lift_green / 2, lift_blue / 2),
        )


LIGHTS = {
    TimeOfDay.DAY: Light((1.0, 1.0, 1.0), (0.0, 0.0, 0.0)),
    TimeOfDay.SUNSET: Light((1.0, 0.78, 0.72), (0.05, 0.0, 0.02)),
    TimeOfDay.NIGHT: Light((0.47, 0.45, 0.59), (0.0, 0.01, 0.06)),
}


def rgb(colour: str) -> NDArray[np.float32]:
    """Read "#rrggbb" as three numbers in [0, 1]."""
    return np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)], np.float32)


def ellipse(x: float, y: float, rx: float, ry: float | None = None) -> Shape:
    """Outline of an ellipse, or of a circle when `ry` is left out."""
    turns = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    return np.stack([x + rx * np.cos(turns), y + (ry or rx) * np.sin(turns)], 1)


def box(left: float, top: float, right: float, bottom: float) -> Shape:
    """Outline of an upright rectangle."""
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float64)


def rounded(points: Shape | list[tuple[float, float]], rounds: int = 3) -> Shape:
    """Cut the corners of a closed outline again and again until it is smooth (Chaikin 1974)."""
    shape = np.asarray(points, np.float64)
    for _ in range(rounds):
        following = np.roll(shape, -1, axis=0)
        pairs = [0.8 * shape + 0.2 * following, 0.2 * shape + 0.8 * following]
        shape = np.stack(pairs, 1).reshape(-1, 2)
    return shape


def round_box(left: float, top: float, right: float, bottom: float, radius: float = 1.0) -> Shape:
    """Outline of an upright rectangle whose corners are rounded, by a third of its size at most."""
    radius = min(radius, (right - left) / 3, (bottom - top) / 3)
    centres = [
        (right - radius, bottom - radius),
        (left + radius, bottom - radius),
        (left + radius, top + radius),
        (right - radius, top + radius),
    ]
    corners = [arc(x, y, radius, 90 * turn, 90 * turn + 90) for turn, (x, y) in enumerate(centres)]
    return np.concatenate(corners)


def stroke(points: Shape | list[tuple[float, float]], start: float, end: float) -> Shape:
    """Outline of a thick line through `points`, `start` wide at first and `end` at last."""
    path = np.asarray(points, np.float64)
    along = np.gradient(path, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-9
    side = (
        np.stack([-along[:, 1], along[:, 0]], 1) * np.linspace(start, end, len(path))[:, None] / 2
    )
    return np.concatenate([path + side, (path - side)[::-1]])


def arc(x: float, y: float, radius: float, start: float, end: float) -> Shape:
    """Open path on a circle between two angles [degrees, clockwise from the right]."""
    turns = np.radians(np.linspace(start, end, 24))
    return np.stack([x + radius * np.cos(turns), y + radius * np.sin(turns)], 1)


def leaf(x: float, y: float, length: float, width: float, angle: float, bend: float = 0.0) -> Shape:
    """Outline of a leaf that grows from (x, y) along `angle` [degrees] and droops by `bend`."""
    t = np.linspace(0, 1, 16)
    turn = np.radians(angle)
    mid_x = x + length * t * np.cos(turn)
    mid_y = y + length * t * np.sin(turn) + bend * length * t * t
    half = width / 2 * np.sin(np.pi * t) ** 0.7
    side = np.stack([-np.sin(turn) * half, np.cos(turn) * half], 1)
    middle = np.stack([mid_x, mid_y], 1)
    return np.concatenate([middle + side, (middle - side)[::-1]])


def hills(rng: np.random.Generator, level: float, swing: float, length: float) -> Shape:
    """Everything below a softly rolling line around y = `level` with waves of about `length`."""
    x = np.linspace(LEFT - 0.1, -LEFT + 0.1, 160)
    first, second = rng.uniform(0, 2 * np.pi, 2)
    wave = 0.7 * np.sin(2 * np.pi * x / length + first) + 0.3 * np.sin(
        3.9 * np.pi * x / length + second
    )
    line = np.stack([x, level + swing * wave], 1)
    return np.concatenate([line, [(-LEFT + 0.1, 0.8), (LEFT - 0.1, 0.8)]])


def billows(puffs: Sequence[tuple[float, float, float]], bottom: float) -> Shape:
    """Outline of everything from y = `bottom` up to the edge of round puffs (x, y, radius)."""
    left = min(x - radius for x, _, radius in puffs)
    right = max(x + radius for x, _, radius in puffs)
    across = np.linspace(left, right, 24 * len(puffs))
    edge = np.full(len(across), bottom)
    for x, y, radius in puffs:
        height = np.sqrt(np.maximum(radius**2 - (across - x) ** 2, 0))
        edge = np.where(height > 0, np.minimum(edge, y - height), edge)
    line = np.stack([across, np.minimum(edge, bottom)], 1)
    return np.concatenate([line, [(right, bottom), (left, bottom)]])


def scallops(level: float, depth: float, length: float, shift: float) -> Shape:
    """Everything below a row of rounded wave crests, `length` apart."""
    x = np.linspace(LEFT - 0.1, -LEFT + 0.1, 400)
    line = np.stack([x, level + depth * np.abs(np.sin(np.pi * (x + shift) / length))], 1)
    return np.concatenate([line, [(-LEFT + 0.1, 0.8), (LEFT - 0.1, 0.8)]])


class Canvas:
    """One transparent panorama, (1.5 height, 4 height, 4) premultiplied floats in [0, 1]."""

    def __init__(self, height: int, light: Light) -> None:
        """Start clear.

        Args:
            height: of the view at zoom 1 [px].
            light: changes the colour of every brush that does not glow.
        """
        size = (round(PANORAMA_HEIGHT * height), round(PANORAMA_WIDTH * height), 4)
        self.pixels = np.zeros(size, np.float32)
        self._height = height
        self._gain = np.array(light.gain, np.float32)
        self._lift = np.array(light.lift, np.float32)

    def gradient(self, stops: list[tuple[float, str]], glows: bool = True) -> None:
        """Cover everything by colours that change with y; `stops` are (y, colour), falling."""
        rows = (np.arange(len(self.pixels)) + 0.5) / self._height + TOP
        colours = np.stack([self._mixed(colour, glows) for _, colour in stops])
        levels = [y for y, _ in stops]
        for channel in range(3):
            line = np.interp(rows, levels, colours[:, channel])
            self.pixels[:, :, channel] = line[:, None]
        self.pixels[:, :, 3] = 1.0

    def fill(
        self,
        shape: Shape,
        colour: str,
        to: str | None = None,
        shading: Shading = "down",
        opacity: float = 1.0,
        soft: float = 0.0,
        glows: bool = False,
    ) -> None:
        """Paint a closed outline.

        Args:
            shape: (N, 2) corners in world units.
            colour: "#rrggbb" at the top, at the left or at the lit upper left, by `shading`.
            to: colour at the other end; the same one when left out.
            shading: direction of the change of colour.
            opacity: in [0, 1].
            soft: width of the blurred edge in world units.
            glows: whether the colour stays as it is in every light.
        """
        low, high = shape.min(0), shape.max(0)
        corner, opposite = self._region(low - 2 * soft, high + 2 * soft)
        if (opposite <= corner).any():
            return
        mask = self._mask(shape, corner, opposite, soft) * opacity
        first = self._mixed(colour, glows)
        paint = first
        if to is not None:
            x, y = self._grid(corner, opposite)
            amount = _amount(
                shading, (x - low[0]) / (high - low)[0], (y - low[1]) / (high - low)[1]
            )
            paint = first + amount[:, :, None] * (self._mixed(to, glows) - first)
        self._blend(corner, opposite, mask, paint)

    def glow(self, x: float, y: float, radius: float, colour: str, opacity: float = 0.7) -> None:
        """Lay a round light that fades to nothing at `radius` over what is there."""
        centre = np.array([x, y])
        corner, opposite = self._region(centre - radius, centre + radius)
        if (opposite <= corner).any():
            return
        across, down = self._grid(corner, opposite)
        distance = ((across - x) ** 2 + (down - y) ** 2) / radius**2
        mask = opacity * np.maximum(1 - distance, 0) ** 3
        self._blend(corner, opposite, mask.astype(np.float32), self._mixed(colour, glows=True))

    def finished(self) -> NDArray[np.uint8]:
        """The panorama as premultiplied bytes, (1.5 height, 4 height, 4), read-only."""
        image = np.rint(np.clip(self.pixels, 0, 1) * 255).astype(np.uint8)
        image.setflags(write=False)
        return image

    def _region(
        self, low: NDArray[np.float64], high: NDArray[np.float64]
    ) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
        corner = np.floor((low - (LEFT, TOP)) * self._height).astype(int) - 1
        opposite = np.ceil((high - (LEFT, TOP)) * self._height).astype(int) + 1
        size = (self.pixels.shape[1], self.pixels.shape[0])
        return np.maximum(corner, 0), np.minimum(opposite, size)

    def _grid(
        self, corner: NDArray[np.int_], opposite: NDArray[np.int_]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        x = (np.arange(corner[0], opposite[0]) + 0.5) / self._height + LEFT
        y = (np.arange(corner[1], opposite[1]) + 0.5) / self._height + TOP
        return x[None, :], y[:, None]

    def _mixed(self, colour: str, glows: bool) -> NDArray[np.float32]:
        mixed = rgb(colour) if glows else rgb(colour) * self._gain + self._lift
        return np.clip(mixed, 0, 1).astype(np.float32)

    def _mask(
        self, shape: Shape, corner: NDArray[np.int_], opposite: NDArray[np.int_], soft: float
    ) -> NDArray[np.float32]:
        width, height = (opposite - corner).tolist()
        mask = np.zeros((height * _OVERSAMPLING, width * _OVERSAMPLING), np.uint8)
        inside = ((shape - (LEFT, TOP)) * self._height - corner) * _OVERSAMPLING - 0.5
        fixed = np.rint(inside * (1 << _SUBPIXEL_BITS)).astype(np.int32)
        cv2.fillPoly(mask, [fixed], (255,), cv2.LINE_AA, _SUBPIXEL_BITS)
        small = cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA)
        covered = np.asarray(small, np.float32) / np.float32(255)
        if soft <= 0:
            return covered
        blurred = cv2.GaussianBlur(covered, (0, 0), max(soft * self._height, 0.3))
        return np.asarray(blurred, np.float32)

    def _blend(
        self,
        corner: NDArray[np.int_],
        opposite: NDArray[np.int_],
        mask: NDArray[np.float32],
        paint: NDArray[np.float32],
    ) -> None:
        region = self.pixels[corner[1] : opposite[1], corner[0] : opposite[0]]
        region *= (1 - mask)[:, :, None]
        region[:, :, :3] += paint * mask[:, :, None]
        region[:, :, 3] += mask


def _amount(
    shading: Shading, x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float32]:
    if shading == "down":
        mixed = y
    elif shading == "across":
        mixed = x
    else:
        mixed = np.hypot(x - 0.35, y - 0.3) / 0.85
    return np.clip(mixed, 0, 1).astype(np.float32)


class Easel:
    """The layers of one setting while they are painted: far to near, then perhaps a foreground."""

    def __init__(
        self, height: int, time_of_day: TimeOfDay, variant: int, seed: int, is_sheltered: bool
    ) -> None:
        """Set up an empty easel; the same seed and variant always lead to the same layout."""
        self.time_of_day = time_of_day
        self.variant = variant
        self._seed = (seed, variant)
        self.rng = np.random.default_rng(self._seed)
        self.side = (1, -1, 1)[variant % 3]
        self.layers: list[tuple[Canvas, float]] = []
        self.front: tuple[Canvas, float] | None = None
        self._height = height
        light = LIGHTS[time_of_day]
        self._light = light.sheltered() if is_sheltered else light

    @property
    def is_night(self) -> bool:
        """Whether lamps and windows are lit."""
        return self.time_of_day is TimeOfDay.NIGHT

    def layer(self, parallax: float) -> Canvas:
        """Begin the next nearer layer behind the actors."""
        canvas = self._blank()
        self.layers.append((canvas, parallax))
        return canvas

    def foreground(self) -> Canvas:
        """Begin the layer in front of the actors; keep below y = 0.42."""
        canvas = self._blank()
        self.front = (canvas, 1.1)
        return canvas

    def spots(self, spacing: float, wobble: float = 0.15, shift: float = 0.0) -> list[float]:
        """Places along the panorama, `spacing` apart, at both sides of the middle, by variant."""
        count = int(2.4 / spacing) + 1
        steps = (np.arange(-count, count) + 0.5) * spacing
        wobbles = self.rng.uniform(-wobble, wobble, len(steps)) * spacing
        return [float(x) for x in (steps + wobbles + shift) * self.side]

    def by_time(self, day: T, sunset: T, night: T) -> T:
        """The one of three values that belongs to the time of day."""
        values = {TimeOfDay.DAY: day, TimeOfDay.SUNSET: sunset, TimeOfDay.NIGHT: night}
        return values[self.time_of_day]

    def _blank(self) -> Canvas:
        # Chance starts anew with each layer: stars at night must not move the trees before them.
        self.rng = np.random.default_rng((*self._seed, len(self.layers)))
        return Canvas(self._height, self._light)
