"""The loop: it learns, it stops and goes on, and it repeats itself exactly."""

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from engine.factories import (
    full_disk,
    noise_shard,
    prop_script,
    prop_scripts,
    render_clip,
    tiny_autoencoder,
    tiny_text_encoder,
    tiny_transformer,
    write_shard,
)
from unstrung.engine.data.dataset import LatentCache
from unstrung.engine.errors import CheckpointError, InvalidRequest
from unstrung.engine.models.text_encoder import Condition
from unstrung.engine.shapes import LatentShape, VideoShape
from unstrung.engine.theatre.script import Script
from unstrung.engine.training.config import Mixture, TrainingConfig
from unstrung.engine.training.curves import forget_after, read_log
from unstrung.engine.training.objectives import ObjectiveConfig
from unstrung.engine.training.trainer import (
    StepRecord,
    Trainer,
    append_record,
    load_state,
    save_state,
)

STILL, CLIP = LatentShape(1, 4, 4), LatentShape(3, 4, 4)
MIXTURE = Mixture(((STILL, 0.5), (CLIP, 0.5)), batch_tokens=48, max_batch=6)

# Losses of `golden_run`, which may move only when the mathematics is meant to move. To renew them, paste what
# the failing test shows as its left side (`pytest -vv -k golden`), and say in the commit why they moved.
GOLDEN_LOSSES = [
    4.18131,
    5.62797,
    2.36386,
    4.20033,
    18.11268,
    8.49732,
    3.57122,
    3.71509,
    3.7456,
    12.93008,
]


def make_trainer(folder: Path, config: TrainingConfig, hidden_size: int = 32) -> Trainer:
    """A fresh trainer of tiny networks, the same at every call."""
    transformer = tiny_transformer(awake=False, hidden_size=hidden_size)
    text_encoder = tiny_text_encoder(awake=False)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Trainer(config, transformer, text_encoder, LatentCache(folder))


def steps(trainer: Trainer, count: int) -> list[tuple[float, float]]:
    records = [trainer.train_step() for _ in range(count)]
    return [(record.loss, record.reader_loss) for record in records]


def golden_run(folder: Path) -> list[float]:
    """Ten steps on noise. Captions are all but always withheld, so that their wording may change freely."""
    noise_shard(folder, STILL, 8, [prop_script()] * 8)
    noise_shard(folder, CLIP, 8, [prop_script()] * 8)
    config = TrainingConfig(
        MIXTURE,
        muon_lr=0.02,
        adam_lr=0.01,
        warmup_steps=3,
        caption_dropout=0.9999,
        text_every=2,
        route_share=0.3,
    )
    return [loss for loss, _ in steps(make_trainer(folder, config), 10)]


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Stills and clips of noise under scripts of one and of two shots."""
    folder = tmp_path / "cache"
    folder.mkdir()
    scripts = [*prop_scripts(6), prop_script(num_shots=2), prop_script("box", num_shots=2)]
    noise_shard(folder, STILL, 8, scripts)
    noise_shard(folder, CLIP, 8, scripts)
    return folder


def test_a_tiny_transformer_learns_one_clip_by_heart(tmp_path: Path) -> None:
    script = prop_script()
    latents = tiny_autoencoder().encode(render_clip(script, VideoShape(9, 64, 64)))
    shape = write_shard(tmp_path, latents, [script])
    config = TrainingConfig(
        Mixture(((shape, 1.0),), batch_tokens=96, max_batch=8),
        ObjectiveConfig(weight_power=1.0),
        muon_lr=0.02,
        adam_lr=0.01,
        warmup_steps=5,
        caption_dropout=0.0,
    )
    losses = [loss for loss, _ in steps(make_trainer(tmp_path, config, hidden_size=64), 60)]
    assert sum(losses[-8:]) < 0.3 * sum(losses[:8]), losses


def test_a_resumed_run_has_the_identical_next_losses(cache: Path, tmp_path: Path) -> None:
    config = TrainingConfig(MIXTURE, warmup_steps=4, route_share=0.3, text_every=2)
    whole = make_trainer(cache, config)
    expected = steps(whole, 6)
    first = make_trainer(cache, config)
    begun = steps(first, 3)
    save_state(tmp_path / "run" / "state.pt", first)
    second = make_trainer(cache, config)
    load_state(tmp_path / "run" / "state.pt", second)
    assert begun + steps(second, 3) == expected
    assert (second.step, second.num_samples) == (whole.step, whole.num_samples)
    for mine, theirs in ((second.ema, whole.ema), (second.text_ema, whole.text_ema)):
        assert all(torch.equal(mine.weights[name], theirs.weights[name]) for name in mine.weights)
    for mine, theirs in zip(second.parameters, whole.parameters, strict=True):
        assert torch.equal(mine, theirs)


def test_a_run_gone_on_with_obeys_its_new_config(cache: Path, tmp_path: Path) -> None:
    still = make_trainer(cache, TrainingConfig(MIXTURE, warmup_steps=1, text_lr_share=0.0))
    steps(still, 1)
    save_state(tmp_path / "state.pt", still)
    learning = make_trainer(
        cache, TrainingConfig(MIXTURE, warmup_steps=1, text_lr_share=0.5, text_every=1)
    )
    load_state(tmp_path / "state.pt", learning)
    before = {name: each.clone() for name, each in learning.text_encoder.state_dict().items()}
    steps(learning, 2)
    after = learning.text_encoder.state_dict()
    assert any(not torch.equal(before[name], after[name]) for name in before)


def test_several_questions_to_a_clip_read_its_caption_once(cache: Path) -> None:
    trainer = make_trainer(cache, TrainingConfig(MIXTURE, warmup_steps=1, questions=3))
    seen = []
    predict = trainer.predict

    def spy(noisy_latents: Tensor, times: Tensor, condition: Condition, routing: object) -> Tensor:
        seen.append((len(noisy_latents), len(condition.context), len(times.unique())))
        return predict(noisy_latents, times, condition, routing)

    trainer.predict = spy
    before = trainer.num_samples
    trainer.train_step()
    clips = trainer.num_samples - before
    assert seen[0][:2] == (3 * clips, 3 * clips)
    assert seen[0][2] > clips  # each question has a time of its own


def test_the_golden_losses_are_what_they_were(tmp_path: Path) -> None:
    assert golden_run(tmp_path) == pytest.approx(GOLDEN_LOSSES, rel=1e-3)


def test_a_run_in_bf16_learns_as_one_in_fp32_does(cache: Path) -> None:
    config = TrainingConfig(MIXTURE, warmup_steps=4, text_every=2)
    wide = make_trainer(cache, config)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        narrow = Trainer(
            config, tiny_transformer(awake=False), tiny_text_encoder(awake=False),
            LatentCache(cache), torch.bfloat16,
        )  # fmt: skip
    for (loss, _), (expected, _) in zip(steps(narrow, 6), steps(wide, 6), strict=True):
        assert loss == pytest.approx(expected, rel=0.05)
    assert all(parameter.dtype == torch.float32 for parameter in narrow.parameters)


def test_a_mixture_moves_from_its_first_shares_to_its_last() -> None:
    mixture = Mixture(((STILL, 3.0), (CLIP, 1.0)), late_shares=((CLIP, 2.0),))
    assert dict(mixture.shares_at(1.0)) == pytest.approx({STILL: 0.75, CLIP: 0.25})
    assert dict(mixture.shares_at(0.5)) == pytest.approx({STILL: 0.375, CLIP: 0.625})
    assert dict(mixture.shares_at(0.0)) == pytest.approx({STILL: 0.0, CLIP: 1.0})


def test_a_mixture_without_last_shares_stays_as_it_is() -> None:
    assert MIXTURE.shares_at(0.3) == MIXTURE.shares_at(1.0)


def test_other_seeds_see_other_batches(cache: Path) -> None:
    runs = [steps(make_trainer(cache, TrainingConfig(MIXTURE, seed=seed)), 2) for seed in (0, 0, 1)]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def test_scripts_of_one_and_of_two_shots_share_a_batch(cache: Path) -> None:
    config = TrainingConfig(
        Mixture(((CLIP, 1.0),), batch_tokens=96), text_every=1, caption_dropout=0.0
    )
    trainer = make_trainer(cache, config)
    for loss, reader_loss in steps(trainer, 3):
        assert 0 < loss < 100
        assert 0 < reader_loss < 100
    assert all(parameter.isfinite().all() for parameter in trainer.parameters)


def test_a_batch_whose_captions_are_all_withheld_is_harmless(cache: Path) -> None:
    trainer = make_trainer(cache, TrainingConfig(MIXTURE, text_every=1, caption_dropout=0.9999))
    for loss, reader_loss in steps(trainer, 3):
        assert 0 < loss < 100
        assert reader_loss == 0.0
    assert all(parameter.isfinite().all() for parameter in trainer.parameters)


def test_the_text_encoder_learns_in_one_of_so_many_steps(cache: Path) -> None:
    trainer = make_trainer(cache, TrainingConfig(MIXTURE, text_every=3, warmup_steps=1))
    changed = []
    for _ in range(6):
        before = trainer.text_encoder.slots.detach().clone()
        trainer.train_step()
        changed.append(not torch.equal(before, trainer.text_encoder.slots))
    assert changed == [True, False, False, True, False, False]


def test_rates_rise_at_the_start_and_fall_to_zero_at_the_end(cache: Path) -> None:
    config = TrainingConfig(MIXTURE, warmup_steps=2, cooldown_share=0.5, muon_lr=0.02, adam_lr=0.01)
    trainer = make_trainer(cache, config)
    rates = []
    for remaining in (1.0, 0.9, 0.6, 0.25, 0.0):
        trainer.train_step(remaining)
        rates.append([optimizer.param_groups[0]["lr"] for optimizer in trainer.optimizers])
    for (muon, adam), factor in zip(rates, (0.5, 1.0, 1.0, 0.5, 0.0), strict=True):
        assert muon == pytest.approx(0.02 * factor)
        assert adam == pytest.approx(0.01 * factor)


def test_the_record_counts_steps_and_samples(cache: Path, tmp_path: Path) -> None:
    trainer, log = make_trainer(cache, TrainingConfig(MIXTURE)), tmp_path / "losses.jsonl"
    records = [trainer.train_step() for _ in range(3)]
    for record in records:
        append_record(log, record)
    assert [record.step for record in records] == [1, 2, 3]
    sizes = {1: 6, 3: 4}  # stills of 4 tokens, at most six; clips of 12 tokens, 48 a batch
    total = 0
    for record in records:
        total += sizes[record.latent_frames]
        assert record.num_samples == total
    assert [StepRecord(**json.loads(line)) for line in log.read_text().splitlines()] == records


def test_a_log_forgets_the_steps_that_a_dead_run_takes_again(tmp_path: Path) -> None:
    log = tmp_path / "losses.jsonl"
    forget_after(log, 3)
    assert not log.exists()
    for step in (1, 2, 9, 1, 2, 3, 4, 5):  # an older run's lines stay
        append_record(log, StepRecord(step, 1.0, 0.0, 1, step, 0.5))
    forget_after(log, 3)
    assert [record["step"] for record in read_log(log)] == [1, 2, 9, 1, 2, 3]


def test_an_interrupted_write_leaves_the_former_state_whole(cache: Path, tmp_path: Path) -> None:
    config = TrainingConfig(MIXTURE)
    trainer, path = make_trainer(cache, config), tmp_path / "state.pt"
    trainer.train_step()
    save_state(path, trainer)
    former = path.read_bytes()
    trainer.train_step()
    with full_disk(20_000), pytest.raises(CheckpointError, match=r"Could not write .*state\.pt"):
        save_state(path, trainer)
    assert path.read_bytes() == former
    assert [child.name for child in tmp_path.iterdir() if child.is_file()] == ["state.pt"]
    load_state(path, make_trainer(cache, config))


def test_a_state_that_cannot_be_resumed_says_so(cache: Path, tmp_path: Path) -> None:
    trainer, path = make_trainer(cache, TrainingConfig(MIXTURE)), tmp_path / "state.pt"
    with pytest.raises(CheckpointError, match="There is no training state at"):
        load_state(path, trainer)
    save_state(path, trainer)
    whole = path.read_bytes()
    for damaged in (b"", b"not a state", whole[:100], whole[: len(whole) // 2]):
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError, match="cannot be resumed"):
            load_state(path, trainer)
    path.write_bytes(whole)
    with pytest.raises(CheckpointError, match="cannot be resumed"):
        load_state(path, make_trainer(cache, TrainingConfig(MIXTURE), hidden_size=64))


def test_a_folder_that_cannot_be_made_is_told(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CheckpointError, match="Could not write"):
        save_state(tmp_path / "file" / "state.pt", make_trainer(cache, TrainingConfig(MIXTURE)))


def test_shapes_without_clips_are_left_out_of_the_mixture(tmp_path: Path) -> None:
    noise_shard(tmp_path, STILL, 4, [Script(prop_script().shots)] * 4)
    trainer = make_trainer(tmp_path, TrainingConfig(MIXTURE))
    assert {trainer.train_step().latent_frames for _ in range(4)} == {1}


def test_batches_hold_as_many_tokens_as_allowed_and_never_nothing() -> None:
    mixture = Mixture((), batch_tokens=96, max_batch=10)
    assert mixture.batch_size(LatentShape(1, 4, 4), patch_size=2) == 10
    assert mixture.batch_size(LatentShape(3, 4, 4), patch_size=2) == 8
    assert mixture.batch_size(LatentShape(13, 8, 8), patch_size=2) == 1


@pytest.mark.parametrize(
    "field", ["cooldown_share", "caption_dropout", "layout_dropout", "ema_decay"]
)
def test_shares_outside_their_range_are_refused(field: str) -> None:
    with pytest.raises(InvalidRequest, match=f"{field} must lie in"):
        TrainingConfig(MIXTURE, **{field: 1.0})


def test_rates_that_are_not_positive_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="be positive"):
        TrainingConfig(MIXTURE, muon_lr=0.0)
