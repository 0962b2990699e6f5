"""Rules and classifier of `unstrung.risk` as the studio's assessor; the one place that knows both."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from unstrung import risk
from unstrung.risk.classes import LANGUAGES, Consequence, RiskClass
from unstrung.risk.errors import ModelMissing
from unstrung.studio.assessments.service import (
    Action,
    Assessor,
    CannotLook,
    Finding,
    ListedClass,
    Passage,
)
from unstrung.studio.errors import InvalidField

_ACTIONS: Final = {
    Consequence.REFUSE: Action.REFUSE,
    Consequence.REVIEW: Action.REVIEW,
    Consequence.LABEL: Action.LABEL,
}
_NEVER_SHARED: Final = "never-shared"  # clause of the charter for what law forbids
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RiskAssessor:
    """The shipped rules on words and the shipped image classifier, loaded when they are first asked."""

    def listed(self, language: str = "en") -> Sequence[ListedClass]:
        """The closed list, the gravest first.

        Raises:
            InvalidField: for a language without sentences.
        """
        if language not in LANGUAGES:
            raise InvalidField(
                f"language must be one of {', '.join(LANGUAGES)}, got {language[:20]!r}", "language"
            )
        return [
            ListedClass(
                name=str(each),
                action=_ACTIONS[each.consequence],
                is_hard_illegal=each.is_hard_illegal,
                clause=_NEVER_SHARED if each.is_hard_illegal else each.clause,
                law=each.grounds.illegal_content_legal_ground,
                category=each.grounds.category,
                what=each.what(language),
                suggested_change=each.suggested_change(language),
            )
            for each in RiskClass
        ]

    def read(self, prompt: str) -> Sequence[Finding]:
        """What the words of a prompt belong to, the gravest first."""
        found = risk.assess_prompt(prompt).findings
        order = list(RiskClass)
        return [
            Finding(
                str(each.risk),
                each.rule,
                tuple(Passage(span.start, span.end, span.text) for span in each.spans),
            )
            for each in sorted(found, key=lambda finding: order.index(finding.risk))
        ]

    def look(self, frames: Any, frame_rate: float) -> Sequence[Finding]:
        """What frames (T, H, W, 3) of a clip belong to.

        Raises:
            CannotLook: if there is no classifier, or it failed; a finished clip is not lost over that.
        """
        try:
            found = risk.assess_frames(frames, frame_rate)
        except ModelMissing as error:
            raise CannotLook(str(error)) from error
        except Exception as error:
            _log.exception("the image classifier failed")
            raise CannotLook(
                "The image classifier failed on this clip; the operator can see why."
            ) from error
        return [
            Finding(
                str(each.risk),
                each.rule,
                time_range=each.time_range,
                score=_highest(found, each.time_range),
            )
            for each in found.findings
        ]


USUAL_ASSESSOR: Final[Assessor] = RiskAssessor()


def _highest(found: risk.Assessment, time_range: tuple[float, float] | None) -> float | None:
    """The highest score within a finding."""
    begins, ends = time_range or (0.0, float("inf"))
    inside = [each.score for each in found.scores if begins <= each.time_s <= ends]
    return round(max(inside), 4) if inside else None
