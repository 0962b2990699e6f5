"""Parts that the text encoder and the transformer share."""

import pytest
import torch
from torch import Tensor

from engine.factories import gaussian, wake
from unstrung.engine.models.layers import (
    Block,
    RMSNorm,
    TimeEmbedding,
    attention,
    normalise,
    rotary_angles,
    rotate,
)

HEAD_SIZE = 32


def scores(positions: Tensor, query: Tensor, key: Tensor) -> Tensor:
    """Attention scores of all pairs of tokens at the given places."""
    angles = rotary_angles(positions, HEAD_SIZE)
    return rotate(query, *angles) @ rotate(key, *angles).transpose(-1, -2)


def places(num_tokens: int, seed: int = 0) -> Tensor:
    return torch.randint(
        -6, 7, (num_tokens, 3), generator=torch.Generator().manual_seed(seed)
    ).float()


def some_bias() -> Tensor:
    """Forbids about half of the pairs, but never a token from itself; (2, 1, 9, 9)."""
    forbidden = (gaussian(2, 1, 9, 9, seed=4) > 0) & ~torch.eye(9, dtype=torch.bool)
    return torch.zeros(2, 1, 9, 9).masked_fill_(forbidden, float("-inf"))


def test_normalised_vectors_have_unit_power_whatever_their_size() -> None:
    x = gaussian(4, 7, 16) * torch.tensor([0.01, 1.0, 30.0, 1e4])[:, None, None]
    power = RMSNorm(16)(x).square().mean(dim=-1)
    torch.testing.assert_close(power, torch.ones_like(power), atol=0.02, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_vectors_are_normalised_the_same_with_gradients_and_without(dtype: torch.dtype) -> None:
    x, gain = gaussian(2, 3, 7, 16).to(dtype), gaussian(3, 1, 16, seed=1).to(dtype)
    x[0, 0, 0] = 0.0
    expected = normalise(x.requires_grad_(), gain).detach()
    with torch.no_grad():
        torch.testing.assert_close(normalise(x, gain), expected, atol=2e-2, rtol=2e-2)


@pytest.mark.parametrize("bias", [None, some_bias()], ids=["everything", "masked"])
def test_attention_is_the_same_with_gradients_and_fused_without(bias: Tensor | None) -> None:
    query, key, value = (gaussian(2, 3, 9, 8, seed=seed) for seed in (1, 2, 3))
    explicit = attention(query.requires_grad_(), key, value, bias)
    with torch.no_grad():
        fused = attention(query, key, value, bias)
    assert explicit.requires_grad
    torch.testing.assert_close(explicit, fused, atol=1e-5, rtol=1e-5)


def test_a_forbidden_token_has_no_influence() -> None:
    query, key, value = (gaussian(2, 3, 9, 8, seed=seed) for seed in (1, 2, 3))
    bias = torch.zeros(1, 1, 9, 9)
    bias[..., 5] = float("-inf")
    other_key, other_value = key.clone(), value.clone()
    other_key[:, :, 5], other_value[:, :, 5] = 9.0, -9.0
    before = attention(query, key, value, bias)
    torch.testing.assert_close(attention(query, other_key, other_value, bias), before)


def test_attention_scores_depend_on_distance_only() -> None:
    query, key = gaussian(1, 2, 12, HEAD_SIZE, seed=1), gaussian(1, 2, 12, HEAD_SIZE, seed=2)
    shifted = places(12) + torch.tensor([5.0, -3.0, 2.0])
    torch.testing.assert_close(
        scores(shifted, query, key), scores(places(12), query, key), atol=1e-4, rtol=1e-4
    )


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_attention_scores_tell_distances_along_every_axis(axis: int) -> None:
    query = gaussian(1, 1, 1, HEAD_SIZE, seed=1).expand(-1, -1, 13, -1)
    positions = torch.zeros(13, 3)
    positions[:, axis] = torch.arange(13)
    from_first = scores(positions, query, query)[0, 0, 0]
    assert (from_first[1:] < from_first[0]).all()
    assert from_first.unique().numel() == 13


def test_turning_keeps_lengths_and_the_origin() -> None:
    x = gaussian(2, 2, 12, HEAD_SIZE)
    turned = rotate(x, *rotary_angles(places(12), HEAD_SIZE))
    torch.testing.assert_close(turned.norm(dim=-1), x.norm(dim=-1))
    torch.testing.assert_close(rotate(x, *rotary_angles(torch.zeros(12, 3), HEAD_SIZE)), x)


@pytest.mark.parametrize("head_size", [16, 32, 48, 64, 128])
def test_angles_fill_half_a_head_for_every_multiple_of_16(head_size: int) -> None:
    cosines, sines = rotary_angles(places(5), head_size)
    assert cosines.shape == sines.shape == (5, head_size)


def test_times_that_differ_are_embedded_differently() -> None:
    embedding = TimeEmbedding(32)
    embedded = embedding(torch.linspace(0, 1, 11).reshape(1, 11))
    assert embedded.shape == (1, 11, 32)
    distances = torch.cdist(embedded[0], embedded[0]) + torch.eye(11)
    assert distances.min() > 0.05


def test_a_new_block_is_the_identity() -> None:
    x = gaussian(2, 9, 32)
    modulation = (
        gaussian(2, 9, 32, seed=1),
        gaussian(2, 9, 32, seed=2),
        gaussian(2, 9, 32, seed=3),
    )
    rotary = rotary_angles(places(9), 16)
    assert torch.equal(Block(32, 2, 2.0)(x, some_bias(), rotary, modulation), x)


def test_a_closed_gate_makes_any_block_the_identity() -> None:
    block, x = Block(32, 2, 2.0), gaussian(2, 9, 32)
    wake(block)
    shift, scale = gaussian(2, 9, 32, seed=1), gaussian(2, 9, 32, seed=2)
    rotary = rotary_angles(places(9), 16)
    assert torch.equal(block(x, None, rotary, (shift, scale, torch.zeros(1))), x)
    assert not torch.equal(block(x, None, rotary, (shift, scale, torch.ones(1))), x)


def test_without_positions_a_block_does_not_know_the_order_of_tokens() -> None:
    block, x = Block(32, 2, 2.0), gaussian(2, 9, 32)
    wake(block)
    order = torch.randperm(9, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(
        block(x, None, None)[:, order], block(x[:, order], None, None), atol=1e-5, rtol=1e-5
    )
    rotary = rotary_angles(places(9), 16)
    moved = block(x[:, order], None, rotary) - block(x, None, rotary)[:, order]
    assert moved.abs().max() > 1e-3


def test_shown_tokens_are_looked_at_as_if_they_stood_in_the_sequence() -> None:
    block, x, shown = Block(32, 2, 2.0), gaussian(2, 9, 32), gaussian(2, 4, 32, seed=1)
    wake(block)
    cosines, sines = rotary_angles(torch.cat([torch.zeros(4, 3), places(9)]), 16)
    together = block(torch.cat([shown, x], dim=1), None, (cosines, sines))[:, 4:]
    alone = block(x, None, (cosines[4:], sines[4:]), shown=shown)
    torch.testing.assert_close(alone, together)
    assert not torch.allclose(alone, block(x, None, (cosines[4:], sines[4:])))
