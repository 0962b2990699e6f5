"""`unstrung character`: look at who is cut out of a clip before drawing with it."""

from pathlib import Path
from typing import Annotated

import typer

from unstrung.commands.output import print_line
from unstrung.commands.session import Debug, session_of


def character(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A clip of 2 to 4 s, or a picture.")],
    name: Annotated[str, typer.Option(help="What prompts are to call it.")] = "character",
    out: Annotated[
        Path | None, typer.Option(help="The transparent .png to write; NAME.png if left out.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Cut somebody out of a clip; `generate --character NAME=FILE.png` draws with it."""
    session = session_of(context, debug)
    from unstrung.engine.characters import read_character, straight_alpha
    from unstrung.engine.errors import InvalidRequest
    from unstrung.engine.image_io import write_image
    from unstrung.engine.video_io import check_target

    target = out or Path(f"{name}.png")
    if target.suffix.lower() != ".png":
        raise InvalidRequest("out", target, "end in .png", f"{target.stem or name}.png")
    check_target(target)
    session.has_begun = True
    cut = read_character(name, file).picture
    write_image(target, straight_alpha(cut), {"operation": "character", "name": name})
    print_line(str(target))
