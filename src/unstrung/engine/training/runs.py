"""Whole runs, from a preset's name to files in a folder; what `unstrung train` calls.

A training root holds one folder per part: `data` (latents), `autoencoder-mini`, `text-mini`,
`oracle-mini`, `transformer-mini`. Runs find what they build on beside their own folder.
"""

import itertools
import random
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from unstrung.engine import presets
from unstrung.engine.checkpoints import (
    PLANNER,
    load_autoencoder,
    load_text_encoder,
    load_transformer,
    save_autoencoder,
    save_text_encoder,
    save_transformer,
)
from unstrung.engine.data.dataset import LatentCache
from unstrung.engine.data.prepare import prepare, sample_cells
from unstrung.engine.denoising import Denoiser
from unstrung.engine.errors import CheckpointError, DataError
from unstrung.engine.image_io import contact_sheet, write_image
from unstrung.engine.models.autoencoder import Autoencoder, AutoencoderConfig
from unstrung.engine.models.text_encoder import TextEncoder, TextEncoderConfig
from unstrung.engine.models.transformer import Transformer, TransformerConfig
from unstrung.engine.precision import choose_precision
from unstrung.engine.shapes import LatentShape
from unstrung.engine.theatre.captions import write_caption
from unstrung.engine.theatre.cast import members_of
from unstrung.engine.theatre.fetch import art_folder
from unstrung.engine.theatre.oracle import Oracle, OracleConfig, save_oracle
from unstrung.engine.theatre.render import shot_of_latent_frames
from unstrung.engine.theatre.repertoire import Repertoire, draw_script
from unstrung.engine.theatre.sprites import Sprites
from unstrung.engine.training import decoder, oracle, text
from unstrung.engine.training.curves import LossLog, draw_curves, forget_after
from unstrung.engine.training.ema import Ema
from unstrung.engine.training.layouts import Stage, layouts_of
from unstrung.engine.training.optimizer import Muon, split_parameters
from unstrung.engine.training.plans import Plan, plan_of
from unstrung.engine.training.portraits import portrait_book, teach_casting, with_portraits
from unstrung.engine.training.replica import Replica
from unstrung.engine.training.trainer import Trainer, append_record, load_state, save_state

CHECKPOINT_EVERY_S = 240.0
SAMPLES_EVERY_S = 900.0
READER = "reader.safetensors"


@dataclass(frozen=True)
class Progress:
    """How far a run is: share done in [0, 1] and the newest figures in words."""

    done: float
    text: str


OnProgress = Callable[[Progress], None]


def silent(progress: Progress) -> None:
    """Tell nobody."""


def art_of(cast: tuple[str, ...]) -> Path | None:
    """Folder of the art; drawn props need none."""
    folder = art_folder()
    needs_art = cast != members_of("prop")
    if needs_art and not folder.is_dir():
        raise DataError(f"There is no art in {folder}; run `unstrung data fetch` first.")
    return folder if needs_art else None


def run_autoencoder(
    preset: str,
    out: Path,
    minutes: float | None,
    resume: bool,
    on_progress: OnProgress = silent,
    start: Path | None = None,
) -> None:
    """Fit the linear code on renders, then train the decoder that refines it.

    Args:
        preset: name of the model.
        out: folder of the run; `autoencoder.safetensors` appears in it after the fit.
        minutes: of the decoder's training; 0 leaves the linear code alone; None takes the plan's.
        resume: keep the code (the transformer depends on it) and go on with the decoder.
        on_progress: told now and then.
        start: folder of the transformer whose clips the decoder learns to show; None takes the student's run
            beside `out`, and renders alone if there is none yet.
    """
    model, plan = presets.preset(preset), plan_of(preset)
    path = out / "autoencoder.safetensors"
    out.mkdir(parents=True, exist_ok=True)
    art = art_of(plan.cast)
    if resume and path.exists():
        autoencoder = load_autoencoder(path)
    else:
        autoencoder = Autoencoder(AutoencoderConfig(model.latent_channels))
        on_progress(Progress(0.0, "fitting the linear code"))
        autoencoder.fit(sample_cells(Repertoire(plan.cast), art, plan.fit_clips, seed=7))
        save_autoencoder(path, autoencoder)
    wanted = plan.minutes.decoder if minutes is None else minutes
    if model.decoder_channels and wanted > 0:
        folder = start or out.parent / f"student-{preset}"
        drawer = None
        if start or (folder / "transformer.safetensors").exists():
            drawer = _drawer_of(model, folder, autoencoder)
        decoder.train_decoder(
            decoder.with_refiner(autoencoder, model.decoder_channels, model.decoder_depth),
            decoder.DecoderRun(
                plan.cast, art, out, wanted, plan.decoder_batch, resume,
                tuple(each.shape for each in plan.portions if each.shape.frames > 1),
                choose_precision().dtype, drawer=drawer,
            ),
            lambda done, words: on_progress(Progress(done, words)),
        )  # fmt: skip


def _drawer_of(
    model: presets.ModelPreset, folder: Path, autoencoder: Autoencoder
) -> decoder.Drawer:
    """The model in a folder, which draws what the decoder will show; layouts are given to it."""
    transformer, facts = load_transformer(folder / "transformer.safetensors")
    encoder = load_text_encoder(folder / "text_encoder.safetensors")
    if transformer.config.has_step_size:
        model = model.of_student
    dtype = choose_precision(0.05).dtype
    denoiser = Denoiser(
        transformer.to(dtype), encoder, facts["target"], tuple(facts["cast"]), dtype,
        autoencoder=autoencoder,
    )  # fmt: skip
    return decoder.Drawer(denoiser, model.num_steps, model.shift, model.guidance_scale)


def prepare_data(
    preset: str, out: Path, num_clips: int | None, seed: int = 11, on_progress: OnProgress = silent
) -> None:
    """Render and encode the clips of a preset.

    Args:
        preset: name of the model.
        out: folder of the cache, inside the training root.
        num_clips: scale the plan's portions to about so many clips; None takes them as they are.
        seed: other seeds give other clips, and can stand in one folder together.
        on_progress: told after each shard.
    """
    plan = plan_of(preset)
    total = sum(portion.num_clips for portion in plan.portions)
    factor = 1.0 if num_clips is None else num_clips / total
    portions = tuple(
        type(p)(p.shape, max(1, round(p.num_clips * factor)), p.repertoire) for p in plan.portions
    )
    weights = out.parent / f"autoencoder-{preset}" / "autoencoder.safetensors"
    shards = sum(-(-p.num_clips // 256) for p in portions)
    for index, path in enumerate(prepare(portions, out, art_of(plan.cast), weights, seed)):
        on_progress(Progress((index + 1) / shards, path.name))


def run_text(
    preset: str, out: Path, minutes: float | None, resume: bool, on_progress: OnProgress = silent
) -> None:
    """Teach the text encoder to read scripts; writes `text_encoder.safetensors` and `reader.safetensors`."""
    model, plan = presets.preset(preset), plan_of(preset)
    torch.manual_seed(0)
    torch.set_flush_denormal(True)
    out.mkdir(parents=True, exist_ok=True)
    path = out / "text_encoder.safetensors"
    if resume and path.exists():
        encoder = load_text_encoder(path).train()
        reader = text.load_reader(out / READER, encoder.config.hidden_size)
    else:
        sample = [words for words, _ in itertools.islice(text.captioned_shots(1), plan.text_sample)]
        tokenizer = text.train_tokenizer(sample, model.vocabulary_size)
        encoder = TextEncoder(TextEncoderConfig(tokenizer.get_vocab_size()), tokenizer)
        portraits = text.portrait_codes(art_of(plan.cast))
        reader = text.ScriptReader(encoder.config.hidden_size, portraits)
    hidden, rest = split_parameters([encoder, reader])
    dtype = choose_precision().dtype
    listener = Replica(encoder, dtype)
    optimizers = (Muon(hidden, 2e-3, dtype=dtype), torch.optim.AdamW(rest, 2e-3, weight_decay=0.0))
    log = LossLog(out / "losses.jsonl", keep=resume)
    shots = text.captioned_shots(2 + random.randrange(10**6) if resume else 2)
    for done in for_minutes(plan.minutes.text if minutes is None else minutes):
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = 2e-3 * min(1.0, 0.02 + (1 - done) / 0.4)
        batch = list(itertools.islice(shots, plan.text_batch))
        listener.refresh()
        states, _ = listener.module(*encoder.tokenize([words for words, _ in batch]))
        loss = reader.loss(states.float(), torch.tensor([wanted for _, wanted in batch]))
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        listener.hand_over_gradients()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        log.add(loss.item(), 0)
        on_progress(Progress(done, f"reading loss {loss.item():.3f}"))
    save_text_encoder(path, encoder)
    text.save_reader(out / READER, reader)
    draw_curves(log.path, out / "losses.png")


def run_oracle(
    preset: str, out: Path, minutes: float | None, resume: bool, on_progress: OnProgress = silent
) -> None:
    """Train the oracle on cached renders, stills first; writes `oracle.safetensors`."""
    plan = plan_of(preset)
    torch.manual_seed(0)
    torch.set_flush_denormal(True)
    cache = LatentCache(out.parent / "data")
    autoencoder = load_autoencoder(out.parent / f"autoencoder-{preset}" / "autoencoder.safetensors")
    judge = Oracle(OracleConfig(plan.cast))
    path = out / "oracle.safetensors"
    if resume and path.exists():
        judge = oracle.load_for_training(path)
    factor = 1.0
    if minutes is not None:
        factor = minutes / (plan.minutes.oracle_stills + plan.minutes.oracle_clips)
    stages = ((plan.minutes.oracle_stills, False, 2e-3), (plan.minutes.oracle_clips, True, 1.2e-3))
    onward = oracle.Onward(replace(plan.planned[0], cast=plan.cast), Sprites(art_of(plan.cast)))
    learner = oracle.OracleTrainer(
        judge, cache, autoencoder, dtype=choose_precision().dtype, onward=onward
    )
    out.mkdir(parents=True, exist_ok=True)
    log = LossLog(out / "losses.jsonl", keep=resume)
    for stage, (stage_minutes, with_clips, peak) in enumerate(stages):
        for done in for_minutes(stage_minutes * factor):
            loss = learner.train_step(with_clips, peak * (1 - done) ** 0.8 + 1e-5)
            log.add(loss, 9 if with_clips else 1)
            on_progress(Progress((stage + done) / len(stages), f"oracle loss {loss:.3f}"))
    save_oracle(path, judge)
    draw_curves(log.path, out / "losses.png")


def run_transformer(
    preset: str,
    out: Path,
    minutes: float | None,
    resume: bool,
    on_progress: OnProgress = silent,
    start: Path | None = None,
    cooldown: float | None = None,
) -> None:
    """Train the transformer and, with it, the text encoder.

    `resume` goes on from `state.pt` with the identical next losses. `start` begins with the weights of a
    folder (the shipped ones, say, when the state of a former session is gone) and fresh optimisers; if they
    have a planner, the text encoder that it listens to stays as it is.

    `cooldown` is the last share of this run over which step sizes fall to zero, which sharpens the result;
    the plan's own value is taken if it is None.

    Writes into `out`: `state.pt` (to resume from), `losses.jsonl` and `losses.png`, `samples/`, and the
    averaged weights as `transformer.safetensors` and `text_encoder.safetensors`.
    """
    plan, root = _plan_for(preset, start, cooldown), out.parent
    torch.set_flush_denormal(True)
    trainer = _new_trainer(preset, plan, root)
    if start is not None:
        _begin_with(trainer, start)
    state, log = out / "state.pt", out / "losses.jsonl"
    out.mkdir(parents=True, exist_ok=True)
    if resume:
        load_state(state, trainer)
        forget_after(log, trainer.step)
    elif start is None:
        log.unlink(missing_ok=True)
    autoencoder = load_autoencoder(root / f"autoencoder-{preset}" / "autoencoder.safetensors")
    shift = presets.preset(preset).shift
    saved_at = sampled_at = time.perf_counter()
    for done in for_minutes(plan.minutes.transformer if minutes is None else minutes):
        record = trainer.train_step(1 - done)
        append_record(log, record)
        figures = f"step {record.step}, loss {record.loss:.3f}, {record.num_samples} samples"
        on_progress(Progress(done, figures))
        now = time.perf_counter()
        if now - saved_at > CHECKPOINT_EVERY_S:
            _save_all(trainer, preset, out)
            saved_at = time.perf_counter()
        if now - sampled_at > SAMPLES_EVERY_S:
            write_samples(
                trainer, autoencoder, plan, out / "samples" / f"step-{trainer.step:06d}.jpg", shift
            )
            draw_curves(log, out / "losses.png")
            sampled_at = time.perf_counter()
    _save_all(trainer, preset, out)
    write_samples(
        trainer, autoencoder, plan, out / "samples" / f"step-{trainer.step:06d}.jpg", shift
    )
    draw_curves(log, out / "losses.png")


def _plan_for(preset: str, start: Path | None, cooldown: float | None) -> Plan:
    plan = plan_of(preset)
    if cooldown is not None:
        plan = replace(plan, config=replace(plan.config, cooldown_share=cooldown))
    if start is not None and (start / PLANNER).exists():
        # The planner was taught beside this text encoder, which therefore only reads from now on.
        plan = replace(plan, config=replace(plan.config, text_lr_share=0.0))
    return plan


def for_minutes(minutes: float) -> Iterator[float]:
    """Yield the share of the time that has passed until it is over; at least once."""
    started, done = time.perf_counter(), 0.0
    while done < 1.0:
        yield done
        done = (time.perf_counter() - started) / max(60 * minutes, 1e-9)


def _new_trainer(preset: str, plan: Plan, root: Path) -> Trainer:
    model = presets.preset(preset)
    torch.manual_seed(plan.config.seed)
    text_encoder = load_text_encoder(root / f"text-{preset}" / "text_encoder.safetensors")
    autoencoder = load_autoencoder(root / f"autoencoder-{preset}" / "autoencoder.safetensors")
    if model.num_portraits:
        text_encoder = with_portraits(text_encoder, portrait_book(autoencoder, art_of(plan.cast)))
    text_encoder.train()
    sizes = TransformerConfig(
        model.latent_channels, model.patch_size, model.hidden_size, model.depth, model.num_heads,
        context_size=text_encoder.config.hidden_size, fine_depth=model.fine_depth,
        num_portraits=model.num_portraits, has_layout=model.planner_depth > 0,
    )  # fmt: skip
    trainer = Trainer(
        plan.config, Transformer(sizes), text_encoder, LatentCache(root / "data"),
        choose_precision().dtype, Stage(Sprites(art_of(plan.cast)), autoencoder),
    )  # fmt: skip
    if plan.compiles and trainer.dtype != torch.float32:
        trainer.predict = compiled(trainer.painter.module)
    reader = text.load_reader(root / f"text-{preset}" / READER, text_encoder.config.hidden_size)
    trainer.reader.load_state_dict(reader.state_dict())
    return trainer


def compiled(transformer: Transformer) -> Callable[..., Tensor]:
    """The transformer as one fused program for every latent shape, 1.5 times as fast after a minute's work.

    Each shape of the mixture is compiled on its own, and torch keeps the results on disk.

    Raises:
        DataError: on a machine without a C++ compiler, which torch needs for it.
    """
    if not any(shutil.which(name) for name in ("g++", "clang++", "c++")):
        raise DataError(
            "Training this preset compiles the transformer, and there is no C++ compiler; install g++."
        )
    torch._dynamo.config.recompile_limit = 32
    program: Callable[..., Tensor] = torch.compile(transformer, dynamic=False)
    return program


def _begin_with(trainer: Trainer, folder: Path) -> None:
    """Take over the weights and counters of a folder of weights."""
    transformer, facts = load_transformer(folder / "transformer.safetensors")
    encoder = load_text_encoder(folder / "text_encoder.safetensors")
    wanted = trainer.transformer.config
    learned = replace(transformer.config, has_layout=wanted.has_layout)  # layouts can come later
    if learned != wanted or encoder.config != trainer.text_encoder.config:
        raise CheckpointError(f"The weights in {folder} are of another size than the preset.")
    trainer.transformer.load_state_dict(
        {**trainer.transformer.state_dict(), **transformer.state_dict()}
    )
    trainer.text_encoder.load_state_dict(encoder.state_dict())
    trainer.text_encoder.tokenizer = encoder.tokenizer
    reader = text.load_reader(folder / READER, encoder.config.hidden_size)
    trainer.reader.load_state_dict(reader.state_dict())
    trainer.ema = Ema(trainer.transformer, trainer.config.ema_decay)
    trainer.text_ema = Ema(trainer.text_encoder, trainer.config.ema_decay)
    trainer.num_samples = facts["samples"]
    trainer.seconds = 3600 * facts["training_hours"]


def averaged(trainer: Trainer) -> Denoiser:
    """The averaged networks as they would be shipped now."""
    transformer = Transformer(trainer.transformer.config)
    encoder = TextEncoder(trainer.text_encoder.config, trainer.text_encoder.tokenizer)
    encoder.load_state_dict(trainer.text_encoder.state_dict())  # the book of portraits, too
    trainer.ema.copy_to(transformer)
    trainer.text_ema.copy_to(encoder)
    teach_casting(encoder, *trainer.reader.heads_of_actors())
    return Denoiser(
        transformer.eval(), encoder.eval(), trainer.config.objective.target,
        autoencoder=trainer.stage.autoencoder if trainer.stage else None,
    )  # fmt: skip


def _save_all(trainer: Trainer, preset: str, out: Path) -> None:
    save_state(out / "state.pt", trainer)
    denoiser = averaged(trainer)
    facts = {
        "preset": preset,
        "target": denoiser.target,
        "cast": plan_of(preset).cast,
        "steps": trainer.step,
        "samples": trainer.num_samples,
        "training_hours": round(trainer.seconds / 3600, 2),
    }
    save_transformer(out / "transformer.safetensors", denoiser.transformer, facts)
    save_text_encoder(out / "text_encoder.safetensors", denoiser.text_encoder)
    text.save_reader(out / READER, trainer.reader)


def write_samples(
    trainer: Trainer, autoencoder: Autoencoder, plan: Plan, path: Path, shift: float
) -> None:
    """A contact sheet of held-out stills and clips, drawn by the averaged weights with fixed seeds."""
    denoiser = averaged(trainer)
    rng, words = np.random.default_rng(4), random.Random(4)
    clips, labels = [], []
    largest = max(
        trainer.cache.counts, key=lambda shape: (shape.height == shape.width, shape.frames)
    )
    for shape, count in ((LatentShape(1, largest.height, largest.width), 24), (largest, 8)):
        scripts = [draw_script(Repertoire(plan.cast), rng, "heldout") for _ in range(count)]
        captions = [write_caption(s, "en", text.CAPTION_NAMES, words, 0.5) for s in scripts]
        spans = torch.tensor([shot_of_latent_frames(len(c), shape.frames) for c in captions])
        noise = denoiser.noise(shape, range(count))
        # The planner is trained apart; what is watched here is painting, so the real layout is given.
        told = layouts_of(scripts, shape, trainer.stage.sprites) if trainer.stage else None
        latents = denoiser.draw(captions, spans, noise, 24, 2.5, shift, layout=told)
        sketch = denoiser.sketch(captions, spans, told, (shape.height, shape.width))
        with torch.inference_mode():
            video = autoencoder.decode(latents, sketch)
        frames = ((video + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 4, 1).numpy()
        clips += [clip[:: max(1, (len(clip) - 1) // 4)] for clip in frames]
        labels += [caption[0] for caption in captions]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_image(path, contact_sheet(clips, labels, columns=4))
