"""Sentences of the engine and the services, in the reader's language or marked as English."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from markupsafe import Markup

from pages.stage import Stage
from unstrung.engine.prompt_preview import preview_prompt
from unstrung.studio.errors import InvalidField
from unstrung.studio.pages import sentences
from unstrung.studio.pages.languages import KNOWN, language_of
from unstrung.studio.pages.sentences import translated
from unstrung.studio.uploads import UploadLimits, UploadRefused, inspect_upload
from unstrung.studio.videos.schemas import CreateVideo
from unstrung.studio.wire import validated

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1", "::1", "localhost"])]
OTHERS = [each for each in KNOWN if each.code != "en"]


def refused(**fields: Any) -> str:
    with pytest.raises(InvalidField) as caught:
        validated(CreateVideo, {"prompt": "a fox", **fields}, is_form=True)
    return str(caught.value)


def unreadable(data: bytes, **limits: Any) -> str:
    with pytest.raises(UploadRefused) as caught:
        inspect_upload(data, "text/plain", **({"limits": UploadLimits(**limits)} if limits else {}))
    return str(caught.value)


def notes_on(prompt: str) -> str:
    (note,) = preview_prompt(prompt).notes
    return note


@pytest.mark.parametrize(
    "said",
    [
        lambda: refused(prompt=" "),
        lambda: refused(prompt="x" * 40_000),
        lambda: refused(seed="many"),
        lambda: refused(seed="-1"),
        lambda: refused(seconds="soon"),
        lambda: refused(seconds="100000"),
        lambda: refused(size="large"),
        lambda: refused(size="3x3"),
        lambda: unreadable(b""),
        lambda: unreadable(b"words"),
        lambda: unreadable(b"words", max_bytes=2),
        lambda: f"input_reference: {unreadable(b'words')}",
        lambda: notes_on("a fox"),
        lambda: notes_on("in the snow"),
    ],
)
def test_what_is_really_said_is_known_in_every_language(said: Callable[[], str]) -> None:
    english = said()
    for language in OTHERS:
        told = translated(language, english)
        assert not isinstance(told, Markup), english
        assert told != english
    assert translated(language_of("en") or OTHERS[0], english) == english


def test_what_is_not_known_is_marked_as_english_and_escaped() -> None:
    told = translated(OTHERS[0], "Nobody <b>foresaw</b> this.")
    assert told == '<span lang="en" dir="ltr">Nobody &lt;b&gt;foresaw&lt;/b&gt; this.</span>'


def test_a_value_that_looks_like_a_place_to_fill_in_stays_as_it_is() -> None:
    told = translated(OTHERS[0], "There is a folder '%(name)s 100%' already.")
    assert "%(name)s 100%" in told


def test_words_of_the_engine_are_those_that_it_says() -> None:
    from unstrung.engine import prompt
    from unstrung.studio.uploads import ACCEPTED

    settings = {each.value for each in prompt._USUAL_SETTINGS.values()} | {"snow"}
    actions = {each.replace("_", " ") for each in prompt._ALONE}
    assert settings | actions | {ACCEPTED} == sentences._WORDS


def test_a_refused_form_speaks_the_readers_language(stage: Stage) -> None:
    with httpx.Client(base_url=stage.url, headers={"accept": "text/html"}) as http:
        for code, marked in (("fr", True), ("en", False)):
            page = http.get("/studio/explore/share_0", headers={"accept-language": code})
            assert page.status_code in (400, 404)
            assert ("There is no share" in page.text) != marked
