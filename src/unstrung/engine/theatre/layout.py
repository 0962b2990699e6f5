"""The layout of a script's clip, read off its staging: no picture is painted for it."""

import numpy as np

from unstrung.engine.layout import BODIES_PER_ACTOR, BODY, CAMERA, LAYOUT_SIZE
from unstrung.engine.shapes import COMPRESSION, VideoShape
from unstrung.engine.theatre.render import Scene, place_on_view, staged
from unstrung.engine.theatre.script import Script
from unstrung.engine.theatre.sprites import Sprites
from unstrung.engine.theatre.staging import Track, View


def layout_of(
    script: Script, shape: VideoShape, sprites: Sprites, begun_s: float = 0.0
) -> np.ndarray:
    """Where everybody stands in the clip that `render` would draw.

    Args:
        script: what happens.
        shape: frames, height and width of the clip.
        sprites: pictures of the cast, for the size of the bodies.
        begun_s: how long its shots have been going on when their first frame is seen [s].

    Returns:
        (F, `LAYOUT_SIZE`) float32, at the last frame of each of the F latent frames.
    """
    parts = []
    for number, scene in enumerate(staged(script, shape, begun_s=begun_s)):
        first = 0 if number == 0 else COMPRESSION.frames - 1
        moments = range(first, len(scene.seconds), COMPRESSION.frames)
        parts.append(np.stack([_at(scene, moment, sprites) for moment in moments]))
    return np.concatenate(parts)


def _at(scene: Scene, moment: int, sprites: Sprites) -> np.ndarray:
    numbers = np.zeros(LAYOUT_SIZE, np.float32)
    view = scene.staging.view
    numbers[0] = 1.0
    numbers[1 : 1 + len(CAMERA)] = view.x[moment], view.y[moment], view.zoom[moment] - 1
    tracks = iter(scene.staging.tracks)
    for place, actor in enumerate(scene.shot.actors):
        for member in range(actor.count):
            track = next(tracks)
            start = 1 + len(CAMERA) + (place * BODIES_PER_ACTOR + member) * len(BODY)
            box = sprites[track.name].box
            numbers[start : start + len(BODY)] = _body(track, box, view, moment, scene)
    return numbers


def _body(
    track: Track, box: tuple[float, float, float, float], view: View, moment: int, scene: Scene
) -> tuple[float, ...]:
    x, y, size = place_on_view(track, box, view, moment, scene.ground, scene.has_floor)
    angle = np.deg2rad(float(track.turn[moment]))
    cos, sin = float(np.cos(angle)), float(np.sin(angle))
    mirror = -1.0 if track.mirrored else 1.0
    # From the middle of the box, about which the body turns, to that of the whole square.
    across = mirror * (0.5 - (box[0] + box[2]) / 2) * size
    down = (0.5 - (box[1] + box[3]) / 2) * size
    x, y = x + cos * across - sin * down, y + sin * across + cos * down
    return 1.0, x, y, size, cos, sin, mirror, track.depth
