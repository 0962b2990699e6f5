"""Rain, snow and fog: few, large and soft, so that the pictures still code well."""

import cv2
import numpy as np

from unstrung.engine.theatre.script import Weather

_FOG = np.array([226.0, 230.0, 234.0])
_NUM_DROPS = 22


def particles(weather: Weather, rng: np.random.Generator) -> np.ndarray:
    """Start places and speeds of what falls, (N, 3): x and y in [0, 1], speed factor."""
    if weather not in (Weather.RAIN, Weather.SNOWFALL):
        return np.zeros((0, 3))
    return np.column_stack(
        [rng.random(_NUM_DROPS), rng.random(_NUM_DROPS), 0.8 + 0.4 * rng.random(_NUM_DROPS)]
    )


def veil(weather: Weather, backdrop: np.ndarray) -> np.ndarray:
    """Grey the background behind the actors, as bad weather does."""
    if weather is Weather.FOG:
        height = backdrop.shape[0]
        thickness = np.linspace(0.72, 0.45, height)[:, None, None]
        return (backdrop * (1 - thickness) + _FOG * thickness).astype(np.uint8)
    if weather is Weather.RAIN:
        return cv2.addWeighted(backdrop, 0.72, np.full_like(backdrop, 105), 0.22, 0.0)
    if weather is Weather.SNOWFALL:
        return cv2.addWeighted(backdrop, 0.85, np.full_like(backdrop, 215), 0.15, 0.0)
    return backdrop


def draw(canvas: np.ndarray, weather: Weather, drops: np.ndarray, seconds: float) -> None:
    """Draw what falls (or the mist before the actors) over a frame, in place.

    Args:
        canvas: (H, W, 3) uint8.
        weather: what falls.
        drops: from `particles`.
        seconds: time since the shot began [s].
    """
    height, width = canvas.shape[:2]
    if weather is Weather.FOG:
        canvas[:] = cv2.addWeighted(canvas, 0.86, np.full_like(canvas, 228), 0.14, 0.0)
        return
    fixed = 4  # sub-pixel bits of cv2 drawing
    unit = height * (1 << fixed)
    for x, y, speed in drops:
        if weather is Weather.RAIN:
            fall = (y + 1.6 * speed * seconds) % 1.2 - 0.1
            across = (x - 0.22 * fall) % 1.0 * width / height
            start = (int(across * unit), int(fall * unit))
            end = (int((across - 0.022) * unit), int((fall + 0.10) * unit))
            thickness = max(1, round(height / 80))
            cv2.line(canvas, start, end, (196, 214, 236), thickness, cv2.LINE_AA, fixed)
        else:
            fall = (y + 0.30 * speed * seconds) % 1.1 - 0.05
            sway = 0.03 * np.sin(2 * np.pi * (0.4 * seconds + y))
            across = ((x + sway) % 1.0) * width / height
            radius = int((0.017 + 0.012 * (speed - 0.8)) * unit)
            centre = (int(across * unit), int(fall * unit))
            cv2.circle(canvas, centre, radius, (250, 252, 255), -1, cv2.LINE_AA, fixed)
