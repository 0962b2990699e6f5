"""Drawn scripts keep to their split and show everything often enough."""

import dataclasses

import numpy as np
import pytest

from unstrung.engine.errors import InvalidRequest
from unstrung.engine.theatre.cast import members_of
from unstrung.engine.theatre.repertoire import Repertoire, draw_script
from unstrung.engine.theatre.script import (
    Action,
    Actor,
    Camera,
    Relation,
    Setting,
    Size,
    Style,
    TimeOfDay,
    Weather,
    is_held_out,
    script_is_held_out,
)

LEADS = Repertoire(members_of("lead"))


def draw(count, split="seen", repertoire=LEADS, seed=0):
    rng = np.random.default_rng(seed)
    return [draw_script(repertoire, rng, split) for _ in range(count)]


@pytest.fixture(scope="module")
def seen():
    return draw(2000)


def test_seen_scripts_never_hold_a_held_out_combination(seen):
    assert not any(script_is_held_out(script) for script in seen)


@pytest.mark.parametrize("split", ["heldout", "ood"])
def test_judged_scripts_always_hold_one(split):
    for script in draw(60, split):
        shot = script.shots[0]
        assert is_held_out(shot.actors[0].name, shot.setting, shot.action)


def test_out_of_distribution_scripts_show_groups():
    assert {script.shots[0].actors[0].count for script in draw(40, "ood")} == {2, 3}


def test_everything_is_drawn(seen):
    shots = [shot for script in seen for shot in script.shots]
    for field, kind in (
        ("setting", Setting),
        ("action", Action),
        ("camera", Camera),
        ("time_of_day", TimeOfDay),
        ("weather", Weather),
        ("style", Style),
    ):
        assert {getattr(shot, field) for shot in shots} == set(kind), field
    assert {shot.relation for shot in shots} == {None, *Relation}
    actors = [actor for shot in shots for actor in shot.actors]
    assert {actor.name for actor in actors} == set(LEADS.cast)
    assert {actor.size for actor in actors} == set(Size)
    assert {actor.count for actor in actors} == {1, 2, 3}


def test_shares_are_kept(seen):
    shots = [shot for script in seen for shot in script.shots]
    assert 0.05 < np.mean([len(script.shots) == 2 for script in seen]) < 0.11
    assert 0.12 < np.mean([len(shot.actors) == 2 for shot in shots]) < 0.18
    calm = dataclasses.replace(LEADS, pair=0, group=0, weather=0, style=0, sized=0, two_shots=0)
    for script in draw(200, repertoire=calm):
        shot = script.shots[0]
        assert shot.actors == (Actor(shot.actors[0].name),)
        assert shot.weather is Weather.CLEAR


def test_equal_generators_draw_equal_scripts():
    assert draw(20, seed=4) == draw(20, seed=4) != draw(20, seed=5)


def test_a_cast_of_one_can_still_pair_up():
    lonely = Repertoire(("circle",), pair=1.0)
    assert all(
        len(shot.actors) == 2 for script in draw(20, repertoire=lonely) for shot in script.shots
    )


def test_unknown_splits_are_refused():
    with pytest.raises(InvalidRequest, match=r"split must be seen, heldout or ood"):
        draw(1, "train")
