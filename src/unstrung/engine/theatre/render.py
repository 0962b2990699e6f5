"""The renderer: a script becomes frames.

Role in the dataflow: script -> staging (paths) + scenery (layers) + sprites -> frames. It knows no words
and no models. All blending is in 8-bit premultiplied colour, region by region, which is what makes a clip
of 33 frames at 128 x 128 a matter of milliseconds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from unstrung.engine.shapes import COMPRESSION, VideoShape
from unstrung.engine.theatre import styles, weather
from unstrung.engine.theatre.scenery import NUM_VARIANTS, Layer, Scenery, floor_of, paint
from unstrung.engine.theatre.script import Action, Script, Setting, Shot, TimeOfDay
from unstrung.engine.theatre.sprites import Sprite, Sprites
from unstrung.engine.theatre.staging import FLOAT_CENTRE, Staging, Track, View, stage_shot

FRAME_RATE = 12
_TINTS = {
    TimeOfDay.DAY: (1.0, 1.0, 1.0),
    TimeOfDay.SUNSET: (1.0, 0.90, 0.80),
    TimeOfDay.NIGHT: (0.68, 0.72, 0.92),
}
_UNLIT = frozenset({Setting.SPACE, Setting.CAVE, Setting.STAGE, Setting.ROOM, Setting.MOON})


def shot_of_latent_frames(num_shots: int, num_latent_frames: int) -> tuple[int, ...]:
    """Which shot each latent frame belongs to; cuts fall on latent frames so that captions can too."""
    return tuple(
        min(num_shots - 1, i * num_shots // num_latent_frames) for i in range(num_latent_frames)
    )


def render(
    script: Script,
    shape: VideoShape,
    sprites: Sprites,
    moment: float | None = None,
    begun_s: float = 0.0,
    places: Sequence[int] | None = None,
) -> np.ndarray:
    """Draw a clip.

    Args:
        script: what happens; its seed decides everything that it leaves open.
        shape: frames, height and width of the clip.
        sprites: pictures of the cast.
        moment: for a clip of one frame, how much of the action has passed, in [0, 1]; None draws it.
        begun_s: as in `staged`.
        places: frames of a script of one shot to draw; None draws all.

    Returns:
        (F, H, W, 3) uint8 RGB at 12 frames a second.
    """
    scenes = staged(script, shape, moment, begun_s)
    frames = [_render_shot(scene, shape, sprites, places) for scene in scenes]
    return np.concatenate(frames)


@dataclass(frozen=True)
class Scene:
    """One shot, staged and not yet painted.

    Attributes:
        shot: what happens.
        seconds: (F,) time since the shot began [s].
        variant: which of the setting's layouts is painted.
        staging: paths of bodies and camera.
        ground, has_floor: y of the feet, or of the middle of what hangs in mid-air [world units].
        rng: goes on to draw what the painting leaves open.
    """

    shot: Shot
    seconds: np.ndarray
    variant: int
    staging: Staging
    ground: float
    has_floor: bool
    rng: np.random.Generator


def staged(
    script: Script, shape: VideoShape, moment: float | None = None, begun_s: float = 0.0
) -> Iterator[Scene]:
    """Stage every shot of a script that has a frame in a clip of this shape.

    Args:
        script, shape, moment: as in `render`.
        begun_s: how long every shot has been going on when its first frame is seen [s]; what it does goes on
            after the length of the clip: who hops hops on, who has crossed leaves and comes in again.
    """
    owners = shot_of_latent_frames(len(script.shots), shape.latent.frames)
    for index, shot in enumerate(script.shots):
        num_latent = owners.count(index)
        if not num_latent:
            continue
        count = num_latent * COMPRESSION.frames - (COMPRESSION.frames - 1 if index == 0 else 0)
        rng = np.random.default_rng([script.seed, index])
        yield _stage(shot, count, shape.width / shape.height, rng, moment, begun_s)


def _stage(
    shot: Shot,
    count: int,
    aspect: float,
    rng: np.random.Generator,
    moment: float | None,
    begun_s: float,
) -> Scene:
    drawn_moment = float(rng.random())
    if count == 1:
        start = _shown_moment(shot.action, drawn_moment) if moment is None else moment
        progress, seconds = np.array([start]), np.array([4.0 * start])
    else:
        progress = np.linspace(0.0, 1.0, count) + begun_s * FRAME_RATE / (count - 1)
        seconds = begun_s + np.arange(count) / FRAME_RATE
    variant = int(rng.integers(NUM_VARIANTS))
    ground, has_floor = floor_of(shot.setting)
    ground = ground if has_floor else FLOAT_CENTRE
    staging = stage_shot(shot, progress, seconds, aspect, ground, has_floor, rng)
    return Scene(shot, seconds, variant, staging, ground, has_floor, rng)


@dataclass(frozen=True)
class _Frame:
    """Size of the picture [px] and the floor of the scene [world units]."""

    height: int
    width: int
    ground: float
    has_floor: bool


def _render_shot(
    scene: Scene, shape: VideoShape, sprites: Sprites, places: Sequence[int] | None
) -> np.ndarray:
    shot, staging = scene.shot, scene.staging
    scenery = paint(shot.setting, shot.time_of_day, scene.variant, shape.height)
    falling = weather.particles(shot.weather, scene.rng)
    frame = _Frame(shape.height, shape.width, scene.ground, scene.has_floor)
    tint = _TINTS[TimeOfDay.DAY if shot.setting in _UNLIT else shot.time_of_day]
    backdrops = _backdrops(scenery, staging.view, frame)
    fronts = _fronts(scenery, staging.view, frame)
    places = range(len(scene.seconds)) if places is None else places
    clip = np.empty((len(places), shape.height, shape.width, 3), np.uint8)
    for drawn, index in enumerate(places):
        canvas = weather.veil(shot.weather, backdrops[index])
        _draw_actors(canvas, staging, index, frame, sprites, tint)
        top, front = fronts[index]
        if len(front):
            _blend(canvas[top:], front)
        weather.draw(canvas, shot.weather, falling, float(scene.seconds[index]))
        clip[drawn] = styles.apply(shot.style, canvas)
    return clip


def _shown_moment(action: Action, moment: float) -> float:
    """A moment for a still picture at which whoever comes or goes is in view."""
    if action is Action.ENTER:
        return 0.25 + 0.75 * moment
    return 0.75 * moment if action is Action.LEAVE else moment


def _backdrops(scenery: Scenery, view: View, frame: _Frame) -> list[np.ndarray]:
    """Everything behind the actors, frame by frame; drawn once when the camera stands still."""
    moves = _moves(view)
    pictures = []
    for index in range(len(view.x)) if moves else [0]:
        canvas = cv2.cvtColor(_crop(scenery.layers[0], view, index, frame), cv2.COLOR_RGBA2RGB)
        for layer in scenery.layers[1:]:
            _blend(canvas, _crop(layer, view, index, frame))
        pictures.append(canvas)
    return pictures if moves else [pictures[0].copy() for _ in view.x]


def _fronts(scenery: Scenery, view: View, frame: _Frame) -> list[tuple[int, np.ndarray]]:
    """What stands before the actors, frame by frame: its top row and the picture from there down."""
    if scenery.foreground is None:
        return [(0, np.empty((0, frame.width, 4), np.uint8))] * len(view.x)
    moves = _moves(view)
    fronts = []
    for index in range(len(view.x)) if moves else [0]:
        picture = _crop(scenery.foreground, view, index, frame)
        rows = np.flatnonzero(picture[..., 3].any(axis=1))
        top = int(rows[0]) if rows.size else frame.height
        fronts.append((top, picture[top:]))
    return fronts if moves else fronts * len(view.x)


def _moves(view: View) -> bool:
    return bool(np.ptp(view.x) or np.ptp(view.y) or np.ptp(view.zoom))


def _crop(layer: Layer, view: View, index: int, frame: _Frame) -> np.ndarray:
    """The part of a panorama that the camera sees, (H, W, 4)."""
    zoom = 1 + (float(view.zoom[index]) - 1) * (0.4 + 0.6 * layer.parallax)
    unit = frame.height
    centre_x = (2.0 + layer.parallax * float(view.x[index])) * unit
    centre_y = (0.75 + layer.parallax * float(view.y[index])) * unit
    matrix = np.array(
        [
            [1 / zoom, 0, centre_x - 0.5 - (frame.width - 1) / 2 / zoom],
            [0, 1 / zoom, centre_y - 0.5 - (frame.height - 1) / 2 / zoom],
        ]
    )
    return cv2.warpAffine(
        layer.image,
        matrix,
        (frame.width, frame.height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )


def _blend(canvas: np.ndarray, over: np.ndarray) -> None:
    """Lay a premultiplied RGBA picture over an RGB canvas of the same size, in place."""
    keep = cv2.bitwise_not(cv2.cvtColor(cv2.extractChannel(over, 3), cv2.COLOR_GRAY2RGB))
    under = cv2.multiply(canvas, keep, scale=1 / 255)
    cv2.add(under, cv2.cvtColor(over, cv2.COLOR_RGBA2RGB), dst=canvas)


def _draw_actors(
    canvas: np.ndarray,
    staging: Staging,
    index: int,
    frame: _Frame,
    sprites: Sprites,
    tint: tuple[float, float, float],
) -> None:
    order = sorted(staging.tracks, key=lambda track: -track.depth)
    if frame.has_floor:
        for track in order:
            _draw_shadow(canvas, track, sprites[track.name], staging.view, index, frame)
    for track in order:
        _draw_sprite(canvas, track, sprites[track.name], staging.view, index, frame, tint)


def _to_pixels(x: float, y: float, view: View, index: int, frame: _Frame) -> tuple[float, float]:
    zoom = float(view.zoom[index])
    return (
        (x - float(view.x[index])) * zoom * frame.height + (frame.width - 1) / 2,
        (y - float(view.y[index])) * zoom * frame.height + (frame.height - 1) / 2,
    )


def place_on_view(
    track: Track,
    box: tuple[float, float, float, float],
    view: View,
    index: int,
    ground: float,
    has_floor: bool,
) -> tuple[float, float, float]:
    """Where the camera sees a body in a frame: middle of its box, and side of its sprite square.

    Returns:
        x, y from the middle of the picture and size, all in heights of the picture.
    """
    zoom = float(view.zoom[index])
    scale = float(track.scale[index]) * (1 - 0.15 * track.depth)
    feet = ground - 0.06 * track.depth - float(track.lift[index])
    middle = feet - (box[3] - box[1]) / 2 * scale if has_floor else feet
    x = (float(track.x[index]) - float(view.x[index])) * zoom
    return x, (middle - float(view.y[index])) * zoom, scale * zoom


def _draw_sprite(
    canvas: np.ndarray,
    track: Track,
    sprite: Sprite,
    view: View,
    index: int,
    frame: _Frame,
    tint: tuple[float, float, float],
) -> None:
    left, top, right, bottom = sprite.box
    seen = place_on_view(track, sprite.box, view, index, frame.ground, frame.has_floor)
    x = seen[0] * frame.height + (frame.width - 1) / 2
    y = seen[1] * frame.height + (frame.height - 1) / 2
    size = seen[2] * frame.height
    picture = sprite.level_for(size)[(track.start_frame + index) % sprite.num_frames]
    angle = np.deg2rad(float(track.turn[index]))
    # One picture pixel of room at each side, because the box is measured on the smallest level.
    wide, high = size * ((right - left) / 2 + 0.03), size * ((bottom - top) / 2 + 0.03)
    if angle:
        wide = high = float(np.hypot(wide, high))
    x0, x1 = max(0, int(x - wide)), min(frame.width, int(x + wide) + 2)
    y0, y1 = max(0, int(y - high)), min(frame.height, int(y + high) + 2)
    if x0 >= x1 or y0 >= y1:
        return
    side = picture.shape[0]
    cos, sin = side / size * np.cos(angle), side / size * np.sin(angle)
    mirror = -1.0 if track.mirrored else 1.0
    centre_x, centre_y = (left + right) / 2 * side - 0.5, (top + bottom) / 2 * side - 0.5
    dx, dy = x0 - x, y0 - y
    matrix = np.array(
        [
            [mirror * cos, mirror * sin, mirror * (cos * dx + sin * dy) + centre_x],
            [-sin, cos, -sin * dx + cos * dy + centre_y],
        ]
    )
    patch = cv2.warpAffine(
        picture,
        matrix,
        (x1 - x0, y1 - y0),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
    )
    if tint != (1.0, 1.0, 1.0):
        patch = cv2.transform(patch, np.diag((*tint, 1.0)))
    _blend(canvas[y0:y1, x0:x1], patch)


def _draw_shadow(
    canvas: np.ndarray, track: Track, sprite: Sprite, view: View, index: int, frame: _Frame
) -> None:
    """A soft ellipse on the floor, smaller and paler the higher its owner is."""
    lift = max(0.0, float(track.lift[index]))
    fade = max(0.25, 1 - 1.2 * lift)
    scale = float(track.scale[index]) * (1 - 0.15 * track.depth)
    ground = frame.ground - 0.06 * track.depth - min(0.0, float(track.lift[index]))
    x, y = _to_pixels(float(track.x[index]), ground, view, index, frame)
    unit = scale * fade * frame.height * float(view.zoom[index])
    left, _, right, _ = sprite.box
    half_width, half_height = max(0.2, 0.4 * (right - left)) * unit, 0.075 * unit
    x0, x1 = max(0, int(x - half_width) - 1), min(frame.width, int(x + half_width) + 2)
    y0, y1 = max(0, int(y - half_height) - 1), min(frame.height, int(y + half_height) + 2)
    if x0 >= x1 or y0 >= y1 or half_height < 0.5:
        return
    across = ((np.arange(x0, x1, dtype=np.float32) - x) / half_width) ** 2
    down = ((np.arange(y0, y1, dtype=np.float32) - y) / half_height) ** 2
    dark = np.maximum(1 - (across[None, :] + down[:, None]), 0.0)
    light = cv2.convertScaleAbs(dark, alpha=-107.0 * fade, beta=255.0)
    region = canvas[y0:y1, x0:x1]
    cv2.multiply(region, cv2.cvtColor(light, cv2.COLOR_GRAY2RGB), dst=region, scale=1 / 255)
