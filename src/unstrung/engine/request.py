"""What a person may ask for and what they get: requests, plans, steps and results as plain values.

Nothing here needs torch, so the command line, the studio and the pipeline share these types. A
request checks itself when it is made; `plan` fits it to one model and tells every adjustment.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from unstrung import __version__
from unstrung.engine.errors import InvalidRequest
from unstrung.engine.shapes import COMPRESSION, VideoShape, nearest_num_frames

if TYPE_CHECKING:
    import numpy as np

NATIVE: Final = "native"
RATIOS: Final = {"16:9": 16 / 9, "9:16": 9 / 16, "1:1": 1.0, "4:3": 4 / 3, "3:4": 3 / 4}
MAX_PROMPT_CHARACTERS: Final = 32_000
MAX_COUNT: Final = 4
MAX_STEPS: Final = 1000
MAX_GUIDANCE: Final = 20.0
MAX_SEED: Final = 2**63 - 1
STILL_SECONDS: Final = 1e-3  # what is asked for when a single picture is meant


@dataclass(frozen=True)
class GenerationRequest:
    """One wish for one to four clips, checked when it is made.

    Attributes:
        prompt: what should be seen, in any of the six languages; 1 to 32,000 characters.
        seconds: wanted length [s]; `plan` takes the nearest legal one.
        size: "native", a ratio such as "16:9", or "WIDTHxHEIGHT" [px].
        seed: fixes every random choice, 0 to 2**63 - 1; None draws one.
        num_steps: denoising steps, 1 to 1000; None takes the model's own.
        guidance_scale: pull of the text, 1 to 20; None takes the model's own.
        count: clips made from the same prompt with different seeds, 1 to 4.
        verbatim: hand the prompt to the model as it stands.

    Raises:
        InvalidRequest: if a field breaks its rule.
    """

    prompt: str
    seconds: float = 4.0
    size: str = NATIVE
    seed: int | None = None
    num_steps: int | None = None
    guidance_scale: float | None = None
    count: int = 1
    verbatim: bool = False

    def __post_init__(self) -> None:
        """Check every field that can be judged without knowing the model."""
        _check_prompt(self.prompt)
        if not math.isfinite(self.seconds) or self.seconds <= 0:
            raise InvalidRequest("seconds", self.seconds, "be a number above 0", "4")
        _parse_size(self.size)
        _check_whole("count", self.count, 1, MAX_COUNT)
        if self.seed is not None:
            _check_whole("seed", self.seed, 0, MAX_SEED)
        if self.num_steps is not None:
            _check_whole("num_steps", self.num_steps, 1, MAX_STEPS)
        scale = self.guidance_scale
        if scale is not None and not 1 <= scale <= MAX_GUIDANCE:  # also false for NaN
            fix = "1" if scale < 1 else f"{MAX_GUIDANCE:g}"
            raise InvalidRequest("guidance_scale", scale, f"lie within 1 to {MAX_GUIDANCE:g}", fix)


@dataclass(frozen=True)
class NativeShapes:
    """The sizes and lengths that a model was trained for.

    Attributes:
        sizes: (width, height) [px] by ratio; the first entry is what "native" means.
        frame_rate: frames per second.
        max_seconds: the longest clip [s].
        max_area: the most pixels a frame may have.
        multiple: width and height are multiples of this [px].
        min_side: the shortest legal side [px].
    """

    sizes: Mapping[str, tuple[int, int]]
    frame_rate: int = 12
    max_seconds: float = 4.0
    max_area: int = 256 * 256
    multiple: int = COMPRESSION.height
    min_side: int = 64


@dataclass(frozen=True)
class Plan:
    """A request fitted to a model.

    Attributes:
        shape: frames, height and width that will be made.
        frame_rate: frames per second.
        notes: one sentence for each way in which the plan differs from the request.
    """

    shape: VideoShape
    frame_rate: int
    notes: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Length of the clip [s]."""
        return self.shape.frames / self.frame_rate


@dataclass(frozen=True)
class Step:
    """One finished denoising step, handed to `on_step`.

    Attributes:
        index: the step just done, counted from 0.
        total: steps of the whole run.
        preview: computes, only when called, the middle frame of the current clean
            estimate, (H, W, 3) uint8.
    """

    index: int
    total: int
    preview: "Callable[[], np.ndarray]"


@dataclass(frozen=True)
class Generation:
    """What came of a request.

    Attributes:
        clips: one (F, H, W, 3) uint8 array for each seed.
        prompt: as it was given.
        caption: what the model was told, all shots in one text.
        unplaced: words of the prompt that the model does not know.
        seeds: one for each clip.
        frame_rate: frames per second.
        num_steps, guidance_scale, model: what made the clips.
        timings_s: seconds spent, by stage: load, text, denoise, decode.
        notes: every adjustment, one sentence each.
        captions: the caption of each shot, in order.
        operation: what was done: generate, or the name of a function of `continuation` or `redrawing`.
        inputs: SHA-256 of the files that it was done to, in order.
        layouts: (clips, F, `LAYOUT_SIZE`) where the model staged everybody; None without a planner.
    """

    clips: "tuple[np.ndarray, ...]"
    prompt: str
    caption: str
    unplaced: tuple[str, ...]
    seeds: tuple[int, ...]
    frame_rate: int
    num_steps: int
    guidance_scale: float
    model: str
    timings_s: Mapping[str, float]
    notes: tuple[str, ...] = ()
    captions: tuple[str, ...] = field(default=())
    operation: str = "generate"
    inputs: tuple[str, ...] = ()
    layouts: "np.ndarray | None" = None


def recipe_of(generation: Generation, index: int) -> dict[str, Any]:
    """Everything that is needed to make one clip of a generation again; goes into the file.

    Times are left out, so that equal clips give equal files.
    """
    num_frames, height, width = generation.clips[index].shape[:3]
    made_from = {"operation": generation.operation, "inputs": list(generation.inputs)}
    return {
        "program": f"unstrung {__version__}",
        "prompt": generation.prompt,
        "caption": generation.caption,
        "captions": list(generation.captions or (generation.caption,)),
        "unplaced": list(generation.unplaced),
        "seed": generation.seeds[index],
        "width": width,
        "height": height,
        "fps": generation.frame_rate,
        "num_frames": num_frames,
        "seconds": round(num_frames / generation.frame_rate, 4),
        "steps": generation.num_steps,
        "guidance": generation.guidance_scale,
        "model": generation.model,
        "notes": list(generation.notes),
        **(made_from if generation.operation != "generate" else {}),
    }


def plan(request: GenerationRequest, native: NativeShapes) -> Plan:
    """Fit a request to a model: nearest legal length and size, each change told in a sentence.

    Raises:
        InvalidRequest: if the clip would be longer or larger than the model allows.
    """
    if request.seconds > native.max_seconds:
        rule = f"be at most {native.max_seconds:g}"
        raise InvalidRequest("seconds", request.seconds, rule, f"{native.max_seconds:g}")
    num_frames = nearest_num_frames(request.seconds * native.frame_rate)
    width, height, size_notes = _fit_size(request.size, native)
    fitted = Plan(VideoShape(num_frames, height, width), native.frame_rate)
    return Plan(
        fitted.shape,
        fitted.frame_rate,
        (*_length_notes(request.seconds, fitted), *size_notes),
    )


def nearest_size(width: int, height: int, native: NativeShapes) -> str:
    """The size to draw at: the wanted one if the model can, else the trained one of nearest shape."""
    fits = width * height <= native.max_area and not (
        width % native.multiple or height % native.multiple
    )
    if fits and min(width, height) >= native.min_side:
        return f"{width}x{height}"

    def distance(size: tuple[int, int]) -> float:
        return abs(math.log(size[0] / size[1]) - math.log(width / height))

    best = min(native.sizes.values(), key=distance)
    return f"{best[0]}x{best[1]}"


def _length_notes(wanted: float, fitted: Plan) -> tuple[str, ...]:
    if math.isclose(fitted.seconds, wanted, abs_tol=1e-6) or wanted == STILL_SECONDS:
        return ()
    frames = fitted.shape.frames
    shown = "1 frame, a still image" if frames == 1 else f"{frames} frames"
    return (
        f"seconds {wanted:g} is delivered as {fitted.seconds:.3g} s ({shown}), "
        "the nearest legal length.",
    )


def _fit_size(size: str, native: NativeShapes) -> tuple[int, int, tuple[str, ...]]:
    parsed = _parse_size(size)
    if parsed is None:
        width, height = next(iter(native.sizes.values()))
        return width, height, ()
    if isinstance(parsed, str):
        width, height = native.sizes.get(parsed) or _of_ratio(RATIOS[parsed], native)
        return width, height, (f"size {size} is delivered as {width}x{height}.",)
    _check_limits(size, parsed, native)
    width, height = (_round_side(side, native) for side in parsed)
    if width * height > native.max_area:
        width, height = _largest_within(parsed[0] / parsed[1], native)
    if (width, height) == parsed:
        return width, height, ()
    note = (
        f"size {size} is delivered as {width}x{height}, the nearest legal size: sides are "
        f"multiples of {native.multiple} pixels and a frame has at most {native.max_area:,}."
    )
    return width, height, (note,)


def _check_limits(size: str, parsed: tuple[int, int], native: NativeShapes) -> None:
    width, height = parsed
    if min(parsed) < native.min_side:
        fix = "x".join(str(max(native.min_side, _round_side(side, native))) for side in parsed)
        raise InvalidRequest("size", size, f"have sides of at least {native.min_side} pixels", fix)
    if width * height > native.max_area:
        fitted = _largest_within(width / height, native)
        rule = f"have at most {native.max_area:,} pixels a frame"
        raise InvalidRequest("size", size, rule, "{}x{}".format(*fitted))


def _of_ratio(ratio: float, native: NativeShapes) -> tuple[int, int]:
    """The legal size of about the native area in another shape."""
    width, height = next(iter(native.sizes.values()))
    area = width * height
    sides = math.sqrt(area * ratio), math.sqrt(area / ratio)
    fitted = _round_side(sides[0], native), _round_side(sides[1], native)
    too_large = fitted[0] * fitted[1] > native.max_area
    return _largest_within(ratio, native) if too_large else fitted


def _largest_within(ratio: float, native: NativeShapes) -> tuple[int, int]:
    """The largest legal size of about this ratio, rounded down so that the area limit holds."""
    lowest = _round_side(native.min_side, native)
    longest = native.max_area // lowest // native.multiple * native.multiple
    sides = math.sqrt(native.max_area * ratio), math.sqrt(native.max_area / ratio)
    width, height = (
        min(longest, max(lowest, int(side) // native.multiple * native.multiple)) for side in sides
    )
    return width, height


def _round_side(side: float, native: NativeShapes) -> int:
    """The nearest legal side [px], never below the shortest one."""
    lowest = math.ceil(native.min_side / native.multiple) * native.multiple
    return max(lowest, round(side / native.multiple) * native.multiple)


def _parse_size(size: str) -> tuple[int, int] | str | None:
    """(width, height) [px], a known ratio, or None for the native size."""
    if size == NATIVE:
        return None
    if size in RATIOS:
        return size
    width, cross, height = size.lower().partition("x")
    digits = width.isascii() and width.isdigit() and height.isascii() and height.isdigit()
    if not cross or not digits or len(size) > 16 or not int(width) or not int(height):
        known = ", ".join(RATIOS)
        raise InvalidRequest("size", size, f"be WIDTHxHEIGHT, {known} or {NATIVE}", NATIVE)
    return int(width), int(height)


def _check_prompt(prompt: str) -> None:
    if not any(character.isprintable() and not character.isspace() for character in prompt):
        shown = "nothing" if not prompt.strip() else "only invisible characters"
        rule, fix = "say what should be seen", '"a fox crosses a snowy field"'
        raise InvalidRequest("prompt", shown, rule, fix)
    if len(prompt) > MAX_PROMPT_CHARACTERS:
        raise InvalidRequest(
            "prompt",
            prompt,
            f"have at most {MAX_PROMPT_CHARACTERS:,} characters",
            "one or two sentences",
        )
    if any("\ud800" <= character <= "\udfff" for character in prompt):
        shown = prompt.encode("utf-8", "replace").decode("utf-8")
        raise InvalidRequest("prompt", shown, "be readable text", "UTF-8")


def _check_whole(name: str, value: int, low: int, high: int) -> None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or not low <= value <= high:
        fix = str(low) if not whole or value < low else f"{high}"
        raise InvalidRequest(name, value, f"be a whole number from {low} to {high}", fix)
