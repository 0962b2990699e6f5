"""Captions say what the script says, in six languages."""

import random
import re

import pytest

from unstrung.engine.errors import InvalidRequest
from unstrung.engine.theatre.captions import write_caption
from unstrung.engine.theatre.cast import load_cast
from unstrung.engine.theatre.nouns import (
    caption_name,
    describe_actor,
    english_plural,
    kind_of,
    speakable,
)
from unstrung.engine.theatre.script import (
    PAIR_ACTIONS,
    Action,
    Actor,
    Camera,
    Relation,
    Script,
    Setting,
    Shot,
    Size,
    Style,
    TimeOfDay,
    Weather,
)
from unstrung.engine.theatre.vocabulary import LANGUAGES, load_vocabulary

NAMES = {name: member.names for name, member in load_cast().items()}
FOX_IN_SNOW = Script((Shot((Actor("fox"),), Setting.SNOW, Action.CROSS_RIGHT),))


def draw_script(rng: random.Random) -> Script:
    """Any legal script of one or two shots."""
    shots = []
    for _ in range(rng.choice((1, 1, 2))):
        names = rng.sample(sorted(NAMES), rng.choice((1, 2)))
        actors = tuple(Actor(n, rng.randint(1, 3), rng.choice(list(Size))) for n in names)
        actions = [a for a in Action if len(actors) == 2 or a not in PAIR_ACTIONS]
        action = rng.choice(actions)
        related = len(actors) == 2 and action is Action.STAY
        shots.append(
            Shot(
                actors,
                rng.choice(list(Setting)),
                action,
                rng.choice([None, *Relation]) if related else None,
                rng.choice(list(Camera)),
                rng.choice(list(TimeOfDay)),
                rng.choice(list(Weather)),
                rng.choice(list(Style)),
            )
        )
    return Script(tuple(shots))


def captions_of(script: Script, language: str, count: int = 200, **more: bool) -> list[str]:
    """The first captions of many draws."""
    rng = random.Random(1)
    return [write_caption(script, language, NAMES, rng, **more)[0] for _ in range(count)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_value_has_several_phrases(language: str) -> None:
    words = load_vocabulary(language)
    for group, values, least in (
        ("settings", Setting, 4),
        ("times", TimeOfDay, 2),
        ("weather", Weather, 2),
        ("cameras", Camera, 2),
        ("styles", Style, 1),
        ("relations", Relation, 3),
    ):
        for value in values:
            phrases = words[group][value.value]
            phrases = phrases["in"] if group == "settings" else phrases
            assert len(set(phrases)) >= least, (group, value)
    crossings = {Action.CROSS_LEFT: "cross", Action.CROSS_RIGHT: "cross"}
    for action in Action:
        assert len(words["actions"][crossings.get(action, action.value)]["any"]) >= 3, action


@pytest.mark.parametrize("language", LANGUAGES)
def test_any_script_can_be_told_without_leftover_markup(language: str) -> None:
    rng = random.Random(7)
    for _ in range(150):
        script = draw_script(rng)
        captions = write_caption(script, language, NAMES, rng)
        assert len(captions) == len(script.shots)
        for caption in captions:
            assert not re.search(r"[{}\[\]<>~^|\x00]|  |None", caption), caption
            assert 1 <= len(caption.split()) <= 60, caption


@pytest.mark.parametrize("language", LANGUAGES)
def test_captions_name_actor_and_setting(language: str) -> None:
    snow = load_vocabulary(language)["settings"]["snow"]
    spoken = {speakable(NAMES["fox"][language], language), "ثعلب"}
    bare_places = [re.sub(r"\b(the|a|an) ", "", p) for p in [*snow["in"], *snow["ground"]]]
    captions = captions_of(FOX_IN_SNOW, language)
    assert all(any(name in caption.lower() for name in spoken) for caption in captions)
    placed = [
        any(p.lower() in re.sub(r"\b(the|a|an) ", "", c.lower()) for p in bare_places)
        for c in captions
    ]
    assert 0.85 <= sum(placed) / len(placed) < 1


def test_equal_seeds_give_equal_captions_and_captions_vary() -> None:
    assert captions_of(FOX_IN_SNOW, "en") == captions_of(FOX_IN_SNOW, "en")
    assert len(set(captions_of(FOX_IN_SNOW, "en"))) > 120


@pytest.mark.parametrize(
    ("language", "count", "wanted"),
    [
        ("en", 2, r"two ducks|2 ducks|a pair of ducks"),
        ("en", 3, r"three ducks|3 ducks"),
        ("it", 2, r"(due|2|una coppia di) anatre"),
        ("fr", 3, r"(trois|3) canards"),
        ("es", 3, r"(tres|3) patos"),
        ("ar", 2, r"بطت(ان|ين)"),
        ("ar", 3, r"ثلاث بطات"),
        ("id", 2, r"(dua|2|sepasang) (ekor )?bebek"),
    ],
)
def test_counts_appear(language: str, count: int, wanted: str) -> None:
    script = Script((Shot((Actor("duck", count),), Setting.PARK, Action.SPIN),))
    for caption in captions_of(script, language, 60):
        assert re.search(wanted, caption.lower()), caption


@pytest.mark.parametrize(
    ("language", "name", "one", "two"),
    [
        ("en", "octopus", "an octopus", "octopuses"),
        ("en", "unicorn", "a unicorn", "unicorns"),
        ("en", "mouse", "a mouse", "mice"),
        ("it", "zebra", "una zebra", "zebre"),
        ("it", "squirrel", "uno scoiattolo", "scoiattoli"),
        ("it", "polar_bear", "un orso", "orsi"),
        ("fr", "horse", "un cheval", "chevaux"),
        ("fr", "giraffe", "une girafe", "girafes"),
        ("es", "eagle", "un águila", "águilas"),
        ("es", "lion", "un león", "leones"),
        ("ar", "fox", "ثعلب", "ثعلبان"),
        ("id", "fox", "seekor rubah", "rubah"),
        ("id", "box", "sebuah kotak", "kotak"),
        ("id", "prince", "seorang pangeran", "pangeran"),
    ],
)
def test_articles_and_plurals(language: str, name: str, one: str, two: str) -> None:
    name = {"squirrel": "chipmunk"}.get(name, name)
    rng = random.Random(2)
    cldr = NAMES[name][language]
    single = describe_actor(Actor(name), language, cldr, rng, False, True)
    double = describe_actor(Actor(name, 2), language, cldr, rng, False, True)
    assert single.text.startswith(one)
    assert two in double.text
    assert double.plural


def test_sizes_agree() -> None:
    rng = random.Random(3)
    mice = Actor("mouse", 2, Size.LARGE)
    french = {describe_actor(mice, "fr", "souris", rng, False, True).text for _ in range(30)}
    assert any("grandes souris" in text or "souris énormes" in text for text in french)


@pytest.mark.parametrize("language", LANGUAGES)
def test_complete_captions_name_camera_time_weather_and_style(language: str) -> None:
    shot = Shot(
        (Actor("fox"),), Setting.CITY, Action.SPIN, None, Camera.PAN_LEFT,
        TimeOfDay.NIGHT, Weather.FOG, Style.SEPIA,
    )  # fmt: skip
    words = load_vocabulary(language)
    for caption in captions_of(Script((shot,)), language, 60, complete=True):
        said = caption.lower()
        for phrases in (
            words["cameras"]["pan_left"],
            words["times"]["night"],
            words["weather"]["fog"],
            words["styles"]["sepia"],
        ):
            assert any(phrase.lower() in said for phrase in phrases), caption


def test_direction_is_named_mostly() -> None:
    captions = captions_of(FOX_IN_SNOW, "en", 400)
    directed = sum("right" in caption for caption in captions) / len(captions)
    assert 0.75 < directed < 0.97


def test_relations_are_always_named() -> None:
    actors = (Actor("fox"), Actor("bear"))
    for relation, wanted in ((Relation.BEHIND, "behind"), (Relation.LEFT_OF, "left")):
        script = Script((Shot(actors, Setting.SNOW, Action.STAY, relation),))
        for caption in captions_of(script, "en", 60):
            assert wanted in caption
            assert caption.lower().index("fox") < caption.lower().index("bear")


def test_little_detail_is_short_and_much_is_longer() -> None:
    script = Script((Shot((Actor("fox"),), Setting.SNOW),))
    rng = random.Random(5)
    short = [len(write_caption(script, "en", NAMES, rng, 0.0)[0].split()) for _ in range(60)]
    assert min(short) <= 3
    assert sum(short) / 60 < 5
    long = [len(write_caption(FOX_IN_SNOW, "en", NAMES, rng, 1.0)[0].split()) for _ in range(60)]
    assert sum(long) / 60 > sum(short) / 60 + 3


def test_two_shots_give_two_captions() -> None:
    shots = (
        Shot((Actor("fox"),), Setting.SNOW),
        Shot((Actor("duck"),), Setting.SEA, Action.BOUNCE),
    )
    first, second = write_caption(Script(shots), "en", NAMES, random.Random(0), 0.5)
    assert "fox" in first.lower()
    assert "duck" in second.lower()


def test_unknown_language_and_detail_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="language"):
        write_caption(FOX_IN_SNOW, "xx", NAMES, random.Random(0))
    with pytest.raises(InvalidRequest, match="detail"):
        write_caption(FOX_IN_SNOW, "en", NAMES, random.Random(0), 2.0)


def test_names_become_speakable() -> None:
    assert speakable("gâteau d\u2019anniversaire", "fr") == "gâteau d'anniversaire"
    assert speakable("person: bald", "en") == "bald person"
    assert speakable("fermier (tous genres)", "fr") == "fermier"
    spoken = {caption_name("lady_beetle", "en", "lady beetle", random.Random(i)) for i in range(9)}
    assert spoken == {"lady beetle", "ladybird", "ladybug"}
    assert english_plural("butterfly") == "butterflies"
    assert kind_of("police_car") == "vehicle"
    assert kind_of("mermaid") == "swimmer"
