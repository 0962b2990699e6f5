"""What a model says of itself: sizes, lengths, parameters and abilities, for programs and pages to read.

Nothing here needs torch. The studio keeps the description that a worker offered, refuses what the model
cannot do by it, and builds the controls of its page from the parameters' JSON Schema.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

from unstrung.engine.presets import ModelPreset
from unstrung.engine.request import MAX_GUIDANCE, MAX_PROMPT_CHARACTERS, MAX_SEED, MAX_STEPS

PROMPT_LANGUAGES = ("en", "it", "fr", "es", "ar", "id")


class Capability(StrEnum):
    """Something a model may be able to do, one word for the engine, the API, the database and the page."""

    TEXT_TO_VIDEO = "text_to_video"
    REMIX = "remix"
    IMAGE_TO_VIDEO = "image_to_video"
    EDIT = "edit"
    EXTEND = "extend"
    EXTEND_BACKWARD = "extend_backward"
    LOOP = "loop"
    RECUT = "recut"
    CONNECT = "connect"
    BLEND = "blend"
    STORYBOARD = "storyboard"
    CHARACTERS = "characters"


@dataclass(frozen=True)
class ModelDescription:
    """One model in plain values.

    Attributes:
        name: as in every recipe.
        capabilities: what it can do.
        sizes: "WIDTHxHEIGHT" [px] that it was trained for, the native one first.
        max_area: the most pixels of a frame that it draws itself; larger sizes are scaled up.
        frame_rate: [fps].
        max_seconds: the longest clip that it draws at once [s]; longer ones are drawn in pieces.
        num_steps, guidance_scale: its own settings.
        languages: of prompts.
    """

    name: str
    capabilities: tuple[str, ...]
    sizes: tuple[str, ...]
    max_area: int
    frame_rate: int
    max_seconds: float
    num_steps: int
    guidance_scale: float
    languages: tuple[str, ...] = PROMPT_LANGUAGES

    @classmethod
    def of_preset(cls, preset: ModelPreset) -> Self:
        """Describe a model of ours."""
        native = preset.native
        return cls(
            name=preset.name,
            # A remix is the same seed, size and length under another prompt, which every model of ours does;
            # characters are portraits (`engine.guests`), and the others are frame masks, in which all of
            # them are trained (`engine.continuation`, `engine.redrawing`).
            capabilities=(
                Capability.TEXT_TO_VIDEO,
                Capability.REMIX,
                Capability.IMAGE_TO_VIDEO,
                Capability.EDIT,
                Capability.EXTEND,
                Capability.EXTEND_BACKWARD,
                Capability.LOOP,
                Capability.RECUT,
                Capability.CONNECT,
                Capability.BLEND,
                Capability.STORYBOARD,
                Capability.CHARACTERS,
            ),
            sizes=tuple(f"{width}x{height}" for width, height in native.sizes.values()),
            max_area=native.max_area,
            frame_rate=native.frame_rate,
            max_seconds=native.max_seconds,
            num_steps=preset.num_steps,
            guidance_scale=preset.guidance_scale,
        )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote."""
        return cls(
            name=values["name"],
            capabilities=tuple(values["capabilities"]),
            sizes=tuple(values["sizes"]),
            max_area=values["max_area"],
            frame_rate=values["frame_rate"],
            max_seconds=values["max_seconds"],
            num_steps=values["num_steps"],
            guidance_scale=values["guidance_scale"],
            languages=tuple(values["languages"]),
        )

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return asdict(self)

    @property
    def parameters(self) -> dict[str, Any]:
        """JSON Schema (2020-12) of what a request to this model may set."""
        return {
            "type": "object",
            "additionalProperties": False,
            "required": ["prompt"],
            "properties": {
                "prompt": {"type": "string", "minLength": 1, "maxLength": MAX_PROMPT_CHARACTERS},
                "seconds": {
                    "type": "number",
                    "exclusiveMinimum": 0,
                    "default": self.max_seconds,
                    "description": f"Clips longer than {self.max_seconds:g} s are drawn in pieces.",
                },
                "size": {"type": "string", "examples": list(self.sizes), "default": self.sizes[0]},
                "seed": {"type": "integer", "minimum": 0, "maximum": MAX_SEED},
                "num_steps": {
                    "type": "integer", "minimum": 1, "maximum": MAX_STEPS, "default": self.num_steps,
                },
                "guidance_scale": {
                    "type": "number", "minimum": 1, "maximum": MAX_GUIDANCE, "default": self.guidance_scale,
                },
                "verbatim": {"type": "boolean", "default": False},
            },
        }  # fmt: skip
