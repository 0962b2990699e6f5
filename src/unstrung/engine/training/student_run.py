"""A student's run, from a preset's name to weights that `unstrung ship` takes before those of its teacher."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Final

import torch

from unstrung.engine import presets
from unstrung.engine.checkpoints import (
    load_autoencoder,
    load_text_encoder,
    load_transformer,
    save_text_encoder,
    save_transformer,
)
from unstrung.engine.data.dataset import LatentCache
from unstrung.engine.models.transformer import Transformer
from unstrung.engine.precision import choose_precision
from unstrung.engine.theatre.sprites import Sprites
from unstrung.engine.training import text
from unstrung.engine.training.config import Mixture, TrainingConfig
from unstrung.engine.training.curves import draw_curves, forget_after
from unstrung.engine.training.layouts import Stage
from unstrung.engine.training.plans import Plan, plan_of
from unstrung.engine.training.runs import (
    CHECKPOINT_EVERY_S,
    READER,
    OnProgress,
    Progress,
    art_of,
    averaged,
    for_minutes,
    silent,
)
from unstrung.engine.training.student import Lesson, Method, StudentTrainer, student_of
from unstrung.engine.training.trainer import append_record, load_state, save_state

STUDENT_SHARE: Final = 0.75  # of what is written; measured in docs/experiments.md


def run_student(
    preset: str,
    out: Path,
    minutes: float | None,
    resume: bool,
    on_progress: OnProgress = silent,
    start: Path | None = None,
    method: Method = "trajectory",
) -> None:
    """Teach a student of a preset's transformer; writes the same files as the transformer's run.

    Args:
        preset: name of the model.
        out: folder of the run.
        minutes: how long; None takes the plan's.
        resume: go on from `state.pt`.
        on_progress: told after every step.
        start: folder of the teacher; None takes the transformer's run beside `out`.
        method: how it is taught, see `training.student`.

    Raises:
        CheckpointError: if there is no teacher, or nothing to resume from.
    """
    plan = plan_of(preset)
    torch.set_flush_denormal(True)
    out.mkdir(parents=True, exist_ok=True)
    folder = start or out.parent / f"transformer-{preset}"
    trainer = _new_trainer(preset, plan, out.parent, folder, method)
    state, log = out / "state.pt", out / "losses.jsonl"
    if resume:
        load_state(state, trainer)
        forget_after(log, trainer.step)
    else:
        log.unlink(missing_ok=True)
    saved_at = time.perf_counter()
    for done in for_minutes(plan.minutes.student if minutes is None else minutes):
        record = trainer.train_step(1 - done)
        append_record(log, record)
        on_progress(Progress(done, f"step {record.step}, loss {record.loss:.4f}"))
        if time.perf_counter() - saved_at > CHECKPOINT_EVERY_S:
            _save(trainer, folder, out)
            saved_at = time.perf_counter()
    _save(trainer, folder, out)
    draw_curves(log, out / "losses.png")


def _new_trainer(
    preset: str, plan: Plan, root: Path, teacher: Path, method: Method
) -> StudentTrainer:
    model = presets.preset(preset)
    torch.manual_seed(plan.config.seed)
    autoencoder = load_autoencoder(root / f"autoencoder-{preset}" / "autoencoder.safetensors")
    encoder = load_text_encoder(teacher / "text_encoder.safetensors")
    transformer, _ = load_transformer(teacher / "transformer.safetensors")
    lesson = Lesson(method, model.guidance_scale, model.shift, 12 if method == "trajectory" else 8)
    trainer = StudentTrainer(
        lesson, _config_of(plan), transformer, encoder, LatentCache(root / "data"),
        choose_precision().dtype, Stage(Sprites(art_of(plan.cast)), autoencoder),
    )  # fmt: skip
    reader = text.load_reader(teacher / READER, encoder.config.hidden_size)
    trainer.reader.load_state_dict(reader.state_dict())
    # Not compiled: half of a step is the teacher's, and seven shapes take longer than a student does.
    return trainer


def _config_of(plan: Plan) -> TrainingConfig:
    """The transformer's run with smaller batches and much smaller steps.

    Every clip is asked about eight times; and a student begins as good as its teacher: with half of the
    transformer's steps it was worse after eight minutes than the teacher unguided.
    """
    mixture = plan.config.mixture
    small = Mixture(
        mixture.late_shares or mixture.shares,
        batch_tokens=max(64, mixture.batch_tokens * 2 // 5),
        max_batch=max(8, mixture.max_batch // 8),
    )
    return replace(
        plan.config, mixture=small, muon_lr=plan.config.muon_lr / 12, adam_lr=plan.config.adam_lr / 12,
        cooldown_share=0.5, warmup_steps=min(20, plan.config.warmup_steps), caption_dropout=0.05,
        layout_dropout=0.05, text_lr_share=0.0, reader_weight=0.0, seed=plan.config.seed + 1,
    )  # fmt: skip


def between(teacher: Transformer, student: Transformer, share: float) -> Transformer:
    """The network whose weights lie between a teacher's and its student's.

    What a short training adds to weights is partly chance, and the mean keeps less of that than of what was
    learned (Wortsman et al. 2022, 2109.01903).

    Args:
        teacher: what the student began as; may not know of steps yet.
        student: of the same sizes.
        share: 0 for the teacher, 1 for the student.
    """
    begun, learned = student_of(teacher).state_dict(), student.state_dict()
    mixed = {
        name: torch.lerp(begun[name].float(), learned[name].float(), share) for name in learned
    }
    found = Transformer(student.config)
    found.load_state_dict(mixed)
    return found


def _save(trainer: StudentTrainer, teacher: Path, out: Path) -> None:
    save_state(out / "state.pt", trainer)
    taught, facts = load_transformer(teacher / "transformer.safetensors")
    student = between(taught, averaged(trainer).transformer, STUDENT_SHARE)
    own = {
        "student_steps": trainer.step,
        "student_samples": trainer.num_samples,
        "student_hours": round(trainer.seconds / 3600, 2),
        "student_method": trainer.lesson.method,
    }
    save_transformer(out / "transformer.safetensors", student, {**facts, **own})
    # The text encoder only read: it is the teacher's, byte for byte.
    save_text_encoder(
        out / "text_encoder.safetensors", load_text_encoder(teacher / "text_encoder.safetensors")
    )
    text.save_reader(out / READER, trainer.reader)
