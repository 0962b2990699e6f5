"""Options that every command that draws has, written once and added to the commands' own."""

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unstrung.commands.making import print_result, run
from unstrung.commands.output import print_json
from unstrung.commands.session import AsJson, Debug, Pipeline, Weights, session_of
from unstrung.engine.request import NATIVE, Generation, GenerationRequest, Step

if TYPE_CHECKING:
    from unstrung.engine.sources import Source

OnStep = Callable[[Step], None]
Make = Callable[[Pipeline, GenerationRequest, OnStep], Generation]


@dataclass(frozen=True)
class Wish:
    """How a person wants something drawn, whatever it is.

    Attributes:
        context: of the command line.
        seed, steps, guidance, verbatim: as in a request.
        characters: NAME=FILE each.
        out, weights, preview, as_json, debug: of the command.
    """

    context: typer.Context
    seed: int | None
    steps: int | None
    guidance: float | None
    verbatim: bool
    characters: Sequence[str]
    out: Path | None
    weights: Path | None
    preview: bool
    as_json: bool
    debug: bool

    def request(
        self, prompt: str, seconds: float = 4.0, size: str = NATIVE, count: int = 1
    ) -> GenerationRequest:
        """A request with these settings."""
        return GenerationRequest(
            prompt, seconds, size, self.seed, self.steps, self.guidance, count, self.verbatim
        )

    def carry_out(
        self, request: GenerationRequest, make: Make | None = None, suffix: str = ".mp4"
    ) -> None:
        """Load the model, draw, write, and tell what was made.

        Args:
            request: what to draw.
            make: another way than from the prompt alone.
            suffix: of the file: .mp4, or .png for a still.
        """
        session = session_of(self.context, self.debug)
        result = run(
            session, request, self.out, self.weights, self.preview, make, self.characters, suffix
        )
        if self.as_json:
            print_json(result)
        else:
            print_result(result)


def _options(
    context: typer.Context,
    seed: Annotated[int | None, typer.Option(help="Makes a clip again; drawn if left out.")] = None,
    steps: Annotated[
        int | None, typer.Option(help="Denoising steps; the model's own if left out.")
    ] = None,
    guidance: Annotated[
        float | None, typer.Option(help="Pull of the text; the model's own if left out.")
    ] = None,
    verbatim: Annotated[
        bool, typer.Option("--verbatim", help="Hand the prompt to the model as it stands.")
    ] = False,
    character: Annotated[
        list[str] | None,
        typer.Option(help="NAME=FILE: somebody of your own, cut out of a picture or clip."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="The file to write, replaced if it exists; named after the prompt else."),
    ] = None,
    weights: Weights = None,
    preview: Annotated[
        bool, typer.Option("--preview/--no-preview", help="Draw the clip while it forms.")
    ] = True,
    as_json: AsJson = False,
    debug: Debug = False,
) -> Wish:
    """These options as one value."""
    return Wish(
        context, seed, steps, guidance, verbatim, character or (), out, weights, preview, as_json,
        debug,
    )  # fmt: skip


def drawing(command: Callable[..., None]) -> Callable[..., None]:
    """Make a command of a function that takes a `Wish` first; its other arguments stay as they are."""
    common = inspect.signature(_options).parameters
    own = list(inspect.signature(command).parameters.values())[1:]

    @functools.wraps(command)
    def wrapped(**values: Any) -> None:
        wish = _options(**{name: values.pop(name) for name in common})
        command(wish, **values)

    parameters = [common["context"], *own, *(p for n, p in common.items() if n != "context")]
    keyword = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
    wrapped.__signature__ = inspect.Signature(keyword)  # type: ignore[attr-defined]  # typer reads it
    wrapped.__annotations__ = {p.name: p.annotation for p in keyword}
    return wrapped


def read(model: Pipeline, path: Path, size: str | None = None) -> "Source":
    """A picture or clip of the person's own, fitted to the model."""
    from unstrung.engine.sources import read_source

    return read_source(path, model.native, size)
