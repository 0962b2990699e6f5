"""When to look: decreasing times for a sampler, last one zero. Tensors only."""

import torch
from torch import Tensor

from unstrung.engine.errors import InvalidRequest


def time_shift(times: Tensor, shift: float) -> Tensor:
    """Spend more of the schedule at high noise, as longer sequences need.

    Esser et al. 2024 (2403.03206), resolution-dependent shift:  t' = s t / (1 + (s - 1) t).

    Args:
        times: any shape, in [0, 1].
        shift: s > 0; 1 leaves the schedule unchanged.

    Raises:
        InvalidRequest: if shift is not positive.
    """
    if shift <= 0:
        raise InvalidRequest("shift", shift, "be positive", "1")
    return shift * times / (1 + (shift - 1) * times)


def linear_times(num_steps: int, shift: float = 1.0) -> Tensor:
    """`num_steps + 1` times from 1 to 0, evenly spaced and then shifted."""
    if num_steps < 1:
        raise InvalidRequest("num_steps", num_steps, "be at least 1", "1")
    return time_shift(torch.linspace(1.0, 0.0, num_steps + 1), shift)


def times_below(times: Tensor, start: float) -> Tensor:
    """The part of a schedule that is left when everything stands at `start` already.

    Args:
        times: decreasing, last one zero.
        start: in (0, 1].
    """
    return torch.cat([times.new_tensor([start]), times[times < start]])
