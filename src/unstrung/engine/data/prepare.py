"""Render scripts, encode them, and keep the latents on disk: the transformer never waits for a renderer.

A cache is a folder of shards. Shard `9x8x8-00003.npy` holds latents (N, C, F, H, W) float16, and the
`.jsonl` of the same name the N scripts in the same order. Captions are not kept: they are written anew, in
another language and wording, each time a clip is drawn.
"""

import json
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from unstrung.engine.checkpoints import load_autoencoder
from unstrung.engine.models.autoencoder import Autoencoder, to_cells
from unstrung.engine.shapes import VideoShape
from unstrung.engine.theatre.render import render
from unstrung.engine.theatre.repertoire import Repertoire, draw_script
from unstrung.engine.theatre.sprites import Sprites

SHARD_SIZE = 256


@dataclass(frozen=True)
class Portion:
    """So many clips of one shape, drawn from one repertoire."""

    shape: VideoShape
    num_clips: int
    repertoire: Repertoire


def to_pixels(frames: np.ndarray) -> torch.Tensor:
    """Frames (F, H, W, 3) uint8 as a clip (1, 3, F, H, W) in [-1, 1]."""
    return torch.from_numpy(frames).permute(3, 0, 1, 2)[None].float() / 127.5 - 1.0


def sample_cells(
    repertoire: Repertoire, art: Path | None, num_clips: int, seed: int
) -> torch.Tensor:
    """Cells (N, 3072) of renders, still and moving ones in equal parts, to fit the linear code on."""
    sprites = Sprites(art)
    rng = np.random.default_rng(seed)
    generator = torch.Generator().manual_seed(seed)
    parts = []
    for index in range(num_clips):
        script = draw_script(repertoire, rng)
        shape = VideoShape(49, 128, 128) if index % 12 == 0 else VideoShape(1, 128, 128)
        cells = to_cells(to_pixels(render(script, shape, sprites)))[0]
        flat = cells[1 if shape.frames > 1 else 0 :].reshape(-1, cells.shape[-1])
        parts.append(
            flat[torch.randperm(len(flat), generator=generator)[: 704 if shape.frames > 1 else 64]]
        )
    return torch.cat(parts)


def _render_shard(task: tuple[Portion, Path | None, Path, Path, int]) -> Path:
    portion, art, weights, target, seed = task
    torch.set_num_threads(1)
    autoencoder, sprites = _encoder(weights), Sprites(art)
    rng = np.random.default_rng(seed)
    latents, scripts = [], []
    for _ in range(portion.num_clips):
        script = draw_script(portion.repertoire, rng)
        frames = render(script, portion.shape, sprites)
        with torch.inference_mode():
            latents.append(autoencoder.encode(to_pixels(frames))[0].half().numpy())
        scripts.append(script.to_json())
    temporary = target.with_suffix(f".{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        np.save(file, np.stack(latents))
    target.with_suffix(".jsonl").write_text("\n".join(scripts) + "\n", "utf-8")
    temporary.replace(target)
    return target


_ENCODERS: dict[Path, Autoencoder] = {}


def _encoder(weights: Path) -> Autoencoder:
    """The encoder, loaded once in each worker process."""
    if weights not in _ENCODERS:
        _ENCODERS[weights] = load_autoencoder(weights)
    return _ENCODERS[weights]


def prepare(
    portions: tuple[Portion, ...],
    out: Path,
    art: Path | None,
    weights: Path,
    seed: int,
    num_workers: int | None = None,
) -> Iterator[Path]:
    """Write the shards of all portions; shards that exist already are kept.

    Args:
        portions: what to render.
        out: folder of the cache.
        art: folder of the art; None for drawn props only.
        weights: the autoencoder's file.
        seed: decides every script.
        num_workers: processes; None takes one for each core.

    Yields:
        The path of each shard as it is finished.
    """
    out.mkdir(parents=True, exist_ok=True)
    tasks = []
    for index, portion in enumerate(portions):
        latent = portion.shape.latent
        for shard in range(-(-portion.num_clips // SHARD_SIZE)):
            size = min(SHARD_SIZE, portion.num_clips - shard * SHARD_SIZE)
            name = f"{latent.frames}x{latent.height}x{latent.width}-{seed}-{index}-{shard:04d}.npy"
            if not (out / name).exists():
                part = Portion(portion.shape, size, portion.repertoire)
                shard_seed = int(np.random.SeedSequence([seed, index, shard]).generate_state(1)[0])
                tasks.append((part, art, weights, out / name, shard_seed))
    record = [asdict(portion) for portion in portions]
    (out / f"portions-{seed}.json").write_text(json.dumps(record, indent=1), "utf-8")
    tasks.sort(key=lambda task: task[4])  # every shape early on, so that training may start at once
    with ProcessPoolExecutor(num_workers or os.cpu_count()) as pool:
        yield from pool.map(_render_shard, tasks)
