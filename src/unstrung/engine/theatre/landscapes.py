"""Landscapes: the settings under the open sky of the earth, painted layer by layer.

Each function fills an `Easel` with three or four layers behind the actors and perhaps a low
foreground; feet stand where `scenery` says. Middles stay calm: large pieces keep to both sides.
"""

import numpy as np

from unstrung.engine.theatre import plants
from unstrung.engine.theatre import set_pieces as piece
from unstrung.engine.theatre.brushes import (
    Canvas,
    Easel,
    box,
    ellipse,
    hills,
    leaf,
    round_box,
    rounded,
    scallops,
    stroke,
)

Sky = tuple[str, str]


def paint_sky(
    easel: Easel,
    day: Sky = ("#58b4f5", "#d9f1ff"),
    sunset: Sky = ("#7a55b0", "#ffc27a"),
    night: Sky = ("#0e1646", "#3d519e"),
    horizon: float = 0.2,
) -> Canvas:
    """Begin with the sky, two colours for each time of day; sunsets turn pink between them."""
    canvas = easel.layer(0.0)
    top, low = easel.by_time(day, sunset, night)
    stops = [(-0.6, top), (horizon, low)]
    if easel.by_time(False, True, False):
        stops.insert(1, (-0.15, "#f58a86"))
    canvas.gradient(stops)
    return canvas


def paint_snow(easel: Easel) -> None:
    """Snowy firs between white drifts under a pale sky."""
    sky = paint_sky(easel, ("#8fcaf2", "#eef8ff"))
    piece.sun_or_moon(sky, easel, 0.1)
    far = easel.layer(0.3)
    far.fill(hills(easel.rng, 0.04, 0.07, 1.3), "#c6def4", "#a8c8e6")
    for x in easel.spots(0.3, 0.3):
        plants.fir(far, x, 0.14, 0.2, snowy=True)
    far.fill(hills(easel.rng, 0.14, 0.02, 0.9), "#e6f2fc", "#c9dff2")
    near = easel.layer(0.75)
    for place, x in enumerate(easel.spots(0.76, 0.08)):
        plants.fir(near, x, 0.26, 0.56 + 0.1 * (place % 2), snowy=True)
    ground = easel.layer(1.0)
    ground.fill(hills(easel.rng, 0.2, 0.018, 1.1), "#ffffff", "#c4dcf2")
    for x in easel.spots(0.8, 0.3):
        ground.fill(ellipse(x, 0.4, 0.24, 0.04), "#d9e9f8", soft=0.02)
    front = easel.foreground()
    for x in easel.spots(0.5, 0.2):
        front.fill(ellipse(x, 0.56, 0.26, 0.11), "#ffffff", "#dceaf8", soft=0.012)


def paint_meadow(easel: Easel) -> None:
    """Rolling green hills full of large flowers."""
    sky = paint_sky(easel)
    piece.sun_or_moon(sky, easel, 0.04)
    if not easel.is_night:
        piece.clouds(sky, easel, -0.3, 0.76)
    far = easel.layer(0.3)
    far.fill(hills(easel.rng, 0.06, 0.07, 1.4), "#a8e070", "#5cb85a")
    near = easel.layer(0.65)
    near.fill(hills(easel.rng, 0.15, 0.04, 1.1), "#93d84f", "#4fae4a")
    ground = easel.layer(1.0)
    ground.fill(hills(easel.rng, 0.22, 0.02, 1.3), "#86d648", "#3f9e3c")
    colours = ("#ffffff", "#ff5d6c", "#ffc93c", "#c77dff")
    for place, x in enumerate(easel.spots(0.21, 0.2)):
        plants.flower(ground, x, 0.29 + 0.025 * (place % 3), 0.13, colours[place % 4])
    front = easel.foreground()
    plants.tufts(front, easel, 0.6, 0.14, ("#6cc840", "#3f9e3c"))
    for place, x in enumerate(easel.spots(0.7, 0.15)):
        plants.flower(front, x, 0.58, 0.13, colours[(place + 1) % 4])


def paint_sea(easel: Easel) -> None:
    """Rows of rounded waves on the open sea, a lighthouse and sails far out."""
    sky = paint_sky(easel, ("#6fc0f2", "#e6f6fb"), horizon=0.0)
    piece.sun_or_moon(sky, easel, 0.05)
    if not easel.is_night:
        piece.clouds(sky, easel, -0.3, 0.9)
    far = easel.layer(0.25)
    for place, x in enumerate(easel.spots(0.62, 0.1)):
        if place % 2 == 0:
            piece.lighthouse(far, easel, x, 0.0, 0.26)
        else:
            piece.sail_boat(far, x, 0.03, 0.16)
    far.fill(box(-2.1, 0.03, 2.1, 0.8), "#3f9fe0", "#1560b0")
    near = easel.layer(0.65)
    near.fill(scallops(0.1, 0.03, 0.3, easel.rng.uniform(0, 0.3)), "#4fb0ea", "#1a5fb0")
    near.fill(scallops(0.17, 0.035, 0.34, easel.rng.uniform(0, 0.3)), "#3795dc", "#1a5fb0")
    ground = easel.layer(1.0)
    for level, light in ((0.25, "#5abcf0"), (0.345, "#3d9ee2")):
        shift = easel.rng.uniform(0, 0.4)
        ground.fill(scallops(level - 0.022, 0.045, 0.4, shift), "#d8f3ff", "#8fd4f7")
        ground.fill(scallops(level, 0.045, 0.4, shift), light, "#144f9e")
    front = easel.foreground()
    shift = easel.rng.uniform(0, 0.4)
    front.fill(scallops(0.43, 0.05, 0.44, shift), "#e6f8ff", "#9bdcfa")
    front.fill(scallops(0.452, 0.05, 0.44, shift), "#3f9fe4", "#17529e")


def paint_desert(easel: Easel) -> None:
    """Orange dunes with tall cacti under a warm sky."""
    sky = paint_sky(easel, ("#7cc7ee", "#ffeec2"), ("#a0508a", "#ffb45a"), ("#1a1848", "#5a4a8c"))
    piece.sun_or_moon(sky, easel, 0.12)
    far = easel.layer(0.3)
    for x in easel.spots(0.95, 0.12):
        mesa = [(x - 0.24, 0.2), (x - 0.17, -0.06), (x + 0.14, -0.06), (x + 0.22, 0.2)]
        far.fill(rounded(mesa, 2), "#d9794a", "#e8a060")
    far.fill(hills(easel.rng, 0.1, 0.04, 1.2), "#f7c06a", "#e09a4a")
    near = easel.layer(0.7)
    near.fill(hills(easel.rng, 0.17, 0.035, 0.9), "#fbcf78", "#e39a45")
    for place, x in enumerate(easel.spots(0.76, 0.1)):
        plants.cactus(near, x, 0.26, 0.34 + 0.08 * (place % 2), 1 - 2 * (place % 2))
    ground = easel.layer(1.0)
    ground.fill(hills(easel.rng, 0.23, 0.02, 1.3), "#ffd98a", "#e59c48")
    for x in easel.spots(0.6, 0.2):
        ground.fill(ellipse(x, 0.4, 0.2, 0.02), "#e8ab58", soft=0.012)
    front = easel.foreground()
    for place, x in enumerate(easel.spots(0.8, 0.2)):
        if place % 2:
            plants.cactus(front, x, 0.6, 0.14)
        else:
            piece.rock(front, x, 0.56, 0.24, "#d98a50", "#a85f38")


def paint_city(easel: Easel) -> None:
    """Colourful town houses along a street with lamps."""
    sky = paint_sky(easel, ("#79c3f2", "#fdf3df"))
    piece.sun_or_moon(sky, easel, 0.06, -0.38)
    far = easel.layer(0.25)
    for x in easel.spots(0.27, 0.15):
        top = -0.02 - easel.rng.uniform(0.05, 0.26)
        far.fill(round_box(x - 0.11, top, x + 0.11, 0.8, 0.03), "#b3c9e2", "#dfe6ea")
    near = easel.layer(0.65)
    colours = (
        ("#f58a78", "#e0655a"),
        ("#5cc0b8", "#3a9c98"),
        ("#ffcf6b", "#efac48"),
        ("#a99be8", "#8474cc"),
    )
    tall = (0.52, 0.25, 0.34, 0.62)
    for place, x in enumerate(easel.spots(0.38, 0.04)):
        piece.building(near, easel, x, 0.22, 0.33, tall[(place + 2) % 4] - 0.04, colours[place % 4])
    ground = easel.layer(1.0)
    ground.fill(box(-2.1, 0.19, 2.1, 0.8), "#cfd4da")
    ground.fill(box(-2.1, 0.235, 2.1, 0.8), "#7b8794", "#59636f")
    ground.fill(box(-2.1, 0.222, 2.1, 0.242), "#f2f2ee")
    for x in np.arange(-2, 2.1, 0.36):
        ground.fill(round_box(x - 0.09, 0.385, x + 0.09, 0.42), "#fff6dc")
    for x in easel.spots(0.9, 0.05):
        piece.lamp_post(ground, easel, x, 0.225, 0.42)


def paint_forest(easel: Easel) -> None:
    """Thick trunks under a dark roof of leaves, toadstools on the ground."""
    sky = paint_sky(easel, ("#bfe8a0", "#eef7c0"), ("#e8945a", "#ffd98a"), ("#12284a", "#2f5a78"))
    far = easel.layer(0.3)
    for x in easel.spots(0.22, 0.2):
        wide = easel.rng.uniform(0.05, 0.08)
        far.fill(box(x - wide / 2, -0.8, x + wide / 2, 0.3), "#7fae6c", "#94bd78")
    far.fill(hills(easel.rng, 0.13, 0.03, 0.8), "#86b85c", "#5a9448")
    near = easel.layer(0.65)
    for x in easel.spots(0.62, 0.1):
        t = np.linspace(0, 1, 8)
        trunk = np.stack([x + 0.01 * np.sin(3 * t), 0.27 - 1.1 * t], 1)
        near.fill(
            rounded([(x - 0.15, 0.3), (x - 0.05, 0.1), (x + 0.05, 0.1), (x + 0.15, 0.3)], 2),
            "#7a5234",
        )
        near.fill(stroke(trunk, 0.14, 0.11), "#a06e46", "#5e3c26", "across")
    for place, x in enumerate(easel.spots(0.27, 0.2)):
        y = -0.5 + 0.05 * (place % 3)
        near.fill(ellipse(x, y, 0.23, 0.17), "#3f8f45", "#1f6236", "round")
    near.fill(box(-2.1, -0.8, 2.1, -0.5), "#1f6236")
    ground = easel.layer(1.0)
    ground.fill(hills(easel.rng, 0.2, 0.015, 0.9), "#5c9a48", "#33602f")
    for x in easel.spots(0.37, 0.2):
        ground.fill(ellipse(x, 0.22, 0.13, 0.05), "#4f9a48", "#2f6f38", "round")
    for place, x in enumerate(easel.spots(0.7, 0.15)):
        plants.mushroom(ground, x, 0.29, 0.11 + 0.03 * (place % 2))
    sky.glow(0.05, -0.1, 0.5, easel.by_time("#fffbe0", "#fff0b0", "#6f9ac0"), 0.6)
    front = easel.foreground()
    for x in easel.spots(0.42, 0.2):
        for angle in (-150, -115, -65, -30):
            front.fill(leaf(x, 0.6, 0.18, 0.06, angle, 0.15), "#3f8a40", "#1f5a30")


def paint_beach(easel: Easel) -> None:
    """Yellow sand before a turquoise sea, with palms and parasols."""
    sky = paint_sky(easel, ("#53b9f5", "#e0f7ff"), horizon=0.0)
    piece.sun_or_moon(sky, easel, 0.08)
    if not easel.is_night:
        piece.clouds(sky, easel, -0.26, 0.9)
    far = easel.layer(0.3)
    far.fill(box(-2.1, 0.02, 2.1, 0.8), "#2fb4d8", "#6fe0d8")
    far.fill(box(-2.1, 0.02, 2.1, 0.2), "#1f9ccc", "#58d4d6")
    near = easel.layer(0.8)
    near.fill(scallops(0.142, 0.02, 0.7, easel.rng.uniform(0, 0.7)), "#f2ffff", "#ffffff")
    near.fill(scallops(0.168, 0.02, 0.7, easel.rng.uniform(0, 0.7)), "#ffe9ae", "#f2c878")
    for place, x in enumerate(easel.spots(0.8, 0.08)):
        if place % 2:
            plants.palm(near, x, 0.25, 0.52, 0.12 if x < 0 else -0.12)
        else:
            piece.parasol(near, x, 0.25, 0.34)
    ground = easel.layer(1.0)
    ground.fill(hills(easel.rng, 0.235, 0.012, 1.2), "#ffe6a4", "#edbf6c")
    front = easel.foreground()
    for place, x in enumerate(easel.spots(0.55, 0.15)):
        _starfish(front, x, 0.455, 0.05, ("#ff8a6b", "#ff9fc0")[place % 2])


def _starfish(canvas: Canvas, x: float, y: float, size: float, colour: str) -> None:
    turns = np.arange(10) * np.pi / 5 - np.pi / 2
    radius = np.where(np.arange(10) % 2 == 0, size * 1.2, size * 0.5)
    canvas.fill(
        rounded(np.stack([x + radius * np.cos(turns), y + 0.8 * radius * np.sin(turns)], 1), 2),
        colour,
    )


def paint_mountains(easel: Easel) -> None:
    """High grey-blue peaks with snow caps over a stony alp."""
    sky = paint_sky(easel, ("#5aa9ea", "#cfe9fb"), horizon=0.1)
    piece.sun_or_moon(sky, easel, 0.02, -0.38)
    far = easel.layer(0.15)
    for place, x in enumerate(easel.spots(0.4, 0.15)):
        _peak(far, x, -0.2 - 0.06 * (place % 2), 0.34, ("#a9bedb", "#c2d3e8"))
    near = easel.layer(0.45)
    for place, x in enumerate(easel.spots(0.72, 0.08)):
        _peak(near, x, -0.38 + 0.06 * (place % 2), 0.52, ("#6f86ab", "#8aa3c2"))
    ground = easel.layer(1.0)
    ground.fill(hills(easel.rng, 0.17, 0.025, 0.9), "#7fa58a", "#4f7a66")
    for x in easel.spots(0.31, 0.25):
        plants.fir(ground, x, 0.23, 0.15)
    ground.fill(hills(easel.rng, 0.23, 0.012, 1.2), "#a5b39a", "#6f7f78")
    for place, x in enumerate(easel.spots(0.66, 0.2)):
        piece.rock(ground, x, 0.27 + 0.02 * (place % 2), 0.16, "#b9c3cf", "#7f8b9b")
    front = easel.foreground()
    for place, x in enumerate(easel.spots(0.5, 0.2)):
        piece.rock(front, x, 0.56, 0.24 + 0.06 * (place % 2), "#a9b4c2", "#6a7686")


def _peak(canvas: Canvas, x: float, top: float, half: float, colours: tuple[str, str]) -> None:
    base, tall = 0.4, 0.4 - top
    outline = rounded([(x - half, base), (x - 0.03, top), (x + 0.03, top), (x + half, base)], 2)
    canvas.fill(outline, *colours)
    shade = [
        (x, top + 0.01),
        (x + 0.03, top + 0.01),
        (x + half, base),
        (x + half * 0.25, base),
        (x + half * 0.16, top + tall * 0.45),
    ]
    canvas.fill(np.array(shade), "#3f5680", opacity=0.28)
    cut, width = top + tall * 0.34, half * 0.33
    cap = [(x - width, cut), (x - 0.03, top), (x + 0.03, top), (x + width, cut)]
    cap += [
        (x + width * 0.45, cut - tall * 0.08),
        (x + width * 0.1, cut + tall * 0.05),
        (x - width * 0.4, cut - tall * 0.06),
    ]
    canvas.fill(rounded(cap, 2), "#ffffff", "#e8f1fb")


def paint_farm(easel: Easel) -> None:
    """A red barn with a silo behind golden fields and a white fence."""
    sky = paint_sky(easel, ("#6cc0f4", "#f4f8e0"))
    piece.sun_or_moon(sky, easel, 0.05)
    if not easel.is_night:
        piece.clouds(sky, easel, -0.32, 0.9)
    far = easel.layer(0.3)
    far.fill(hills(easel.rng, 0.07, 0.03, 1.3), "#9fd068", "#74b050")
    near = easel.layer(0.7)
    for x in easel.spots(0.84, 0.04, 0.14):
        piece.barn(near, easel, x, 0.19, 0.36)
    near.fill(hills(easel.rng, 0.16, 0.01, 1.0), "#e8cf62", "#d0a840")
    piece.fence(near, 0.25, 0.13)
    ground = easel.layer(1.0)
    ground.fill(box(-2.1, 0.235, 2.1, 0.8), "#f2d46a", "#c4923a")
    for place in range(4):
        y = 0.27 + 0.055 * place + 0.012 * place * place
        ground.fill(
            box(-2.1, y, 2.1, y + 0.018 + 0.006 * place), "#c99c3e", opacity=0.5, soft=0.005
        )
    for x in easel.spots(0.95, 0.08, 0.02):
        piece.hay_bale(ground, x, 0.3, 0.085)
    front = easel.foreground()
    plants.tufts(front, easel, 0.6, 0.15, ("#f7dd7c", "#c8923a"))


def paint_park(easel: Easel) -> None:
    """A tidy lawn with round trees, benches, lamps and a slide along a path."""
    sky = paint_sky(easel, ("#7fcaf7", "#e8f7ff"))
    piece.sun_or_moon(sky, easel, 0.1)
    if not easel.is_night:
        piece.clouds(sky, easel, -0.36, 0.8)
    far = easel.layer(0.35)
    for x in easel.spots(0.24, 0.2):
        far.fill(ellipse(x, 0.1, 0.17, 0.15), "#a5dc8c", "#6cba70", "round")
    far.fill(box(-2.1, 0.12, 2.1, 0.8), "#a8e082", "#7cc862")
    near = easel.layer(0.75)
    near.fill(box(-2.1, 0.16, 2.1, 0.8), "#9cdc74", "#6cc058")
    for place, x in enumerate(easel.spots(0.8, 0.04)):
        plants.round_tree(near, x + 0.1 * (1 if x > 0 else -1), 0.22, 0.48)
        if place % 2:
            piece.bench(near, x - 0.2, 0.235, 0.26)
        else:
            piece.slide(near, x + 0.08, 0.235, 0.32, 1)
    ground = easel.layer(1.0)
    ground.fill(box(-2.1, 0.225, 2.1, 0.8), "#8fd668", "#62b84e")
    ground.fill(box(-2.1, 0.262, 2.1, 0.8), "#f5e6c8", "#e2c79a")
    ground.fill(box(-2.1, 0.415, 2.1, 0.8), "#86d060", "#54a846")
    for x in easel.spots(1.0, 0.04, -0.1):
        piece.lamp_post(ground, easel, x, 0.25, 0.4)
    front = easel.foreground()
    for x in easel.spots(0.3, 0.2):
        front.fill(ellipse(x, 0.57, 0.17, 0.11), "#5cb850", "#3a8f44", "round")
