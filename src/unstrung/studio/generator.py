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
from unstrung.engine.presets import ModelPreset, preset
from unstrung.engine.request import Generation, GenerationRequest, Step, nearest_size
from unstrung.engine.sources import MAX_SECONDS

if TYPE_CHECKING:
    from unstrung.engine.pipeline import TextToVideo


@dataclass(frozen=True)
class Task:
    """One video to make.

    Attributes:
        kind: create, remix, edit or extend.
        prompt: what should be seen.
        seconds: length [s].
        width, height: of the delivered clip [px].
        seed, num_steps, guidance_scale, verbatim: as in the engine's request.
        reference: file of a picture or clip to begin from.
        source: file of the clip to edit or extend.
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
            seconds=task.seconds if task.kind == "extend" else min(task.seconds, MAX_SECONDS),
            size=nearest_size(task.width, task.height, native),
            seed=task.seed,
            num_steps=task.num_steps,
            guidance_scale=task.guidance_scale,
            verbatim=task.verbatim,
        )
        model = (
            self._pipeline.with_characters(task.characters) if task.characters else self._pipeline
        )
        given = task.source if task.kind in ("extend", "edit") else task.reference
        from unstrung.engine import continuation, redrawing
        from unstrung.engine.sources import read_source

        if given is None:
            return continuation.text_to_video(model, request, on_step)
        source = read_source(given, native, request.size)
        if task.kind == "extend":
            return continuation.extend(model, request, source, on_step)
        if task.kind == "edit":
            return redrawing.edit(model, request, source, on_step=on_step)
        return continuation.image_to_video(model, request, source, on_step)
