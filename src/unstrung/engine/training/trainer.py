"""The training loop of the transformer: one step is pose, predict, judge, update.

A run can stop after any step and goes on with the identical next losses: weights, optimisers, average,
random generators and counters are one checkpoint, written whole or not at all.
"""

import contextlib
import json
import math
import os
import random
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unstrung.engine.data.dataset import Batch, LatentCache
from unstrung.engine.errors import CheckpointError
from unstrung.engine.models.text_encoder import Condition, TextEncoder
from unstrung.engine.models.transformer import Routing, Transformer
from unstrung.engine.shapes import LatentShape
from unstrung.engine.theatre.render import shot_of_latent_frames
from unstrung.engine.training import portraits, text
from unstrung.engine.training.config import TrainingConfig
from unstrung.engine.training.ema import Ema
from unstrung.engine.training.layouts import PlanSource, Stage
from unstrung.engine.training.objectives import loss_of, pose
from unstrung.engine.training.optimizer import Muon, split_parameters
from unstrung.engine.training.replica import Replica

MAX_SPANS = 2


@dataclass(frozen=True)
class StepRecord:
    """What one step did, as it goes into the loss log.

    Attributes:
        step: counted from 1.
        loss, reader_loss: of this batch.
        latent_frames: F of the batch's shape.
        num_samples: clips seen so far.
        seconds: training time so far [s].
    """

    step: int
    loss: float
    reader_loss: float
    latent_frames: int
    num_samples: int
    seconds: float


class Trainer:
    """Owns everything that changes while a transformer and its text encoder learn."""

    def __init__(
        self,
        config: TrainingConfig,
        transformer: Transformer,
        text_encoder: TextEncoder,
        cache: LatentCache | PlanSource,
        dtype: torch.dtype = torch.float32,
        stage: Stage | None = None,
    ) -> None:
        """Start a run from the given networks, which it will change.

        Args:
            config: what the run is made of.
            transformer, text_encoder: fp32 networks.
            cache: clips to learn from.
            dtype: number type of the forward and backward passes; weights and optimisers stay in fp32.
            stage: what layouts are told from; None tells none.
        """
        self.config = config
        self.transformer = transformer
        self.text_encoder = text_encoder
        self.reader = text.ScriptReader(text_encoder.config.hidden_size)
        self.cache = cache
        self.stage = stage
        self.step = 0
        self.num_samples = 0
        self.seconds = 0.0
        hidden, rest = split_parameters([transformer])
        text_hidden, text_rest = split_parameters([text_encoder, self.reader])
        share = config.text_lr_share
        self.optimizers: tuple[torch.optim.Optimizer, ...] = (
            Muon(
                [{"params": hidden, "share": 1.0}, {"params": text_hidden, "share": share}],
                config.muon_lr, dtype=dtype,
            ),
            torch.optim.AdamW(
                [{"params": rest, "share": 1.0}, {"params": text_rest, "share": share}],
                config.adam_lr, betas=(0.9, 0.98), weight_decay=0.0,
            ),
        )  # fmt: skip
        self.parameters = [*hidden, *rest, *text_hidden, *text_rest]
        self.ema = Ema(transformer, config.ema_decay)
        self.text_ema = Ema(text_encoder, config.ema_decay)
        self.numpy_rng = np.random.default_rng(config.seed)
        self.caption_rng = random.Random(config.seed)
        self.generator = torch.Generator().manual_seed(config.seed)
        self.dtype = dtype
        self.painter = Replica(transformer, dtype)
        self.listener = Replica(text_encoder, dtype)
        self.predict: Callable[..., Tensor] = self.painter.module

    def train_step(self, remaining: float = 1.0) -> StepRecord:
        """Draw a batch and learn from it.

        Args:
            remaining: share of the run still ahead, for the cool-down; 1 at the start.
        """
        started = time.perf_counter()
        self._set_rates(remaining)
        shape = self._draw_shape(remaining)
        size = self.config.mixture.batch_size(shape, self.transformer.config.patch_size)
        batch = self.cache.draw(shape, size, self.numpy_rng)
        for replica in (self.painter, self.listener):
            replica.refresh()
        loss, reader_loss = self._losses(batch)
        torch.autograd.backward(loss + self.config.reader_weight * reader_loss)
        for replica in (self.painter, self.listener):
            replica.hand_over_gradients()
        torch.nn.utils.clip_grad_norm_(self.parameters, self.config.grad_clip, foreach=True)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.ema.update(self.transformer)
        self.text_ema.update(self.text_encoder)
        self.step += 1
        self.num_samples += size
        self.seconds += time.perf_counter() - started
        return StepRecord(
            self.step, loss.item(), reader_loss.item(), shape.frames, self.num_samples, self.seconds
        )

    def _draw_shape(self, remaining: float) -> LatentShape:
        """The shape of the next batch, out of those that the cache holds."""
        available = self.cache.counts
        mixture = self.config.mixture.shares_at(remaining)
        shapes = [(shape, share) for shape, share in mixture if shape in available]
        shares = np.array([share for _, share in shapes])
        return shapes[int(self.numpy_rng.choice(len(shapes), p=shares / shares.sum()))][0]

    def _losses(self, batch: Batch) -> tuple[Tensor, Tensor]:
        captions = [text.caption(script, self.caption_rng) for script in batch.scripts]
        size, _, frames, _, _ = batch.latents.shape
        spans = torch.tensor([shot_of_latent_frames(len(each), frames) for each in captions])
        dropped = torch.rand(size, generator=self.generator) < self.config.caption_dropout
        condition, reader_loss = self._read(batch, captions, spans, dropped)
        if self.stage is not None and self.transformer.config.has_layout:
            condition = self.stage.tell(condition, batch, self._without_layout(dropped))
        return self._judged(batch, condition), reader_loss

    def _judged(self, batch: Batch, condition: Condition) -> Tensor:
        """Ask the transformer about a batch, and return the loss of its answers."""
        latents, num_questions = batch.latents, self.config.questions
        begun = [is_begun for is_begun in batch.begun for _ in range(num_questions)]
        if num_questions > 1:
            latents = latents.repeat_interleave(num_questions, dim=0)
            condition = condition.repeated(num_questions)
        question = pose(self.config.objective, latents, self.generator, begun)
        tokens = math.prod(latents.shape[2:]) // self.transformer.config.patch_size**2
        prediction = self.predict(
            question.noisy_latents.to(self.dtype), question.times, condition, self._routing(tokens)
        ).float()
        return loss_of(self.config.objective, prediction, latents, question)

    def _read(
        self, batch: Batch, captions: list[tuple[str, ...]], spans: Tensor, dropped: Tensor
    ) -> tuple[Condition, Tensor]:
        """Encode the captions, and judge how well the slots read the first shot."""
        learns = self.config.text_lr_share > 0 and self.step % self.config.text_every == 0
        with torch.set_grad_enabled(learns):
            # Clips always come with room for as many captions, so that a compiled step meets few shapes.
            num_spans = 1 if spans.shape[1] == 1 else MAX_SPANS
            who = portraits.cast_numbers(batch.scripts, max(num_spans, *map(len, captions)))
            who = who[:, :, : self.text_encoder.num_portraits]
            condition = self.listener.module.condition(captions, spans, dropped, num_spans, who)
        if not learns:
            context = condition.context.requires_grad_()  # one kind of step, for the same reason
            condition = replace(
                condition, context=context, pooled=condition.pooled.requires_grad_()
            )
        kept = ~dropped
        if not learns or not kept.any():  # the mean over no captions would be NaN
            return condition, torch.zeros(())
        wanted = torch.tensor([text.answers(script.shots[0]) for script in batch.scripts])
        return condition, self.reader.loss(condition.context[kept].float(), wanted[kept])

    def _without_layout(self, dropped: Tensor) -> Tensor:
        """Which clips (B,) go without their layout."""
        share = torch.where(dropped, 0.5, self.config.layout_dropout)
        return torch.rand(len(dropped), generator=self.generator) < share

    def _routing(self, tokens: int) -> Routing | None:
        share = self.config.route_share
        if share == 0.0:
            return None
        order = torch.randperm(tokens, generator=self.generator)
        kept = order[: max(1, round(tokens * (1 - share)))].sort().values
        return Routing(kept, first=1, last=self.transformer.config.depth - 1)

    def _set_rates(self, remaining: float) -> None:
        factor = min(1.0, (self.step + 1) / self.config.warmup_steps)
        if self.config.cooldown_share > 0:
            factor *= min(1.0, max(0.0, remaining) / self.config.cooldown_share)
        peaks = (self.config.muon_lr, self.config.adam_lr)
        for optimizer, peak in zip(self.optimizers, peaks, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = peak * factor * group["share"]

    def state(self) -> dict[str, Any]:
        """Everything that `restore` needs to go on identically."""
        return {
            "transformer": self.transformer.state_dict(),
            "text_encoder": self.text_encoder.state_dict(),
            "reader": self.reader.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "ema": self.ema.state(),
            "text_ema": self.text_ema.state(),
            "numpy_rng": self.numpy_rng.bit_generator.state,
            "caption_rng": self.caption_rng.getstate(),
            "generator": self.generator.get_state(),
            "counters": (self.step, self.num_samples, self.seconds),
            "config": asdict(self.config),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned."""
        self.transformer.load_state_dict(state["transformer"])
        self.text_encoder.load_state_dict(state["text_encoder"])
        self.reader.load_state_dict(state["reader"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
            # A run may be gone on with under another config, and the groups remember the former shares.
            for group, share in zip(
                optimizer.param_groups, (1.0, self.config.text_lr_share), strict=True
            ):
                group["share"] = share
        self.ema.restore(state["ema"])
        self.text_ema.restore(state["text_ema"])
        self.numpy_rng.bit_generator.state = state["numpy_rng"]
        self.caption_rng.setstate(state["caption_rng"])
        self.generator.set_state(state["generator"])
        self.step, self.num_samples, self.seconds = state["counters"]


def save_state(path: Path, trainer: Trainer) -> None:
    """Write the training state in one move; an interrupted write leaves the former file whole."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(trainer.state(), temporary)
        temporary.replace(path)
    except (OSError, RuntimeError) as error:  # torch's writer raises RuntimeError on a full disk
        raise CheckpointError(f"Could not write the training state {path}: {error}.") from error
    finally:
        with contextlib.suppress(OSError):  # the folder itself may be what is missing
            temporary.unlink(missing_ok=True)


def load_state(path: Path, trainer: Trainer) -> None:
    """Restore a trainer from `save_state`'s file.

    Raises:
        CheckpointError: if the file is missing, damaged or of another run.
    """
    try:
        trainer.restore(torch.load(path, weights_only=True))
    except FileNotFoundError as error:
        raise CheckpointError(f"There is no training state at {path} to resume from.") from error
    except (
        OSError,
        RuntimeError,
        KeyError,
        TypeError,
        EOFError,
        ValueError,
        UnpicklingError,
    ) as error:
        raise CheckpointError(f"The training state {path} cannot be resumed: {error}.") from error


def append_record(path: Path, record: StepRecord) -> None:
    """Add a line to the loss log (JSON lines)."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(record)) + "\n")
