"""Muon for hidden matrices, AdamW for the rest.

torch.optim.Muon (torch 2.13) orthogonalises in bf16, which on processors without AMX is slower than fp32
(decision 0004); so the iteration stands here in the number type that the run computes in, and matrices of one
shape go through it as one batch.
"""

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim.optimizer import ParamsT

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def orthogonalise(
    matrices: Tensor, num_steps: int = 5, dtype: torch.dtype = torch.float32
) -> Tensor:
    """The nearest semi-orthogonal matrices, about: singular values come out near one.

    Newton-Schulz iteration of Jordan et al. 2024 ("Muon"), on a batch (N, rows, columns), in `dtype`.
    """
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.transpose(-1, -2) if tall else matrices
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    result = (
        _iterate_gram(x, num_steps) if dtype == torch.float32 else _iterate(x.to(dtype), num_steps)
    )
    return (result.transpose(-1, -2) if tall else result).to(matrices.dtype)


def _iterate(x: Tensor, num_steps: int) -> Tensor:
    """The iteration as published: it forgives the rounding of bf16, which Gram matrices do not."""
    a, b, c = _COEFFICIENTS
    for _ in range(num_steps):
        # Laid out in order, both factors take half the time of a transposed view on AMX.
        x = x.contiguous()
        gram = x @ x.transpose(-1, -2).contiguous()
        x = torch.baddbmm(x, b * gram + c * gram @ gram, x, beta=a)
    return x


def _iterate_gram(x: Tensor, num_steps: int) -> Tensor:
    """The same numbers by way of Gram matrices, for fp32.

    Every iterate is a polynomial of the Gram matrix times the input, so the iteration runs on the small
    square matrices and touches the wide ones twice only: 0.4 of the arithmetic for 384 x 3200.
    """
    a, b, c = _COEFFICIENTS
    gram = x @ x.transpose(-1, -2)
    identity = torch.eye(gram.shape[-1], dtype=x.dtype)
    product = identity.expand_as(gram)
    for step in range(num_steps):
        polynomial = a * identity + b * gram + c * gram @ gram
        product = polynomial @ product
        if step + 1 < num_steps:
            gram = polynomial @ gram @ polynomial
    return product @ x


class Muon(torch.optim.Optimizer):
    """Momentum whose update is orthogonalised; step sizes comparable with AdamW's.

    The update is scaled by 0.2 sqrt(max(rows, columns)), so that its root mean square matches AdamW's (Liu et
    al. 2025, 2502.16982).
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.01,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """Take matrices only.

        Args:
            params: two-dimensional parameters, or groups of them.
            lr: step size.
            momentum: of Nesterov's kind.
            weight_decay: decoupled, times lr.
            dtype: number type of the orthogonalisation.
        """
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        super().__init__(params, defaults)
        self.dtype = dtype

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # noqa: ARG002 (torch's signature)
        """Update every matrix once."""
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[nn.Parameter]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    by_shape[parameter.shape].append(parameter)
            for shape, parameters in by_shape.items():
                updates = torch.stack([self._momentum(p, group["momentum"]) for p in parameters])
                updates = orthogonalise(updates, dtype=self.dtype)
                size = 0.2 * max(shape) ** 0.5 * group["lr"]
                for parameter, update in zip(parameters, updates, strict=True):
                    parameter.mul_(1 - group["lr"] * group["weight_decay"]).add_(
                        update, alpha=-size
                    )

    def _momentum(self, parameter: nn.Parameter, momentum: float) -> Tensor:
        state = self.state[parameter]
        gradient = parameter.grad
        assert gradient is not None
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(parameter)
        average: Tensor = state["momentum"]
        average.lerp_(gradient, 1 - momentum)
        return gradient.lerp(average, momentum)


def split_parameters(modules: Iterable[nn.Module]) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Matrices of the blocks (for Muon), and everything else (for AdamW)."""
    hidden: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    for module in modules:
        for name, parameter in module.named_parameters():
            is_hidden = parameter.ndim == 2 and ".proj_" in name and "blocks." in name
            (hidden if is_hidden else rest).append(parameter)
    return hidden, rest
