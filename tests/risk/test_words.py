"""Lists as data: what an operator may change, and what a broken file says."""

from pathlib import Path
from shutil import copytree

import pytest

import unstrung.risk
from unstrung.risk import ListError, RiskClass, assess_prompt, read_rules, shipped_rules
from unstrung.risk.classes import LANGUAGES
from unstrung.risk.words import Rules

LISTS = Path(unstrung.risk.__file__).with_name("lists")
WORDS = 'fruit = { en = ["blood orange", "tomato*"] }\ntool = { it = ["forchetta"] }\n'
RULE = (
    '[[rule]]\nname = "pair"\nclass = "graphic_violence"\ngroups = ["fruit", "tool"]\nwithin = 2\n'
)


def rules_of(folder: Path, words: str = WORDS, rules: str = RULE) -> Rules:
    (folder / "words.toml").write_text(words, "utf-8")
    (folder / "rules.toml").write_text(rules, "utf-8")
    return read_rules(folder)


def test_the_shipped_lists_can_be_copied_and_read_back(tmp_path: Path) -> None:
    copytree(LISTS, tmp_path / "lists")
    assert read_rules(tmp_path / "lists") == shipped_rules()


def test_every_class_has_a_rule() -> None:
    assert {rule.risk for rule in shipped_rules().rules} == set(RiskClass)


def test_an_operators_own_rules_take_the_place_of_the_shipped_ones(tmp_path: Path) -> None:
    rules = rules_of(tmp_path)
    assert assess_prompt("a nude by the sea", rules=rules).is_clean
    (finding,) = assess_prompt("Tomatoes and a forchetta", rules=rules).findings
    assert finding.risk is RiskClass.GRAPHIC_VIOLENCE
    assert [span.text for span in finding.spans] == ["Tomatoes", "forchetta"]


@pytest.mark.parametrize("order", ["{a} beside one {b}", "{b} beside one {a}"])
def test_two_groups_match_up_to_the_distance_in_either_order(tmp_path: Path, order: str) -> None:
    rules = rules_of(tmp_path)
    near = order.format(a="blood orange", b="forchetta")
    assert not assess_prompt(near, rules=rules).is_clean
    assert assess_prompt(near.replace("one", "one big"), rules=rules).is_clean


@pytest.mark.parametrize(
    ("words", "rules", "said"),
    [
        ("fruit = {", RULE, "words.toml must be a readable TOML file"),
        ('name = { en = ["x"] }', RULE, "built in"),
        ("fruit = {}", RULE, "must hold phrases by language"),
        ('fruit = { de = ["apfel"] }', RULE, "must use en, it, fr, es, ar, id, got de; try en"),
        ('fruit = { en = "apple" }', RULE, "must be a list"),
        ('fruit = { en = [""] }', RULE, "not empty"),
        ("fruit = { en = [7] }", RULE, "not empty"),
        ('fruit = { en = ["<age>"] }', RULE, "must say more than an age"),
        ('fruit = { en = ["ab*"] }', RULE, "3 letters before *, got ab*; try ab without *"),
        ('fruit = { en = ["blood-orange"] }', RULE, "part words by spaces"),
        ('fruit = { en = ["!!"] }', RULE, "must consist of words"),
        (WORDS, RULE.replace("graphic_violence", "criticises_us"), "in the closed list of classes"),
        (WORDS, RULE.replace('"tool"', '"tols"'), "must be in words.toml, got tols"),
        (WORDS, RULE.replace('["fruit", "tool"]', "[]"), "one or two groups"),
        (WORDS, RULE.replace("2", "-1"), "within must lie between 0 and 100, got -1; try 5"),
        (WORDS, RULE + RULE, "must have a name of its own, got pair; try rule-2"),
    ],
)
def test_a_broken_file_says_where_what_and_how(
    tmp_path: Path, words: str, rules: str, said: str
) -> None:
    with pytest.raises(ListError) as caught:
        rules_of(tmp_path, words, rules)
    assert said in str(caught.value)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(ListError, match=r"words\.toml must be a readable TOML file"):
        read_rules(tmp_path)


def test_the_tables_of_words_stay_short_and_name_every_language() -> None:
    """A list that nobody can read through is one that nobody can defend."""
    text = (LISTS / "words.toml").read_text("utf-8")
    assert len(text.splitlines()) < 250
    for group in ("minor", "sexual", "nude", "real_person", "self_harm_term", "unless"):
        section = text.split(f"\n[{group}]\n")[1].split("\n[")[0]
        assert [line.split(" ")[0] for line in section.splitlines() if line] == list(LANGUAGES)
