"""Where everybody stands at every moment: scripts become paths of actors and of the camera.

World units: the view at zoom 1 is one unit high and `aspect` units wide, (0, 0) is its centre, x grows to
the right and y downwards. Paths are arrays over the frames of one shot. Positions are drawn from a few
fixed places rather than from a continuum: what a small model can learn by heart, it draws sharply.
"""

from dataclasses import dataclass, replace

import numpy as np

from unstrung.engine.theatre.cast import member
from unstrung.engine.theatre.script import Action, Camera, Relation, Shot, Size

_HEIGHTS = {Size.SMALL: 0.34, Size.NORMAL: 0.54, Size.LARGE: 0.74}
_PAIR_SHARE = 0.78
_GROUP_SHARE = {1: 1.0, 2: 0.76, 3: 0.60}
_BODY = 0.92  # how much of its sprite square a body fills, as a rule
_FAR = 1.4  # depth at which somebody plainly stands behind somebody else
FLOAT_CENTRE = 0.04


@dataclass(frozen=True)
class Track:
    """The path of one body over the frames of a shot; every array has one entry a frame.

    Attributes:
        name: cast member.
        x: centre [world units].
        lift: height of the feet above the floor (or of the centre above mid-air) [world units].
        scale: height of the whole sprite square [world units].
        turn: rotation, clockwise [degrees].
        mirrored: whether the art is flipped left to right.
        depth: 0 at the actors' line, positive farther away; farther bodies are drawn first and higher up.
        start_frame: frame of the sprite's loop at the first frame of the shot.
    """

    name: str
    x: np.ndarray
    lift: np.ndarray
    scale: np.ndarray
    turn: np.ndarray
    mirrored: bool = False
    depth: float = 0.0
    start_frame: int = 0


@dataclass(frozen=True)
class View:
    """The camera over the frames of a shot: centre [world units] and zoom (1 = the whole stage)."""

    x: np.ndarray
    y: np.ndarray
    zoom: np.ndarray


@dataclass(frozen=True)
class Staging:
    """All paths of one shot."""

    tracks: tuple[Track, ...]
    view: View


@dataclass(frozen=True)
class _Space:
    """What the paths of one shot are drawn into.

    Attributes:
        progress, seconds: one entry a frame.
        half: half the width of the view [world units].
        ground: y of the feet, or of whatever hangs in mid-air [world units].
        has_floor: whether bodies stand on feet.
    """

    progress: np.ndarray
    seconds: np.ndarray
    half: float
    ground: float
    has_floor: bool

    def still(self, value: float) -> np.ndarray:
        return np.full_like(self.progress, value)

    @property
    def share(self) -> float:
        """How much of their full size bodies keep, since a narrow view has less room."""
        return min(1.0, max(0.6, 2 * self.half))

    def lifts(self, height: float) -> tuple[float, float]:
        """Lowest and highest lift at which a body of this height is in view, large ones nearly so."""
        if self.has_floor:
            return 0.0, max(0.24, self.ground + 0.5 - _BODY * height)
        reach = max(0.04, 0.5 - 0.5 * _BODY * height)
        return self.ground - reach, self.ground + reach


def stage_shot(
    shot: Shot,
    progress: np.ndarray,
    seconds: np.ndarray,
    aspect: float,
    ground: float,
    has_floor: bool,
    rng: np.random.Generator,
) -> Staging:
    """Choose the places that the script leaves open and lay out every path.

    Args:
        shot: what happens.
        progress: (F,) how much of the shot has passed at each frame, in [0, 1], or more where it goes on.
        seconds: (F,) time since the shot began [s].
        aspect: width of the view over its height.
        ground: y of the feet, or of the middle of whatever hangs in mid-air [world units].
        has_floor: whether bodies stand on feet.
        rng: draws the open choices; the same state gives the same staging.
    """
    space = _Space(progress, seconds, aspect / 2, ground, has_floor)
    first = _body(shot, 0, space, rng)
    if len(shot.actors) == 1:
        leads = [_solo(shot.action, first, space, rng)]
    elif shot.relation is not None:
        second = _body(shot, 1, space, rng)
        leads = list(_related(shot.relation, first, second, space))
    else:
        second = _body(shot, 1, space, rng)
        leads = list(_pair(shot.action, first, second, space, rng))
    room = space.half / len(leads)
    crowds = [
        _group(track, actor.count, space, room)
        for track, actor in zip(leads, shot.actors, strict=True)
    ]
    view = _camera(shot.camera, [body for crowd in crowds for body in crowd], space)
    if shot.camera is Camera.FOLLOW:
        crowds, view = _follow(crowds, view, shot.action)
    return Staging(tuple(body for crowd in crowds for body in crowd), view)


def _body(shot: Shot, index: int, space: _Space, rng: np.random.Generator) -> Track:
    actor = shot.actors[index]
    height = _HEIGHTS[actor.size] * space.share * (_PAIR_SHARE if len(shot.actors) > 1 else 1.0)
    start = 0 if rng.random() < 0.6 else int(rng.integers(0, 36))
    return Track(
        name=actor.name,
        x=space.still(0.0),
        lift=space.still(0.0),
        scale=space.still(height),
        turn=space.still(0.0),
        start_frame=start,
    )


def _heading(track: Track, right: bool) -> Track:
    facing = member(track.name).facing
    return replace(
        track, mirrored=(facing == "left" and right) or (facing == "right" and not right)
    )


def _smooth(progress: np.ndarray, start: float = 0.0, end: float = 1.0) -> np.ndarray:
    part = np.clip((progress - start) / (end - start), 0.0, 1.0)
    return part * part * (3 - 2 * part)


def _solo(action: Action, track: Track, space: _Space, rng: np.random.Generator) -> Track:
    """One actor's path for an action that needs nobody else."""
    height = float(track.scale[0])
    edge = space.half - 0.5 * _BODY * height
    outside = space.half + 0.55 * height
    place = float(rng.choice([-0.5, -0.25, 0.0, 0.0, 0.25, 0.5])) * edge * 0.8
    p = space.progress
    if action in (Action.CROSS_RIGHT, Action.CROSS_LEFT):
        right = action is Action.CROSS_RIGHT
        path = _round((2 * (0.15 * _smooth(p) + 0.85 * p) - 1) * edge, outside)
        return replace(_heading(track, right), x=path if right else -path, lift=_steps(space))
    if action in (Action.ENTER, Action.LEAVE):
        right = bool(rng.random() < 0.5)
        way = _smooth(p, 0.0, 0.75) if action is Action.ENTER else 1 - _smooth(p, 0.25, 1.0)
        side = -1.0 if right == (action is Action.ENTER) else 1.0
        return replace(_heading(track, right), x=side * outside * (1 - way), lift=_steps(space))
    low, high = space.lifts(height)
    if action is Action.RISE:
        return replace(track, x=space.still(place), lift=low + (high - low) * _smooth(p))
    if action is Action.FALL:
        drop = np.clip(p / 0.8, 0.0, 1.0) ** 1.6
        return replace(track, x=space.still(place), lift=high - (high - low) * drop)
    if action is Action.BOUNCE:
        hop = np.abs(np.sin(np.pi * space.seconds / 0.75))
        return replace(track, x=space.still(place), lift=min(0.24, high) * hop)
    if action is Action.SPIN:
        turn = (180.0 if rng.random() < 0.5 else -180.0) * space.seconds
        return replace(track, x=space.still(place), lift=space.still(0.06), turn=turn)
    if action is Action.CIRCLE:
        angle = 2 * np.pi * space.seconds / 2.5
        radius = 0.20 * min(1.0, 2 * space.half)
        rise = min(radius, (high - low) / 2.1)
        middle = 1.1 * rise if space.has_floor else space.ground
        return replace(track, x=radius * np.sin(angle), lift=middle - rise * np.cos(angle))
    if action in (Action.GROW, Action.SHRINK):
        full = min(1.30 * height, 1.04 * (space.ground + 0.5 if space.has_floor else 0.95))
        part = _smooth(p) if action is Action.GROW else 1 - _smooth(p)
        return replace(track, x=space.still(place * 0.5), scale=full * (0.35 + 0.65 * part))
    if action is Action.SHAKE:
        return replace(track, x=place + 0.035 * np.sin(2 * np.pi * 2.6 * space.seconds))
    return replace(track, x=space.still(place))


def _round(path: np.ndarray, outside: float) -> np.ndarray:
    """A way across and on: who is out of view on one side comes in again on the other."""
    ahead = (path + outside) % (2 * outside) - outside
    return np.where(np.abs(path) > outside, ahead, path)


def _steps(space: _Space) -> np.ndarray:
    """A light hop at every step of somebody who walks."""
    return 0.02 * np.abs(np.sin(np.pi * space.seconds / 0.4))


def _pair(
    action: Action, first: Track, second: Track, space: _Space, rng: np.random.Generator
) -> tuple[Track, Track]:
    """Paths of two actors; for a solo action the second one stays on the other side."""
    edge = space.half - 0.5 * _BODY * float(first.scale[0])
    apart = min(0.30, 0.62 * space.half)
    p = space.progress
    right = bool(rng.random() < 0.5)
    side = 1.0 if right else -1.0
    if action is Action.CHASE:
        reach = edge - 0.18 * space.half
        path = side * (2 * p - 1) * reach
        gap = side * apart * 0.7
        outside = space.half + 0.55 * max(float(first.scale[0]), float(second.scale[0]))
        return (
            replace(_heading(first, right), x=_round(path - gap, outside), lift=_steps(space)),
            replace(_heading(second, right), x=_round(path + gap, outside), lift=_steps(space)),
        )
    if action is Action.MEET:
        way = _smooth(p, 0.0, 0.7)
        path = side * (edge + (apart * 0.72 - edge) * way)
        return (
            replace(_heading(first, right), x=-path, lift=_steps(space)),
            replace(_heading(second, not right), x=path, lift=_steps(space)),
        )
    if action is Action.PASS_BEHIND:
        outside = space.half + 0.55 * float(first.scale[0])
        path = _round(side * (2 * p - 1) * edge, outside)
        walker = replace(_heading(first, right), x=path, lift=_steps(space), depth=0.6)
        return walker, replace(second, lift=space.still(-0.03))
    if action is Action.JUMP_OVER:
        jump = np.clip((p - 0.15) / 0.7, 0.0, 1.0)
        path = side * (2 * jump - 1) * min(edge, apart * 1.2)
        low, high = space.lifts(float(first.scale[0]))
        base = 0.0 if space.has_floor else 0.6 * low
        height = min(0.5, high - base)
        arc = base + 4 * jump * (1 - jump) * height
        smaller = np.minimum(second.scale * 0.8, height / 0.95)
        below = replace(second, scale=smaller, lift=space.still(base))
        return replace(_heading(first, right), x=path, lift=arc), below
    solo = _solo(action, first, space, rng)
    if action in (Action.CROSS_RIGHT, Action.CROSS_LEFT):
        return solo, replace(second, x=space.still(side * apart), depth=0.5)
    if action in (Action.ENTER, Action.LEAVE):
        side = 1.0 if float(solo.x[0] + solo.x[-1]) < 0 else -1.0
        second = replace(second, x=space.still(side * apart))
        return replace(solo, x=solo.x - side * apart * 0.5), second
    centre = (solo.x - solo.x.mean()) * (0.6 if action is Action.CIRCLE else 1.0)
    return replace(solo, x=centre - side * apart), replace(second, x=space.still(side * apart))


def _related(relation: Relation, first: Track, second: Track, space: _Space) -> tuple[Track, Track]:
    """Two actors that stay, the first placed as seen from the second."""
    apart = min(0.27, 0.56 * space.half)
    if relation in (Relation.LEFT_OF, Relation.RIGHT_OF):
        place = space.still(-apart if relation is Relation.LEFT_OF else apart)
        return replace(first, x=place), replace(second, x=-place)
    if relation is Relation.ABOVE:
        return _stacked(first, second, space)
    if relation is Relation.BELOW:
        second, first = _stacked(second, first, space)
        return first, second
    near, aside = space.still(-0.06 * space.share), space.still(apart * 0.32)
    far = _FAR * space.share
    if relation is Relation.IN_FRONT_OF:
        return replace(first, x=-aside, lift=near), replace(second, x=aside, depth=far)
    return replace(first, x=-aside, depth=far), replace(second, x=aside, lift=near)


def _stacked(upper: Track, lower: Track, space: _Space) -> tuple[Track, Track]:
    """One body over the other, both shrunk where the view is not high enough for them."""
    heights = float(upper.scale[0]), float(lower.scale[0])
    room = space.ground + 0.5 if space.has_floor else 0.95
    fit = min(1.0, room / (_BODY * heights[0] + 0.95 * heights[1]))
    upper = replace(upper, scale=upper.scale * fit)
    lower = replace(lower, scale=lower.scale * fit)
    if space.has_floor:
        return replace(upper, lift=space.still(0.95 * fit * heights[1])), lower
    apart = 0.475 * fit * sum(heights)
    return (
        replace(upper, lift=space.still(space.ground + apart / 2)),
        replace(lower, lift=space.still(space.ground - apart / 2)),
    )


def _group(track: Track, count: int, space: _Space, room: float) -> list[Track]:
    """The same path for one, two or three of a kind, side by side and smaller.

    Args:
        track: path of one body, of which the group's middle takes its way.
        count: bodies.
        space: what the paths are drawn into.
        room: half the width that the group may fill when it stays [world units].
    """
    if count == 1:
        return [track]
    size = float(track.scale.max()) * _GROUP_SHARE[count]
    gap = min(0.86 * size, 1.7 * room / count)
    size = min(size, gap / 0.72)
    span = (count - 1) / 2 * gap + 0.5 * _BODY * size
    reach = float(np.abs(track.x).max())
    if reach > space.half:
        factor = (space.half + span + 0.05) / reach
    elif room < space.half or not reach:
        factor = 1.0
    else:
        moves = float(np.ptp(track.x)) > 0.1
        factor = min(1.0, max(space.half - span, 0.4 * space.half if moves else 0.0) / reach)
    share = track.scale / track.scale.max()
    offsets = (np.arange(count) - (count - 1) / 2) * gap
    start = track.start_frame
    return [
        replace(
            track,
            x=track.x * factor + float(dx) * share,
            scale=size * share,
            start_frame=start + 5 * index,
        )
        for index, dx in enumerate(offsets)
    ]


def _camera(camera: Camera, bodies: list[Track], space: _Space) -> View:
    p = _smooth(space.progress)
    x, y, zoom = space.still(0.0), space.still(0.0), space.still(1.0)
    left = min(float((body.x - 0.5 * _BODY * body.scale).min()) for body in bodies)
    right = max(float((body.x + 0.5 * _BODY * body.scale).max()) for body in bodies)
    if camera in (Camera.PAN_LEFT, Camera.PAN_RIGHT):
        free = space.half - max(right, -left)
        reach = min(0.26, max(0.15, free + 0.1)) * min(1.0, 2 * space.half)
        way = (2 * p - 1) * reach
        return View(way if camera is Camera.PAN_RIGHT else -way, y, zoom)
    if camera in (Camera.TILT_UP, Camera.TILT_DOWN):
        way = (2 * p - 1) * 0.15
        return View(x, way if camera is Camera.TILT_DOWN else -way, zoom)
    if camera in (Camera.ZOOM_IN, Camera.ZOOM_OUT):
        part = p if camera is Camera.ZOOM_IN else 1 - p
        centre_x, centre_y = 0.25 * (left + right), 0.05
        body_top = _BODY if space.has_floor else 0.5 * _BODY
        top = min(float((space.ground - b.lift - body_top * b.scale).min()) for b in bodies)
        wide = 1.05 * space.half / max(right - centre_x, centre_x - left)
        tall = 0.5 / max(0.1, centre_y - top)
        gain = min(1.55, max(1.25, min(wide, tall))) - 1
        return View(centre_x * part, centre_y * part, 1 + gain * part)
    return View(x, y, zoom)


def _follow(
    crowds: list[list[Track]], view: View, action: Action
) -> tuple[list[list[Track]], View]:
    """Let the view travel with the first actor, over a longer way than the view is wide."""
    path = np.mean([body.x for body in crowds[0]], axis=0)
    way = path - path.mean()
    longer = [
        [replace(body, x=body.x + 0.6 * way) for body in crowd]
        if index == 0 or action is Action.CHASE
        else crowd
        for index, crowd in enumerate(crowds)
    ]
    return longer, replace(view, x=1.6 * way)
