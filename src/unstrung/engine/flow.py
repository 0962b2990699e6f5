"""The flow between data and noise, written once. Tensors only.

Convention (decision 0001): t = 0 is data, t = 1 is noise,

    x_t = (1 - t) latents + t noise,        velocity = dx_t / dt = noise - latents.

Lipman et al. 2023 (2210.02747), Liu et al. 2023 (2209.03003); the sign is that of Esser et al. 2024
(2403.03206).
"""

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
