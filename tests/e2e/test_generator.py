"""The engine behind the studio: every kind of task ends in its own operation, on a quick model."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fakes import GradientPipeline
from unstrung.engine.errors import InvalidRequest
from unstrung.engine.video_io import write_video
from unstrung.studio.generator import EngineGenerator, Task


@pytest.fixture
def generator(monkeypatch: pytest.MonkeyPatch) -> EngineGenerator:
    """The engine with a quick model in the place of the trained one."""
    made = EngineGenerator("mini")
    monkeypatch.setattr(made, "_pipeline", GradientPipeline())
    return made


@pytest.fixture
def clips(tmp_path: Path) -> tuple[Path, Path]:
    """Two clips of 37 frames, of different shapes."""
    for name, width in (("one", 64), ("two", 96)):
        frames = np.zeros((37, 64, width, 3), np.uint8)
        write_video(tmp_path / name, frames, 12)
    return tmp_path / "one", tmp_path / "two"


@pytest.mark.parametrize(
    ("fields", "operation", "num_frames", "num_inputs"),
    [
        ({"kind": "create"}, "generate", 25, 0),
        ({"kind": "extend"}, "extend", 61, 1),
        ({"kind": "extend", "is_backward": True}, "extend", 61, 1),
        ({"kind": "edit", "strength": "0.5"}, "edit", 37, 1),
        ({"kind": "edit", "strength": "mild"}, "edit", 37, 1),
        ({"kind": "loop"}, "loop", 61, 1),
        ({"kind": "recut", "keep": (1.0, 2.0)}, "recut", 36, 1),
        ({"kind": "connect"}, "connect", 98, 2),
        ({"kind": "blend"}, "blend", 37, 2),
        ({"kind": "storyboard", "shots": ((0.0, "a fox"), (1.0, "a bear"))}, "storyboard", 25, 0),
    ],
)
def test_every_kind_of_task_is_carried_out(
    generator: EngineGenerator,
    clips: tuple[Path, Path],
    fields: dict[str, Any],
    operation: str,
    num_frames: int,
    num_inputs: int,
) -> None:
    source, second = (clips[at] if at < num_inputs else None for at in (0, 1))
    task = Task(
        **fields, prompt="a fox", seconds=2.0, width=64, height=64, seed=7, num_steps=1,
        source=source, second=second,
    )  # fmt: skip
    made = generator.generate(task, lambda _: None)
    assert (made.operation, len(made.inputs)) == (operation, num_inputs)
    assert made.clips[0].shape == (num_frames, 64, 64, 3)


def test_a_task_without_its_clip_is_refused(generator: EngineGenerator) -> None:
    task = Task(kind="loop", prompt="a fox", seconds=1.0, width=64, height=64)
    with pytest.raises(InvalidRequest, match="clip for loop"):
        generator.generate(task, lambda _: None)
