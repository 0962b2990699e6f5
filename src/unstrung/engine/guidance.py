"""Guidance: pull the estimate away from what the model would draw without the caption. Tensors only."""

from torch import Tensor


def cfg(conditional: Tensor, unconditional: Tensor, guidance_scale: float) -> Tensor:
    """Classifier-free guidance; Ho and Salimans 2022 (2207.12598).

    unconditional + scale (conditional - unconditional); a scale of 1 is the conditional estimate.
    """
    return unconditional + guidance_scale * (conditional - unconditional)
