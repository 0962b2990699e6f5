"""What docs/security.md and docs/asvs.md give as evidence is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STUDIO = ROOT / "tests" / "studio"
DOCUMENTS = ("security.md", "asvs.md")
ROW = re.compile(r"^\| ([0-9][^|]*) \| ([^|]*) \| ([^|]*) \|$", re.MULTILINE)
STATES = {"met", "open", "does not apply"}


def text_of(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_test_that_is_named_exists(document: str) -> None:
    named = set(re.findall(r"\b(test_\w+)::(test_\w+)", text_of(document)))
    assert len(named) > 15
    for module, name in named:
        path = STUDIO / f"{module}.py"
        assert path.is_file(), module
        assert f"def {name}(" in path.read_text("utf-8"), f"{module}::{name}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_line_has_a_state_and_a_word_on_it(document: str) -> None:
    rows = [row for row in ROW.findall(text_of(document)) if re.match(r"\d+\.\d+\.", row[0])]
    assert len(rows) > 20
    for line, state, evidence in rows:
        assert state.strip() in STATES, line
        assert evidence.strip(), line


def test_the_sum_is_right() -> None:
    counts = dict.fromkeys(STATES, 0)
    for line, state, _ in ROW.findall(text_of("asvs.md")):
        counts[state.strip()] += len(lines_in(line))
    told = re.search(r"(\d+) lines are met, (\d+) are open and (\d+) do not", text_of("asvs.md"))
    assert told is not None
    found = (counts["met"], counts["open"], counts["does not apply"])
    assert tuple(map(int, told.groups())) == found


def test_no_line_is_told_twice() -> None:
    lines = []
    for document in DOCUMENTS:
        for row in ROW.findall(text_of(document)):
            lines += lines_in(row[0])
    assert sorted(lines) == sorted(set(lines))


def lines_in(text: str) -> list[str]:
    """Numbers of requirements in the first cell of a row, ranges written out."""
    found = []
    for part in text.split(","):
        numbers = re.findall(r"\d+\.\d+\.(?:\d+|x)", part)
        if len(numbers) == 2:
            section, first = numbers[0].rsplit(".", 1)
            last = numbers[1].rsplit(".", 1)[1]
            found += [f"{section}.{each}" for each in range(int(first), int(last) + 1)]
        else:
            found += numbers
    return found
