"""Rules about words, read from data files, and where in a text they hold.

    words.toml, rules.toml --read once--> Rules
    text --folding--> words --phrases of all groups at once--> hits --rules--> matches

A group is a list of phrases in six languages; all are looked for at once, because people mix languages. An
`unless` phrase covers its words: what is covered whole, within one clause, is no hit. Time is linear in the
text.
"""

import tomllib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

from unstrung.risk.classes import LANGUAGES, RiskClass
from unstrung.risk.errors import ListError
from unstrung.risk.folding import Word, fold

UNLESS: Final = "unless"
NOT_NAME: Final = "not_name"
NAME_BREAK: Final = "name_break"
NAME: Final = "name"
_RESERVED: Final = (UNLESS, NOT_NAME, NAME_BREAK)
_AGE: Final = "<age>"
_OLDEST_MINOR: Final = 17
_SHORTEST_STEM: Final = 3
_NAME_LENGTHS: Final = range(2, 5)


@dataclass(frozen=True)
class Rule:
    """A class and what makes it: any word of one group, or words of two groups close together.

    Attributes:
        name: unique; shown in assessments.
        risk: the class.
        groups: one or two names of groups.
        within: at most so many words between the two.
    """

    name: str
    risk: RiskClass
    groups: tuple[str, ...]
    within: int = 0


@dataclass(frozen=True)
class Hit:
    """A phrase of a group: words[start:end]."""

    group: str
    start: int
    end: int


@dataclass(frozen=True)
class Match:
    """A rule that holds, and the hits that make it hold, in order."""

    rule: Rule
    hits: tuple[Hit, ...]


@dataclass(frozen=True)
class _Phrase:
    group: str
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Rules:
    """Rules and phrases, indexed by the first word of a phrase.

    Attributes:
        rules: graver classes first, as in the closed list.
        exact, stems: phrases by their first word, or by the letters it begins with.
        ages: phrases that begin with an age, by the first letter after it.
    """

    rules: tuple[Rule, ...]
    exact: Mapping[str, tuple[_Phrase, ...]]
    stems: Mapping[str, tuple[_Phrase, ...]]
    ages: Mapping[str, tuple[_Phrase, ...]]

    def matches(self, words: Sequence[Word]) -> tuple[Match, ...]:
        """Every rule that holds for these words, in the order of the rules."""
        hits = self._hits(words)
        found = []
        for rule in self.rules:
            groups = [hits.get(group, []) for group in rule.groups]
            near = groups[0] if len(groups) == 1 else _near(groups[0], groups[1], rule.within)
            if near:
                found.append(Match(rule, tuple(near)))
        return tuple(found)

    def _hits(self, words: Sequence[Word]) -> dict[str, list[Hit]]:
        raw = [hit for index in range(len(words)) for hit in self._hits_at(words, index)]
        covered = {
            index
            for hit in raw
            if hit.group == UNLESS and words[hit.start].clause == words[hit.end - 1].clause
            for index in range(hit.start, hit.end)
        }
        by_group: dict[str, list[Hit]] = {}
        for hit in raw:
            if hit.group != UNLESS and not covered.issuperset(range(hit.start, hit.end)):
                by_group.setdefault(hit.group, []).append(hit)
        by_group[NAME] = list(_names(words, by_group))
        return by_group

    def _hits_at(self, words: Sequence[Word], index: int) -> Iterator[Hit]:
        tried: set[_Phrase] = set()
        following = words[index + 1].forms if index + 1 < len(words) else ()
        for form in words[index].forms:
            for phrase in self._beginning_with(form, following):
                if phrase in tried:
                    continue
                tried.add(phrase)
                if _holds(phrase, words, index):
                    yield Hit(phrase.group, index, index + len(phrase.parts))

    def _beginning_with(self, form: str, following: Iterable[str]) -> Iterator[_Phrase]:
        yield from self.exact.get(form, ())
        for length in range(_SHORTEST_STEM, len(form) + 1):
            yield from self.stems.get(form[:length], ())
        if form[0].isdecimal():
            glued = form.lstrip("0123456789")
            for initial in {glued[0]} if glued else {each[0] for each in following}:
                yield from self.ages.get(initial, ())


def _holds(phrase: _Phrase, words: Sequence[Word], index: int) -> bool:
    if index + len(phrase.parts) > len(words):
        return False
    for place, part in enumerate(phrase.parts, index):
        for form in words[place].forms:
            if _fits(part, form):
                break
        else:
            return False
    return True


def _fits(part: str, form: str) -> bool:
    if part[0] == _AGE[0]:
        suffix = part[len(_AGE) :]
        number = form.removesuffix(suffix) if form.endswith(suffix) else ""
        is_number = len(number) <= 2 and number.isascii() and number.isdecimal()
        return is_number and 1 <= int(number) <= _OLDEST_MINOR
    return form.startswith(part[:-1]) if part[-1] == "*" else form == part


def _near(firsts: Sequence[Hit], seconds: Sequence[Hit], within: int) -> list[Hit]:
    """Hits of both groups that have one of the other at most `within` words away, in order."""
    starts = [hit.start for hit in seconds]
    by_end = sorted(seconds, key=lambda hit: hit.end)
    ends = [hit.end for hit in by_end]
    found: set[Hit] = set()
    for first in firsts:
        after = bisect_left(starts, first.end)
        if after < len(seconds) and starts[after] - first.end <= within:
            found |= {first, seconds[after]}
        before = bisect_right(ends, first.start) - 1
        if before >= 0 and first.start - ends[before] <= within:
            found |= {first, by_end[before]}
    return sorted(found, key=lambda hit: (hit.start, hit.end, hit.group))


def _names(words: Sequence[Word], hits: Mapping[str, Sequence[Hit]]) -> Iterator[Hit]:
    """Runs of two to four capitalised words that no list knows."""
    known = {
        index
        for group, group_hits in hits.items()
        if group != NOT_NAME
        for hit in group_hits
        for index in range(hit.start, hit.end)
    }
    never = {hit.start for hit in hits.get(NOT_NAME, ())}
    start = 0
    for index in range(len(words) + 1):
        goes_on = (
            index < len(words)
            and words[index].is_capitalised
            and index not in known
            and (index == start or words[index].clause == words[start].clause)
        )
        if goes_on:
            continue
        if index - start in _NAME_LENGTHS and never.isdisjoint(range(start, index)):
            yield Hit(NAME, start, index)
        is_word = index < len(words) and words[index].is_capitalised and index not in known
        start = index if is_word else index + 1


@cache
def shipped_rules() -> Rules:
    """The rules that come with the package, read once."""
    return _read(resources.files("unstrung.risk.lists"))


def read_rules(folder: Path) -> Rules:
    """Rules of an operator, from `words.toml` and `rules.toml` in a folder.

    Raises:
        ListError: if a file is missing or not TOML, a class is not in the closed list, a group is unknown or
            empty, or a phrase breaks its form.
    """
    return _read(folder)


def _read(folder: Traversable | Path) -> Rules:
    phrases = tuple(_phrases(_toml(folder, "words.toml")))
    groups = {phrase.group for phrase in phrases} | {NAME}
    rules = tuple(_rules(_toml(folder, "rules.toml"), groups))
    exact: dict[str, list[_Phrase]] = {}
    stems: dict[str, list[_Phrase]] = {}
    ages: dict[str, list[_Phrase]] = {}
    for phrase in dict.fromkeys(phrases):
        first = phrase.parts[0]
        if first.startswith(_AGE):
            after = "".join(phrase.parts)[len(_AGE) :]
            ages.setdefault(after[:1], []).append(phrase)
        elif first.endswith("*"):
            stems.setdefault(first[:-1], []).append(phrase)
        else:
            exact.setdefault(first, []).append(phrase)
    order = {risk: place for place, risk in enumerate(RiskClass)}
    return Rules(
        tuple(sorted(rules, key=lambda rule: order[rule.risk])),
        {word: tuple(found) for word, found in exact.items()},
        {stem: tuple(found) for stem, found in stems.items()},
        {initial: tuple(found) for initial, found in ages.items()},
    )


def _toml(folder: Traversable | Path, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(folder.joinpath(name).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ListError(
            name, error, "be a readable TOML file", "the one that is shipped"
        ) from error


def _phrases(raw: Mapping[str, Any]) -> Iterator[_Phrase]:
    for group, languages in raw.items():
        where = f"words.toml [{group}]"
        if group == NAME:
            raise ListError(where, group, "not be called name, which is built in", "another name")
        if not isinstance(languages, dict) or not any(languages.values()):
            raise ListError(where, languages, "hold phrases by language", 'en = ["a phrase"]')
        for language, listed in languages.items():
            if language not in LANGUAGES:
                raise ListError(where, language, f"use {', '.join(LANGUAGES)}", LANGUAGES[0])
            if not isinstance(listed, list):
                raise ListError(f"{where} {language}", listed, "be a list", '["a phrase"]')
            for text in listed:
                yield _Phrase(group, _parts(f"{where} {language}", text))


def _parts(where: str, text: object) -> tuple[str, ...]:
    if not isinstance(text, str) or not text.split():
        raise ListError(where, text, "hold texts that are not empty", '"a phrase"')
    parts = []
    for piece in text.split():
        is_age = piece.startswith(_AGE)
        bare = piece.removeprefix(_AGE).removesuffix("*")
        words = fold(bare)
        if not words and not is_age:
            raise ListError(where, text, "consist of words", "letters of any script")
        if len(words) > 1:
            raise ListError(
                where, text, "part words by spaces", " ".join(w.forms[0] for w in words)
            )
        plain = words[0].forms[0] if words else ""
        if piece.endswith("*") and not is_age and len(plain) < _SHORTEST_STEM:
            fix = f"{plain} without *"
            raise ListError(where, text, f"have {_SHORTEST_STEM} letters before *", fix)
        parts.append((_AGE if is_age else "") + plain + ("*" if piece.endswith("*") else ""))
    if parts[0] == _AGE and len(parts) == 1:
        raise ListError(where, text, "say more than an age", "<age> years old")
    return tuple(parts)


def _rules(raw: Mapping[str, Any], groups: Iterable[str]) -> Iterator[Rule]:
    usable = sorted(set(groups) - set(_RESERVED))
    names: set[str] = set()
    for place, entry in enumerate(raw.get("rule", ()), 1):
        name = str(entry.get("name", ""))
        where = f"rules.toml rule {place} ({name})"
        if not name or name in names:
            raise ListError(where, name, "have a name of its own", f"rule-{place}")
        names.add(name)
        risk = entry.get("class")
        if risk not in list(RiskClass):
            legal = ", ".join(RiskClass)
            raise ListError(f"{where} class", risk, "be in the closed list of classes", legal)
        named = entry.get("groups")
        if not isinstance(named, list) or len(named) not in (1, 2):
            raise ListError(f"{where} groups", named, "name one or two groups", str(usable[:2]))
        for group in named:
            if group not in usable:
                raise ListError(f"{where} groups", group, "be in words.toml", ", ".join(usable))
        within = entry.get("within", 0)
        if not isinstance(within, int) or not 0 <= within <= 100:
            raise ListError(f"{where} within", within, "lie between 0 and 100", "5")
        yield Rule(name, RiskClass(risk), tuple(named), within)
