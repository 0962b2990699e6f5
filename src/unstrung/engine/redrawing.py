"""Clips that begin from pictures, or are drawn again over another clip."""

from collections.abc import Mapping
from dataclasses import replace

from unstrung.engine import conditioning
from unstrung.engine.drawing import Drawing, Model, OnStep, longest_of, num_frames_of, single
from unstrung.engine.errors import InvalidRequest
from unstrung.engine.request import Generation, GenerationRequest
from unstrung.engine.shapes import COMPRESSION
from unstrung.engine.sources import Source


def keyframes(
    model: Model,
    request: GenerationRequest,
    pictures: Mapping[float, Source],
    strength: float = 1.0,
    on_step: OnStep | None = None,
) -> Generation:
    """Clips in which pictures stand at chosen moments, and the model draws what lies between.

    Args:
        model, request, on_step: as elsewhere.
        pictures: by moment [s], all of one size; of a clip, its first frame.
        strength: 1 keeps them as they are, less lets them change.

    Raises:
        InvalidRequest: if a moment lies outside of the clip, sizes differ, or strength is not in (0, 1].
    """
    if not pictures:
        raise InvalidRequest("at", "none", "be at least one picture", "0=picture.png")
    first = next(iter(pictures.values()))
    for source in pictures.values():
        if source.size != first.size:
            raise InvalidRequest("at", source.size, "have the size of the first", first.size)
    drawing = Drawing(model, replace(request, size=first.size), on_step)
    num_frames = num_frames_of(model, request.seconds)
    rate = model.native.frame_rate
    longest = (num_frames - 1) / rate
    for moment in pictures:
        if not 0 <= moment <= longest + 0.5 / rate:
            rule = f"lie within 0 to {longest:.2f} s of the clip"
            raise InvalidRequest("at", f"{moment:g}", rule, f"{min(max(moment, 0), longest):.2f}")
    images = {
        min(num_frames - 1, round(moment * rate)): each.frames[0]
        for moment, each in pictures.items()
    }
    given = conditioning.keyframes(images, num_frames, strength)
    made = drawing.clips(num_frames, given)
    return drawing.finished(made, "keyframes", list(pictures.values()))


def edit(
    model: Model,
    request: GenerationRequest,
    source: Source,
    strength: str | float = "strong",
    on_step: OnStep | None = None,
) -> Generation:
    """A clip drawn again under another prompt: the motion stays, what the prompt names changes.

    Raises:
        InvalidRequest: for a strength that there is not.
    """
    source = _drawable(model, source)
    drawing = Drawing(model, replace(request, size=source.size), on_step)
    given = conditioning.redrawn(source.frames, strength, source.captions)
    return drawing.finished(drawing.clips(len(source.frames), given), "edit", [source])


def refine(
    model: Model,
    request: GenerationRequest,
    source: Source,
    strength: str | float = "subtle",
    on_step: OnStep | None = None,
) -> Generation:
    """A draft drawn again at the size it was read at: places and motion are the draft's, detail is new.

    Args:
        model, on_step: as elsewhere.
        request: prompt and seed of the draft, and the settings of the full clip.
        source: the draft, read at the wanted size.
        strength: how far it may move away from the draft.
    """
    source = _drawable(model, source)
    drawing = Drawing(model, single(request, source.size), on_step)
    given = conditioning.redrawn(source.frames, strength, source.captions)
    return drawing.finished([drawing.piece(len(source.frames), given)], "refine", [source])


def _drawable(model: Model, source: Source) -> Source:
    """As much of a clip as the model draws at once."""
    longest = longest_of(model)
    length = 1 + (min(len(source.frames), longest) - 1) // COMPRESSION.frames * COMPRESSION.frames
    if length == len(source.frames):
        return source
    rate = model.native.frame_rate
    note = f"Of {len(source.frames) / rate:.2f} s the first {length / rate:.2f} s are drawn again."
    return replace(source, frames=source.frames[:length], notes=(*source.notes, note))
