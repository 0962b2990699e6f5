"""Layouts say where renders show their bodies, without a picture being painted."""

import numpy as np
import pytest

from unstrung.engine.layout import BODIES_PER_ACTOR, BODY, CAMERA, LAYOUT_SIZE, NUM_BODIES
from unstrung.engine.shapes import VideoShape
from unstrung.engine.theatre.layout import layout_of
from unstrung.engine.theatre.render import render
from unstrung.engine.theatre.script import (
    Action,
    Actor,
    Camera,
    Relation,
    Script,
    Setting,
    Shot,
    Style,
)
from unstrung.engine.theatre.sprites import Sprites

SPRITES = Sprites(None)
SQUARE = VideoShape(33, 128, 128)


def bodies(layout: np.ndarray) -> np.ndarray:
    """(F, bodies, fields) of a layout."""
    return layout[:, 1 + len(CAMERA) :].reshape(len(layout), NUM_BODIES, len(BODY))


def laid_out(shot: Shot, shape: VideoShape = SQUARE, seed: int = 3) -> np.ndarray:
    return layout_of(Script((shot,), seed), shape, SPRITES)


def field(layout: np.ndarray, name: str, body: int = 0) -> np.ndarray:
    return bodies(layout)[:, body, BODY.index(name)]


@pytest.mark.parametrize(
    "shape", [VideoShape(1, 128, 128), SQUARE, VideoShape(33, 128, 224), VideoShape(17, 224, 128)]
)
def test_a_layout_has_one_row_for_each_latent_frame(shape: VideoShape) -> None:
    layout = laid_out(Shot((Actor("circle"),), Setting.MEADOW, Action.BOUNCE), shape)
    assert layout.shape == (shape.latent.frames, LAYOUT_SIZE)
    assert (layout[:, 0] == 1).all()


@pytest.mark.parametrize(
    ("action", "camera"),
    [
        (Action.CROSS_RIGHT, Camera.STILL),
        (Action.BOUNCE, Camera.STILL),
        (Action.GROW, Camera.STILL),
        (Action.STAY, Camera.PAN_LEFT),
        (Action.STAY, Camera.ZOOM_IN),
        (Action.CROSS_LEFT, Camera.FOLLOW),
    ],
)
@pytest.mark.parametrize("setting", [Setting.STAGE, Setting.SPACE])
def test_bodies_are_drawn_where_the_layout_says(
    action: Action, camera: Camera, setting: Setting
) -> None:
    # Two renders that differ in the body alone differ where the body is, and on a floor in its shadow.
    shape = VideoShape(33, 128, 128)
    shots = [Shot((Actor(name),), setting, action, camera=camera) for name in ("circle", "box")]
    clips = [render(Script((shot,), 3), shape, SPRITES).astype(int) for shot in shots]
    layout = laid_out(shots[0], shape)
    for frame in range(shape.latent.frames):
        differs = np.abs(clips[0][4 * frame] - clips[1][4 * frame]).sum(axis=2) > 60
        rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
        middle = ((columns[0] + columns[-1]) / 2, (rows[0] + rows[-1]) / 2)
        body = bodies(layout)[frame, 0]
        found = (body[1] * 128 + 63.5, body[2] * 128 + 63.5)
        if all(8 < edge < 119 for edge in (*columns[[0, -1]], *rows[[0, -1]])):
            assert middle[0] == pytest.approx(found[0], abs=4)
            assert setting is Setting.STAGE or middle[1] == pytest.approx(found[1], abs=4)
            assert rows[0] == pytest.approx(found[1] - body[3] * 128 * 0.42, abs=6)
            assert columns[-1] - columns[0] == pytest.approx(body[3] * 128 * 0.85, rel=0.2)


def test_turning_and_facing_are_told() -> None:
    spun = laid_out(Shot((Actor("box"),), Setting.PARK, Action.SPIN))
    angles = np.unwrap(np.arctan2(field(spun, "sin"), field(spun, "cos")))
    assert np.abs(np.diff(angles)) == pytest.approx(np.deg2rad(60), rel=1e-3)
    assert set(field(spun, "mirror")) == {1.0}


def test_two_actors_and_their_numbers_keep_their_places() -> None:
    pair = Shot((Actor("box"), Actor("ring", 2)), Setting.SEA, relation=Relation.LEFT_OF)
    layout = laid_out(pair)
    present = bodies(layout)[0, :, 0]
    assert present.tolist() == [1, 0, 0, 1, 1, 0]
    assert (field(layout, "x", 0) < field(layout, "x", BODIES_PER_ACTOR)).all()
    assert not bodies(layout)[:, 1].any(), "whoever is not there has no numbers"


def test_whoever_passes_behind_stands_deeper() -> None:
    pair = Shot((Actor("box"), Actor("ring")), Setting.PARK, Action.PASS_BEHIND)
    layout = laid_out(pair)
    assert (field(layout, "depth", 0) > field(layout, "depth", BODIES_PER_ACTOR)).all()


def test_the_camera_is_told() -> None:
    panned = laid_out(Shot((Actor("box"),), Setting.PARK, camera=Camera.PAN_RIGHT))
    assert (np.diff(panned[:, 1]) > 0).all()
    zoomed = laid_out(Shot((Actor("box"),), Setting.PARK, camera=Camera.ZOOM_IN))
    assert zoomed[0, 3] == pytest.approx(0, abs=1e-6)
    assert zoomed[-1, 3] > 0.2


def test_a_second_shot_starts_over() -> None:
    shot = Shot((Actor("box"),), Setting.PARK, Action.CROSS_RIGHT)
    layout = layout_of(Script((shot, shot), 1), SQUARE, SPRITES)
    steps = np.diff(field(layout, "x"))
    assert len(layout) == SQUARE.latent.frames
    assert (steps < 0).sum() == 1


def test_style_and_light_change_no_layout() -> None:
    plain = Shot((Actor("box"),), Setting.PARK, Action.FALL)
    drawn = Shot((Actor("box"),), Setting.PARK, Action.FALL, style=Style.PENCIL)
    assert np.array_equal(laid_out(plain), laid_out(drawn))


GOES_ON = [
    Action.BOUNCE,
    Action.SPIN,
    Action.CIRCLE,
    Action.SHAKE,
    Action.STAY,
    Action.CROSS_LEFT,
    Action.GROW,
]


@pytest.mark.parametrize("action", GOES_ON)
def test_what_goes_on_after_its_clip_begins_where_the_clip_was(action: Action) -> None:
    script = Script((Shot((Actor("circle"),), Setting.SPACE, action),), 3)
    first = layout_of(script, SQUARE, SPRITES)
    later = layout_of(script, SQUARE, SPRITES, begun_s=4 * 4 / 12)  # four latent frames on
    np.testing.assert_allclose(later[:-4], first[4:], atol=1e-5)
    assert np.isfinite(layout_of(script, SQUARE, SPRITES, begun_s=12.0)).all()


def test_who_has_crossed_leaves_the_view_and_comes_in_again_on_the_other_side() -> None:
    script = Script((Shot((Actor("circle"),), Setting.MEADOW, Action.CROSS_RIGHT),), 3)
    pieces = [layout_of(script, SQUARE, SPRITES, begun_s=8 * 4 / 12 * n) for n in range(6)]
    path = np.concatenate([field(piece, "x")[:-1] for piece in pieces])
    steps = np.diff(path)
    assert (steps[np.abs(steps) < 0.5] > 0).all()  # always rightwards
    turns = np.flatnonzero(steps < -0.5)
    assert len(turns) == 1  # and round once in 16 s
    size = float(field(pieces[0], "size")[0])
    assert path[turns[0]] - size / 2 > 0.4
    assert path[turns[0] + 1] + size / 2 < -0.4
