"""How the whole picture is drawn: filters of one frame, the same for every frame of a shot."""

import cv2
import numpy as np

from unstrung.engine.theatre.script import Style

# Of each channel, how much of the grey it takes; white becomes the tone of old paper.
_SEPIA = np.array([1.0, 0.88, 0.68], np.float32)


def apply(style: Style, frame: np.ndarray) -> np.ndarray:
    """Redraw an RGB frame (H, W, 3) uint8 in a style."""
    if style is Style.BLACK_AND_WHITE:
        return cv2.cvtColor(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    if style is Style.SEPIA:
        grey = cv2.cvtColor(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        return cv2.transform(grey, np.diag(_SEPIA))
    if style is Style.WATERCOLOUR:
        return _watercolour(frame)
    if style is Style.PENCIL:
        return _pencil(frame)
    if style is Style.PIXEL_ART:
        return _pixel_art(frame)
    if style is Style.NIGHT_VISION:
        return _night_vision(frame)
    return frame


def _watercolour(frame: np.ndarray) -> np.ndarray:
    """Flat washes: smoothed, paler, with a wet dark rim where colours meet."""
    size = max(3, frame.shape[0] // 24 | 1)
    wash = cv2.medianBlur(frame, min(size, 9))
    rim = cv2.morphologyEx(wash, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    pale = cv2.addWeighted(wash, 0.72, np.full_like(wash, 255), 0.30, 0.0)
    return cv2.subtract(pale, cv2.convertScaleAbs(rim, alpha=0.35))


def _pencil(frame: np.ndarray) -> np.ndarray:
    """Dark lines on paper with light shading."""
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    soft = cv2.GaussianBlur(grey, (0, 0), max(1.0, frame.shape[0] / 40))
    shade = cv2.divide(grey, np.maximum(soft, 1), scale=245)
    lines = cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, np.ones((2, 2), np.uint8))
    drawn = cv2.subtract(shade, cv2.convertScaleAbs(lines, alpha=1.6))
    page = cv2.addWeighted(drawn, 0.82, grey, 0.18, 0.0)
    paper = (1.0, 0.985, 0.95)
    return cv2.merge([cv2.convertScaleAbs(page, alpha=share) for share in paper])


def _night_vision(frame: np.ndarray) -> np.ndarray:
    """Green light of a night glass: strong contrast, dark towards the corners."""
    height, width = frame.shape[:2]
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255.0
    down = np.linspace(-1, 1, height, dtype=np.float32)[:, None] ** 2
    across = np.linspace(-1, 1, width, dtype=np.float32)[None, :] ** 2
    bright = grey**1.4 * (1.05 - 0.36 * (down + across))
    return np.stack([bright * 90, 18 + bright * 230, bright * 80], -1).clip(0, 255).astype(np.uint8)


def _pixel_art(frame: np.ndarray) -> np.ndarray:
    """Square dots of four pixels in every sixteen, few tones."""
    height, width = frame.shape[:2]
    dot = 4 * max(1, height // 128)
    small = cv2.resize(frame, (width // dot, height // dot), interpolation=cv2.INTER_AREA)
    few = (small // 32) * 32 + 16
    return cv2.resize(few, (width, height), interpolation=cv2.INTER_NEAREST)
