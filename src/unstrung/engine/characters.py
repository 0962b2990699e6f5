"""Characters of a person's own: a name bound to a picture that is cut out of a clip.

The model paints whoever it is shown a portrait of (decision 0009), so a character needs no training: somebody
of its own cast lends the word, and the character's portrait is put in the place of that member's. What the
word says (how such a body moves, how large it is) stays the member's; what is seen is the character's.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from unstrung.engine.errors import DataError, InvalidRequest
from unstrung.engine.request import NativeShapes
from unstrung.engine.sources import read_source

MAX_CHARACTERS: Final = 2  # the model is shown two portraits
MAX_NAME: Final = 80
SECONDS_READ: Final = 4.0
SIDE: Final = 192  # of a cut-out [px]
_SHAPES: Final = NativeShapes(
    {"1:1": (256, 256), "16:9": (448, 256), "9:16": (256, 448)}, max_area=448 * 256, multiple=64
)
_LEAST, _MOST = 0.01, 0.75  # share of a picture that somebody may fill
_MARGIN: Final = 0.06  # of the square around the body
_WORD: Final = re.compile(r"\w")


@dataclass(frozen=True)
class Character:
    """Somebody of a person's own.

    Attributes:
        name: as it is used in prompts, 1 to 80 characters.
        picture: (`SIDE`, `SIDE`, 4) uint8 premultiplied RGBA, the body in the middle.

    Raises:
        InvalidRequest: for a name without a letter.
    """

    name: str
    picture: np.ndarray

    def __post_init__(self) -> None:
        """Check the name."""
        if not _WORD.search(self.name) or len(self.name) > MAX_NAME:
            rule = f"have 1 to {MAX_NAME} characters, a letter among them"
            raise InvalidRequest("name", self.name, rule, "Mila")


def read_character(name: str, path: Path) -> Character:
    """Cut somebody out of a clip or a picture.

    A transparent picture is taken as it is. In a clip whoever moves is taken, else whoever stands in the
    middle (GrabCut, Rother et al. 2004, from OpenCV).

    Args:
        name: of the character.
        path: any file that Pillow or FFmpeg reads; of a clip, the first 4 s.

    Raises:
        DataError: if the file cannot be read.
        InvalidRequest: for the name, or if nobody stands out.
    """
    cut = _transparent(path)
    if cut is None:
        frames = read_source(path, _SHAPES).frames
        cut = cut_out(frames[: round(SECONDS_READ * _SHAPES.frame_rate)], path.name)
    return Character(name, _squared(cut))


def cut_out(frames: np.ndarray, shown: str = "the clip") -> np.ndarray:
    """Who stands out in frames (F, H, W, 3), as (H, W, 4) uint8 premultiplied RGBA.

    Args:
        frames: of a clip; one is enough.
        shown: what to call it in an error.

    Raises:
        InvalidRequest: if nobody does.
    """
    moved = _moved(frames)
    sizes = moved.sum(axis=(1, 2))
    moves = bool(sizes.max() > _LEAST * moved[0].size)
    best = int(sizes.argmax()) if moves else 0
    frame = np.ascontiguousarray(frames[best][..., ::-1])  # OpenCV reads BGR
    mask = np.full(frame.shape[:2], cv2.GC_PR_BGD, np.uint8)
    height, width = frame.shape[:2]
    border = max(1, min(height, width) // 32)
    if moves:
        # Slow bodies hide the ground behind them all the time, so only their rims are seen to move.
        reach = np.ones((height // 10 | 1, height // 10 | 1), np.uint8)
        seen = _filled(cv2.morphologyEx(moved[best].astype(np.uint8), cv2.MORPH_CLOSE, reach) > 0)
        mask[:] = cv2.GC_BGD
        mask[cv2.dilate(seen.astype(np.uint8), reach) > 0] = cv2.GC_PR_BGD
        mask[seen] = cv2.GC_PR_FGD
    else:
        rows, columns = (slice(side // 6, side - side // 8) for side in (height, width))
        mask[rows, columns] = cv2.GC_PR_FGD
    mask[:border] = mask[:, :border] = mask[:, -border:] = cv2.GC_BGD
    body = _grabbed(frame, mask)
    share = float(body.mean())
    if not _LEAST <= share <= _MOST:
        rule = "show somebody who stands out and fits into the picture"
        fix = "a clip in which somebody moves before a still ground, or a transparent PNG"
        raise InvalidRequest("character", f"{shown}, {share:.0%} cut out", rule, fix)
    alpha = cv2.GaussianBlur(body.astype(np.float32), (0, 0), 0.7)[..., None]
    picture = np.concatenate([frames[best] * alpha, 255 * alpha], axis=-1)
    result: np.ndarray = picture.round().astype(np.uint8)
    return result


def _moved(frames: np.ndarray) -> np.ndarray:
    """What differs from the usual picture, (F, H, W) booleans, in the largest piece of each frame."""
    few = frames[:: max(1, len(frames) // 24)]
    usual: np.ndarray = np.median(few, axis=0)
    change = np.abs(frames.astype(np.float32) - usual).max(axis=-1)
    found = np.zeros(frames.shape[:3], bool)
    for index, each in enumerate(change):
        calm = cv2.GaussianBlur(each, (0, 0), 1.5)
        found[index] = _largest(calm > 24)
    return found


def _grabbed(frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The body that GrabCut finds from a first guess, (H, W) booleans."""
    if not (mask == cv2.GC_PR_FGD).any():
        return np.zeros(mask.shape, bool)
    ground, bodies = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)
    cv2.grabCut(frame, mask, (0, 0, 1, 1), ground, bodies, 6, cv2.GC_INIT_WITH_MASK)
    return _filled(_largest((mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD)))


def _filled(body: np.ndarray) -> np.ndarray:
    """A body with its holes, which are its own."""
    outside, _ = _pieces(~body)
    edge = np.unique(np.concatenate([outside[0], outside[-1], outside[:, 0], outside[:, -1]]))
    filled: np.ndarray = body | ~np.isin(outside, edge)
    return filled


def _largest(mask: np.ndarray) -> np.ndarray:
    labels, sizes = _pieces(mask)
    sizes[0] = 0
    result: np.ndarray = (labels == sizes.argmax()) & mask
    return result


def _pieces(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    _, labels, facts, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    return labels, facts[:, cv2.CC_STAT_AREA].copy()


def _transparent(path: Path) -> np.ndarray | None:
    """A picture that is see-through somewhere, premultiplied; None for all others."""
    try:
        with Image.open(path) as picture:
            if not picture.has_transparency_data:
                return None
            picture.thumbnail((512, 512))
            pixels = np.asarray(picture.convert("RGBA"), np.float32)
    except UnidentifiedImageError:
        return None  # a clip, perhaps
    except (OSError, Image.DecompressionBombError) as error:
        raise DataError(f"{path} cannot be read as a picture or a clip: {error}") from error
    if not (pixels[..., 3] < 128).any() or not (pixels[..., 3] > 128).any():
        return None
    pixels[..., :3] *= pixels[..., 3:] / 255
    result: np.ndarray = pixels.round().astype(np.uint8)
    return result


def _squared(cut: np.ndarray) -> np.ndarray:
    """The body in the middle of a square with a small margin."""
    solid = cut[..., 3] > 40
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    body = cut[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = SIDE * (1 - 2 * _MARGIN) / max(body.shape[:2])
    height, width = (max(1, round(side * scale)) for side in body.shape[:2])
    area = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    small = cv2.resize(body, (width, height), interpolation=area)
    square = np.zeros((SIDE, SIDE, 4), np.uint8)
    top, left = (SIDE - height) // 2, (SIDE - width) // 2
    square[top : top + height, left : left + width] = small
    return square


def stand_in(
    picture: np.ndarray, portraits: Mapping[str, np.ndarray], taken: Iterable[str] = ()
) -> str:
    """The cast member who looks most like a character: alike in outline first, then in colour.

    Args:
        picture: (S, S, 4) premultiplied RGBA.
        portraits: the same of every member, of any one size.
        taken: members who are somebody else already.
    """
    free = {name: each for name, each in portraits.items() if name not in set(taken)}
    size = next(iter(free.values())).shape[0]
    mine = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32) / 255

    def distance(name: str) -> float:
        theirs = free[name].astype(np.float32) / 255
        outline = np.abs(mine[..., 3] - theirs[..., 3]).mean()
        colours = [each[..., :3].sum((0, 1)) / each[..., 3].sum() for each in (mine, theirs)]
        return float(outline + 0.5 * np.abs(colours[0] - colours[1]).mean())

    return min(free, key=distance)


def with_stand_ins(prompt: str, words: Sequence[tuple[str, str]]) -> str:
    """A prompt in which names of characters, with or without @ in front, have become words of the cast.

    Args:
        prompt: what a person typed.
        words: name and word of each.
    """
    for name, word in sorted(words, key=lambda pair: -len(pair[0])):
        pattern = rf"(?<!\w)@?{re.escape(name)}(?!\w)"
        said = word.replace("\\", r"\\")
        prompt = re.sub(pattern, said, prompt, flags=re.IGNORECASE)
    return prompt


def straight_alpha(picture: np.ndarray) -> np.ndarray:
    """A premultiplied picture (H, W, 4) uint8 as picture files hold it."""
    pixels = picture.astype(np.float32)
    pixels[..., :3] *= 255 / np.maximum(pixels[..., 3:], 1)
    result: np.ndarray = pixels.round().clip(0, 255).astype(np.uint8)
    return result
