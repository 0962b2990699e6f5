"""The studio's worker for `load.py`, with a generator that takes no time and clocks on what makes files.

Run as `python load_worker.py CLOCKS`; the settings come from the environment. When it ends it writes to
CLOCKS how many seconds each part took each time.
"""

import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import numpy as np

from unstrung.engine.description import ModelDescription
from unstrung.engine.presets import MINI
from unstrung.engine.request import Generation, Step
from unstrung.studio import renditions
from unstrung.studio.generator import Task
from unstrung.studio.logs import set_up_logs
from unstrung.studio.settings import load_settings
from unstrung.studio.worker import run_worker

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")
_NUM_FRAMES = 49  # what `mini` makes of 4 s


class Clocks:
    """Seconds spent in functions, by name."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self.spent: dict[str, list[float]] = defaultdict(list)

    def on(self, name: str, function: Callable[_Given, _Result]) -> Callable[_Given, _Result]:
        """The function with a clock on it."""

        def timed(*args: _Given.args, **kwargs: _Given.kwargs) -> _Result:
            began = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self.spent[name].append(time.perf_counter() - began)

        return timed


class StillGenerator:
    """Hands out one moving picture, made beforehand, after one step."""

    def __init__(self) -> None:
        """Make the picture: smooth colours that move, which the encoder finds neither trivial nor hard."""
        down, along, moment = np.mgrid[0:128, 0:224, 0:_NUM_FRAMES].astype(np.float32)
        waves = [
            np.sin(along / 17 + moment / 5),
            np.sin(down / 13 - moment / 7),
            np.sin((along + down) / 29),
        ]
        frames = np.stack(waves, -1).transpose(2, 0, 1, 3)
        self._frames = (127.5 + 100 * frames).astype(np.uint8)

    def describe(self) -> ModelDescription:
        """As `mini`."""
        return ModelDescription.of_preset(MINI)

    def generate(self, task: Task, on_step: Callable[[Step], None]) -> Generation:
        """What `mini` would make, at once."""
        on_step(Step(0, 1, lambda: self._frames[0]))
        return Generation(
            clips=(self._frames,), prompt=task.prompt, caption=task.prompt, unplaced=(), seeds=(7,),
            frame_rate=12, num_steps=1, guidance_scale=1.5, model=MINI.name,
            timings_s={"load": 0.0, "text": 0.0, "denoise": 0.0, "decode": 0.0},
        )  # fmt: skip


def main() -> None:
    """Work until SIGTERM."""
    settings, clocks = load_settings(), Clocks()
    set_up_logs(settings.log_format, settings.log_level)
    for name in ("write_fitted", "thumbnail", "spritesheet"):
        setattr(renditions, name, clocks.on(name, getattr(renditions, name)))
    run_worker(settings, StillGenerator())
    Path(sys.argv[1]).write_text(json.dumps(clocks.spent))


if __name__ == "__main__":
    main()
