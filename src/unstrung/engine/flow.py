"""The flow between data and noise, written once. Tensors only.

Convention (decision 0001): t = 0 is data, t = 1 is noise,

    x_t = (1 - t) latents + t noise,        velocity = dx_t / dt = noise - latents.

Lipman et al. 2023 (2210.02747), Liu et al. 2023 (2209.03003); the sign is that of Esser et al. 2024
(2403.03206).
"""

from typing import Literal

from torch import Tensor


def _wide(times: Tensor) -> Tensor:
    """Times (B, F) shaped to meet latents (B, C, F, H, W)."""
    return times[:, None, :, None, None]


def add_noise(latents: Tensor, noise: Tensor, times: Tensor) -> Tensor:
    """Where the straight path from latents to noise stands at `times`.

    Args:
        latents, noise: (B, C, F, H, W).
        times: (B, F) in [0, 1].
    """
    t = _wide(times)
    return (1 - t) * latents + t * noise


def velocity_of(noisy_latents: Tensor, clean: Tensor, times: Tensor, floor: float = 0.02) -> Tensor:
    """The velocity that points from an estimate of the clean latents through the noisy ones.

    (x_t - clean) / t, with t kept above `floor`, where the quotient would blow small errors up.
    """
    return (noisy_latents - clean) / _wide(times).clamp_min(floor)


def clean_of(noisy_latents: Tensor, velocity: Tensor, times: Tensor) -> Tensor:
    """The clean latents that a velocity points at: x_t - t velocity."""
    return noisy_latents - _wide(times) * velocity


def clean_of_output(noisy_latents: Tensor, output: Tensor, times: Tensor) -> Tensor:
    """The clean latents that a preconditioned network stands for.

    clean = c_skip x_t + c_out output, with c_skip = (1 - t) / ((1 - t)^2 + t^2) and
    c_out = t / sqrt((1 - t)^2 + t^2): Karras et al. 2022 (2206.00364, table 1) for latents of unit power on
    this path. At low noise the input passes by the network instead of through its narrower middle.
    """
    t = _wide(times)
    power = (1 - t).square() + t.square()
    return (1 - t) / power * noisy_latents + t / power.sqrt() * output


Target = Literal["clean", "velocity", "preconditioned"]


def clean_estimate(target: Target, noisy_latents: Tensor, output: Tensor, times: Tensor) -> Tensor:
    """The clean latents that a network's output means, for every kind of target."""
    if target == "velocity":
        return clean_of(noisy_latents, output, times)
    if target == "preconditioned":
        return clean_of_output(noisy_latents, output, times)
    return output
