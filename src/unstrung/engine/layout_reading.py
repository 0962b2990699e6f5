"""Layouts read off pictures by analysis through synthesis: whose sketch fits what is seen?

A planner proposes where whoever is named may stand, their portraits are laid there, and the proposal that
fits the picture best is moved, scaled and mirrored until it fits no better. Nothing is trained for it.
After Yuille and Kersten 2006 (doi 10.1016/j.tics.2006.05.002).

Axes: `N` candidates; otherwise as in `models.sketch`.
"""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from unstrung.engine.layout import BODIES_PER_ACTOR, BODY, CAMERA, NUM_ACTORS
from unstrung.engine.models.layout import split_bodies
from unstrung.engine.models.sketch import GROUND, sketch_frames

_TOLERANCE: Final = 0.33  # mean difference of colours up to which a pixel speaks for a candidate
_KEY: Final = 0.35  # distance from the ground's colour at which a pixel is body
_GAINS: Final = (0.3, 1.2)  # how dark and bright light may make a body,
_TINTS: Final = (0.75, 1.3)  # and how far one channel may differ from the mean of all
_LEAST_SHARE: Final = 0.004  # of the picture that somebody must cover
_LOST: Final = 0.6  # share of the first fit below which somebody is looked for everywhere again
_ROUNDS: Final = 10
_CANDIDATES: Final = 48
_CHUNK: Final = 16
_FIRST: Final = 1 + len(CAMERA)
_PRESENT, _X, _Y, _SIZE, _COS, _SIN, _MIRROR = (
    BODY.index(name) for name in ("present", "x", "y", "size", "cos", "sin", "mirror")
)


@dataclass(frozen=True)
class Reading:
    """A layout that was read.

    Attributes:
        layout: (`LAYOUT_SIZE`,) of one moment.
        fit: share of the bodies' pixels that look as they should, in [-1, 1].
    """

    layout: Tensor
    fit: float


def follow(pictures: Tensor, portraits: Tensor, proposals: Tensor) -> tuple[Reading, ...]:
    """Read one layout after the other in pictures (F, 3, H, W) that belong together."""
    readings: list[Reading] = []
    for index, picture in enumerate(pictures):
        begun = torch.stack([each.layout for each in readings[-1:]]) if readings else proposals
        found = read_layout(picture, portraits, begun, index)
        if readings and found.fit < _LOST * readings[0].fit:
            again = read_layout(picture, portraits, proposals, index)
            found = max(found, again, key=lambda each: each.fit)
        readings.append(found)
    return tuple(readings)


def read_layout(picture: Tensor, portraits: Tensor, proposals: Tensor, seed: int = 0) -> Reading:
    """Where whoever the portraits show stands in a picture.

    Args:
        picture: (3, H, W) in [-1, 1].
        portraits: (P, 3, h, w) pictures on `GROUND`, one for each actor.
        proposals: (N, `LAYOUT_SIZE`) to begin from.
        seed: of the search.
    """
    generator = torch.Generator().manual_seed(seed)
    proposals = torch.cat([proposals, *(_aside(proposals, step) for step in (-0.35, 0.35))])
    scores, _ = _scores(picture, portraits, proposals)
    order = scores.argsort(descending=True)[:4]
    best, score = proposals[order], scores[order]
    reach = 1.0
    for _ in range(_ROUNDS):
        tried = best.repeat_interleave(_CANDIDATES // len(best), dim=0)
        tried = _moved(tried, reach, generator)
        tried = torch.cat([best, tried])
        scores = torch.cat([score, _scores(picture, portraits, tried[len(best) :])[0]])
        order = scores.argsort(descending=True)[: len(best)]
        best, score = tried[order], scores[order]
        reach *= 0.75
    cover = _scores(picture, portraits, best[:1])[1]
    return Reading(best[0], float(score[0] / cover[0].clamp_min(1.0)))


def _aside(layouts: Tensor, step: float) -> Tensor:
    """The same layouts with every body moved along x."""
    moved = layouts.clone()
    bodies = split_bodies(moved).clone()
    bodies[..., _X] += step * bodies[..., _PRESENT]
    moved[:, _FIRST:] = bodies.flatten(1)
    return moved


def _moved(layouts: Tensor, reach: float, generator: torch.Generator) -> Tensor:
    """Candidates near others: each body a little moved and scaled, now and then mirrored."""
    moved = layouts.clone()
    bodies = split_bodies(moved).clone()
    noise = torch.randn(*bodies.shape[:2], 5, generator=generator)
    far = torch.rand(len(moved), 1, generator=generator) < 0.25
    step = torch.where(far, 3.0, 1.0) * reach
    bodies[..., _X] += noise[..., 0] * 0.08 * step
    bodies[..., _Y] += noise[..., 1] * 0.06 * step
    bodies[..., _SIZE] *= (noise[..., 2] * 0.12 * step).exp()
    turn = noise[..., 3] * 0.1 * step
    cos, sin = bodies[..., _COS].clone(), bodies[..., _SIN].clone()
    bodies[..., _COS] = cos * turn.cos() - sin * turn.sin()
    bodies[..., _SIN] = sin * turn.cos() + cos * turn.sin()
    flips = noise[..., 4] > 1.5
    bodies[..., _MIRROR] = torch.where(flips, -bodies[..., _MIRROR], bodies[..., _MIRROR])
    bodies *= bodies[..., :1]  # who is not there stays nowhere
    moved[:, _FIRST:] = bodies.flatten(1)
    return moved


def _sketches(portraits: Tensor, layouts: Tensor, size: torch.Size) -> tuple[Tensor, Tensor]:
    """Sketches (N, 3, H, W) and which of their pixels show a body (N, H, W)."""
    pages = portraits[None, None].expand(len(layouts), -1, -1, -1, -1, -1)
    spans = torch.zeros(len(layouts), 1, dtype=torch.long)
    sketches = sketch_frames(pages, layouts[:, None], spans, *size)[:, :, 0]
    return sketches, key_of(sketches)


def key_of(pictures: Tensor) -> Tensor:
    """Which pixels of (N, 3, H, W) are not ground, (N, H, W)."""
    ground = torch.tensor(GROUND).view(1, 3, 1, 1)
    return ((pictures - ground).abs().amax(dim=1) > _KEY).float()


def _scores(picture: Tensor, portraits: Tensor, layouts: Tensor) -> tuple[Tensor, Tensor]:
    """How many pixels more speak for each candidate than against it, and how many it covers; (N,) each.

    Light is common to all of a body, so each channel of a sketch is first made as bright as the picture.
    A body that is mostly out of the picture could look like anything, so what is seen of it counts less.
    """
    scores, covers = [], []
    share = torch.stack(
        [key_of(page[None])[0].mean() for page in portraits]
    )  # of each portrait's square
    share = share.repeat_interleave(BODIES_PER_ACTOR)[: NUM_ACTORS * BODIES_PER_ACTOR]
    for chunk in torch.split(layouts, _CHUNK):
        sketches, covered = _sketches(portraits, chunk, picture.shape[1:])
        light, seen = (sketches + 1) / 2 * covered[:, None], (picture + 1) / 2
        gain = (light * seen).sum(dim=(2, 3)) / light.square().sum(dim=(2, 3)).clamp_min(1e-3)
        mean = gain.mean(dim=1, keepdim=True).clamp(*_GAINS)
        gain = (mean * (gain / mean).clamp(*_TINTS))[:, :, None, None]
        error = 2 * (gain * light - seen).abs().mean(dim=1)
        # In the dark all colours are near one another.
        error = error / (_TOLERANCE * mean.clamp(0.6, 1.0)[..., None])
        speaks = ((1 - error).clamp_min(-1) * covered).sum(dim=(1, 2))
        cover = covered.sum(dim=(1, 2))
        bodies = split_bodies(chunk)
        whole = bodies[..., _PRESENT] * bodies[..., _SIZE].square() * share * picture.shape[1] ** 2
        speaks = speaks * (cover / whole.sum(dim=1).clamp_min(1.0)).clamp(max=1.0)
        enough = cover > _LEAST_SHARE * covered[0].numel()
        scores.append(torch.where(enough, speaks, -cover.new_tensor(covered[0].numel())))
        covers.append(cover)
    return torch.cat(scores), torch.cat(covers)
