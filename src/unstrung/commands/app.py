"""The tree of commands."""

from collections.abc import Sequence
from typing import Annotated

import typer

from unstrung import __version__
from unstrung.commands.character import character
from unstrung.commands.clips import (
    blend,
    connect,
    edit,
    extend,
    image_to_video,
    keyframes,
    loop,
    recut,
    refine,
    still,
    storyboard,
)
from unstrung.commands.data import data_commands
from unstrung.commands.doctor import doctor
from unstrung.commands.evaluate import evaluate
from unstrung.commands.generate import generate
from unstrung.commands.info import info
from unstrung.commands.keys import keys_commands
from unstrung.commands.log import log_commands
from unstrung.commands.programme import programme_commands
from unstrung.commands.session import Session
from unstrung.commands.sign_in import sign_in
from unstrung.commands.studio import api, migrate, serve, worker
from unstrung.commands.train import ship, train


def run_app(arguments: Sequence[str] | None, session: Session) -> None:
    """Parse the arguments and run the command they name; always ends in SystemExit or an error.

    Args:
        arguments: without the program's name; None takes those of the process.
        session: handed to the command.
    """
    app = typer.Typer(
        help="Text to video on a CPU, from weights trained on openly licensed art.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    app.callback()(_root)
    app.command()(generate)
    for command in (still, storyboard, image_to_video, keyframes, extend, recut, loop):
        app.command()(command)
    for command in (connect, blend, edit, refine, character):
        app.command()(command)
    app.command()(evaluate)
    app.command()(train)
    app.command()(ship)
    app.add_typer(data_commands)
    app.command()(info)
    app.command()(doctor)
    for part in (serve, api, worker, migrate):
        app.command()(part)
    app.add_typer(keys_commands)
    app.command()(sign_in)
    app.add_typer(log_commands)
    app.add_typer(programme_commands)
    typer.main.get_command(app).main(args=arguments, prog_name="unstrung", obj=session)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"unstrung {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    """Text to video on a CPU, from weights trained on openly licensed art."""
