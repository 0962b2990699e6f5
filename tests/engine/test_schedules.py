"""Times of a sampler and the rule that shifts them."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unstrung.engine.errors import InvalidRequest
from unstrung.engine.schedules import linear_times, time_shift

SHIFTS = st.floats(0.1, 20.0)


def test_the_shift_follows_its_equation() -> None:
    shifted = time_shift(torch.tensor([0.0, 0.25, 0.5, 1.0]), 3.0)
    torch.testing.assert_close(shifted, torch.tensor([0.0, 0.5, 0.75, 1.0]))


def test_a_shift_of_one_changes_nothing() -> None:
    times = torch.linspace(0, 1, 11)
    assert torch.equal(time_shift(times, 1.0), times)


@given(SHIFTS, SHIFTS)
def test_shifts_multiply_so_that_any_can_be_undone(first: float, second: float) -> None:
    times = torch.linspace(0, 1, 11, dtype=torch.float64)
    twice = time_shift(time_shift(times, first), second)
    torch.testing.assert_close(twice, time_shift(times, first * second))
    torch.testing.assert_close(time_shift(time_shift(times, first), 1 / first), times)


@given(st.integers(1, 200), SHIFTS)
def test_times_fall_from_one_to_zero(num_steps: int, shift: float) -> None:
    times = linear_times(num_steps, shift)
    assert len(times) == num_steps + 1
    assert float(times[0]) == pytest.approx(1.0)
    assert times[-1] == 0.0
    assert (times.diff() < 0).all()


def test_a_larger_shift_spends_more_steps_at_high_noise() -> None:
    assert (linear_times(8, 3.0)[1:-1] > linear_times(8)[1:-1]).all()


@pytest.mark.parametrize("shift", [0.0, -1.0])
def test_a_shift_that_is_not_positive_is_refused(shift: float) -> None:
    with pytest.raises(InvalidRequest, match="shift must be positive"):
        linear_times(4, shift)


def test_no_steps_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="num_steps must be at least 1, got 0; try 1"):
        linear_times(0)
