"""Layouts inside the models: what a cell learns from them, and the form in which a planner draws them.

Axes: `B` batch, `F` latent frames, `L` cells of a frame, `N` bodies, `D` width. The numbers are those of
`unstrung.engine.layout`.
"""

import torch
from torch import Tensor, nn

from unstrung.engine.layout import (
    BODIES_PER_ACTOR,
    BODY,
    CAMERA,
    LAYOUT_SIZE,
    NUM_ACTORS,
    NUM_BODIES,
)

_FREQUENCIES = (1.0, 2.0, 4.0, 8.0)
_PLACE = 1 + 4 * len(_FREQUENCIES)  # numbers that say where on a portrait a cell stands
_POSE = 5
_FEATURES = 1 + 2 * len(CAMERA) + NUM_ACTORS * (2 * _PLACE + _POSE)


class LayoutEmbedding(nn.Module):
    """Tells every cell which part of whose portrait it shows, at the start and the end of its frame."""

    def __init__(self, hidden_size: int) -> None:
        """One linear map from the features."""
        super().__init__()
        self.projection = nn.Linear(_FEATURES, hidden_size, bias=False)

    def forward(self, layout: Tensor, before: Tensor, rows: int, columns: int) -> Tensor:
        """Features of the cells of a grid, (B, F, rows columns, D).

        Args:
            layout: (B, F, `LAYOUT_SIZE`) at the end of each latent frame.
            before: the same at its start.
            rows, columns: of the grid.
        """
        features = layout_features(layout, before, rows, columns)
        embedded: Tensor = self.projection(features.to(self.projection.weight.dtype))
        return embedded


def at_start(layout: Tensor, frame_spans: Tensor) -> Tensor:
    """The layout at the start of every latent frame: that of the frame before, unless a cut lies between.

    Args:
        layout: (B, F, `LAYOUT_SIZE`).
        frame_spans: (B, F) which span each frame belongs to.
    """
    before = torch.cat([layout[:, :1], layout[:, :-1]], dim=1)
    same = torch.cat([frame_spans[:, :1], frame_spans[:, :-1]], dim=1) == frame_spans
    usable = same[..., None] & (before[..., :1] > 0)
    return torch.where(usable, before, layout)


def split_bodies(numbers: Tensor, first: int = 1 + len(CAMERA)) -> Tensor:
    """The bodies (..., `NUM_BODIES`, fields) out of a layout's numbers, which begin with `first` others."""
    return numbers[..., first:].reshape(*numbers.shape[:-1], NUM_BODIES, len(BODY))


def layout_features(layout: Tensor, before: Tensor, rows: int, columns: int) -> Tensor:
    """(B, F, rows columns, features): camera and, for each actor, place on its portrait and pose."""
    y = (torch.arange(rows) + 0.5) / rows - 0.5
    x = (torch.arange(columns) + 0.5) / rows - columns / rows / 2
    cells = torch.cartesian_prod(y, x).to(layout.dtype)  # (L, 2)
    camera = torch.cat([layout[..., : 1 + len(CAMERA)], before[..., 1 : 1 + len(CAMERA)]], dim=-1)[
        :, :, None
    ].expand(-1, -1, len(cells), -1)
    now, poses = _on_portraits(layout, cells)
    earlier, _ = _on_portraits(before, cells)
    return torch.cat([camera, now, earlier, poses], dim=-1)


def _on_portraits(layout: Tensor, cells: Tensor) -> tuple[Tensor, Tensor]:
    """Where the cells stand on each actor's portrait (B, F, L, ...), and how it is posed there."""
    bodies = split_bodies(layout)
    present, x, y, size, cos, sin, mirror, depth = bodies[:, :, None].unbind(-1)  # (B, F, 1, N)
    side = size.clamp_min(1e-3)
    dy, dx = cells[:, :1] - y, cells[:, 1:] - x  # (B, F, L, N)
    across, down = mirror * (cos * dx + sin * dy) / side, (cos * dy - sin * dx) / side
    # One beyond the body's own square still counts in part: a cell is wider than a point.
    reach = torch.maximum(across.abs(), down.abs())
    cover = present * ((0.75 - reach) / 0.15).clamp(0.0, 1.0)
    angles = torch.pi * torch.stack([across, down], dim=-1)[..., None] * torch.tensor(_FREQUENCIES)
    waves = torch.cat([angles.cos(), angles.sin()], dim=-1).flatten(-2).to(layout.dtype)
    place = torch.cat([torch.ones_like(cover)[..., None], waves], dim=-1) * cover[..., None]
    pose = torch.stack([side.log2() + 1, cos, sin, mirror, depth], dim=-1)
    pose = pose.expand(-1, -1, len(cells), -1, -1) * cover[..., None]
    # Of several of a kind, a cell shows the one that covers it best.
    best = cover.reshape(*cover.shape[:-1], NUM_ACTORS, BODIES_PER_ACTOR).argmax(-1)[
        ..., None, None
    ]
    chosen = []
    for numbers in (place, pose):
        of_actors = numbers.reshape(
            *numbers.shape[:3], NUM_ACTORS, BODIES_PER_ACTOR, numbers.shape[-1]
        )
        index = best.expand(*best.shape[:-1], numbers.shape[-1])
        chosen.append(torch.gather(of_actors, 4, index).flatten(3))
    return chosen[0], chosen[1]


# A planner's channels: the numbers of a layout but the first, brought to about unit size. x is in half widths
# of the picture and y is that of the feet, so that one planner serves all aspect ratios.
PLAN_CHANNELS = LAYOUT_SIZE - 1
_CAMERA_GAIN = (3.0, 6.0, 4.0)
_SIZE_MIDDLE, _SIZE_GAIN, _FEET_MIDDLE, _FEET_GAIN = -0.9, 1.5, 0.2, 4.0


def _room(aspect: float) -> float:
    """How much of their full size bodies keep in a picture narrower than high."""
    return min(1.0, aspect)


def to_plan(layout: Tensor, aspect: float) -> Tensor:
    """A layout (B, F, `LAYOUT_SIZE`), known everywhere, as a planner's latents (B, C, F, 1, 1).

    Args:
        layout: what to convert.
        aspect: width of the picture over its height.
    """
    camera = layout[..., 1 : 1 + len(CAMERA)] * torch.tensor(_CAMERA_GAIN)
    bodies = split_bodies(layout)
    present, x, y, size, cos, sin, mirror, depth = bodies.unbind(-1)
    feet = (y + size / 2 - _FEET_MIDDLE) * _FEET_GAIN
    scale = ((size / _room(aspect)).clamp_min(1e-3).log2() - _SIZE_MIDDLE) * _SIZE_GAIN
    numbers = (4 * x / aspect, feet, scale, cos, sin, mirror, depth * 1.5)
    rest = torch.stack([each * present for each in numbers], dim=-1)
    plan = torch.cat([2 * present[..., None] - 1, rest], dim=-1)
    latents = torch.cat([camera, plan.flatten(-2)], dim=-1)
    return latents.transpose(1, 2)[..., None, None]


def from_plan(latents: Tensor, aspect: float) -> Tensor:
    """The layout (B, F, `LAYOUT_SIZE`) that a planner's latents (B, C, F, 1, 1) mean."""
    flat = latents[..., 0, 0].transpose(1, 2)
    camera = flat[..., : len(CAMERA)] / torch.tensor(_CAMERA_GAIN)
    bodies = split_bodies(flat, first=len(CAMERA))
    present, x, feet, scale, cos, sin, mirror, depth = bodies.unbind(-1)
    size = (scale / _SIZE_GAIN + _SIZE_MIDDLE).clamp(-6, 1.5).exp2() * _room(aspect)
    length = torch.hypot(cos, sin).clamp_min(1e-3)
    y = feet / _FEET_GAIN + _FEET_MIDDLE - size / 2
    facing = torch.where(mirror < 0, -1.0, 1.0)
    numbers = (x * aspect / 4, y, size, cos / length, sin / length, facing, depth / 1.5)
    there = (present > 0).to(flat.dtype)
    rest = torch.stack([there, *(each * there for each in numbers)], dim=-1)
    known = torch.ones_like(flat[..., :1])
    return torch.cat([known, camera, rest.flatten(-2)], dim=-1)
