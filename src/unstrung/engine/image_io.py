"""Pictures: stills and contact sheets. Imports Pillow only when there is something to do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from unstrung.engine.errors import InvalidRequest
from unstrung.engine.video_io import recipe_from_text, recipe_to_text, replacing

IMAGE_SUFFIXES: Final = (".png", ".jpg", ".jpeg", ".webp")
_RECIPE_KEY: Final = "unstrung"


def write_image(path: Path, image: np.ndarray, recipe: Mapping[str, Any] | None = None) -> None:
    """Write a picture (H, W, 3 or 4) uint8 as PNG, JPEG or WebP, by suffix, never half of it.

    Args:
        path: what to write, replaced if it exists.
        image: the picture.
        recipe: how it was made; goes into a PNG as text.

    Raises:
        InvalidRequest: if the suffix is none of these.
        DataError: if the file cannot be written.
    """
    from PIL import Image, PngImagePlugin

    if path.suffix.lower() not in IMAGE_SUFFIXES:
        raise InvalidRequest(
            "path", path, f"end in {', '.join(IMAGE_SUFFIXES)}", f"{path.stem}.png"
        )
    picture = Image.fromarray(image)
    picture_format = Image.registered_extensions()[path.suffix.lower()]
    more: dict[str, Any] = {}
    if picture_format == "PNG" and recipe is not None:
        more["pnginfo"] = PngImagePlugin.PngInfo()
        more["pnginfo"].add_itxt(_RECIPE_KEY, recipe_to_text(recipe))
    with replacing(path) as temporary:
        picture.save(temporary, format=picture_format, quality=90, **more)


def recipe_of_image(path: Path) -> dict[str, Any] | None:
    """How a picture was made; None if it does not say, or is no picture."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as picture:
            return recipe_from_text(str(picture.info.get(_RECIPE_KEY, "")))
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
        return None


@dataclass(frozen=True)
class SheetStyle:
    """How a contact sheet is laid out.

    Attributes:
        num_frames: pictures shown of each clip, evenly spaced in time.
        frame_width: width of each picture [px].
        font_size: height of the labels [px].
        gap: space between clips [px].
    """

    num_frames: int = 4
    frame_width: int = 160
    font_size: int = 13
    gap: int = 10


DEFAULT_SHEET: Final = SheetStyle()


def contact_sheet(
    clips: Sequence[np.ndarray],
    labels: Sequence[str],
    columns: int = 2,
    style: SheetStyle = DEFAULT_SHEET,
) -> np.ndarray:
    """Lay out clips as strips of frames with their captions below, for people to look at.

    Args:
        clips: (F, H, W, 3) uint8 each, of any sizes.
        labels: one text for each clip, in any script; long ones are wrapped.
        columns: clips side by side.
        style: numbers of the layout.

    Returns:
        (H, W, 3) uint8.

    Raises:
        InvalidRequest: if there are no clips, or not one label for each.
    """
    from PIL import Image

    if not clips or len(clips) != len(labels):
        shown = f"{len(labels)} for {len(clips)} clips"
        raise InvalidRequest("labels", shown, "be one for each of at least one clip")
    cells = [_cell(clip, label, style) for clip, label in zip(clips, labels, strict=True)]
    columns = min(columns, len(cells))
    rows = [cells[start : start + columns] for start in range(0, len(cells), columns)]
    width = columns * (max(cell.width for cell in cells) + style.gap) + style.gap
    heights = [max(cell.height for cell in row) + style.gap for row in rows]
    sheet = Image.new("RGB", (width, sum(heights) + style.gap), "white")
    top = style.gap
    for row, height in zip(rows, heights, strict=True):
        for index, cell in enumerate(row):
            left = style.gap + index * ((width - style.gap) // columns)
            sheet.paste(cell, (left, top))
        top += height
    return np.asarray(sheet)


def _cell(clip: np.ndarray, label: str, style: SheetStyle) -> Any:
    """One clip's strip of frames with its label below, as a PIL image."""
    from PIL import Image, ImageDraw

    moments = np.linspace(0, len(clip) - 1, min(style.num_frames, len(clip))).round().astype(int)
    height = max(1, round(style.frame_width * clip.shape[1] / clip.shape[2]))
    font = _font(style.font_size)
    width = style.num_frames * style.frame_width
    lines = _wrapped(label, font, width)
    line_height = round(style.font_size * 1.4)
    cell = Image.new("RGB", (width, height + line_height * len(lines) + 2), "white")
    for index, moment in enumerate(moments):
        picture = Image.fromarray(clip[moment]).resize((style.frame_width, height))
        cell.paste(picture, (index * style.frame_width, 0))
    draw = ImageDraw.Draw(cell)
    for index, line in enumerate(lines):
        from_right = _reads_from_right(line)
        left = width - font.getlength(line) if from_right else 0
        draw.text((left, height + 2 + index * line_height), line, fill="black", font=font)
    return cell


def _font(size: int) -> Any:
    """A font with Arabic letters if this machine has one, else Pillow's own."""
    import importlib.util

    from PIL import ImageFont

    candidates = ["DejaVuSans.ttf", "NotoSansArabic-Regular.ttf", "Arial.ttf", "arial.ttf"]
    plotting = importlib.util.find_spec("matplotlib")
    if plotting is not None and plotting.origin:
        bundled = Path(plotting.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
        candidates.insert(0, str(bundled))
    for name in candidates:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return ImageFont.load_default(size)


def _wrapped(label: str, font: Any, width: int) -> list[str]:
    """Break a label into lines of at most `width` pixels, inside a word only where it must be."""
    lines: list[str] = []
    for paragraph in label.splitlines() or [""]:
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}".strip()
            if line and font.getlength(longer) > width:
                lines.append(line)
                longer = word
            while font.getlength(longer) > width and len(longer) > 1:
                cut = max(1, int(len(longer) * width / font.getlength(longer)))
                lines.append(longer[:cut])
                longer = longer[cut:]
            line = longer
        lines.append(line)
    return lines


def _reads_from_right(line: str) -> bool:
    return any("\u0590" <= character <= "\u08ff" for character in line)
