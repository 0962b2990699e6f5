"""What a person does with pictures and clips of their own: start from them, go on, close, join, redraw.

Each operation gives some frames (`conditioning`) and lets the pipeline draw the others. Sources may come from
anywhere; they are cut in the middle, scaled and resampled to what the model draws, and each change is told.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

import numpy as np

from unstrung.engine import conditioning
from unstrung.engine.conditioning import GivenClip
from unstrung.engine.errors import DataError, InvalidRequest
from unstrung.engine.request import (
    Generation,
    GenerationRequest,
    NativeShapes,
    Step,
    nearest_size,
)
from unstrung.engine.shapes import COMPRESSION, nearest_num_frames
from unstrung.engine.video_io import probe, read_video

OnStep = Callable[[Step], None]
MAX_SECONDS: Final = 60.0
# Latent frames of a clip that the model sees of what comes before, and after.
_BEFORE: Final = 4
_AFTER: Final = 3


class Model(Protocol):
    """What is needed of a loaded model; `pipeline.TextToVideo` has it."""

    @property
    def native(self) -> NativeShapes:
        """Sizes and lengths it was trained for."""

    def generate(
        self,
        request: GenerationRequest,
        on_step: OnStep | None = None,
        given: GivenClip | None = None,
    ) -> Generation:
        """Draw the clips of a request, from given frames if there are any."""


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

    frames, rate, captions = _decoded(path, fit)
    used = f"{frames.shape[2]}x{frames.shape[1]}"
    notes = [
        f"{path.name} of {width}x{height} is used as {used}, cut in the middle."
        for width, height in sizes
        if f"{width}x{height}" != used
    ]
    if len(frames) > 1 and abs(rate - native.frame_rate) > 0.01:
        notes.append(f"{path.name} of {rate:g} fps is used at {native.frame_rate} fps.")
        moments = np.arange(0, len(frames) / rate, 1 / native.frame_rate)
        frames = frames[np.minimum((moments * rate).astype(int), len(frames) - 1)]
    return Source(frames, _digest(path), captions, tuple(notes))


def image_to_video(
    model: Model, request: GenerationRequest, source: Source, on_step: OnStep | None = None
) -> Generation:
    """A clip that begins with a picture, or with the last frame of a clip."""
    request = replace(request, size=source.size)
    given = conditioning.from_image(source.frames[-1], _num_frames(model, request.seconds))
    return _told(model.generate(request, on_step, given), "image_to_video", [source])


def extend(
    model: Model,
    request: GenerationRequest,
    source: Source,
    on_step: OnStep | None = None,
    is_backward: bool = False,
) -> Generation:
    """A clip with `request.seconds` more at its end, or before its beginning.

    Long ones are drawn piece by piece, each beginning from the end of the one before.

    Raises:
        InvalidRequest: if the whole would be longer than 60 s, or for more than one clip.
    """
    request = _single(request, source)
    rate = model.native.frame_rate
    wanted = max(
        COMPRESSION.frames, round(request.seconds * rate / COMPRESSION.frames) * COMPRESSION.frames
    )
    if len(source.frames) + wanted > MAX_SECONDS * rate:
        left = max(0.0, MAX_SECONDS - len(source.frames) / rate)
        raise InvalidRequest(
            "seconds", request.seconds, f"make a clip of at most {MAX_SECONDS:g} s", f"{left:.1f}"
        )
    return _told(
        _grown(model, request, source.frames, wanted, on_step, is_backward), "extend", [source]
    )


def loop(
    model: Model, request: GenerationRequest, source: Source, on_step: OnStep | None = None
) -> Generation:
    """A clip with `request.seconds` more, after which its beginning follows without a seam."""
    request = _single(request, source)
    bridge = _bridge(model, request, source.frames, source.frames, on_step)
    joined = np.concatenate([source.frames, bridge.clips[0]])
    return _told(replace(bridge, clips=(joined,)), "loop", [source])


def connect(
    model: Model,
    request: GenerationRequest,
    first: Source,
    second: Source,
    on_step: OnStep | None = None,
) -> Generation:
    """Two clips with `request.seconds` between them that lead from one to the other.

    Raises:
        InvalidRequest: if they have not the same size.
    """
    if first.size != second.size:
        raise InvalidRequest("second", second.size, "have the size of the first", first.size)
    request = _single(request, first)
    bridge = _bridge(model, request, first.frames, second.frames, on_step)
    joined = np.concatenate([first.frames, bridge.clips[0], second.frames])
    return _told(replace(bridge, clips=(joined,)), "connect", [first, second])


def edit(
    model: Model,
    request: GenerationRequest,
    source: Source,
    strength: str | float = "strong",
    on_step: OnStep | None = None,
) -> Generation:
    """A clip drawn again under another prompt: the motion stays, what the prompt names changes.

    Raises:
        InvalidRequest: for a strength that there is not.
    """
    longest = _num_frames(model, model.native.max_seconds)
    length = 1 + (min(len(source.frames), longest) - 1) // COMPRESSION.frames * COMPRESSION.frames
    if length < len(source.frames):
        rate = model.native.frame_rate
        note = (
            f"Of {len(source.frames) / rate:.2f} s the first {length / rate:.2f} s are drawn again."
        )
        source = replace(source, frames=source.frames[:length], notes=(*source.notes, note))
    request = replace(request, size=source.size, seconds=_seconds(model, length))
    given = conditioning.redrawn(source.frames, strength, source.captions)
    return _told(_without_lengths(model.generate(request, on_step, given)), "edit", [source])


def _grown(
    model: Model,
    request: GenerationRequest,
    frames: np.ndarray,
    wanted: int,
    on_step: OnStep | None,
    is_backward: bool,
) -> Generation:
    """Frames and `wanted` more of them, drawn in pieces."""
    longest = _num_frames(model, model.native.max_seconds)
    before = 1 + (_BEFORE - 1) * COMPRESSION.frames
    room = longest - (_AFTER * COMPRESSION.frames + 1 if is_backward else before)
    pieces = -(-wanted // room)
    drawn: Generation | None = None
    for piece in range(pieces):
        more = min(room, wanted - piece * room)
        if is_backward:
            seen = conditioning.first_frames(_at_least(frames, COMPRESSION.frames), _AFTER)
            seen = seen[: len(seen) // COMPRESSION.frames * COMPRESSION.frames]
            given = conditioning.between(None, seen, nearest_num_frames(more + len(seen)))
        else:
            known = 1 + (min(len(frames), before) - 1) // COMPRESSION.frames
            seen = conditioning.last_frames(frames, known)
            given = conditioning.between(seen, None, len(seen) + more)
        drawn = _drawn(model, request, given, piece, pieces, on_step, drawn)
        clip = drawn.clips[0]
        new = clip[: -len(seen)] if is_backward else clip[len(seen) :]
        frames = np.concatenate([new, frames] if is_backward else [frames, new])
    if drawn is None:
        raise InvalidRequest("seconds", request.seconds, "be long enough for one frame", "1")
    return replace(drawn, clips=(frames,))


def _bridge(
    model: Model,
    request: GenerationRequest,
    first: np.ndarray,
    second: np.ndarray,
    on_step: OnStep | None,
) -> Generation:
    """What leads from the end of one clip to the beginning of another."""
    seen = conditioning.last_frames(first, 1 + (min(len(first), 9) - 1) // COMPRESSION.frames)
    ahead = conditioning.first_frames(_at_least(second, COMPRESSION.frames), 2)
    ahead = ahead[: len(ahead) // COMPRESSION.frames * COMPRESSION.frames]
    longest = _num_frames(model, model.native.max_seconds)
    wanted = round(request.seconds * model.native.frame_rate)
    total = min(
        longest,
        max(len(seen) + len(ahead) + 4, nearest_num_frames(wanted + len(seen) + len(ahead))),
    )
    given = conditioning.between(seen, ahead, total)
    drawn = _drawn(model, request, given, 0, 1, on_step, None)
    return replace(drawn, clips=(drawn.clips[0][len(seen) : -len(ahead)],))


def _drawn(
    model: Model,
    request: GenerationRequest,
    given: GivenClip,
    piece: int,
    pieces: int,
    on_step: OnStep | None,
    earlier: Generation | None,
) -> Generation:
    """One piece; its steps are told as part of the whole, its times are added to the earlier ones."""

    def told(step: Step) -> None:
        if on_step is not None:
            on_step(Step(piece * step.total + step.index, pieces * step.total, step.preview))

    seconds = _seconds(model, len(given.frames))
    seed = earlier.seeds[0] + piece if earlier is not None else request.seed
    made = model.generate(replace(request, seconds=seconds, seed=seed), told, given)
    made = _without_lengths(made)
    if earlier is None:
        return made
    spent = {
        name: made.timings_s[name] + (earlier.timings_s[name] if name != "load" else 0.0)
        for name in made.timings_s
    }
    return replace(made, seeds=earlier.seeds, timings_s=spent)


def _told(made: Generation, operation: str, sources: Sequence[Source]) -> Generation:
    notes = [note for source in sources for note in source.notes]
    return replace(
        made,
        operation=operation,
        inputs=tuple(source.digest for source in sources),
        notes=(*notes, *made.notes),
    )


def _without_lengths(made: Generation) -> Generation:
    """Leave out what is said of the length of a piece, which is not what was asked for."""
    notes = tuple(note for note in made.notes if not note.startswith("seconds "))
    return replace(made, notes=notes)


def _single(request: GenerationRequest, source: Source) -> GenerationRequest:
    if request.count != 1:
        raise InvalidRequest("count", request.count, "be 1 when a clip is gone on with", "1")
    return replace(request, size=source.size)


def _num_frames(model: Model, seconds: float) -> int:
    longest = nearest_num_frames(model.native.max_seconds * model.native.frame_rate)
    return min(longest, nearest_num_frames(seconds * model.native.frame_rate))


def _seconds(model: Model, num_frames: int) -> float:
    """What to ask for to get so many frames: the longest clip has a frame more than its seconds say."""
    return min(model.native.max_seconds, num_frames / model.native.frame_rate)


def _at_least(frames: np.ndarray, num_frames: int) -> np.ndarray:
    """Frames, the last one repeated until there are enough."""
    missing = num_frames - len(frames)
    return frames if missing <= 0 else np.concatenate([frames, frames[-1:].repeat(missing, axis=0)])


def _decoded(
    path: Path, fit: Callable[[np.ndarray], np.ndarray]
) -> tuple[np.ndarray, float, tuple[str, ...] | None]:
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(path) as picture:
            if getattr(picture, "n_frames", 1) == 1:
                upright = ImageOps.exif_transpose(picture).convert("RGB")
                return fit(np.asarray(upright))[None], 0.0, None
    except UnidentifiedImageError:
        pass  # no picture; perhaps a clip
    except (OSError, Image.DecompressionBombError) as error:
        raise DataError(f"{path} cannot be read as a picture or a clip: {error}") from error
    info = probe(path)
    clip = read_video(path, max(1, round(MAX_SECONDS * (info.frame_rate or 1))), fit)
    recipe = info.recipe or {}
    told = recipe.get("captions")
    captions = tuple(map(str, told)) if isinstance(told, list) and told else None
    return clip.frames, clip.frame_rate or 12.0, captions


def _fitted(frame: np.ndarray, width: int, height: int) -> np.ndarray:
    from PIL import Image, ImageOps

    if frame.shape[:2] == (height, width):
        return frame
    fitted = ImageOps.fit(Image.fromarray(frame), (width, height), Image.Resampling.LANCZOS)
    return np.asarray(fitted)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
