"""Captions: what happens in each shot of a script, said in one of six languages.

A small grammar over the word data in `vocabulary`: it picks synonyms, clause orders and lengths, so that
a model trained on captions also understands how people write. It knows nothing of pixels.
"""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unstrung.engine.errors import InvalidRequest
from unstrung.engine.theatre.nouns import VOWELS, NounPhrase, describe_actor, is_creature, kind_of
from unstrung.engine.theatre.script import (
    PAIR_ACTIONS,
    Action,
    Camera,
    Script,
    Shot,
    Style,
    TimeOfDay,
    Weather,
)
from unstrung.engine.theatre.vocabulary import LANGUAGES, load_vocabulary

__all__ = ["LANGUAGES", "write_caption"]

# How often a caption names a value that is not the default, and one that is.
SAID_RATE = {
    "setting": 0.95,
    "camera": 0.85,
    "time": 0.85,
    "weather": 0.9,
    "style": 0.95,
    "size": 0.85,
}
DEFAULT_RATE = 0.04
NO_DIRECTION_RATE = 0.15
BARE_RATE = 0.06
TERSE = 0.12


@dataclass(frozen=True)
class _Pen:
    """What every clause needs: the words of the language, the dice, how much to say."""

    language: str
    words: Mapping[str, Any]
    rng: random.Random
    detail: float
    complete: bool

    def pick(self, options: Sequence[str]) -> str:
        """One phrase; shorter ones at low detail, longer ones at high."""
        if self.detail < 0.25:
            return min((self.rng.choice(options) for _ in range(3)), key=len)
        if self.detail > 0.75:
            return max((self.rng.choice(options) for _ in range(2)), key=len)
        return self.rng.choice(options)

    def says(self, part: str, is_default: bool = False) -> bool:
        """Whether this part is mentioned."""
        if self.complete:
            return not is_default
        return self.rng.random() < (DEFAULT_RATE if is_default else SAID_RATE[part])


def write_caption(
    script: Script,
    language: str,
    names: Mapping[str, Mapping[str, str]],
    rng: random.Random,
    detail: float | None = None,
    complete: bool = False,
) -> tuple[str, ...]:
    """Say what happens in each shot, one caption per shot, in order.

    Args:
        script: what to tell.
        language: one of `LANGUAGES`.
        names: cast name -> language -> name as CLDR spells it.
        rng: equal states give equal captions.
        detail: 0 = a few words, 1 = up to two sentences; None draws it, mostly middle lengths.
        complete: name every value that is not a default instead of nearly every one.

    Raises:
        InvalidRequest: for an unknown language or a detail outside [0, 1].
    """
    if language not in LANGUAGES:
        raise InvalidRequest("language", language, f"be one of {', '.join(LANGUAGES)}", "en")
    if detail is not None and not 0 <= detail <= 1:
        raise InvalidRequest("detail", detail, "lie between 0 and 1", "0.5")
    captions = []
    for shot in script.shots:
        level = _draw_detail(rng) if detail is None else detail
        pen = _Pen(language, load_vocabulary(language), rng, level, complete)
        captions.append(_caption(shot, names, pen))
    return tuple(captions)


def _draw_detail(rng: random.Random) -> float:
    share = rng.random()
    if share < 0.1:
        return rng.uniform(0.0, 0.2)
    return rng.uniform(0.2, 0.72) if share < 0.8 else rng.uniform(0.72, 1.0)


def _caption(shot: Shot, names: Mapping[str, Mapping[str, str]], pen: _Pen) -> str:
    rng = pen.rng
    terse = pen.detail < TERSE
    bare = (terse or (rng.random() < BARE_RATE and not pen.complete), terse)
    people = [
        describe_actor(
            actor, pen.language, names[actor.name][pen.language], rng, bare[i], pen.says("size")
        )
        for i, actor in enumerate(shot.actors)
    ]
    place = _place(shot, pen) if pen.says("setting") else ""
    core, place_is_said = _core(shot, people, place, pen)
    around = _surroundings(shot, pen)
    if place and not place_is_said:
        # A watcher clause stays last: "a fox bounces in the snow while a bear watches".
        core, _, watcher = core.partition("\x00")
        if pen.detail > 0.3 and rng.random() < 0.25:
            core = _front(place, core + watcher, pen)
        else:
            core = f"{core} {place}{watcher}"
    core = core.replace("\x00", "")
    return _finish(_attach(core, around, shot, pen), pen)


def _place(shot: Shot, pen: _Pen) -> str:
    place = pen.pick(pen.words["settings"][shot.setting.value]["in"])
    if pen.language == "en" and pen.detail < TERSE:
        place = re.sub(r"\b(the|a|an) ", "", place)
    return place


def _front(opening: str, core: str, pen: _Pen) -> str:
    return f"{opening}{'،' if pen.language == 'ar' else ','} {core}"


def _core(shot: Shot, people: Sequence[NounPhrase], place: str, pen: _Pen) -> tuple[str, bool]:
    """The clause of actors and action, and whether it already holds the setting.

    A NUL marks where the setting goes if a watcher clause follows.
    """
    template = _template(shot, bool(place), people[0].plural, pen)
    if pen.language == "ar":
        template = _subject_first(template, people, pen)
    if "{a}" not in template:
        template = "{a} " + template
    holds_place = "{ground}" in template
    if holds_place:
        ground = pen.rng.choice(pen.words["settings"][shot.setting.value]["ground"])
        if pen.language == "en" and pen.detail < TERSE:
            ground = re.sub(r"^(the|a|an) ", "", ground)
        template = template.replace("{ground}", ground)
    if len(people) == 2 and "{b}" not in template and "{c}" not in template:
        template = _with_second(template, shot, pen)
    return _agree(template, people, pen), holds_place


def _template(shot: Shot, placed: bool, plural: bool, pen: _Pen) -> str:
    words, rng = pen.words, pen.rng
    if shot.relation is not None:
        return pen.pick(words["relations"][shot.relation.value])
    if shot.action is Action.STAY:
        if len(shot.actors) == 2:
            return pen.pick(words["together"])
        options = _options(words["actions"]["stay"], shot.actors[0].name)
        return "{a}" if pen.detail < TERSE else pen.pick(options)
    if shot.action in (Action.CROSS_RIGHT, Action.CROSS_LEFT):
        return _crossing(shot, placed, pen)
    options = _options(words["actions"][shot.action.value], shot.actors[0].name)
    if plural and pen.language == "ar":
        # Only the first verb of an Arabic sentence may stay singular before a plural subject.
        options = [option for option in options if option.count("~") < 2] or options
    template = pen.pick(options)
    if pen.language == "en" and pen.detail > 0.75 and shot.action not in PAIR_ACTIONS:
        template = rng.choice([option for option in options if "[" in option])
    return template


def _crossing(shot: Shot, placed: bool, pen: _Pen) -> str:
    options = _options(pen.words["actions"]["cross"], shot.actors[0].name)
    if not placed:
        options = [option for option in options if "{ground}" not in option]
    with_ground = [option for option in options if "{ground}" in option]
    if with_ground and not pen.complete and pen.rng.random() < NO_DIRECTION_RATE:
        return pen.pick(with_ground).replace(" {way}", "")
    side = "right" if shot.action is Action.CROSS_RIGHT else "left"
    return pen.pick(options).replace("{way}", pen.pick(pen.words["ways"][side]))


def _options(entry: Mapping[str, Sequence[str]], name: str) -> list[str]:
    """General phrases plus those that suit how this cast member gets about, which weigh double."""
    kind = kind_of(name)
    mover = "flyer" if kind == "aircraft" else kind
    return [*entry["any"], *entry.get(mover, ()), *entry.get(mover, ())]


def _with_second(template: str, shot: Shot, pen: _Pen) -> str:
    """Tell that the second actor stays, beside the first or looking on."""
    if is_creature(shot.actors[1].name) and pen.detail > 0.3 and pen.rng.random() < 0.35:
        return f"{template}\x00 {pen.rng.choice(pen.words['watchers'])}"
    return f"{template} {pen.pick(pen.words['companions'])}"


def _subject_first(template: str, people: Sequence[NounPhrase], pen: _Pen) -> str:
    """Arabic may put a singular subject before its verb; with plurals the verb comes first."""
    match = re.match(r"(~\S+) \{a\}", template)
    if match and not people[0].plural and " و{c}" not in template and pen.rng.random() < 0.5:
        return "{a} " + match.group(1) + template[match.end() :]
    return template


_CHOICE = re.compile(r"\[([^\]]*)\]|<([^>]*)>")


def _agree(template: str, people: Sequence[NounPhrase], pen: _Pen) -> str:
    """Fill in the actors and settle number and gender."""
    first, second = people[0], people[-1]

    def choose(match: re.Match[str]) -> str:
        person = second if match.group(1) is None else first
        options = (match.group(1) or match.group(2)).split("|")
        plural = person.plural
        if len(options) == 2:
            return options[plural]
        return options[2 * plural + person.feminine]

    text = _CHOICE.sub(choose, template)
    for mark, person in (("~", first), ("^", second)):
        text = text.replace(f"{mark}ي", "ت" if person.feminine else "ي").replace(mark, "")
    subject = first.text
    if first.definite and text.startswith("{a}") and pen.detail > TERSE and not pen.complete:
        subject = first.definite if pen.rng.random() < 0.08 else subject
    text = text.replace("{a}", subject).replace("{b}", second.oblique).replace("{c}", second.text)
    return _contract(text, pen.language)


def _contract(text: str, language: str) -> str:
    if language == "fr":
        return re.sub(rf"\b([dDqQ]u?e) (?=[{VOWELS}])", lambda m: m.group(1)[:-1] + "'", text)
    if language == "es":
        return re.sub(r"\b(a|de) el ", lambda m: m.group(1) + "l ", text)
    return text


def _surroundings(shot: Shot, pen: _Pen) -> list[str]:
    """Time of day and weather, as far as they are told."""
    said = []
    if pen.says("time", shot.time_of_day is TimeOfDay.DAY):
        said.append(pen.pick(pen.words["times"][shot.time_of_day.value]))
    if pen.says("weather", shot.weather is Weather.CLEAR):
        said.append(pen.pick(pen.words["weather"][shot.weather.value]))
    pen.rng.shuffle(said)
    return said


def _attach(core: str, around: list[str], shot: Shot, pen: _Pen) -> str:
    """Add surroundings, style and camera around the core, in varied orders."""
    rng = pen.rng
    for phrase in around:
        if (
            pen.detail > 0.3
            and rng.random() < 0.2
            and "," not in core
            and "،" not in core
            and phrase[:1] != "و"
        ):
            core = _front(phrase, core, pen)
        else:
            core = f"{core} {phrase}"
    extra = []
    if pen.says("style", shot.style is Style.PLAIN):
        style = pen.pick(pen.words["styles"][shot.style.value])
        if rng.random() < 0.5:
            core = f"{core}{_comma(pen)} {style}"
        elif pen.detail < 0.75:
            core = f"{style}: {core}"
        else:
            extra.append(style)
    if pen.says("camera", shot.camera is Camera.STILL):
        camera = pen.pick(pen.words["cameras"][shot.camera.value])
        if pen.detail > 0.75 or extra or rng.random() < 0.15:
            extra.append(camera)
        elif ":" in core:
            core = f"{core}{_comma(pen)} {camera}"
        else:
            join = rng.choices(pen.words["camera_joins"], weights=(6, 1, 1, 1))[0]
            core = join.format(core=core, camera=camera)
    if extra:
        core = f"{_capital(core)}. {_capital(f'{_comma(pen)} '.join(extra))}."
    return core


def _comma(pen: _Pen) -> str:
    return "،" if pen.language == "ar" else ","


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _finish(caption: str, pen: _Pen) -> str:
    """Capital and full stop, or the lack of them, as people type."""
    caption = re.sub(r"\s+", " ", caption).strip()
    if caption.endswith("."):
        return caption if pen.rng.random() < 0.8 else caption[:-1]
    capital = pen.rng.random() < 0.5 and pen.detail >= TERSE
    if capital:
        caption = _capital(caption)
    stop = pen.rng.random() < (0.6 if capital else 0.15)
    return f"{caption}." if stop and pen.detail >= TERSE else caption
