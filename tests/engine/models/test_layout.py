"""What cells learn from a layout, and the form in which a planner draws one."""

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
    wake,
)
from unstrung.engine.layout import BODIES_PER_ACTOR, BODY, CAMERA, LAYOUT_SIZE, NUM_BODIES
from unstrung.engine.models.layout import (
    PLAN_CHANNELS,
    at_start,
    from_plan,
    layout_features,
    to_plan,
)
from unstrung.engine.models.transformer import Transformer, TransformerConfig

CENTRE = (1.0, 0.0, 0.0, 0.5, 1.0, 0.0, 1.0, 0.0)


def made_up(frames: int = 3, batch: int = 2) -> Tensor:
    """Layouts of bodies at random, some of them absent."""
    numbers = gaussian(batch, frames, NUM_BODIES, len(BODY), seed=4)
    present, x, y, size, turn, _, mirror, depth = numbers.unbind(-1)
    there = (present > 0).float()
    fields = [x * 0.3, y * 0.3, (size * 0.3).exp() * 0.5, turn.cos(), turn.sin(), mirror.sign()]
    bodies = torch.stack([there, *(each * there for each in (*fields, depth.abs()))], dim=-1)
    camera = gaussian(batch, frames, len(CAMERA), seed=5) * 0.2
    return torch.cat([torch.ones(batch, frames, 1), camera, bodies.flatten(-2)], dim=-1)


@pytest.mark.parametrize("aspect", [1.0, 1.75, 0.571])
def test_a_plan_gives_its_layout_back(aspect: float) -> None:
    plan = to_plan(made_up(), aspect)
    assert plan.shape == (2, PLAN_CHANNELS, 3, 1, 1)
    torch.testing.assert_close(from_plan(plan, aspect), made_up(), atol=1e-5, rtol=1e-4)


def test_a_plan_of_noise_is_a_possible_layout() -> None:
    drawn = from_plan(gaussian(4, PLAN_CHANNELS, 5, 1, 1), 1.0)
    present, _, _, size, cos, sin, mirror, _ = (
        drawn[..., 1 + len(CAMERA) :].unflatten(-1, (NUM_BODIES, len(BODY))).unbind(-1)
    )
    assert set(present.unique().tolist()) == {0.0, 1.0}
    there = present > 0
    assert (size[there] > 0).all()
    torch.testing.assert_close(torch.hypot(cos, sin)[there], torch.ones(int(there.sum())))
    assert set(mirror[there].unique().tolist()) == {-1.0, 1.0}
    assert not drawn[..., 1 + len(CAMERA) :].unflatten(-1, (NUM_BODIES, -1))[~there].any()


def test_unknown_layouts_say_nothing() -> None:
    nothing = torch.zeros(1, 2, LAYOUT_SIZE)
    assert not layout_features(nothing, nothing, 4, 6).any()


def test_cells_outside_a_body_are_told_the_camera_only() -> None:
    seen = layout_of_bodies((0, CENTRE))
    features = layout_features(seen, seen, 8, 8)[0, 0].unflatten(0, (8, 8))
    camera = 1 + 2 * len(CAMERA)
    assert features[0, 0, 0] == 1
    assert not features[0, 0, camera:].any()
    assert features[4, 4, camera:].any()


def test_a_moved_turned_or_mirrored_body_takes_its_portrait_along() -> None:
    # One cell right of the middle in a plain body is the same part of the portrait as one cell below it in a
    # body turned by a quarter, or one cell left of it in a mirrored one.
    camera, poses = 1 + 2 * len(CAMERA), 2 * 5

    def part(body: tuple[float, ...], row: int, column: int) -> Tensor:
        seen = layout_of_bodies((0, body))
        features = layout_features(seen, seen, 9, 9)[0, 0].unflatten(0, (9, 9))
        return features[row, column, camera:-poses]

    plain = part(CENTRE, 4, 5)
    turned = part((1.0, 0.0, 0.0, 0.5, 0.0, 1.0, 1.0, 0.0), 5, 4)
    mirrored = part((1.0, 0.0, 0.0, 0.5, 1.0, 0.0, -1.0, 0.0), 4, 3)
    moved = part((1.0, -2 / 9, 1 / 9, 0.5, 1.0, 0.0, 1.0, 0.0), 5, 3)
    for other in (turned, mirrored, moved):
        torch.testing.assert_close(other, plain, atol=1e-5, rtol=1e-5)
    assert (part(CENTRE, 4, 3) - plain).abs().max() > 0.1


def test_of_several_of_a_kind_a_cell_shows_the_nearest() -> None:
    left, right = (
        (1.0, -0.25, 0.0, 0.3, 1.0, 0.0, 1.0, 0.0),
        (1.0, 0.25, *CENTRE[2:3], 0.3, *CENTRE[4:]),
    )
    both = layout_of_bodies((0, left), (1, right))
    features = layout_features(both, both, 8, 8)[0, 0].unflatten(0, (8, 8))
    torch.testing.assert_close(features[4, 2], features[4, 6], atol=1e-5, rtol=1e-5)
    second = layout_of_bodies((BODIES_PER_ACTOR, left))
    other = layout_features(second, second, 8, 8)[0, 0].unflatten(0, (8, 8))
    assert (other[4, 2] - features[4, 2]).abs().max() > 0.5, (
        "the second actor has places of its own"
    )


def test_a_frame_starts_where_the_frame_before_ended_unless_there_is_a_cut() -> None:
    numbers = made_up(frames=4, batch=1)
    numbers[0, 1] = 0  # not known
    starts = at_start(numbers, torch.tensor([[0, 0, 0, 1]]))
    assert torch.equal(starts[0, 0], numbers[0, 0])
    assert torch.equal(starts[0, 1], numbers[0, 0])
    assert torch.equal(starts[0, 2], numbers[0, 2]), "nothing is known of the frame before"
    assert torch.equal(starts[0, 3], numbers[0, 3]), "another shot"


def painter(fine_depth: int = 1) -> Transformer:
    config = TransformerConfig(
        LATENT_CHANNELS, 2, 32, 2, 2, context_size=CONTEXT_SIZE, fine_depth=fine_depth,
        has_layout=True,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Transformer(config)


def test_a_new_embedding_changes_nothing() -> None:
    model = painter()
    weights = {k: v for k, v in model.named_parameters() if "layout_embedding" in k}
    assert len(weights) == 2
    assert not any(weight.any() for weight in weights.values())


@pytest.mark.parametrize("fine_depth", [0, 1])
def test_a_layout_reaches_the_picture(fine_depth: int) -> None:
    model = painter(fine_depth)
    wake(model)
    told = conditioned([[0, 0]])
    x, times = gaussian(1, LATENT_CHANNELS, 2, 4, 4), torch.full((1, 2), 0.5)
    seen = replace(told, layout=layout_of_bodies((0, CENTRE), frames=2))
    with torch.no_grad():
        assert (model(x, times, seen) - model(x, times, told)).abs().max() > 1e-3
