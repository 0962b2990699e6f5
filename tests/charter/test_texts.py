"""Charters are found, read, checked, filled in and hashed; what is wrong is named with its fix."""

import ast
import hashlib
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import unstrung.charter
from unstrung.charter.clauses import LANGUAGES, Side, canonical, parse, sentences
from unstrung.charter.errors import CharterError, InvalidField, MalformedText, NotFound
from unstrung.charter.terms import Terms, fill
from unstrung.charter.texts import languages, load, load_all, versions

SMALL = """> The original.

# The charter of {operator}

Words before.

## 1. Sharing {#sharing}

Both sides
like it.

### We promise {.we}

- We wait {review_hours} hours. Then we
  release.
- We answer at {contact}.

### You promise {.you}

- You ask.

## 2. Law {#law}

The law is {law}.
"""
TERMS = Terms("Lanterna Studio", "charter@example.org", 48, "Italian law")


def write(folder: Path, version: str, texts: dict[str, str]) -> Path:
    place = folder / version
    place.mkdir(parents=True)
    for language, text in texts.items():
        (place / f"{language}.md").write_text(text, "utf-8")
    return folder


def test_a_text_becomes_clauses_with_the_duties_of_both_sides() -> None:
    charter = parse(SMALL, version="1.0", language="en")
    sharing, law = charter.clauses
    assert (charter.notice, charter.introduction) == ("The original.", ("Words before.",))
    assert (sharing.id, sharing.number, sharing.title) == ("sharing", 1, "Sharing")
    assert sharing.text == ("Both sides like it.",)
    assert sharing.duties(Side.WE)[0] == "We wait {review_hours} hours. Then we release."
    assert sharing.duties(Side.YOU) == ("You ask.",)
    assert (law.we, law.you) == ((), ())
    assert charter.clause("law") is law


def test_filling_in_leaves_no_placeholder_and_another_hash() -> None:
    charter = parse(SMALL, version="1.0", language="en")
    filled = fill(charter, TERMS)
    assert filled.placeholders == ()
    assert "We wait 48 hours." in filled.source
    assert filled.title == "The charter of Lanterna Studio"
    assert filled.sha256 != charter.sha256
    assert [clause.id for clause in filled.clauses] == [clause.id for clause in charter.clauses]
    with pytest.raises(InvalidField, match="must have placeholders"):
        fill(filled, TERMS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_shipped_text_can_be_filled_in(language: str) -> None:
    filled = fill(load("1.0", language), TERMS)
    assert filled.placeholders == ()
    assert not set(filled.title + "".join(filled.clause("sharing").we)) & {"{", "}"}


def test_the_hash_does_not_depend_on_an_editor() -> None:
    charter = parse(SMALL, version="1.0", language="en")
    typed = "\ufeff" + SMALL.replace("\n", "  \r\n") + "\r\n\r\n"
    assert parse(typed, version="1.0", language="en").sha256 == charter.sha256
    assert charter.sha256 == hashlib.sha256(SMALL.encode()).hexdigest()
    accented = SMALL.replace("Both", "Caf\u00e9s")
    decomposed = SMALL.replace("Both", "Cafe\u0301s")
    hashes = {parse(text, version="1.0", language="en").sha256 for text in (accented, decomposed)}
    assert len(hashes) == 1


@given(st.text())
def test_a_canonical_text_stays_as_it_is(text: str) -> None:
    once = canonical(text)
    assert canonical(once) == once


def test_versions_of_an_operator_are_listed_as_numbers(tmp_path: Path) -> None:
    for version in ("1.10", "1.9", "2.0", "drafts"):
        write(tmp_path, version, {"en": SMALL, "it": SMALL, "xx": SMALL})
    assert versions(folder=tmp_path) == ("1.9", "1.10", "2.0")
    assert languages("1.9", folder=tmp_path) == ("en", "it")
    assert load("1.9", "it", folder=tmp_path).language == "it"
    assert tuple(load_all("2.0", folder=tmp_path)) == ("en", "it")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (("sharing}", "showing}"), "have the clauses of the original in its order.*try sharing"),
        (("- You ask.", "- You ask.\n- You pay."), "have 1 lines in sharing.you"),
        (("at {contact}", "somewhere"), "placeholders of the original in sharing.we"),
        (("of {operator}", "of us"), "placeholders of the original in title"),
    ],
)
def test_a_translation_that_promises_otherwise_is_refused(
    tmp_path: Path, changed: tuple[str, str], message: str
) -> None:
    write(tmp_path, "1.0", {"en": SMALL, "fr": SMALL.replace(*changed)})
    with pytest.raises(MalformedText, match=rf"^1\.0/fr\.md must .*{message}"):
        load_all("1.0", folder=tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("> The original.", "The original.", "line 1 must begin with a front line"),
        ("# The charter", "The charter", "line 3 must be the title"),
        (
            "## 2. Law {#law}",
            "## 3. Law {#law}",
            r"line 22 must number the clauses.*try ## 2\. Law",
        ),
        ("## 2. Law {#law}", "## 2. Law", "line 22 must number and name a clause"),
        ("{#law}", "{#sharing}", "line 22 must use each id once"),
        ("## 2. Law {#law}", "#### Law", "line 22 must be a clause or a part"),
        ("### We promise {.we}", "### We promise", "line 12 must name a side"),
        ("{.you}", "{.we}", "line 18 must open each side once"),
        ("- You ask.", "You ask.", "line 20 must begin a duty with a dash"),
        ("- You ask.", "", "must end a list with a duty"),
        ("Both sides\n", "- Both sides\n", "line 9 must say whose duty this is first"),
        ("The law is {law}.", "", "must end a clause with its text"),
        ("{law}", "{laws}", r"must use only the placeholders.*got \{laws\}; try \{law\}"),
        ("{law}", "{law", "must keep braces for placeholders"),
        (SMALL, "", "must have a title and a clause"),
    ],
)
def test_a_text_out_of_form_names_line_rule_and_fix(old: str, new: str, message: str) -> None:
    text = SMALL.replace(old, new)
    with pytest.raises(MalformedText, match=message) as caught:
        parse(text, version="1.0", language="en")
    assert str(caught.value).startswith("1.0/en.md line ")
    assert caught.value.fix


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("operator", "", "must be a text that is not empty"),
        ("operator", "x" * 201, "at most 200 characters"),
        ("operator", "a\nb", "one line.*try a b"),
        ("law", "a\u202eb", "without control characters"),
        ("law", "{operator}", "plain words.*try operator"),
        ("contact", "# help", "plain words, not markup, got # help; try help"),
        ("contact", 5, "must be a text"),
        ("review_hours", 0, "from 2 to 168, got 0; try 2"),
        ("review_hours", 1000, "got 1000; try 168"),
        ("review_hours", 47.6, "whole number.*try 48"),
        ("review_hours", True, "whole number"),
        ("review_hours", "48", "whole number.*try 48"),
        ("review_hours", float("nan"), "whole number.*try 48"),
    ],
)
def test_a_value_that_breaks_its_rule_is_refused(field: str, value: object, message: str) -> None:
    with pytest.raises(InvalidField, match=message) as caught:
        replace(TERMS, **{field: value})
    assert caught.value.field == field
    assert isinstance(caught.value, ValueError)


def test_what_is_not_there_is_named_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"version must be one of .*got 9\.0"):
        load("9.0", "en")
    for version in ("../1.0", "1.0/..", "1", "01.0", "1.0\n", ""):
        with pytest.raises(InvalidField, match="two numbers"):
            load(version, "en")
    with pytest.raises(NotFound, match="language must be one of the languages of version"):
        load("1.0", "../en")
    with pytest.raises(NotFound, match=r"clause must .*got shareing; try sharing"):
        load("1.0", "en").clause("shareing")
    with pytest.raises(NotFound, match="folder must be a folder of charters"):
        versions(folder=tmp_path / "nowhere")
    with pytest.raises(InvalidField, match="language must be one of en"):
        parse(SMALL, version="1.0", language="de")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "1.0", {"en": SMALL})
    file = tmp_path / "1.0" / "en.md"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(MalformedText, match="readable text in UTF-8"):
        load("1.0", "en", folder=tmp_path)
    file.write_text("x" * 200_001)
    with pytest.raises(MalformedText, match="at most 200,000 bytes"):
        load("1.0", "en", folder=tmp_path)
    assert issubclass(MalformedText, CharterError)


@pytest.mark.parametrize(
    ("paragraph", "expected"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("See art. 5 of it. Then go.", ["See art. 5 of it.", "Then go."]),
        ("Waits 1.5 hours, e.g. at night. Ends.", ["Waits 1.5 hours, e.g. at night.", "Ends."]),
        ("\u0645\u0646\u061f \u0646\u0639\u0645.", ["\u0645\u0646\u061f", "\u0646\u0639\u0645."]),
        ("No end", ["No end"]),
        ("", []),
    ],
)
def test_a_paragraph_is_cut_into_sentences(paragraph: str, expected: list[str]) -> None:
    assert list(sentences(paragraph)) == expected


@given(st.text(alphabet="aB.!? \n\u061f\u0645", max_size=60))
def test_cutting_loses_nothing_but_space(paragraph: str) -> None:
    assert "".join("".join(sentences(paragraph)).split()) == "".join(paragraph.split())


def test_the_charter_needs_nothing_but_the_standard_library() -> None:
    for path in Path(unstrung.charter.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            foreign = [name for name in names if not name.startswith("unstrung.charter.")]
            assert {name.split(".")[0] for name in foreign} <= sys.stdlib_module_names, path
            assert not (isinstance(node, ast.Name) and node.id == "print"), path
