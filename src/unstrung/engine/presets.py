"""Named models as Python values: what each is made of and how it likes to be used."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from unstrung.engine.errors import InvalidRequest
from unstrung.engine.request import NativeShapes


@dataclass(frozen=True)
class ModelPreset:
    """One model: its sizes and the settings that it is shipped with.

    Attributes:
        name: as on the command line and in every recipe.
        latent_channels: numbers per cell of 4 x 16 x 16 pixels.
        patch_size: cells per token along height and width.
        hidden_size, depth, num_heads: of the transformer.
        fine_depth: its blocks at one token a cell, after the others.
        num_portraits: pictures of the actors that a caption brings along, 0 or 2.
        planner_size, planner_depth: width and blocks of the planner of layouts; depth 0 for no layouts.
        decoder_channels, decoder_depth: of the learned decoder.
        vocabulary_size: of the text encoder.
        native: frame rate, sizes and limits of its clips.
        num_steps, guidance_scale, shift: of the sampler, unless a request says otherwise.
        student_steps: the first for weights that are a few-step student, whose guidance is inside.
    """

    name: str
    latent_channels: int
    patch_size: int
    hidden_size: int
    depth: int
    num_heads: int
    fine_depth: int
    num_portraits: int
    planner_size: int
    planner_depth: int
    decoder_channels: int
    decoder_depth: int
    vocabulary_size: int
    native: NativeShapes
    num_steps: int = 12
    guidance_scale: float = 1.5
    shift: float = 5.0
    student_steps: int = 4

    @property
    def of_student(self) -> Self:
        """The same model with weights that are a few-step student, which is sampled without guidance."""
        return replace(self, num_steps=self.student_steps, guidance_scale=1.0)


def _sizes(short: int, long: int, square: int) -> Mapping[str, tuple[int, int]]:
    # The first is the native one: squares are what training shows most.
    return {"1:1": (square, square), "16:9": (long, short), "9:16": (short, long)}


MINI = ModelPreset(
    name="mini",
    latent_channels=128,
    patch_size=2,
    hidden_size=384,
    depth=6,
    num_heads=6,
    fine_depth=2,
    num_portraits=2,
    planner_size=192,
    planner_depth=4,
    decoder_channels=160,
    decoder_depth=5,
    vocabulary_size=10_000,
    native=NativeShapes(sizes=_sizes(128, 224, 128), multiple=32),
)

TINY = ModelPreset(
    name="tiny",
    latent_channels=16,
    patch_size=2,
    hidden_size=64,
    depth=2,
    num_heads=1,
    fine_depth=1,
    num_portraits=2,
    planner_size=64,
    planner_depth=2,
    decoder_channels=0,
    decoder_depth=0,
    vocabulary_size=600,
    native=NativeShapes(sizes=_sizes(64, 96, 64), multiple=32),
    num_steps=4,
    guidance_scale=2.5,
)


@dataclass(frozen=True)
class _Presets:
    """All presets by name."""

    by_name: Mapping[str, ModelPreset] = field(
        default_factory=lambda: {preset.name: preset for preset in (MINI, TINY)}
    )


def preset(name: str) -> ModelPreset:
    """A preset by name.

    Raises:
        InvalidRequest: for an unknown name, with the known ones.
    """
    known = _Presets().by_name
    if name not in known:
        raise InvalidRequest("preset", name, "be one of " + ", ".join(known), next(iter(known)))
    return known[name]
