"""How a prompt will be understood, for whoever shows it while it is typed; needs no torch and no weights."""

from collections.abc import Mapping
from functools import cache
from threading import Lock
from typing import Final

from unstrung.engine.prompt import MappedPrompt, PromptMapper
from unstrung.engine.theatre.cast import load_cast
from unstrung.engine.theatre.script import Style
from unstrung.engine.theatre.vocabulary import LANGUAGES, load_vocabulary

_ONE_AT_A_TIME: Final = (
    Lock()
)  # the encoder of words that no list holds is not made for several threads


def preview_prompt(prompt: str) -> MappedPrompt:
    """A prompt as the pipeline will understand it; the first call builds the word lists.

    Raises:
        InvalidRequest: if it says nothing, or is too long.
    """
    with _ONE_AT_A_TIME:
        return _mapper().map(prompt)


def style_words(language: str) -> Mapping[str, str]:
    """What to add to a prompt for each style but the plain one, in a language of prompts."""
    words = load_vocabulary(language if language in LANGUAGES else "en")["styles"]
    return {style.value: words[style.value][0] for style in Style if style is not Style.PLAIN}


@cache
def _mapper() -> PromptMapper:
    return PromptMapper(load_cast())
