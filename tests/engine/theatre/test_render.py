"""Frames show what the script says, the same for the same seed, at any shape."""

import dataclasses

import numpy as np
import pytest

from unstrung.engine.shapes import VideoShape
from unstrung.engine.theatre.render import render, shot_of_latent_frames
from unstrung.engine.theatre.script import (
    Action,
    Actor,
    Camera,
    Relation,
    Script,
    Setting,
    Shot,
    Style,
    TimeOfDay,
    Weather,
)
from unstrung.engine.theatre.sprites import Sprites

SPRITES = Sprites(None)
SMALL = VideoShape(9, 64, 64)
STILL = VideoShape(1, 64, 64)


def clip_of(*actors, shape=SMALL, seed=0, setting=Setting.SNOW, moment=None, **parts):
    cast = tuple(Actor(name) if isinstance(name, str) else name for name in actors)
    return render(Script((Shot(cast, setting, **parts),), seed), shape, SPRITES, moment)


def redness(clip):
    """Where the red circle is, (F, H, W) in {0, 1}."""
    red, green, blue = (clip[..., channel].astype(int) for channel in range(3))
    return (red > 130) & (red - green > 70) & (red - blue > 70)


def blueness(clip):
    """Where the blue box is, (F, H, W) in {0, 1}."""
    red, green, blue = (clip[..., channel].astype(int) for channel in range(3))
    return (blue > 130) & (blue - red > 90) & (blue - green > 60)


def centre_x(mask):
    return np.array([np.flatnonzero(frame.any(axis=0)).mean() for frame in mask])


@pytest.mark.parametrize(
    "shape",
    [VideoShape(1, 32, 32), VideoShape(5, 64, 112), VideoShape(5, 112, 64), VideoShape(13, 48, 48)],
    ids=str,
)
def test_clips_have_the_wanted_shape(shape):
    clip = clip_of("circle", shape=shape, action=Action.BOUNCE)
    assert clip.shape == (shape.frames, shape.height, shape.width, 3)
    assert clip.dtype == np.uint8


def test_equal_seeds_draw_equal_frames_and_others_do_not():
    first, again, other = (clip_of("circle", seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_crossing_is_seen():
    places = centre_x(redness(clip_of("circle", action=Action.CROSS_RIGHT)))
    assert (np.diff(places) > 0).all()


def test_actors_are_wholly_in_view_when_they_stay():
    for seed in range(6):
        mask = redness(clip_of("circle", seed=seed, shape=STILL))[0]
        assert mask.sum() > 200
        rim = mask.copy()
        rim[1:-1, 1:-1] = False
        assert not rim.any()


def test_relations_are_seen():
    left = clip_of("circle", "box", shape=STILL, relation=Relation.LEFT_OF)
    assert centre_x(redness(left)) < centre_x(blueness(left))
    front = clip_of("circle", "box", shape=STILL, relation=Relation.IN_FRONT_OF)
    behind = clip_of("circle", "box", shape=STILL, relation=Relation.BEHIND)
    assert redness(front).sum() > 1.2 * redness(behind).sum()


def test_who_passes_behind_is_hidden_in_the_middle():
    clip = clip_of("box", "circle", action=Action.PASS_BEHIND, shape=VideoShape(33, 64, 64))
    walker, other = blueness(clip).sum(axis=(1, 2)), redness(clip).sum(axis=(1, 2))
    assert walker[16] < 0.25 * min(walker[0], walker[-1])
    assert other[16] > 0.9 * other[8]  # the same phase of its loop


@pytest.mark.parametrize(("setting", "has_shadow"), [(Setting.SNOW, True), (Setting.SPACE, False)])
def test_shadows_fall_only_where_there_is_a_floor(setting, has_shadow):
    empty = clip_of("circle", setting=setting, shape=STILL, action=Action.ENTER, moment=0.0)
    risen = clip_of("circle", setting=setting, shape=STILL, action=Action.RISE, moment=1.0)
    floor = np.s_[0, 34:58]  # nobody is there: one is outside, the other high up
    darker = empty[floor].astype(int) - risen[floor]
    assert (darker.max() > 12) == has_shadow
    assert darker.min() >= -1


def test_cuts_fall_on_latent_frames():
    assert shot_of_latent_frames(1, 4) == (0, 0, 0, 0)
    assert shot_of_latent_frames(2, 9) == (0, 0, 0, 0, 0, 1, 1, 1, 1)
    assert shot_of_latent_frames(3, 1) == (0,)
    shots = (Shot((Actor("circle"),), Setting.SNOW), Shot((Actor("box"),), Setting.VOLCANO))
    clip = render(Script(shots), VideoShape(17, 64, 64), SPRITES).astype(int)
    changes = np.abs(np.diff(clip, axis=0)).mean(axis=(1, 2, 3))
    cut = 1 + 4 * 2  # three of five latent frames, the first of which is a single frame
    assert int(changes.argmax()) + 1 == cut
    assert changes.max() > 5 * np.median(changes)
    assert np.abs(clip[0] - clip[-1]).mean() > 20


def test_more_shots_than_latent_frames_draw_those_that_fit():
    shots = tuple(Shot((Actor("circle"),), setting) for setting in (Setting.SNOW, Setting.SEA))
    assert render(Script(shots), STILL, SPRITES).shape == (1, 64, 64, 3)


def test_stills_show_the_wanted_moment():
    early, late = (
        clip_of("circle", shape=STILL, action=Action.CROSS_RIGHT, moment=moment)
        for moment in (0.1, 0.9)
    )
    assert centre_x(redness(early)) < centre_x(redness(late))


@pytest.mark.parametrize("action", [Action.ENTER, Action.LEAVE])
def test_stills_of_who_comes_or_goes_are_never_empty(action):
    for seed in range(12):
        assert redness(clip_of("circle", shape=STILL, action=action, seed=seed)).any()


@pytest.mark.parametrize("camera", [c for c in Camera if c is not Camera.STILL])
def test_every_camera_moves_the_scenery(camera):
    still = clip_of("circle")
    moved = clip_of("circle", camera=camera, action=Action.CROSS_RIGHT)
    corner = np.s_[:, :20, :20]
    assert np.abs(np.diff(still[corner].astype(int), axis=0)).max() == 0
    assert np.abs(moved[0, 20:50].astype(int) - moved[-1, 20:50]).mean() > 2


@pytest.mark.parametrize(
    "change",
    [
        {"time_of_day": TimeOfDay.NIGHT},
        {"time_of_day": TimeOfDay.SUNSET},
        {"weather": Weather.RAIN},
        {"weather": Weather.FOG},
        {"style": Style.SEPIA},
        {"setting": Setting.CANDY},
    ],
    ids=str,
)
def test_every_part_of_a_script_is_seen(change):
    plain = Script((Shot((Actor("circle"),), Setting.PARK),), 5)
    changed = dataclasses.replace(plain, shots=(dataclasses.replace(plain.shots[0], **change),))
    pictures = [render(script, STILL, SPRITES).astype(int) for script in (plain, changed)]
    assert np.abs(pictures[0] - pictures[1]).mean() > 4


def test_groups_are_drawn_body_by_body():
    mask = redness(clip_of(Actor("circle", 3), shape=STILL))[0]
    columns = mask.any(axis=0)
    row = mask[int(np.flatnonzero(mask.any(axis=1)).mean())]
    assert np.diff(np.concatenate([[0], row, [0]])).clip(0).sum() == 3
    assert columns.sum() > 30


def test_spinning_turns_about_the_middle_of_the_body():
    mask = redness(clip_of("circle", action=Action.SPIN, shape=VideoShape(17, 64, 64)))
    heights = [np.flatnonzero(frame.any(axis=1)).mean() for frame in mask]
    assert np.ptp(heights) < 2.5
