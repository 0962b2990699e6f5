"""What the transformer is asked: times, masks of given frames, and the loss. Tensors only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from unstrung.engine import flow, schedules

_LEAST_BEGUN: Final = 3  # frames that are given of a clip that begins in the middle of a motion


@dataclass(frozen=True)
class ObjectiveConfig:
    """How noise, masks and loss are drawn.

    Attributes:
        target: what the network's output means.
        time_mean, time_std: of the logit-normal distribution of times (Esser et al. 2024); a positive mean
            leans to high noise.
        uniform_share: share of the times drawn evenly from [0, 1] instead.
        frame_power: times of a clip of F latent frames are shifted by F to this power towards noise; frames
            repeat one another, so what happens is settled earlier than in a still (Esser et al. 2024, section
            5.3.2, whose shift is the root of the number of tokens; 0 shifts nothing).
        mask_share: share of clips of several frames in which some frames are given (about half, as in
            Open-Sora 1.1).
        weight_power: errors of clean latents are divided by t to this power; 2 is the velocity's loss.
        velocity_floor: smallest time by which errors of clean latents are divided.
    """

    target: flow.Target = "clean"
    time_mean: float = 0.4
    time_std: float = 1.0
    uniform_share: float = 0.1
    frame_power: float = 0.0
    mask_share: float = 0.5
    weight_power: float = 2.0
    velocity_floor: float = 0.1


def draw_times(
    config: ObjectiveConfig, batch: int, generator: torch.Generator, frames: int = 1
) -> Tensor:
    """One time per clip of so many latent frames, (B,), in (0, 1)."""
    normal = torch.randn(batch, generator=generator) * config.time_std + config.time_mean
    even = torch.rand(batch, generator=generator)
    is_even = torch.rand(batch, generator=generator) < config.uniform_share
    times = torch.where(is_even, even, torch.sigmoid(normal))
    return schedules.time_shift(times, frames**config.frame_power).clamp(1e-3, 1.0)


def draw_given_frames(
    config: ObjectiveConfig,
    batch: int,
    frames: int,
    generator: torch.Generator,
    begun: Sequence[bool] = (),
) -> Tensor:
    """Which latent frames are given in each clip, (B, F) booleans; at least one frame is always asked for.

    First, first k, last, last k, first and last, or random keyframes, in equal shares of the masked clips.
    Clips that are `begun` always give three or more of their first frames: from words alone a clip begins at
    the beginning, and two frames do not tell which way somebody hops.
    """
    given = torch.zeros(batch, frames, dtype=torch.bool)
    if frames < 2:
        return given
    masked = torch.rand(batch, generator=generator) < config.mask_share
    kinds = torch.randint(6, (batch,), generator=generator)
    counts = torch.randint(1, max(2, frames * 2 // 3 + 1), (batch,), generator=generator)
    scores = torch.rand(batch, frames, generator=generator)
    for row in torch.nonzero(masked).flatten().tolist():
        kind, count = int(kinds[row]), int(counts[row])
        if kind in (0, 4):
            given[row, 0] = True
        if kind == 1:
            given[row, :count] = True
        if kind in (2, 4):
            given[row, -1] = True
        if kind == 3:
            given[row, -count:] = True
        if kind == 5:
            given[row] = scores[row] < 0.25
        if given[row].all():
            given[row, frames // 2] = False
    for row in (row for row, is_begun in enumerate(begun) if is_begun):
        given[row] = torch.arange(frames) < min(_LEAST_BEGUN + int(counts[row]) - 1, frames - 1)
    return given


def slight_times(batch: int, generator: torch.Generator) -> Tensor:
    """At what time given frames stand in each clip, (B, 1).

    They are exact in half of the clips and a little noisy in the others, so that long clips made by
    continuation forgive their own mistakes.
    """
    slight = torch.rand(batch, 1, generator=generator) * 0.2
    return slight * (torch.rand(batch, 1, generator=generator) < 0.5)


@dataclass(frozen=True)
class Question:
    """One batch as the transformer sees it.

    Attributes:
        noisy_latents: (B, C, F, H, W).
        times: (B, F); near zero for given frames.
        noise: (B, C, F, H, W).
        asked: (B, F) frames that count in the loss.
    """

    noisy_latents: Tensor
    times: Tensor
    noise: Tensor
    asked: Tensor


def pose(
    config: ObjectiveConfig,
    latents: Tensor,
    generator: torch.Generator,
    begun: Sequence[bool] = (),
) -> Question:
    """Draw times, noise and masks for a batch of clean latents (B, C, F, H, W), some of them `begun`."""
    batch, _, frames, _, _ = latents.shape
    given = draw_given_frames(config, batch, frames, generator, begun)
    times = draw_times(config, batch, generator, frames)[:, None].expand(batch, frames).clone()
    slight = slight_times(batch, generator)
    times = torch.where(given, slight, times)
    noise = torch.randn(latents.shape, generator=generator)
    return Question(flow.add_noise(latents, noise, times), times, noise, ~given)


def loss_of(
    config: ObjectiveConfig, prediction: Tensor, latents: Tensor, question: Question
) -> Tensor:
    """Mean squared error of the clean latents over the frames that are asked for, weighted; a scalar.

    The weight is t to the power of minus `weight_power`: 2 gives the loss of the velocity that follows from
    the estimate (Li and He 2025, 2511.13720), 0 that of the clean latents themselves. t is kept above
    `velocity_floor`.
    """
    clean = flow.clean_estimate(config.target, question.noisy_latents, prediction, question.times)
    weight = question.times.clamp_min(config.velocity_floor) ** -config.weight_power
    per_frame = (clean - latents).square().mean(dim=(1, 3, 4)) * weight  # (B, F)
    asked = question.asked.to(per_frame.dtype)
    return (per_frame * asked).sum() / asked.sum().clamp_min(1.0)
