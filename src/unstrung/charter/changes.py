"""What changes between two versions of a charter, in plain words and as data.

Sentences are compared, clause by clause and side by side: a sentence that differs was added, removed, moved
inside its part or reworded, and is told exactly once. A sentence that passes from one side's duties to the
other's was removed there and added here, since that is what it means to whoever signs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from itertools import chain
from typing import Final

from unstrung.charter.clauses import Charter, Clause, Side, sentences
from unstrung.charter.errors import InvalidField

_ALIKE: Final = (
    0.5  # share of common letters from which a sentence counts as reworded, not as another one
)


class Change(StrEnum):
    """What became of a clause or a sentence."""

    ADDED = "added"
    REMOVED = "removed"
    MOVED = "moved"
    REWORDED = "reworded"


class Part(StrEnum):
    """Where a sentence stands."""

    TITLE = "title"
    TEXT = "text"
    WE = "we"
    YOU = "you"


@dataclass(frozen=True)
class SentenceChange:
    """One sentence that differs.

    Attributes:
        change: what became of it.
        part: where it stands.
        before: empty if it was added.
        after: empty if it was removed; the same as before if it only moved inside its part.
    """

    change: Change
    part: Part
    before: str
    after: str


@dataclass(frozen=True)
class ClauseChange:
    """One clause that differs.

    Attributes:
        id: of the clause.
        title: in the newer version; in the older one, if the clause was removed.
        changes: added or removed alone; or moved, reworded (any sentence differs) or both. Being counted anew
            because other clauses came or went is no change.
        number_before: its number in the older version, None if it was added.
        number_after: its number in the newer version, None if it was removed.
        sentences: every sentence that differs, once; all of them if the clause was added or removed.
    """

    id: str
    title: str
    changes: tuple[Change, ...]
    number_before: int | None
    number_after: int | None
    sentences: tuple[SentenceChange, ...]

    def duties(self, side: Side) -> tuple[SentenceChange, ...]:
        """What changes in the duties of one side."""
        return tuple(each for each in self.sentences if each.part == side.value)


@dataclass(frozen=True)
class CharterChanges:
    """Everything that differs between two versions in one language.

    Attributes:
        language: of both.
        version_before: the older version.
        version_after: the newer version.
        sha256_before: of the older text.
        sha256_after: of the newer text.
        opening: sentences of front line, title and introduction.
        clauses: in the order of the newer version; removed ones last.
    """

    language: str
    version_before: str
    version_after: str
    sha256_before: str
    sha256_after: str
    opening: tuple[SentenceChange, ...]
    clauses: tuple[ClauseChange, ...]

    @property
    def is_empty(self) -> bool:
        """Whether every sentence stayed where it was."""
        return not self.opening and not self.clauses

    @property
    def is_layout_only(self) -> bool:
        """Whether the texts differ, but no sentence does: lines were broken or joined."""
        return self.is_empty and self.sha256_before != self.sha256_after

    @property
    def sentences(self) -> tuple[SentenceChange, ...]:
        """Every sentence that differs, once."""
        return (*self.opening, *chain.from_iterable(each.sentences for each in self.clauses))

    def duties(self, side: Side) -> tuple[SentenceChange, ...]:
        """What changes in the duties of one side."""
        return tuple(chain.from_iterable(each.duties(side) for each in self.clauses))


def compare(before: Charter, after: Charter) -> CharterChanges:
    """Find what differs from one version to another.

    Raises:
        InvalidField: if the two are in different languages.
    """
    if before.language != after.language:
        rule = f"be in the language of the version before ({before.language})"
        raise InvalidField("after", after.language, rule, before.language)
    old = {clause.id: clause for clause in before.clauses}
    new = {clause.id: clause for clause in after.clauses}
    moved = _moved([id for id in old if id in new], [id for id in new if id in old])
    told = [_compare_clauses(old.get(id), clause, id in moved) for id, clause in new.items()]
    told += [_compare_clauses(clause, None, False) for id, clause in old.items() if id not in new]
    opening = [
        *_compare_part(Part.TITLE, [before.title], [after.title]),
        *_compare_part(
            Part.TEXT,
            _cut([before.notice, *before.introduction]),
            _cut([after.notice, *after.introduction]),
        ),
    ]
    return CharterChanges(
        language=before.language,
        version_before=before.version,
        version_after=after.version,
        sha256_before=before.sha256,
        sha256_after=after.sha256,
        opening=tuple(opening),
        clauses=tuple(each for each in told if each.changes),
    )


def _compare_clauses(old: Clause | None, new: Clause | None, is_moved: bool) -> ClauseChange:
    """Compare a clause with itself in the other version; None where it does not exist."""
    found: list[SentenceChange] = []
    for part in Part:
        found += _compare_part(part, _part_of(old, part), _part_of(new, part))
    if old is None:
        changes = [Change.ADDED]
    elif new is None:
        changes = [Change.REMOVED]
    else:
        changes = [Change.MOVED] * is_moved + [Change.REWORDED] * bool(found)
    known = new or old
    assert known is not None
    return ClauseChange(
        id=known.id,
        title=known.title,
        changes=tuple(changes),
        number_before=old.number if old else None,
        number_after=new.number if new else None,
        sentences=tuple(found),
    )


def _part_of(clause: Clause | None, part: Part) -> list[str]:
    if clause is None:
        return []
    match part:
        case Part.TITLE:
            return [clause.title]
        case Part.TEXT:
            return _cut(clause.text)
        case Part.WE:
            return _cut(clause.we)
        case Part.YOU:
            return _cut(clause.you)


def _cut(paragraphs: Sequence[str]) -> list[str]:
    return list(chain.from_iterable(map(sentences, paragraphs)))


def _compare_part(part: Part, old: list[str], new: list[str]) -> list[SentenceChange]:
    """Tell each sentence that differs once, in the order of the newer text, removed ones last."""
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    gone: list[int] = []
    come: list[int] = []
    for tag, i, j, k, m in matcher.get_opcodes():
        if tag != "equal":
            gone += range(i, j)
            come += range(k, m)
    partners = _pair([old[i] for i in gone], [new[k] for k in come])
    told: list[SentenceChange] = []
    for position, k in enumerate(come):
        if position not in partners:
            told.append(SentenceChange(Change.ADDED, part, "", new[k]))
            continue
        before = old[gone[partners[position]]]
        change = Change.MOVED if before == new[k] else Change.REWORDED
        told.append(SentenceChange(change, part, before, new[k]))
    paired = set(partners.values())
    left = [old[i] for position, i in enumerate(gone) if position not in paired]
    return told + [SentenceChange(Change.REMOVED, part, sentence, "") for sentence in left]


def _pair(gone: list[str], come: list[str]) -> dict[int, int]:
    """Pair sentences that came with those that went, the most similar first; each has one partner at most."""
    scored = [
        (-_likeness(old, new), abs(i - k), k, i)
        for k, new in enumerate(come)
        for i, old in enumerate(gone)
    ]
    partners: dict[int, int] = {}
    taken: set[int] = set()
    for score, _, k, i in sorted(scored):
        if -score >= _ALIKE and k not in partners and i not in taken:
            partners[k] = i
            taken.add(i)
    return partners


def _likeness(old: str, new: str) -> float:
    """Share of common letters; 0 where a cheap upper bound already says that it is too small."""
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    is_possible = matcher.real_quick_ratio() >= _ALIKE and matcher.quick_ratio() >= _ALIKE
    return matcher.ratio() if is_possible else 0.0


def _moved(old: list[str], new: list[str]) -> set[str]:
    """Ids that are not where the order of the others would have them; as few as difflib finds."""
    blocks = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    kept = {id for block in blocks for id in new[block.b : block.b + block.size]}
    return set(new) - kept
