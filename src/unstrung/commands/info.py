"""`unstrung info`: how a clip or a still was made."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from unstrung.commands.output import print_json, print_line, print_rows
from unstrung.commands.session import AsJson, Debug, session_of


def info(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A clip or still made by unstrung, or any other.")],
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Read size, length and recipe back from a file."""
    session_of(context, debug)
    from unstrung.engine.image_io import IMAGE_SUFFIXES, recipe_of_image
    from unstrung.engine.video_io import probe

    found = probe(file)
    if found.recipe is None:
        found = replace(found, recipe=recipe_of_image(file))
    if as_json:
        print_json({"path": str(file), **asdict(found)})
        return
    print_line(str(file))
    print_rows(
        {
            **(
                {"still": f"{found.width} x {found.height}"}
                if file.suffix.lower() in IMAGE_SUFFIXES
                else {
                    "clip": f"{found.width} x {found.height}, {found.num_frames} frames, "
                    f"{found.seconds:.2f} s at {found.frame_rate:g} fps"
                }
            ),
            "codec": f"{found.codec}, {found.pixel_format}",
        }
    )
    if found.recipe is None:
        print_line("  The file carries no recipe; it was made or rewritten by another program.")
        return
    print_line("recipe")
    print_rows({str(name): value for name, value in found.recipe.items()})
