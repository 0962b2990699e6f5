"""What an operator fills into a charter, checked: it becomes part of a text that people sign."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from unstrung.charter.clauses import PLACEHOLDER, Charter, parse
from unstrung.charter.errors import InvalidField

MAX_REVIEW_HOURS: Final = 168  # a review that takes longer than a week is a refusal without reasons
_MAX_VALUE: Final = 200  # characters


@dataclass(frozen=True)
class Terms:
    """What an operator fills in.

    Attributes:
        operator: the name of whoever runs the programme.
        contact: where questions, complaints and notices go: an address of mail or of a page.
        review_hours: clock of a review before sharing [h], from 2 to 168.
        law: the law that applies, such as "Italian law", in the language of the text.

    Raises:
        InvalidField: if a rule is broken.
    """

    operator: str
    contact: str
    review_hours: int
    law: str

    def __post_init__(self) -> None:
        """Check every value: it becomes part of a text that people sign."""
        for field in ("operator", "contact", "law"):
            _check_value(field, getattr(self, field))
        hours = self.review_hours
        is_whole = isinstance(hours, int) and not isinstance(hours, bool)
        if not is_whole or not 2 <= hours <= MAX_REVIEW_HOURS:
            nearest = min(max(round(hours), 2), MAX_REVIEW_HOURS) if _is_finite(hours) else 48
            rule = f"be a whole number of hours from 2 to {MAX_REVIEW_HOURS}"
            raise InvalidField("review_hours", hours, rule, str(nearest))

    def values(self) -> Mapping[str, str]:
        """Every placeholder with its text."""
        return MappingProxyType(
            {
                "operator": self.operator,
                "contact": self.contact,
                "review_hours": str(self.review_hours),
                "law": self.law,
            }
        )


def fill(charter: Charter, terms: Terms) -> Charter:
    """Put an operator's values into the placeholders: the text that people sign.

    Raises:
        InvalidField: if nothing is left to fill in.
    """
    if not charter.placeholders:
        raise InvalidField("charter", charter.version, "have placeholders", "the text as loaded")
    values = terms.values()
    filled = PLACEHOLDER.sub(lambda match: values[match[1]], charter.source)
    return parse(filled, version=charter.version, language=charter.language)


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and abs(value) < 1e9  # also false for NaN


def _check_value(field: str, value: object) -> None:
    if not isinstance(value, str) or not value.strip():
        raise InvalidField(field, repr(value), "be a text that is not empty", "a name")
    if len(value) > _MAX_VALUE:
        raise InvalidField(field, value, f"have at most {_MAX_VALUE} characters", value[:20])
    # Categories C*: line breaks, and marks that could turn the direction of somebody else's words.
    strange = [c for c in value if unicodedata.category(c)[0] in "CZ" and c != " "]
    plain = " ".join("".join(" " if c in strange else c for c in value).split())
    if strange or plain != value:
        rule = "be one line without control characters or double spaces"
        raise InvalidField(field, repr(value), rule, plain)
    if set(value) & {"{", "}", "<", ">", "`"} or value[0] in "#-":
        fix = re.sub(r"[{}<>`]", "", value).lstrip("#- ")
        raise InvalidField(field, value, "be plain words, not markup", fix)
