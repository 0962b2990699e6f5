"""Samplers on fields whose answer is known."""

import itertools
import math

import pytest
import torch
from torch import Tensor

from engine.factories import gaussian
from unstrung.engine.errors import Cancelled
from unstrung.engine.sampling import euler, heun
from unstrung.engine.schedules import linear_times

LATENTS, NOISE = gaussian(1, 2, 3, 2, 2, seed=1).double(), gaussian(1, 2, 3, 2, 2, seed=2).double()
SAMPLERS = [euler, heun]


def straight(_: Tensor, __: float, ___: float) -> Tensor:
    return NOISE - LATENTS


def bent(latents: Tensor, t: float, _: float) -> Tensor:
    """dx/dt = x (1 + t), so x(0) = x(1) exp(-3/2)."""
    return latents * (1 + t)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("num_steps", [1, 2, 7])
@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_samplers_reach_the_data_for_a_straight_flow(sampler, num_steps: int, shift: float) -> None:
    torch.testing.assert_close(sampler(straight, NOISE, linear_times(num_steps, shift)), LATENTS)


@pytest.mark.parametrize(("sampler", "order"), [(euler, 1), (heun, 2)])
def test_samplers_converge_with_their_order(sampler, order: int) -> None:
    exact = NOISE * math.exp(-1.5)
    errors = []
    for num_steps in (32, 64, 128):
        times = torch.linspace(1, 0, num_steps + 1, dtype=torch.float64)
        errors.append(float((sampler(bent, NOISE, times) - exact).abs().max()))
    for coarse, fine in itertools.pairwise(errors):
        assert math.log2(coarse / fine) == pytest.approx(order, abs=0.1)


@pytest.mark.parametrize(("sampler", "evaluations"), [(euler, 5), (heun, 9)])
def test_samplers_ask_the_field_as_often_as_they_say(sampler, evaluations: int) -> None:
    asked = []

    def field(latents: Tensor, t: float, after: float) -> Tensor:
        asked.append(t)
        return bent(latents, t, after)

    sampler(field, NOISE, linear_times(5))
    assert len(asked) == evaluations
    assert min(asked) > 0  # the velocity at time zero is never needed


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_step_is_told_with_its_estimate_of_the_clean_latents(sampler) -> None:
    told: list[tuple[int, Tensor]] = []
    sampler(straight, NOISE, linear_times(4), lambda index, clean: told.append((index, clean)))
    assert [index for index, _ in told] == [0, 1, 2, 3]
    for _, clean in told:
        torch.testing.assert_close(clean, LATENTS)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_an_exception_in_on_step_stops_the_run_at_that_step(sampler) -> None:
    told = []

    def stop(index: int, _: Tensor) -> None:
        told.append(index)
        if index == 1:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        sampler(straight, NOISE, linear_times(50), stop)
    assert told == [0, 1]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_start_noise_is_left_as_it_was(sampler) -> None:
    before = NOISE.clone()
    sampler(bent, NOISE, linear_times(3))
    assert torch.equal(NOISE, before)


def test_frames_wait_until_the_schedule_reaches_their_time() -> None:
    starts = torch.tensor([[0.0, 0.6, 1.0]], dtype=torch.float64)
    wide = starts[:, None, :, None, None]
    begun = (1 - wide) * LATENTS + wide * NOISE
    seen = []

    def field(latents: Tensor, t: float, after: float) -> Tensor:
        seen.append((t, latents[:, :, 1].clone()))
        return straight(latents, t, after)

    drawn = euler(field, begun, linear_times(5), start_times=starts)
    torch.testing.assert_close(drawn, LATENTS)
    torch.testing.assert_close(drawn[:, :, 0], LATENTS[:, :, 0], rtol=0, atol=0)
    for t, frame in seen:
        if t >= 0.6:
            torch.testing.assert_close(frame, begun[:, :, 1], rtol=0, atol=0)
