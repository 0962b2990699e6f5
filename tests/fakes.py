"""Working stand-ins for parts that are slow or need weights."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from unstrung.engine.characters import read_character
from unstrung.engine.conditioning import GivenClip, TextSpans, faithful
from unstrung.engine.prompt import MappedPrompt
from unstrung.engine.request import Generation, GenerationRequest, NativeShapes, Step, plan


def understood(prompts: Sequence[str]) -> MappedPrompt:
    """Prompts that are captions already."""
    whole = " / ".join(prompts)
    return MappedPrompt(whole, "en", whole, None, ("zeppelin",), (), tuple(prompts))


@dataclass
class GradientPipeline:
    """A pipeline that draws seeded gradients instead of films; everything around it is real."""

    at_step: Callable[[int], None] = lambda _: None
    name: str = "gradient"
    native: NativeShapes = NativeShapes(sizes={"16:9": (64, 64)}, max_seconds=8, max_area=96 * 96)

    def understand(self, prompts: Sequence[str], verbatim: bool = False) -> MappedPrompt:  # noqa: ARG002
        return understood(prompts)

    def with_characters(self, files: Sequence[tuple[str, Path]]) -> "GradientPipeline":
        names = tuple(read_character(name, path).name for name, path in files)
        return replace(self, name=f"{self.name} with {' and '.join(names)}")

    def generate(
        self,
        request: GenerationRequest,
        on_step: Callable[[Step], None] | None = None,
        given: GivenClip | None = None,
        spans: TextSpans | None = None,  # noqa: ARG002
    ) -> Generation:
        made = plan(request, self.native)
        shape, total = made.shape, request.num_steps or 4
        size = (shape.frames, shape.height, shape.width, 3)
        seeds = tuple(
            (99 if request.seed is None else request.seed) + n for n in range(request.count)
        )
        clips = []
        for seed in seeds:
            start = np.random.default_rng(seed).integers(0, 100, (1, 1, 1, 3))
            rows = np.arange(shape.height)[None, :, None, None]
            times = np.arange(shape.frames)[:, None, None, None]
            clip = np.broadcast_to(start + rows + times, size)
            clip = clip.astype(np.uint8)
            clips.append(clip if given is None else faithful(clip, given))
        for index in range(total):
            self.at_step(index)
            if on_step is not None:
                on_step(Step(index, total, lambda: clips[0][0]))
        return Generation(
            clips=tuple(clips),
            prompt=request.prompt,
            caption="a fox crosses snow",
            unplaced=("zeppelin",),
            seeds=seeds,
            frame_rate=made.frame_rate,
            num_steps=total,
            guidance_scale=request.guidance_scale or 4.0,
            model=self.name,
            timings_s={"load": 0.5, "text": 0.1, "denoise": 1.0, "decode": 0.2},
            notes=made.notes,
        )
