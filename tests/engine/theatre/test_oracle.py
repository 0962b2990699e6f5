"""The oracle looks at moments of any clip and answers every question about a shot."""

import numpy as np
import pytest
import torch

from unstrung.engine.errors import InvalidRequest
from unstrung.engine.theatre.oracle import (
    INPUT_SIZE,
    NUM_MOMENTS,
    QUESTIONS,
    Oracle,
    OracleConfig,
    field_answers,
    load_oracle,
    moments_of,
    save_oracle,
)
from unstrung.engine.theatre.script import Action, Actor, Relation, Setting, Shot, Weather

CAST = ("circle", "box", "ring")


@pytest.fixture(scope="module")
def oracle():
    torch.manual_seed(0)
    return Oracle(OracleConfig(CAST, widths=(16, 16, 24), feature_size=32)).eval()


def clip(num_frames, height, width):
    rng = np.random.default_rng(num_frames)
    return rng.integers(0, 256, (num_frames, height, width, 3), np.uint8)


@pytest.mark.parametrize("count", [1, NUM_MOMENTS])
def test_every_field_is_answered(oracle, count):
    frames = torch.rand(2, count, 3, INPUT_SIZE, INPUT_SIZE) * 2 - 1
    with torch.no_grad():
        reading = oracle(frames)
    assert reading.actors.shape == (2, len(CAST))
    assert [answers.shape for answers in reading.fields] == [(2, len(f.options)) for f in QUESTIONS]
    assert all(torch.isfinite(answers).all() for answers in reading.fields)


def test_answers_fit_their_questions():
    cast = (Actor("circle", 3), Actor("box"))
    shot = Shot(cast, Setting.PARK, relation=Relation.BEHIND, weather=Weather.FOG)
    answers = dict(zip([field.name for field in QUESTIONS], field_answers(shot), strict=True))
    assert answers["count"] == 2
    assert answers["relation"] == 1 + list(Relation).index(Relation.BEHIND)
    assert all(0 <= answers[field.name] < len(field.options) for field in QUESTIONS)
    plain = field_answers(Shot((Actor("box"),), Setting.SNOW, Action.STAY))
    assert plain == [0] * len(QUESTIONS)


@pytest.mark.parametrize(
    ("num_frames", "height", "width"),
    [(33, 128, 128), (33, 128, 224), (17, 224, 128), (5, 64, 64), (49, 96, 160)],
)
def test_clips_of_any_shape_are_squared(num_frames, height, width):
    moments = moments_of(clip(num_frames, height, width))
    assert moments.shape == (1, NUM_MOMENTS, 3, INPUT_SIZE, INPUT_SIZE)
    assert moments.dtype == torch.float32
    assert moments.abs().max() <= 1.0 + 1e-5


@pytest.mark.parametrize("size", [(128, 128), (64, 112), (112, 64)])
def test_a_still_is_one_moment(size):
    assert moments_of(clip(1, *size)).shape == (1, 1, 3, INPUT_SIZE, INPUT_SIZE)


def test_tall_clips_keep_their_proportions():
    tall = np.zeros((1, 224, 128, 3), np.uint8)
    tall[:, 56:168] = 255  # half the height
    seen = moments_of(tall)[0, 0, 0, :, 64] > 0
    assert abs(int(seen.sum()) - INPUT_SIZE // 2) <= 2


def test_moments_run_from_the_first_frame_to_the_last_of_the_stretch():
    film = np.repeat(np.arange(33, dtype=np.uint8), 128 * 128 * 3).reshape(33, 128, 128, 3)
    shown = (moments_of(film, 17, 33)[0, :, 0, 0, 0] + 1) * 127.5
    assert shown[0].round() == 17
    assert shown[-1].round() == 32


def test_empty_stretches_are_refused():
    with pytest.raises(InvalidRequest, match=r"clip must hold at least one frame"):
        moments_of(clip(5, 64, 64), 3, 3)


def test_oracles_survive_the_disk(oracle, tmp_path):
    save_oracle(tmp_path / "oracle.safetensors", oracle)
    again = load_oracle(tmp_path / "oracle.safetensors")
    assert again.config == oracle.config
    frames = torch.zeros(1, 1, 3, INPUT_SIZE, INPUT_SIZE)
    with torch.no_grad():
        assert torch.equal(again(frames).actors, oracle(frames).actors)
