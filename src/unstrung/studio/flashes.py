"""Flashes of a clip by WCAG 2.3.1: whether watching it may hurt people with photosensitive epilepsy.

    frames --linear light--> luminance, red --swings of each cell--> flashes a second --area--> figure

A flash is a pair of opposing swings. A general one changes relative luminance by a tenth of the maximum, the
darker side below 0.80; a red one goes to or from a saturated red. They count where more than a quarter of a
field of 10 degrees flashes, which on a full screen is a third of its width and height. Cells are counted
apart and added up whether or not they flash in step, so the figure errs towards caution.
"""

from collections import deque
from typing import Final

import numpy as np

LIMIT: Final = 3
"""Flashes in a second that may be shown without a warning."""
_SWING, _BRIGHT = 0.1, 0.8
_RED_SWING, _RED_SHARE, _RED_SCALE = 20.0, 0.8, 320.0
_AREA: Final = 0.25
_FIELD: Final = 3
_CELLS: Final = 48
_LUMINANCE: Final = np.array([0.2126, 0.7152, 0.0722], np.float32)


def most_flashes(frames: np.ndarray, frame_rate: float) -> int:
    """The most flashes, general or red, that any second of a clip holds.

    Args:
        frames: (F, H, W, 3) uint8 sRGB.
        frame_rate: [fps], above 0.
    """
    span = max(1, round(float(frame_rate)))
    general, red = _Swings(span, _SWING, _BRIGHT), _Swings(span, _RED_SWING, np.inf)
    most = 0
    for frame in frames:
        light = _cells(_to_linear()[frame])
        total = light.sum(-1)
        is_red = light[..., 0] >= _RED_SHARE * np.maximum(total, 1e-6)
        redness = np.where(is_red, _RED_SCALE * (2 * light[..., 0] - total), 0.0)
        for swings, values in ((general, light @ _LUMINANCE), (red, redness)):
            most = max(most, _over_area(swings.seen(values) // 2, most))
    return most


class _Swings:
    """Swings of each cell within the last second, found as they happen."""

    def __init__(self, span: int, least: float, bright: float) -> None:
        self._span, self._least, self._bright = span, least, bright
        self._recent: deque[np.ndarray] = deque(maxlen=span)
        self._low = self._high = self._way = np.zeros(0)

    def seen(self, values: np.ndarray) -> np.ndarray:
        """Take a frame's values (h, w) and return how many swings each cell had in the second that ends."""
        if not self._recent:
            self._low, self._high = values.copy(), values.copy()
            self._way = np.zeros(values.shape, np.int8)
        self._low, self._high = np.minimum(self._low, values), np.maximum(self._high, values)
        rises = (self._way != 1) & (values - self._low >= self._least) & (self._low < self._bright)
        falls = (self._way != -1) & (self._high - values >= self._least) & (values < self._bright)
        turned = rises | falls
        self._way = np.where(rises, 1, np.where(falls, -1, self._way))
        self._low, self._high = (np.where(turned, values, each) for each in (self._low, self._high))
        self._recent.append(turned)
        counts: np.ndarray = np.stack(self._recent).sum(0, dtype=np.int16)
        return counts


def _over_area(counts: np.ndarray, known: int) -> int:
    """The most that more than a quarter of any field reaches; no less than what is known is looked for."""
    height, width = (max(1, -(-side // _FIELD)) for side in counts.shape)
    for wanted in range(int(counts.max()), known, -1):
        sums = np.pad((counts >= wanted).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
        inside = (
            sums[height:, width:] - sums[:-height, width:]
            - sums[height:, :-width] + sums[:-height, :-width]
        )  # fmt: skip
        if inside.max() > _AREA * height * width:
            return wanted
    return known


def _cells(light: np.ndarray) -> np.ndarray:
    """Means of linear light over at most 48 by 48 cells; what fills no cell at the edge is left out."""
    height, width = light.shape[:2]
    rows, columns = -(-height // _CELLS), -(-width // _CELLS)
    whole = light[: height // rows * rows, : width // columns * columns]
    cells: np.ndarray = whole.reshape(height // rows, rows, width // columns, columns, 3).mean(
        (1, 3)
    )
    return cells


def _to_linear() -> np.ndarray:
    """Linear light of each value of sRGB."""
    values = np.arange(256, dtype=np.float32) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
