"""Layouts of batches: of cached clips, for the denoiser; and drawn without pictures, for the planner."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from torch import Tensor

from unstrung.engine.data.dataset import Batch
from unstrung.engine.models.autoencoder import Autoencoder
from unstrung.engine.models.layout import to_plan
from unstrung.engine.models.sketch import sketch_latents
from unstrung.engine.models.text_encoder import Condition
from unstrung.engine.shapes import LatentShape, VideoShape
from unstrung.engine.theatre.layout import layout_of
from unstrung.engine.theatre.render import FRAME_RATE
from unstrung.engine.theatre.repertoire import Repertoire, draw_script
from unstrung.engine.theatre.script import PAIR_ACTIONS, Camera, Script
from unstrung.engine.theatre.sprites import Sprites

_BEGUN_SHARE: Final = 0.4  # of the plans that can go on
_MOST_BEGUN: Final = 4.0  # lengths of a clip; somebody who crosses is where they were after less


def layouts_of(
    scripts: Sequence[Script], shape: LatentShape, sprites: Sprites, begun_s: float = 0.0
) -> Tensor:
    """Where everybody stands in the clips of scripts, `begun_s` after they began: (B, F, `LAYOUT_SIZE`)."""
    video = VideoShape.of_latent(shape)
    return torch.from_numpy(
        np.stack([layout_of(script, video, sprites, begun_s) for script in scripts])
    )


def can_go_on(script: Script) -> bool:
    """Whether what happens has one way to go on after the length of its clip.

    Groups come in again one by one, a second actor's place and a following camera hang on the whole clip,
    and of two shots the first has ended.
    """
    shot = script.shots[0]
    if len(script.shots) > 1 or shot.camera is Camera.FOLLOW:
        return False
    if len(shot.actors) > 1:
        return shot.relation is not None or shot.action in PAIR_ACTIONS
    return shot.actors[0].count == 1


@dataclass(frozen=True)
class Stage:
    """Tells the denoiser in training what stands where in a batch.

    Attributes:
        sprites: pictures of the cast, for the size of the bodies.
        autoencoder: draws the sketches; None tells layouts in numbers alone.
    """

    sprites: Sprites
    autoencoder: Autoencoder | None = None

    def tell(self, condition: Condition, batch: Batch, withheld: Tensor) -> Condition:
        """The condition of a batch with its layouts, but for the clips (B,) in which they are withheld."""
        shape = LatentShape(*batch.latents.shape[2:])
        layout = layouts_of(batch.scripts, shape, self.sprites)
        layout = layout.masked_fill(withheld[:, None, None], 0.0)
        if self.autoencoder is None:
            return replace(condition, layout=layout)
        sketch = sketch_latents(
            self.autoencoder, condition.portraits.float(), layout, condition.frame_spans,
            (shape.height, shape.width),
        )  # fmt: skip
        return replace(condition, layout=layout, sketch=sketch.to(condition.portraits.dtype))


class PlanSource:
    """Batches of plans in the place of a cache of latents: scripts are drawn and staged, never painted.

    A plan is a clip of one cell, so that the planner is trained like the denoiser. Some begin anywhere in
    what happens, as the pieces of a long clip do.
    """

    def __init__(
        self, repertoire: Repertoire, shapes: Sequence[LatentShape], sprites: Sprites
    ) -> None:
        """Draw from a repertoire.

        Args:
            repertoire: which scripts, and how often.
            shapes: of the clips that are staged; a batch mixes those of one number of frames.
            sprites: pictures of the cast, for the size of the bodies.
        """
        self._repertoire, self._sprites = repertoire, sprites
        self._shapes = tuple(shapes)

    @property
    def counts(self) -> Mapping[LatentShape, int]:
        """How many plans of each shape there are: as many as anybody asks for."""
        return {LatentShape(shape.frames, 1, 1): 2**31 for shape in self._shapes}

    def draw(self, shape: LatentShape, size: int, rng: np.random.Generator) -> Batch:
        """A batch of `size` plans of so many frames."""
        fitting = [each for each in self._shapes if each.frames == shape.frames]
        plans, scripts, begun = [], [], []
        for _ in range(size):
            script = draw_script(self._repertoire, rng)
            staged = fitting[int(rng.integers(len(fitting)))]
            begun_s = 0.0
            if shape.frames > 1 and can_go_on(script) and rng.random() < _BEGUN_SHARE:
                length = VideoShape.of_latent(staged).frames / FRAME_RATE
                begun_s = float(rng.uniform(0.25, _MOST_BEGUN)) * length
            layout = layouts_of([script], staged, self._sprites, begun_s)
            plans.append(to_plan(layout, staged.width / staged.height))
            scripts.append(script)
            begun.append(begun_s > 0)
        return Batch(torch.cat(plans), tuple(scripts), tuple(begun))
