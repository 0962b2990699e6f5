"""The planner learns where captions put their actors, and layouts reach the denoiser's training."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.factories import (
    CONTEXT_SIZE,
    LATENT_CHANNELS,
    REPERTOIRE,
    noise_shard,
    prop_scripts,
    tiny_text_encoder,
)
from unstrung.engine.data.dataset import LatentCache
from unstrung.engine.denoising import Denoiser
from unstrung.engine.layout import BODY, CAMERA, LAYOUT_SIZE
from unstrung.engine.models.layout import PLAN_CHANNELS, from_plan
from unstrung.engine.models.transformer import Transformer, TransformerConfig
from unstrung.engine.shapes import LatentShape
from unstrung.engine.theatre.script import Action, Actor, Camera, Script, Setting, Shot
from unstrung.engine.theatre.sprites import Sprites
from unstrung.engine.training.config import Mixture, TrainingConfig
from unstrung.engine.training.layouts import PlanSource, Stage, can_go_on, layouts_of
from unstrung.engine.training.planner import averaged_planner
from unstrung.engine.training.trainer import Trainer

SPRITES = Sprites(None)
SQUARE, WIDE, STILL = LatentShape(5, 8, 8), LatentShape(5, 8, 14), LatentShape(1, 8, 8)


def tiny_planner(depth: int = 2) -> Transformer:
    config = TransformerConfig(PLAN_CHANNELS, 1, 32, depth, 2, context_size=CONTEXT_SIZE)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Transformer(config)


def test_plans_are_drawn_for_every_number_of_frames() -> None:
    source = PlanSource(REPERTOIRE, (SQUARE, WIDE, STILL), SPRITES)
    assert set(source.counts) == {LatentShape(5, 1, 1), LatentShape(1, 1, 1)}
    batch = source.draw(LatentShape(5, 1, 1), 6, np.random.default_rng(0))
    assert batch.latents.shape == (6, PLAN_CHANNELS, 5, 1, 1)
    again = source.draw(LatentShape(5, 1, 1), 6, np.random.default_rng(0))
    assert torch.equal(again.latents, batch.latents)
    known = layouts_of(batch.scripts[:1], SQUARE, SPRITES)
    wide = layouts_of(batch.scripts[:1], WIDE, SPRITES)
    drawn = batch.latents[:1]
    assert (
        min(
            (from_plan(drawn, 1.0) - known).abs().max(), (from_plan(drawn, 1.75) - wide).abs().max()
        )
        < 1e-4
    )


def test_plans_begin_anywhere_in_what_can_go_on() -> None:
    bouncing = replace(REPERTOIRE, pair=0.0, group=0.0, two_shots=0.0, camera=0.0, moving=1.0)
    batch = PlanSource(bouncing, (SQUARE, STILL), SPRITES).draw(
        LatentShape(5, 1, 1), 200, np.random.default_rng(1)
    )
    assert len(batch.begun) == 200
    assert 60 < sum(batch.begun) < 100
    for index, is_begun in enumerate(batch.begun):
        from_the_start = layouts_of(batch.scripts[index : index + 1], SQUARE, SPRITES)
        drawn = from_plan(batch.latents[index : index + 1], 1.0)
        assert is_begun or torch.allclose(drawn, from_the_start, atol=1e-4)
    stills = PlanSource(bouncing, (SQUARE, STILL), SPRITES).draw(
        LatentShape(1, 1, 1), 50, np.random.default_rng(1)
    )
    assert not any(stills.begun)


@pytest.mark.parametrize(
    ("shots", "goes_on"),
    [
        ((Shot((Actor("circle"),), Setting.SEA, Action.BOUNCE),), True),
        ((Shot((Actor("circle", 2),), Setting.SEA, Action.CROSS_LEFT),), False),
        ((Shot((Actor("circle"),), Setting.SEA, Action.CROSS_LEFT, camera=Camera.FOLLOW),), False),
        ((Shot((Actor("circle"), Actor("star")), Setting.SEA, Action.CHASE),), True),
        ((Shot((Actor("circle"), Actor("star")), Setting.SEA, Action.SPIN),), False),
        ((Shot((Actor("circle"),), Setting.SEA),) * 2, False),
    ],
)
def test_only_what_has_one_way_to_go_on_does(shots: tuple[Shot, ...], goes_on: bool) -> None:
    assert can_go_on(Script(shots)) is goes_on


def test_a_planner_learns_where_its_actors_stand() -> None:
    plain = replace(REPERTOIRE, pair=0.0, group=0.0, two_shots=0.0, camera=0.0)
    config = TrainingConfig(
        Mixture(((LatentShape(1, 1, 1), 1.0),), 10**6, 32), muon_lr=1e-2, adam_lr=1e-2,
        warmup_steps=2, ema_decay=0.9, caption_dropout=0.0, text_lr_share=0.0, text_every=10**9,
    )  # fmt: skip
    trainer = Trainer(
        config, tiny_planner(), tiny_text_encoder(), PlanSource(plain, (STILL,), SPRITES)
    )
    before = [p.clone() for p in trainer.text_encoder.parameters()]
    for _ in range(60):
        trainer.train_step()
    after = trainer.text_encoder.parameters()
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True)), "it only reads"
    denoiser = Denoiser(
        tiny_planner(), trainer.text_encoder.eval(), "clean", planner=averaged_planner(trainer)
    )
    spans = torch.zeros(4, 1, dtype=torch.long)
    layout = denoiser.lay_out([["a circle in the park"]] * 4, spans, range(4), 1.0)
    assert layout is not None
    assert layout.shape == (4, 1, LAYOUT_SIZE)
    first = layout[:, 0, 1 + len(CAMERA) :].unflatten(-1, (-1, len(BODY)))[:, 0]
    assert (first[:, 0] == 1).all(), "the actor is there"
    assert (first[:, 3] > 0.15).all()
    assert (first[:, 1:3].abs() < 0.6).all(), "in view"
    again = denoiser.lay_out([["a circle in the park"]] * 4, spans, range(4), 1.0)
    assert again is not None
    assert torch.equal(again, layout)


def test_without_a_planner_there_is_no_layout() -> None:
    denoiser = Denoiser(tiny_planner(), tiny_text_encoder(), "clean")
    assert denoiser.lay_out([["a box"]], torch.zeros(1, 3, dtype=torch.long), [1], 1.0) is None


@pytest.mark.parametrize("dropout", [0.0, 0.999999])
def test_the_denoiser_is_told_layouts_in_its_share_of_clips(tmp_path: Path, dropout: float) -> None:
    shape = noise_shard(tmp_path, LatentShape(3, 4, 4), 8, prop_scripts(8))
    sizes = TransformerConfig(
        LATENT_CHANNELS, 2, 32, 1, 2, context_size=CONTEXT_SIZE, has_layout=True
    )
    config = TrainingConfig(
        Mixture(((shape, 1.0),), max_batch=8), caption_dropout=0.0, layout_dropout=dropout
    )
    trainer = Trainer(
        config, Transformer(sizes), tiny_text_encoder(), LatentCache(tmp_path), stage=Stage(SPRITES)
    )
    told = []

    def note(latents, times, condition, routing):
        told.append(condition.layout)
        return trainer.painter.module(latents, times, condition, routing)

    trainer.predict = note
    trainer.train_step()
    assert bool(told[0].any()) == (dropout == 0.0)
    assert told[0].shape == (8, 3, LAYOUT_SIZE)
