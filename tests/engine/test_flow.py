"""The path from data to noise, and the two ways to name a direction on it."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.factories import gaussian
from unstrung.engine.flow import (
    add_noise,
    clean_estimate,
    clean_of,
    clean_of_output,
    velocity_of,
)

LATENTS, NOISE = gaussian(2, 3, 4, 2, 2, seed=1), gaussian(2, 3, 4, 2, 2, seed=2)


def times(value: float) -> torch.Tensor:
    return torch.full((2, 4), value)


def test_time_zero_is_data_and_time_one_is_noise() -> None:
    assert torch.equal(add_noise(LATENTS, NOISE, times(0.0)), LATENTS)
    assert torch.equal(add_noise(LATENTS, NOISE, times(1.0)), NOISE)


def test_the_velocity_is_the_slope_of_the_path() -> None:
    slope = (add_noise(LATENTS, NOISE, times(0.75)) - add_noise(LATENTS, NOISE, times(0.25))) / 0.5
    torch.testing.assert_close(slope, NOISE - LATENTS)


def test_every_frame_has_a_time_of_its_own() -> None:
    mixed = torch.tensor([[0.0, 0.5, 1.0, 0.0], [1.0, 0.0, 0.0, 0.5]])
    noisy = add_noise(LATENTS, NOISE, mixed)
    assert torch.equal(noisy[0, :, 0], LATENTS[0, :, 0])
    assert torch.equal(noisy[0, :, 2], NOISE[0, :, 2])
    assert torch.equal(noisy[1, :, 1], LATENTS[1, :, 1])
    torch.testing.assert_close(noisy[1, :, 3], (LATENTS[1, :, 3] + NOISE[1, :, 3]) / 2)


@given(st.floats(0.02, 1.0))
def test_velocity_and_clean_estimates_say_the_same(t: float) -> None:
    noisy = add_noise(LATENTS, NOISE, times(t))
    estimate = gaussian(2, 3, 4, 2, 2, seed=3)
    velocity = velocity_of(noisy, estimate, times(t))
    torch.testing.assert_close(clean_of(noisy, velocity, times(t)), estimate, atol=1e-4, rtol=1e-4)
    clean = clean_of(noisy, estimate, times(t))
    torch.testing.assert_close(velocity_of(noisy, clean, times(t)), estimate, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("t", [0.1, 0.5, 1.0])
def test_the_true_velocity_points_at_the_data(t: float) -> None:
    noisy = add_noise(LATENTS, NOISE, times(t))
    torch.testing.assert_close(clean_of(noisy, NOISE - LATENTS, times(t)), LATENTS)
    torch.testing.assert_close(
        velocity_of(noisy, LATENTS, times(t)), NOISE - LATENTS, atol=1e-5, rtol=1e-4
    )


def test_a_preconditioned_network_is_passed_by_at_the_data_and_alone_at_the_noise() -> None:
    output = gaussian(2, 3, 4, 2, 2, seed=3)
    assert torch.equal(clean_of_output(LATENTS, output, times(0.0)), LATENTS)
    assert torch.equal(clean_of_output(NOISE, output, times(1.0)), output)


@pytest.mark.parametrize("t", [0.1, 0.5, 0.9])
def test_a_preconditioned_network_is_asked_for_unit_power_at_every_time(t: float) -> None:
    latents, noise = gaussian(1, 50, 1, 20, 20, seed=1), gaussian(1, 50, 1, 20, 20, seed=2)
    now = torch.full((1, 1), t)
    noisy = add_noise(latents, noise, now)
    skipped = clean_of_output(noisy, torch.zeros_like(noisy), now)
    share = clean_of_output(torch.zeros(1), torch.ones(1), now).item()
    assert float(((latents - skipped) / share).square().mean()) == pytest.approx(1.0, abs=0.03)


def test_every_target_names_its_clean_estimate() -> None:
    output, half = gaussian(2, 3, 4, 2, 2, seed=3), times(0.5)
    assert clean_estimate("clean", NOISE, output, half) is output
    assert torch.equal(clean_estimate("velocity", NOISE, output, half), NOISE - 0.5 * output)
    preconditioned = clean_estimate("preconditioned", NOISE, output, half)
    assert torch.equal(preconditioned, clean_of_output(NOISE, output, half))


def test_near_the_data_small_errors_are_not_blown_up() -> None:
    velocity = velocity_of(LATENTS + 0.001, LATENTS, times(0.0))
    assert velocity.abs().max() < 0.051
