"""Paths do what their actions say, keep bodies in view and place relations correctly."""

import numpy as np
import pytest

from unstrung.engine.theatre.script import Action, Actor, Camera, Relation, Setting, Shot, Size
from unstrung.engine.theatre.staging import FLOAT_CENTRE, Staging, Track, stage_shot

GROUND = 0.32
SHAPES = {"square": 1.0, "wide": 16 / 9, "tall": 9 / 16}
SIZES = tuple(Size)


def stage(shot: Shot, aspect=1.0, seed=0, floor=True, num_frames=33) -> Staging:
    progress = np.linspace(0, 1, num_frames)
    seconds = np.arange(num_frames) / 12
    ground = GROUND if floor else FLOAT_CENTRE
    return stage_shot(shot, progress, seconds, aspect, ground, floor, np.random.default_rng(seed))


HORSE = Actor("horse")


def solo(action, actor=HORSE, camera=Camera.STILL, **options) -> Staging:
    return stage(Shot((actor,), Setting.PARK, action, camera=camera), **options)


def pair(action=Action.STAY, relation=None, size=Size.NORMAL, **options) -> tuple[Track, Track]:
    cast = (Actor("horse", size=size), Actor("bus", size=size))
    first, second = stage(Shot(cast, Setting.PARK, action, relation), **options).tracks
    return first, second


def overhang(track: Track, aspect: float) -> float:
    """How far a body reaches beyond the sides of the view, as a share of its width."""
    beyond = np.abs(track.x) + 0.46 * track.scale - aspect / 2
    return float((beyond / track.scale).max())


def highest(track: Track, floor: bool) -> float:
    """Top of a body over all frames, y down; the view ends at -0.5."""
    ground = GROUND if floor else FLOAT_CENTRE
    return float((ground - track.lift - (0.92 if floor else 0.46) * track.scale).min())


@pytest.mark.parametrize("aspect", SHAPES.values(), ids=SHAPES)
def test_crossing_goes_all_the_way_and_looks_ahead(aspect):
    right, left = solo(Action.CROSS_RIGHT, aspect=aspect), solo(Action.CROSS_LEFT, aspect=aspect)
    assert (np.diff(right.tracks[0].x) > 0).all()
    assert (np.diff(left.tracks[0].x) < 0).all()
    assert np.ptp(right.tracks[0].x) > 0.35 * aspect
    # The horse's art looks to the left.
    assert right.tracks[0].mirrored
    assert not left.tracks[0].mirrored


def test_art_that_looks_right_is_mirrored_the_other_way():
    assert not solo(Action.CROSS_RIGHT, Actor("rocket")).tracks[0].mirrored
    assert solo(Action.CROSS_LEFT, Actor("rocket")).tracks[0].mirrored
    assert not solo(Action.CROSS_LEFT, Actor("owl")).tracks[0].mirrored


@pytest.mark.parametrize("seed", range(4))
def test_enter_begins_outside_and_ends_near_the_middle(seed):
    track = solo(Action.ENTER, seed=seed).tracks[0]
    assert abs(track.x[0]) - 0.46 * track.scale[0] > 0.5
    assert abs(track.x[-1]) < 0.15
    assert track.mirrored == (track.x[-1] > track.x[0])


@pytest.mark.parametrize("seed", range(4))
def test_leave_is_out_of_view_only_at_the_end(seed):
    track = solo(Action.LEAVE, seed=seed).tracks[0]
    seen = np.abs(track.x) - 0.46 * track.scale < 0.5
    assert not seen[-1]
    assert seen.mean() > 0.7


@pytest.mark.parametrize("count", [2, 3])
def test_a_whole_group_enters_from_outside(count):
    tracks = solo(Action.ENTER, Actor("duck", count)).tracks
    assert all(abs(track.x[0]) - 0.46 * track.scale[0] > 0.5 for track in tracks)
    assert abs(np.mean([track.x[-1] for track in tracks])) < 0.15


@pytest.mark.parametrize("floor", [True, False], ids=["floor", "mid-air"])
def test_rise_goes_up_and_fall_comes_down_within_the_view(floor):
    rise = solo(Action.RISE, floor=floor).tracks[0]
    fall = solo(Action.FALL, floor=floor).tracks[0]
    assert (np.diff(rise.lift) >= 0).all()
    assert (np.diff(fall.lift) <= 0).all()
    for track in (rise, fall):
        assert np.ptp(track.lift) > 0.3
        assert highest(track, floor) >= -0.501


@pytest.mark.parametrize("floor", [True, False], ids=["floor", "mid-air"])
@pytest.mark.parametrize("action", [Action.BOUNCE, Action.CIRCLE, Action.GROW, Action.SHRINK])
@pytest.mark.parametrize("size", [Size.SMALL, Size.NORMAL])
def test_moving_bodies_keep_their_heads_in_view(action, floor, size):
    track = solo(action, Actor("horse", size=size), floor=floor).tracks[0]
    assert highest(track, floor) >= -0.501
    assert not floor or track.lift.min() >= 0


def test_grow_and_shrink_change_the_size_only():
    grow, shrink = solo(Action.GROW).tracks[0], solo(Action.SHRINK).tracks[0]
    assert grow.scale[-1] > 2.5 * grow.scale[0]
    assert shrink.scale[0] > 2.5 * shrink.scale[-1]
    assert np.ptp(grow.x) == np.ptp(grow.lift) == 0


def test_spin_turns_and_shake_trembles():
    assert np.abs(np.diff(solo(Action.SPIN).tracks[0].turn)).min() > 5
    steps = np.sign(np.diff(solo(Action.SHAKE).tracks[0].x))
    assert (np.diff(steps) != 0).sum() >= 8


@pytest.mark.parametrize("aspect", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("seed", range(4))
def test_who_stays_stays_inside(aspect, size, seed):
    for count in (1, 2, 3):
        for track in solo(
            Action.STAY, Actor("horse", count, size), aspect=aspect, seed=seed
        ).tracks:
            assert np.ptp(track.x) == np.ptp(track.lift) == 0
            assert overhang(track, aspect) < 0.06
            assert highest(track, True) >= -0.5


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("aspect", SHAPES.values(), ids=SHAPES)
def test_groups_stand_apart_so_that_they_can_be_counted(size, aspect):
    tracks = solo(Action.STAY, Actor("rabbit", 3, size), aspect=aspect).tracks
    assert len(tracks) == 3
    gaps = np.diff([track.x[0] for track in tracks])
    assert (gaps > 0.7 * tracks[0].scale[0]).all()


def test_sizes_differ_plainly():
    heights = [solo(Action.STAY, Actor("horse", size=s)).tracks[0].scale[0] for s in SIZES]
    assert heights[0] < 0.75 * heights[1] < 0.75 * 0.8 * heights[2]


@pytest.mark.parametrize("seed", range(4))
def test_chase_keeps_the_order(seed):
    chaser, chased = pair(Action.CHASE, seed=seed)
    way = np.sign(chased.x[-1] - chased.x[0])
    assert ((chased.x - chaser.x) * way > 0.3).all()
    assert (np.diff(chaser.x) * way > 0).all()
    assert chaser.mirrored == chased.mirrored == (way > 0)


@pytest.mark.parametrize("seed", range(4))
def test_meeting_ends_face_to_face(seed):
    first, second = pair(Action.MEET, seed=seed)
    gap = np.abs(first.x - second.x)
    assert gap[-1] < 0.75 * gap[0]
    assert gap[-1] > 0.9 * first.scale[0] * 0.92
    assert first.mirrored != second.mirrored
    assert first.mirrored == (first.x[-1] < second.x[-1])


def test_who_passes_behind_is_farther_away_and_crosses():
    walker, other = pair(Action.PASS_BEHIND)
    assert walker.depth > other.depth
    assert (walker.x[0] - other.x[0]) * (walker.x[-1] - other.x[-1]) < 0


@pytest.mark.parametrize("floor", [True, False], ids=["floor", "mid-air"])
def test_a_jump_clears_the_other_and_stays_in_view(floor):
    jumper, other = pair(Action.JUMP_OVER, floor=floor)
    top = int(np.argmax(jumper.lift))
    feet = jumper.lift - (0 if floor else 0.46 * jumper.scale)
    head = other.lift + (0.92 if floor else 0.46) * other.scale
    assert feet[top] > head[top]
    assert abs(jumper.x[top] - other.x[top]) < 0.1
    assert (jumper.x[0] - other.x[0]) * (jumper.x[-1] - other.x[-1]) < 0
    assert highest(jumper, floor) >= -0.52


@pytest.mark.parametrize("aspect", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("floor", [True, False], ids=["floor", "mid-air"])
def test_relations_place_the_first_as_seen_from_the_second(aspect, floor):
    def placed(relation):
        return pair(relation=relation, aspect=aspect, floor=floor)

    first, second = placed(Relation.LEFT_OF)
    assert first.x[0] < second.x[0] - 0.9 * 0.92 * first.scale[0]
    first, second = placed(Relation.RIGHT_OF)
    assert first.x[0] > second.x[0]
    first, second = placed(Relation.ABOVE)
    assert first.lift[0] > second.lift[0] + 0.8 * second.scale[0]
    assert highest(first, floor) >= -0.5
    first, second = placed(Relation.BELOW)
    assert first.lift[0] < second.lift[0]
    for relation, sign in ((Relation.IN_FRONT_OF, 1), (Relation.BEHIND, -1)):
        first, second = placed(relation)
        assert (second.depth - first.depth) * sign > 0
        assert abs(first.x[0] - second.x[0]) < 0.6 * first.scale[0], "they overlap"


def test_large_bodies_shrink_to_stand_above_each_other():
    above, below = pair(relation=Relation.ABOVE, size=Size.LARGE)
    assert highest(above, True) >= -0.501
    assert above.lift[0] >= 0.9 * below.scale[0]


@pytest.mark.parametrize("action", [Action.SPIN, Action.GROW, Action.CROSS_LEFT, Action.LEAVE])
def test_the_second_actor_of_a_solo_action_stays(action):
    _, second = pair(action)
    assert np.ptp(second.x) == np.ptp(second.lift) == np.ptp(second.scale) == 0


def test_cameras_move_as_they_are_called():
    views = {camera: solo(Action.STAY, camera=camera).view for camera in Camera}
    assert np.ptp(views[Camera.STILL].x) == np.ptp(views[Camera.STILL].zoom) == 0
    assert views[Camera.PAN_RIGHT].x[-1] > views[Camera.PAN_RIGHT].x[0] + 0.25
    assert views[Camera.PAN_LEFT].x[-1] < views[Camera.PAN_LEFT].x[0] - 0.25
    assert views[Camera.TILT_DOWN].y[-1] > views[Camera.TILT_DOWN].y[0]
    assert views[Camera.TILT_UP].y[-1] < views[Camera.TILT_UP].y[0]
    assert views[Camera.ZOOM_IN].zoom[-1] > 1.4
    assert views[Camera.ZOOM_OUT].zoom[0] > 1.4
    assert views[Camera.ZOOM_OUT].zoom[-1] == 1


def test_zooms_stop_before_they_cut_who_they_show():
    staging = solo(Action.STAY, Actor("horse", size=Size.LARGE), camera=Camera.ZOOM_IN)
    ordinary = solo(Action.STAY, camera=Camera.ZOOM_IN)
    assert 1.2 < staging.view.zoom[-1] < ordinary.view.zoom[-1]


@pytest.mark.parametrize("count", [1, 3])
def test_follow_keeps_the_actor_in_the_middle_over_a_longer_way(count):
    actor = Actor("horse", count)
    followed = solo(Action.CROSS_RIGHT, actor, Camera.FOLLOW)
    still = solo(Action.CROSS_RIGHT, actor)
    middle = np.mean([track.x for track in followed.tracks], axis=0)
    assert np.abs(middle - followed.view.x).max() < 0.02
    assert np.ptp(middle) > 1.5 * np.ptp(np.mean([track.x for track in still.tracks], axis=0))


def test_equal_seeds_stage_equally_and_others_do_not():
    places = [solo(Action.STAY, seed=seed).tracks[0].x[0] for seed in (1, 1, 2, 3, 4, 5)]
    assert places[0] == places[1]
    assert len(set(places)) > 2
