"""Storyboards as people write them."""

from pathlib import Path

import pytest

from unstrung.engine.errors import DataError, InvalidRequest
from unstrung.engine.storyboard import Storyboard, parse_storyboard, read_storyboard

BOARD = Storyboard(("a fox stands", "the fox jumps"), (0.0, 2.5), 8.0)


@pytest.mark.parametrize(
    "text",
    [
        "0 a fox stands\n2.5 the fox jumps\n8 end",
        "# mine\n\n0:00  a fox stands\n0:02.5  the fox jumps\n0:08 END\n",
        "0s: a fox stands\n2.5s: the fox jumps\n8s: end",
        '{"seconds": 8, "shots": [{"at": 0, "prompt": "a fox stands"}, '
        '{"at": 2.5, "prompt": "the fox jumps"}]}',
    ],
)
def test_text_and_json_say_the_same(text: str) -> None:
    assert parse_storyboard(text) == BOARD


def test_the_last_shot_has_a_length_of_its_own_where_none_is_said() -> None:
    assert parse_storyboard("0 a fox\n2 a bear").seconds == 5.0
    assert parse_storyboard('[{"at": 0, "prompt": "a fox"}]').seconds == 3.0


def test_every_moment_has_its_shot() -> None:
    assert [BOARD.shot_at(moment) for moment in (-1.0, 0.0, 2.4, 2.5, 9.0)] == [0, 0, 0, 1, 1]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "at least one shot"),
        ("a fox stands", "line 1"),
        ("0 a fox\nthen a bear", "line 2"),
        ("1 a fox", "begin at 0"),
        ("0 a fox\n0.1 a bear", "a third of a second"),
        ("0 a fox\n3 a bear\n2 a lion", "in order"),
        ("0 a fox\n61 end", "60"),
        ("{", "JSON"),
        ('[{"at": "0", "prompt": "a fox"}]', "shot 1"),
        ('{"seconds": "8", "shots": [{"at": 0, "prompt": "a"}]}', "seconds"),
        ("\n".join(f"{n} a fox" for n in range(50)), "1 to 40"),
    ],
)
def test_what_is_no_storyboard_is_refused(text: str, match: str) -> None:
    with pytest.raises(InvalidRequest, match=match):
        parse_storyboard(text)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.txt"):
        read_storyboard(tmp_path / "gone.txt")
    path = tmp_path / "bytes.txt"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"bytes\.txt"):
        read_storyboard(path)
    path.write_text("0 a fox stands\n2.5 the fox jumps\n8 end", "utf-8")
    assert read_storyboard(path) == BOARD
