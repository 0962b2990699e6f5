"""The catalogues of the pages: whole, in step with what pages say, and with the same places to fill in."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
from babel.messages.catalog import Message

from unstrung.studio.pages.languages import KNOWN

CODES = [each.code for each in KNOWN if each.code != "en"]
PLACE = re.compile(r"%\(\w+\)s")


@pytest.fixture(scope="module")
def words() -> ModuleType:
    """`runs/words.py`, which writes the catalogues."""
    path = Path(__file__).parents[2] / "runs" / "words.py"
    found = importlib.util.spec_from_file_location("words", path)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def forms(message: Message) -> tuple[tuple[str, ...], tuple[str, ...]]:
    said = message.id if isinstance(message.id, tuple) else (message.id,)
    told = message.string if isinstance(message.string, tuple) else (message.string,)
    return said, told


@pytest.mark.parametrize("code", CODES)
def test_every_sentence_of_the_pages_is_in_the_catalogue(words: ModuleType, code: str) -> None:
    said = {each.id for each in words.collected() if each.id}
    assert said == {each.id for each in words.catalogue(code) if each.id}, "run runs/words.py"


@pytest.mark.parametrize("code", CODES)
def test_every_sentence_is_translated(words: ModuleType, code: str) -> None:
    assert words.missing(words.catalogue(code)) == []


@pytest.mark.parametrize("code", CODES)
def test_translations_have_the_places_of_their_sentences(words: ModuleType, code: str) -> None:
    wrong = []
    for message in words.catalogue(code):
        said, told = forms(message)
        if message.id and any(told):
            wanted = set(PLACE.findall(said[-1]))
            # The singular may leave its number out; every other form has all places.
            if not all(set(PLACE.findall(each)) <= wanted for each in told):
                wrong.append(said)
            if set(PLACE.findall(told[-1])) != wanted:
                wrong.append(said)
            if any("%(" in PLACE.sub("", each) for each in told):
                wrong.append(said)
    assert wrong == []
