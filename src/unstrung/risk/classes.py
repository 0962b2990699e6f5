"""The closed list of risk classes, and what a statement of reasons says of each.

What belongs to no class is shared without asking anybody. The list is code and not data, so that nobody can
add a class in a configuration file; "criticises the operator" is none of them, and a test keeps it so. Values
are those of the EU DSA Transparency Database in its schema of July 2025 (its page "API and Schema").
Sentences for people, in six languages, are in `lists/texts.toml`.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any, Final

from unstrung.risk.errors import InvalidInput

LANGUAGES: Final = ("en", "it", "fr", "es", "ar", "id")
CLAUSE: Final = "sharing"


class Consequence(StrEnum):
    """What follows from belonging to a class, the gravest first."""

    REFUSE = "refuse before generation"
    REVIEW = "review before sharing"
    LABEL = "label only"

    @property
    def decision_visibility(self) -> tuple[str, ...]:
        """What the Transparency Database calls it; a review disables until a person or the clock decides."""
        return _VISIBILITY[self]


_VISIBILITY: Final = {
    Consequence.REFUSE: ("DECISION_VISIBILITY_OTHER",),
    Consequence.REVIEW: ("DECISION_VISIBILITY_CONTENT_DISABLED",),
    Consequence.LABEL: ("DECISION_VISIBILITY_CONTENT_LABELLED",),
}


@dataclass(frozen=True)
class Grounds:
    """Fields of a statement of reasons that are the same for every member of a class.

    Attributes:
        category: STATEMENT_CATEGORY_...
        category_specification: KEYWORD_...
        category_specification_other: said in words where the only keyword is KEYWORD_OTHER.
        decision_ground: DECISION_GROUND_ILLEGAL_CONTENT for the hard-illegal, else ..._INCOMPATIBLE_CONTENT.
        illegal_content_legal_ground: the law, for the hard-illegal classes.
        incompatible_content_ground: the clause of the charter, for all others.
        incompatible_content_illegal: "No" where the charter alone is the reason, None where the law is.
        decision_visibility: what was done, as DECISION_VISIBILITY_...
        decision_visibility_other: said in words where that is DECISION_VISIBILITY_OTHER.
    """

    category: str
    category_specification: tuple[str, ...]
    category_specification_other: str | None
    decision_ground: str
    illegal_content_legal_ground: str | None
    incompatible_content_ground: str | None
    incompatible_content_illegal: str | None
    decision_visibility: tuple[str, ...]
    decision_visibility_other: str | None


class RiskClass(StrEnum):
    """A kind of content that is not simply shared; the first three are hard-illegal."""

    MINORS_SEXUAL = "minors_sexual"
    INTIMATE_REAL_PERSON = "intimate_real_person"
    TERRORISM = "terrorism"
    HATE_INCITEMENT = "hate_incitement"
    WEAPON_MAKING = "weapon_making"
    SEXUAL_CONTENT = "sexual_content"
    REAL_LIKENESS = "real_likeness"
    SELF_HARM = "self_harm"
    ELECTION_DECEPTION = "election_deception"
    NUDITY = "nudity"
    GRAPHIC_VIOLENCE = "graphic_violence"

    @property
    def consequence(self) -> Consequence:
        """What happens with a member of this class."""
        return _CLASSES[self].consequence

    @property
    def is_hard_illegal(self) -> bool:
        """Whether law forbids it whatever the context, so that it is never made."""
        return _CLASSES[self].law is not None

    @property
    def clause(self) -> str:
        """Clause of the charter that this class comes from."""
        return CLAUSE

    @property
    def grounds(self) -> Grounds:
        """What a statement of reasons says, whoever is concerned."""
        entry = _CLASSES[self]
        illegal = entry.law is not None
        refused = entry.consequence is Consequence.REFUSE
        return Grounds(
            category=f"STATEMENT_CATEGORY_{entry.category}",
            category_specification=tuple(f"KEYWORD_{keyword}" for keyword in entry.keywords),
            category_specification_other=entry.other,
            decision_ground=f"DECISION_GROUND_{'ILLEGAL' if illegal else 'INCOMPATIBLE'}_CONTENT",
            illegal_content_legal_ground=entry.law,
            incompatible_content_ground=None if illegal else CLAUSE,
            incompatible_content_illegal=None if illegal else "No",
            decision_visibility=entry.consequence.decision_visibility,
            decision_visibility_other="The clip was not generated." if refused else None,
        )

    def what(self, language: str) -> str:
        """What belongs to this class, in one plain sentence.

        Raises:
            InvalidInput: for a language other than the six.
        """
        return _text(self, "what", language)

    def suggested_change(self, language: str) -> str:
        """What the author could change, in one plain sentence.

        Raises:
            InvalidInput: for a language other than the six.
        """
        return _text(self, "change", language)


@dataclass(frozen=True)
class _Entry:
    consequence: Consequence
    category: str
    keywords: tuple[str, ...]
    law: str | None = None
    other: str | None = None


# "Deepfake or similar technology" is the keyword's own wording: here everything is generated.
_CLASSES: Final[Mapping[RiskClass, _Entry]] = {
    RiskClass.MINORS_SEXUAL: _Entry(
        Consequence.REFUSE,
        "PROTECTION_OF_MINORS",
        ("CHILD_SEXUAL_ABUSE_MATERIAL", "CHILD_SEXUAL_ABUSE_MATERIAL_DEEPFAKE"),
        law="Directive 2011/93/EU, Articles 2(c) and 5",
    ),
    RiskClass.INTIMATE_REAL_PERSON: _Entry(
        Consequence.REFUSE,
        "CYBER_VIOLENCE",
        ("NON_CONSENSUAL_IMAGE_SHARING", "NON_CONSENSUAL_MATERIAL_DEEPFAKE"),
        law="Directive (EU) 2024/1385, Article 5(1)",
    ),
    RiskClass.TERRORISM: _Entry(
        Consequence.REFUSE,
        "RISK_FOR_PUBLIC_SECURITY",
        ("TERRORIST_CONTENT",),
        law="Regulation (EU) 2021/784, Article 2(7)",
    ),
    # Incitement is a crime, but whether a line of a film incites is for a person to judge: no refusal.
    RiskClass.HATE_INCITEMENT: _Entry(
        Consequence.REVIEW, "ILLEGAL_OR_HARMFUL_SPEECH", ("HATE_SPEECH",)
    ),
    RiskClass.WEAPON_MAKING: _Entry(
        Consequence.REVIEW,
        "RISK_FOR_PUBLIC_SECURITY",
        ("OTHER",),
        other="Instructions for making weapons or explosives",
    ),
    RiskClass.SEXUAL_CONTENT: _Entry(
        Consequence.REVIEW, "OTHER_VIOLATION_TC", ("ADULT_SEXUAL_MATERIAL",)
    ),
    RiskClass.REAL_LIKENESS: _Entry(
        Consequence.REVIEW, "CYBER_VIOLENCE", ("NON_CONSENSUAL_MATERIAL_DEEPFAKE",)
    ),
    RiskClass.SELF_HARM: _Entry(
        Consequence.REVIEW,
        "SELF_HARM",
        ("SUICIDE", "SELF_MUTILATION", "CONTENT_PROMOTING_EATING_DISORDERS"),
    ),
    RiskClass.ELECTION_DECEPTION: _Entry(
        Consequence.REVIEW,
        "NEGATIVE_EFFECTS_ON_CIVIC_DISCOURSE_OR_ELECTIONS",
        ("MISINFORMATION_DISINFORMATION",),
    ),
    RiskClass.NUDITY: _Entry(Consequence.LABEL, "OTHER_VIOLATION_TC", ("NUDITY",)),
    RiskClass.GRAPHIC_VIOLENCE: _Entry(
        Consequence.LABEL, "VIOLENCE", ("OTHER",), other="Graphic depiction of injury"
    ),
}


@cache
def _texts() -> dict[str, Any]:
    path = resources.files("unstrung.risk.lists").joinpath("texts.toml")
    return tomllib.loads(path.read_text("utf-8"))


def _text(risk: RiskClass, part: str, language: str) -> str:
    if language not in LANGUAGES:
        raise InvalidInput("language", language, f"be one of {', '.join(LANGUAGES)}", "en")
    return str(_texts()[risk.value][part][language])
