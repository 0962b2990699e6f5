"""What a charter consists of, and the form of its files: Markdown that becomes clauses.

    > a front line: is this the original, or a translation made by a machine?
    # title
    an introduction

    ## 1. heading {#id}
    what holds for both sides, if anything
    ### We promise {.we}
    - one duty of the operator
    ### You promise {.you}
    - one duty of the tester

Where files lie is the business of `texts`; what an operator fills in, of `terms`.
"""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Final

from unstrung.charter.errors import InvalidField, MalformedText, NotFound

LANGUAGES: Final = ("en", "it", "fr", "es", "ar", "id")
ORIGINAL: Final = "en"  # the language that prevails
PLACEHOLDERS: Final = ("operator", "contact", "review_hours", "law")
PLACEHOLDER: Final = re.compile(r"\{([a-z_]+)\}")
VERSION: Final = re.compile(r"(0|[1-9]\d{0,3})\.(0|[1-9]\d{0,3})", re.ASCII)

_CLAUSE: Final = re.compile(r"## (\d+)\. (.+?) \{#([a-z][a-z0-9-]*)\}", re.ASCII)
_PART: Final = re.compile(r"### (.+?) \{\.(we|you)\}")
_SENTENCE_END: Final = re.compile("[.!?\u061f\u2026][\"'\u00bb\u201d)*_]*\\s+")
# A full stop after one of these does not end a sentence.
_SHORTENED: Final = frozenset(
    (
        "art",
        "arts",
        "cf",
        "cfr",
        "dr",
        "dra",
        "e.g",
        "i.e",
        "mr",
        "mrs",
        "p.es",
        "p.ex",
        "sr",
        "sra",
    )
)


class Side(StrEnum):
    """Who promises: the operator, or the tester."""

    WE = "we"
    YOU = "you"


@dataclass(frozen=True)
class Clause:
    """One numbered clause.

    Attributes:
        id: the same in every language and, as long as its subject stays, in every version.
        number: its place in this version, from 1.
        title: the heading without number and id.
        text: paragraphs that hold for both sides.
        we: duties of the operator, each one a line of the list.
        you: duties of the tester.
    """

    id: str
    number: int
    title: str
    text: tuple[str, ...] = ()
    we: tuple[str, ...] = ()
    you: tuple[str, ...] = ()

    def duties(self, side: Side) -> tuple[str, ...]:
        """What a side promises in this clause."""
        return self.we if side is Side.WE else self.you


@dataclass(frozen=True)
class Charter:
    """One version in one language.

    Attributes:
        version: such as "1.0".
        language: one of LANGUAGES.
        source: canonical Markdown, the text that is hashed and signed.
        notice: the front line: the original, or a machine's translation of it.
        title: the first heading.
        introduction: paragraphs before the first clause.
        clauses: in order.
    """

    version: str
    language: str
    source: str
    notice: str
    title: str
    introduction: tuple[str, ...]
    clauses: tuple[Clause, ...]

    @property
    def sha256(self) -> str:
        """Of the canonical text in UTF-8, in lower-case hexadecimal digits."""
        return hashlib.sha256(self.source.encode("utf-8")).hexdigest()

    @property
    def is_translation(self) -> bool:
        """Whether another text prevails over this one."""
        return self.language != ORIGINAL

    @property
    def placeholders(self) -> tuple[str, ...]:
        """Names still to be filled in, as often as they occur, in order."""
        return tuple(PLACEHOLDER.findall(self.source))

    def clause(self, id: str) -> Clause:
        """Find a clause by its id.

        Raises:
            NotFound: if there is none.
        """
        for clause in self.clauses:
            if clause.id == id:
                return clause
        known = [clause.id for clause in self.clauses]
        raise NotFound("clause", id, "be one of this version", nearest(id, known))


def parse(text: str, *, version: str, language: str) -> Charter:
    """Read a charter from its Markdown.

    Raises:
        InvalidField: if version or language are not of their form.
        MalformedText: if the text is not of the form; the message names the line.
    """
    check_version(version)
    if language not in LANGUAGES:
        rule = f"be one of {', '.join(LANGUAGES)}"
        raise InvalidField("language", language, rule, nearest(language, LANGUAGES))
    source = canonical(text)
    reader = _Reader(f"{version}/{language}.md")
    for number, line in enumerate(source.split("\n"), 1):
        reader.read(number, line)
    reader.finish()
    return Charter(
        version=version,
        language=language,
        source=source,
        notice=reader.notice,
        title=reader.title,
        introduction=tuple(reader.introduction),
        clauses=tuple(draft.clause() for draft in reader.drafts),
    )


def canonical(text: str) -> str:
    """Spell one text in one way, so that its hash does not depend on an editor.

    Unicode NFC, line feeds, no byte-order mark, no space at the end of a line, one line feed at the end.
    """
    composed = unicodedata.normalize("NFC", text.removeprefix("\ufeff"))
    lines = [
        line.rstrip() for line in composed.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    ]
    return "\n".join(lines).strip("\n") + "\n"


def sentences(paragraph: str) -> tuple[str, ...]:
    """Cut a paragraph into sentences, in any of the six languages; nothing but space between them is lost."""
    found: list[str] = []
    start = 0
    for match in _SENTENCE_END.finditer(paragraph):
        before = paragraph[start : match.end()].strip()
        word = re.split(r"[\s(\"']", before.rstrip(".!?"))[-1].lower()
        is_shortened = before.endswith(".") and (word in _SHORTENED or re.fullmatch("[a-z]", word))
        if is_shortened or paragraph[match.end() :][:1].islower():
            continue
        found.append(before)
        start = match.end()
    rest = paragraph[start:].strip()
    return (*found, rest) if rest else tuple(found)


def nearest(value: str, known: Sequence[str]) -> str:
    """The most similar of what is known; the first, where none is similar."""
    return next(iter([*get_close_matches(value, known, n=1, cutoff=0.3), *known]), "")


def check_version(version: str) -> None:
    """Refuse what is no version before it becomes part of a path.

    Raises:
        InvalidField: if it is not of the form "1.0".
    """
    if not VERSION.fullmatch(version):
        raise InvalidField("version", version, "be two numbers with a full stop between", "1.0")


@dataclass
class _Draft:
    """A clause while it is being read."""

    id: str
    number: int
    title: str
    parts: dict[str, list[str]]

    def clause(self) -> Clause:
        text, we, you = (tuple(self.parts.get(part, ())) for part in ("text", "we", "you"))
        return Clause(self.id, self.number, self.title, text, we, you)


class _Reader:
    """Reads a charter line by line and knows where it is, for errors that name the line."""

    def __init__(self, place: str) -> None:
        self.place = place
        self.notice = ""
        self.title = ""
        self.introduction: list[str] = []
        self.drafts: list[_Draft] = []
        self._number = 0
        self._part = "text"
        self._is_open = False  # whether the next line goes on with the last paragraph or duty

    def read(self, number: int, line: str) -> None:
        """Take one line, without its line feed."""
        self._number = number
        self._check_braces(line)
        if not line:
            self._is_open = False
        elif not self.notice:
            if not line.startswith("> "):
                raise self._wrong(line, "begin with a front line", "> This text is the original.")
            self.notice = line[2:].strip()
        elif not self.title:
            if not line.startswith("# "):
                raise self._wrong(line, "be the title", "# The charter of ...")
            self.title = line[2:].strip()
        elif line.startswith("## "):
            self._begin_clause(line)
        elif line.startswith("### "):
            self._begin_part(line)
        elif line.startswith("#"):
            raise self._wrong(line, "be a clause or a part", "## 1. Taking part {#taking-part}")
        else:
            self._add(line)

    def finish(self) -> None:
        """Check what only the end shows."""
        if not self.title or not self.drafts:
            raise self._wrong("the end", "have a title and a clause", "the form in docs/charter.md")
        self._check_draft()

    def _begin_clause(self, line: str) -> None:
        self._check_draft()
        match = _CLAUSE.fullmatch(line)
        number = len(self.drafts) + 1
        if match is None:
            raise self._wrong(line, "number and name a clause", f"## {number}. Title {{#id}}")
        if int(match[1]) != number:
            raise self._wrong(line, "number the clauses in order", f"## {number}. {match[2]}")
        if match[3] in {draft.id for draft in self.drafts}:
            raise self._wrong(line, "use each id once", f"{{#{match[3]}-{number}}}")
        self.drafts.append(_Draft(match[3], number, match[2], {}))
        self._part, self._is_open = "text", False

    def _begin_part(self, line: str) -> None:
        match = _PART.fullmatch(line)
        if match is None or not self.drafts:
            raise self._wrong(line, "name a side inside a clause", "### We promise {.we}")
        self._check_part()
        if match[2] in self.drafts[-1].parts:
            raise self._wrong(line, "open each side once in a clause", "one list for each side")
        self._part, self._is_open = match[2], False
        self.drafts[-1].parts[self._part] = []

    def _add(self, line: str) -> None:
        is_duty = self._part != "text"
        words = " ".join(line.split())
        target = self._target()
        if is_duty and line.startswith("- "):
            target.append(words[2:])
        elif self._is_open:
            target[-1] = f"{target[-1]} {words}"
        elif is_duty:
            raise self._wrong(line, "begin a duty with a dash", f"- {words}")
        elif line.startswith("- "):
            raise self._wrong(line, "say whose duty this is first", "### We promise {.we}")
        else:
            target.append(words)
        self._is_open = True

    def _target(self) -> list[str]:
        if not self.drafts:
            return self.introduction
        return self.drafts[-1].parts.setdefault(self._part, [])

    def _check_part(self) -> None:
        if self._part != "text" and not self.drafts[-1].parts[self._part]:
            raise self._wrong("an empty list", "end a list with a duty", "- a duty")

    def _check_draft(self) -> None:
        if not self.drafts:
            return
        self._check_part()
        if not self.drafts[-1].parts:
            raise self._wrong("an empty clause", "end a clause with its text", "- a duty")

    def _check_braces(self, line: str) -> None:
        """Placeholders are four; other braces are a heading's, and at its end."""
        rest = re.sub(r" \{[#.][a-z][a-z0-9-]*\}$", "", line) if line.startswith("##") else line
        for name in PLACEHOLDER.findall(rest):
            if name not in PLACEHOLDERS:
                known = [f"{{{each}}}" for each in PLACEHOLDERS]
                rule = f"use only the placeholders {', '.join(known)}"
                raise self._wrong(f"{{{name}}}", rule, nearest(f"{{{name}}}", known))
        if set(PLACEHOLDER.sub("", rest)) & {"{", "}"}:
            raise self._wrong(line, "keep braces for placeholders", "round brackets")

    def _wrong(self, value: str, rule: str, fix: str) -> MalformedText:
        return MalformedText(f"{self.place} line {self._number}", value, rule, fix)
