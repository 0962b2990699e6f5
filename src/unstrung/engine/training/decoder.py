"""Teaching the decoder: latents as the model draws them in, the renders that were meant out.

The encoder is fixed, so the decoder trains on its own, after the transformer. It sees latents of a clip as
they are encoded, with a little noise, and as the transformer draws them to its own caption and layout.
From the latter it learns what drawing leaves unclear, and to look that up on the sketch.
"""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor

from unstrung.engine.checkpoints import save_autoencoder
from unstrung.engine.data.prepare import to_pixels
from unstrung.engine.denoising import Denoiser
from unstrung.engine.models.autoencoder import Autoencoder, AutoencoderConfig, Refiner
from unstrung.engine.models.sketch import sketch_pictures
from unstrung.engine.shapes import COMPRESSION, LatentShape, VideoShape
from unstrung.engine.theatre.captions import write_caption
from unstrung.engine.theatre.render import render, shot_of_latent_frames
from unstrung.engine.theatre.repertoire import Repertoire, draw_script
from unstrung.engine.theatre.sprites import Sprites
from unstrung.engine.training.curves import LossLog, draw_curves
from unstrung.engine.training.layouts import layouts_of
from unstrung.engine.training.replica import Replica
from unstrung.engine.training.text import CAPTION_NAMES

CHECKPOINT_EVERY_S: Final = 180.0
_CLIPS: Final = 4  # of a step, of which frames are drawn
_NOISE: Final = 0.25
_DRAWN_SHARE: Final = 0.7  # of the clips, the latents are the model's own
_UNSEEN_SHARE: Final = 0.1  # of the clips, nobody is sketched: photographs have no layout
_BODY_WEIGHT: Final = 2.0  # of a pixel where somebody is, beyond that of any pixel
_RENEW_EVERY: Final = 5  # steps


@dataclass(frozen=True)
class Drawer:
    """The model whose clips the decoder will show.

    Attributes:
        denoiser: draws latents.
        num_steps, shift: of its sampler.
        guidance_scale: of its sampler; 1 for a student.
    """

    denoiser: Denoiser
    num_steps: int
    shift: float
    guidance_scale: float


@dataclass(frozen=True)
class DecoderRun:
    """One run of the decoder.

    Attributes:
        cast: whose renders are shown.
        art: folder of their art, None for drawn props.
        out: folder of `autoencoder.safetensors`, `decoder.pt` and `losses.jsonl`.
        minutes: how long.
        batch: frames of a step.
        resume: go on from `decoder.pt`.
        shapes: of the clips, whole ones, so that things move at their usual speed.
        dtype: number type of the forward and backward passes.
        num_pooled: clips of each shape kept at hand, of which one is renewed every few steps.
        drawer: None teaches from encoded latents alone, and without sketches.
    """

    cast: tuple[str, ...]
    art: Path | None
    out: Path
    minutes: float
    batch: int
    resume: bool
    shapes: tuple[VideoShape, ...]
    dtype: torch.dtype = torch.float32
    num_pooled: int = 48
    drawer: Drawer | None = None


@dataclass(frozen=True)
class Example:
    """A clip to learn from, in half precision where it is only looked at.

    Attributes:
        video: (3, T, H, W) the render, in [-1, 1].
        sketch: (4, T, H, W) who is where; all 0 without a drawer.
        latents: (C, F, h, w) of the render.
        drawn: (C, F, h, w) by the model to the same caption and layout; None without a drawer.
    """

    video: Tensor
    sketch: Tensor
    latents: Tensor
    drawn: Tensor | None


@dataclass(frozen=True)
class Frames:
    """Frames of several clips, as `Refiner.of_frames` reads them, with what they should be.

    Attributes:
        pictures, cells, moments, sketch: see there.
        wanted: (N, 3, H, W).
    """

    pictures: Tensor
    cells: Tensor
    moments: Tensor
    sketch: Tensor
    wanted: Tensor


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


def decoder_loss(refiner: Refiner, frames: Frames) -> Tensor:
    """Charbonnier distance of decoded frames to renders, plus that of their edges; bodies weigh more."""
    change = refiner.of_frames(frames.pictures, frames.cells, frames.moments, frames.sketch)
    error = frames.pictures + change - frames.wanted
    weight = 1.0 + _BODY_WEIGHT * frames.sketch[:, 3:]
    flat = ((error.square() + 1e-4).sqrt() * weight).mean()
    edges = (torch.diff(error, dim=-1).abs() * weight[..., 1:]).mean() + (
        torch.diff(error, dim=-2).abs() * weight[..., 1:, :]
    ).mean()
    loss: Tensor = flat + 0.5 * edges
    return loss


@torch.no_grad()
def draw_example(
    autoencoder: Autoencoder, run: DecoderRun, shape: VideoShape, sprites: Sprites,
    rng: np.random.Generator,
) -> Example:  # fmt: skip
    """Render a clip of the repertoire and, if there is a drawer, have it drawn as well."""
    script = draw_script(Repertoire(run.cast), rng)
    video = to_pixels(render(script, shape, sprites))
    latents = autoencoder.encode(video)
    sketch = torch.zeros(1, Refiner.SKETCH_CHANNELS, *video.shape[2:])
    drawn = None
    if run.drawer is not None:
        words = random.Random(int(rng.integers(2**31)))
        captions = [write_caption(script, "en", CAPTION_NAMES, words, 0.5)]
        latent = shape.latent
        spans = torch.tensor([shot_of_latent_frames(len(captions[0]), latent.frames)])
        layout = layouts_of([script], latent, sprites)
        drawn = _drawn(run.drawer, captions, spans, layout, latent, int(rng.integers(2**31)))[0]
        portraits = run.drawer.denoiser.text_encoder.condition(captions, spans).portraits
        grid = (latent.height, latent.width)
        sketch = sketch_pictures(autoencoder, portraits, layout, spans, grid)
    return Example(video[0].half(), sketch[0].half(), latents[0], drawn)


def _drawn(
    drawer: Drawer, captions: Sequence[Sequence[str]], spans: Tensor, layout: Tensor,
    shape: LatentShape, seed: int,
) -> Tensor:  # fmt: skip
    noise = drawer.denoiser.noise(shape, [seed])
    return drawer.denoiser.draw(
        captions, spans, noise, drawer.num_steps, drawer.guidance_scale, drawer.shift, layout=layout
    ).float()


@torch.no_grad()
def draw_frames(
    autoencoder: Autoencoder, examples: list[Example], count: int, generator: torch.Generator
) -> Frames:
    """Frames of clips of one shape, `count` of them in all, seen as the decoder will see some clip."""
    each = max(1, count // len(examples))
    parts: list[tuple[Tensor, ...]] = []
    for example in examples:
        latents = example.latents
        if example.drawn is not None and _chance(generator) < _DRAWN_SHARE:
            latents = example.drawn
        else:
            strength = _NOISE * _chance(generator)
            latents = latents + strength * torch.randn(latents.shape, generator=generator)
        linear = autoencoder.decode_linear(latents[None])[0]
        total = linear.shape[1]
        chosen = torch.randperm(total, generator=generator)[:each]
        steps = chosen + COMPRESSION.frames - 1
        of_frame = steps // COMPRESSION.frames
        before = torch.cat([latents[:, :1], latents[:, :-1]], dim=1)
        sketch = example.sketch[:, chosen].float()
        if _chance(generator) < _UNSEEN_SHARE:
            sketch = torch.zeros_like(sketch)
        parts.append((
            linear[:, chosen], torch.cat([latents, before])[:, of_frame],
            steps % COMPRESSION.frames, sketch, example.video[:, chosen].float(),
        ))  # fmt: skip
    pictures, cells, moments, sketches, wanted = zip(*parts, strict=True)
    return Frames(
        torch.cat(pictures, dim=1).transpose(0, 1), torch.cat(cells, dim=1).transpose(0, 1),
        torch.cat(moments), torch.cat(sketches, dim=1).transpose(0, 1),
        torch.cat(wanted, dim=1).transpose(0, 1),
    )  # fmt: skip


def _chance(generator: torch.Generator) -> float:
    return float(torch.rand((), generator=generator))


class Pool:
    """Clips at hand, some of each shape, renewed little by little."""

    def __init__(self, autoencoder: Autoencoder, run: DecoderRun, rng: np.random.Generator) -> None:
        """Begin with a few clips of each shape."""
        self._autoencoder, self._run, self._rng = autoencoder, run, rng
        self._sprites = Sprites(run.art)
        self._examples: dict[VideoShape, list[Example]] = {shape: [] for shape in run.shapes}
        for shape in self._examples:
            for _ in range(min(_CLIPS, run.num_pooled)):
                self._renew(shape)

    def draw(self, generator: torch.Generator) -> Frames:
        """Frames of one step."""
        shape = self._shape()
        held = self._examples[shape]
        chosen = [held[int(each)] for each in self._rng.integers(len(held), size=_CLIPS)]
        # Wide and tall frames are larger: fewer of them take the same time.
        least = min(each.height * each.width for each in self._run.shapes)
        count = round(self._run.batch * least / (shape.height * shape.width))
        return draw_frames(self._autoencoder, chosen, count, generator)

    def renew(self) -> None:
        """One more clip, or one in the place of another."""
        self._renew(self._shape())

    def _renew(self, shape: VideoShape) -> None:
        held = self._examples[shape]
        fresh = draw_example(self._autoencoder, self._run, shape, self._sprites, self._rng)
        if len(held) < self._run.num_pooled:
            held.append(fresh)
        else:
            held[int(self._rng.integers(len(held)))] = fresh

    def _shape(self) -> VideoShape:
        return self._run.shapes[int(self._rng.integers(len(self._run.shapes)))]


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
    step, state = 0, run.out / "decoder.pt"
    if run.resume and state.exists():
        saved = torch.load(state)
        optimizer.load_state_dict(saved["optimizer"])
        step = saved["step"]
    log = LossLog(run.out / "losses.jsonl", keep=run.resume)
    pool = Pool(autoencoder, run, np.random.default_rng(step))
    generator = torch.Generator().manual_seed(step)

    def save() -> None:
        save_autoencoder(run.out / "autoencoder.safetensors", autoencoder)
        torch.save({"optimizer": optimizer.state_dict(), "step": step}, state)

    started = saved_at = time.perf_counter()
    done = 0.0
    while done < 1.0:
        for group in optimizer.param_groups:
            group["lr"] = 1e-3 * min(1.0, (1 - done) / 0.4 + 0.02, (step + 1) / 100)
        if step % _RENEW_EVERY == 0:
            pool.renew()
        frames = pool.draw(generator)
        replica.refresh()
        loss = decoder_loss(replica.module, frames)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        replica.hand_over_gradients()
        torch.nn.utils.clip_grad_norm_(learning.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step += 1
        log.add(loss.item(), len(frames.wanted))
        done = (time.perf_counter() - started) / max(60 * run.minutes, 1e-9)
        if time.perf_counter() - saved_at > CHECKPOINT_EVERY_S:
            save()
            saved_at = time.perf_counter()
        on_progress(min(1.0, done), f"decoder step {step}, loss {loss.item():.4f}")
    save()
    draw_curves(log.path, run.out / "losses.png")
