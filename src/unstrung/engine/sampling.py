"""Samplers: from noise to clean latents along a velocity field. Tensors only; knows no models.

Shared contract: `velocity(noisy_latents, t, after)` is called with the time at which the latents stand and
the one to which they will be moved, and answers in the shape of the latents; `times` decrease to 0;
`on_step(index, clean)` is told after every step and may raise to stop.
"""

from collections.abc import Callable

from torch import Tensor

Velocity = Callable[[Tensor, float, float], Tensor]
OnStep = Callable[[int, Tensor], None]


def euler(
    velocity: Velocity,
    noise: Tensor,
    times: Tensor,
    on_step: OnStep | None = None,
    start_times: Tensor | None = None,
) -> Tensor:
    """First-order steps, one evaluation each.

    Args:
        velocity: the field.
        noise: start, (B, C, F, H, W), standing at times[0], or at `start_times`.
        times: (num_steps + 1,), decreasing.
        on_step: called with the step's index and the current estimate of the clean latents.
        start_times: (B, F) times at which frames set out; those at 0 stay as they are.
    """
    latents = noise
    for index in range(len(times) - 1):
        now, after = float(times[index]), float(times[index + 1])
        direction = velocity(latents, now, after)
        if on_step is not None:
            on_step(index, latents - at_frames(now, start_times) * direction)
        latents = (
            latents + (at_frames(after, start_times) - at_frames(now, start_times)) * direction
        )
    return latents


def at_frames(t: float, start_times: Tensor | None) -> Tensor | float:
    """The time of every frame, shaped to meet latents, when the schedule stands at t."""
    if start_times is None:
        return t
    return start_times.clamp(max=t)[:, None, :, None, None]


def heun(velocity: Velocity, noise: Tensor, times: Tensor, on_step: OnStep | None = None) -> Tensor:
    """Second-order steps (Karras et al. 2022, 2206.00364, algorithm 1), two evaluations each.

    Arguments as in `euler`; the last step, which ends at time 0, is a plain Euler step.
    """
    latents = noise
    for index in range(len(times) - 1):
        now, after = float(times[index]), float(times[index + 1])
        direction = velocity(latents, now, now)
        if on_step is not None:
            on_step(index, latents - now * direction)
        guess = latents + (after - now) * direction
        if after > 0:
            direction = (direction + velocity(guess, after, after)) / 2
            guess = latents + (after - now) * direction
        latents = guess
    return latents
