"""Classifier-free guidance."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.factories import gaussian
from unstrung.engine.guidance import cfg

TOLD, UNTOLD = gaussian(2, 3, seed=1), gaussian(2, 3, seed=2)


def test_a_scale_of_one_is_the_conditional_estimate() -> None:
    torch.testing.assert_close(cfg(TOLD, UNTOLD, 1.0), TOLD)


def test_a_scale_of_zero_is_the_unconditional_estimate() -> None:
    assert torch.equal(cfg(TOLD, UNTOLD, 0.0), UNTOLD)


@given(st.floats(0.0, 20.0))
def test_where_the_caption_changes_nothing_guidance_changes_nothing(scale: float) -> None:
    assert torch.equal(cfg(TOLD, TOLD, scale), TOLD)


def test_guidance_goes_on_in_the_direction_of_the_caption() -> None:
    torch.testing.assert_close(cfg(TOLD, UNTOLD, 3.0) - TOLD, 2 * (TOLD - UNTOLD))
