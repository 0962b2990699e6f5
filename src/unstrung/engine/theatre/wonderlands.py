"""Wonderlands: the settings indoors, under water, under ground, out of this world or good to eat.

Companion of `landscapes`, with the same rules for layers, foreground and calm middles.
"""

import numpy as np

from unstrung.engine.theatre import plants
from unstrung.engine.theatre import set_pieces as piece
from unstrung.engine.theatre.brushes import (
    Canvas,
    Easel,
    arc,
    box,
    ellipse,
    hills,
    leaf,
    round_box,
    rounded,
    scallops,
    stroke,
)
from unstrung.engine.theatre.landscapes import paint_sky


def paint_space(easel: Easel) -> None:
    """Planets, a ringed one among them, before violet nebulae and a few big stars."""
    sky = easel.layer(0.0)
    deep, middle = easel.by_time(
        ("#1d1a5c", "#4a2a8c"), ("#3a1458", "#7a2a78"), ("#0a0a2c", "#241a5a")
    )
    sky.gradient([(-0.6, deep), (0.0, middle), (0.6, deep)])
    mist = easel.by_time(("#8a4fe0", "#3f7fe8"), ("#f0609a", "#b04fd0"), ("#4a34a0", "#2a4fa0"))
    for place, x in enumerate(easel.spots(0.55, 0.2)):
        sky.glow(x, (-0.2, 0.22)[place % 2], 0.5, mist[place % 2], 0.5)
    far = easel.layer(0.2)
    for place, x in enumerate(easel.spots(0.29, 0.25)):
        y = (-0.42, 0.08, -0.2, 0.38)[place % 4] + easel.rng.uniform(-0.05, 0.05)
        piece.star(far, x, y, 0.022 + 0.008 * (place % 2))
    near = easel.layer(0.45)
    for place, x in enumerate(easel.spots(0.68, 0.06)):
        if place % 2:
            piece.ringed_planet(near, x, -0.26, 0.13)
        else:
            piece.planet(near, x, -0.3, 0.11, "#7fe6e0", "#2a6fb8")
    for place, x in enumerate(easel.spots(0.68, 0.08, 0.2)):
        colours = (("#ff9f8a", "#b8406a"), ("#c8a0ff", "#6a3fc0"))[place % 2]
        piece.planet(near, x, 0.36, 0.1 + 0.05 * (place % 2), *colours)


def paint_moon(easel: Easel) -> None:
    """Grey craters under a black sky in which the earth hangs."""
    sky = easel.layer(0.0)
    top, low = easel.by_time(("#05060f", "#1c2238"), ("#0c0512", "#3a2038"), ("#020308", "#0e1226"))
    sky.gradient([(-0.6, top), (0.2, low)])
    piece.stars(sky, easel, 0.32)
    piece.earth(sky, 0.26 * easel.side, -0.27, 0.15)
    light, dark = ("#eef0f4", "#a4a8b4")
    far = easel.layer(0.35)
    far.fill(hills(easel.rng, 0.08, 0.06, 0.9), "#9a9eac", "#777b8a")
    near = easel.layer(0.7)
    near.fill(hills(easel.rng, 0.15, 0.025, 1.0), "#c4c8d2", "#9094a2")
    ground = easel.layer(1.0)
    ground.fill(hills(easel.rng, 0.21, 0.012, 1.2), light, dark)
    for place, x in enumerate(easel.spots(0.42, 0.15)):
        y, size = (0.27, 0.4)[place % 2], (0.12, 0.17)[place % 2]
        ground.fill(ellipse(x, y, size, size * 0.28), "#fafbff", "#d0d4de")
        ground.fill(ellipse(x, y + 0.006, size * 0.82, size * 0.2), "#757a8a", "#a8acb8")
    front = easel.foreground()
    for place, x in enumerate(easel.spots(0.6, 0.2)):
        piece.rock(front, x, 0.57, 0.26 + 0.06 * (place % 2), "#d4d7e0", "#8a8e9c")


def paint_clouds(easel: Easel) -> None:
    """High above a sea of puffy clouds, with a rainbow."""
    sky = easel.layer(0.0)
    top, low = easel.by_time(("#4aa8f5", "#bfe6ff"), ("#8a62c4", "#ffb0a0"), ("#1a2468", "#5a6cc0"))
    sky.gradient([(-0.6, top), (0.3, low)])
    if easel.is_night:
        piece.stars(sky, easel, 0.4)
    bands = ("#ff6b6b", "#ffb052", "#ffe566", "#74d67a", "#5aa8f5", "#a97cf0")
    for place, colour in enumerate(bands):
        bow = arc(0.1 * easel.side, 0.24, 0.62 - 0.042 * place, 180, 360)
        sky.fill(
            stroke(bow, 0.046, 0.046),
            colour,
            opacity=0.5 if easel.is_night else 0.8,
            soft=0.006,
            glows=True,
        )
    shade = easel.by_time("#9fcdf5", "#f08aa8", "#6f80d8")
    far = easel.layer(0.3)
    piece.cloud_bank(far, easel, 0.06, 0.2, shade)
    near = easel.layer(0.65)
    piece.cloud_bank(near, easel, 0.19, 0.26, shade)
    ground = easel.layer(1.0)
    piece.cloud_bank(ground, easel, 0.33, 0.32, shade)
    front = easel.foreground()
    piece.cloud_bank(front, easel, 0.45, 0.2, shade)


def paint_underwater(easel: Easel) -> None:
    """Corals, seaweed and bubbles on a sandy sea floor, light falling from above."""
    sky = easel.layer(0.0)
    stops = easel.by_time(
        ("#6fe6ea", "#1fa8c8", "#0f6aa0"),
        ("#f0b8a0", "#4a98b8", "#2a5a98"),
        ("#2a6a98", "#123f78", "#0a2454"),
    )
    sky.gradient([(-0.6, stops[0]), (-0.15, stops[1]), (0.4, stops[2])])
    for place, x in enumerate(easel.spots(0.4, 0.2)):
        beam = [(x - 0.05, -0.8), (x + 0.06, -0.8), (x + 0.3, 0.3), (x + 0.08, 0.3)]
        sky.fill(
            np.array(beam), "#e0ffff", opacity=0.16 if place % 2 else 0.1, soft=0.03, glows=True
        )
    far = easel.layer(0.3)
    far.fill(hills(easel.rng, 0.14, 0.07, 0.8), "#1f84a8", "#155f8c")
    near = easel.layer(0.7)
    near.fill(hills(easel.rng, 0.24, 0.02, 0.9), "#7fb8a8", "#5a98a0")
    colours = (("#ff8fa8", "#e0507a"), ("#ffb05a", "#e8783a"), ("#c88af0", "#8a4fc8"))
    for place, x in enumerate(easel.spots(0.36, 0.1)):
        if place % 2:
            plants.seaweed(near, x, 0.28, 0.42, ("#4fc878", "#1f7a5a"))
        else:
            plants.coral(near, x, 0.27, 0.2, *colours[(place // 2) % 3])
    ground = easel.layer(1.0)
    ground.fill(hills(easel.rng, 0.27, 0.015, 1.0), "#f0dca0", "#c0a878")
    for place, x in enumerate(easel.spots(0.33, 0.25)):
        y = (-0.35, 0.0, -0.18)[place % 3]
        ground.fill(ellipse(x, y, 0.032), "#c8f6ff", opacity=0.45)
        ground.fill(ellipse(x - 0.01, y - 0.011, 0.012), "#ffffff", opacity=0.9)
    front = easel.foreground()
    for place, x in enumerate(easel.spots(0.45, 0.15)):
        plants.coral(front, x, 0.6, 0.16, *colours[(place + 1) % 3])


def paint_volcano(easel: Easel) -> None:
    """A glowing crater with streams of lava under a smoky red sky."""
    sky = easel.layer(0.0)
    stops = easel.by_time(("#a8604f", "#ffb070"), ("#6a2440", "#ff7a3a"), ("#240a18", "#8a2420"))
    sky.gradient([(-0.6, stops[0]), (0.2, stops[1])])
    far = easel.layer(0.15)
    for place, x in enumerate(easel.spots(0.84, 0.03, 0.16)):
        top = -0.22 + 0.05 * (place % 2)
        far.glow(x, top, 0.34, "#ffb040", 0.6)
        for puff, (dx, dy, radius) in enumerate(
            ((0.0, -0.12, 0.09), (0.06, -0.22, 0.12), (-0.05, -0.31, 0.13), (0.08, -0.42, 0.15))
        ):
            light, dark = (("#8a6468", "#58404c"), ("#7a5860", "#4c3844"))[puff % 2]
            far.fill(ellipse(x + dx, top + dy, radius), light, dark, "round", soft=0.008)
        cone = [
            (x - 0.52, 0.4),
            (x - 0.14, top + 0.06),
            (x - 0.1, top),
            (x + 0.1, top),
            (x + 0.14, top + 0.06),
            (x + 0.52, 0.4),
        ]
        far.fill(rounded(cone, 2), "#6a4248", "#42282f")
        for dx, low in ((-0.05, 0.12), (0.02, 0.3), (0.07, 0.06)):
            t = np.linspace(0, 1, 10)
            lava = np.stack(
                [x + dx + dx * 2.2 * t + 0.02 * np.sin(7 * t), top + (low - top) * t], 1
            )
            far.fill(stroke(lava, 0.05, 0.055), "#ffd84a", "#ff5a1f", glows=True)
            far.fill(ellipse(float(lava[-1, 0]), float(lava[-1, 1]), 0.028), "#ff5a1f", glows=True)
        far.fill(ellipse(x, top + 0.005, 0.1, 0.028), "#fff0a0", "#ffa030", glows=True)
    near = easel.layer(0.65)
    near.fill(hills(easel.rng, 0.15, 0.03, 0.7), "#4c3038", "#33202a")
    near.fill(box(-2.1, 0.2, 2.1, 0.8), "#ffb52e", "#ff5a1f", glows=True)
    ground = easel.layer(1.0)
    ground.fill(hills(easel.rng, 0.235, 0.012, 0.6), "#5c4048", "#2f1e26")
    for x in easel.spots(0.6, 0.15):
        ground.fill(ellipse(x, 0.395, 0.17, 0.03), "#ff6a1f", soft=0.008, glows=True)
        ground.fill(ellipse(x, 0.398, 0.12, 0.017), "#ffcf3f", soft=0.006, glows=True)
    front = easel.foreground()
    for place, x in enumerate(easel.spots(0.4, 0.2)):
        piece.rock(front, x, 0.57, 0.24 + 0.06 * (place % 2), "#4c3440", "#26181f")


def paint_stage(easel: Easel) -> None:
    """A theatre: red curtains, a golden valance, spotlights on a wooden floor."""
    back = easel.layer(0.0)
    back.gradient([(-0.6, "#7a1428"), (0.3, "#a81f34")], glows=False)
    folds = easel.layer(0.4)
    for x in np.arange(-2, 2.1, 0.2):
        folds.fill(box(x - 0.1, -0.8, x + 0.02, 0.3), "#c8283f", "#8f1428", "across")
        folds.fill(box(x + 0.01, -0.8, x + 0.1, 0.3), "#8f1428", "#c8283f", "across")
    ground = easel.layer(1.0)
    ground.fill(box(-2.1, 0.19, 2.1, 0.8), "#e0a05c", "#a86a34")
    for place, y in enumerate((0.19, 0.255, 0.335, 0.435)):
        ground.fill(box(-2.1, y, 2.1, y + 0.012 + 0.003 * place), "#8f5628", opacity=0.6)
    lights = easel.layer(0.35)
    beam_colour = easel.by_time("#fff6d8", "#ffd0a0", "#c8d8ff")
    for place, x in enumerate(easel.spots(0.86, 0.05, 0.43)):
        foot = x + (0.05, -0.05)[place % 2]
        for strength, wide in ((0.14, 0.27), (0.2, 0.21)):
            beam = [(x - 0.03, -0.55), (x + 0.03, -0.55), (foot + wide, 0.32), (foot - wide, 0.32)]
            lights.fill(np.array(beam), beam_colour, opacity=strength, soft=0.012, glows=True)
        pool = ellipse(foot, 0.32, 0.27, 0.07)
        lights.fill(pool, beam_colour, opacity=0.5, soft=0.01, glows=True)
    for x in np.arange(-2, 2.1, 0.4):
        swag = ellipse(x, -0.5, 0.22, 0.19)
        lights.fill(swag + np.array([0, 0.025]), "#ffd257", "#e0a030")
        lights.fill(swag, "#e23a50", "#98152b")
    lights.fill(box(-2.1, -0.8, 2.1, -0.46), "#a81f34", "#c42c42")
    front = easel.foreground()
    for x in np.arange(-1.95, 2.1, 0.3):
        front.fill(ellipse(x, 0.5, 0.075, 0.06), "#3f2a30", "#241419")
        front.fill(ellipse(x, 0.478, 0.05, 0.024), "#fff3b0", glows=True)


def paint_room(easel: Easel) -> None:
    """A cosy living room: window, sofa, lamp, bookshelf and a rug."""
    wall = easel.layer(0.0)
    wall.gradient([(-0.6, "#ffe0bc"), (0.2, "#fdc9a0")], glows=False)
    far = easel.layer(0.6)
    for x in np.arange(-2, 2.1, 0.3):
        far.fill(box(x - 0.075, -0.8, x + 0.075, 0.3), "#fff0d8", opacity=0.45)
    for place, x in enumerate(easel.spots(0.74, 0.03, 0.05)):
        if place % 2:
            piece.window(far, easel, x, -0.17, 0.42)
        else:
            far.fill(round_box(x - 0.16, -0.36, x + 0.16, -0.1, 0.03), "#b57842")
            far.fill(box(x - 0.125, -0.325, x + 0.125, -0.135), "#bfe8ff", "#8fd47a")
            far.fill(ellipse(x + 0.05, -0.27, 0.03), "#ffd84a")
    far.fill(box(-2.1, 0.17, 2.1, 0.21), "#fffaf0", "#e8d8c0")
    near = easel.layer(0.85)
    for place, x in enumerate(easel.spots(0.74, 0.03, 0.05)):
        if place % 2:
            piece.bookshelf(near, x + 0.04, 0.24, 0.24)
        else:
            piece.sofa(near, x, 0.25, 0.46)
            piece.floor_lamp(near, easel, x + 0.3, 0.245, 0.52)
    ground = easel.layer(1.0)
    ground.fill(box(-2.1, 0.205, 2.1, 0.8), "#c98a54", "#9a5f34")
    for place, y in enumerate((0.26, 0.34, 0.44)):
        ground.fill(box(-2.1, y, 2.1, y + 0.012 + 0.003 * place), "#8f5830", opacity=0.5)
    for x in easel.spots(1.5, 0.02, 0.75):
        ground.fill(ellipse(x, 0.35, 0.5, 0.085), "#5fb8b0", "#3f9088")
        ground.fill(ellipse(x, 0.35, 0.41, 0.062), "#ffe3b8", "#f2c88a")
    # Furniture belongs on the floor: the floor layer goes below it.
    easel.layers[-2], easel.layers[-1] = easel.layers[-1], easel.layers[-2]


def paint_jungle(easel: Easel) -> None:
    """Huge glossy leaves, hanging vines and bright flowers in warm green mist."""
    sky = paint_sky(easel, ("#a8f0b8", "#f0ffb8"), ("#f08a6a", "#ffe07a"), ("#0a3050", "#1f7a78"))
    far = easel.layer(0.3)
    for place, x in enumerate(easel.spots(0.4, 0.15)):
        plants.palm(far, x, 0.22, 0.5 + 0.1 * (place % 2), 0.1 - 0.2 * (place % 2))
    far.fill(hills(easel.rng, 0.12, 0.03, 0.5), "#5cc488", "#2f9a68")
    near = easel.layer(0.7)
    for place, x in enumerate(easel.spots(0.3, 0.15)):
        t = np.linspace(0, np.pi, 16)
        vine = np.stack(
            [x - 0.2 + 0.4 * t / np.pi, -0.52 + (0.2 + 0.08 * (place % 2)) * np.sin(t)], 1
        )
        near.fill(stroke(vine, 0.022, 0.022), "#4a7a30")
    _jungle_leaves(easel)
    ground = easel.layer(1.0)
    ground.fill(hills(easel.rng, 0.235, 0.012, 0.8), "#6fb83a", "#3f7a2a")
    ground.fill(ellipse(0.0, 0.36, 2.2, 0.06), "#c8a060", opacity=0.8, soft=0.02)
    sky.glow(0.0, -0.1, 0.5, easel.by_time("#ffffe0", "#fff0a0", "#4aa8a0"), 0.5)
    front = easel.foreground()
    for x in easel.spots(0.4, 0.15):
        for angle in (-160, -125, -55, -20):
            front.fill(leaf(x, 0.6, 0.22, 0.1, angle, 0.1), "#4fc04a", "#1f7a3a")


def _jungle_leaves(easel: Easel) -> None:
    near = easel.layers[-1][0]
    colours = (("#7fe05a", "#2f9a3f"), ("#4fc868", "#1a7a48"), ("#a8e84a", "#4fa838"))
    for place, x in enumerate(easel.spots(0.68, 0.08)):
        for turn, angle in enumerate((-165, -15, -135, -45, -105, -75)):
            length = 0.34 + 0.05 * (turn % 2)
            near.fill(leaf(x, 0.29, length, 0.13, angle, 0.12), *colours[(place + turn) % 3])
        piece_x, piece_y = x + 0.02, 0.1
        for turn in np.arange(5) * 2 * np.pi / 5:
            petal = ellipse(piece_x + 0.042 * np.cos(turn), piece_y + 0.042 * np.sin(turn), 0.036)
            near.fill(petal, "#ff5aa0")
        near.fill(ellipse(piece_x, piece_y, 0.028), "#ffe24a")
    for place, x in enumerate(easel.spots(0.3, 0.15)):
        for turn, angle in enumerate((130, 95, 50)):
            near.fill(leaf(x, -0.6, 0.36, 0.14, angle, 0.0), *colours[(place + turn) % 3])


def paint_cave(easel: Easel) -> None:
    """Stalactites and glowing crystals in a violet-brown cavern."""
    back = easel.layer(0.0)
    rim, middle = easel.by_time(
        ("#4a3860", "#b09ac0"), ("#553448", "#cc9088"), ("#261c40", "#5c5490")
    )
    back.gradient([(-0.6, rim), (0.05, middle), (0.4, rim)])
    back.glow(0.0, 0.0, 0.6, easel.by_time("#d8c8e8", "#ffc49a", "#7a78c0"), 0.45)
    far = easel.layer(0.35)
    for place, x in enumerate(easel.spots(0.24, 0.2)):
        _spike(far, x, -0.62, 0.3 + 0.1 * (place % 3), 0.17, ("#5a4668", "#7c6690"))
    far.fill(hills(easel.rng, 0.16, 0.03, 0.5), "#6a5678", "#43344f")
    near = easel.layer(0.7)
    for place, x in enumerate(easel.spots(0.42, 0.12)):
        _spike(near, x, -0.72, 0.46 + 0.16 * (place % 2), 0.26, ("#33243a", "#6a4c60"))
        if place % 2:
            _spike(near, x + 0.08, 0.3, -0.3, 0.2, ("#8a667a", "#4f3a4c"))
    near.fill(box(-2.1, -0.8, 2.1, -0.56), "#33243a")
    for place, x in enumerate(easel.spots(0.66, 0.08)):
        colours = (("#8ffcff", "#1f9ad0"), ("#f0a0ff", "#9a3fd0"))[place % 2]
        piece.crystal(near, x, 0.26, 0.22, *colours)
    ground = easel.layer(1.0)
    ground.fill(hills(easel.rng, 0.225, 0.015, 0.7), "#80627a", "#44324a")
    front = easel.foreground()
    for place, x in enumerate(easel.spots(0.45, 0.2)):
        piece.rock(front, x, 0.57, 0.26 + 0.06 * (place % 2), "#5c4656", "#2c2030")


def _spike(
    canvas: Canvas, x: float, foot: float, length: float, width: float, colours: tuple[str, str]
) -> None:
    tip = foot + length
    shape = [
        (x - width / 2, foot),
        (x + width / 2, foot),
        (x + width * 0.14, foot + length * 0.6),
        (x, tip),
        (x - width * 0.14, foot + length * 0.6),
    ]
    canvas.fill(rounded(shape, 2), *colours)


def paint_candy(easel: Easel) -> None:
    """Lollipops, striped canes and gumdrops on frosted pink hills."""
    sky = paint_sky(easel, ("#ff9fd0", "#fff0d8"), ("#c86ac8", "#ffc48a"), ("#3a1a68", "#a05ab0"))
    for place, x in enumerate(easel.spots(0.7, 0.15)):
        piece.cloud(
            sky,
            x,
            -0.34 + 0.08 * (place % 2),
            0.3,
            "#ffe0f2",
            easel.by_time("#c8b8ff", "#f29ac0", "#b8a0e8"),
        )
    far = easel.layer(0.3)
    far.fill(hills(easel.rng, 0.06, 0.06, 0.9), "#b8f0d8", "#8fdcc8")
    for place, x in enumerate(easel.spots(0.3, 0.2)):
        colours = (("#fff0a0", "#f2b84a"), ("#c8a8ff", "#8f70e0"), ("#8fe0ff", "#4aa8e8"))[
            place % 3
        ]
        drop = [(x - 0.09, 0.2), (x - 0.075, 0.05), (x, -0.01), (x + 0.075, 0.05), (x + 0.09, 0.2)]
        far.fill(rounded(drop), *colours)
    near = easel.layer(0.7)
    near.fill(hills(easel.rng, 0.16, 0.02, 0.8), "#ffd0e4", "#ff9cc4")
    swirls = (("#ff7aa8", "#e0407a"), ("#7ad8f0", "#3a9ad0"), ("#b898ff", "#7f5ce0"))
    for place, x in enumerate(easel.spots(0.42, 0.06)):
        if place % 2:
            piece.lollipop(near, x, 0.25, 0.48, swirls[(place // 2) % 3])
        else:
            piece.candy_cane(near, x, 0.25, 0.36, 1 if place % 4 else -1)
    ground = easel.layer(1.0)
    ground.fill(box(-2.1, 0.22, 2.1, 0.8), "#e8b078", "#c48850")
    drip = scallops(0.33, 0.06, 0.3, easel.rng.uniform(0, 0.3))
    drip[-2:, 1] = 0.21
    ground.fill(drip, "#ffe6f2", "#ff9fc8")
    front = easel.foreground()
    drops = (
        ("#8fe8c0", "#3fb890"),
        ("#ffe07a", "#f0a83a"),
        ("#ff8fb0", "#e04f80"),
        ("#a8c8ff", "#5a88e8"),
    )
    for place, x in enumerate(easel.spots(0.3, 0.15)):
        light, dark = drops[place % 4]
        front.fill(ellipse(x, 0.56, 0.13, 0.1), light, dark, "round")
