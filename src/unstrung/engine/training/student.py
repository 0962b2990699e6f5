"""Teaching a few-step student: the shipped transformer learns to do in one step what takes it many, guided.

The student is the teacher's own network, told besides how far it will step (Frans et al. 2024, shortcut
models, 2410.12557), and it begins as the teacher. Two ways of teaching can be compared (docs/experiments.md):

- `trajectory`: the teacher draws a clip with guidance, and the student learns every step between chosen
  states of that path. After Luhman and Luhman 2021 (2101.02388), for steps of several lengths at once.
- `shortcut`: a step is learned from two half steps of the student's own average, the shortest from the
  teacher.

What is learned is the estimate of the clean latents whose straight line leads to the state in question, so
that samplers need not know a student from a teacher. Guidance is inside: a student is sampled without.
"""

import copy
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import torch
from torch import Tensor

from unstrung.engine import flow, sampling, schedules
from unstrung.engine.data.dataset import Batch, LatentCache
from unstrung.engine.denoising import Denoiser
from unstrung.engine.models.text_encoder import Condition, TextEncoder
from unstrung.engine.models.transformer import Transformer
from unstrung.engine.training.config import TrainingConfig
from unstrung.engine.training.layouts import Stage
from unstrung.engine.training.objectives import draw_given_frames, slight_times
from unstrung.engine.training.trainer import Trainer

Method = Literal["trajectory", "shortcut"]
METHODS: Final[tuple[Method, ...]] = ("trajectory", "shortcut")


@dataclass(frozen=True)
class Lesson:
    """How a student is taught.

    Attributes:
        method: see above.
        guidance_scale, shift: of the teacher's sampler.
        fine_steps: steps of the teacher from noise to clip.
        step_counts: how many steps the student is to take them in; each divides `fine_steps`.
    """

    method: Method
    guidance_scale: float
    shift: float
    fine_steps: int = 12
    step_counts: tuple[int, ...] = (1, 2, 4)

    @property
    def times(self) -> Tensor:
        """The teacher's schedule, (fine_steps + 1,)."""
        return schedules.linear_times(self.fine_steps, self.shift)


def jumps_of(lesson: Lesson) -> list[tuple[int, int]]:
    """Every step that the student is to take, as places on the teacher's schedule: long ones first."""
    jumps = []
    for count in sorted(lesson.step_counts):
        length = lesson.fine_steps // count
        jumps += [(first, first + length) for first in range(0, lesson.fine_steps, length)]
    return jumps


def student_of(teacher: Transformer) -> Transformer:
    """A network that begins as the teacher and can be told how far it will step."""
    student = Transformer(replace(teacher.config, has_step_size=True))
    student.load_state_dict({**student.state_dict(), **teacher.state_dict()})
    return student


def target_of(start: Tensor, end: Tensor, times: Tensor, landing: Tensor) -> Tensor:
    """The clean latents whose straight line leads from one state to another.

    Args:
        start, end: (B, C, F, H, W), standing at `times` and at `landing`.
        times, landing: (B, F); where both are the same nothing is learned, and `start` comes back.
    """
    moved = times - landing
    share = torch.where(moved > 0, times / moved.clamp_min(1e-6), 0.0)
    return start - share[:, None, :, None, None] * (start - end)


@dataclass(frozen=True)
class _Asked:
    """What the student is asked about B clips, J questions each; rows of a clip follow one another.

    Attributes:
        noisy, target: (B J, C, F, H, W) where it stands, and the clean latents that it should name.
        times, landing: (B J, F) when it stands there, and where it is going to.
        num_questions: J.
    """

    noisy: Tensor
    target: Tensor
    times: Tensor
    landing: Tensor
    num_questions: int


class StudentTrainer(Trainer):
    """The training loop, with a guided teacher's path in the place of clean latents."""

    def __init__(
        self,
        lesson: Lesson,
        config: TrainingConfig,
        teacher: Transformer,
        text_encoder: TextEncoder,
        cache: LatentCache,
        dtype: torch.dtype = torch.float32,
        stage: Stage | None = None,
    ) -> None:
        """Begin as the teacher, which stays as it is.

        Args:
            lesson: what to learn from it.
            config: of the run; its text encoder should only read.
            teacher, text_encoder, cache, dtype, stage: as in `Trainer`.
        """
        super().__init__(config, student_of(teacher), text_encoder, cache, dtype, stage)
        self.lesson = lesson
        teaching = copy.deepcopy(teacher).to(dtype).eval().requires_grad_(False)
        self.teacher = Denoiser(
            teaching, self.listener.module, config.objective.target, dtype=dtype
        )
        self._average = copy.deepcopy(self.transformer).to(dtype).eval().requires_grad_(False)

    def _judged(self, batch: Batch, condition: Condition) -> Tensor:
        """The loss of the student's steps on a batch of clips."""
        latents = batch.latents
        size, _, frames, _, _ = latents.shape
        given = draw_given_frames(self.config.objective, size, frames, self.generator, batch.begun)
        starts = torch.where(given, slight_times(size, self.generator), 1.0)
        noise = torch.randn(latents.shape, generator=self.generator)
        with torch.no_grad():
            ask = self._on_the_path if self.lesson.method == "trajectory" else self._by_halves
            asked = ask(latents, noise, starts, condition)
        sizes = asked.times - asked.landing
        told = condition.repeated(asked.num_questions)
        answer = self.predict(
            asked.noisy.to(self.dtype), asked.times, told, step_sizes=sizes
        ).float()
        errors = (answer - asked.target).square().mean(dim=(1, 3, 4))  # (B J, F)
        free = (~given).repeat_interleave(asked.num_questions, dim=0).float()
        return (errors * free).sum() / free.sum().clamp_min(1.0)

    def _draw(self, count: int) -> int:
        return int(torch.randint(count, (), generator=self.generator))

    def _guided(self, condition: Condition, starts: Tensor) -> sampling.Velocity:
        nothing = [[""]] * len(starts)
        everywhere = torch.ones(len(starts), dtype=torch.bool)
        null = self.listener.module.condition(
            nothing, torch.zeros_like(condition.frame_spans), everywhere
        )
        return self.teacher.velocity_field(condition, null, self.lesson.guidance_scale, starts)

    def _on_the_path(
        self, latents: Tensor, noise: Tensor, starts: Tensor, condition: Condition
    ) -> _Asked:
        """Every step between states of the teacher's own path, and one of the teacher's own steps."""
        times, field = self.lesson.times, self._guided(condition, starts)
        first = self._draw(self.lesson.fine_steps)
        jumps = [*jumps_of(self.lesson), (first, first + 1)]
        states = {0: flow.add_noise(latents, noise, starts)}
        stops = sorted({stop for jump in jumps for stop in jump})
        for now, after in itertools.pairwise(stops):
            states[after] = sampling.euler(field, states[now], times[now : after + 1], None, starts)
        asked = [self._jump(states[a], states[b], (a, b), starts) for a, b in jumps]
        return _together(asked)

    def _by_halves(
        self, latents: Tensor, noise: Tensor, starts: Tensor, condition: Condition
    ) -> _Asked:
        """As many steps from noisy data: the shortest as the teacher takes them, others in two halves."""
        times, guided = self.lesson.times, self._guided(condition, starts)
        self.ema.copy_to(self._average)
        mine = replace(self.teacher, transformer=self._average)
        own = mine.velocity_field(condition, condition, 1.0, starts)
        counts = (*self.lesson.step_counts, self.lesson.fine_steps)
        asked = []
        for _ in range(len(jumps_of(self.lesson)) + 1):
            count = counts[self._draw(len(counts))]
            length = self.lesson.fine_steps // count
            first = length * self._draw(count)
            begun = flow.add_noise(latents, noise, torch.minimum(starts, times[first]))
            stops = times[first : first + length + 1 : max(1, length // 2)]
            ended = sampling.euler(guided if length == 1 else own, begun, stops, None, starts)
            asked.append(self._jump(begun, ended, (first, first + length), starts))
        return _together(asked)

    def _jump(self, begun: Tensor, ended: Tensor, jump: tuple[int, int], starts: Tensor) -> _Asked:
        now, after = (torch.minimum(starts, self.lesson.times[stop]) for stop in jump)
        return _Asked(begun, target_of(begun, ended, now, after), now, after, 1)


def _together(asked: Sequence[_Asked]) -> _Asked:
    """Questions about the same clips as one batch, those of a clip one after the other."""

    def rows(name: str) -> Tensor:
        return torch.stack([getattr(each, name) for each in asked], dim=1).flatten(0, 1)

    return _Asked(rows("noisy"), rows("target"), rows("times"), rows("landing"), len(asked))
