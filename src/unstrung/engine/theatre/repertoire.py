"""Which scripts are played, and how often: the distributions that models are trained and judged on.

The held-out split is a rule (`script.is_held_out`), not a list: any script that would show a held-out
combination of actor, setting and action is redrawn for training, and sought for evaluation.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import numpy as np

from unstrung.engine.errors import InvalidRequest
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
    is_held_out,
    script_is_held_out,
)

T = TypeVar("T")
Split = Literal["seen", "heldout", "ood"]


@dataclass(frozen=True)
class Repertoire:
    """How often the rarer things happen; every field is a share in [0, 1].

    Attributes:
        cast: names of the members that may appear.
        pair: shots with two actors.
        group: actors that come as two or three.
        moving: shots with an action other than staying (of those with one actor).
        camera, night, weather, style, sized: shots where that part differs from its default.
        two_shots: clips of two shots.
    """

    cast: tuple[str, ...]
    pair: float = 0.15
    group: float = 0.08
    moving: float = 0.8
    camera: float = 0.25
    night: float = 0.2
    weather: float = 0.12
    style: float = 0.10
    sized: float = 0.12
    two_shots: float = 0.08


def draw_script(repertoire: Repertoire, rng: np.random.Generator, split: Split = "seen") -> Script:
    """Draw a script from a split.

    `seen` never holds a held-out combination; `heldout` shows one actor in one, and is otherwise plain;
    `ood` is like `heldout` with a size or count of things that training shows rarely.

    Raises:
        InvalidRequest: if the split is unknown.
    """
    if split == "seen":
        while True:
            num_shots = 2 if rng.random() < repertoire.two_shots else 1
            shots = tuple(_draw_shot(repertoire, rng) for _ in range(num_shots))
            script = Script(shots, seed=int(rng.integers(2**31)))
            if not script_is_held_out(script):
                return script
    if split not in ("heldout", "ood"):
        raise InvalidRequest("split", split, "be seen, heldout or ood", "heldout")
    plain = replace(
        repertoire, pair=0.0, group=0.0, night=0.0, weather=0.0, style=0.0, sized=0.0, camera=0.15
    )
    while True:
        shot = _draw_shot(plain, rng)
        if not is_held_out(shot.actors[0].name, shot.setting, shot.action):
            continue
        if split == "ood":
            unusual = Actor(shot.actors[0].name, int(rng.integers(2, 4)), _pick(list(Size), rng))
            shot = replace(shot, actors=(unusual,))
        return Script((shot,), seed=int(rng.integers(2**31)))


def _pick(options: Sequence[T], rng: np.random.Generator) -> T:
    return options[int(rng.integers(len(options)))]


_SOLO_ACTIONS = tuple(a for a in Action if a not in PAIR_ACTIONS and a is not Action.STAY)


def _draw_shot(repertoire: Repertoire, rng: np.random.Generator) -> Shot:
    paired = rng.random() < repertoire.pair
    names = [_pick(repertoire.cast, rng)]
    if paired:
        others = [name for name in repertoire.cast if name != names[0]]
        names.append(_pick(others or list(repertoire.cast), rng))
    actors = tuple(_draw_actor(name, repertoire, rng, paired) for name in names)
    relation: Relation | None = None
    if paired:
        kind = rng.random()
        if kind < 0.4:
            action, relation = Action.STAY, _pick(tuple(Relation), rng)
        elif kind < 0.8:
            action = _pick(sorted(PAIR_ACTIONS), rng)
        else:
            action = _pick(_SOLO_ACTIONS, rng)
    else:
        action = _pick(_SOLO_ACTIONS, rng) if rng.random() < repertoire.moving else Action.STAY
    return Shot(
        actors=actors,
        setting=_pick(tuple(Setting), rng),
        action=action,
        relation=relation,
        camera=_draw_camera(action, paired, repertoire, rng),
        time_of_day=_other(tuple(TimeOfDay), repertoire.night, rng),
        weather=_other(tuple(Weather), repertoire.weather, rng),
        style=_other(tuple(Style), repertoire.style, rng),
    )


def _draw_actor(name: str, repertoire: Repertoire, rng: np.random.Generator, paired: bool) -> Actor:
    count = int(rng.integers(2, 4)) if rng.random() < repertoire.group and not paired else 1
    sized = rng.random() < repertoire.sized and not paired
    return Actor(name, count, _pick((Size.SMALL, Size.LARGE), rng) if sized else Size.NORMAL)


def _other(options: Sequence[T], share: float, rng: np.random.Generator) -> T:
    """The default (first) option, or with the given share any other one."""
    return _pick(options[1:], rng) if rng.random() < share else options[0]


_FOLLOWED = frozenset({Action.CROSS_RIGHT, Action.CROSS_LEFT})


def _draw_camera(
    action: Action, paired: bool, repertoire: Repertoire, rng: np.random.Generator
) -> Camera:
    """A camera move that leaves the action readable: following only who crosses, else mostly who stays."""
    if rng.random() >= repertoire.camera:
        return Camera.STILL
    if action in _FOLLOWED and not paired:
        return Camera.FOLLOW
    moves = [c for c in Camera if c not in (Camera.STILL, Camera.FOLLOW)]
    calm = action in (Action.STAY, Action.SPIN, Action.SHAKE, Action.BOUNCE)
    return _pick(moves, rng) if calm else Camera.STILL
