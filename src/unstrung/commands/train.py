"""`unstrung train`: make the parts of a model."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from unstrung.commands.display import RunDisplay
from unstrung.commands.output import print_line
from unstrung.commands.session import Debug, session_of


class Part(StrEnum):
    """What can be trained."""

    ORACLE = "oracle"
    AUTOENCODER = "autoencoder"
    TEXT = "text"
    PLANNER = "planner"
    TRANSFORMER = "transformer"
    STUDENT = "student"


def _run_of(part: Part) -> Callable[..., None]:
    """What trains a part; torch is imported when it is asked for, and not before."""
    from unstrung.engine.training import planner, runs, student_run

    return {
        Part.ORACLE: runs.run_oracle,
        Part.AUTOENCODER: runs.run_autoencoder,
        Part.TEXT: runs.run_text,
        Part.PLANNER: planner.run_planner,
        Part.TRANSFORMER: runs.run_transformer,
        Part.STUDENT: student_run.run_student,
    }[part]


def train(
    context: typer.Context,
    part: Annotated[Part, typer.Argument(help="Which part to train.")],
    preset: Annotated[str, typer.Option(help="Name of the preset.")] = "mini",
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run; training/PART-PRESET if left out.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0, help="Stop after so long; the preset's own if left out.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last state.")] = False,
    start: Annotated[
        Path | None,
        typer.Option(
            help="Transformer, planner, student: folder of weights to begin with; autoencoder: "
            "of the transformer whose clips it learns to show."
        ),
    ] = None,
    cooldown: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=0.99,
            help="Transformer only: last share of the run in which step sizes fall to 0.",
        ),
    ] = None,
    debug: Debug = False,
) -> None:
    """Train one part; checkpoints, loss curves and samples go into the folder of the run."""
    session = session_of(context, debug)
    run = _run_of(part)
    session.has_begun = True
    folder = out or Path("training") / f"{part.value}-{preset}"
    session.stop_message = f"Stopped; the last checkpoint is in {folder}, go on with --resume."
    with RunDisplay(Console(stderr=True), f"{part.value} {preset}") as display:
        if part is Part.TRANSFORMER:
            run(preset, folder, minutes, resume, display.show, start, cooldown)
        elif part in (Part.PLANNER, Part.STUDENT, Part.AUTOENCODER):
            run(preset, folder, minutes, resume, display.show, start)
        else:
            run(preset, folder, minutes, resume, display.show)
    print_line(str(folder))


def ship(
    context: typer.Context,
    preset: Annotated[str, typer.Option(help="Name of the preset.")] = "mini",
    root: Annotated[Path, typer.Option(help="Folder that holds the runs.")] = Path("training"),
    out: Annotated[Path, typer.Option(help="Folder of weights to write.")] = Path("weights"),
    debug: Debug = False,
) -> None:
    """Copy the newest weights of all parts, in bf16, into one folder that `generate --weights` reads."""
    session = session_of(context, debug)
    from unstrung.engine.training.ship import ship as copy_weights

    session.has_begun = True
    facts = copy_weights(preset, root, out)
    print_line(f"{out}: {facts['samples']} samples, {facts['training_hours']} hours of training")
