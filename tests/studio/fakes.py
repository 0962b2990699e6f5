"""A generator that draws at once, and obeys: for tests of the studio that are not about pictures."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from unstrung.engine.description import Capability, ModelDescription
from unstrung.engine.errors import EngineError
from unstrung.engine.presets import MINI
from unstrung.engine.request import Generation, Step
from unstrung.studio.generator import Task

EVERYTHING = tuple(Capability)


@dataclass
class FakeGenerator:
    """Draws a moving stripe.

    Attributes:
        capabilities: what it says it can do; None says what `mini` can.
        num_steps, step_s: denoising steps and seconds of each.
        tasks: what it was asked for.
        fails_with: raised in the middle, if set.
        begun: set when a task has begun.
        on_each_step: told of a step before the worker is; for what happens meanwhile.
    """

    capabilities: tuple[str, ...] | None = None
    num_steps: int = 4
    step_s: float = 0.0
    tasks: list[Task] = field(default_factory=list)
    fails_with: Exception | None = None
    begun: threading.Event = field(default_factory=threading.Event)
    on_each_step: Callable[[Step], None] | None = None

    def describe(self) -> ModelDescription:
        """As `mini`, with the capabilities that were set."""
        description = ModelDescription.of_preset(MINI)
        if self.capabilities is not None:
            description = replace(description, capabilities=self.capabilities)
        return replace(description, num_steps=self.num_steps)

    def generate(self, task: Task, on_step: Callable[[Step], None]) -> Generation:
        """A stripe that moves, of 9 frames at 64 x 64 or 9:16."""
        self.tasks.append(task)
        self.begun.set()
        given = (task.reference, task.source, task.second)
        for path in (*given, *(path for _, path in task.characters)):
            if path is not None and not path.stat().st_size:
                raise EngineError(f"{path.name} is empty.")
        width, height = (64, 64) if task.width == task.height else (96, 64)
        frames = np.zeros((9, height, width, 3), np.uint8)
        for index in range(9):
            frames[index, :, index * 6 : index * 6 + 12] = (200, 120, 40)
        num_steps = task.num_steps or self.num_steps
        for index in range(num_steps):
            time.sleep(self.step_s)
            if self.fails_with is not None and index == 1:
                raise self.fails_with
            step = Step(index, num_steps, lambda: frames[4])
            if self.on_each_step is not None:
                self.on_each_step(step)
            on_step(step)
        seed = 7 if task.seed is None else task.seed
        return Generation(
            clips=(frames,), prompt=task.prompt, caption=task.prompt, unplaced=(), seeds=(seed,),
            frame_rate=12, num_steps=num_steps, guidance_scale=1.5, model="mini",
            timings_s={"load": 0.0, "text": 0.0, "denoise": 0.0, "decode": 0.0},
        )  # fmt: skip
