"""A few-step student begins as its teacher and learns its longer steps."""

from pathlib import Path

import pytest
import torch

from engine.factories import (
    conditioned,
    gaussian,
    noise_shard,
    prop_script,
    tiny_text_encoder,
    tiny_transformer,
)
from unstrung.engine import flow
from unstrung.engine.data.dataset import LatentCache
from unstrung.engine.shapes import LatentShape
from unstrung.engine.training.config import Mixture, TrainingConfig
from unstrung.engine.training.student import (
    METHODS,
    Lesson,
    Method,
    StudentTrainer,
    jumps_of,
    student_of,
    target_of,
)
from unstrung.engine.training.trainer import load_state, save_state

CLIP = LatentShape(3, 4, 4)
MIXTURE = Mixture(((CLIP, 1.0),), batch_tokens=48, max_batch=4)


def make_trainer(folder: Path, method: Method) -> StudentTrainer:
    if not list(folder.glob("*.npy")):
        noise_shard(folder, CLIP, 4, [prop_script()] * 4)
    config = TrainingConfig(
        MIXTURE, muon_lr=0.02, adam_lr=0.01, warmup_steps=2, text_lr_share=0.0, ema_decay=0.9
    )
    lesson = Lesson(method, guidance_scale=2.0, shift=3.0, fine_steps=4, step_counts=(1, 2))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return StudentTrainer(
            lesson, config, tiny_transformer(), tiny_text_encoder(), LatentCache(folder)
        )


def test_a_student_begins_as_its_teacher_whatever_its_step() -> None:
    teacher = tiny_transformer().eval()
    student = student_of(teacher).eval()
    x, told = gaussian(1, teacher.config.latent_channels, 2, 4, 4), conditioned([[0, 0]])
    times = torch.full((1, 2), 0.7)
    with torch.inference_mode():
        expected = teacher(x, times, told)
        for size in (0.0, 0.3, 0.7):
            answer = student(x, times, told, step_sizes=torch.full((1, 2), size))
            torch.testing.assert_close(answer, expected)


def test_every_length_of_step_covers_the_whole_way() -> None:
    lesson = Lesson("trajectory", 1.5, 5.0)
    jumps = jumps_of(lesson)
    assert jumps == [(0, 12), (0, 6), (6, 12), (0, 3), (3, 6), (6, 9), (9, 12)]
    assert lesson.times[0] == 1
    assert lesson.times[-1] == 0


def test_the_target_of_a_step_leads_to_where_the_teacher_went() -> None:
    begun, ended = gaussian(2, 3, 4, 2, 2), gaussian(2, 3, 4, 2, 2, seed=1)
    times, landing = torch.full((2, 4), 0.9), torch.full((2, 4), 0.4)
    times[0, 0] = landing[0, 0] = 0.1  # a given frame
    target = target_of(begun, ended, times, landing)
    velocity = flow.velocity_of(begun, target, times)
    moved = begun + (landing - times)[:, None, :, None, None] * velocity
    asked = torch.ones(2, 1, 4, 1, 1, dtype=torch.bool)
    asked[0, :, 0] = False
    torch.testing.assert_close(moved.where(asked, 0), ended.where(asked, 0))
    torch.testing.assert_close(target[0, :, 0], begun[0, :, 0])


@pytest.mark.parametrize("method", METHODS)
def test_a_student_learns_and_its_teacher_stays(tmp_path: Path, method: Method) -> None:
    trainer = make_trainer(tmp_path, method)
    before = [weight.clone() for weight in trainer.teacher.transformer.parameters()]
    losses = [trainer.train_step().loss for _ in range(60)]
    assert sum(losses[-10:]) < 0.8 * sum(losses[:10])
    for old, now in zip(before, trainer.teacher.transformer.parameters(), strict=True):
        assert torch.equal(old, now)


def test_a_resumed_student_has_the_identical_next_losses(tmp_path: Path) -> None:
    first = make_trainer(tmp_path, "trajectory")
    for _ in range(3):
        first.train_step()
    save_state(tmp_path / "state.pt", first)
    ahead = [first.train_step().loss for _ in range(3)]
    second = make_trainer(tmp_path, "trajectory")
    load_state(tmp_path / "state.pt", second)
    assert [second.train_step().loss for _ in range(3)] == ahead
