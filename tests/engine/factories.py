"""Builders that several test files share: tiny models, drawn props, caches of latents; no downloads."""

import itertools
import resource
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from unstrung.engine.data.prepare import to_pixels
from unstrung.engine.layout import BODY, CAMERA, LAYOUT_SIZE
from unstrung.engine.models.autoencoder import CELL_SIZE, Autoencoder, AutoencoderConfig
from unstrung.engine.models.text_encoder import (
    SLOTS,
    Condition,
    TextEncoder,
    TextEncoderConfig,
    no_layout,
)
from unstrung.engine.models.transformer import Transformer, TransformerConfig
from unstrung.engine.shapes import LatentShape, VideoShape
from unstrung.engine.theatre.render import render
from unstrung.engine.theatre.repertoire import Repertoire, draw_script
from unstrung.engine.theatre.script import Action, Actor, Script, Setting, Shot
from unstrung.engine.theatre.sprites import Sprites
from unstrung.engine.training.text import captioned_shots, train_tokenizer

PROPS = ("circle", "box", "triangle", "ring", "cross", "diamond")
REPERTOIRE = Repertoire(PROPS)
LATENT_CHANNELS = 12
CONTEXT_SIZE = 32
VOCABULARY_SIZE = 512


def gaussian(*size: int, seed: int = 0) -> Tensor:
    """Seeded normal numbers that leave the global generator alone."""
    return torch.randn(size, generator=torch.Generator().manual_seed(seed))


def wake(module: nn.Module, seed: int = 0, size: float = 0.1) -> None:
    """Move every weight off its starting value, so that layers that start at zero take part."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=size)


def tiny_autoencoder(decoder_channels: int = 0) -> Autoencoder:
    """A code of twelve numbers a cell: the mean of each colour in each quadrant. Nothing to fit."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        autoencoder = Autoencoder(AutoencoderConfig(LATENT_CHANNELS, decoder_channels, 1))
    basis = torch.zeros(3, 2, 2, 3, 4, 16, 16)
    for colour, row, column in itertools.product(range(3), range(2), range(2)):
        quadrant = (slice(8 * row, 8 * row + 8), slice(8 * column, 8 * column + 8))
        basis[colour, row, column, colour, :, *quadrant] = (LATENT_CHANNELS / CELL_SIZE) ** 0.5
    autoencoder.basis.copy_(basis.view(LATENT_CHANNELS, CELL_SIZE))
    autoencoder.scale.fill_(8.0)  # brings renders to about unit power
    return autoencoder.eval()


@cache
def tiny_tokenizer() -> Tokenizer:
    """A tokenizer over a few hundred captions in all languages, trained once per run."""
    captions = [words for words, _ in itertools.islice(captioned_shots(seed=1), 300)]
    return train_tokenizer(captions, VOCABULARY_SIZE)


def tiny_text_encoder(awake: bool = True, seed: int = 0) -> TextEncoder:
    """A text encoder of one block."""
    config = TextEncoderConfig(VOCABULARY_SIZE, CONTEXT_SIZE, depth=1, num_heads=2)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        text_encoder = TextEncoder(config, tiny_tokenizer())
    if awake:
        wake(text_encoder, seed)
    return text_encoder


def tiny_transformer(
    awake: bool = True, seed: int = 0, hidden_size: int = 32, depth: int = 2
) -> Transformer:
    """A transformer of a few thousand weights."""
    config = TransformerConfig(
        LATENT_CHANNELS, 2, hidden_size, depth, num_heads=2, context_size=CONTEXT_SIZE
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        transformer = Transformer(config)
    if awake:
        wake(transformer, seed)
    return transformer


def conditioned(
    frame_spans: Sequence[Sequence[int]], num_spans: int = 1, seed: int = 0
) -> Condition:
    """Made-up caption features for clips whose frames read the given spans."""
    batch, num_slots = len(frame_spans), len(SLOTS)
    spans = torch.arange(num_spans).repeat_interleave(num_slots).expand(batch, -1)
    return Condition(
        context=gaussian(batch, num_spans * num_slots, CONTEXT_SIZE, seed=seed),
        mask=torch.ones_like(spans, dtype=torch.bool),
        context_spans=spans,
        pooled=gaussian(batch, num_spans, CONTEXT_SIZE, seed=seed + 1),
        frame_spans=torch.tensor(frame_spans),
        portraits=torch.zeros(batch, num_spans, 0, LATENT_CHANNELS, 4, 4),
        layout=no_layout(torch.tensor(frame_spans)),
    )


def layout_of_bodies(*bodies: tuple[int, tuple[float, ...]], frames: int = 1) -> Tensor:
    """A known layout (1, F, numbers) with the given bodies, by their places, in every frame."""
    numbers = torch.zeros(1, frames, LAYOUT_SIZE)
    numbers[..., 0] = 1
    for place, body in bodies:
        start = 1 + len(CAMERA) + place * len(BODY)
        numbers[..., start : start + len(BODY)] = torch.tensor(body)
    return numbers


def prop_script(
    name: str = "circle", setting: Setting = Setting.MEADOW, num_shots: int = 1
) -> Script:
    """A script of one prop that crosses to the right, once per shot."""
    shot = Shot((Actor(name),), setting, Action.CROSS_RIGHT)
    return Script((shot,) * num_shots, seed=3)


def prop_scripts(count: int, seed: int = 0, split: str = "seen") -> list[Script]:
    """Drawn scripts in which only props play."""
    rng = np.random.default_rng(seed)
    return [draw_script(REPERTOIRE, rng, split) for _ in range(count)]


def render_clip(script: Script, shape: VideoShape) -> Tensor:
    """A clip (1, 3, F, H, W) in [-1, 1] with drawn props."""
    return to_pixels(render(script, shape, Sprites(None)))


def write_shard(
    folder: Path, latents: Tensor, scripts: Sequence[Script], name: str = "0"
) -> LatentShape:
    """One shard of a cache, as `data.prepare` writes it; returns its shape."""
    shape = LatentShape(*latents.shape[2:])
    stem = f"{shape.frames}x{shape.height}x{shape.width}-{name}"
    np.save(folder / f"{stem}.npy", latents.half().numpy())
    (folder / f"{stem}.jsonl").write_text("".join(s.to_json() + "\n" for s in scripts), "utf-8")
    return shape


def noise_shard(
    folder: Path,
    shape: LatentShape,
    count: int,
    scripts: Sequence[Script] | None = None,
    seed: int = 0,
) -> LatentShape:
    """A shard of noise: for tests of the loop, not of what is learned."""
    latents = gaussian(count, LATENT_CHANNELS, shape.frames, shape.height, shape.width, seed=seed)
    return write_shard(folder, latents, scripts or prop_scripts(count, seed), str(seed))


@contextmanager
def full_disk(free_bytes: int) -> Iterator[None]:
    """Refuse to let any file of this process grow beyond `free_bytes`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (free_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
