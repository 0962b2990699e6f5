"""The book of portraits: what every cast member looks like, as latents that the transformer paints from."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from unstrung.engine.data.prepare import to_pixels
from unstrung.engine.models.autoencoder import Autoencoder
from unstrung.engine.models.sketch import GROUND
from unstrung.engine.models.text_encoder import NUM_PORTRAITS, PORTRAIT_CELLS, TextEncoder
from unstrung.engine.shapes import COMPRESSION
from unstrung.engine.theatre.cast import load_cast
from unstrung.engine.theatre.script import Script
from unstrung.engine.theatre.sprites import portrait

_NUMBERS = {name: index for index, name in enumerate(load_cast())}
NOBODY = len(_NUMBERS)


@torch.no_grad()
def portrait_book(autoencoder: Autoencoder, art: Path | None) -> Tensor:
    """Latents (members + 1, C, 4, 4) of everybody's first frame on a plain ground; the last shows the ground.

    Args:
        autoencoder: whose latents they are.
        art: folder of the art; without it only drawn props have a body.
    """
    size = PORTRAIT_CELLS * COMPRESSION.height
    pictures = [portrait(member, art, size) for member in load_cast().values()]
    pictures.append(np.zeros((size, size, 4), np.uint8))
    stack = np.stack(pictures).astype(np.float32)
    ground = (np.array(GROUND, np.float32) + 1) * 127.5
    over = stack[..., :3] + ground * (1 - stack[..., 3:] / 255.0)
    pixels = [to_pixels(picture[None]) for picture in over.clip(0, 255)]
    return autoencoder.encode(torch.cat(pixels))[:, :, 0]


def with_portraits(encoder: TextEncoder, book: Tensor) -> TextEncoder:
    """The same text encoder with a book of portraits; a book that is there already stays."""
    config = replace(encoder.config, num_members=len(book) - 1, portrait_channels=book.shape[1])
    if config == encoder.config:
        return encoder
    extended = TextEncoder(config, encoder.tokenizer)
    known = {k: v for k, v in encoder.state_dict().items() if k != "portraits"}
    extended.load_state_dict({**extended.state_dict(), **known, "portraits": book})
    return extended


def cast_numbers(scripts: Sequence[Script], num_spans: int) -> Tensor:
    """Whose portraits belong to every shot, (B, spans, 2) numbers in the book."""
    numbers = torch.full((len(scripts), num_spans, NUM_PORTRAITS), NOBODY)
    for row, script in enumerate(scripts):
        for span, shot in enumerate(script.shots):
            for place, actor in enumerate(shot.actors):
                numbers[row, span, place] = _NUMBERS[actor.name]
    return numbers


@torch.no_grad()
def teach_casting(encoder: TextEncoder, actor: torch.nn.Linear, second: torch.nn.Linear) -> None:
    """Take over the reader's heads for the first actor, who is never nobody, and for the second."""
    if not encoder.num_portraits:
        return
    for head, source in zip(encoder.casting, (actor, second), strict=True):
        assert isinstance(head, torch.nn.Linear)
        rows = len(source.weight)
        head.weight.zero_()
        head.bias.fill_(-1e4)
        head.weight[:rows].copy_(source.weight)
        head.bias[:rows].copy_(source.bias)
