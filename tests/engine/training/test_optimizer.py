"""Muon, and which weights go to it."""

import pytest
import torch
from torch import Tensor, nn

from engine.factories import gaussian, tiny_text_encoder, tiny_transformer
from unstrung.engine.training.optimizer import Muon, orthogonalise, split_parameters


def train(
    weights: list[nn.Parameter], gradients: list[Tensor], lr: float = 0.1, steps: int = 1
) -> None:
    optimizer = Muon(weights, lr, weight_decay=0.0)
    for _ in range(steps):
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.grad = gradient.clone()
        optimizer.step()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(48, 96), (96, 48), (32, 160), (64, 64)])
def test_singular_values_come_out_near_one(shape: tuple[int, int], dtype: torch.dtype) -> None:
    left, _, right = torch.linalg.svd(gaussian(*shape), full_matrices=False)
    # A spectrum over more than an order of magnitude, as gradients have.
    matrix = left * torch.logspace(0, -1.3, min(shape)) @ right
    values = torch.linalg.svdvals(orthogonalise(matrix[None], dtype=dtype)[0])
    assert values.dtype == torch.float32
    assert values.min() > 0.6
    assert values.max() < 1.3


def test_singular_vectors_stay_as_they_are() -> None:
    matrix = gaussian(24, 40)
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    turned = left.T @ orthogonalise(matrix[None])[0] @ right.T
    torch.testing.assert_close(turned, torch.diag(turned.diagonal()), atol=1e-3, rtol=0)
    assert (turned.diagonal() > 0).all()


def test_the_size_of_a_gradient_does_not_matter() -> None:
    matrix = gaussian(1, 24, 40)
    torch.testing.assert_close(
        orthogonalise(matrix * 1e-3), orthogonalise(matrix), atol=1e-3, rtol=1e-3
    )


@pytest.mark.parametrize("shape", [(64, 64), (32, 160), (160, 32)])
def test_a_step_moves_weights_by_a_fifth_of_the_rate_as_adam_would(shape: tuple[int, int]) -> None:
    weight = nn.Parameter(torch.zeros(shape))
    train([weight], [gaussian(*shape)], lr=0.1)
    assert float(weight.detach().square().mean().sqrt()) == pytest.approx(0.02, rel=0.25)


def test_matrices_of_one_shape_do_not_mix() -> None:
    gradients = [gaussian(16, 24, seed=seed) for seed in range(3)]
    together = [nn.Parameter(torch.zeros(16, 24)) for _ in gradients]
    train(together, gradients, steps=3)
    for weight, gradient in zip(together, gradients, strict=True):
        alone = nn.Parameter(torch.zeros(16, 24))
        train([alone], [gradient], steps=3)
        torch.testing.assert_close(weight, alone)


def test_muon_walks_down_a_badly_scaled_bowl() -> None:
    goal, stretch = gaussian(16, 24), torch.logspace(0, 2, 24)
    weight = nn.Parameter(torch.zeros(16, 24))
    optimizer = Muon([weight], lr=0.2, weight_decay=0.0)
    losses = []
    for step in range(60):
        optimizer.param_groups[0]["lr"] = 0.2 * (1 - step / 60)
        loss = ((weight - goal).square() * stretch).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.05 * losses[0]


def test_weights_decay_and_those_without_gradient_rest() -> None:
    moved, rested = nn.Parameter(torch.ones(8, 8)), nn.Parameter(torch.ones(8, 8))
    optimizer = Muon([moved, rested], lr=0.5, weight_decay=0.1)
    moved.grad = torch.zeros(8, 8)
    optimizer.step()
    torch.testing.assert_close(moved.detach(), torch.full((8, 8), 0.95))
    assert (rested == 1).all()


def test_muon_takes_the_matrices_of_the_blocks_and_adam_everything_else() -> None:
    modules = [tiny_transformer(), tiny_text_encoder()]
    hidden, rest = split_parameters(modules)
    everything = {id(p) for module in modules for p in module.parameters()}
    assert {id(p) for p in hidden} | {id(p) for p in rest} == everything
    assert len(hidden) + len(rest) == len(everything)
    blocks = [block for module in modules for block in module.blocks]
    wanted = {id(p) for block in blocks for p in (block.proj_in.weight, block.proj_out.weight)}
    assert {id(p) for p in hidden} == wanted
