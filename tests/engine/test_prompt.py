"""Free prompts in six languages become captions of the training style."""

import random
from dataclasses import dataclass, field

import numpy as np
import pytest

from unstrung.engine.errors import InvalidRequest
from unstrung.engine.prompt import MappedPrompt, PromptMapper, map_prompt
from unstrung.engine.prompt_words import fold, split_words, stemmed
from unstrung.engine.theatre.captions import write_caption
from unstrung.engine.theatre.cast import load_cast, members_of
from unstrung.engine.theatre.repertoire import Repertoire, draw_script
from unstrung.engine.theatre.script import (
    Action,
    Camera,
    Relation,
    Setting,
    Shot,
    Size,
    Style,
    TimeOfDay,
    Weather,
)
from unstrung.engine.theatre.vocabulary import LANGUAGES


@dataclass(frozen=True)
class Extra:
    """A cast member that only a test knows."""

    names: dict[str, str]
    keywords: dict[str, tuple[str, ...]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def mapper() -> PromptMapper:
    """One mapper over the lead cast for all tests."""
    return PromptMapper({n: m for n, m in load_cast().items() if m.tier != "wide"})


def only_shot(mapped: MappedPrompt) -> Shot:
    """The single shot of a mapped prompt."""
    assert mapped.script is not None, mapped
    (shot,) = mapped.script.shots
    return shot


@pytest.mark.parametrize(
    ("prompt", "language"),
    [
        ("a fox crosses a snowy field", "en"),
        ("una volpe nella neve", "it"),
        ("un renard dans la neige", "fr"),
        ("zorro en la nieve", "es"),
        ("ثعلب يعبر حقلا ثلجيا", "ar"),
        ("الثعلب في الثلج", "ar"),
        ("seekor rubah melintasi padang salju", "id"),
        ("FOX, SNOW!", "en"),
        ("Le renard traverse la neige.", "fr"),
    ],
)
def test_a_fox_in_snow_is_understood_in_six_languages(
    mapper: PromptMapper, prompt: str, language: str
) -> None:
    mapped = mapper.map(prompt)
    shot = only_shot(mapped)
    assert mapped.language == language
    assert [actor.name for actor in shot.actors] == ["fox"]
    assert shot.setting is Setting.SNOW
    assert "fox" in mapped.caption.lower()
    assert not mapped.unplaced


def test_everything_at_once_is_kept_in_order(mapper: PromptMapper) -> None:
    mapped = mapper.map(
        "Two ducks chase a big bear in the park at night while it rains, "
        "the camera zooms out, in pixel art."
    )
    shot = only_shot(mapped)
    assert [(a.name, a.count, a.size) for a in shot.actors] == [
        ("duck", 2, Size.NORMAL),
        ("bear", 1, Size.LARGE),
    ]
    assert shot.action is Action.CHASE
    assert shot.setting is Setting.PARK
    assert shot.camera is Camera.ZOOM_OUT
    assert shot.style is Style.PIXEL_ART
    assert shot.weather is Weather.RAIN
    assert shot.time_of_day is TimeOfDay.NIGHT
    assert mapped.caption.lower().index("duck") < mapped.caption.lower().index("bear")


@pytest.mark.parametrize(
    ("prompt", "name", "count"),
    [
        ("three ducks in the park", "duck", 3),
        ("foxes in the forest", "fox", 2),
        ("due volpi nel bosco", "fox", 2),
        ("tre gatti sulla luna", "cat", 3),
        ("deux chevaux dans un pré", "horse", 2),
        ("tres leones en el desierto", "lion", 3),
        ("بطتان في الحديقة", "duck", 2),
        ("ثلاثة ثعالب في الغابة", "fox", 3),
        ("dua ekor kucing di pantai", "cat", 2),
        ("two puppies on the beach", "dog", 2),
    ],
)
def test_counts_are_read(mapper: PromptMapper, prompt: str, name: str, count: int) -> None:
    (actor,) = only_shot(mapper.map(prompt)).actors
    assert (actor.name, actor.count) == (name, count)


@pytest.mark.parametrize(
    ("prompt", "action"),
    [
        ("a dog runs from right to left", Action.CROSS_LEFT),
        ("birds flying over the sea", Action.CROSS_RIGHT),
        ("a rocket falling down", Action.FALL),
        ("un chat saute par-dessus un chien", Action.JUMP_OVER),
        ("un perro persigue a un gato", Action.CHASE),
        ("un cavallo passa dietro a una mucca", Action.PASS_BEHIND),
        ("tikus bertemu gajah di hutan", Action.MEET),
        ("دب يدور حول نفسه", Action.SPIN),
        ("un elefante cresce", Action.GROW),
        ("le lion tremble", Action.SHAKE),
        ("an owl sits in the forest", Action.STAY),
    ],
)
def test_actions_are_read(mapper: PromptMapper, prompt: str, action: Action) -> None:
    assert only_shot(mapper.map(prompt)).action is action


@pytest.mark.parametrize(
    ("prompt", "relation"),
    [
        ("a bear to the left of a fox in a cave", Relation.LEFT_OF),
        ("una rana a destra di un cane", Relation.RIGHT_OF),
        ("une souris derrière un chat", Relation.BEHIND),
        ("un pato encima de una vaca", Relation.ABOVE),
        ("قطة تحت حصان", Relation.BELOW),
        ("seekor kelinci di depan seekor beruang", Relation.IN_FRONT_OF),
    ],
)
def test_relations_are_read(mapper: PromptMapper, prompt: str, relation: Relation) -> None:
    shot = only_shot(mapper.map(prompt))
    assert shot.relation is relation
    assert len(shot.actors) == 2


def test_everyday_words_find_their_actor(mapper: PromptMapper) -> None:
    shot = only_shot(mapper.map("a puppy bounces on the beach at sunset"))
    assert shot.actors[0].name == "dog"
    assert (shot.action, shot.setting) == (Action.BOUNCE, Setting.BEACH)
    assert shot.time_of_day is TimeOfDay.SUNSET
    blizzard = only_shot(mapper.map("a vixen in a blizzard"))
    assert blizzard.actors[0].name == "fox"
    assert (blizzard.setting, blizzard.weather) == (Setting.SNOW, Weather.SNOWFALL)
    city = only_shot(mapper.map("a cat in a city in the snow"))
    assert (city.setting, city.weather) == (Setting.CITY, Weather.SNOWFALL)


@pytest.mark.parametrize(
    "prompt",
    [
        "A fox runs through the forest. Then it jumps up and down.",
        "una volpe corre nel bosco, poi salta",
        "un renard court dans la forêt puis saute",
        "un zorro corre por el bosque y luego salta",
        "ثعلب يركض في الغابة ثم يقفز",
        "seekor rubah berlari di hutan lalu melompat-lompat",
    ],
)
def test_then_starts_a_second_shot(mapper: PromptMapper, prompt: str) -> None:
    mapped = mapper.map(prompt)
    assert mapped.script is not None
    first, second = mapped.script.shots
    assert (first.action, second.action) == (Action.CROSS_RIGHT, Action.BOUNCE)
    assert first.actors == second.actors
    assert second.setting is Setting.FOREST
    assert len(mapped.captions) == 2


def test_it_means_who_was_there_before(mapper: PromptMapper) -> None:
    mapped = mapper.map("un gatto nel prato, poi un cane lo insegue")
    assert mapped.script is not None
    assert [actor.name for actor in mapped.script.shots[1].actors] == ["dog", "cat"]


def test_a_third_actor_is_reported(mapper: PromptMapper) -> None:
    mapped = mapper.map("a wolf, a bear and a lion in the jungle")
    assert [actor.name for actor in only_shot(mapped).actors] == ["wolf", "bear"]
    assert mapped.unplaced == ("lion",)


def test_a_missing_place_is_chosen_and_said(mapper: PromptMapper) -> None:
    mapped = mapper.map("a whale")
    assert only_shot(mapped).setting is Setting.UNDERWATER
    assert "setting" in mapped.notes[0]


def test_without_an_actor_the_place_stays(mapper: PromptMapper) -> None:
    mapped = mapper.map("the ocean at sunset")
    assert mapped.script is None
    assert mapped.caption == "at sea at sunset"
    assert mapped.notes


def test_the_encoder_finds_neighbours_and_leaves_the_rest(mapper: PromptMapper) -> None:
    mapped = mapper.map("a rattlesnake jogging at the seaside, cinematic philosophy")
    assert only_shot(mapped).actors[0].name == "snake"
    near = [match for match in mapped.matches if match.concept == "actor:snake"]
    assert near[0].similarity < 1.0
    assert "philosophy" in mapped.unplaced


def test_equal_prompts_give_equal_captions(mapper: PromptMapper) -> None:
    prompt = "two little pigs meet a wolf in the woods"
    assert mapper.map(prompt) == mapper.map(prompt)
    caption = mapper.map(prompt).caption.lower()
    assert "two little pigs" in caption
    assert "woods" in caption


def test_keywords_name_an_actor_where_nobody_else_does() -> None:
    fox = load_cast()["fox"]
    blob = Extra(dict.fromkeys(fox.names, "zorblax"), {"en": ("gloopy",)})
    cast = {"fox": fox, "zorblax": blob}
    assert only_shot(map_prompt("gloopy in the snow", cast)).actors[0].name == "zorblax"
    mapped = map_prompt("gloopy fox in the snow", cast, "en")
    assert [actor.name for actor in only_shot(mapped).actors] == ["fox"]


def test_what_cannot_be_a_prompt_is_refused(mapper: PromptMapper) -> None:
    for empty in ("", "   ", "?!", "\u200b"):
        with pytest.raises(InvalidRequest, match="prompt"):
            mapper.map(empty)
    with pytest.raises(InvalidRequest, match="32,000"):
        mapper.map("a fox " * 6000)
    with pytest.raises(InvalidRequest, match="language"):
        mapper.map("a fox", "de")


def test_a_very_long_prompt_is_read(mapper: PromptMapper) -> None:
    assert only_shot(mapper.map("a fox in the snow, " * 1500)).setting is Setting.SNOW


@pytest.mark.parametrize("language", LANGUAGES)
def test_training_captions_are_understood(mapper: PromptMapper, language: str) -> None:
    members = {name: mapper.cast[name] for name in members_of("lead")}
    names = {name: member.names for name, member in members.items()}
    repertoire = Repertoire(tuple(names), pair=0.4, style=0.3, weather=0.3, two_shots=0.0)
    draws, words = np.random.default_rng(5), random.Random(5)
    understood = 0
    for _ in range(30):
        script = draw_script(repertoire, draws)
        (caption,) = write_caption(script, language, names, words, 0.5, complete=True)
        mapped = mapper.map(caption, language)
        understood += mapped.script is not None and mapped.script.shots == script.shots
    assert understood >= 27


def test_words_fold_and_stem() -> None:
    assert split_words("l\u2019ours d'Été") == ["l'", "ours", "d'", "Été"]
    assert fold("Été", "fr") == "ete"
    assert fold("الثَّعلب", "ar") == "ثعلب"
    assert stemmed(("running",), "en") == stemmed(("runs",), "en") == ("run",)
    assert stemmed(("volpi",), "it") == stemmed(("volpe",), "it")
