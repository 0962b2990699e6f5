"""Free text to words that can be compared, each with its place in the text.

    text --character by character--> letters, each with its index --> words --> forms of each word

What is folded: compatibility forms (as NFKC does), case, accents but the tilde of n, Arabic vowel signs,
tatweel, forms of alef, ya and ta marbuta, digits of any script, invisible characters. Written words may have
further forms: without attached Arabic particles, with digits read as letters, spelled out letter by letter.
Every step looks at a character a bounded number of times, so time grows with length and no faster.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_CLAUSE_ENDS: Final = frozenset(".,;:!?|\n\r()[]{}\u060c\u061b\u061f\u2026\u3002\u2013\u2014")
_INSIDE_WORDS: Final = frozenset("@$")
_LOOKALIKES: Final = str.maketrans("0134578@$", "oieastbas")
_ARABIC: Final = str.maketrans(
    {"\u0649": "\u064a", "\u0629": "\u0647", "\u0671": "\u0627", "\u0640": None}
)
# Cyrillic letters that look Latin, for words that mix the two.
_CYRILLIC: Final = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0445\u0443\u0456\u0455", "aeopcxyis"
)
# Attached to the front of Arabic words: and, so; by, as, for; the.
_CONJUNCTIONS: Final = ("\u0648", "\u0641")
_PARTICLES: Final = (
    "\u0628\u0627\u0644",
    "\u0643\u0627\u0644",
    "\u0644\u0644",
    "\u0627\u0644",
    "\u0628",
    "\u0644",
    "\u0643",
)
_SHORTEST_STEM: Final = 3
_LONGEST_WORD: Final = 64
# Of one character: some signs stand for a sentence of eighteen letters, and time would follow.
_MOST_LETTERS: Final = 4
_SPELLED_OUT: Final = range(3, 41)
_TILDE: Final = "\u0303"


@dataclass(frozen=True)
class Word:
    """One word of a text.

    Attributes:
        start, end: place in the text, half open.
        forms: every folded spelling it may stand for, the plain one first.
        clause: counts clauses; words of one clause share it.
        is_capitalised: written like a name: one capital, then small letters.
    """

    start: int
    end: int
    forms: tuple[str, ...]
    clause: int
    is_capitalised: bool


def fold(text: str) -> tuple[Word, ...]:
    """Split a text into words in all their forms; runs of single letters become a word as well."""
    words = list(_words(text))
    return tuple(_join_spelled_out(words)) if words else ()


@lru_cache(maxsize=4096)
def _fold_character(character: str) -> str:
    """Comparable letters of one character: none for marks and invisible characters, a space for signs."""
    if character in _CLAUSE_ENDS:
        return character
    kept = []
    for part in unicodedata.normalize("NFKD", character.casefold()).casefold():
        category = unicodedata.category(part)
        if part == _TILDE:
            kept.append(part)
        elif category in ("Mn", "Me", "Cf"):
            continue
        elif category == "Nd":
            kept.append(str(unicodedata.decimal(part)))
        elif part.isalnum() or part in _INSIDE_WORDS:
            kept.append(part.translate(_ARABIC))
        elif part != "\u0640":
            kept.append(" ")
    return "".join(kept[:_MOST_LETTERS])


def _words(text: str) -> Iterator[Word]:
    letters: list[str] = []
    start, end, clause = 0, 0, 0
    for index, character in enumerate(text):
        folded = _fold_character(character)
        if folded in _CLAUSE_ENDS and folded:
            if letters:
                yield _word(text, letters, (start, end), clause)
                letters = []
            clause += 1
            continue
        for part in folded:
            if part == " ":
                if letters:
                    yield _word(text, letters, (start, end), clause)
                    letters = []
            elif part == _TILDE:
                if letters and letters[-1] == "n":
                    letters[-1] = "\u00f1"
                    end = index + 1
            else:
                if not letters:
                    start = index
                letters.append(part)
                end = index + 1
    if letters:
        yield _word(text, letters, (start, end), clause)


def _word(text: str, letters: list[str], place: tuple[int, int], clause: int) -> Word:
    start, end = place
    written = text[start:end]
    is_capitalised = written[0].isupper() and len(written) > 1 and written[1:].islower()
    return Word(start, end, _forms("".join(letters[:_LONGEST_WORD])), clause, is_capitalised)


@lru_cache(maxsize=4096)
def _forms(plain: str) -> tuple[str, ...]:
    forms = {plain: None}
    if not plain.isascii():
        if any("a" <= letter <= "z" for letter in plain):
            forms[plain.translate(_CYRILLIC)] = None
        if "\u0600" <= plain[0] <= "\u06ff":
            forms.update(dict.fromkeys(_without_particles(plain)))
    elif not plain.isalpha() and not plain.isdecimal():
        forms[plain.strip("@$")] = None
        if any("a" <= letter <= "z" for letter in plain):
            forms[plain.translate(_LOOKALIKES)] = None
    squeezed = _squeeze(plain)
    forms[squeezed] = None
    return tuple(form for form in forms if form)


def _without_particles(plain: str) -> Iterator[str]:
    bare = [plain]
    if plain.startswith(_CONJUNCTIONS) and len(plain) > _SHORTEST_STEM:
        bare.append(plain[1:])
        yield plain[1:]
    for each in bare:
        for particle in _PARTICLES:
            if each.startswith(particle) and len(each) - len(particle) >= _SHORTEST_STEM - 1:
                yield each[len(particle) :]


def _squeeze(plain: str) -> str:
    """Three or more of a letter as one: "nuuude"."""
    kept: list[str] = []
    run = 0
    for index, letter in enumerate(plain):
        run = run + 1 if index and plain[index - 1] == letter else 1
        if run <= 2:
            kept.append(letter)
        elif run == 3 and letter.isalpha():
            kept.pop()
    return "".join(kept)


def _join_spelled_out(words: list[Word]) -> Iterator[Word]:
    """Replace "n u d e" and "s.e.x" by one word; up to two letters at its ends may belong to neighbours."""
    index = 0
    while index < len(words):
        end = index
        while (
            end < len(words)
            and len(words[end].forms[0]) == 1
            and (end == index or words[end].start - words[end - 1].end == 1)
        ):
            end += 1
        if end - index in _SPELLED_OUT:
            yield _joined(words[index:end])
        else:
            yield from words[index : max(end, index + 1)]
        index = max(end, index + 1)


def _joined(run: list[Word]) -> Word:
    letters = "".join(word.forms[0] for word in run)
    forms = [
        letters[first : len(letters) - last]
        for first in range(3)
        for last in range(3)
        if len(letters) - first - last >= _SHORTEST_STEM
    ]
    every = dict.fromkeys(form for plain in forms for form in _forms(plain))
    return Word(run[0].start, run[-1].end, tuple(every), run[0].clause, False)
