"""What the transformer is asked, and how its answer is judged."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.factories import gaussian
from unstrung.engine import flow
from unstrung.engine.training.objectives import (
    ObjectiveConfig,
    Question,
    draw_given_frames,
    draw_times,
    loss_of,
    pose,
)

TARGETS: list[flow.Target] = ["clean", "velocity", "preconditioned"]
LATENTS = gaussian(64, 3, 5, 2, 2)


def test_times_of_clips_lie_nearer_to_noise_than_those_of_stills() -> None:
    config = ObjectiveConfig(frame_power=0.5, uniform_share=0.0)
    still, clip = (
        draw_times(config, 4000, torch.Generator().manual_seed(0), frames) for frames in (1, 9)
    )
    torch.testing.assert_close(clip, 3 * still / (1 + 2 * still))
    plain = draw_times(
        ObjectiveConfig(uniform_share=0.0), 4000, torch.Generator().manual_seed(0), 9
    )
    assert torch.equal(plain, still)


def right_answer(target: flow.Target, question: Question) -> torch.Tensor:
    """What a network that knows the latents would put out."""
    if target == "clean":
        return LATENTS
    if target == "velocity":
        return question.noise - LATENTS
    # Solved for the output, whose share of the clean estimate vanishes at t = 0: there anything is right.
    t = question.times[:, None, :, None, None]
    skipped = flow.clean_of_output(
        question.noisy_latents, torch.zeros_like(LATENTS), question.times
    )
    share = flow.clean_of_output(
        torch.zeros_like(LATENTS), torch.ones_like(LATENTS), question.times
    )
    return torch.where(t > 0, (LATENTS - skipped) / share.clamp_min(1e-6), 0.0)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@given(st.integers(2, 20), st.integers(0, 1000), st.sampled_from([0.5, 0.9, 1.0]))
def test_given_frames_always_leave_a_frame_to_ask_for(
    frames: int, seed: int, mask_share: float
) -> None:
    given_frames = draw_given_frames(
        ObjectiveConfig(mask_share=mask_share), 64, frames, generator(seed)
    )
    assert given_frames.shape == (64, frames)
    assert not given_frames.all(dim=1).any()


def test_about_half_of_the_clips_have_given_frames() -> None:
    given_frames = draw_given_frames(ObjectiveConfig(), 4000, 13, generator())
    assert float(given_frames.any(dim=1).float().mean()) == pytest.approx(0.5, abs=0.04)


def test_stills_are_always_asked_for() -> None:
    assert not draw_given_frames(ObjectiveConfig(mask_share=0.9), 500, 1, generator()).any()


def test_every_kind_of_mask_is_drawn() -> None:
    rows = draw_given_frames(ObjectiveConfig(mask_share=1.0), 3000, 9, generator()).tolist()
    drawn = {tuple(row) for row in rows}
    for wanted in (
        [0],  # continue from a picture
        [0, 1, 2],  # extend forward
        [8],  # run up to a picture
        [6, 7, 8],  # extend backward
        [0, 8],  # connect, and loop
    ):
        assert tuple(index in wanted for index in range(9)) in drawn
    keyframes = [row for row in drawn if not row[0] and not row[8] and sum(row) > 1]
    assert len(keyframes) > 20


@pytest.mark.parametrize("mean", [0.0, 1.2])
def test_times_lie_in_their_range_and_lean_where_they_are_told(mean: float) -> None:
    config = ObjectiveConfig(time_mean=mean, uniform_share=0.0)
    times = draw_times(config, 20_000, generator())
    assert times.min() > 0
    assert times.max() <= 1
    middle = float(torch.sigmoid(torch.tensor(mean)))
    assert float(times.median()) == pytest.approx(middle, abs=0.02)


def test_even_times_reach_into_both_ends() -> None:
    times = draw_times(ObjectiveConfig(uniform_share=1.0), 20_000, generator())
    counts = torch.histc(times, 10, 0.0, 1.0)
    assert (counts / 2000 - 1).abs().max() < 0.1


def test_a_question_stands_on_the_path_and_given_frames_near_the_data() -> None:
    question = pose(ObjectiveConfig(), LATENTS, generator())
    on_path = flow.add_noise(LATENTS, question.noise, question.times)
    assert torch.equal(question.noisy_latents, on_path)
    given_times = question.times[~question.asked]
    assert given_times.max() <= 0.2
    assert float((given_times == 0).float().mean()) == pytest.approx(0.5, abs=0.2)
    exact = (question.times == 0)[:, None, :, None, None].expand_as(LATENTS)
    assert torch.equal(question.noisy_latents[exact], LATENTS[exact])


def test_all_asked_frames_of_a_clip_share_one_time() -> None:
    question = pose(ObjectiveConfig(), LATENTS, generator())
    for times, asked in zip(question.times, question.asked, strict=True):
        assert times[asked].unique().numel() == 1


def test_the_same_generator_asks_the_same_question() -> None:
    first, second = (pose(ObjectiveConfig(), LATENTS, generator(3)) for _ in range(2))
    assert torch.equal(first.noisy_latents, second.noisy_latents)
    assert torch.equal(first.times, second.times)


@pytest.mark.parametrize("target", TARGETS)
def test_the_right_answer_costs_nothing_and_any_other_something(target: str) -> None:
    config = ObjectiveConfig(target=target)
    question = pose(config, LATENTS, generator())
    right = right_answer(target, question)
    assert float(loss_of(config, right, LATENTS, question)) < 1e-9
    assert float(loss_of(config, right + 0.1, LATENTS, question)) > 0.009


@pytest.mark.parametrize("target", TARGETS)
def test_given_frames_are_not_judged(target: str) -> None:
    config = ObjectiveConfig(target=target)
    question = pose(config, LATENTS, generator())
    wrong = right_answer(target, question) + (~question.asked)[:, None, :, None, None] * 5.0
    assert float(loss_of(config, wrong, LATENTS, question)) < 1e-9


def test_clean_estimates_are_judged_by_the_velocity_that_follows_from_them() -> None:
    config = ObjectiveConfig(time_mean=1.0, time_std=0.5, uniform_share=0.0, mask_share=0.0)
    question = pose(config, LATENTS, generator())
    assert question.times.min() > config.velocity_floor
    estimate = LATENTS + 0.3 * gaussian(*LATENTS.shape, seed=5)
    velocity = flow.velocity_of(question.noisy_latents, estimate, question.times)
    expected = (velocity - (question.noise - LATENTS)).square().mean()
    for target, output in (("clean", estimate), ("velocity", velocity)):
        found = loss_of(replace(config, target=target), output, LATENTS, question)
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


def test_a_weight_power_of_zero_judges_all_times_alike() -> None:
    config = ObjectiveConfig(weight_power=0.0, mask_share=0.0)
    question = pose(config, LATENTS, generator())
    assert float(loss_of(config, LATENTS + 0.5, LATENTS, question)) == pytest.approx(0.25)


def test_what_begins_in_the_middle_of_a_motion_always_gives_its_first_frames() -> None:
    begun = [index % 2 == 0 for index in range(200)]
    rows = draw_given_frames(ObjectiveConfig(mask_share=0.0), 200, 9, generator(), begun)
    counts = rows.sum(dim=1)
    assert not rows[1::2].any()
    assert int(counts[0::2].min()) == 3
    assert int(counts.max()) <= 8
    assert all(bool(row[: int(row.sum())].all()) for row in rows)
    short = draw_given_frames(ObjectiveConfig(), 50, 2, generator(), [True] * 50)
    assert short.tolist() == [[True, False]] * 50
