"""`unstrung generate`: from a sentence to an mp4."""

from typing import Annotated

import typer

from unstrung.commands.clips import Count, Prompt, Size
from unstrung.commands.session import Pipeline
from unstrung.commands.wishes import OnStep, Wish, drawing
from unstrung.engine.request import NATIVE, Generation, GenerationRequest


@drawing
def generate(
    wish: Wish,
    prompt: Prompt,
    seconds: Annotated[
        float, typer.Option(help="Length, at most 60; the nearest legal one is taken.")
    ] = 4.0,
    size: Size = NATIVE,
    count: Count = 1,
) -> None:
    """Make a clip from a sentence."""

    def make(model: Pipeline, request: GenerationRequest, on_step: OnStep) -> Generation:
        from unstrung.engine import continuation

        return continuation.text_to_video(model, request, on_step)

    wish.carry_out(wish.request(prompt, seconds, size=size, count=count), make)
