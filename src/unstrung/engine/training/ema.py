"""A slowly following copy of the weights, which samples better than the weights themselves."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class Ema:
    """Exponential moving average of a module's parameters, with a warm-up so that it starts useful."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        """Start from the module's present weights.

        Args:
            module: what to follow.
            decay: the final share kept per step, in [0, 1).
        """
        self.decay = decay
        self.num_updates = 0
        self.weights = {name: p.detach().clone() for name, p in module.named_parameters()}

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Move a little towards the module: decay min(decay, (1 + n) / (10 + n)) after n updates."""
        self.num_updates += 1
        decay = min(self.decay, (1 + self.num_updates) / (10 + self.num_updates))
        mine: list[Tensor] = []
        theirs: list[Tensor] = []
        for name, parameter in module.named_parameters():
            mine.append(self.weights[name])
            theirs.append(parameter)
        torch._foreach_lerp_(mine, theirs, 1 - decay)

    def copy_to(self, module: nn.Module) -> None:
        """Overwrite a module's parameters with the average."""
        with torch.no_grad():
            for name, parameter in module.named_parameters():
                parameter.copy_(self.weights[name])

    def state(self) -> dict[str, Tensor | int]:
        """What `restore` needs."""
        return {**self.weights, "num_updates": self.num_updates}

    def restore(self, state: Mapping[str, Tensor | int]) -> None:
        """Continue from a saved state."""
        self.num_updates = int(state["num_updates"])
        for name in self.weights:
            saved = state[name]
            assert isinstance(saved, Tensor)
            self.weights[name] = saved.clone()
