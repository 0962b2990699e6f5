"""What the oracle is taught, and how it is scored."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from engine.factories import (
    LATENT_CHANNELS,
    PROPS,
    gaussian,
    prop_scripts,
    tiny_autoencoder,
    write_shard,
)
from unstrung.engine.data.dataset import Batch, LatentCache
from unstrung.engine.theatre.oracle import NUM_MOMENTS, QUESTIONS, Oracle, OracleConfig, Reading
from unstrung.engine.theatre.script import Script
from unstrung.engine.training.oracle import (
    OracleTrainer,
    accuracy,
    decoded_moments,
    oracle_loss,
    targets,
)

SCRIPTS = prop_scripts(24, seed=3)


def perfect(scripts: list[Script], confidence: float = 20.0) -> Reading:
    """The reading of an oracle that is right and sure."""
    present, answers = targets(scripts, PROPS)
    fields = tuple(
        confidence * nn.functional.one_hot(answers[:, index], len(field.options)).float()
        for index, field in enumerate(QUESTIONS)
    )
    return Reading(confidence * present, fields)


class Reciting(nn.Module):
    """Stands in for an oracle and says what it was told to say."""

    def __init__(self, reading: Reading) -> None:
        super().__init__()
        self.config, self.reading = OracleConfig(PROPS), reading

    def forward(self, _: Tensor) -> Reading:
        return self.reading


def test_targets_mark_everybody_in_the_first_shot() -> None:
    present, answers = targets(SCRIPTS, PROPS)
    assert answers.shape == (len(SCRIPTS), len(QUESTIONS))
    for row, script in enumerate(SCRIPTS):
        named = {PROPS[index] for index in torch.nonzero(present[row]).flatten().tolist()}
        assert named == {actor.name for actor in script.shots[0].actors}
        for answer, field in zip(answers[row].tolist(), QUESTIONS, strict=True):
            assert 0 <= answer < len(field.options)


def test_a_perfect_reading_costs_next_to_nothing_and_scores_one() -> None:
    present, answers = targets(SCRIPTS, PROPS)
    pairs = present.sum(dim=1) > 1
    solo = [script for script, pair in zip(SCRIPTS, pairs.tolist(), strict=True) if not pair]
    assert float(oracle_loss(perfect(solo), *targets(solo, PROPS), is_still=False)) < 1e-5
    frames = torch.zeros(len(SCRIPTS), 1, 3, 128, 128)
    scores = accuracy(Reciting(perfect(SCRIPTS)), frames, SCRIPTS)
    assert scores == dict.fromkeys(["actor", *(field.name for field in QUESTIONS)], 1.0)
    assert answers.shape[0] == len(SCRIPTS)


def test_a_wrong_actor_is_a_miss_even_if_the_other_is_right() -> None:
    reading = perfect(SCRIPTS)
    present, _ = targets(SCRIPTS, PROPS)
    reading.actors[0] = -reading.actors[0]
    pair = int(torch.nonzero(present.sum(dim=1) == 2)[0])
    first = int(present[pair].argmax())
    reading.actors[pair, first] = -1.0
    frames = torch.zeros(len(SCRIPTS), 1, 3, 128, 128)
    scores = accuracy(Reciting(reading), frames, SCRIPTS)
    misses = len({0, pair})
    assert scores["actor"] == pytest.approx(1 - misses / len(SCRIPTS))


def test_stills_are_not_asked_about_motion() -> None:
    present, answers = targets(SCRIPTS, PROPS)
    reading = perfect(SCRIPTS)
    confused = tuple(
        -scores if field.name in ("action", "camera") else scores
        for field, scores in zip(QUESTIONS, reading.fields, strict=True)
    )
    other = Reading(reading.actors, confused)
    still, moving = (oracle_loss(reading, present, answers, is_still) for is_still in (True, False))
    assert torch.equal(oracle_loss(other, present, answers, is_still=True), still)
    assert oracle_loss(other, present, answers, is_still=False) > moving + 1


@pytest.mark.parametrize("frames", [1, 4, 9, 13])
def test_moments_are_the_newest_frames_of_the_decoded_latents(frames: int) -> None:
    autoencoder = tiny_autoencoder()
    latents = 0.1 * gaussian(2, LATENT_CHANNELS, frames, 2, 3)
    batch = Batch(latents, tuple(SCRIPTS[:2]))
    with torch.no_grad():
        seen = decoded_moments(autoencoder, batch, np.random.default_rng(0)).latents
        video = autoencoder.decode_linear(latents)
    places = [0] if frames == 1 else np.linspace(0, frames - 1, NUM_MOMENTS).round().astype(int)
    wanted = video[:, :, [4 * place for place in places]].transpose(1, 2)
    assert seen.shape == wanted.shape == (2, len(places), 3, 32, 48)
    # The brightness of each clip varies by one common factor.
    gain = (seen * wanted).sum(dim=(1, 2, 3, 4)) / wanted.square().sum(dim=(1, 2, 3, 4))
    assert ((gain - 1).abs() < 0.5).all()
    torch.testing.assert_close(seen, wanted * gain[:, None, None, None, None], atol=1e-4, rtol=1e-3)


def test_an_oracle_learns_from_stills_and_clips(tmp_path: Path) -> None:
    scripts = prop_scripts(4, seed=5)
    for frames in (1, 9):
        write_shard(tmp_path, gaussian(4, LATENT_CHANNELS, frames, 8, 8, seed=frames), scripts)
    write_shard(tmp_path, gaussian(4, LATENT_CHANNELS, 1, 4, 6), scripts, "wide")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        judge = Oracle(OracleConfig(PROPS, widths=(8, 8, 8), feature_size=16))
    trainer = OracleTrainer(judge, LatentCache(tmp_path), tiny_autoencoder())
    assert all(shape.height == shape.width for shape in (*trainer.stills, *trainer.clips))
    losses = [trainer.train_step(with_clips=False, lr=0.03) for _ in range(6)]
    assert losses[-1] < 0.9 * losses[0]
    assert np.isfinite([trainer.train_step(with_clips=True, lr=0.01) for _ in range(2)]).all()
    assert trainer.optimizer.param_groups[0]["lr"] == 0.01
    assert trainer.step == 8
