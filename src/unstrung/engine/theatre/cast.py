"""The cast: who can stand on stage, what each is called in six languages, and which way it looks.

Facts (names, keywords, code points) come from CLDR 48.2.0 (Unicode-3.0) and the art packages named in
NOTICE. Tier, kind and facing are ours, read off a contact sheet of the art. Drawn props need no art at
all and serve the tests.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

from unstrung.engine.errors import InvalidRequest

Tier = Literal["lead", "wide", "prop"]
Kind = Literal["animal", "vehicle", "person", "face", "thing"]
Facing = Literal["left", "right", "front"]


@dataclass(frozen=True)
class CastMember:
    """One character of the theatre.

    Attributes:
        name: the key used in scripts, lower case with underscores.
        code: code points of the art file `<code>.webp`; empty for drawn props.
        tier: `lead` members are the first that a model learns; `wide` members follow; `prop`s are drawn.
        facing: where the art looks; side views are mirrored when they move the other way.
        names, keywords: by language (en, it, fr, es, ar, id).
    """

    name: str
    code: str
    tier: Tier
    kind: Kind
    facing: Facing
    names: Mapping[str, str]
    keywords: Mapping[str, tuple[str, ...]]


_PROP_NAMES = {
    "circle": ("circle", "cerchio", "cercle", "círculo", "دائرة", "lingkaran"),
    "box": ("box", "scatola", "boîte", "caja", "صندوق", "kotak"),
    "triangle": ("triangle", "triangolo", "triangle", "triángulo", "مثلث", "segitiga"),
    "ring": ("ring", "anello", "anneau", "anillo", "حلقة", "cincin"),
    "cross": ("cross", "croce", "croix", "cruz", "صليب", "salib"),
    "diamond": ("diamond", "rombo", "losange", "rombo", "معين", "wajik"),
}
_LANGUAGES = ("en", "it", "fr", "es", "ar", "id")


@cache
def load_cast() -> dict[str, CastMember]:
    """All members by name: lead first, then wide, then drawn props."""
    text = resources.files("unstrung.engine.theatre").joinpath("cast.json").read_text("utf-8")
    members = {
        raw["name"]: CastMember(
            name=raw["name"],
            code=raw["code"],
            tier=raw["tier"],
            kind=raw["kind"],
            facing=raw["facing"],
            names=raw["names"],
            keywords={lang: tuple(words) for lang, words in raw["keywords"].items()},
        )
        for raw in json.loads(text)
    }
    for name, names in _PROP_NAMES.items():
        by_language = dict(zip(_LANGUAGES, names, strict=True))
        members[name] = CastMember(name, "", "prop", "thing", "front", by_language, {})
    return members


def members_of(tier: Tier) -> tuple[str, ...]:
    """Names of all members of one tier, in their fixed order."""
    return tuple(name for name, member in load_cast().items() if member.tier == tier)


def member(name: str) -> CastMember:
    """One member by name.

    Raises:
        InvalidRequest: if nobody of that name is in the cast.
    """
    cast = load_cast()
    if name not in cast:
        raise InvalidRequest("actor", name, "be a cast member", "a name from `unstrung data cast`")
    return cast[name]
