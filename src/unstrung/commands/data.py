"""`unstrung data`: art in, scenes to look at, clips to train on."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from unstrung.commands.display import RunDisplay
from unstrung.commands.output import print_line, print_rows
from unstrung.commands.session import Debug, session_of

data_commands = typer.Typer(
    name="data", help="Fetch the art, look at scenes, prepare training data.", no_args_is_help=True
)


class Language(StrEnum):
    """Languages of captions."""

    EN = "en"
    IT = "it"
    FR = "fr"
    ES = "es"
    AR = "ar"
    ID = "id"


@data_commands.command()
def fetch(
    context: typer.Context,
    folder: Annotated[
        Path | None,
        typer.Option(help="Where the art goes; UNSTRUNG_DATA or the cache if left out."),
    ] = None,
    packed: Annotated[
        Path | None, typer.Option(help="Folder of packages packed elsewhere by npm.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Fetch and verify the animated art (730 MB through npm); needed only to train."""
    session = session_of(context, debug)
    from unstrung.engine.theatre.fetch import fetch_art

    session.has_begun = True
    session.stop_message = "Stopped; the same command goes on from here."

    def announce(package: str) -> None:
        typer.echo(f"Fetching {package}", err=True)

    print_line(str(fetch_art(folder, packed, announce)))


@data_commands.command()
def preview(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="Contact sheet to write.")] = Path("preview.png"),
    num: Annotated[int, typer.Option(min=1, max=200, help="Scenes to draw.")] = 24,
    seed: Annotated[int, typer.Option(min=0, help="Other seeds give other scenes.")] = 0,
    art: Annotated[
        Path | None, typer.Option(help="Folder of the art; the default one if left out.")
    ] = None,
    language: Annotated[Language, typer.Option(help="Language of the captions.")] = Language.EN,
    debug: Debug = False,
) -> None:
    """Write a contact sheet of theatre scenes with their captions."""
    session = session_of(context, debug)
    from unstrung.engine.theatre.fetch import art_folder
    from unstrung.engine.theatre.preview import write_preview
    from unstrung.engine.video_io import check_target

    session.has_begun = True
    check_target(out)
    folder = art or art_folder()
    write_preview(out, num, seed, folder if art or folder.is_dir() else None, language.value)
    print_line(str(out))


@data_commands.command()
def prepare(
    context: typer.Context,
    preset: Annotated[str, typer.Option(help="Name of the preset.")] = "mini",
    out: Annotated[Path, typer.Option(help="Folder of the clips.")] = Path("training/data"),
    num: Annotated[
        int | None, typer.Option(min=1, help="Clips to render; the preset's own if left out.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Other seeds give other clips.")] = 11,
    debug: Debug = False,
) -> None:
    """Render captioned clips and cache their latents for training."""
    session = session_of(context, debug)
    from unstrung.engine.training import runs

    session.has_begun = True
    session.stop_message = f"Stopped; finished shards stay in {out}."
    with RunDisplay(Console(stderr=True), f"prepare {preset}") as display:
        runs.prepare_data(preset, out, num, seed, display.show)
    print_line(str(out))


@data_commands.command()
def cast(
    context: typer.Context,
    language: Annotated[Language, typer.Option(help="Language of the names.")] = Language.EN,
    debug: Debug = False,
) -> None:
    """List the cast: script name and name in one language."""
    session_of(context, debug)
    from unstrung.engine.theatre.cast import load_cast

    print_rows({name: member.names[language.value] for name, member in load_cast().items()})
