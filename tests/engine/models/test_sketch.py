"""Sketches lay portraits where layouts say, in pictures and in latents."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from engine.factories import (
    CONTEXT_SIZE,
    LATENT_CHANNELS,
    conditioned,
    gaussian,
    layout_of_bodies,
    tiny_autoencoder,
    wake,
)
from unstrung.engine.layout import BODIES_PER_ACTOR, BODY, CAMERA
from unstrung.engine.models.sketch import GROUND, sketch_frames, sketch_latents
from unstrung.engine.models.text_encoder import PORTRAIT_CELLS
from unstrung.engine.models.transformer import Transformer, TransformerConfig

Body = tuple[float, ...]
CENTRE: Body = (1.0, 0.0, 0.0, 0.5, 1.0, 0.0, 1.0, 0.0)
RED, BLUE = (1.0, -1.0, -1.0), (-1.0, -1.0, 1.0)


def plain(*colours: tuple[float, ...]) -> Tensor:
    """One span of portraits, each of one colour, (1, 1, P, 3, 8, 8)."""
    return torch.tensor(colours).view(1, 1, -1, 3, 1, 1).expand(-1, -1, -1, -1, 8, 8)


def sketch(pictures: Tensor, numbers: Tensor, height: int = 64, width: int = 64) -> Tensor:
    spans = torch.zeros(numbers.shape[:2], dtype=torch.long)
    return sketch_frames(pictures, numbers, spans, height, width)


def test_nobody_is_plain_ground() -> None:
    frames = sketch(plain(RED, BLUE), layout_of_bodies(frames=2))
    assert frames.shape == (1, 3, 5, 64, 64)
    assert torch.equal(frames, torch.tensor(GROUND).view(1, 3, 1, 1, 1).expand_as(frames))


def test_a_body_fills_its_square() -> None:
    (frame,) = sketch(plain(RED, BLUE), layout_of_bodies((0, CENTRE)))[0].unbind(1)
    is_red = (frame - torch.tensor(RED).view(3, 1, 1)).abs().amax(dim=0) < 0.01
    assert is_red[19:45, 19:45].all()
    assert not is_red[:15].any()
    assert not is_red[:, 49:].any()


@pytest.mark.parametrize(
    ("body", "top_left_goes_to"),
    [
        (CENTRE, (24, 24)),
        ((1.0, 0.0, 0.0, 0.5, 1.0, 0.0, -1.0, 0.0), (24, 40)),  # mirrored
        ((1.0, 0.0, 0.0, 0.5, 0.0, 1.0, 1.0, 0.0), (24, 40)),  # a quarter turn clockwise
        ((1.0, 0.125, -0.125, 0.5, 1.0, 0.0, 1.0, 0.0), (16, 32)),  # moved
    ],
)
def test_portraits_are_moved_mirrored_and_turned(
    body: Body, top_left_goes_to: tuple[int, int]
) -> None:
    picture = plain(RED, RED).clone()
    picture[:, :, 0, :, :4, :4] = torch.tensor(BLUE).view(3, 1, 1)
    (frame,) = sketch(picture, layout_of_bodies((0, body)))[0].unbind(1)
    row, column = top_left_goes_to
    torch.testing.assert_close(frame[:, row, column], torch.tensor(BLUE))


def test_nearer_bodies_cover_farther_ones() -> None:
    far = (*CENTRE[:-1], 0.6)
    for near_is_first in (True, False):
        first, second = (CENTRE, far) if near_is_first else (far, CENTRE)
        frames = sketch(plain(RED, BLUE), layout_of_bodies((0, first), (BODIES_PER_ACTOR, second)))
        wanted = torch.tensor(RED if near_is_first else BLUE)
        torch.testing.assert_close(frames[0, :, 0, 32, 32], wanted)


def test_ground_colour_on_a_portrait_is_looked_through() -> None:
    pictures = plain(GROUND, BLUE)
    front = (*CENTRE[:-1], 0.0)
    frames = sketch(pictures, layout_of_bodies((0, front), (BODIES_PER_ACTOR, (*CENTRE[:-1], 0.6))))
    torch.testing.assert_close(frames[0, :, 0, 32, 32], torch.tensor(BLUE))


def test_bodies_move_evenly_inside_a_latent_frame() -> None:
    numbers = layout_of_bodies((0, CENTRE), frames=2)
    x = 1 + len(CAMERA) + BODY.index("x")
    numbers[0, 0, x], numbers[0, 1, x] = -0.2, 0.2
    frames = sketch(plain(RED, BLUE), numbers, 20, 60)
    is_red = (frames[0, 1] + frames[0, 2]) < -1
    columns = torch.arange(60).float()
    middles = [(columns * row).sum() / row.sum() for row in is_red[:, 10].float()]
    assert torch.stack(middles).diff().tolist() == pytest.approx([2.0] * 4, abs=0.6)


def test_whoever_comes_with_a_cut_does_not_fade_in() -> None:
    numbers = torch.cat([layout_of_bodies(), layout_of_bodies((0, CENTRE))], dim=1)
    frames = sketch(plain(RED, BLUE), numbers)
    for moment in range(1, 5):
        torch.testing.assert_close(frames[0, :, moment, 32, 32], torch.tensor(RED))


def test_latents_are_zero_where_nobody_is() -> None:
    portraits = gaussian(1, 1, 2, LATENT_CHANNELS, PORTRAIT_CELLS, PORTRAIT_CELLS)
    spans = torch.zeros(1, 2, dtype=torch.long)
    corner = (1.0, -0.4, -0.4, 0.2, 1.0, 0.0, 1.0, 0.0)
    numbers = layout_of_bodies((0, corner), frames=2)
    latents = sketch_latents(tiny_autoencoder(), portraits, numbers, spans, (4, 6))
    assert latents.shape == (1, LATENT_CHANNELS, 2, 4, 6)
    assert latents[..., 3, 3:].abs().max() < 1e-5
    unknown = sketch_latents(
        tiny_autoencoder(), portraits, torch.zeros_like(numbers), spans, (4, 6)
    )
    assert unknown.abs().max() < 1e-5


@pytest.mark.parametrize("fine_depth", [0, 1])
def test_a_sketch_reaches_the_cells_that_it_shows(fine_depth: int) -> None:
    config = TransformerConfig(
        LATENT_CHANNELS, 2, 32, 2, 2, context_size=CONTEXT_SIZE, fine_depth=fine_depth,
        has_layout=True,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Transformer(config)
    wake(model)
    x, times = gaussian(1, LATENT_CHANNELS, 2, 4, 4), torch.full((1, 2), 0.5)
    told = conditioned([[0, 0]])
    blank, full = torch.zeros_like(x), torch.ones_like(x)
    with torch.no_grad():
        nothing = model(x, times, told)
        torch.testing.assert_close(model(x, times, replace(told, sketch=blank)), nothing)
        assert (model(x, times, replace(told, sketch=full)) - nothing).abs().max() > 1e-3
