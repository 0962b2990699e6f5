"""What a worker makes videos with, and the engine as one such thing.

The studio knows a generator by its description; a worker hands it a task and is told of every step.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from safetensors import SafetensorError, safe_open

from unstrung.engine.description import ModelDescription
from unstrung.engine.errors import InvalidRequest
from unstrung.engine.presets import ModelPreset, preset
from unstrung.engine.request import (
    Generation,
    GenerationRequest,
    NativeShapes,
    Step,
    nearest_size,
)
from unstrung.engine.sources import MAX_SECONDS, Source
from unstrung.engine.storyboard import Storyboard

if TYPE_CHECKING:
    from unstrung.engine.drawing import Model
    from unstrung.engine.pipeline import TextToVideo


@dataclass(frozen=True)
class Task:
    """One video to make.

    Attributes:
        kind: which call asked for it, as in `videos.models.Kind`.
        prompt: what should be seen.
        seconds: length [s].
        width, height: of the delivered clip [px].
        seed, num_steps, guidance_scale, verbatim: as in the engine's request.
        reference: file of a picture or clip to begin from.
        source: file of the clip that something is done to.
        second: file of the clip to connect with or to turn into.
        is_backward, strength, keep, shots: as in the wish.
        characters: name and clip of each.
    """

    kind: str
    prompt: str
    seconds: float
    width: int
    height: int
    seed: int | None = None
    num_steps: int | None = None
    guidance_scale: float | None = None
    verbatim: bool = False
    reference: Path | None = None
    source: Path | None = None
    second: Path | None = None
    is_backward: bool = False
    strength: str | None = None
    keep: tuple[float, float] | None = None
    shots: tuple[tuple[float, str], ...] = ()
    characters: tuple[tuple[str, Path], ...] = ()


class Generator(Protocol):
    """Makes videos of one model."""

    def describe(self) -> ModelDescription:
        """What the model is and can do; quick, nothing is loaded."""
        ...

    def generate(self, task: Task, on_step: Callable[[Step], None]) -> Generation:
        """Make one video; `on_step` may stop it by raising."""
        ...


def has_few_steps(weights: Path | None) -> bool:
    """Whether a folder of weights holds a few-step student; reads a header, and needs no torch."""
    folder = weights or Path(str(resources.files("unstrung.engine") / "weights"))
    try:
        with safe_open(folder / "transformer.safetensors", "numpy") as file:
            told = (file.metadata() or {}).get("config", "{}")
    except (OSError, SafetensorError):
        return False  # whoever loads them will say what is wrong
    return bool(json.loads(told).get("has_step_size", False))


class EngineGenerator:
    """The engine behind the studio; weights are read at the first task."""

    def __init__(self, model: str = "mini", weights: Path | None = None) -> None:
        """Name a model.

        Args:
            model: a preset.
            weights: its folder; None takes the shipped ones.
        """
        self._preset: ModelPreset = preset(model)
        self._weights = weights
        self._pipeline: TextToVideo | None = None

    def describe(self) -> ModelDescription:
        """The preset in plain values, with the steps that its weights take."""
        is_student = has_few_steps(self._weights)
        return ModelDescription.of_preset(self._preset.of_student if is_student else self._preset)

    def generate(self, task: Task, on_step: Callable[[Step], None]) -> Generation:
        """Draw a clip at the nearest size and length that the model has.

        Raises:
            EngineError: if it cannot be drawn.
        """
        if self._pipeline is None:
            from unstrung.engine.pipeline import TextToVideo

            self._pipeline = TextToVideo.load(self._weights)
        native = self._preset.native
        request = GenerationRequest(
            prompt=task.prompt,
            # What an extension may add depends on the clip, and is refused where it is known.
            seconds=task.seconds
            if task.kind in ("extend", "storyboard")
            else min(task.seconds, MAX_SECONDS),
            size=nearest_size(task.width, task.height, native),
            seed=task.seed,
            num_steps=task.num_steps,
            guidance_scale=task.guidance_scale,
            verbatim=task.verbatim,
        )
        model = (
            self._pipeline.with_characters(task.characters) if task.characters else self._pipeline
        )
        return _drawn(model, request, task, native, on_step)


def _drawn(
    model: "Model",
    request: GenerationRequest,
    task: Task,
    native: NativeShapes,
    on_step: Callable[[Step], None],
) -> Generation:
    """What the task asks for, by the operation of the engine that does it."""
    from unstrung.engine import continuation, redrawing
    from unstrung.engine.sources import read_source

    def read(path: Path | None) -> Source:
        if path is None:
            raise InvalidRequest("video", "nothing", f"be a clip for {task.kind}", "a clip")
        return read_source(path, native, request.size)

    match task.kind:
        case "extend":
            source = read(task.source)
            return continuation.extend(model, request, source, on_step, task.is_backward)
        case "edit":
            strength = task.strength or "strong"
            return redrawing.edit(model, request, read(task.source), strength, on_step)
        case "loop":
            return continuation.loop(model, request, read(task.source), on_step)
        case "recut":
            keep = task.keep or (0.0, 0.0)
            return continuation.recut(model, request, read(task.source), keep, on_step)
        case "connect":
            pair = read(task.source), read(task.second)
            return continuation.connect(model, request, *pair, on_step)
        case "blend":
            pair = read(task.source), read(task.second)
            return continuation.blend(model, request, *pair, on_step)
        case "storyboard":
            starts, prompts = zip(*task.shots, strict=True)
            board = Storyboard(prompts, starts, task.seconds)
            return continuation.storyboard(model, request, board, on_step)
        case _ if task.reference is not None:
            return continuation.image_to_video(model, request, read(task.reference), on_step)
        case _:
            return continuation.text_to_video(model, request, on_step)
