"""The denoiser: shapes, what sees what, and what a new one does."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from engine.factories import (
    CONTEXT_SIZE,
    LATENT_CHANNELS,
    conditioned,
    gaussian,
    tiny_text_encoder,
    tiny_transformer,
    wake,
)
from unstrung.engine.models.text_encoder import SLOTS
from unstrung.engine.models.transformer import (
    Routing,
    Transformer,
    TransformerConfig,
    attention_bias,
    place_features,
)

NUM_SLOTS = len(SLOTS)
# Width and height of 16:9, 9:16, square, and a strip, in cells.
GRIDS = [(4, 6), (6, 4), (4, 4), (2, 8)]


def latents(
    frames: int = 3, height: int = 4, width: int = 4, batch: int = 1, seed: int = 0
) -> Tensor:
    return gaussian(batch, LATENT_CHANNELS, frames, height, width, seed=seed)


def run(model: Transformer, x: Tensor, times: Tensor, *told: object) -> Tensor:
    with torch.no_grad():
        return model(x, times, *told)


def transparent(patch_size: int) -> Transformer:
    """A transformer whose tokens pass through unchanged but for the last normalisation."""
    size = 48
    assert LATENT_CHANNELS * patch_size**2 in (12, 48)
    config = TransformerConfig(LATENT_CHANNELS, patch_size, size, 1, 3, context_size=CONTEXT_SIZE)
    model = Transformer(config)
    patch = LATENT_CHANNELS * patch_size**2
    with torch.no_grad():
        model.place_embedding.weight.zero_()
        model.patch_embedding.weight.copy_(torch.eye(size)[:, :patch])
        model.final_layer.weight.copy_(torch.eye(size)[:patch])
    return model


@pytest.mark.parametrize(("height", "width"), GRIDS)
@pytest.mark.parametrize("frames", [1, 2, 7, 13])
@pytest.mark.parametrize("patch_size", [1, 2])
def test_patches_return_to_the_cells_that_they_were_cut_from(
    height: int, width: int, frames: int, patch_size: int
) -> None:
    x = latents(frames, height, width, batch=2)
    out = run(transparent(patch_size), x, torch.rand(2, frames), conditioned([[0] * frames] * 2))
    patches = x.unflatten(3, (-1, patch_size)).unflatten(5, (-1, patch_size))
    # The final normalisation divides every token by its root mean square; empty channels count.
    power = patches.square().sum(dim=(1, 4, 6), keepdim=True) / 48
    expected = (patches / power.sqrt()).flatten(5, 6).flatten(3, 4)
    torch.testing.assert_close(out, expected, atol=1e-4, rtol=1e-4)


def test_a_new_transformer_says_nothing() -> None:
    out = run(tiny_transformer(awake=False), latents(), torch.rand(1, 3), conditioned([[0, 0, 0]]))
    assert torch.equal(out, torch.zeros_like(out))


def test_the_blocks_of_a_new_transformer_are_the_identity() -> None:
    model, x, told = tiny_transformer(awake=False), latents(), conditioned([[0, 0, 0]])
    torch.nn.init.normal_(model.final_layer.weight, std=0.1)
    whole = run(model, x, torch.rand(1, 3), told)
    model.blocks = torch.nn.ModuleList()
    torch.testing.assert_close(run(model, x, torch.rand(1, 3), told), whole)


def test_without_blocks_between_them_the_time_of_a_frame_is_its_own_affair() -> None:
    model, x, told = tiny_transformer(), latents(), conditioned([[0, 0, 0]])
    model.blocks = torch.nn.ModuleList()
    times = torch.tensor([[0.7, 0.7, 0.7]])
    given_first = torch.tensor([[0.0, 0.7, 0.7]])
    moved = (
        (run(model, x, given_first, told) - run(model, x, times, told)).abs().amax(dim=(0, 1, 3, 4))
    )
    assert moved[0] > 1e-3
    assert (moved[1:] == 0).all()


def test_given_frames_are_seen_by_the_others_and_their_time_is_heard() -> None:
    model, x, told = tiny_transformer(), latents(), conditioned([[0, 0, 0]])
    times = torch.tensor([[0.0, 0.7, 0.7]])
    base = run(model, x, times, told)
    other = x.clone()
    other[:, :, 0] += 1.0
    assert (run(model, other, times, told) - base)[:, :, 1:].abs().max() > 1e-4
    noisy = run(model, x, torch.tensor([[0.5, 0.7, 0.7]]), told)
    assert (noisy - base)[:, :, 1:].abs().max() > 1e-5


def test_clips_of_a_batch_do_not_see_each_other() -> None:
    model, x, told = tiny_transformer(), latents(batch=3), conditioned([[0, 0, 0]] * 3)
    times = torch.rand(3, 3, generator=torch.Generator().manual_seed(1))
    together = run(model, x, times, told)
    only = replace(
        told,
        context=told.context[1:2],
        mask=told.mask[1:2],
        context_spans=told.context_spans[1:2],
        pooled=told.pooled[1:2],
        frame_spans=told.frame_spans[1:2],
    )
    alone = run(model, x[1:2], times[1:2], only)
    torch.testing.assert_close(together[1:2], alone, atol=1e-5, rtol=1e-4)


def test_the_estimate_depends_on_the_caption_in_both_ways() -> None:
    model, x, told = tiny_transformer(), latents(), conditioned([[0, 0, 0]])
    times = torch.full((1, 3), 0.9)
    base = run(model, x, times, told)
    for changed in (replace(told, context=-told.context), replace(told, pooled=-told.pooled)):
        assert (run(model, x, times, changed) - base).abs().max() > 1e-3


def test_the_bias_lets_everybody_see_video_and_only_their_own_captions() -> None:
    bias = attention_bias(conditioned([[0, 1]], num_spans=2), tokens_per_frame=2)[0, 0]
    seen = bias == 0
    first, second = slice(0, NUM_SLOTS), slice(NUM_SLOTS, 2 * NUM_SLOTS)
    frame_0 = slice(2 * NUM_SLOTS, 2 * NUM_SLOTS + 2)
    frame_1 = slice(2 * NUM_SLOTS + 2, 2 * NUM_SLOTS + 4)
    video = slice(2 * NUM_SLOTS, None)
    assert ((bias == 0) | (bias == float("-inf"))).all()
    assert seen[video, video].all()
    for caption, other, own_frame, other_frame in (
        (first, second, frame_0, frame_1),
        (second, first, frame_1, frame_0),
    ):
        assert seen[own_frame, caption].all()
        assert not seen[own_frame, other].any()
        assert seen[caption, caption].all()
        assert not seen[caption, other].any()
        assert seen[caption, own_frame].all()
        assert not seen[caption, other_frame].any()


def test_the_bias_hides_padding_from_all_but_itself_so_that_no_row_is_empty() -> None:
    told = conditioned([[0, 0], [0, 1]], num_spans=2)
    mask = told.mask.clone()
    mask[0, NUM_SLOTS:] = False  # the first clip has one caption only
    seen = attention_bias(replace(told, mask=mask), tokens_per_frame=2)[:, 0] == 0
    padding = seen[0, :, NUM_SLOTS : 2 * NUM_SLOTS]
    assert padding.sum() == NUM_SLOTS
    assert padding[NUM_SLOTS : 2 * NUM_SLOTS].diagonal().all()
    assert seen.any(dim=-1).all()


@pytest.mark.parametrize("with_gradients", [True, False], ids=["training", "drawing"])
def test_clips_of_one_and_of_two_captions_share_a_batch_without_a_trace(
    with_gradients: bool,
) -> None:
    """The row of a padding token that may look at nothing is NaN after the softmax, and NaN spreads."""
    model, encoder = tiny_transformer(), tiny_text_encoder()
    x, times = latents(batch=2), torch.full((2, 3), 0.5)
    spans = torch.tensor([[0, 0, 0], [0, 0, 1]])
    with torch.set_grad_enabled(with_gradients):
        mixed = model(x, times, encoder.condition([["a fox"], ["a fox", "a bear"]], spans))
        alone = model(x[:1], times[:1], encoder.condition([["a fox"]], spans[:1]))
    assert mixed.isfinite().all()
    torch.testing.assert_close(mixed[:1], alone, atol=1e-5, rtol=1e-4)


def test_the_caption_of_one_span_reaches_frames_of_another_through_video_only() -> None:
    told = conditioned([[0, 0, 1]], num_spans=2)
    context = told.context.clone()
    context[:, :NUM_SLOTS] = -context[:, :NUM_SLOTS]
    other = replace(told, context=context)
    x, times = latents(), torch.full((1, 3), 0.5)
    # One block: what frames hand to each other has not read a caption yet.
    shallow = tiny_transformer(depth=1)
    moved = (run(shallow, x, times, other) - run(shallow, x, times, told)).abs()
    assert moved[:, :, :2].max() > 1e-4
    assert moved[:, :, 2].max() == 0
    deep = tiny_transformer(depth=2)
    moved = (run(deep, x, times, other) - run(deep, x, times, told)).abs()
    assert moved[:, :, 2].max() > 0


def test_routing_that_keeps_every_token_changes_nothing() -> None:
    model, x, told = tiny_transformer(depth=4), latents(), conditioned([[0, 0, 0]])
    times = torch.full((1, 3), 0.5)
    everybody = Routing(torch.arange(3 * 2 * 2), first=1, last=3)
    torch.testing.assert_close(
        run(model, x, times, told, everybody), run(model, x, times, told), atol=1e-5, rtol=1e-4
    )


def test_tokens_routed_past_the_middle_blocks_come_out_where_they_belong() -> None:
    model, x, told = tiny_transformer(depth=4), latents(), conditioned([[0, 0, 0]])
    times = torch.full((1, 3), 0.5)
    # With outer blocks that do nothing, a routed token is not touched at all.
    for index in (0, 3):
        torch.nn.init.zeros_(model.blocks[index].proj_out.weight)
    kept = Routing(torch.tensor([0, 5]), first=1, last=3)
    routed = run(model, x, times, told, kept)
    model.blocks = torch.nn.ModuleList()
    untouched = run(model, x, times, told)
    same = (routed - untouched).abs().amax(dim=1)[0] == 0  # (F, H, W)
    tokens = same.unflatten(1, (2, 2)).unflatten(3, (2, 2)).all(dim=4).all(dim=2).flatten()
    assert [index for index in range(12) if not tokens[index]] == [0, 5]


def test_the_place_of_a_token_is_told_in_heights_of_the_view() -> None:
    wide, square = place_features(4, 8, 1), place_features(4, 4, 1)
    middle = wide.view(4, 8, -1)[:, 2:6, :-1]
    torch.testing.assert_close(middle, square.view(4, 4, -1)[..., :-1], atol=1e-5, rtol=1e-5)
    assert (wide[:, -1] == 1.0).all()
    assert torch.equal(place_features(4, 4, 3), square.repeat(3, 1))


def test_the_same_network_takes_every_shape() -> None:
    model = tiny_transformer()
    for frames, (height, width) in zip((1, 2, 5, 13), GRIDS, strict=True):
        x = latents(frames, height, width)
        out = run(model, x, torch.rand(1, frames), conditioned([[0] * frames]))
        assert out.shape == x.shape
        assert out.isfinite().all()


def painter(awake: bool = True) -> Transformer:
    """A transformer with fine blocks."""
    config = TransformerConfig(
        LATENT_CHANNELS, 2, 32, 3, num_heads=2, context_size=CONTEXT_SIZE, fine_depth=2
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Transformer(config)
    if awake:
        wake(model)
    return model


def test_a_new_transformer_with_fine_blocks_says_nothing() -> None:
    out = run(painter(awake=False), latents(), torch.rand(1, 3), conditioned([[0, 0, 0]]))
    assert torch.equal(out, torch.zeros_like(out))


@pytest.mark.parametrize(("height", "width"), GRIDS)
def test_fine_blocks_keep_every_cell_in_its_place(height: int, width: int) -> None:
    model, told = painter(), conditioned([[0, 0]])
    model.blocks = torch.nn.ModuleList()
    assert model.fine is not None
    model.fine.blocks = torch.nn.ModuleList()
    model.fine.modulation_tables = torch.nn.Parameter(torch.zeros(0, 96))
    x = latents(2, height, width)
    changed = x.clone()
    changed[0, :, 1, 1, width - 1] += 1.0

    def moved() -> Tensor:
        times = torch.full((1, 2), 0.5)
        change = run(model, changed, times, told) - run(model, x, times, told)
        return change.abs().amax(dim=(0, 1)) > 1e-6

    # Without blocks between them, a cell moves itself and, through its coarse token, its three neighbours.
    expected = torch.zeros(2, height, width, dtype=torch.bool)
    expected[1, 0:2, width - 2 :] = True
    assert torch.equal(moved(), expected)
    with torch.no_grad():
        model.fine.split.weight.zero_()
    expected[1] = False
    expected[1, 1, width - 1] = True
    assert torch.equal(moved(), expected)


def test_fine_blocks_look_at_their_own_frame_only() -> None:
    model, told = painter(), conditioned([[0, 0, 0]])
    model.blocks = torch.nn.ModuleList()  # coarse tokens do look at other frames
    x = latents()
    changed = x.clone()
    changed[:, :, 1] += 1.0
    times = torch.full((1, 3), 0.5)
    moved = run(model, changed, times, told) - run(model, x, times, told)
    assert moved[:, :, [0, 2]].abs().max() < 1e-6
    assert (moved[:, :, 1].abs().amax(dim=(0, 1)) > 1e-6).all()


def test_routing_leaves_fine_blocks_whole() -> None:
    model, told = painter(), conditioned([[0, 0, 0]])
    routing = Routing(torch.tensor([0, 3, 5]), first=1, last=2)
    x, times = latents(), torch.full((1, 3), 0.5)
    out = run(model, x, times, told, routing)
    assert out.shape == x.shape
    assert out.isfinite().all()
