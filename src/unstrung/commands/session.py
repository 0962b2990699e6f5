"""What one run of the command line carries from command to command."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from unstrung.engine.request import Generation, GenerationRequest, NativeShapes, Step

if TYPE_CHECKING:
    from unstrung.engine.conditioning import GivenClip, TextSpans
    from unstrung.engine.prompt import MappedPrompt


class Pipeline(Protocol):
    """What `generate` needs of a loaded model; `unstrung.engine.pipeline.TextToVideo` has it."""

    @property
    def name(self) -> str:
        """Name of the model."""

    @property
    def native(self) -> NativeShapes:
        """Sizes and lengths it was trained for."""

    def generate(
        self,
        request: GenerationRequest,
        on_step: Callable[[Step], None] | None = None,
        given: "GivenClip | None" = None,
        spans: "TextSpans | None" = None,
    ) -> Generation:
        """Make the clips of a request, from given frames if there are any."""

    def understand(self, prompts: Sequence[str], verbatim: bool = False) -> "MappedPrompt":
        """Captions of prompts that follow one another."""

    def with_characters(self, files: Sequence[tuple[str, Path]]) -> "Pipeline":
        """The same model with somebody of the person's own in its cast."""


Load = Callable[[Path | None], Pipeline]

NOTHING_WRITTEN = "Stopped; nothing was written."


@dataclass
class Session:
    """State of one run.

    Attributes:
        load: makes the pipeline from a folder of weights, None for the shipped ones.
        debug: show tracebacks.
        stop_message: what to say if the person stops the run now.
        has_begun: whether files or other processes may need a clean-up if the run stops now.
        interrupted_at: when ctrl-C was pressed [s, monotonic], None before.
        leave_terminal: clears what is drawn on the terminal.
    """

    load: Load
    debug: bool = False
    stop_message: str = NOTHING_WRITTEN
    has_begun: bool = False
    interrupted_at: float | None = None
    leave_terminal: Callable[[], None] = lambda: None


def session_of(context: typer.Context, debug: bool) -> Session:
    """The session of this run, which now knows whether to show tracebacks."""
    session = context.obj
    assert isinstance(session, Session)
    session.debug = debug
    return session


def load_pipeline(weights: Path | None) -> Pipeline:
    """Load the real pipeline; torch is imported here and not before."""
    from unstrung.engine.pipeline import TextToVideo

    return TextToVideo.load(weights)


AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Weights = Annotated[
    Path | None, typer.Option("--weights", help="Folder of weights; the shipped ones if left out.")
]
