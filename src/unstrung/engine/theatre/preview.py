"""Contact sheets of theatre scenes with their captions, so that people can look before they train.

    repertoire -> scripts -> frames and captions -> one picture

It decides nothing about scenes: it draws what training would draw, from the lead cast.
"""

import random
from pathlib import Path

import numpy as np

from unstrung.engine.errors import InvalidRequest
from unstrung.engine.image_io import SheetStyle, contact_sheet, write_image
from unstrung.engine.shapes import VideoShape
from unstrung.engine.theatre.captions import write_caption
from unstrung.engine.theatre.cast import load_cast, members_of
from unstrung.engine.theatre.render import render
from unstrung.engine.theatre.repertoire import Repertoire, draw_script
from unstrung.engine.theatre.script import Actor, Script, Shot
from unstrung.engine.theatre.sprites import Sprites

_SHAPE = VideoShape(frames=33, height=128, width=128)
_STYLE = SheetStyle(num_frames=5, frame_width=128, font_size=12, gap=12)
_COLUMNS = 2


def write_preview(path: Path, num: int, seed: int, art: Path | None, language: str) -> None:
    """Write a contact sheet of drawn scenes, so that a person can judge them at a glance.

    Each clip is shown at five moments; its caption stands below, then the facts of its script.

    Args:
        path: picture to write; the suffix decides the format.
        num: clips to draw, at least 1.
        seed: equal seeds give equal sheets.
        art: folder of the art; without it the cast is the drawn props.
        language: of the captions.

    Raises:
        InvalidRequest: for an unknown language or suffix, or fewer clips than one.
        DataError: if art is missing or damaged, or the picture cannot be written.
    """
    if num < 1:
        raise InvalidRequest("num", num, "be at least 1", "24")
    repertoire = Repertoire(members_of("prop" if art is None else "lead"))
    generator = np.random.default_rng(seed)
    scripts = [draw_script(repertoire, generator) for _ in range(num)]
    names = {name: member.names for name, member in load_cast().items()}
    words = random.Random(seed)
    labels = [
        " / ".join(write_caption(script, language, names, words)) + "\n" + _facts(script)
        for script in scripts
    ]
    sprites = Sprites(art)
    clips = [render(script, _SHAPE, sprites) for script in scripts]
    write_image(path, contact_sheet(clips, labels, _COLUMNS, _STYLE))


def _facts(script: Script) -> str:
    """The script in one line: what must be seen, whatever the caption leaves out."""
    return f"[{' / '.join(_shot_facts(shot) for shot in script.shots)} · seed {script.seed}]"


def _shot_facts(shot: Shot) -> str:
    facts = [" + ".join(_actor_facts(actor) for actor in shot.actors), shot.action.value]
    if shot.relation is not None:
        facts.append(shot.relation.value)
    facts.append(shot.setting.value)
    defaults = Shot(shot.actors[:1], shot.setting)
    for field in ("camera", "time_of_day", "weather", "style"):
        value = getattr(shot, field)
        if value is not getattr(defaults, field):
            facts.append(value.value)
    return " · ".join(facts)


def _actor_facts(actor: Actor) -> str:
    count = f"{actor.count} " if actor.count > 1 else ""
    size = f"{actor.size.value} " if actor.size is not Actor(actor.name).size else ""
    return f"{count}{size}{actor.name}"
