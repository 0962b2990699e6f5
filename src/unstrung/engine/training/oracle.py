"""Teaching the oracle: renders of real scripts in, the script's fields out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from einops import rearrange
from torch import Tensor
from torch.nn import functional

from unstrung.engine.data.dataset import Batch, LatentCache
from unstrung.engine.models.autoencoder import Autoencoder
from unstrung.engine.shapes import COMPRESSION, LatentShape, VideoShape
from unstrung.engine.theatre.oracle import (
    INPUT_SIZE,
    NUM_MOMENTS,
    QUESTIONS,
    Oracle,
    Reading,
    field_answers,
    load_oracle,
)
from unstrung.engine.theatre.render import render
from unstrung.engine.theatre.repertoire import Repertoire, draw_script
from unstrung.engine.theatre.script import ENDLESS, Script
from unstrung.engine.theatre.sprites import Sprites
from unstrung.engine.training.layouts import can_go_on
from unstrung.engine.training.replica import Replica

_ONWARD_FRAMES: Final = (33, 49, 61)
_ONWARD_S: Final = 20.0
_STILL_FIELDS = frozenset({"setting", "relation", "count", "time_of_day", "weather", "style"})


def targets(scripts: Sequence[Script], cast: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Presence of every member (B, cast) and field answers (B, fields), of each script's first shot."""
    index = {name: i for i, name in enumerate(cast)}
    present = torch.zeros(len(scripts), len(cast))
    for row, script in enumerate(scripts):
        for actor in script.shots[0].actors:
            present[row, index[actor.name]] = 1.0
    answers = torch.tensor([field_answers(script.shots[0]) for script in scripts])
    return present, answers


def oracle_loss(reading: Reading, present: Tensor, answers: Tensor, is_still: bool) -> Tensor:
    """Who is there, as a distribution over the cast, plus every field that the frames can tell."""
    wanted = present / present.sum(dim=1, keepdim=True)
    loss = functional.cross_entropy(reading.actors, wanted)
    for index, field in enumerate(QUESTIONS):
        if not is_still or field.name in _STILL_FIELDS:
            loss = loss + 0.5 * functional.cross_entropy(reading.fields[index], answers[:, index])
    return loss


def decoded_moments(autoencoder: Autoencoder, batch: Batch, rng: np.random.Generator) -> Batch:
    """A batch of cached renders as the frames that the oracle looks at.

    The cache holds renders as latents; the linear code gives them back at about 30 dB, so the oracle learns
    to look past the code's small flaws, which are not what it judges.

    Returns:
        A batch whose `latents` are frames (B, 1 or 9, 3, H, W), flipped in brightness only slightly.
    """
    frames = batch.latents.shape[2]
    if frames == 1:
        picked = batch.latents
    else:
        places = np.linspace(0, frames - 1, NUM_MOMENTS).round().astype(int)
        picked = batch.latents[:, :, places]
    # Of each cell only its newest frame is decoded.
    newest = rearrange(autoencoder.basis, "N (C f p) -> f N (C p)", C=3, f=COMPRESSION.frames)[-1]
    mean = rearrange(autoencoder.mean, "(C f p) -> f (C p)", C=3, f=COMPRESSION.frames)[-1]
    cells = picked.permute(0, 2, 3, 4, 1) * autoencoder.scale @ newest + mean  # (B, F, H, W, 768)
    video = rearrange(
        cells, "B F H W (C h w) -> B F C (H h) (W w)",
        C=3, h=COMPRESSION.height, w=COMPRESSION.width,
    )  # fmt: skip
    gain = 1 + 0.1 * torch.from_numpy(rng.standard_normal((len(batch.scripts), 1, 1, 1, 1))).float()
    return Batch((video * gain).clamp(-1, 1), batch.scripts)


def known_to(batch: Batch, cast: Sequence[str]) -> Batch:
    """The clips of a batch in which nobody plays who is not in the cast."""
    kept = [
        row
        for row, script in enumerate(batch.scripts)
        if all(actor.name in cast for shot in script.shots for actor in shot.actors)
    ]
    return Batch(batch.latents[kept], tuple(batch.scripts[row] for row in kept))


@dataclass(frozen=True)
class Onward:
    """Clips that begin anywhere in what happens, rendered when they are asked for.

    Pieces of long clips begin so; an oracle that knew only beginnings read 42 % of the actions in true
    renders of them.

    Attributes:
        repertoire, sprites: what is played, and by whom.
        share: of the batches of clips.
    """

    repertoire: Repertoire
    sprites: Sprites
    share: float = 0.3

    def draw(self, size: int, rng: np.random.Generator) -> Batch:
        """A batch whose `latents` are the frames that the oracle looks at, (B, 9, 3, H, W)."""
        length = int(rng.choice(_ONWARD_FRAMES))
        places = np.linspace(0, length - 1, NUM_MOMENTS).round().astype(int).tolist()
        shape = VideoShape(length, INPUT_SIZE, INPUT_SIZE)
        scripts: list[Script] = []
        while len(scripts) < size:
            script = draw_script(self.repertoire, rng)
            if can_go_on(script) and script.shots[0].action in ENDLESS:
                scripts.append(script)
        clips = [
            render(each, shape, self.sprites, None, float(rng.uniform(0, _ONWARD_S)), places)
            for each in scripts
        ]
        frames = torch.from_numpy(np.stack(clips)).permute(0, 1, 4, 2, 3).float()
        return Batch(frames / 127.5 - 1, tuple(scripts))


def accuracy(oracle: Oracle, frames: Tensor, scripts: Sequence[Script]) -> dict[str, float]:
    """Share of right answers per field; `actor` counts the set of everybody on stage."""
    with torch.inference_mode():
        reading = oracle(frames)
    present, answers = targets(scripts, oracle.config.cast)
    right = []
    for row in range(len(scripts)):
        count = int(present[row].sum())
        named = set(reading.actors[row].topk(count).indices.tolist())
        right.append(named == set(torch.nonzero(present[row]).flatten().tolist()))
    scores = {"actor": float(np.mean(right))}
    for index, field in enumerate(QUESTIONS):
        hits = reading.fields[index].argmax(dim=1) == answers[:, index]
        scores[field.name] = float(hits.float().mean())
    return scores


def load_for_training(path: Path) -> Oracle:
    """An oracle from its file, ready to learn on."""
    return load_oracle(path).train()


class OracleTrainer:
    """Feeds cached renders to an oracle."""

    def __init__(
        self,
        judge: Oracle,
        cache: LatentCache,
        autoencoder: Autoencoder,
        seed: int = 0,
        dtype: torch.dtype = torch.float32,
        onward: Onward | None = None,
    ) -> None:
        """Take an oracle to teach, renders as latents and the code that gives them back, and more renders."""
        self.onward = onward
        self.judge = judge.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.dtype, self.replica = dtype, Replica(self.judge, dtype)
        self.cache, self.autoencoder = cache, autoencoder
        self.rng = np.random.default_rng(seed)
        self.optimizer = torch.optim.AdamW(judge.parameters(), 2e-3, betas=(0.9, 0.98))
        shapes = sorted(cache.counts, key=lambda shape: shape.frames)
        self.stills = [
            shape for shape in shapes if shape.frames == 1 and shape.height == shape.width
        ]
        self.clips = [shape for shape in shapes if shape.frames > 1 and shape.height == shape.width]
        self.step = 0

    def train_step(self, with_clips: bool, lr: float) -> float:
        """Learn from one batch and return its loss.

        Args:
            with_clips: two batches in three are clips; else all are stills.
            lr: step size.
        """
        shapes = [*self.clips, *self.stills] if with_clips else self.stills
        shape = shapes[self.step % len(shapes)]
        seen = self._seen(shape)
        frames = seen.latents
        if frames.shape[-1] != INPUT_SIZE:
            pictures = functional.interpolate(frames.flatten(0, 1), size=(INPUT_SIZE, INPUT_SIZE))
            frames = rearrange(pictures, "(B F) C H W -> B F C H W", B=len(seen.scripts))
        present, wanted = targets(seen.scripts, self.judge.config.cast)
        self.replica.refresh()
        reading = self.replica.module(frames.to(self.dtype))
        reading = Reading(reading.actors.float(), tuple(each.float() for each in reading.fields))
        loss = oracle_loss(reading, present, wanted, shape.frames == 1)
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        torch.autograd.backward(loss)
        self.replica.hand_over_gradients()
        torch.nn.utils.clip_grad_norm_(self.judge.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        return loss.item()

    def _seen(self, shape: LatentShape) -> Batch:
        """What the oracle looks at next, in clips of this shape."""
        if shape.frames > 1 and self.onward is not None and self.rng.random() < self.onward.share:
            return self.onward.draw(24, self.rng)
        wanted = 96 if shape.frames == 1 else 24
        # The transformer paints more members than the oracle knows; a cache holds them all.
        batch = known_to(self.cache.draw(shape, 2 * wanted, self.rng), self.judge.config.cast)
        batch = Batch(batch.latents[:wanted], batch.scripts[:wanted])
        return decoded_moments(self.autoencoder, batch, self.rng)
