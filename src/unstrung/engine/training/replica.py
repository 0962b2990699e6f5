"""A copy of a network in the number type that is quick here; the weights that learn stay in fp32.

Mixed precision after Micikevicius et al. 2018 (1710.03740), without casting layer by layer: before a step the
fp32 weights are copied into the replica, the replica computes and collects gradients, and the gradients go
back to the fp32 weights in fp32. In fp32 the replica is the network itself and nothing is copied.
"""

import copy
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

M = TypeVar("M", bound=nn.Module)


class Replica(Generic[M]):
    """Computes for a network in another number type."""

    def __init__(self, network: M, dtype: torch.dtype) -> None:
        """Stand in for `network`, whose weights are fp32; `module` is what to call."""
        is_same = dtype == torch.float32
        self.module: M = network if is_same else copy.deepcopy(network).to(dtype)
        self._pairs = [
            (mine, theirs)
            for mine, theirs in zip(self.module.parameters(), network.parameters(), strict=True)
            if mine is not theirs
        ]

    @torch.no_grad()
    def refresh(self) -> None:
        """Take over the network's present weights."""
        if self._pairs:
            mine, theirs = zip(*self._pairs, strict=True)
            torch._foreach_copy_(mine, theirs)

    @torch.no_grad()
    def hand_over_gradients(self) -> None:
        """Give the network the gradients that the replica has collected, in fp32, and forget them here."""
        for mine, theirs in self._pairs:
            gradient: Tensor | None = mine.grad
            theirs.grad = None if gradient is None else gradient.float()
            mine.grad = None
