"""What people are told of a pause, in six languages; the sentences are data (`notices.toml`)."""

import tomllib
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final

LANGUAGES: Final = ("en", "it", "fr", "es", "ar", "id")


def pause_notice(level: str, ground: str, until: datetime) -> dict[str, str]:
    """A pause told in every language.

    Args:
        level, ground: of the pause, in the words of `pauses.models`.
        until: when it lapses, told in UTC.
    """
    notices = {}
    for language in LANGUAGES:
        said = _sentences()[language]
        notice = said["notice"].format(
            who=said["who"][level],
            until=f"{until:%Y-%m-%d %H:%M} UTC",
            ground=said["ground"][ground],
        )
        notices[language] = f"{notice} {said['machine']}".rstrip()
    return notices


@cache
def _sentences() -> dict[str, Any]:
    return tomllib.loads((files("unstrung.studio") / "notices.toml").read_text("utf-8"))
