"""Rules about risk classes: what is refused before it is made, what waits for a reviewer, what is labelled.

Who finds classes is an `Assessor`; here it is decided what follows from what it found. Whatever belongs to no
class is shared without asking anybody, and whatever a program refuses has a statement of reasons.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from unstrung.studio.assessments.models import Assessment
from unstrung.studio.database import now
from unstrung.studio.errors import NotedRefusal, StudioError
from unstrung.studio.statements import service as statements
from unstrung.studio.statements.models import SubjectKind
from unstrung.studio.statements.schemas import statement_object
from unstrung.studio.statements.service import Reasons
from unstrung.studio.videos.models import Video

ILLEGAL: Final = "DECISION_GROUND_ILLEGAL_CONTENT"
INCOMPATIBLE: Final = "DECISION_GROUND_INCOMPATIBLE_CONTENT"
NOT_LOOKED_AT: Final = "The frames were not looked at when this clip was made."


class Action(StrEnum):
    """What follows from belonging to a class, the gravest first."""

    REFUSE = "refuse"
    REVIEW = "review"
    LABEL = "label"


@dataclass(frozen=True)
class ListedClass:
    """One class of the closed, public list.

    Attributes:
        name: stable word.
        action: what follows.
        is_hard_illegal: whether law forbids it whatever the context, so that no clock ever releases it.
        clause: of the charter.
        law: the legal ground, for the hard-illegal classes.
        category: STATEMENT_CATEGORY_... of the DSA Transparency Database.
        what: what belongs to it, in one plain sentence.
        suggested_change: what an author could change, in one plain sentence.
    """

    name: str
    action: Action
    is_hard_illegal: bool
    clause: str
    law: str | None
    category: str
    what: str
    suggested_change: str

    @property
    def ground(self) -> str:
        """DECISION_GROUND_... of a statement."""
        return ILLEGAL if self.is_hard_illegal else INCOMPATIBLE


@dataclass(frozen=True)
class Passage:
    """Words of a prompt: `prompt[start:end] == text`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Finding:
    """One rule that holds.

    Attributes:
        risk: name of the class.
        rule: which rule.
        passages: the words it holds for; empty for a finding in frames.
        time_range: of the clip [s]; None for a finding in words.
        score: of the classifier in [0, 1], for a finding in frames.
    """

    risk: str
    rule: str
    passages: tuple[Passage, ...] = ()
    time_range: tuple[float, float] | None = None
    score: float | None = None


class CannotLook(StudioError):
    """Frames cannot be looked at, and the sentence says why; rules on words apply all the same."""


class Assessor(Protocol):
    """Finds classes in prompts and frames; knows nothing of authors."""

    def listed(self, language: str = "en") -> Sequence[ListedClass]:
        """The closed list, the gravest first.

        Raises:
            InvalidField: for a language without sentences.
        """

    def read(self, prompt: str) -> Sequence[Finding]:
        """What the words of a prompt belong to, the gravest first."""

    def look(self, frames: Any, frame_rate: float) -> Sequence[Finding]:
        """What frames (T, H, W, 3) of a clip belong to.

        Raises:
            CannotLook: if there is no classifier.
        """


@dataclass(frozen=True)
class Assessed:
    """What was found in one clip.

    Attributes:
        findings: in prompt and frames.
        frames_note: why nobody looked at the frames, or None.
    """

    findings: tuple[Finding, ...] = ()
    frames_note: str | None = None


@dataclass(frozen=True)
class Verdict:
    """What follows from an assessment.

    Attributes:
        held: findings for which a reviewer is asked before sharing, with what their class is.
        labels: classes that viewers are told of.
        is_hard_illegal: whether a clock may never release it.
    """

    held: tuple[tuple[Finding, ListedClass], ...]
    labels: tuple[str, ...]
    is_hard_illegal: bool


def must_be_allowed(assessor: Assessor, person_id: str, prompt: str) -> None:
    """Refuse a prompt in a class that is never made; nothing has begun, and nothing is charged.

    Raises:
        NotedRefusal: whose statement is written when the transaction has been rolled back.
    """
    by_name = {each.name: each for each in assessor.listed()}
    found = [each for each in assessor.read(prompt) if by_name[each.risk].action == Action.REFUSE]
    if not found:
        return
    risk = by_name[found[0].risk]
    mine = [each for each in found if each.risk == risk.name]
    passages = [asdict(passage) for each in mine for passage in each.passages]
    rules = ", ".join(dict.fromkeys(repr(each.rule) for each in mine))
    reasons = Reasons(
        clause=risk.clause,
        facts=(
            f"A rule on words ({rules}) found {len(passages)} passage(s) of the prompt that belong to the "
            f"class '{risk.name}'. The clip was not generated, and nothing was charged."
        ),
        category=risk.category,
        explanation=f"This class is never made: {risk.what}",
        ground=risk.ground,
        legal_ground=risk.law,
        visibility=("DECISION_VISIBILITY_OTHER",),
        is_automated_detection=True,
        is_automated_decision=True,
        suggested_change=risk.suggested_change,
        passages=tuple(passages),
        prompt=prompt,
    )

    def write(session: Session) -> dict[str, Any]:
        statement = statements.issue(session, person_id, (SubjectKind.PROMPT, None), reasons)
        return statement_object(statement).model_dump(mode="json")

    raise NotedRefusal(
        f"The prompt belongs to the class '{risk.name}', which is never made: {risk.what} "
        f"{risk.suggested_change} Nothing was charged; the statement says why and how to appeal.",
        write,
        "prompt",
    )


def assess(assessor: Assessor, prompt: str, frames: Any, frame_rate: float) -> Assessed:
    """Read a prompt and look at its clip.

    Args:
        assessor: who finds classes.
        prompt: as its author wrote it.
        frames: (T, H, W, 3) uint8 RGB.
        frame_rate: [fps].
    """
    in_words = tuple(assessor.read(prompt))
    try:
        return Assessed((*in_words, *assessor.look(frames, frame_rate)))
    except CannotLook as error:
        return Assessed(in_words, str(error))


def store(session: Session, video_id: str, assessed: Assessed) -> None:
    """Keep what was found in a clip; a later assessment of the same clip takes its place."""
    session.merge(
        Assessment(
            video_id=video_id,
            findings=[asdict(finding) for finding in assessed.findings],
            frames_note=assessed.frames_note,
            assessed_at=now(),
            rules="words" if assessed.frames_note else "words and frames",
        )
    )
    session.flush()


def of_video(session: Session, assessor: Assessor, video: Video) -> Assessed:
    """What was found in a clip; of one from before clips were assessed, the words are read now."""
    row = session.get(Assessment, video.id)
    if row is None:
        return Assessed(tuple(assessor.read(video.prompt)), NOT_LOOKED_AT)
    return Assessed(tuple(_finding(each) for each in row.findings), row.frames_note)


def verdict(assessor: Assessor, findings: Sequence[Finding]) -> Verdict:
    """What follows from findings; a class that is not listed any more has no consequences."""
    by_name = {each.name: each for each in assessor.listed()}
    known = [(each, by_name[each.risk]) for each in findings if each.risk in by_name]
    held = tuple((each, risk) for each, risk in known if risk.action != Action.LABEL)
    labels = dict.fromkeys(risk.name for _, risk in known if risk.action == Action.LABEL)
    return Verdict(held, tuple(labels), any(risk.is_hard_illegal for _, risk in held))


def newest_note(session: Session) -> tuple[bool, str | None]:
    """Whether any clip has been assessed yet, and why frames of the newest were not looked at."""
    query = select(Assessment).order_by(Assessment.assessed_at.desc()).limit(1)
    row = session.scalar(query)
    return row is not None, row.frames_note if row is not None else None


def _finding(stored: dict[str, Any]) -> Finding:
    time_range = stored["time_range"]
    return Finding(
        stored["risk"],
        stored["rule"],
        tuple(Passage(**passage) for passage in stored["passages"]),
        (time_range[0], time_range[1]) if time_range else None,
        stored["score"],
    )
