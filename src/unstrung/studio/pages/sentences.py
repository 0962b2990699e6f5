"""Sentences that come from below the pages, told in the reader's language: notes, failures, refusals.

The engine and the services speak English, to programs as well as to people, and their sentences are kept in
rows. So they are recognised here by their form. One that is not known stays English and says that it is.
"""

import re
from functools import cache
from typing import Final

from markupsafe import Markup

from unstrung.studio.pages.languages import Language


def N_(sentence: str) -> str:  # noqa: N802 (the usual name of what marks words for translation)
    """Mark words for translation that are looked up later."""
    return sentence


_PLACE: Final = re.compile(r"%\((\w+)\)s")
_PREFIX: Final = re.compile(r"(\w+): (.+)", re.DOTALL)
_FORMS: Final = (
    N_("No actor was recognised, so only the place is described."),
    N_("No place was named, so the setting is %(setting)s."),
    N_("To %(action)s takes two; there is only one actor."),
    N_(
        "seconds %(asked)s is delivered as %(given)s s (%(count)s frames), the nearest legal length."
    ),
    N_("Drawn at %(given)s and scaled to %(asked)s."),
    N_(
        "The clip does not fit into this machine's memory; ask for a smaller size, fewer seconds or a "
        "smaller count."
    ),
    N_("The video could not be made; the operator can see why."),
    N_("%(count)s workers died over this video; it is not tried again."),
    N_(
        "Invalid '%(field)s': must say what should be seen, such as 'a fox crosses a snowy field', got "
        "%(given)s."
    ),
    N_("Invalid '%(field)s': must be a number of seconds such as 4 or '4', got %(given)s."),
    N_("Invalid '%(field)s': must lie above 0 and be at most %(most)s seconds, got %(given)s."),
    N_("Invalid '%(field)s': must be WIDTHxHEIGHT such as 1280x720, got %(given)s."),
    N_(
        "Invalid '%(field)s': must have even sides of %(least)s to %(most)s pixels; try %(fix)s, got "
        "%(given)s."
    ),
    N_("Invalid '%(field)s': must have at most %(most)s characters, got %(given)s."),
    N_("Invalid '%(field)s': Input should be greater than or equal to %(least)s, got %(given)s."),
    N_("Invalid '%(field)s': Input should be less than or equal to %(most)s, got %(given)s."),
    N_(
        "Invalid '%(field)s': Input should be a valid integer, unable to parse string as an integer, "
        "got %(given)s."
    ),
    N_("Missing required parameter: '%(field)s'."),
    N_("The file is empty; send %(accepted)s."),
    N_("The file is none that can be read here; send %(accepted)s."),
    N_("The file is none that can be read here although it was sent as %(kind)s; send %(accepted)s."),
    N_("The file must have at most %(most)s bytes, got %(given)s; send a smaller one."),
    N_("The picture is damaged or cut off; send %(accepted)s."),
    N_("The video is damaged or cut off; send %(accepted)s."),
    N_("The file carries no recipe; it was made or rewritten by another program."),
    N_("There is a folder '%(name)s' already."),
    N_(
        "At most %(most)s of your videos may wait or run at a time; wait for one, or cancel one."
    ),
    N_("At most %(most)s videos may be asked for within 24 hours."),
    N_("There is no video '%(id)s'."),
    N_("There is no share '%(id)s'."),
    N_("Choose the mp4 of a clip."),
    N_("It stops everybody."),
    N_(
        "Somebody whom it stops complained, appealed, wrote a letter or refused a task within 30 days."
    ),
    N_("Write what is seen on at least one card."),
)  # fmt: skip
# What stands in the places of some and is English itself.
_WORDS: Final = frozenset(
    (
        N_("park"), N_("meadow"), N_("underwater"), N_("clouds"), N_("city"), N_("snow"),
        N_("chase"), N_("meet"), N_("pass behind"), N_("jump over"),
        N_("a PNG, JPEG, WebP or GIF picture, or an MP4, MOV or WebM video"),
    )
)  # fmt: skip


def translated(language: Language, sentence: str) -> str:
    """A sentence for a reader; as marked-up English where it is none that is known."""
    if language.code == "en":
        return sentence
    found = _recognised(sentence)
    if found is not None:
        return _said(language, *found)
    # Services name the field of a file before what is wrong with it.
    prefix = _PREFIX.fullmatch(sentence)
    found = _recognised(prefix[2]) if prefix else None
    if prefix and found is not None:
        return f"{prefix[1]}: {_said(language, *found)}"
    return Markup('<span lang="en" dir="ltr">{}</span>').format(sentence)


def _said(language: Language, form: str, values: dict[str, str]) -> str:
    say = language.words.gettext
    told = {name: say(value) if value in _WORDS else value for name, value in values.items()}
    return say(form) % told


def _recognised(sentence: str) -> tuple[str, dict[str, str]] | None:
    """The form of a sentence and what stands in its places."""
    for form, pattern in _patterns():
        match = pattern.fullmatch(sentence)
        if match:
            return form, match.groupdict()
    return None


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((form, _pattern(form)) for form in _FORMS)


def _pattern(form: str) -> re.Pattern[str]:
    parts = _PLACE.split(form)
    made = "".join(
        re.escape(part) if index % 2 == 0 else f"(?P<{part}>.*?)"
        for index, part in enumerate(parts)
    )
    return re.compile(made, re.DOTALL)
