"""Charters found and read: ours, or an operator's own folder of the same form.

A version is a folder of one Markdown file for each language, `<folder>/<version>/<language>.md`, in the form
that `clauses` describes. What changed between two versions is the business of `changes`; who signed what,
the studio's.
"""

from collections import Counter
from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType
from typing import Final

from unstrung.charter.clauses import (
    LANGUAGES,
    ORIGINAL,
    PLACEHOLDER,
    VERSION,
    Charter,
    check_version,
    nearest,
    parse,
)
from unstrung.charter.errors import MalformedText, NotFound

_MAX_BYTES: Final = 200_000


def versions(*, folder: Path | None = None) -> tuple[str, ...]:
    """List versions, the oldest first.

    Args:
        folder: an operator's own charters; ours without it.

    Raises:
        NotFound: if the folder does not exist.
    """
    root = _root(folder)
    names = [each.name for each in root.iterdir() if each.is_dir() and VERSION.fullmatch(each.name)]
    return tuple(sorted(names, key=_version_numbers))


def languages(version: str, *, folder: Path | None = None) -> tuple[str, ...]:
    """List the languages of a version, in the order of LANGUAGES.

    Raises:
        NotFound: if there is no such version.
    """
    place = _version_folder(version, folder)
    return tuple(each for each in LANGUAGES if place.joinpath(f"{each}.md").is_file())


def load(version: str, language: str, *, folder: Path | None = None) -> Charter:
    """Read one version in one language, with its placeholders.

    Raises:
        NotFound: if there is no such version or language.
        MalformedText: if the file is not of the form.
    """
    held = languages(version, folder=folder)
    if language not in held:
        rule = f"be one of the languages of version {version} ({', '.join(held) or 'none'})"
        raise NotFound("language", language, rule, nearest(language, held))
    file = _version_folder(version, folder).joinpath(f"{language}.md")
    place = f"{version}/{language}.md"
    try:
        raw = file.read_bytes()
        text = raw.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        rule = "be a readable text in UTF-8"
        raise MalformedText(place, str(error), rule, "saving it again") from error
    if len(raw) > _MAX_BYTES:
        rule = f"have at most {_MAX_BYTES:,} bytes"
        raise MalformedText(place, f"{len(raw):,}", rule, "a text of one language")
    return parse(text, version=version, language=language)


def load_all(version: str, *, folder: Path | None = None) -> Mapping[str, Charter]:
    """Read a version in all its languages and prove that they promise alike.

    Each has the same clauses in the same order, with as many duties of each side and the same placeholders as
    the original. Whether a "not" was lost is for a speaker to say, sentence by sentence beside the original.

    Raises:
        NotFound: if there is no such version, or not in the original language.
        MalformedText: if a file is not of the form or disagrees with the original.
    """
    original = load(version, ORIGINAL, folder=folder)
    charters = {
        each: load(version, each, folder=folder) for each in languages(version, folder=folder)
    }
    for charter in charters.values():
        _check_against(original, charter)
    return MappingProxyType(charters)


def _root(folder: Path | None) -> Traversable:
    root: Traversable = resources.files("unstrung.charter") / "texts" if folder is None else folder
    if not root.is_dir():
        raise NotFound("folder", folder, "be a folder of charters", "<folder>/1.0/en.md")
    return root


def _version_numbers(version: str) -> tuple[int, int]:
    major, _, minor = version.partition(".")
    return int(major), int(minor)


def _version_folder(version: str, folder: Path | None) -> Traversable:
    check_version(version)
    held = versions(folder=folder)
    if version not in held:
        rule = f"be one of {', '.join(held) or 'none'}"
        raise NotFound("version", version, rule, nearest(version, held))
    return _root(folder).joinpath(version)


def _check_against(original: Charter, other: Charter) -> None:
    """Prove that a translation has the clauses, duties and placeholders of its original."""
    place = f"{other.version}/{other.language}.md"
    ids = [clause.id for clause in original.clauses]
    held = [clause.id for clause in other.clauses]
    if ids != held:
        odd = next((b for a, b in zip(ids, held, strict=False) if a != b), "the end")
        fix = next((a for a, b in zip(ids, held, strict=False) if a != b), "all clauses")
        raise MalformedText(place, odd, "have the clauses of the original in its order", fix)
    for ours, theirs in zip(original.clauses, other.clauses, strict=True):
        for part in ("text", "we", "you"):
            count, found = len(getattr(ours, part)), len(getattr(theirs, part))
            if count != found:
                rule = f"have {count} lines in {ours.id}.{part} like the original"
                raise MalformedText(place, str(found), rule, "a translation line by line")
            names = [
                sorted(PLACEHOLDER.findall(" ".join(getattr(c, part)))) for c in (ours, theirs)
            ]
            if names[0] != names[1]:
                rule = f"have the placeholders of the original in {ours.id}.{part}"
                raise MalformedText(place, ", ".join(names[1]) or "none", rule, ", ".join(names[0]))
    if Counter(original.placeholders) != Counter(other.placeholders):
        rule = "have the placeholders of the original in title and introduction"
        raise MalformedText(place, ", ".join(other.placeholders), rule, "those of the original")
