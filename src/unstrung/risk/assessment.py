"""What an assessment says: which classes, by which rule, on which words or seconds."""

from dataclasses import dataclass

from unstrung.risk.classes import Consequence, RiskClass


@dataclass(frozen=True)
class Span:
    """Words of a prompt, as its author wrote them: `prompt[start:end] == text`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class FrameScore:
    """What the image classifier makes of one frame.

    Attributes:
        index: of the frame in the clip.
        time_s: when it is shown [s].
        score: 0 = certainly harmless, 1 = certainly sexual.
    """

    index: int
    time_s: float
    score: float


@dataclass(frozen=True)
class Finding:
    """One rule that holds.

    Attributes:
        risk: the class.
        rule: name of the rule, as in the lists; "frames" for the image classifier.
        spans: the words it holds for, in order; empty for a finding in frames.
        time_range: of the clip [s]; None for a finding in words.
    """

    risk: RiskClass
    rule: str
    spans: tuple[Span, ...] = ()
    time_range: tuple[float, float] | None = None


@dataclass(frozen=True)
class Assessment:
    """All findings for one prompt or one clip; without any, it is shared and nobody is asked.

    Attributes:
        findings: grave classes first.
        scores: of every sampled frame; empty for a prompt.
    """

    findings: tuple[Finding, ...] = ()
    scores: tuple[FrameScore, ...] = ()

    @property
    def is_clean(self) -> bool:
        """Whether it belongs to no class."""
        return not self.findings

    @property
    def classes(self) -> tuple[RiskClass, ...]:
        """Every class found, once, in the order of the closed list."""
        found = {finding.risk for finding in self.findings}
        return tuple(risk for risk in RiskClass if risk in found)

    @property
    def consequence(self) -> Consequence | None:
        """The gravest consequence of any class found; None: share."""
        found = {risk.consequence for risk in self.classes}
        return next((each for each in Consequence if each in found), None)
