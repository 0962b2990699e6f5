"""`unstrung image-to-video | extend | loop | connect | edit`: from a person's own pictures and clips."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unstrung.commands.generate import print_result, run
from unstrung.commands.output import print_json
from unstrung.commands.session import AsJson, Debug, Pipeline, Session, Weights, session_of
from unstrung.engine.request import Generation, GenerationRequest, Step

if TYPE_CHECKING:
    from unstrung.engine.continuation import Source

Seconds = Annotated[float, typer.Option(help="Seconds to make; the nearest legal length is taken.")]
Seed = Annotated[int | None, typer.Option(help="Makes a clip again; drawn if left out.")]
Steps = Annotated[int | None, typer.Option(help="Denoising steps; the model's own if left out.")]
Guidance = Annotated[
    float | None, typer.Option(help="Pull of the text; the model's own if left out.")
]
Out = Annotated[
    Path | None,
    typer.Option(help="The mp4 to write, replaced if it exists; named after the prompt else."),
]
Preview = Annotated[
    bool, typer.Option("--preview/--no-preview", help="Draw the clip while it forms.")
]
Verbatim = Annotated[
    bool, typer.Option("--verbatim", help="Hand the prompt to the model as it stands.")
]
Prompt = Annotated[str, typer.Argument(help="What should be seen, in any of six languages.")]
Clip = Annotated[Path, typer.Argument(help="A clip of your own; any that FFmpeg reads.")]
Make = Callable[[Pipeline, GenerationRequest, Callable[[Step], None]], Generation]


def image_to_video(
    context: typer.Context,
    image: Annotated[Path, typer.Argument(help="A picture of your own.")],
    prompt: Prompt,
    seconds: Seconds = 4.0,
    seed: Seed = None,
    steps: Steps = None,
    guidance: Guidance = None,
    out: Out = None,
    as_json: AsJson = False,
    preview: Preview = True,
    verbatim: Verbatim = False,
    weights: Weights = None,
    debug: Debug = False,
) -> None:
    """Make a clip that begins with a picture."""
    request = GenerationRequest(
        prompt, seconds, seed=seed, num_steps=steps, guidance_scale=guidance, verbatim=verbatim
    )

    def make(
        model: Pipeline, request: GenerationRequest, on_step: Callable[[Step], None]
    ) -> Generation:
        from unstrung.engine import continuation

        return continuation.image_to_video(model, request, _source(model, image), on_step)

    _carry_out(session_of(context, debug), request, make, out, weights, preview, as_json)


def extend(
    context: typer.Context,
    clip: Clip,
    prompt: Prompt,
    seconds: Seconds = 3.0,
    before: Annotated[
        bool, typer.Option("--before", help="Put them before the beginning, not after the end.")
    ] = False,
    seed: Seed = None,
    steps: Steps = None,
    guidance: Guidance = None,
    out: Out = None,
    as_json: AsJson = False,
    preview: Preview = True,
    verbatim: Verbatim = False,
    weights: Weights = None,
    debug: Debug = False,
) -> None:
    """Make a clip go on, up to a minute."""
    request = GenerationRequest(
        prompt, seconds, seed=seed, num_steps=steps, guidance_scale=guidance, verbatim=verbatim
    )

    def make(
        model: Pipeline, request: GenerationRequest, on_step: Callable[[Step], None]
    ) -> Generation:
        from unstrung.engine import continuation

        return continuation.extend(model, request, _source(model, clip), on_step, before)

    _carry_out(session_of(context, debug), request, make, out, weights, preview, as_json)


def loop(
    context: typer.Context,
    clip: Clip,
    prompt: Prompt,
    seconds: Seconds = 2.0,
    seed: Seed = None,
    steps: Steps = None,
    guidance: Guidance = None,
    out: Out = None,
    as_json: AsJson = False,
    preview: Preview = True,
    verbatim: Verbatim = False,
    weights: Weights = None,
    debug: Debug = False,
) -> None:
    """Make a clip lead back to its beginning, so that it can be played round and round."""
    request = GenerationRequest(
        prompt, seconds, seed=seed, num_steps=steps, guidance_scale=guidance, verbatim=verbatim
    )

    def make(
        model: Pipeline, request: GenerationRequest, on_step: Callable[[Step], None]
    ) -> Generation:
        from unstrung.engine import continuation

        return continuation.loop(model, request, _source(model, clip), on_step)

    _carry_out(session_of(context, debug), request, make, out, weights, preview, as_json)


def connect(
    context: typer.Context,
    first: Clip,
    second: Annotated[Path, typer.Argument(help="The clip that it leads to.")],
    prompt: Prompt,
    seconds: Seconds = 2.0,
    seed: Seed = None,
    steps: Steps = None,
    guidance: Guidance = None,
    out: Out = None,
    as_json: AsJson = False,
    preview: Preview = True,
    verbatim: Verbatim = False,
    weights: Weights = None,
    debug: Debug = False,
) -> None:
    """Make what lies between two clips, and join all three."""
    request = GenerationRequest(
        prompt, seconds, seed=seed, num_steps=steps, guidance_scale=guidance, verbatim=verbatim
    )

    def make(
        model: Pipeline, request: GenerationRequest, on_step: Callable[[Step], None]
    ) -> Generation:
        from unstrung.engine import continuation

        start = _source(model, first)
        end = _source(model, second, start.size)
        return continuation.connect(model, request, start, end, on_step)

    _carry_out(session_of(context, debug), request, make, out, weights, preview, as_json)


def edit(
    context: typer.Context,
    clip: Clip,
    prompt: Prompt,
    strength: Annotated[
        str, typer.Option(help="subtle, mild, strong, or a number above 0 and at most 1.")
    ] = "strong",
    seed: Seed = None,
    steps: Steps = None,
    guidance: Guidance = None,
    out: Out = None,
    as_json: AsJson = False,
    preview: Preview = True,
    verbatim: Verbatim = False,
    weights: Weights = None,
    debug: Debug = False,
) -> None:
    """Draw a clip again under another prompt; the motion stays."""
    request = GenerationRequest(
        prompt, seed=seed, num_steps=steps, guidance_scale=guidance, verbatim=verbatim
    )

    def make(
        model: Pipeline, request: GenerationRequest, on_step: Callable[[Step], None]
    ) -> Generation:
        from unstrung.engine import continuation

        return continuation.edit(model, request, _source(model, clip), strength, on_step)

    _carry_out(session_of(context, debug), request, make, out, weights, preview, as_json)


def _source(model: Pipeline, path: Path, size: str | None = None) -> "Source":
    from unstrung.engine.continuation import read_source

    return read_source(path, model.native, size)


def _carry_out(
    session: Session,
    request: GenerationRequest,
    make: Make,
    out: Path | None,
    weights: Path | None,
    shows_previews: bool,
    as_json: bool,
) -> None:
    result = run(session, request, out, weights, shows_previews, make)
    if as_json:
        print_json(result)
    else:
        print_result(result)
