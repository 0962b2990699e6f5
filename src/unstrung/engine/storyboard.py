"""Storyboards: several prompts on one time line, from JSON or from a short text.

Text: one shot a line, the moment at which it begins and what is seen; the last line may say when it ends.

    0    a fox stands in the snow
    2    the fox jumps
    4.5  a bear crosses the snow
    8    end

JSON: `{"seconds": 8, "shots": [{"at": 0, "prompt": "a fox stands in the snow"}, ...]}`.
"""

import itertools
import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from unstrung.engine.errors import DataError, InvalidRequest
from unstrung.engine.sources import MAX_SECONDS

MAX_SHOTS: Final = 40
LAST_SHOT_S: Final = 3.0  # length of the last shot where nobody says it
_MAX_BYTES: Final = 1_000_000
_LINE: Final = re.compile(r"(?:(\d+):)?(\d+(?:\.\d+)?)\s*s?[\s:]+(.+)")


@dataclass(frozen=True)
class Storyboard:
    """What is seen when.

    Attributes:
        prompts: in any of the six languages; what one leaves open stays as in the one before.
        starts: when each begins [s]; the first at 0, each later than the one before.
        seconds: when the last ends [s], at most 60.

    Raises:
        InvalidRequest: if a rule is broken.
    """

    prompts: tuple[str, ...]
    starts: tuple[float, ...]
    seconds: float

    def __post_init__(self) -> None:
        """Check the time line."""
        if not 1 <= len(self.prompts) <= MAX_SHOTS or len(self.prompts) != len(self.starts):
            rule = f"have 1 to {MAX_SHOTS} shots, each with its beginning"
            raise InvalidRequest("storyboard", f"{len(self.prompts)} shots", rule, "0 a fox jumps")
        moments = (*self.starts, self.seconds)
        if self.starts[0] != 0:
            raise InvalidRequest("storyboard", f"{self.starts[0]:g}", "begin at 0", "0")
        for before, after in itertools.pairwise(moments):
            if not (math.isfinite(after) and after - before >= 1 / 3):
                rule = "give every shot a third of a second or more, in order"
                raise InvalidRequest("storyboard", f"{after:g}", rule, f"{before + 1:g}")
        if self.seconds > MAX_SECONDS:
            rule = f"end at {MAX_SECONDS:g} s or before"
            raise InvalidRequest("storyboard", f"{self.seconds:g}", rule, f"{MAX_SECONDS:g}")

    def shot_at(self, moment: float) -> int:
        """Index of the shot that is seen at a moment [s]."""
        return max(index for index, start in enumerate(self.starts) if start <= max(0.0, moment))


def read_storyboard(path: Path) -> Storyboard:
    """Read a storyboard from a file of text or JSON.

    Raises:
        DataError: if the file cannot be read.
        InvalidRequest: if it is no storyboard.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise DataError(f"{path} has more than a megabyte, so it is no storyboard.")
        return parse_storyboard(path.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"The storyboard {path} cannot be read: {error}.") from error


def parse_storyboard(text: str) -> Storyboard:
    """Understand a storyboard in either form.

    Raises:
        InvalidRequest: with the line or entry that is wrong.
    """
    return _of_json(text) if text.lstrip().startswith(("{", "[")) else _of_text(text)


def _of_text(text: str) -> Storyboard:
    shots: list[tuple[float, str]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _LINE.fullmatch(line.strip())
        if found is None:
            rule = "begin with a moment in seconds, then say what is seen"
            raise InvalidRequest(f"line {number}", line.strip(), rule, f"0 {line.strip()}")
        minutes, seconds, words = found.groups()
        shots.append((60 * int(minutes or 0) + float(seconds), words.strip()))
    end = None
    if len(shots) > 1 and shots[-1][1].lower() == "end":
        end = shots.pop()[0]
    return _built(shots, end)


def _of_json(text: str) -> Storyboard:
    try:
        read: Any = json.loads(text)
    except ValueError as error:
        rule = f"be JSON ({error})"
        raise InvalidRequest("storyboard", text[:40], rule, '{"shots": [...]}') from error
    told = read if isinstance(read, dict) else {"shots": read}
    shots, end = [], told.get("seconds")
    for number, each in enumerate(told.get("shots") or [], start=1):
        moment = each.get("at") if isinstance(each, dict) else None
        words = each.get("prompt") if isinstance(each, dict) else None
        if moment is None or not _is_number(moment) or not isinstance(words, str):
            rule = 'be an object with a number "at" and a text "prompt"'
            raise InvalidRequest(f"shot {number}", each, rule, '{"at": 0, "prompt": "a fox jumps"}')
        shots.append((float(moment), words))
    if end is not None and not _is_number(end):
        raise InvalidRequest("seconds", end, "be a number", "8")
    return _built(shots, None if end is None else float(end))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _built(shots: list[tuple[float, str]], end: float | None) -> Storyboard:
    if not shots:
        raise InvalidRequest("storyboard", "nothing", "have at least one shot", "0 a fox jumps")
    starts, prompts = zip(*shots, strict=True)
    return Storyboard(tuple(prompts), tuple(starts), end or starts[-1] + LAST_SHOT_S)
