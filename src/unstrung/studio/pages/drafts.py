"""What the prompt bar is filled with: from an address, from a clip that was made, or from a clip's file."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from starlette.datastructures import QueryParams

from unstrung.studio.videos.models import Kind, Video

_MOST_SHOWN: Final = 32_000
_FIELDS: Final = (
    "prompt",
    "model",
    "size",
    "seconds",
    "count",
    "seed",
    "num_steps",
    "guidance_scale",
)


@dataclass(frozen=True)
class Draft:
    """Values of the form as text, since whoever sends them may have typed anything; empty ones were not set.

    Attributes:
        prompt, model, size, seconds, count, seed, num_steps, guidance_scale: as in a request.
        is_verbatim: whether the prompt goes to the model as it stands.
        characters: ids.
        reference_clip: id of a clip of one's own to begin from.
        source: where it comes from, if not from an address; the page says so.
    """

    prompt: str = ""
    model: str = ""
    size: str = ""
    seconds: str = ""
    count: str = ""
    seed: str = ""
    num_steps: str = ""
    guidance_scale: str = ""
    is_verbatim: bool = False
    characters: tuple[str, ...] = ()
    reference_clip: str = ""
    source: str = ""

    @property
    def is_given(self) -> bool:
        """Whether anything was set; else a browser's own draft goes before."""
        return self != Draft(model=self.model)


def draft_of_address(query: QueryParams) -> Draft:
    """What an address asks for."""
    given = {name: query.get(name, "")[:_MOST_SHOWN] for name in _FIELDS}
    return Draft(
        **given,
        is_verbatim=query.get("verbatim") == "true",
        characters=tuple(query.getlist("characters[][id]"))[:2],
        reference_clip=query.get("reference_clip", "")[:64],
    )


def draft_of_video(video: Video, *, as_understood: bool = False) -> Draft:
    """The settings of a clip, to make it again or to change something of it.

    Args:
        video: the clip.
        as_understood: begin with the caption that the prompt was understood as, and keep to its words.
    """
    recipe: Mapping[str, Any] = video.recipe or {}
    caption = recipe.get("caption") if as_understood else None
    return Draft(
        prompt=caption or video.prompt,
        model=video.resolved_model,
        size=video.size,
        seconds=video.seconds,
        seed=_text(video.seed),
        num_steps=_text(recipe.get("steps", video.num_steps)),
        guidance_scale=_text(recipe.get("guidance", video.guidance_scale)),
        is_verbatim=bool(caption) or video.verbatim,
        characters=tuple(map(str, video.characters)),
        reference_clip=video.source_video_id or "" if video.kind != Kind.REMIX else "",
        source="caption" if caption else "clip",
    )


def draft_of_recipe(recipe: Mapping[str, Any], known_models: tuple[str, ...]) -> Draft:
    """What a file says of how it was made; anybody may have written it, so only plain values are taken."""
    width, height = recipe.get("width"), recipe.get("height")
    has_size = isinstance(width, int) and isinstance(height, int)
    model = str(recipe.get("model", ""))
    draft = Draft(
        prompt=_text(recipe.get("prompt"))[:_MOST_SHOWN],
        model=model if model in known_models else "",
        size=f"{width}x{height}" if has_size else "",
        seconds=_text(recipe.get("seconds")),
        seed=_text(recipe.get("seed")),
        num_steps=_text(recipe.get("steps")),
        guidance_scale=_text(recipe.get("guidance")),
    )
    return replace(draft, source="file")


def _text(value: Any) -> str:
    """A plain value as text; whatever else is as if it were not there."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)
