"""Computing in another number type while the weights that learn stay in fp32."""

import torch
from torch import nn

from engine.factories import gaussian
from unstrung.engine.training.replica import Replica


def network() -> nn.Linear:
    layer = nn.Linear(6, 4)
    with torch.no_grad():
        layer.weight.copy_(gaussian(4, 6))
        layer.bias.copy_(gaussian(4))
    return layer


def test_in_fp32_the_replica_is_the_network_itself() -> None:
    layer = network()
    replica = Replica(layer, torch.float32)
    assert replica.module is layer
    layer(gaussian(2, 6)).sum().backward()
    replica.hand_over_gradients()
    assert layer.weight.grad is not None


def test_gradients_of_a_bf16_replica_reach_the_fp32_weights() -> None:
    layer, reference = network(), network()
    replica = Replica(layer, torch.bfloat16)
    x = gaussian(8, 6)
    replica.module(x.bfloat16()).float().square().sum().backward()
    replica.hand_over_gradients()
    reference(x).square().sum().backward()
    assert layer.weight.dtype == torch.float32
    for mine, theirs in zip(layer.parameters(), reference.parameters(), strict=True):
        assert mine.grad is not None
        assert mine.grad.dtype == torch.float32
        assert theirs.grad is not None
        torch.testing.assert_close(mine.grad, theirs.grad, rtol=0.05, atol=0.3)
    assert all(parameter.grad is None for parameter in replica.module.parameters())


def test_a_replica_follows_its_network_when_it_is_refreshed() -> None:
    layer = network()
    replica = Replica(layer, torch.bfloat16)
    with torch.no_grad():
        layer.weight.add_(1.0)
    assert not torch.equal(replica.module.weight, layer.weight.bfloat16())
    replica.refresh()
    assert torch.equal(replica.module.weight, layer.weight.bfloat16())


def test_what_got_no_gradient_hands_none_over() -> None:
    layer = network()
    replica = Replica(layer, torch.bfloat16)
    layer.weight.grad = torch.ones(4, 6)
    replica.hand_over_gradients()
    assert layer.weight.grad is None
