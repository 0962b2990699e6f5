"""Scenery: the twenty settings of the theatre as parallax layers, painted in code at any size.

    script.Setting -> paint -> Scenery(layers, foreground, ground) -> the renderer joins them

It draws no actors, shadows or weather. How each setting looks is written in `landscapes` (outdoors
on earth) and `wonderlands` (everything else), from `plants` and `set_pieces`, with `brushes`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from unstrung.engine.errors import InvalidRequest
from unstrung.engine.theatre import landscapes, wonderlands
from unstrung.engine.theatre.brushes import Canvas, Easel
from unstrung.engine.theatre.script import Setting, TimeOfDay

NUM_VARIANTS = 3
MIN_HEIGHT = 16


@dataclass(frozen=True)
class Layer:
    """One panorama: world x in [-2, 2], y in [-0.75, 0.75]; the view is 1 high at zoom 1."""

    image: NDArray[np.uint8]  # (1.5 * height, 4 * height, 4), premultiplied RGBA, read-only
    parallax: float  # 0 = fixed to the view (sky), 1 = moves with the stage


@dataclass(frozen=True)
class Scenery:
    """One setting under one light, ready to be slid and joined."""

    layers: tuple[Layer, ...]  # far to near, all behind the actors; the first is opaque
    foreground: Layer | None  # low and soft, drawn over the actors
    ground: float  # world y where feet stand (y down, 0 = view centre)
    has_floor: bool  # whether anything casts a shadow on the ground


@dataclass(frozen=True)
class _Plan:
    painter: Callable[[Easel], None]
    ground: float
    has_floor: bool = True
    is_sheltered: bool = False


_PLANS = {
    Setting.SNOW: _Plan(landscapes.paint_snow, 0.31),
    Setting.MEADOW: _Plan(landscapes.paint_meadow, 0.33),
    Setting.SEA: _Plan(landscapes.paint_sea, 0.31),
    Setting.DESERT: _Plan(landscapes.paint_desert, 0.32),
    Setting.SPACE: _Plan(wonderlands.paint_space, 0.27, has_floor=False),
    Setting.CITY: _Plan(landscapes.paint_city, 0.33),
    Setting.FOREST: _Plan(landscapes.paint_forest, 0.32),
    Setting.BEACH: _Plan(landscapes.paint_beach, 0.33),
    Setting.STAGE: _Plan(wonderlands.paint_stage, 0.32, is_sheltered=True),
    Setting.UNDERWATER: _Plan(
        wonderlands.paint_underwater, 0.29, has_floor=False, is_sheltered=True
    ),
    Setting.VOLCANO: _Plan(wonderlands.paint_volcano, 0.32),
    Setting.MOUNTAINS: _Plan(landscapes.paint_mountains, 0.32),
    Setting.FARM: _Plan(landscapes.paint_farm, 0.33),
    Setting.ROOM: _Plan(wonderlands.paint_room, 0.33, is_sheltered=True),
    Setting.MOON: _Plan(wonderlands.paint_moon, 0.32, is_sheltered=True),
    Setting.CLOUDS: _Plan(wonderlands.paint_clouds, 0.3, has_floor=False),
    Setting.JUNGLE: _Plan(wonderlands.paint_jungle, 0.33),
    Setting.CAVE: _Plan(wonderlands.paint_cave, 0.32, is_sheltered=True),
    Setting.CANDY: _Plan(wonderlands.paint_candy, 0.31),
    Setting.PARK: _Plan(landscapes.paint_park, 0.33),
}


def floor_of(setting: Setting) -> tuple[float, bool]:
    """World y at which feet stand in a setting, and whether there is a floor under them at all."""
    plan = _PLANS[setting]
    return plan.ground, plan.has_floor


@lru_cache(maxsize=512)
def paint(setting: Setting, time_of_day: TimeOfDay, variant: int, height: int) -> Scenery:
    """Paint a setting; the same arguments always give the same pixels.

    Args:
        setting: what to paint.
        time_of_day: light of the shot; the layout does not depend on it.
        variant: layout, in range(NUM_VARIANTS); palettes do not depend on it.
        height: of the view at zoom 1 [px], at least MIN_HEIGHT.

    Raises:
        InvalidRequest: if there is no such variant or the height is too small.
    """
    if not 0 <= variant < NUM_VARIANTS:
        raise InvalidRequest("variant", variant, f"be 0 to {NUM_VARIANTS - 1}", "0")
    if height < MIN_HEIGHT:
        raise InvalidRequest("height", height, f"be at least {MIN_HEIGHT} px", str(MIN_HEIGHT))
    plan = _PLANS[setting]
    seed = list(Setting).index(setting)
    easel = Easel(height, time_of_day, variant, seed, plan.is_sheltered)
    plan.painter(easel)
    return Scenery(
        layers=tuple(_layer(canvas, parallax) for canvas, parallax in easel.layers),
        foreground=_layer(*easel.front) if easel.front else None,
        ground=plan.ground,
        has_floor=plan.has_floor,
    )


def _layer(canvas: Canvas, parallax: float) -> Layer:
    return Layer(canvas.finished(), parallax)
