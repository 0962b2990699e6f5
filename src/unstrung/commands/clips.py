"""Commands that begin from a person's own pictures and clips."""

from pathlib import Path
from typing import Annotated

import typer

from unstrung.commands.session import Pipeline
from unstrung.commands.wishes import OnStep, Wish, drawing, read
from unstrung.engine.errors import InvalidRequest
from unstrung.engine.request import NATIVE, STILL_SECONDS, Generation, GenerationRequest

Seconds = Annotated[float, typer.Option(help="Seconds to make; the nearest legal length is taken.")]
Count = Annotated[int, typer.Option(help="Variations to make, 1 to 4.")]
Size = Annotated[str, typer.Option(help="WIDTHxHEIGHT, 16:9, 9:16, 1:1, 4:3, 3:4 or native.")]
Prompt = Annotated[str, typer.Argument(help="What should be seen, in any of six languages.")]
Clip = Annotated[Path, typer.Argument(help="A clip of your own; any that FFmpeg reads.")]
Second = Annotated[Path, typer.Argument(help="The clip that it leads to.")]
Image = Annotated[Path, typer.Argument(help="A picture of your own.")]


@drawing
def image_to_video(
    wish: Wish, image: Image, prompt: Prompt, seconds: Seconds = 4.0, count: Count = 1
) -> None:
    """Make a clip that begins with a picture."""

    def make(model: Pipeline, request: GenerationRequest, on_step: OnStep) -> Generation:
        from unstrung.engine import continuation

        return continuation.image_to_video(model, request, read(model, image), on_step)

    wish.carry_out(wish.request(prompt, seconds, count=count), make)


@drawing
def keyframes(
    wish: Wish,
    prompt: Prompt,
    at: Annotated[
        list[str], typer.Option(help="SECONDS=FILE: a picture that stands at that moment.")
    ],
    seconds: Seconds = 4.0,
    strength: Annotated[
        float, typer.Option(help="1 keeps the pictures, less lets them change; above 0.")
    ] = 1.0,
    count: Count = 1,
) -> None:
    """Make a clip in which pictures of your own stand at chosen moments."""
    wanted = [_moment(each) for each in at]

    def make(model: Pipeline, request: GenerationRequest, on_step: OnStep) -> Generation:
        from unstrung.engine import redrawing

        pictures, size = {}, None
        for moment, path in wanted:
            pictures[moment] = read(model, path, size)
            size = pictures[moment].size
        return redrawing.keyframes(model, request, pictures, strength, on_step)

    wish.carry_out(wish.request(prompt, seconds, count=count), make)


@drawing
def extend(
    wish: Wish,
    clip: Clip,
    prompt: Prompt,
    seconds: Seconds = 3.0,
    before: Annotated[
        bool, typer.Option("--before", help="Put them before the beginning, not after the end.")
    ] = False,
) -> None:
    """Make a clip go on, up to a minute."""

    def make(model: Pipeline, request: GenerationRequest, on_step: OnStep) -> Generation:
        from unstrung.engine import continuation

        return continuation.extend(model, request, read(model, clip), on_step, before)

    wish.carry_out(wish.request(prompt, seconds), make)


@drawing
def recut(
    wish: Wish,
    clip: Clip,
    prompt: Prompt,
    keep: Annotated[str, typer.Option(help="START-END in seconds: what stays as it is.")],
) -> None:
    """Keep the best stretch of a clip and make what comes before and after it anew."""
    stretch = _stretch(keep)

    def make(model: Pipeline, request: GenerationRequest, on_step: OnStep) -> Generation:
        from unstrung.engine import continuation

        return continuation.recut(model, request, read(model, clip), stretch, on_step)

    wish.carry_out(wish.request(prompt), make)


@drawing
def loop(wish: Wish, clip: Clip, prompt: Prompt, seconds: Seconds = 2.0) -> None:
    """Make a clip lead back to its beginning, so that it can be played round and round."""

    def make(model: Pipeline, request: GenerationRequest, on_step: OnStep) -> Generation:
        from unstrung.engine import continuation

        return continuation.loop(model, request, read(model, clip), on_step)

    wish.carry_out(wish.request(prompt, seconds), make)


@drawing
def connect(
    wish: Wish, first: Clip, second: Second, prompt: Prompt, seconds: Seconds = 2.0
) -> None:
    """Make what lies between two clips, and join all three."""

    def make(model: Pipeline, request: GenerationRequest, on_step: OnStep) -> Generation:
        from unstrung.engine import continuation

        start = read(model, first)
        end = read(model, second, start.size)
        return continuation.connect(model, request, start, end, on_step)

    wish.carry_out(wish.request(prompt, seconds), make)


@drawing
def blend(wish: Wish, first: Clip, second: Second, prompt: Prompt) -> None:
    """Make one clip that begins as the first and turns into the second."""

    def make(model: Pipeline, request: GenerationRequest, on_step: OnStep) -> Generation:
        from unstrung.engine import continuation

        start = read(model, first)
        end = read(model, second, start.size)
        return continuation.blend(model, request, start, end, on_step)

    wish.carry_out(wish.request(prompt), make)


@drawing
def edit(
    wish: Wish,
    clip: Clip,
    prompt: Prompt,
    strength: Annotated[
        str, typer.Option(help="subtle, mild, strong, or a number above 0 and at most 1.")
    ] = "strong",
    count: Count = 1,
) -> None:
    """Draw a clip again under another prompt; the motion stays."""

    def make(model: Pipeline, request: GenerationRequest, on_step: OnStep) -> Generation:
        from unstrung.engine import redrawing

        return redrawing.edit(model, request, read(model, clip), strength, on_step)

    wish.carry_out(wish.request(prompt, count=count), make)


@drawing
def refine(
    wish: Wish,
    clip: Clip,
    prompt: Prompt,
    size: Size = NATIVE,
    strength: Annotated[
        str, typer.Option(help="subtle, mild, strong, or a number above 0 and at most 1.")
    ] = "subtle",
) -> None:
    """Draw a small draft again at full size; places and motion stay."""

    def make(model: Pipeline, request: GenerationRequest, on_step: OnStep) -> Generation:
        from unstrung.engine import redrawing
        from unstrung.engine.request import plan

        shape = plan(request, model.native).shape
        draft = read(model, clip, f"{shape.width}x{shape.height}")
        return redrawing.refine(model, request, draft, strength, on_step)

    wish.carry_out(wish.request(prompt, size=size), make)


@drawing
def storyboard(
    wish: Wish,
    file: Annotated[Path, typer.Argument(help="Shots with their moments, as text or JSON.")],
    size: Size = NATIVE,
) -> None:
    """Make one clip that tells several shots in their time."""
    from unstrung.engine.storyboard import read_storyboard

    board = read_storyboard(file)

    def make(model: Pipeline, request: GenerationRequest, on_step: OnStep) -> Generation:
        from unstrung.engine import continuation

        return continuation.storyboard(model, request, board, on_step)

    wish.carry_out(wish.request(" / ".join(board.prompts), size=size), make)


@drawing
def still(wish: Wish, prompt: Prompt, size: Size = NATIVE, count: Count = 1) -> None:
    """Make a still picture from a sentence (.png)."""
    wish.carry_out(wish.request(prompt, STILL_SECONDS, size=size, count=count), suffix=".png")


def _moment(told: str) -> tuple[float, Path]:
    """A moment [s] and a file, as SECONDS=FILE."""
    seconds, equals, file = told.partition("=")
    try:
        moment = float(seconds)
    except ValueError:
        moment = -1.0
    if not equals or not file or not 0 <= moment < float("inf"):
        raise InvalidRequest("at", told, "be SECONDS=FILE", "0=picture.png")
    return moment, Path(file)


def _stretch(told: str) -> tuple[float, float]:
    """Two moments [s], as START-END."""
    first, _, last = told.partition("-")
    try:
        return float(first), float(last)
    except ValueError as error:
        raise InvalidRequest("keep", told, "be START-END in seconds", "0.5-2") from error
