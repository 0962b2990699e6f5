"""The following average of the weights."""

import torch
from torch import nn

from unstrung.engine.training.ema import Ema


def constant(value: float) -> nn.Linear:
    layer = nn.Linear(2, 2)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.fill_(value)
    return layer


def values(ema: Ema) -> list[float]:
    return [float(weight.flatten()[0]) for weight in ema.weights.values()]


def test_weights_that_rest_are_their_own_average() -> None:
    ema = Ema(constant(3.0), 0.999)
    for _ in range(20):
        ema.update(constant(3.0))
    assert values(ema) == [3.0, 3.0]


def test_the_first_updates_follow_quickly_and_later_ones_at_the_final_decay() -> None:
    ema, expected = Ema(constant(0.0), 0.5), 0.0
    for update in range(1, 21):
        ema.update(constant(1.0))
        decay = min(0.5, (1 + update) / (10 + update))
        expected = decay * expected + (1 - decay)
        torch.testing.assert_close(torch.tensor(values(ema)), torch.full((2,), expected))


def test_the_average_follows_without_touching_the_module() -> None:
    module = constant(0.0)
    ema = Ema(module, 0.9)
    ema.update(constant(1.0))
    assert float(module.weight.detach().max()) == 0.0
    ema.copy_to(module)
    assert 0.0 < float(module.weight.detach().max()) < 1.0


def test_a_restored_average_goes_on_identically() -> None:
    first = Ema(constant(0.0), 0.99)
    first.update(constant(1.0))
    second = Ema(constant(7.0), 0.99)
    second.restore(first.state())
    for ema in (first, second):
        ema.update(constant(5.0))
    assert values(first) == values(second)
    assert first.num_updates == second.num_updates == 2
