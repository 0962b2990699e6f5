"""From what a person types to what the model was trained on: a prompt becomes a caption.

A free prompt in any of six languages is read word by word (`prompt_words`), words that no list holds go
to the nearest known concept (`prompt_nearest`), and the script understood is told again in the grammar
of the training captions. What could not be placed is reported, never silently dropped.
"""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from unstrung.engine.errors import InvalidRequest
from unstrung.engine.prompt_nearest import NearestConcepts
from unstrung.engine.prompt_reader import Found, Reader, ask_encoder
from unstrung.engine.prompt_words import (
    Named,
    build_lexicon,
    detect_language,
    fold,
    load_prompt_words,
    split_words,
)
from unstrung.engine.theatre.captions import write_caption
from unstrung.engine.theatre.nouns import kind_of
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

MAX_PROMPT_CHARACTERS = 32_000
CAPTION_DETAIL = 0.5
NUM_TELLINGS = 96


@dataclass(frozen=True)
class Match:
    """One word or phrase of the prompt and what it was taken for.

    Attributes:
        word: as typed.
        concept: `kind:value`, for instance "actor:fox".
        similarity: 1.0 for known words, else that of `prompt_nearest`.
    """

    word: str
    concept: str
    similarity: float


@dataclass(frozen=True)
class MappedPrompt:
    """A prompt understood.

    Attributes:
        prompt: as typed.
        language: what it was read as.
        caption: what goes to the model, in English training style; all shots in one text.
        script: the script understood; None if no actor was found.
        unplaced: words that could not be placed, in order.
        matches: words that could.
        captions: one caption per shot.
        notes: what was assumed or left out, one sentence each.
    """

    prompt: str
    language: str
    caption: str
    script: Script | None
    unplaced: tuple[str, ...]
    matches: tuple[Match, ...]
    captions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass
class _Draft:
    """A shot being put together."""

    actors: list[Actor] = field(default_factory=list)
    setting: Setting | None = None
    action: str | None = None
    way: str | None = None
    relation: Relation | None = None
    camera: Camera | None = None
    time_of_day: TimeOfDay | None = None
    weather: Weather | None = None
    style: Style | None = None
    left_over: list[str] = field(default_factory=list)


class PromptMapper:
    """Reads prompts about one cast; holds the word lists, which take a third of a second to build."""

    def __init__(self, cast: Mapping[str, Named]) -> None:
        """Build the word lists of all six languages.

        Args:
            cast: who can be shown, by name.
        """
        self.cast = cast
        self.lexicons = {each: build_lexicon(each, cast) for each in LANGUAGES}
        self.nearest: NearestConcepts | None = None

    def map(self, prompt: str, language: str | None = None) -> MappedPrompt:
        """Understand a prompt and say it again as a training caption; see `map_prompt`."""
        _check(prompt, language)
        chosen = language or detect_language(prompt, self.lexicons)
        return self._map_parts(_split_shots(prompt, chosen), prompt, chosen)

    def map_shots(self, prompts: Sequence[str], language: str | None = None) -> MappedPrompt:
        """Understand prompts that follow one another, exactly one caption for each.

        What one leaves open (who, where, light, style) stays as in the one before.

        Raises:
            InvalidRequest: if one of them says nothing.
        """
        for prompt in prompts:
            _check(prompt, language)
        whole = " / ".join(prompts)
        chosen = language or detect_language(whole, self.lexicons)
        mapped = self._map_parts(prompts, whole, chosen)
        if len(mapped.captions) == len(prompts):
            return mapped
        # Some of them name nobody, and nobody was there before: each is told by itself.
        alone = [self._map_parts([prompt], prompt, chosen) for prompt in prompts]
        captions = tuple(each.captions[0] for each in alone)
        return replace(
            mapped, script=None, captions=captions, caption=" ".join(map(_sentence, captions))
        )

    def _map_parts(self, parts: Sequence[str], prompt: str, chosen: str) -> MappedPrompt:
        drafts, matches, unplaced = [], [], []
        for part in parts:
            found, unknown = self._read(part, chosen)
            draft = _assemble(found, chosen)
            drafts.append(draft)
            matches += [
                Match(each.words, str(each.concept), round(each.similarity, 3))
                for each in found
                if each.concept.kind != "filler"
            ]
            unplaced += [*unknown, *draft.left_over]
        shots, notes = _shots(drafts)
        script = Script(tuple(shots)) if shots else None
        place = next((each for each in drafts if each.setting), drafts[0])
        captions = (
            _captions(script, self.cast, prompt) if script else (_without_actor(prompt, place),)
        )
        whole = (
            captions[0] if len(captions) == 1 else " ".join(_sentence(each) for each in captions)
        )
        return MappedPrompt(
            prompt=prompt,
            language=chosen,
            caption=whole,
            script=script,
            unplaced=tuple(dict.fromkeys(unplaced)),
            matches=tuple(matches),
            captions=captions,
            notes=tuple(dict.fromkeys(notes)),
        )

    def _read(self, text: str, language: str) -> tuple[list[Found], list[str]]:
        """Concepts in order of appearance, and the words without one."""
        reader = Reader(language, self.lexicons)
        tokens = reader.tokens(text)
        found, unknown = reader.known_phrases(tokens)
        if not any(each.concept.kind == "actor" for each in found):
            found, unknown = reader.keywords(tokens, found, unknown)
        asked = reader.worth_asking(tokens, unknown)
        if asked:
            self.nearest = self.nearest or NearestConcepts(self.cast)
            found += ask_encoder(self.nearest, tokens, found, asked)
        taken = {each.start for each in found}
        rest = [tokens[i].word for i in unknown if i not in taken]
        return sorted(found, key=lambda each: each.start), rest


def map_prompt(prompt: str, cast: Mapping[str, Named], language: str | None = None) -> MappedPrompt:
    """Understand a prompt and say it again as a training caption.

    Builds a `PromptMapper` for this one call; keep one to map many.

    Args:
        prompt: 1 to 32,000 characters in any of the six languages.
        cast: who can be shown, by name.
        language: one of `LANGUAGES`; detected if None.

    Raises:
        InvalidRequest: if the prompt is empty or too long, or the language is unknown.
    """
    _check(prompt, language)
    return PromptMapper(cast).map(prompt, language)


def _check(prompt: str, language: str | None) -> None:
    if not split_words(prompt):
        raise InvalidRequest(
            "prompt", prompt.strip() or "nothing", "say what to show", '"a fox in the snow"'
        )
    if len(prompt) > MAX_PROMPT_CHARACTERS:
        rule = f"have at most {MAX_PROMPT_CHARACTERS:,} characters"
        raise InvalidRequest("prompt", prompt, rule, "one or two sentences")
    if language is not None and language not in LANGUAGES:
        raise InvalidRequest("language", language, f"be one of {', '.join(LANGUAGES)}", "en")


def _sentence(caption: str) -> str:
    return caption if caption.endswith(".") else f"{caption}."


def _split_shots(prompt: str, language: str) -> list[str]:
    """Parts before and after "then", at most three."""
    thens = sorted(load_prompt_words()[language]["then"], key=len, reverse=True)
    halts = "|".join(re.escape(each) for each in load_prompt_words()[language]["halts"])
    # "Then stops" ends a movement and starts no shot.
    pattern = rf"(?<!\w)(?:{'|'.join(re.escape(each) for each in thens)})(?!\w)(?!\s+(?:{halts}))"
    parts = [part for part in re.split(pattern, prompt, flags=re.IGNORECASE) if split_words(part)]
    return [*parts[:2], " ".join(parts[2:])] if len(parts) > 3 else parts or [prompt]


def _assemble(found: Sequence[Found], language: str) -> _Draft:
    """Put the concepts of one part together into a shot."""
    draft = _Draft()
    count: int | None = None
    size: Size | None = None
    relation: Found | None = None
    for at, each in enumerate(found):
        kind, value = each.concept.kind, each.concept.value
        before = found[at - 1] if at else None
        if kind == "count":
            count = int(value)
        elif kind == "size":
            follows = before and before.concept.kind == "actor" and before.end == each.start
            if follows and language != "en" and draft.actors:
                draft.actors[-1] = replace(draft.actors[-1], size=Size(value))
            else:
                size = Size(value)
        elif kind == "relation" or (kind == "way" and _is_before_actor(found, at, language)):
            relation = each if draft.actors else None
        elif kind == "actor":
            _add_actor(draft, each, count, size, before)
            if relation and len(draft.actors) == 2 and draft.relation is None:
                side = relation.concept.value
                draft.relation = Relation(_RELATION_OF_WAY.get(side, side))
            count, size, relation = None, None, None
        else:
            _fill(draft, each)
            count, size, relation = None, None, None
    return draft


_RELATION_OF_WAY = {"left": "left_of", "right": "right_of"}


def _is_before_actor(found: Sequence[Found], at: int, language: str) -> bool:
    """Arabic says "to the left" and "to the left of" alike; what follows decides."""
    rest = [each for each in found[at + 1 :] if each.concept.kind not in ("count", "size")]
    return language == "ar" and bool(rest) and rest[0].concept.kind == "actor"


def _add_actor(
    draft: _Draft, found: Found, count: int | None, size: Size | None, before: Found | None
) -> None:
    name = found.concept.value
    actor = Actor(name, count or found.concept.count, size or Size.NORMAL)
    if before and str(before.concept) == "actor:baby" and before.end == found.start:
        # "A baby elephant" is one actor.
        draft.actors[-1] = replace(actor, size=Size.SMALL)
        return
    known = [each.name for each in draft.actors]
    if name in known and found.determined != "indefinite":
        return
    if len(draft.actors) == 2:
        draft.left_over.append(found.words)
        return
    draft.actors.append(actor)


_WEAK_ACTIONS = ("stay", "cross")


def _fill(draft: _Draft, found: Found) -> None:
    """Enter a setting, action, camera, time, weather or style; a second one is left over."""
    kind, value = found.concept.kind, found.concept.value
    if kind == "action":
        if draft.action is None or draft.action == "stay" or _is_stronger(value, draft.action):
            draft.action = value
        elif value not in ("stay", draft.action):
            draft.left_over.append(found.words)
    elif kind == "way":
        draft.way = draft.way or value
    elif kind == "setting" and draft.setting is not None and draft.setting != value:
        _second_setting(draft, Setting(value), found)
    elif kind == "setting":
        draft.setting = Setting(value)
    elif kind == "camera":
        draft.camera = draft.camera or Camera(value)
    elif kind == "time":
        draft.time_of_day = draft.time_of_day or TimeOfDay(value)
    elif kind == "weather":
        draft.weather = draft.weather or Weather(value)
    elif kind == "style":
        draft.style = draft.style or Style(value)


def _is_stronger(value: str, held: str) -> bool:
    """A named move beats "goes", a move with a partner beats one alone."""
    partner = value in {each.value for each in PAIR_ACTIONS}
    held_partner = held in {each.value for each in PAIR_ACTIONS}
    named = held in _WEAK_ACTIONS and value not in _WEAK_ACTIONS
    return named or (partner and not held_partner) or (held, value) == ("spin", "circle")


def _second_setting(draft: _Draft, setting: Setting, found: Found) -> None:
    """Snow in another place is weather; of two other places the first counts."""
    if setting is Setting.SNOW:
        draft.weather = draft.weather or Weather.SNOWFALL
    elif draft.setting is Setting.SNOW:
        draft.setting = setting
        draft.weather = draft.weather or Weather.SNOWFALL
    else:
        draft.left_over.append(found.words)


def _shots(drafts: Sequence[_Draft]) -> tuple[list[Shot], list[str]]:
    """Legal shots; later ones keep actors, place, light and style of the one before."""
    notes: list[str] = []
    shots: list[Shot] = []
    for draft in drafts:
        last = shots[-1] if shots else None
        actors = tuple(draft.actors) or (last.actors if last else ())
        if last and len(actors) == 1 and draft.action in _ALONE:
            # "Then a dog chases it": the partner is who was there before.
            actors += tuple(each for each in last.actors if each.name != actors[0].name)[:1]
        if len(actors) == 1 and draft.action in ("meet", "chase") and actors[0].count > 1:
            # "Two rabbits meet": each other.
            alone = replace(actors[0], count=1)
            actors = (alone, replace(alone, count=actors[0].count - 1))
        if not actors:
            notes.append("No actor was recognised, so only the place is described.")
            continue
        setting = draft.setting or (last.setting if last else _usual_setting(draft, actors, notes))
        action, relation = _action(draft, actors, notes)
        shots.append(
            Shot(
                actors=actors,
                setting=setting,
                action=action,
                relation=relation,
                camera=draft.camera or Camera.STILL,
                time_of_day=draft.time_of_day or (last.time_of_day if last else TimeOfDay.DAY),
                weather=draft.weather or (last.weather if last else Weather.CLEAR),
                style=draft.style or (last.style if last else Style.PLAIN),
            )
        )
    return shots, notes


_USUAL_SETTINGS = {
    "person": Setting.PARK,
    "animal": Setting.MEADOW,
    "swimmer": Setting.UNDERWATER,
    "flyer": Setting.MEADOW,
    "aircraft": Setting.CLOUDS,
    "vehicle": Setting.CITY,
    "thing": Setting.MEADOW,
}


def _usual_setting(draft: _Draft, actors: Sequence[Actor], notes: list[str]) -> Setting:
    snowy = draft.weather is Weather.SNOWFALL
    setting = Setting.SNOW if snowy else _USUAL_SETTINGS[kind_of(actors[0].name)]
    notes.append(f"No place was named, so the setting is {setting.value}.")
    return setting


_ALONE = {
    "chase": Action.CROSS_RIGHT,
    "meet": Action.ENTER,
    "pass_behind": Action.CROSS_RIGHT,
    "jump_over": Action.BOUNCE,
}


_TOGETHER = {
    ("bounce", Relation.ABOVE): Action.JUMP_OVER,
    ("cross", Relation.BEHIND): Action.PASS_BEHIND,
}


def _action(
    draft: _Draft, actors: Sequence[Actor], notes: list[str]
) -> tuple[Action, Relation | None]:
    relation = draft.relation if len(actors) == 2 else None
    crossing = Action.CROSS_LEFT if draft.way == "left" else Action.CROSS_RIGHT
    if draft.action in _ALONE and len(actors) < 2:
        notes.append(f"To {draft.action.replace('_', ' ')} takes two; there is only one actor.")
        return _ALONE[draft.action], None
    if relation and draft.action and (draft.action, relation) in _TOGETHER:
        return _TOGETHER[draft.action, relation], None
    if draft.action == "cross" or (draft.action is None and draft.way and not relation):
        action = crossing
    else:
        action = Action(draft.action or "stay")
    if relation and action is not Action.STAY:
        notes.append(f"Who stands {relation.value.replace('_', ' ')} whom is open while they move.")
        relation = None
    return action, relation


def _captions(script: Script, cast: Mapping[str, Named], prompt: str) -> tuple[str, ...]:
    """The script in training style: of some tellings the one nearest to the prompt's own words."""
    names = {actor.name: cast[actor.name].names for shot in script.shots for actor in shot.actors}
    typed = {fold(word, "en") for word in split_words(prompt)}
    crossing = load_vocabulary("en")["actions"]["cross"]
    gaits = {
        word
        for kind, phrases in crossing.items()
        for word in (split_words(" ".join(phrases)) if kind != "any" else ())
    } - set(split_words(" ".join(crossing["any"])))

    def foreign(captions: tuple[str, ...]) -> float:
        said = [fold(word, "en") for caption in captions for word in split_words(caption)]
        # Nothing may be said to fly that was not seen flying.
        strange = sum(4 if word in gaits else 1 for word in said if word not in typed)
        # Of equals, the plain order: "a fox in the snow" before "in the snow, a fox".
        commas = sum(caption.count(",") + caption.count(":") for caption in captions)
        return strange + 0.5 * commas - 2 * len(typed & set(said))

    tellings = [
        write_caption(script, "en", names, random.Random(seed), CAPTION_DETAIL, complete=True)
        for seed in range(NUM_TELLINGS)
    ]
    return min(tellings, key=foreign)


def _without_actor(prompt: str, draft: _Draft) -> str:
    """The place, time and weather alone; the prompt itself if not even those were found."""
    words = load_vocabulary("en")
    parts = [words["settings"][draft.setting.value]["in"][0]] if draft.setting else []
    if draft.time_of_day:
        parts.append(words["times"][draft.time_of_day.value][0])
    if draft.weather:
        parts.append(words["weather"][draft.weather.value][0])
    if draft.style:
        parts.append(words["styles"][draft.style.value][0])
    return " ".join(parts) or " ".join(prompt.split())
