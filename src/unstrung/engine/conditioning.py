"""Frame masks: what a generation is given besides words. One mechanism for all of them.

Every latent frame has a time of its own, so a frame may be given exactly (it stands at 0 from the start), be
free (it sets out at 1, from noise) or anything between: a frame that sets out at 0.6 keeps its broad shapes
and is drawn anew in detail. From this follow image to video, extension, loops, connections and keyframes
(Chen et al. 2024, diffusion forcing, 2407.01392), and restyling, where all frames set out from the same
time (Meng et al. 2022, SDEdit, 2108.01073).

Frames are (F, H, W, 3) uint8 at the size of the clip that is to be made.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from torch import Tensor

from unstrung.engine.errors import InvalidRequest
from unstrung.engine.shapes import COMPRESSION, VideoShape

# Where a clip stands is settled near pure noise, so even a strong likeness of light and place begins late:
# docs/experiments.md, "Given frames".
STRENGTHS: Final = {"subtle": 0.8, "mild": 0.92, "strong": 0.97}
_FADE_FRAMES: Final = 8
_SAME_LEVELS: Final = 12.0  # of 255; what differs by less is the same thing in another grain


@dataclass(frozen=True)
class GivenFrames:
    """Latent frames that a clip begins from.

    Attributes:
        latents: (B or 1, C, F, H, W); what they are at free frames does not matter.
        start_times: (B or 1, F) in [0, 1]: 0 keeps a frame, 1 leaves it free.
    """

    latents: Tensor
    start_times: Tensor


@dataclass(frozen=True)
class GivenClip:
    """A clip of which some frames are given, in pixels.

    Attributes:
        frames: (F, H, W, 3) uint8, all of them; free ones are ignored.
        start_times: one for each latent frame, in [0, 1]: 0 keeps a frame, 1 leaves it free.
        captions: what the given frames show, if it is not what the clip is to show.
        layout: (F, `LAYOUT_SIZE`) where everybody stands in latent frames that the model drew, 0 elsewhere;
            None to read it off the frames.
    """

    frames: np.ndarray
    start_times: tuple[float, ...]
    captions: tuple[str, ...] | None = None
    layout: np.ndarray | None = None

    @property
    def shape(self) -> VideoShape:
        """Frames, height and width."""
        return VideoShape(*self.frames.shape[:3])


@dataclass(frozen=True)
class TextSpans:
    """Which caption each latent frame of a clip reads.

    Attributes:
        captions: in the training style, used as they stand.
        of_frames: index of its caption for each latent frame.
    """

    captions: tuple[str, ...]
    of_frames: tuple[int, ...]


def from_image(image: np.ndarray, num_frames: int) -> GivenClip:
    """A clip that begins with a picture (H, W, 3)."""
    return keyframes({0: image}, num_frames)


def keyframes(
    images: Mapping[int, np.ndarray], num_frames: int, strength: float = 1.0
) -> GivenClip:
    """A clip in which pictures stand at chosen frames.

    Args:
        images: (H, W, 3) by frame; a picture fills the latent frame in which it falls, a third of a second.
        num_frames: of the clip.
        strength: 1 keeps the pictures as they are, less lets them change.

    Raises:
        InvalidRequest: if a frame lies outside of the clip, or strength outside of (0, 1].
    """
    if not images:
        raise InvalidRequest("images", "none", "be at least one picture", "one for the first frame")
    if not 0 < strength <= 1:
        raise InvalidRequest("strength", strength, "lie above 0 and be at most 1", "1")
    frames = np.zeros((num_frames, *next(iter(images.values())).shape), np.uint8)
    start_times = [1.0] * _latent_frames(num_frames)
    for moment, image in images.items():
        if not 0 <= moment < num_frames:
            raise InvalidRequest(
                "frame", moment, f"lie within 0 to {num_frames - 1}", str(num_frames - 1)
            )
        latent = _latent_frame(moment)
        frames[_pixels_of(latent)] = image
        start_times[latent] = 1.0 - strength
    return GivenClip(frames, tuple(start_times))


def between(before: np.ndarray | None, after: np.ndarray | None, num_frames: int) -> GivenClip:
    """A clip that begins with the end of one clip, ends with the beginning of another, or both.

    Args:
        before: frames that come first: a latent clip of 1 + 4k frames.
        after: frames that come last: whole latent frames, 4k.
        num_frames: of the clip.

    Raises:
        InvalidRequest: if nothing is left to be made.
    """
    parts = [part for part in (before, after) if part is not None]
    if not parts:
        raise InvalidRequest("clip", "none", "be given before, after or both", "one clip")
    taken = sum(len(part) for part in parts)
    if taken >= num_frames:
        raise InvalidRequest(
            "num_frames", num_frames, f"be more than the {taken} given", str(taken + 4)
        )
    frames = np.zeros((num_frames, *parts[0].shape[1:]), np.uint8)
    start_times = [1.0] * _latent_frames(num_frames)
    if before is not None:
        frames[: len(before)] = before
        for index in range(_latent_frames(len(before))):
            start_times[index] = 0.0
    if after is not None:
        frames[-len(after) :] = after
        for index in range(len(after) // COMPRESSION.frames):
            start_times[-1 - index] = 0.0
    return GivenClip(frames, tuple(start_times))


def redrawn(
    frames: np.ndarray, strength: str | float, captions: Sequence[str] | None = None
) -> GivenClip:
    """A clip that is drawn again over another one (SDEdit).

    Args:
        frames: the other clip.
        strength: subtle, mild, strong, or how far towards noise it goes, in (0, 1].
        captions: of the other clip, where they are known: who moved there lends the motion to whoever comes.

    Raises:
        InvalidRequest: for another strength.
    """
    known = ", ".join(STRENGTHS)
    try:
        start = (
            STRENGTHS[strength]
            if isinstance(strength, str) and strength in STRENGTHS
            else float(strength)
        )
    except ValueError:
        start = 0.0
    if not 0 < start <= 1:
        raise InvalidRequest("strength", strength, f"be {known}, or above 0 and at most 1", "mild")
    told = None if captions is None else tuple(captions)
    return GivenClip(frames, (start,) * _latent_frames(len(frames)), told)


def faithful(clip: np.ndarray, given: GivenClip) -> np.ndarray:
    """A drawn clip in which exactly given frames are as they were given, without a jump beside them.

    What is given and how the model's code gives it back differ in grain. That difference is added to the
    neighbours as well, less from frame to frame, so that a clip goes on in the grain in which it began; but
    only where the neighbour shows the same, or a body that has moved on would leave its outline behind.

    Args:
        clip: (F, H, W, 3) uint8 as it was drawn.
        given: what it was drawn from; frames that were to change are left alone.
    """
    kept = np.zeros(len(clip), bool)
    for latent, start in enumerate(given.start_times):
        kept[_pixels_of(latent)] = start == 0
    if not kept.any():
        return clip
    places = np.flatnonzero(kept)
    result = clip.copy()
    result[kept] = given.frames[kept]
    for index in np.flatnonzero(~kept):
        before, after = places[places < index][-1:], places[places > index][:1]
        change = np.zeros(clip.shape[1:], np.float32)
        for place in (*before, *after):
            share = max(0.0, 1 - abs(int(place) - int(index)) / (_FADE_FRAMES + 1))
            if share > 0:
                drawn = clip[place].astype(np.float32)
                moved = np.abs(clip[index] - drawn).mean(axis=2, keepdims=True)
                same = np.exp(-((moved / _SAME_LEVELS) ** 2))
                change += share * same * (given.frames[place] - drawn)
        result[index] = (clip[index] + change).round().clip(0, 255)
    return result


def blended(first: np.ndarray, second: np.ndarray) -> GivenClip:
    """A clip that begins as one clip and ends as another of the same length: in between it is drawn anew.

    The nearer to the middle, the more of the mixture is left to the model.

    Raises:
        InvalidRequest: if the two have not the same shape, or fewer than nine frames.
    """
    if first.shape != second.shape or len(first) < 9:
        rule = "have the shape of the first clip and at least 9 frames"
        raise InvalidRequest("second", second.shape, rule, str(first.shape))
    share = np.linspace(0.0, 1.0, len(first))[:, None, None, None]
    frames = ((1 - share) * first + share * second).round().astype(np.uint8)
    num = _latent_frames(len(first))
    middle = 1 - np.abs(2 * np.arange(num) / (num - 1) - 1)  # 0 at the ends, 1 in the middle
    start_times = np.where(middle == 0, 0.0, STRENGTHS["subtle"] + 0.25 * middle).clip(max=1.0)
    return GivenClip(frames, tuple(float(start) for start in start_times))


def last_frames(frames: np.ndarray, num_latent: int) -> np.ndarray:
    """The end of a clip as the beginning of another one: 1 + 4k frames, `num_latent` latent ones."""
    return frames[-min(len(frames), 1 + (num_latent - 1) * COMPRESSION.frames) :]


def first_frames(frames: np.ndarray, num_latent: int) -> np.ndarray:
    """The beginning of a clip as the end of another one: 4k frames, `num_latent` latent ones."""
    return frames[: num_latent * COMPRESSION.frames]


def _latent_frames(num_frames: int) -> int:
    return (num_frames - 1) // COMPRESSION.frames + 1


def _latent_frame(moment: int) -> int:
    return (moment + COMPRESSION.frames - 1) // COMPRESSION.frames


def _pixels_of(latent: int) -> slice:
    if latent == 0:
        return slice(0, 1)
    first = 1 + (latent - 1) * COMPRESSION.frames
    return slice(first, first + COMPRESSION.frames)
