"""Word data of the theatre: one JSON file per language, with phrases for every value of `script`."""

import json
from functools import cache
from importlib import resources
from typing import Any

LANGUAGES = ("en", "it", "fr", "es", "ar", "id")


@cache
def load_vocabulary(language: str) -> dict[str, Any]:
    """Phrases and word tables of one language, read from package data once.

    Phrases mark agreement: `[runs|run]` picks by the number of the first actor, four choices pick by
    gender and number (m, f, m plural, f plural), `<...|...>` does the same for the second actor. In
    Arabic `~` and `^` stand before a verb in the third person masculine that may turn feminine.
    """
    path = resources.files("unstrung.engine.theatre.vocabulary").joinpath(f"{language}.json")
    loaded: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return loaded
