"""Making a clip longer: go on, lead to it, close it to a loop, join it to another, cut it anew, tell a story.

Each operation gives the model some frames (`conditioning`) and draws the others, piece by piece where they
are more than it draws at once.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from unstrung.engine import conditioning
from unstrung.engine.drawing import (
    Drawing,
    Model,
    OnStep,
    Stretch,
    latent_frames_of,
    longest_of,
    single,
    stretches_of,
)
from unstrung.engine.errors import InvalidRequest
from unstrung.engine.prompt import MappedPrompt
from unstrung.engine.request import Generation, GenerationRequest
from unstrung.engine.shapes import COMPRESSION, nearest_num_frames
from unstrung.engine.sources import MAX_SECONDS, Source
from unstrung.engine.storyboard import Storyboard
from unstrung.engine.theatre.render import shot_of_latent_frames

# Latent frames that a piece sees of what comes before it, and after.
_BEFORE: Final = 4
_AFTER: Final = 3


def text_to_video(
    model: Model, request: GenerationRequest, on_step: OnStep | None = None
) -> Generation:
    """A clip from words alone, of any length up to a minute.

    Clips longer than the model draws at once are drawn in pieces, each beginning from the end of the one
    before; several shots share the time evenly.

    Raises:
        InvalidRequest: for more than 60 s, or for several clips of more than the model draws at once.
    """
    if request.seconds <= model.native.max_seconds:
        return model.generate(request, on_step)
    request = single(request, request.size)
    if request.seconds > MAX_SECONDS:
        rule = f"be at most {MAX_SECONDS:g}"
        raise InvalidRequest("seconds", request.seconds, rule, f"{MAX_SECONDS:g}")
    num_latent = latent_frames_of(nearest_num_frames(request.seconds * model.native.frame_rate))
    told = model.understand([request.prompt], request.verbatim)
    owners = shot_of_latent_frames(len(told.captions), num_latent)
    return _told(model, request, told, owners, "generate", on_step)


def image_to_video(
    model: Model, request: GenerationRequest, source: Source, on_step: OnStep | None = None
) -> Generation:
    """Clips that begin with a picture, or with the last frame of a clip; as long as in `text_to_video`."""
    picture = source.frames[-1:]
    num_latent = latent_frames_of(nearest_num_frames(request.seconds * model.native.frame_rate))
    if num_latent <= latent_frames_of(longest_of(model)):
        drawing = Drawing(model, replace(request, size=source.size), on_step)
        num_frames = _num_frames(num_latent)
        clips = drawing.clips(num_frames, conditioning.from_image(picture[0], num_frames))
        return drawing.finished(clips, "image_to_video", [source])
    request = single(request, source.size)
    num_latent = _latent_frames_to_make(model, request.seconds, 1)
    drawing, stretches = _planned(model, request, picture, num_latent, on_step)
    frames = _grown(drawing, picture, stretches)
    return drawing.finished([frames], "image_to_video", [source])


def extend(
    model: Model,
    request: GenerationRequest,
    source: Source,
    on_step: OnStep | None = None,
    is_backward: bool = False,
) -> Generation:
    """A clip with `request.seconds` more at its end, or before its beginning.

    Raises:
        InvalidRequest: if the whole would be longer than 60 s, or for more than one clip.
    """
    request = single(request, source.size)
    num_latent = _latent_frames_to_make(model, request.seconds, len(source.frames))
    if is_backward:
        drawing = Drawing(model, request, on_step, _num_backward(model, num_latent))
        frames = _led(drawing, source.frames, _evenly(drawing, num_latent))
    else:
        drawing, stretches = _planned(model, request, source.frames, num_latent, on_step)
        frames = _grown(drawing, source.frames, stretches)
    return drawing.finished([frames], "extend", [source])


def recut(
    model: Model,
    request: GenerationRequest,
    source: Source,
    keep: tuple[float, float],
    on_step: OnStep | None = None,
) -> Generation:
    """A clip of which one stretch stays where it is, and what comes before and after is drawn anew.

    Args:
        model, source, on_step: as in `extend`.
        request: its seconds are not asked: the clip keeps its length.
        keep: where the stretch begins and ends [s].

    Raises:
        InvalidRequest: if the stretch is not inside of the clip, or is all of it.
    """
    request = single(request, source.size)
    rate, length = model.native.frame_rate, len(source.frames)
    first, last = (round(moment * rate) for moment in keep)
    if not 0 <= first < last <= length:
        rule = f"be two moments in order within 0 to {length / rate:.2f} s"
        raise InvalidRequest("keep", f"{keep[0]:g}-{keep[1]:g}", rule, f"0-{length / rate / 2:.1f}")
    before, after = (round(num / COMPRESSION.frames) for num in (first, length - last))
    if before + after == 0:
        rule = "leave a third of a second or more to be drawn"
        raise InvalidRequest("keep", f"{keep[0]:g}-{keep[1]:g}", rule, f"0-{length / rate / 2:.1f}")
    frames = source.frames[first:last]
    longest = latent_frames_of(longest_of(model))
    ahead = stretches_of(_past(frames), [0] * after, longest, _BEFORE) if after else []
    num_pieces = len(ahead) + (_num_backward(model, before) if before else 0)
    drawing = Drawing(model, request, on_step, num_pieces)
    if after:
        frames = _grown(drawing, frames, ahead)
    if before:
        frames = _led(drawing, frames, _evenly(drawing, before))
    return drawing.finished([frames], "recut", [source])


def storyboard(
    model: Model, request: GenerationRequest, board: Storyboard, on_step: OnStep | None = None
) -> Generation:
    """One clip that tells the shots of a storyboard in their time.

    Every latent frame reads the caption of its own shot (text spans); a piece sees the end of the one before.

    Args:
        model, on_step: as in `extend`.
        request: size, seed and settings; its prompt and seconds are the storyboard's.
        board: what is seen when.
    """
    rate = model.native.frame_rate
    request = single(request, request.size)
    num_latent = latent_frames_of(nearest_num_frames(board.seconds * rate))
    # A shot begins with the latent frame of which it has most.
    ends = [index * COMPRESSION.frames - COMPRESSION.frames / 2 for index in range(num_latent)]
    owners = [board.shot_at(max(0.0, end / rate)) for end in ends]
    told = model.understand(board.prompts, request.verbatim)
    return _told(model, request, told, owners, "storyboard", on_step)


def loop(
    model: Model, request: GenerationRequest, source: Source, on_step: OnStep | None = None
) -> Generation:
    """A clip with `request.seconds` more, after which its beginning follows without a seam."""
    drawing = Drawing(model, single(request, source.size), on_step)
    bridge = _bridge(drawing, source.frames, source.frames)
    return drawing.finished([np.concatenate([source.frames, bridge])], "loop", [source])


def connect(
    model: Model,
    request: GenerationRequest,
    first: Source,
    second: Source,
    on_step: OnStep | None = None,
) -> Generation:
    """Two clips with `request.seconds` between them that lead from one to the other.

    Raises:
        InvalidRequest: if they have not the same size.
    """
    _must_match(first, second)
    drawing = Drawing(model, single(request, first.size), on_step)
    bridge = _bridge(drawing, first.frames, second.frames)
    joined = np.concatenate([first.frames, bridge, second.frames])
    return drawing.finished([joined], "connect", [first, second])


def blend(
    model: Model,
    request: GenerationRequest,
    first: Source,
    second: Source,
    on_step: OnStep | None = None,
) -> Generation:
    """One clip that begins as the first, ends as the second, and turns from one into the other between.

    It is as long as the shorter of the two, and at most as long as the model draws at once.

    Raises:
        InvalidRequest: if they have not the same size, or one is shorter than nine frames.
    """
    _must_match(first, second)
    drawing = Drawing(model, single(request, first.size), on_step)
    shortest = min(len(first.frames), len(second.frames), longest_of(model))
    length = _num_frames(latent_frames_of(shortest))
    given = conditioning.blended(first.frames[:length], second.frames[-length:])
    return drawing.finished([drawing.piece(length, given)], "blend", [first, second])


def _told(
    model: Model,
    request: GenerationRequest,
    told: MappedPrompt,
    owners: Sequence[int],
    operation: str,
    on_step: OnStep | None,
) -> Generation:
    """A clip of which each latent frame reads the caption that it belongs to."""
    stretches = stretches_of([], owners, latent_frames_of(longest_of(model)), _BEFORE)
    drawing = Drawing(model, request, on_step, len(stretches), told)
    begun = drawing.piece(_num_frames(len(stretches[0].new)), None, stretches[0].new)
    return drawing.finished([_grown(drawing, begun, stretches[1:])], operation)


def _planned(
    model: Model,
    request: GenerationRequest,
    frames: np.ndarray,
    num_latent: int,
    on_step: OnStep | None,
) -> tuple[Drawing, list[Stretch]]:
    """A drawing and the pieces in which it makes frames go on."""
    told = model.understand([request.prompt], request.verbatim)
    owners = shot_of_latent_frames(len(told.captions), num_latent)
    longest = latent_frames_of(longest_of(model))
    stretches = stretches_of(_past(frames), owners, longest, _BEFORE)
    return Drawing(model, request, on_step, len(stretches), told), stretches


def _grown(drawing: Drawing, frames: np.ndarray, stretches: Sequence[Stretch]) -> np.ndarray:
    """Frames and what is drawn after them."""
    for stretch in stretches:
        seen = conditioning.last_frames(frames, len(stretch.known))
        total = len(seen) + COMPRESSION.frames * len(stretch.new)
        owners = (*stretch.known, *stretch.new)
        staged = drawing.staged(len(stretch.known), len(owners))
        given = replace(conditioning.between(seen, None, total), layout=staged)
        clip = drawing.piece(total, given, owners)
        frames = np.concatenate([frames, clip[len(seen) :]])
    return frames


def _led(drawing: Drawing, frames: np.ndarray, owners: Sequence[int]) -> np.ndarray:
    """Frames and what is drawn before them, the latest first."""
    room, ahead = _room_backward(drawing.model), list(owners)
    while ahead:
        now, ahead = ahead[-room:], ahead[:-room]
        seen = _whole_cells(frames, _AFTER)
        known = len(seen) // COMPRESSION.frames
        # The first latent frame of a piece is a single frame, so there is one more than was asked for.
        total = _num_frames(len(now) + known + 1)
        given = conditioning.between(None, seen, total)
        clip = drawing.piece(total, given, (now[0], *now, *[now[-1]] * known))
        frames = np.concatenate([clip[: -len(seen)][-COMPRESSION.frames * len(now) :], frames])
    return frames


def _bridge(drawing: Drawing, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """What leads from the end of one clip to the beginning of another."""
    seen = conditioning.last_frames(first, latent_frames_of(min(len(first), 9)))
    ahead = _whole_cells(second, 2)
    wanted = round(drawing.request.seconds * drawing.model.native.frame_rate)
    given = len(seen) + len(ahead)
    total = max(given + COMPRESSION.frames, nearest_num_frames(wanted + given))
    total = min(longest_of(drawing.model), total)
    clip = drawing.piece(total, conditioning.between(seen, ahead, total))
    return clip[len(seen) : -len(ahead)]


def _must_match(first: Source, second: Source) -> None:
    if first.size != second.size:
        raise InvalidRequest("second", second.size, "have the size of the first", first.size)


def _latent_frames_to_make(model: Model, seconds: float, num_there: int) -> int:
    rate = model.native.frame_rate
    wanted = max(1, round(seconds * rate / COMPRESSION.frames))
    # As everywhere, the first frame stands at 0 s, so a minute has one frame more than its seconds say.
    if num_there - 1 + wanted * COMPRESSION.frames > MAX_SECONDS * rate:
        left = max(0.0, MAX_SECONDS - num_there / rate)
        rule = f"make a clip of at most {MAX_SECONDS:g} s"
        raise InvalidRequest("seconds", seconds, rule, f"{left:.1f}")
    return wanted


def _past(frames: np.ndarray) -> list[int]:
    """Captions of latent frames that are there: they read the first of what is to come."""
    return [0] * min(_BEFORE, latent_frames_of(len(frames)))


def _evenly(drawing: Drawing, num_latent: int) -> tuple[int, ...]:
    return shot_of_latent_frames(len(drawing.captions), num_latent)


def _room_backward(model: Model) -> int:
    return latent_frames_of(longest_of(model)) - _AFTER - 1


def _num_backward(model: Model, num_latent: int) -> int:
    return -(-num_latent // _room_backward(model))


def _num_frames(num_latent: int) -> int:
    return 1 + COMPRESSION.frames * (num_latent - 1)


def _whole_cells(frames: np.ndarray, num_latent: int) -> np.ndarray:
    """The beginning of a clip as whole latent frames; the last frame is repeated if it is too short."""
    missing = COMPRESSION.frames - len(frames)
    if missing > 0:
        frames = np.concatenate([frames, frames[-1:].repeat(missing, axis=0)])
    seen = conditioning.first_frames(frames, num_latent)
    return seen[: len(seen) // COMPRESSION.frames * COMPRESSION.frames]
