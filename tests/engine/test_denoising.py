"""From noise and captions to latents, with tiny networks and with networks that know the answer."""

import copy
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from engine.factories import (
    LATENT_CHANNELS,
    conditioned,
    gaussian,
    tiny_text_encoder,
    tiny_transformer,
    wake,
)
from unstrung.engine import flow
from unstrung.engine.conditioning import GivenFrames
from unstrung.engine.denoising import Denoiser
from unstrung.engine.errors import Cancelled
from unstrung.engine.models.text_encoder import Condition
from unstrung.engine.shapes import LatentShape

SHAPE = LatentShape(2, 4, 4)
FOX, BEAR = "a fox crosses a snowy field", "a bear"
TARGETS: list[flow.Target] = ["clean", "velocity", "preconditioned"]


class Knowing(nn.Module):
    """A network that has seen the answer."""

    def __init__(self, answer: Tensor, target: str) -> None:
        super().__init__()
        self.answer, self.target = answer, target
        self.config = tiny_transformer().config

    def forward(self, noisy_latents: Tensor, times: Tensor, _: Condition) -> Tensor:
        if self.target == "clean":
            return self.answer
        if self.target == "velocity":
            return (noisy_latents - self.answer) / times[:, None, :, None, None]
        nothing = torch.zeros_like(noisy_latents)
        share = flow.clean_of_output(nothing, torch.ones_like(nothing), times)
        return (self.answer - flow.clean_of_output(noisy_latents, nothing, times)) / share


def tiny_denoiser(target: str = "clean") -> Denoiser:
    return Denoiser(tiny_transformer().eval(), tiny_text_encoder().eval(), target)


def draw(denoiser: Denoiser, captions: list[str], seeds: list[int], scale: float = 3.0) -> Tensor:
    spans = torch.zeros(len(seeds), SHAPE.frames, dtype=torch.long)
    noise = denoiser.noise(SHAPE, seeds)
    return denoiser.draw([[caption] for caption in captions], spans, noise, 3, scale, 1.5)


def test_a_seed_is_one_noise_alone_or_in_a_batch() -> None:
    denoiser = tiny_denoiser()
    batch = denoiser.noise(SHAPE, [5, 7, 5])
    assert batch.shape == (3, LATENT_CHANNELS, 2, 4, 4)
    assert torch.equal(batch[1:2], denoiser.noise(SHAPE, [7]))
    assert torch.equal(batch[0], batch[2])
    assert not torch.equal(batch[0], batch[1])


def test_the_global_generator_plays_no_part() -> None:
    denoiser = tiny_denoiser()
    torch.manual_seed(1)
    first = denoiser.noise(SHAPE, [5])
    torch.manual_seed(2)
    assert torch.equal(denoiser.noise(SHAPE, [5]), first)


@pytest.mark.parametrize("target", TARGETS)
def test_the_same_seed_draws_the_same_clip_bit_for_bit(target: str) -> None:
    denoiser = tiny_denoiser(target)
    first = draw(denoiser, [FOX], [5])
    assert torch.equal(draw(denoiser, [FOX], [5]), first)
    assert not torch.equal(draw(denoiser, [FOX], [6]), first)
    assert not torch.equal(draw(denoiser, [BEAR], [5]), first)


def test_a_clip_is_the_same_alone_or_in_a_batch() -> None:
    denoiser = tiny_denoiser()
    together = draw(denoiser, [BEAR, FOX, BEAR], [4, 5, 6])
    torch.testing.assert_close(together[1:2], draw(denoiser, [FOX], [5]), atol=1e-4, rtol=1e-4)


def test_a_clip_is_the_same_beside_a_clip_of_two_captions() -> None:
    denoiser = tiny_denoiser()
    spans = torch.tensor([[0, 0], [0, 1]])
    noise = denoiser.noise(SHAPE, [5, 6])
    together = denoiser.draw([[FOX], [FOX, BEAR]], spans, noise, 3, 3.0, 1.5)
    torch.testing.assert_close(together[:1], draw(denoiser, [FOX], [5]), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("num_steps", [1, 4])
@pytest.mark.parametrize("guidance_scale", [1.0, 4.0])
def test_a_network_that_knows_the_answer_draws_it(
    target: str, num_steps: int, guidance_scale: float
) -> None:
    answer = gaussian(1, LATENT_CHANNELS, 2, 4, 4, seed=9)
    denoiser = Denoiser(Knowing(answer, target), tiny_text_encoder(), target)
    noise, spans = denoiser.noise(SHAPE, [1]), torch.zeros(1, 2, dtype=torch.long)
    drawn = denoiser.draw([[FOX]], spans, noise, num_steps, guidance_scale)
    torch.testing.assert_close(drawn, answer, atol=1e-4, rtol=1e-4)


def test_at_a_scale_of_one_the_null_condition_is_never_asked() -> None:
    denoiser, told = tiny_denoiser(), conditioned([[0, 0]])
    poison = replace(told, context=told.context * float("nan"), pooled=told.pooled * float("nan"))
    x = gaussian(1, LATENT_CHANNELS, 2, 4, 4)
    with torch.inference_mode():
        plain = denoiser.velocity_field(told, poison, 1.0)(x, 0.5, 0.4)
        guided = denoiser.velocity_field(told, poison, 1.5)(x, 0.5, 0.4)
    assert plain.isfinite().all()
    assert guided.isnan().any()


def test_guidance_goes_on_from_the_null_estimate_through_the_conditional_one() -> None:
    denoiser, told, null = tiny_denoiser(), conditioned([[0, 0]]), conditioned([[0, 0]], seed=7)
    x = gaussian(1, LATENT_CHANNELS, 2, 4, 4)
    with torch.inference_mode():
        conditional = denoiser.velocity_field(told, null, 1.0)(x, 0.5, 0.4)
        unconditional = denoiser.velocity_field(null, told, 1.0)(x, 0.5, 0.4)
        guided = denoiser.velocity_field(told, null, 3.0)(x, 0.5, 0.4)
    torch.testing.assert_close(
        guided, unconditional + 3 * (conditional - unconditional), atol=1e-4, rtol=1e-4
    )


def test_the_run_can_be_stopped_within_a_step() -> None:
    denoiser, told = tiny_denoiser(), []

    def stop(index: int, _: Tensor) -> None:
        told.append(index)
        raise Cancelled("Stopped.")

    noise, spans = denoiser.noise(SHAPE, [1]), torch.zeros(1, 2, dtype=torch.long)
    with pytest.raises(Cancelled):
        denoiser.draw([[FOX]], spans, noise, 50, 3.0, on_step=stop)
    assert told == [0]


def test_drawing_keeps_no_gradients() -> None:
    assert not draw(tiny_denoiser(), [FOX], [5]).requires_grad


def test_bf16_draws_nearly_what_fp32_draws() -> None:
    exact = tiny_denoiser()
    wake(exact.transformer)
    rough = replace(
        exact, transformer=copy.deepcopy(exact.transformer).bfloat16(), dtype=torch.bfloat16
    )
    wanted, found = draw(exact, [FOX], [3], 1.0), draw(rough, [FOX], [3], 1.0)
    assert found.dtype == torch.float32
    assert (found - wanted).abs().mean() < 0.05 * wanted.abs().mean()


def test_given_frames_come_out_as_they_went_in_and_the_others_are_drawn() -> None:
    denoiser = tiny_denoiser()
    noise = denoiser.noise(LatentShape(3, 4, 4), [5])
    latents = gaussian(*noise.shape, seed=9)
    spans = torch.zeros(1, 3, dtype=torch.long)
    given = GivenFrames(latents, torch.tensor([[0.0, 1.0, 0.0]]))
    drawn = denoiser.draw([[FOX]], spans, noise, 3, 2.0, given=given)
    assert torch.equal(drawn[:, :, [0, 2]], latents[:, :, [0, 2]])
    assert not torch.allclose(drawn[:, :, 1], noise[:, :, 1])
    free = GivenFrames(latents, torch.ones(1, 3))
    assert torch.equal(
        denoiser.draw([[FOX]], spans, noise, 3, 2.0, given=free),
        denoiser.draw([[FOX]], spans, noise, 3, 2.0),
    )


def test_a_clip_that_sets_out_late_takes_fewer_steps() -> None:
    denoiser, steps = tiny_denoiser(), []
    noise = denoiser.noise(LatentShape(2, 4, 4), [5])
    given = GivenFrames(torch.zeros_like(noise), torch.full((1, 2), 0.5))
    spans = torch.zeros(1, 2, dtype=torch.long)
    denoiser.draw([[FOX]], spans, noise, 8, 1.0, on_step=lambda i, _: steps.append(i), given=given)
    assert steps == [0, 1, 2, 3]
