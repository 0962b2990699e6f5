"""Noun phrases for actors: names, articles, gender, plurals and sizes in six languages.

Rules first, exception tables from the vocabulary where rules fail. It knows words, not scenes.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from unstrung.engine.theatre.script import Actor, Size
from unstrung.engine.theatre.vocabulary import load_vocabulary

_HARAKAT = re.compile("[\u064b-\u0652\u0640]")
VOWELS = "aeiouàâäáéèêëíìîïóòôöúùûüœæAEIOUÉÈÊŒ"


@dataclass(frozen=True)
class NounPhrase:
    """One actor in words.

    Attributes:
        text: as subject.
        oblique: as object or after a preposition; differs from `text` only in Arabic.
        plural, feminine: what verbs and adjectives agree with.
        definite: the phrase with "the", where one can be made.
    """

    text: str
    oblique: str
    plural: bool = False
    feminine: bool = False
    definite: str | None = None


def caption_name(name: str, language: str, cldr_name: str, rng: random.Random) -> str:
    """What a caption calls a cast member: the CLDR name made speakable, or an everyday word for it.

    Args:
        name: cast name such as "lady_beetle".
        language: one of `LANGUAGES`.
        cldr_name: the name as CLDR spells it in that language.
        rng: decides between the plain name and everyday alternatives (half and half).
    """
    words = load_vocabulary(language)["nouns"]
    spoken = words["always"].get(name) or speakable(cldr_name, language)
    everyday = words["everyday"].get(name)
    return str(rng.choice(everyday)) if everyday and rng.random() < 0.5 else spoken


_WITH = {"en": "with", "it": "con", "fr": "aux", "es": "con", "ar": "ب", "id": "dengan"}
_JOINED_TAILS = ("bald", "calvo", "chauve", "sin pelo", "أصلع", "gundul")


def speakable(cldr_name: str, language: str) -> str:
    """A CLDR name without typographic habits: curly apostrophes, vowel signs, colons, remarks."""
    text = _HARAKAT.sub("", cldr_name.replace("\u2019", "'"))
    text = re.sub(r"\s*\([^)]*\)", "", text)
    head, colon, tail = (part.strip() for part in text.partition(":"))
    if not colon:
        return text
    if tail in _JOINED_TAILS:
        return f"bald {head}" if tail == "bald" else f"{head} {tail}"
    joint = "" if language == "ar" else " "
    return f"{head} {_WITH[language]}{joint}{tail}"


def kind_of(name: str) -> str:
    """person, animal, swimmer, flyer, aircraft, vehicle or thing, by the words of a cast name."""
    kinds = load_vocabulary("en")["nouns"]["kinds"]
    words = name.split("_")
    if name in kinds["thing"] or "face" in words:
        return "thing"
    if words[0] in ("person", "people", "man", "woman", "men", "women"):
        return "person"
    order = ("aircraft", "flyer", "swimmer", "vehicle", "animal", "person")
    for kind in order:
        if name in kinds[kind]:
            return kind
    for kind in order:
        if any(word in kinds[kind] for word in words):
            return kind
    return "thing"


def is_creature(name: str) -> bool:
    """Whether a cast member can watch, wait and look on."""
    return kind_of(name) in ("person", "animal", "swimmer", "flyer")


def describe_actor(
    actor: Actor, language: str, cldr_name: str, rng: random.Random, bare: bool, sized: bool
) -> NounPhrase:
    """One actor with count, article and size.

    Args:
        actor: who, how many, how tall.
        language: one of `LANGUAGES`.
        cldr_name: the actor's name in that language.
        rng: picks among synonyms.
        bare: leave the article out, as in "fox in snow"; numbers always stay.
        sized: mention a size other than normal.
    """
    name = caption_name(actor.name, language, cldr_name, rng)
    size = actor.size if sized and actor.size is not Size.NORMAL else None
    if language == "en":
        return _english(name, actor.count, size, rng, bare)
    if language == "ar":
        return _arabic(actor.name, name, actor.count, size, rng)
    if language == "id":
        return _indonesian(actor.name, name, actor.count, size, rng, bare)
    return _romance(language, name, actor.count, size, rng, bare)


_ENGLISH_STOPS = frozenset(
    (
        "in",
        "with",
        "without",
        "of",
        "on",
        "behind",
        "over",
        "from",
        "to",
        "seen",
        "facing",
        "up",
        "down",
        "at",
        "for",
        "no",
        "that",
        "OK",
        "and",
    )
)


def plural_forms(language: str, noun: str) -> list[tuple[str, int]]:
    """Forms of one noun that say "more than one" by themselves, each with its number (2 if open)."""
    if language == "ar":
        is_simple = " " not in noun and not noun.endswith("ا")
        return [(_dual(noun, ending), 2) for ending in ("ان", "ين")] if is_simple else []
    if language == "id":
        return []
    first, *rest = noun.split()
    if language == "en":
        last = rest.pop() if rest else first
        plural = load_vocabulary("en")["nouns"]["plurals"].get(last) or english_plural(last)
        return [(" ".join([*([first] if noun != last else []), *rest, plural]), 2)]
    plural = _romance_plural(language, first)
    return [(" ".join([plural, *rest]), 2)] if plural != first else []


def _english(
    name: str, count: int, size: Size | None, rng: random.Random, bare: bool
) -> NounPhrase:
    words = load_vocabulary("en")["nouns"]
    parts = name.split()
    whole = parts[-1] in ("face", "cat") and not _ENGLISH_STOPS & set(parts)
    stop = next((i for i, w in enumerate(parts) if i and not whole and _ends_head(w)), len(parts))
    stop = 1 if parts[0] in ("person", "people") else stop
    head = parts[stop - 1]
    is_group = head in words["already_plural"]
    adjective = f"{rng.choice(load_vocabulary('en')['sizes'][size.value])} " if size else ""
    if count > 1:
        number = rng.choice(words["numbers"][str(count)])
        if is_group:
            number = words["numbers"][str(count)][0]
            return _same(f"{number} {words['sets']} {adjective}{name}", True)
        parts[stop - 1] = words["plurals"].get(head) or english_plural(head)
        return _same(f"{number} {adjective}{' '.join(parts)}", True)
    phrase = adjective + name
    if bare or is_group or name in words["no_article"]:
        return _same(phrase, is_group, f"the {phrase}" if is_group else None)
    return _same(f"{english_article(phrase)} {phrase}", False, f"the {phrase}")


def _ends_head(word: str) -> bool:
    return word in _ENGLISH_STOPS or (word.endswith("ing") and word not in ("king", "ring", "wing"))


def english_article(phrase: str) -> str:
    """`a` or `an`, by the sound that the phrase starts with."""
    words = load_vocabulary("en")["nouns"]
    first = phrase.split()[0]
    if any(first.lower().startswith(w) for w in words["consonant_sound"]):
        return "a"
    starts_open = first[0] in VOWELS or any(first.startswith(w) for w in words["vowel_sound"])
    return "an" if starts_open else "a"


def english_plural(noun: str) -> str:
    """The regular plural of one English noun."""
    if re.search(r"(s|x|z|ch|sh)$", noun):
        return noun + "es"
    if re.search(r"[^aeiou]y$", noun):
        return noun[:-1] + "ies"
    return noun + "s"


def _romance(
    language: str, name: str, count: int, size: Size | None, rng: random.Random, bare: bool
) -> NounPhrase:
    words = load_vocabulary(language)["nouns"]
    parts = name.split()
    stops = words["stops"]
    stop = next((i for i, w in enumerate(parts) if i and (w in stops or _is_verbal(w))), len(parts))
    head, tail = parts[:stop], parts[stop:]
    feminine = _is_feminine(language, head)
    is_group = head[0] in words["already_plural"]
    many = count > 1 or is_group
    if count > 1 and not is_group:
        head = [_romance_plural(language, word) for word in head]
        tail = _plural_clause(language, tail)
    if size:
        place, *forms = rng.choice(load_vocabulary(language)["sizes"][size.value])
        form = forms[(2 if many else 0) + feminine]
        if place == "before":
            head = [form, *head]
        elif tail and tail[0][:1] == "d" and len(tail) < 3:
            tail = [*tail, form]
        else:
            head = [*head, form]
    phrase = " ".join([*head, *tail])
    if count > 1:
        number = rng.choice(words["numbers"][str(count)][:3])
        group = f"{words['sets']} " if is_group else ""
        return _same(f"{number} {group}{phrase}", True, feminine=feminine and not is_group)
    if bare or is_group or phrase.startswith(("Babbo", "Santa", "Papá", "père", "mère", "Mamma")):
        return NounPhrase(phrase, phrase, is_group, feminine)
    text = _join(_indefinite(language, phrase, feminine), phrase)
    definite = _join(_definite(language, phrase, feminine), phrase)
    return NounPhrase(text, text, False, feminine, definite)


def _is_verbal(word: str) -> bool:
    """Elided articles and Spanish gerunds end the part of a name that takes the plural."""
    return "'" in word or bool(re.search(r"(ando|iendo|yendo|éndose)$", word))


def _plural_clause(language: str, tail: list[str]) -> list[str]:
    """The verb of a relative clause such as "che nasce", put into the plural."""
    if not tail or tail[0] not in ("che", "qui", "que"):
        return tail
    words = load_vocabulary(language)["nouns"]
    at = next(i for i, w in enumerate(tail) if i and w not in ("si", "se", "non", "ne"))
    prefix, _, verb = tail[at].rpartition("'")
    elided = f"{prefix}'" if prefix else ""
    regular = {"it": {"a": "ano", "e": "ono"}, "fr": {"e": "ent"}, "es": {"a": "an", "e": "en"}}
    ending = regular[language].get(verb[-1])
    plural = words["plurals"].get(verb) or (verb[:-1] + ending if ending else verb)
    return [*tail[:at], elided + plural, *tail[at + 1 :]]


def _join(article: str, phrase: str) -> str:
    return f"{article}{phrase}" if article.endswith("'") else f"{article} {phrase}"


def _is_feminine(language: str, head: Sequence[str]) -> bool:
    words = load_vocabulary(language)["nouns"]
    adjectives_first = {"petit": 1, "petite": 1, "grande": 1, "gran": 1, "bonhomme": 0}
    noun = head[adjectives_first.get(head[0], 0)] if len(head) > 1 else head[0]
    if noun in words["masculine"]:
        return False
    if noun in words["feminine"] or noun in words.get("stressed_a", ()):
        return True
    if language == "fr":
        if noun.endswith("s") and noun[:-1] in words["feminine"]:
            return True
        return noun.endswith(tuple(words["feminine_endings"])) or noun == "grande"
    if language == "es":
        return noun.endswith(("a", "as", "ción", "sión", "dad", "tud"))
    return noun.endswith(("a", "zione", "sione", "tà")) or noun == "impronte"


def _romance_plural(language: str, word: str) -> str:
    exceptions = load_vocabulary(language)["nouns"]["plurals"]
    if word in exceptions:
        return str(exceptions[word])
    return {"it": _italian_plural, "fr": _french_plural, "es": _spanish_plural}[language](word)


def _italian_plural(word: str) -> str:
    if word.endswith("mente"):
        return word
    if word.endswith(("ca", "ga")):
        return word[:-1] + "he"
    if word.endswith(("cia", "gia")) and word[-4:-3] not in VOWELS:
        return word[:-2] + "e"
    if word.endswith("a"):
        return word[:-1] + "e"
    if word.endswith("ico"):
        return word[:-1] + "i"
    if word.endswith(("co", "go")):
        return word[:-1] + "hi"
    if word.endswith("io"):
        return word[:-1]
    return word[:-1] + "i" if word.endswith(("o", "e")) else word


def _french_plural(word: str) -> str:
    if word.endswith(("s", "x", "z", "ment")):
        return word
    if word.endswith("al"):
        return word[:-2] + "aux"
    return word + ("x" if word.endswith(("eau", "eu", "œu")) else "s")


def _spanish_plural(word: str) -> str:
    accents = str.maketrans("áéíóú", "aeiou")
    if word.endswith("z"):
        return word[:-1] + "ces"
    if re.search(r"[áéíóú][ns]$", word):
        return word[:-2] + word[-2:].translate(accents) + "es"
    if word.endswith("s"):
        return word
    return word + ("s" if word[-1] in "aeiouáéíóú" else "es")


def _indefinite(language: str, phrase: str, feminine: bool) -> str:
    first = phrase.split()[0]
    if language == "fr":
        return "une" if feminine else "un"
    if language == "es":
        stressed = first in load_vocabulary("es")["nouns"]["stressed_a"]
        return "una" if feminine and not stressed else "un"
    if feminine:
        return "un'" if first[0] in VOWELS else "una"
    return "uno" if _needs_lo(first) else "un"


_ASPIRATED = ("hérisson", "homard", "hibou", "hamster", "hors-bord", "héros", "haut", "hutte")


def _definite(language: str, phrase: str, feminine: bool) -> str:
    first = phrase.split()[0]
    opens = first[0] in VOWELS
    if language == "fr":
        mute_h = first[0] in "hH" and not first.startswith(_ASPIRATED)
        return "l'" if opens or mute_h else ("la" if feminine else "le")
    if language == "es":
        stressed = first in load_vocabulary("es")["nouns"]["stressed_a"]
        return "la" if feminine and not stressed else "el"
    if opens:
        return "l'"
    return "la" if feminine else ("lo" if _needs_lo(first) else "il")


def _needs_lo(word: str) -> bool:
    return bool(re.match(r"(z|s[bcdfghlmnpqrtvz]|gn|ps|pn|x|y|i[aeou])", word.lower()))


def _indonesian(
    cast_name: str, name: str, count: int, size: Size | None, rng: random.Random, bare: bool
) -> NounPhrase:
    words = load_vocabulary("id")["nouns"]
    kind = kind_of(cast_name)
    creature = "creature" if is_creature(cast_name) else "thing"
    is_person = kind == "person" or cast_name.startswith(("mer", "fairy"))
    is_mask = name.startswith(("wajah", "topeng"))
    one, many = words["classifiers"]["thing" if is_mask else "person" if is_person else creature]
    says_person = name.startswith("orang") and is_person
    phrase = name + (f" {rng.choice(load_vocabulary('id')['sizes'][size.value])}" if size else "")
    if count > 1:
        number = rng.choice(words["numbers"][str(count)])
        classified = number != "sepasang" and not says_person and rng.random() < 0.6
        return _same(f"{number} {many} {phrase}" if classified else f"{number} {phrase}", True)
    return _same(phrase if bare or says_person else f"{one} {phrase}", False)


def _same(
    text: str, plural: bool, definite: str | None = None, feminine: bool = False
) -> NounPhrase:
    return NounPhrase(text, text, plural, feminine, definite)


def _arabic(
    cast_name: str, name: str, count: int, size: Size | None, rng: random.Random
) -> NounPhrase:
    vocabulary = load_vocabulary("ar")
    words = vocabulary["nouns"]
    parts = name.split()
    feminine = parts[0] in words["feminine"] or parts[0].endswith("ة")
    forms = rng.choice(vocabulary["sizes"][size.value]) if size else None
    adjective = forms[feminine] if forms else ""
    if count == 1:
        text = f"{name} {adjective}".strip()
        definite = f"ال{name}" if len(parts) == 1 and not forms and name[:2] != "ال" else None
        return NounPhrase(text, text, False, feminine, definite)
    if count == 2:
        nominative = _arabic_dual(parts, adjective, "ان")
        if nominative:
            oblique = _arabic_dual(parts, adjective, "ين") or nominative
            return NounPhrase(nominative, oblique, True, feminine)
    plural = _arabic_plural(name)
    if count == 3 and plural:
        number = "ثلاث" if feminine else "ثلاثة"
        of_people = kind_of(cast_name) == "person"
        many = f"{number} {plural} {forms[1 + of_people] if forms else ''}"
        return _same(many.strip(), True, feminine=feminine)
    two, two_oblique, three = words["copies"]
    single = f"{name} {adjective}".strip()
    if count == 2:
        return NounPhrase(f"{two} {single}", f"{two_oblique} {single}", True, True)
    return _same(f"{three} {single}", True, feminine=True)


def _arabic_plural(name: str) -> str | None:
    words = load_vocabulary("ar")["nouns"]
    first, _, second = name.partition(" ")
    if name in words["plurals"]:
        return str(words["plurals"][name])
    if not second and name.endswith("ة"):
        return f"{name[:-1]}ات"
    if first not in words["plurals"] or " " in second or second.startswith(("ي", "ت")):
        return None
    if first == "وجه" and second not in words["plurals"] and second[0] not in "بوا":
        return f"وجوه {second}ة"
    return f"{words['plurals'][first]} {words['adjectives'].get(second, second)}"


def _arabic_dual(parts: Sequence[str], adjective: str, ending: str) -> str | None:
    """Two of one- or two-word names: "دبان قطبيان", and "سيارتا إسعاف" where the second word is a noun."""
    words = load_vocabulary("ar")["nouns"]
    sized = [_dual_adjective(adjective, ending)] if adjective else []
    is_dual = parts[0].endswith("ان") and len(parts[0]) > 4
    if parts[0].endswith("ا") or is_dual or len(parts) > 2:
        return None
    noun = _dual(parts[0], ending)
    if len(parts) == 1:
        return " ".join([noun, *sized])
    if parts[1] in words["adjectives"]:
        return " ".join([noun, _dual(parts[1], ending), *sized])
    if parts[0] not in words["plurals"] or parts[1].startswith(("ي", "ت")):
        return None
    described = parts[1][0] in "بو" and parts[1] not in (*words["plurals"], "بحر")
    is_adjective = not described and parts[1] not in words["plurals"] and parts[1][:2] != "ال"
    if parts[0] == "وجه" and is_adjective:
        return " ".join([noun, _dual(parts[1], ending), *sized])
    return " ".join([noun if described else noun[:-1], parts[1], *sized])


def _dual(noun: str, ending: str) -> str:
    return (noun[:-1] + "ت" if noun.endswith("ة") else noun) + ending


def _dual_adjective(adjective: str, ending: str) -> str:
    first, _, rest = adjective.partition(" ")
    return f"{_dual(first, ending)} {rest}".strip()
