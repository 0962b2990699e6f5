"""Prompts: which classes the words of a text belong to, in any of six languages at once."""

from typing import Final

from unstrung.risk.assessment import Assessment, Finding, Span
from unstrung.risk.errors import InvalidInput
from unstrung.risk.folding import fold
from unstrung.risk.words import Rules, shipped_rules

# The studio's own limit of a prompt; four times as much as any storyboard that was seen.
LONGEST_PROMPT: Final = 32_000


def assess_prompt(text: str, *, rules: Rules | None = None) -> Assessment:
    """Decide which risk classes a prompt belongs to; most belong to none.

    The same text gives the same answer, whoever wrote it: nothing is known of the author.

    Args:
        text: what the author wrote.
        rules: an operator's own, from `read_rules`; None takes the shipped ones.

    Raises:
        InvalidInput: if the text is longer than 32,000 characters.
    """
    if len(text) > LONGEST_PROMPT:
        raise InvalidInput(
            "text", text, f"have at most {LONGEST_PROMPT:,} characters", "two prompts"
        )
    words = fold(text)
    findings = []
    for match in (rules or shipped_rules()).matches(words):
        places = dict.fromkeys((words[h.start].start, words[h.end - 1].end) for h in match.hits)
        spans = tuple(Span(start, end, text[start:end]) for start, end in places)
        findings.append(Finding(match.rule.risk, match.rule.name, spans))
    return Assessment(tuple(findings))
