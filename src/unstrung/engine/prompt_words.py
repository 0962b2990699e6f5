"""The words that a prompt may use: phrases in six languages, each pointing to a concept of the theatre.

Built from the caption vocabulary, the names and keywords of the cast and the extra words people type.
It looks words up exactly or by stem; it neither guesses nor writes.
"""

import json
import random
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, Protocol

from unstrung.engine.theatre.nouns import describe_actor, plural_forms, speakable
from unstrung.engine.theatre.script import Actor
from unstrung.engine.theatre.vocabulary import LANGUAGES, load_vocabulary


class Named(Protocol):
    """What prompts need to know about a cast member: names and keywords by language."""

    @property
    def names(self) -> Mapping[str, str]:
        """Name by language."""

    @property
    def keywords(self) -> Mapping[str, Sequence[str]]:
        """Other words for it by language."""


@dataclass(frozen=True)
class Concept:
    """One thing that a script can say.

    Attributes:
        kind: actor, setting, action, weather, time, style, camera, relation, size, way, count or filler.
        value: the enum value, cast name, side or number.
        count: how many the word itself says ("foxes": 2).
    """

    kind: str
    value: str
    count: int = 1

    def __str__(self) -> str:
        """`kind:value`, as reports show it."""
        return f"{self.kind}:{self.value}"


@dataclass
class Lexicon:
    """Phrases of one language; the first concept entered for a phrase is the preferred one."""

    language: str
    exact: dict[tuple[str, ...], list[Concept]] = field(default_factory=dict)
    stems: dict[tuple[str, ...], list[Concept]] = field(default_factory=dict)
    keywords: dict[tuple[str, ...], Concept] = field(default_factory=dict)
    words: set[str] = field(default_factory=set)
    longest: int = 1

    def add(self, phrase: str, concept: Concept) -> None:
        """Enter one phrase, articles left out, under its exact and its stemmed form."""
        key = tuple(t for t in tokenize(phrase, self.language) if t not in self.articles)
        if not key:
            return
        self.words.update(key)
        self.longest = max(self.longest, len(key))
        for table, form in ((self.exact, key), (self.stems, stemmed(key, self.language))):
            entries = table.setdefault(form, [])
            if concept.kind not in [each.kind for each in entries]:
                entries.append(concept)

    def find(self, key: tuple[str, ...]) -> list[Concept]:
        """Concepts of a phrase, by exact form first; empty if it is unknown."""
        return self.exact.get(key) or self.stems.get(stemmed(key, self.language), [])

    @property
    def articles(self) -> frozenset[str]:
        """Words that say no more than "a" or "the"."""
        return articles_of(self.language)


@cache
def load_prompt_words() -> dict[str, Any]:
    """Words that people type beyond those of the captions, by language."""
    folder = resources.files("unstrung.engine.theatre.vocabulary")
    loaded: dict[str, Any] = json.loads(folder.joinpath("prompt.json").read_text("utf-8"))
    return loaded


@cache
def articles_of(language: str) -> frozenset[str]:
    """Definite and indefinite articles, folded."""
    words = load_prompt_words()[language]
    folded = (fold(word, language) for word in (*words["definite"], *words["indefinite"]))
    return frozenset(folded)


@cache
def folded_words(language: str, group: str) -> frozenset[str]:
    """A word list of `prompt.json` (stop, colours, indefinite, definite), folded."""
    return frozenset(fold(word, language) for word in load_prompt_words()[language][group])


_CONTRACTIONS = {
    "fr": {"d'": "de", "du": "de", "des": "de", "au": "a", "aux": "a", "qu'": "que", "s'": "se"},
    "es": {"del": "de", "al": "a"},
    "it": {
        joined + ending: plain
        for joined, plain in (("de", "di"), ("a", "a"), ("ne", "in"), ("su", "su"), ("da", "da"))
        for ending in ("l", "llo", "lla", "ll'", "i", "gli", "lle")
    },
}
_ARABIC_LETTERS = str.maketrans("أإآىة", "ااايه")
_ARABIC_ARTICLES = ("وال", "بال", "فال", "كال", "لل", "ال")


def fold(word: str, language: str) -> str:
    """Lower case without accents or vowel signs; Arabic also without its article."""
    # Letters that stand for sounds of their own (n with tilde) fold too: people type without them.
    plain = unicodedata.normalize("NFKD", word.lower().replace("\u2019", "'"))
    plain = "".join(c for c in plain if not unicodedata.combining(c)).replace("œ", "oe")
    if language != "ar":
        return _CONTRACTIONS.get(language, {}).get(plain, plain)
    plain = plain.translate(_ARABIC_LETTERS).replace("\u0640", "")
    for article in _ARABIC_ARTICLES:
        if plain.startswith(article) and len(plain) > len(article) + 2:
            return plain[len(article) :]
    return plain


_TOKEN = re.compile(r"[^\W\d_]+'(?=\w)|[^\W_]+")


def split_words(text: str) -> list[str]:
    """Words as typed; elided articles ("l'") stand alone, hyphens separate."""
    text = unicodedata.normalize("NFC", text).replace("\u2019", "'")
    return _TOKEN.findall(text)


def tokenize(text: str, language: str) -> list[str]:
    """Folded words."""
    return [fold(word, language) for word in split_words(text)]


def stemmed(key: Sequence[str], language: str) -> tuple[str, ...]:
    """Stems of folded words."""
    return tuple(_stem(word, language) for word in key)


_ROMANCE_ENDINGS = re.compile(
    r"(iendo|ando|endo|ement|issent|ono|ano|are|ere|ire|ent|ant|an|en|er|ar|ir|es|as|os|[aeio])s?$"
)


@cache
def _stem(word: str, language: str) -> str:
    if language == "ar":
        # Verbs of the third person show gender by their first letter, number by their ending.
        if len(word) < 4 or word[0] not in "يت":
            return word
        return "ي" + re.sub(r"(?<=...)(ان|ون)$", "", word[1:])
    if len(word) < 4:
        return word
    if language == "en":
        stem = re.sub(r"(ies|ied)$", "y", word)
        if stem == word and not word.endswith("ss"):
            stem = re.sub(r"(ing|ed|(?<=[sxz])es|(?<=[cs]h)es|s)$", "", word)
        stem = stem if len(stem) > 2 else word
        stem = re.sub(r"([bdgmnprt])\1$", r"\1", stem)
        return stem[:-1] if stem.endswith("e") and len(stem) > 4 else stem
    if language == "id":
        return re.sub(r"nya$", "", word)
    stem = _ROMANCE_ENDINGS.sub("", word)
    if len(stem) < 3:
        stem = re.sub(r"[aeios]$", "", word)
    return re.sub(r"(s|h)$", "", stem) if len(stem) > 3 else stem


def build_lexicon(language: str, cast: Mapping[str, Named]) -> Lexicon:
    """All phrases of one language, in order of preference: captions, names, what people type."""
    lexicon = Lexicon(language)
    words = load_prompt_words()[language]
    for phrase, concept in _caption_phrases(language):
        lexicon.add(phrase, concept)
    for name, member in cast.items():
        for form, count in _name_forms(name, member, language):
            lexicon.add(form, Concept("actor", name, count))
    for name, synonyms in words["synonyms"].items():
        for synonym in synonyms if name in cast else ():
            lexicon.add(synonym, Concept("actor", name))
            for plural, count in plural_forms(language, synonym):
                lexicon.add(plural, Concept("actor", name, count))
    for number, phrases in words["numbers"].items():
        for phrase in phrases:
            lexicon.add(phrase, Concept("count", number))
    for group, kind in _HINT_GROUPS.items():
        for value, phrases in words[group].items():
            for phrase in phrases:
                lexicon.add(phrase, Concept(kind, value))
                for plural, _ in plural_forms(language, phrase) if group == "sizes" else ():
                    lexicon.add(plural, Concept(kind, value))
    lexicon.keywords.update(_unique_keywords(language, cast))
    lexicon.words.update(key[0] for key in lexicon.keywords if len(key) == 1)
    return lexicon


_HINT_GROUPS = {
    "settings": "setting",
    "weather": "weather",
    "times": "time",
    "styles": "style",
    "cameras": "camera",
    "relations": "relation",
    "actions": "action",
    "sizes": "size",
    "ways": "way",
}


def _caption_phrases(language: str) -> Iterator[tuple[str, Concept]]:
    """Every phrase that captions use, with and without its leading preposition."""
    words = load_vocabulary(language)
    stop = folded_words(language, "stop") | articles_of(language)

    def without_preposition(phrase: str) -> str:
        parts = phrase.split()
        while parts and fold(parts[0], language) in stop:
            parts = parts[1:]
        return " ".join(parts)

    for value, entry in words["settings"].items():
        for phrase in (*entry["in"], *entry["ground"]):
            yield phrase, Concept("setting", value)
            yield without_preposition(phrase), Concept("setting", value)
    for group, kind in (("times", "time"), ("weather", "weather"), ("styles", "style")):
        for value, phrases in words[group].items():
            for phrase in phrases:
                yield phrase, Concept(kind, value)
                yield without_preposition(phrase), Concept(kind, value)
    for value, phrases in words["cameras"].items():
        for phrase in phrases:
            yield phrase, Concept("camera", value)
    for side, phrases in words["ways"].items():
        for phrase in phrases:
            yield phrase, Concept("way", side)
    for value, templates in words["relations"].items():
        for template in templates:
            yield from ((phrase, Concept("relation", value)) for phrase in _verbs(template))
    for template in (*words["companions"], *words["together"]):
        for piece in re.split(r"\{\w\}", template):
            if any(fold(part, language) not in stop for part in piece.split()):
                yield piece, Concept("filler", "beside")
    for value, entry in words["actions"].items():
        for template in (each for phrases in entry.values() for each in phrases):
            for phrase in _verbs(template):
                if any(fold(part, language) not in stop for part in phrase.split()):
                    yield phrase, Concept("action", value)


def _verbs(template: str) -> Iterator[str]:
    """The verb phrases of an action template, in every number and gender."""
    choices = re.findall(r"\[([^\]]*)\]", template)
    widest = max((len(choice.split("|")) for choice in choices), default=1)
    for index in range(widest):

        def choose(match: re.Match[str], index: int = index) -> str:
            options = match.group(1).split("|")
            return options[index % len(options)]

        text = re.sub(r"\[([^\]]*)\]", choose, template).replace("{a}", " ")
        for verb in ("ي", "ت") if "~" in text else ("",):
            spoken = re.sub("[~^]ي", verb, text)
            pieces = [piece.strip() for piece in re.split(r"\{\w+\}", spoken)]
            yield max(pieces, key=len)


def _name_forms(name: str, member: Named, language: str) -> Iterator[tuple[str, int]]:
    """What a cast member is called, singular and plural."""
    words = load_vocabulary(language)["nouns"]
    numbers = [fold(each, language) for each in load_prompt_words()[language]["numbers"]["2"]]
    singular = {speakable(member.names[language], language), *words["everyday"].get(name, ())}
    if name in words["always"]:
        singular.add(words["always"][name])
    for form in sorted(singular):
        yield form, 1
    for count in (2, 3):
        for seed in range(3):
            phrase = describe_actor(
                Actor(name, count),
                language,
                member.names[language],
                random.Random(seed),
                True,
                True,
            )
            for text in {phrase.text, phrase.oblique} - singular:
                # Arabic duals carry their number; elsewhere the number word comes off the plural.
                first, _, rest = text.partition(" ")
                is_counted = fold(first, language) in numbers or first in (
                    "ثلاثة",
                    "ثلاث",
                    "نسختان",
                )
                if is_counted and language != "ar" and rest not in singular:
                    yield rest.removeprefix("pair of "), 2
                elif language == "ar":
                    yield (rest, 3) if first in ("ثلاثة", "ثلاث") else (text, count)


def _unique_keywords(language: str, cast: Mapping[str, Named]) -> dict[tuple[str, ...], Concept]:
    """CLDR keywords that point to exactly one cast member."""
    owners: dict[tuple[str, ...], set[str]] = {}
    for name, member in cast.items():
        for keyword in member.keywords.get(language, ()):
            key = tuple(tokenize(keyword, language))
            if key:
                owners.setdefault(key, set()).add(name)
    return {k: Concept("actor", next(iter(v))) for k, v in owners.items() if len(v) == 1}


def detect_language(prompt: str, lexicons: Mapping[str, Lexicon]) -> str:
    """Which of the six languages a prompt is in: Arabic by its script, else by known words.

    Short prompts hold too few letters for a statistical detector, so py3langid only adds its vote.
    """
    letters = [c for c in prompt if c.isalpha()]
    arabic = sum("\u0600" <= c <= "\u06ff" for c in letters)
    if letters and arabic > len(letters) / 2:
        return "ar"
    import py3langid

    words = split_words(prompt[:2000])
    ranked = [str(language) for language, _ in py3langid.rank(prompt[:2000])]
    votes = {}
    for language in LANGUAGES:
        if language == "ar":
            continue
        small = folded_words(language, "stop") | articles_of(language)
        known = lexicons[language].words | small
        votes[language] = sum(fold(word, language) in known for word in words)
    order = [language for language in ranked if language in votes]
    # A single word known in several languages is taken for English.
    bonus = 0.6 if len(words) > 1 else 0.0
    best = max(votes, key=lambda each: (votes[each] + bonus * (each == order[0]), each == "en"))
    return best if votes[best] else order[0]
