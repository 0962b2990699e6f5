"""Layouts of batches: of cached clips, for the denoiser; and drawn without pictures, for the planner."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

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
from unstrung.engine.theatre.repertoire import Repertoire, draw_script
from unstrung.engine.theatre.script import Script
from unstrung.engine.theatre.sprites import Sprites


def layouts_of(scripts: Sequence[Script], shape: LatentShape, sprites: Sprites) -> Tensor:
    """Where everybody stands in the clips of scripts, (B, F, `LAYOUT_SIZE`)."""
    video = VideoShape.of_latent(shape)
    return torch.from_numpy(np.stack([layout_of(script, video, sprites) for script in scripts]))


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

    A plan is a clip of one cell, so that the planner is trained like the denoiser.
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
        plans, scripts = [], []
        for _ in range(size):
            script = draw_script(self._repertoire, rng)
            staged = fitting[int(rng.integers(len(fitting)))]
            plans.append(
                to_plan(layouts_of([script], staged, self._sprites), staged.width / staged.height)
            )
            scripts.append(script)
        return Batch(torch.cat(plans), tuple(scripts))
