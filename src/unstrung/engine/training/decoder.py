"""Teaching the decoder: noisy latents of renders in, the renders themselves out.

The encoder is fixed, so the decoder trains on its own, beside or after the transformer. A little noise on
its input makes it forgive the transformer's mistakes.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from unstrung.engine.checkpoints import save_autoencoder
from unstrung.engine.data.prepare import to_pixels
from unstrung.engine.models.autoencoder import Autoencoder, AutoencoderConfig, Refiner
from unstrung.engine.shapes import VideoShape
from unstrung.engine.theatre.render import render
from unstrung.engine.theatre.repertoire import Repertoire, draw_script
from unstrung.engine.theatre.sprites import Sprites
from unstrung.engine.training.curves import LossLog, draw_curves
from unstrung.engine.training.replica import Replica

_CLIP = VideoShape(9, 128, 128)


@dataclass(frozen=True)
class DecoderRun:
    """One run of the decoder.

    Attributes:
        cast: whose renders are shown.
        art: folder of their art, None for drawn props.
        out: folder of `autoencoder.safetensors`, `decoder.pt` and `losses.jsonl`.
        minutes: how long.
        batch: clips per step are this many frames over nine.
        resume: go on from `decoder.pt`.
        dtype: number type of the forward and backward passes.
        num_pooled: renders kept at hand, of which one is renewed every four steps.
    """

    cast: tuple[str, ...]
    art: Path | None
    out: Path
    minutes: float
    batch: int
    resume: bool
    dtype: torch.dtype = torch.float32
    num_pooled: int = 160


def with_refiner(autoencoder: Autoencoder, channels: int, depth: int) -> Autoencoder:
    """The same linear code with a refiner of the given size; an existing one of that size is kept."""
    config = AutoencoderConfig(autoencoder.config.latent_channels, channels, depth)
    if autoencoder.config == config:
        return autoencoder
    refined = Autoencoder(config)
    refined.basis.copy_(autoencoder.basis)
    refined.mean.copy_(autoencoder.mean)
    refined.scale.copy_(autoencoder.scale)
    return refined


def decoder_loss(
    autoencoder: Autoencoder, refiner: Refiner, video: Tensor, noise: Tensor, strength: Tensor
) -> Tensor:
    """Charbonnier distance of decoded clips to renders, plus that of their edges.

    Args:
        autoencoder: the linear code.
        refiner: what is taught.
        video: (B, 3, F, H, W) in [-1, 1].
        noise: of the latents' shape, unit normal.
        strength: (B,) of the noise, in [0, 1).
    """
    with torch.no_grad():
        latents = autoencoder.encode(video)
        latents = latents + strength[:, None, None, None, None] * noise
        linear = autoencoder.decode_linear(latents)
    error = linear + refiner(linear, latents) - video
    flat = (error.square() + 1e-4).sqrt().mean()
    edges = torch.diff(error, dim=-1).abs().mean() + torch.diff(error, dim=-2).abs().mean()
    loss: Tensor = flat + 0.5 * edges
    return loss


def train_decoder(
    autoencoder: Autoencoder, run: DecoderRun, on_progress: Callable[[float, str], None]
) -> None:
    """Train the refiner for the minutes of the run, and write the autoencoder into its folder.

    Args:
        autoencoder: the linear code with a refiner.
        run: how.
        on_progress: told the share done and the loss in words.
    """
    torch.set_flush_denormal(True)
    assert autoencoder.refiner is not None
    learning = autoencoder.refiner
    replica = Replica(learning, run.dtype)
    optimizer = torch.optim.AdamW(learning.parameters(), 1e-3, betas=(0.9, 0.98))
    step = 0
    state = run.out / "decoder.pt"
    if run.resume and state.exists():
        saved = torch.load(state)
        optimizer.load_state_dict(saved["optimizer"])
        step = saved["step"]
    rng, generator = np.random.default_rng(step), torch.Generator().manual_seed(step)
    sprites = Sprites(run.art)
    pool = [_render_one(run, rng, sprites) for _ in range(run.num_pooled)]
    num_clips = max(1, run.batch // _CLIP.frames)
    cells = _CLIP.latent
    latents_shape = (
        num_clips,
        autoencoder.config.latent_channels,
        cells.frames,
        cells.height,
        cells.width,
    )
    log = LossLog(run.out / "losses.jsonl", keep=run.resume)
    started, done = time.perf_counter(), 0.0
    while done < 1.0:
        for group in optimizer.param_groups:
            group["lr"] = 1e-3 * min(1.0, (1 - done) / 0.4 + 0.02)
        if step % 4 == 0:  # renew the pool little by little
            pool[int(rng.integers(len(pool)))] = _render_one(run, rng, sprites)
        video = torch.cat([pool[int(i)] for i in rng.integers(len(pool), size=num_clips)])
        noise = torch.randn(latents_shape, generator=generator)
        strength = 0.25 * torch.rand(num_clips, generator=generator)
        replica.refresh()
        loss = decoder_loss(autoencoder, replica.module, video, noise, strength)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        replica.hand_over_gradients()
        torch.nn.utils.clip_grad_norm_(learning.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step += 1
        log.add(loss.item(), latents_shape[2])
        done = (time.perf_counter() - started) / max(60 * run.minutes, 1e-9)
        on_progress(min(1.0, done), f"decoder loss {loss.item():.4f}")
    save_autoencoder(run.out / "autoencoder.safetensors", autoencoder)
    torch.save({"optimizer": optimizer.state_dict(), "step": step}, state)
    draw_curves(log.path, run.out / "losses.png")


def _render_one(run: DecoderRun, rng: np.random.Generator, sprites: Sprites) -> Tensor:
    """Nine frames of a clip of 49, so that things move at their usual speed."""
    script = draw_script(Repertoire(run.cast), rng)
    clip = render(script, VideoShape(49, _CLIP.height, _CLIP.width), sprites)
    start = int(rng.integers(0, len(clip) - _CLIP.frames))
    return to_pixels(clip[start : start + _CLIP.frames])
