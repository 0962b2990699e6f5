"""Layouts read back from pictures that were laid out by known numbers."""

import pytest
import torch
from torch import Tensor

from engine.factories import gaussian
from unstrung.engine.layout import LAYOUT_SIZE
from unstrung.engine.layout_reading import follow, read_layout
from unstrung.engine.models.sketch import GROUND, sketch_frames

SIZE = (96, 96)


def portraits() -> Tensor:
    """A disc with an eye on one side, and nobody."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, 64), torch.linspace(-1, 1, 64), indexing="ij")
    page = torch.tensor(GROUND).view(3, 1, 1).expand(3, 64, 64).clone()
    body = torch.hypot(x, y) < 0.8
    page[:, body] = torch.tensor([0.8, 0.2, -0.8])[:, None]
    page[:, torch.hypot(x - 0.4, y + 0.2) < 0.25] = -1.0
    return torch.stack([page, torch.tensor(GROUND).view(3, 1, 1).expand(3, 64, 64)])


def layout(x: float, y: float, size: float, mirror: float = 1.0) -> Tensor:
    numbers = torch.zeros(LAYOUT_SIZE)
    numbers[0] = 1.0
    numbers[4:12] = torch.tensor([1.0, x, y, size, 1.0, 0.0, mirror, 0.0])
    return numbers


def picture(of: Tensor, light: float = 1.0) -> Tensor:
    """The body of a layout before a sky and a ground."""
    sketch = sketch_frames(
        portraits()[None, None], of[None, None], torch.zeros(1, 1, dtype=torch.long), *SIZE
    )[0, :, 0]
    back = torch.tensor([-0.2, 0.5, 0.9]).view(3, 1, 1).expand(3, *SIZE).clone()
    back[:, 70:] = torch.tensor([0.1, 0.6, -0.2]).view(3, 1, 1)
    back = back + gaussian(3, *SIZE, seed=3) * 0.1
    ground = torch.tensor(GROUND).view(3, 1, 1)
    is_ground = (sketch - ground).abs().amax(dim=0) < 0.35
    return (torch.where(is_ground, back.clamp(-1, 1), sketch) + 1) * light - 1


PROPOSALS = torch.stack([layout(x, 0.1, 0.4) for x in (-0.2, 0.0, 0.2)])


@pytest.mark.parametrize("light", [1.0, 0.5])
@pytest.mark.parametrize(
    ("x", "y", "size", "mirror"), [(0.15, 0.05, 0.5, 1.0), (-0.3, 0.2, 0.3, -1.0)]
)
def test_a_body_is_found_where_it_stands(
    x: float, y: float, size: float, mirror: float, light: float
) -> None:
    found = read_layout(picture(layout(x, y, size, mirror), light), portraits(), PROPOSALS)
    assert found.fit > 0.6
    assert found.layout[5:7].tolist() == pytest.approx([x, y], abs=0.03)
    assert float(found.layout[7]) == pytest.approx(size, abs=0.05)
    assert float(found.layout[10]) == mirror


def test_the_same_picture_is_read_the_same_way() -> None:
    seen = picture(layout(0.1, 0.0, 0.4))
    first, again = (read_layout(seen, portraits(), PROPOSALS) for _ in range(2))
    assert torch.equal(first.layout, again.layout)


def test_nobody_is_found_where_nobody_is() -> None:
    assert read_layout(picture(torch.zeros(LAYOUT_SIZE)), portraits(), PROPOSALS).fit < 0.08


def test_somebody_who_walks_is_followed() -> None:
    places = [-0.3, -0.15, 0.0, 0.15, 0.3]
    seen = torch.stack([picture(layout(x, 0.1, 0.4)) for x in places])
    found = [float(each.layout[5]) for each in follow(seen, portraits(), PROPOSALS)]
    assert found == pytest.approx(places, abs=0.03)
