"""How the whole picture is drawn: filters of one frame, the same for every frame of a shot."""

import cv2
import numpy as np

from unstrung.engine.theatre.script import Style

_SEPIA = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]], np.float32)


def apply(style: Style, frame: np.ndarray) -> np.ndarray:
    """Redraw an RGB frame (H, W, 3) uint8 in a style."""
    if style is Style.BLACK_AND_WHITE:
        return cv2.cvtColor(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    if style is Style.SEPIA:
        grey = cv2.cvtColor(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        return cv2.transform(grey, _SEPIA)
    if style is Style.WATERCOLOUR:
        return _watercolour(frame)
    if style is Style.PENCIL:
        return _pencil(frame)
    if style is Style.PIXEL_ART:
        return _pixel_art(frame)
    if style is Style.NIGHT_VISION:
        grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255.0
        bright = grey**0.8
        return (np.stack([bright * 60, 30 + bright * 225, bright * 70], -1)).astype(np.uint8)
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
    lines = cv2.divide(grey, np.maximum(soft, 1), scale=245)
    shaded = cv2.addWeighted(lines, 0.72, grey, 0.26, 0.0)
    return cv2.merge([shaded, cv2.convertScaleAbs(shaded, alpha=0.985), cv2.convertScaleAbs(shaded, alpha=0.95)])


def _pixel_art(frame: np.ndarray) -> np.ndarray:
    """Square dots of four pixels in every sixteen, few tones."""
    height, width = frame.shape[:2]
    dot = 4 * max(1, height // 128)
    small = cv2.resize(frame, (width // dot, height // dot), interpolation=cv2.INTER_AREA)
    few = (small // 32) * 32 + 16
    return cv2.resize(few, (width, height), interpolation=cv2.INTER_NEAREST)
