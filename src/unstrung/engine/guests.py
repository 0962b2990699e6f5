"""Guests: characters of a person's own in a model's cast, shown to it as portraits in place of members."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from torch import Tensor

from unstrung.engine.characters import MAX_CHARACTERS, Character, stand_in
from unstrung.engine.denoising import Denoiser
from unstrung.engine.errors import InvalidRequest
from unstrung.engine.layout_reading import key_of
from unstrung.engine.models.autoencoder import Autoencoder
from unstrung.engine.models.sketch import GROUND
from unstrung.engine.models.text_encoder import PORTRAIT_CELLS, TextEncoder
from unstrung.engine.shapes import COMPRESSION
from unstrung.engine.theatre.cast import load_cast


@dataclass(frozen=True)
class Guest:
    """A character and the member who lends it a word."""

    character: Character
    member: str


def choose_members(
    denoiser: Denoiser, autoencoder: Autoencoder, characters: Sequence[Character]
) -> tuple[Guest, ...]:
    """For each character the member of the cast who looks most like it.

    Raises:
        InvalidRequest: for more than two, two of one name, or a model without portraits.
    """
    names = [character.name.casefold() for character in characters]
    if len(characters) > MAX_CHARACTERS or len(set(names)) < len(names):
        rule = f"be at most {MAX_CHARACTERS}, each with a name of its own"
        raise InvalidRequest("characters", ", ".join(names), rule, names[0])
    if not denoiser.text_encoder.num_portraits:
        raise InvalidRequest("characters", names[0], "be shown to a model with portraits", "mini")
    guests: list[Guest] = []
    portraits = {
        name: _picture_of(denoiser.text_encoder, autoencoder, name) for name in denoiser.cast
    }
    for character in characters:
        taken = [guest.member for guest in guests]
        guests.append(Guest(character, stand_in(character.picture, portraits, taken)))
    return tuple(guests)


def with_guests(denoiser: Denoiser, autoencoder: Autoencoder, guests: Sequence[Guest]) -> Denoiser:
    """A denoiser that paints the guests where captions name the members that lend them their words."""
    book = denoiser.text_encoder.portraits.clone()
    for guest in guests:
        book[_number(guest.member)] = portrait_latents(autoencoder, guest.character.picture)
    encoder = copy.copy(denoiser.text_encoder)  # shares all weights
    encoder._buffers = {**encoder._buffers, "portraits": book}
    return replace(denoiser, text_encoder=encoder)


@torch.inference_mode()
def portrait_latents(autoencoder: Autoencoder, picture: np.ndarray) -> Tensor:
    """A portrait (C, 4, 4) as the model is shown it, from a picture (S, S, 4) premultiplied RGBA."""
    side = PORTRAIT_CELLS * COMPRESSION.height
    small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32)
    ground = (np.array(GROUND, np.float32) + 1) * 127.5
    over = small[..., :3] + ground * (1 - small[..., 3:] / 255)
    pixels = torch.from_numpy(over.clip(0, 255)).permute(2, 0, 1)[None, :, None] / 127.5 - 1
    latents: Tensor = autoencoder.encode(pixels)
    return latents[0, :, 0]


@torch.inference_mode()
def _picture_of(encoder: TextEncoder, autoencoder: Autoencoder, name: str) -> np.ndarray:
    """A member's portrait as (S, S, 4) uint8 premultiplied RGBA."""
    latents = encoder.portraits[_number(name)][None, :, None].to(autoencoder.mean.dtype)
    picture = autoencoder.decode_linear(latents)[:, :, -1].clamp(-1, 1)
    solid = key_of(picture)[0]
    colours = (picture[0] + 1) * 127.5 * solid
    pixels = torch.cat([colours, 255 * solid[None]]).permute(1, 2, 0)
    result: np.ndarray = pixels.round().to(torch.uint8).numpy()
    return result


def _number(name: str) -> int:
    return list(load_cast()).index(name)
