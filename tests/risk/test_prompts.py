"""The word rules: what is clean, what is caught, and that the net cannot be torn by writing differently."""

import random
import re
import time
import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unstrung.engine.theatre.captions import write_caption
from unstrung.engine.theatre.cast import load_cast
from unstrung.engine.theatre.repertoire import Repertoire, draw_script
from unstrung.risk import Consequence, InvalidInput, RiskClass, assess_prompt
from unstrung.risk.classes import LANGUAGES
from unstrung.risk.prompts import LONGEST_PROMPT

TABLE = tomllib.loads(Path(__file__).with_name("prompts.toml").read_text("utf-8"))
CLEAN = [text for language in LANGUAGES for text in TABLE["clean"][language]]
CRITIQUE = [text for language in LANGUAGES for text in TABLE["operator"][language]]
CAUGHT = [(text, risk) for language in LANGUAGES for text, risk in TABLE["caught"][language]]
# Letters of the lists, marks, signs, and what is written around them.
NEAR_THE_LISTS = "nude sxchild12@$.,\u0640\u0301\u200b\u00f1\u0303\u0639\u0627\u0631\u064a"
# Words of ordinary prompts that are part of no exception.
ORDINARY = (
    "fox",
    "volpe",
    "renard",
    "zorro",
    "ثعلب",
    "rubah",
    "slowly",
    "snow",
    "lanterne",
    "nube",
)


def rules_found(text: str) -> set[str]:
    return {finding.rule for finding in assess_prompt(text).findings}


@pytest.mark.parametrize("text", CLEAN)
def test_ordinary_prompts_are_clean(text: str) -> None:
    assert assess_prompt(text).findings == ()
    assert assess_prompt(text).consequence is None


@pytest.mark.parametrize("text", CRITIQUE)
def test_whoever_criticises_the_operator_is_not_stopped(text: str) -> None:
    assert assess_prompt(text).is_clean


@pytest.mark.parametrize(("text", "risk"), CAUGHT)
def test_what_belongs_to_a_class_is_found(text: str, risk: str) -> None:
    assert RiskClass(risk) in assess_prompt(text).classes


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_tables_are_long_enough(language: str) -> None:
    assert len(TABLE["clean"][language]) >= 15
    assert len(TABLE["caught"][language]) >= 6
    assert len(TABLE["operator"][language]) >= 4
    assert {risk for _, risk in TABLE["caught"][language]} == {risk.value for risk in RiskClass}


@pytest.mark.parametrize("language", LANGUAGES)
def test_two_thousand_captions_of_the_theatre_are_clean(language: str) -> None:
    names = {name: member.names for name, member in load_cast().items()}
    repertoire, scripts = Repertoire(tuple(names)), np.random.default_rng(20)
    words = random.Random(20)
    captions: list[str] = []
    while len(captions) < 2000:
        captions += write_caption(draw_script(repertoire, scripts), language, names, words)
    assert [caption for caption in captions if not assess_prompt(caption).is_clean] == []


@pytest.mark.parametrize(
    "text",
    [
        "N U D E woman",
        "a n u d e",
        "n-u-d-e",
        "n.u.d.e.",
        "NUDE",
        "nuuuude",
        "nude_woman",
        "n\u200bu\u200bd\u200be",
        "n\u00adude",
        "\uff4e\uff55\uff44\uff45",
        "n\u0301ude\u0308",
        "nud3",
        "n@ked",
        "n\u0430ked",
        "\U0001d427\U0001d42e\U0001d41d\U0001d41e",
        "عَارِيَةٌ",
        "عـــارية",
        "والعارية",
        "\ufecb\ufe8e\ufead\ufef3\ufe94",
        "DÉNUDÉE",
        "nudite\u0301",
    ],
)
def test_other_spellings_are_read_through(text: str) -> None:
    assert RiskClass.NUDITY in assess_prompt(text).classes


def test_the_spans_are_the_words_of_the_author() -> None:
    text = "At dusk: a C\u00adhild in one s.e.x scene"
    (finding,) = [f for f in assess_prompt(text).findings if f.rule == "minor-and-sexual"]
    assert [span.text for span in finding.spans] == ["C\u00adhild", "s.e.x"]
    assert all(text[span.start : span.end] == span.text for span in finding.spans)


def test_the_gravest_class_decides() -> None:
    assessment = assess_prompt("my ex in a porn film")
    assert assessment.classes == (RiskClass.INTIMATE_REAL_PERSON, RiskClass.SEXUAL_CONTENT)
    assert assessment.consequence is Consequence.REFUSE
    assert assess_prompt("a nude by the sea").consequence is Consequence.LABEL


def test_a_painter_is_not_a_person_shown_nude() -> None:
    assert RiskClass.REAL_LIKENESS not in assess_prompt("Nude in the style of Egon Schiele").classes
    assert assess_prompt("The Birth of Venus, nude on a shell").classes == (RiskClass.NUDITY,)


def test_a_child_and_adults_far_apart_are_not_refused() -> None:
    apart = "a child flies a kite. " + "the wind rises over the hills. " * 5 + "two adults have sex"
    assert assess_prompt(apart).consequence is Consequence.REVIEW


def test_an_exception_does_not_reach_into_the_next_clause() -> None:
    assert assess_prompt("nude colour palette").is_clean
    assert assess_prompt("a woman, nude, colour palette of autumn").classes == (RiskClass.NUDITY,)
    assert not assess_prompt("nude. Colour palette of autumn").is_clean


@pytest.mark.parametrize(("age", "is_minor"), [(1, True), (17, True), (18, False), (70, False)])
def test_ages_under_eighteen_are_minors(age: int, is_minor: bool) -> None:
    forms = ("a {} year old, naked", "naked, {}yo", "nuda, {} anni", "desnudo, {} años")
    for form in forms:
        classes = assess_prompt(form.format(age)).classes
        assert (RiskClass.MINORS_SEXUAL in classes) == is_minor, form


@given(st.text(max_size=400))
def test_any_text_can_be_assessed_and_twice_alike(text: str) -> None:
    assessment = assess_prompt(text)
    assert assessment == assess_prompt(text)
    for finding in assessment.findings:
        assert finding.spans
        assert all(text[span.start : span.end] == span.text for span in finding.spans)


@given(st.text(alphabet=NEAR_THE_LISTS, max_size=200))
def test_texts_close_to_the_lists_can_be_assessed(text: str) -> None:
    assess_prompt(text)


@given(st.sampled_from(CAUGHT), st.lists(st.sampled_from(ORDINARY), max_size=12), st.booleans())
def test_ordinary_words_around_it_take_no_finding_away(
    case: tuple[str, str], words: list[str], in_front: bool
) -> None:
    text, more = case[0], " ".join(words)
    assert rules_found(text) <= rules_found(f"{more} {text}" if in_front else f"{text} {more}")


@given(st.sampled_from(CAUGHT), st.sampled_from(CLEAN + CRITIQUE), st.booleans())
def test_clean_sentences_around_it_take_no_finding_away(
    case: tuple[str, str], clean: str, in_front: bool
) -> None:
    text = case[0]
    assert rules_found(text) <= rules_found(f"{clean}. {text}" if in_front else f"{text}. {clean}")


@given(st.lists(st.sampled_from(ORDINARY), min_size=1, max_size=60))
def test_ordinary_words_alone_find_nothing(words: list[str]) -> None:
    assert assess_prompt(" ".join(words)).is_clean


def best_of_three(text: str) -> float:
    """CPU seconds: the machine may be busy with something else."""
    times = []
    for _ in range(3):
        began = time.thread_time()
        assess_prompt(text)
        times.append(time.thread_time() - began)
    return min(times)


@pytest.mark.parametrize(
    "piece",
    [
        "a fox runs. ",
        "a ",
        "nude ",
        "child sex ",
        "12 ",
        "Ada Quill ",
        "n",
        "\u0301",
        "@$1",
        "ﷺ",
        "kill all ",
    ],
)
def test_time_grows_with_length_and_no_faster(piece: str) -> None:
    whole = (piece * LONGEST_PROMPT)[:LONGEST_PROMPT]
    quarter = best_of_three(whole[: LONGEST_PROMPT // 4])
    assert best_of_three(whole) < 12 * max(quarter, 0.005)
    assert best_of_three(whole) < 3


def test_a_normal_prompt_takes_under_two_milliseconds() -> None:
    text = "a small red fox dances in deep snow while the camera pans left and a bear watches; " * 3
    assess_prompt(text)
    assert best_of_three(text) < 0.002


def test_a_prompt_over_the_limit_is_refused_in_one_sentence() -> None:
    with pytest.raises(InvalidInput, match="at most 32,000 characters, got") as caught:
        assess_prompt("x" * (LONGEST_PROMPT + 1))
    assert re.search(r"\(32,001 characters\)", str(caught.value))
    assert len(str(caught.value)) < 200
