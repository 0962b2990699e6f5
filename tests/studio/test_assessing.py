import numpy as np
import pytest

from unstrung import risk
from unstrung.studio.assessing import RiskAssessor
from unstrung.studio.assessments.service import Action, CannotLook, assess
from unstrung.studio.errors import InvalidField

FRAMES = np.zeros((2, 8, 8, 3), np.uint8)


@pytest.mark.parametrize("language", ["en", "it", "fr", "es", "ar", "id"])
def test_every_class_is_told_in_every_language(language: str) -> None:
    listed = RiskAssessor().listed(language)
    assert [each.name for each in listed] == list(risk.RiskClass)
    assert all(each.what and each.suggested_change for each in listed)


def test_what_law_forbids_names_the_law_and_its_clause() -> None:
    for each in RiskAssessor().listed():
        assert each.is_hard_illegal == (each.law is not None)
        assert each.clause == ("never-shared" if each.is_hard_illegal else "sharing")
        assert each.is_hard_illegal <= (each.action == Action.REFUSE)


def test_no_class_is_about_criticism() -> None:
    for each in RiskAssessor().listed():
        assert "critic" not in f"{each.name} {each.what}".lower()
    assert RiskAssessor().read("a clown mocks the operator of this studio") == []


def test_an_unknown_language_is_named() -> None:
    with pytest.raises(InvalidField, match="'tlh'"):
        RiskAssessor().listed("tlh")


@pytest.mark.parametrize("fault", [risk.ModelMissing("not installed"), RuntimeError("broken")])
def test_a_clip_is_not_lost_over_its_classifier(
    monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    def fails(frames: np.ndarray, frame_rate: float) -> risk.Assessment:
        raise fault

    monkeypatch.setattr(risk, "assess_frames", fails)
    with pytest.raises(CannotLook):
        RiskAssessor().look(FRAMES, 12.0)
    found = assess(RiskAssessor(), "a fox", FRAMES, 12.0)
    assert (found.findings, found.frames_note is None) == ((), False)


def test_a_finding_in_frames_has_its_seconds_and_score(monkeypatch: pytest.MonkeyPatch) -> None:
    range_s = (0.0, 1.0)
    finding = risk.Finding(risk.RiskClass.SEXUAL_CONTENT, "frames", time_range=range_s)
    scores = (risk.FrameScore(0, 0.0, 0.91), risk.FrameScore(6, 0.5, 0.96))
    answer = risk.Assessment((finding,), scores)
    monkeypatch.setattr(risk, "assess_frames", lambda *_: answer)
    (found,) = RiskAssessor().look(FRAMES, 12.0)
    assert (found.risk, found.time_range, found.score) == ("sexual_content", range_s, 0.96)
