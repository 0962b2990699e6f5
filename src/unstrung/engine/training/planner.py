"""Teaching the planner: captions in, layouts of clips out. No picture is painted for it.

The planner is the denoiser's own architecture over clips of one cell, trained by the same loop with the same
objective and masks of given frames; the text encoder only reads.
"""

import time
from pathlib import Path

import torch

from unstrung.engine import presets
from unstrung.engine.checkpoints import (
    PLANNER,
    load_text_encoder,
    load_transformer,
    save_transformer,
)
from unstrung.engine.errors import CheckpointError
from unstrung.engine.models.layout import PLAN_CHANNELS
from unstrung.engine.models.transformer import Transformer, TransformerConfig
from unstrung.engine.precision import choose_precision
from unstrung.engine.theatre.sprites import Sprites
from unstrung.engine.training import text
from unstrung.engine.training.config import Mixture, TrainingConfig
from unstrung.engine.training.curves import draw_curves, forget_after
from unstrung.engine.training.ema import Ema
from unstrung.engine.training.layouts import PlanSource
from unstrung.engine.training.objectives import ObjectiveConfig
from unstrung.engine.training.plans import Plan, plan_of
from unstrung.engine.training.runs import (
    CHECKPOINT_EVERY_S,
    READER,
    OnProgress,
    Progress,
    art_of,
    for_minutes,
    silent,
)
from unstrung.engine.training.trainer import Trainer, append_record, load_state, save_state

_BATCH, _QUESTIONS = 32, 4


def run_planner(
    preset: str,
    out: Path,
    minutes: float | None,
    resume: bool,
    on_progress: OnProgress = silent,
    start: Path | None = None,
) -> None:
    """Train the planner of a preset beside its text encoder; writes `planner.safetensors`.

    Args:
        preset: name of the model.
        out: folder of the run.
        minutes: how long; None takes the plan's.
        resume: go on from `state.pt`.
        on_progress: told after every step.
        start: folder of weights to begin with, with fresh optimisers; None begins with chance.

    Raises:
        CheckpointError: if there is nothing to resume from or to start with, or it is of another size.
    """
    plan = plan_of(preset)
    torch.set_flush_denormal(True)
    out.mkdir(parents=True, exist_ok=True)
    trainer = _new_trainer(preset, plan, out.parent)
    if start is not None:
        _begin_with(trainer, start / PLANNER)
    state, log = out / "state.pt", out / "losses.jsonl"
    if resume:
        load_state(state, trainer)
        forget_after(log, trainer.step)
    elif start is None:
        log.unlink(missing_ok=True)
    saved_at = time.perf_counter()
    for done in for_minutes(plan.minutes.planner if minutes is None else minutes):
        record = trainer.train_step(1 - done)
        append_record(log, record)
        on_progress(Progress(done, f"step {record.step}, planning loss {record.loss:.4f}"))
        if time.perf_counter() - saved_at > CHECKPOINT_EVERY_S:
            _save(trainer, preset, out)
            saved_at = time.perf_counter()
    _save(trainer, preset, out)
    draw_curves(log, out / "losses.png")


def _new_trainer(preset: str, plan: Plan, root: Path) -> Trainer:
    model = presets.preset(preset)
    torch.manual_seed(plan.config.seed)
    # The denoiser's run goes on teaching the text encoder, and it is that one which ships.
    texts = next(
        (
            f
            for f in (root / f"transformer-{preset}", root / f"text-{preset}")
            if (f / READER).exists()
        ),
        root / f"text-{preset}",
    )
    encoder = load_text_encoder(texts / "text_encoder.safetensors")
    sizes = TransformerConfig(
        PLAN_CHANNELS, patch_size=1, hidden_size=model.planner_size, depth=model.planner_depth,
        num_heads=max(1, model.planner_size // 64), context_size=encoder.config.hidden_size,
    )  # fmt: skip
    repertoire, shapes = plan.planned
    source = PlanSource(repertoire, shapes, Sprites(art_of(plan.cast)))
    config = TrainingConfig(
        Mixture(tuple((shape, float(shape.frames)) for shape in source.counts), 10**6, _BATCH),
        # A plan has few numbers, all of them strong: what is settled at high noise is little.
        ObjectiveConfig(target="clean", time_mean=0.3, time_std=1.2, uniform_share=0.2, weight_power=1.0),
        muon_lr=4e-3, adam_lr=2e-3, cooldown_share=0.4, ema_decay=0.995, caption_dropout=0.0,
        text_lr_share=0.0, reader_weight=0.0, questions=_QUESTIONS,
    )  # fmt: skip
    trainer = Trainer(config, Transformer(sizes), encoder, source, choose_precision().dtype)
    reader = text.load_reader(texts / READER, encoder.config.hidden_size)
    trainer.reader.load_state_dict(reader.state_dict())
    return trainer


def _begin_with(trainer: Trainer, path: Path) -> None:
    """Take over the weights and counters of a trained planner."""
    planner, facts = load_transformer(path)
    if planner.config != trainer.transformer.config:
        raise CheckpointError(f"The planner in {path.parent} is of another size than the preset.")
    trainer.transformer.load_state_dict(planner.state_dict())
    trainer.ema = Ema(trainer.transformer, trainer.config.ema_decay)
    trainer.num_samples = facts["samples"]
    trainer.seconds = 3600 * facts["training_hours"]


def averaged_planner(trainer: Trainer) -> Transformer:
    """The planner as it would be shipped now."""
    planner = Transformer(trainer.transformer.config)
    trainer.ema.copy_to(planner)
    return planner.eval()


def _save(trainer: Trainer, preset: str, out: Path) -> None:
    save_state(out / "state.pt", trainer)
    facts = {
        "preset": preset,
        "steps": trainer.step,
        "samples": trainer.num_samples,
        "training_hours": round(trainer.seconds / 3600, 2),
    }
    save_transformer(out / PLANNER, averaged_planner(trainer), facts)
