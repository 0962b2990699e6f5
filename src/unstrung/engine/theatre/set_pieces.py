"""Set pieces: clouds, houses, planets, furniture and the like, painted at any place and size.

Used by `landscapes` and `wonderlands`; all lengths in world units (see `brushes`), `base` is the y
where a piece stands. Details stay above 0.03 units so that they survive small pictures.
"""

from itertools import pairwise

import numpy as np

from unstrung.engine.theatre.brushes import (
    Canvas,
    Easel,
    arc,
    billows,
    box,
    ellipse,
    round_box,
    rounded,
    stroke,
)


def sun_or_moon(canvas: Canvas, easel: Easel, x: float = 0.3, y: float = -0.33) -> None:
    """Hang the sun by day, a low red sun at sunset, a moon and a few big stars at night."""
    x = x * easel.side
    if easel.is_night:
        canvas.glow(x, y, 0.2, "#cfd8ff", 0.5)
        canvas.fill(ellipse(x, y, 0.06), "#fffbe2", "#e6e2c8", "round", glows=True)
        stars(canvas, easel, 0.5)
    elif easel.by_time(True, False, False):
        canvas.glow(x, y, 0.25, "#fff6c8", 0.8)
        canvas.fill(ellipse(x, y, 0.065), "#fff7b8", "#ffe066", "round", glows=True)
    else:
        canvas.glow(x, -0.04, 0.4, "#ffd98a", 0.8)
        canvas.fill(ellipse(x, -0.04, 0.1), "#fff0b0", "#ff9a4d", "down", glows=True)


def stars(canvas: Canvas, easel: Easel, spacing: float = 0.3) -> None:
    """Scatter a few big soft four-pointed stars over the upper sky."""
    for place, x in enumerate(easel.spots(spacing, 0.3)):
        y = -0.42 + 0.13 * (place % 3) + easel.rng.uniform(-0.03, 0.03)
        star(canvas, x, y, 0.024 + 0.008 * (place % 2))


def star(canvas: Canvas, x: float, y: float, size: float, colour: str = "#fff8d8") -> None:
    """One soft four-pointed star with a glow."""
    canvas.glow(x, y, size * 2.5, colour, 0.35)
    turns = np.arange(8) * np.pi / 4
    radius = np.where(np.arange(8) % 2 == 0, size * 1.25, size * 0.5)
    points = np.stack([x + radius * np.cos(turns), y + radius * np.sin(turns)], 1)
    canvas.fill(rounded(points, 2), colour, glows=True)


def cloud(
    canvas: Canvas,
    x: float,
    y: float,
    width: float,
    colour: str = "#ffffff",
    shade: str = "#cfe3f5",
) -> None:
    """A puffy cloud, `width` wide and about 0.4 times as tall, lit from above."""
    puffs = [(-0.36, 0.06, 0.14), (-0.14, -0.03, 0.2), (0.13, -0.06, 0.22), (0.36, 0.05, 0.14)]
    tops = [(x + dx * width, y + dy * width, radius * width) for dx, dy, radius in puffs]
    base = round_box(x - width / 2, y - width * 0.02, x + width / 2, y + width * 0.2)
    canvas.fill(base, colour, shade)
    canvas.fill(billows(tops, y + width * 0.2 - 0.008), colour, shade)


def cloud_bank(canvas: Canvas, easel: Easel, level: float, radius: float, shade: str) -> None:
    """A wall of large puffs along the whole panorama with tops around y = `level`."""
    puffs = []
    for place, x in enumerate(easel.spots(radius * 1.35, 0.12)):
        size = radius * (1.0, 0.72, 1.15, 0.8)[place % 4]
        puffs.append((x, level + radius + easel.rng.uniform(0, 0.15) * radius, size))
    canvas.fill(billows(puffs, 0.8), "#ffffff", shade)


def clouds(canvas: Canvas, easel: Easel, y: float = -0.33, spacing: float = 0.7) -> None:
    """A loose row of fair-weather clouds, tinted by the time of day."""
    shade = easel.by_time("#d3e8f8", "#f4b8b0", "#b8c4e0")
    for place, x in enumerate(easel.spots(spacing, 0.2)):
        cloud(canvas, x, y + 0.07 * (place % 2), 0.26 + 0.06 * (place % 3), "#ffffff", shade)


def building(
    canvas: Canvas,
    easel: Easel,
    x: float,
    base: float,
    width: float,
    height: float,
    colour: tuple[str, str],
) -> None:
    """A town house with a few big windows, lit at night."""
    shape = round_box(x - width / 2, base - height, x + width / 2, base + 0.1, 0.045)
    canvas.fill(shape, colour[0], colour[1])
    rows = max(int((height - 0.06) / 0.13), 1)
    for row in range(rows):
        for column in (-1, 1):
            is_lit = easel.rng.random() < easel.by_time(0.0, 0.5, 0.75)
            left = x + column * width * 0.22 - width * 0.13
            top = base - height + 0.055 + row * 0.13
            pane = round_box(left, top, left + width * 0.26, top + 0.075)
            if is_lit:
                canvas.fill(pane, "#ffe28a", "#ffc455", glows=True)
            else:
                canvas.fill(pane, "#e6f5ff", "#a9d3ee")


def rock(canvas: Canvas, x: float, base: float, width: float, light: str, dark: str) -> None:
    """A rounded boulder with a flat foot."""
    points = [(-0.5, 0.06), (-0.46, -0.25), (-0.15, -0.5), (0.22, -0.44), (0.48, -0.2), (0.5, 0.06)]
    shape = rounded([(x + dx * width, base + dy * width) for dx, dy in points])
    canvas.fill(shape, light, dark)


def barn(canvas: Canvas, easel: Easel, x: float, base: float, size: float) -> None:
    """A red barn with white trim and a silo beside it, `size` wide."""
    silo = x + easel.side * size * 0.68
    canvas.fill(
        round_box(silo - size * 0.15, base - size * 1.05, silo + size * 0.15, base),
        "#e3e8ee",
        "#a9b4c2",
        "across",
    )
    canvas.fill(
        ellipse(silo, base - size * 0.98, size * 0.15, size * 0.17), "#c8d2de", "#7e8fa6", "round"
    )
    walls = [
        (-0.46, 0),
        (-0.46, -0.5),
        (-0.3, -0.76),
        (0, -0.93),
        (0.3, -0.76),
        (0.46, -0.5),
        (0.46, 0),
    ]
    outline = np.array([(x + dx * size, base + dy * size) for dx, dy in walls])
    canvas.fill(outline, "#e2574c", "#b8352f")
    roof = (
        outline[1:6]
        + np.array([(-0.06, 0.02), (-0.03, -0.03), (0, -0.03), (0.03, -0.03), (0.06, 0.02)]) * size
    )
    canvas.fill(stroke(roof, size * 0.09, size * 0.09), "#f7f2ea", "#ddd3c6")
    door = box(x - size * 0.2, base - size * 0.42, x + size * 0.2, base)
    canvas.fill(door, "#f7f2ea")
    canvas.fill(box(x - size * 0.14, base - size * 0.36, x + size * 0.14, base), "#8f2a2a")
    for start, end in ((-1, 1), (1, -1)):
        brace = [(x + start * size * 0.16, base - size * 0.38), (x + end * size * 0.16, base)]
        canvas.fill(stroke(brace, size * 0.055, size * 0.055), "#f7f2ea")
    hatch = ellipse(x, base - size * 0.64, size * 0.1)
    canvas.fill(hatch, "#ffe28a" if easel.is_night else "#fff6e6", glows=easel.is_night)


def fence(canvas: Canvas, base: float, height: float = 0.12) -> None:
    """A white paddock fence along the whole panorama."""
    for level in (0.45, 0.85):
        top = base - height * level
        canvas.fill(box(-2.1, top - 0.011, 2.1, top + 0.011), "#f4efe4")
    for x in np.arange(-2, 2.1, 0.25):
        canvas.fill(
            round_box(x - 0.016, base - height * 1.15, x + 0.016, base), "#fffaf0", "#e0d8c8"
        )


def hay_bale(canvas: Canvas, x: float, base: float, radius: float) -> None:
    """A round bale of hay seen from its end."""
    canvas.fill(ellipse(x, base - radius, radius), "#f6d574", "#c8943a", "round")
    canvas.fill(ellipse(x, base - radius, radius * 0.62), "#c8943a", opacity=0.55)
    canvas.fill(ellipse(x, base - radius, radius * 0.4), "#f0ca66")


def lamp_post(canvas: Canvas, easel: Easel, x: float, base: float, height: float) -> None:
    """A street lamp with a round lantern, glowing from sunset on."""
    canvas.fill(stroke([(x, base), (x, base - height)], 0.034, 0.026), "#4b5a68")
    canvas.fill(round_box(x - 0.045, base - 0.03, x + 0.045, base), "#3d4a57")
    top = base - height
    if easel.is_night:
        canvas.glow(x, top, 0.24, "#ffe9a0", 0.55)
    is_lit = not easel.by_time(True, False, False)
    canvas.fill(
        ellipse(x, top, 0.05), "#fff6d0", "#ffd978" if is_lit else "#d9e4ea", "round", glows=is_lit
    )
    canvas.fill(round_box(x - 0.035, top - 0.068, x + 0.035, top - 0.04), "#3d4a57")


def lighthouse(canvas: Canvas, easel: Easel, x: float, base: float, height: float) -> None:
    """A red and white striped lighthouse on a rock."""
    half = height * 0.13
    for band in range(5):
        low, high = band / 5, (band + 1) / 5
        left, right = half * (1 - 0.35 * low), half * (1 - 0.35 * high)
        tier = [(x - right, base - height * high), (x + right, base - height * high)]
        tier += [(x + left, base - height * low), (x - left, base - height * low)]
        light, dark = ("#ff6f61", "#c93c3c") if band % 2 == 0 else ("#ffffff", "#d5dce6")
        canvas.fill(np.array(tier), light, dark, "across")
    top = base - height
    if not easel.by_time(True, False, False):
        canvas.glow(x, top - height * 0.09, height * 0.7, "#ffeaa0", 0.7)
    canvas.fill(
        box(x - half * 0.55, top - height * 0.16, x + half * 0.55, top), "#ffe680", glows=True
    )
    canvas.fill(
        rounded(
            [
                (x - half, top - height * 0.14),
                (x, top - height * 0.32),
                (x + half, top - height * 0.14),
            ],
            2,
        ),
        "#c93c3c",
    )
    rock(canvas, x, base + height * 0.06, height * 0.7, "#8d97a6", "#5c6675")


def sail_boat(canvas: Canvas, x: float, base: float, size: float) -> None:
    """A small boat with a white sail, far out."""
    canvas.fill(
        np.array([(x, base - size), (x + size * 0.6, base - size * 0.22), (x, base - size * 0.22)]),
        "#ffffff",
        "#dfe9f2",
    )
    canvas.fill(
        np.array(
            [
                (x - size * 0.06, base - size * 0.8),
                (x - size * 0.45, base - size * 0.22),
                (x - size * 0.06, base - size * 0.22),
            ]
        ),
        "#ffd9a8",
    )
    hull = [(x - size * 0.5, base - size * 0.17), (x + size * 0.62, base - size * 0.17)]
    hull += [(x + size * 0.4, base + size * 0.08), (x - size * 0.32, base + size * 0.08)]
    canvas.fill(np.array(hull), "#c8553d", "#8f3a2c")


def parasol(canvas: Canvas, x: float, base: float, height: float) -> None:
    """A red and white beach umbrella."""
    canvas.fill(stroke([(x, base), (x, base - height)], 0.022, 0.022), "#f7f2ea")
    top, rim, half = base - height, base - height * 0.58, height * 0.58
    edges = np.linspace(-1, 1, 6)
    for place, (start, end) in enumerate(pairwise(edges)):
        t = np.linspace(0, 1, 12)
        left = np.stack(
            [x + half * start * np.sin(t * np.pi / 2), rim - (rim - top) * np.cos(t * np.pi / 2)], 1
        )
        right = np.stack(
            [x + half * end * np.sin(t * np.pi / 2), rim - (rim - top) * np.cos(t * np.pi / 2)], 1
        )
        light, dark = ("#ff6b5e", "#e0463f") if place % 2 == 0 else ("#fffaf0", "#efe2d0")
        canvas.fill(np.concatenate([left, right[::-1]]), light, dark)


def bench(canvas: Canvas, x: float, base: float, width: float) -> None:
    """A wooden park bench seen from the front."""
    for dx in (-0.38, 0.38):
        canvas.fill(
            box(x + (dx - 0.04) * width, base - width * 0.3, x + (dx + 0.04) * width, base),
            "#4b5a68",
        )
    for level in (0.3, 0.46, 0.62):
        top = base - level * width
        canvas.fill(
            round_box(x - width / 2, top - width * 0.06, x + width / 2, top + width * 0.06),
            "#cf8a4e",
            "#a2622f",
        )


def slide(canvas: Canvas, x: float, base: float, height: float, side: int) -> None:
    """A playground slide with a little roof, yellow, blue and red."""
    half = height * 0.2
    for dx in (-half, half):
        canvas.fill(
            stroke([(x + dx, base), (x + dx, base - height * 0.8)], 0.034, 0.034), "#3f8fd6"
        )
    chute = [
        (x + side * half, base - height * 0.55),
        (x + side * height * 0.5, base - height * 0.3),
    ]
    chute += [
        (x + side * height * 0.8, base - height * 0.05),
        (x + side * height, base - height * 0.02),
    ]
    canvas.fill(stroke(chute, height * 0.14, height * 0.1), "#ffd84a", "#f2a93a")
    canvas.fill(
        round_box(x - half * 1.1, base - height * 0.58, x + half * 1.1, base - height * 0.46),
        "#3f8fd6",
    )
    roof = [
        (x - half * 1.5, base - height * 0.76),
        (x, base - height * 1.1),
        (x + half * 1.5, base - height * 0.76),
    ]
    canvas.fill(rounded(roof, 2), "#ff6b5e", "#d8433f")


def planet(canvas: Canvas, x: float, y: float, radius: float, light: str, dark: str) -> None:
    """A shaded ball in space."""
    canvas.fill(ellipse(x, y, radius * 1.05), light, soft=radius * 0.12, opacity=0.35, glows=True)
    canvas.fill(ellipse(x, y, radius), light, dark, "round", glows=True)


def ringed_planet(canvas: Canvas, x: float, y: float, radius: float) -> None:
    """A golden planet with a tilted ring: the far half, the ball, the near half."""
    turns = np.linspace(0, 2 * np.pi, 60)
    ring = np.stack([2.0 * radius * np.cos(turns), 0.5 * radius * np.sin(turns)], 1)
    tilt = np.radians(-18)
    ring = ring @ np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]]) + (x, y)
    canvas.fill(stroke(ring[29:], radius * 0.3, radius * 0.3), "#e8c9a0", "#c99a78", glows=True)
    planet(canvas, x, y, radius, "#ffdf9e", "#d0783f")
    canvas.fill(stroke(ring[:31], radius * 0.3, radius * 0.3), "#fff0d0", "#e0b88a", glows=True)


def earth(canvas: Canvas, x: float, y: float, radius: float) -> None:
    """Our planet as the moon sees it."""
    planet(canvas, x, y, radius, "#6fc3ff", "#1f5fc4")
    lands = [(-0.35, -0.3, 0.4, 0.28), (0.3, 0.15, 0.35, 0.42), (-0.3, 0.5, 0.28, 0.2)]
    for dx, dy, rx, ry in lands:
        canvas.fill(
            ellipse(x + dx * radius, y + dy * radius, rx * radius, ry * radius),
            "#6fd07a",
            "#3f9f58",
            glows=True,
        )
    canvas.fill(
        ellipse(x, y - radius * 0.82, radius * 0.42, radius * 0.14),
        "#ffffff",
        opacity=0.9,
        glows=True,
    )


def crystal(canvas: Canvas, x: float, base: float, height: float, light: str, dark: str) -> None:
    """A cluster of three glowing crystals."""
    canvas.glow(x, base - height * 0.4, height * 1.1, light, 0.45)
    for dx, size, lean in ((-0.22, 0.65, -0.2), (0.24, 0.7, 0.2), (0.0, 1.0, 0.0)):
        foot, tall, half = x + dx * height, height * size, height * size * 0.19
        tip = foot + lean * tall
        shape = [(foot - half, base), (tip - half * 1.1, base - tall * 0.7), (tip, base - tall)]
        shape += [(tip + half * 1.1, base - tall * 0.7), (foot + half, base)]
        canvas.fill(np.array(shape), light, dark, "across", glows=True)


def lollipop(
    canvas: Canvas, x: float, base: float, height: float, colours: tuple[str, str]
) -> None:
    """A swirled lollipop on a white stick."""
    canvas.fill(
        stroke([(x, base), (x, base - height)], height * 0.06, height * 0.06), "#fffaf5", "#f0dfe6"
    )
    radius, y = height * 0.26, base - height * 0.8
    canvas.fill(ellipse(x, y, radius), colours[0], colours[1], "round")
    t = np.linspace(0.08, 1, 60)
    turn = t * 4.2 * np.pi
    swirl = np.stack(
        [x + radius * 0.84 * t * np.cos(turn), y + radius * 0.84 * t * np.sin(turn)], 1
    )
    canvas.fill(stroke(swirl, radius * 0.12, radius * 0.24), "#fff6fa")


def candy_cane(canvas: Canvas, x: float, base: float, height: float, side: int) -> None:
    """A red and white striped cane."""
    radius = height * 0.2
    hook = arc(x + radius, base - height + radius, radius, 180, 375)
    if side < 0:
        hook = hook * (-1, 1) + (2 * x, 0)
    straight = np.stack([np.full(16, x), np.linspace(base, base - height + radius, 16)], 1)
    path = np.concatenate([straight, hook[1:]])
    canvas.fill(stroke(path, height * 0.14, height * 0.14), "#fffaf5")
    for start in range(1, len(path) - 3, 6):
        canvas.fill(stroke(path[start : start + 4], height * 0.14, height * 0.14), "#f0525f")


def window(canvas: Canvas, easel: Easel, x: float, y: float, size: float) -> None:
    """A window of four panes with curtains, showing the sky of the hour."""
    half, tall = size * 0.4, size * 0.5
    canvas.fill(
        round_box(x - half - 0.03, y - tall - 0.03, x + half + 0.03, y + tall + 0.03), "#fffdf6"
    )
    top, low = easel.by_time(("#6cc2f7", "#d8f1ff"), ("#a466a8", "#ffb066"), ("#12184a", "#3a4a94"))
    canvas.fill(box(x - half, y - tall, x + half, y + tall), top, low, glows=True)
    if easel.is_night:
        canvas.fill(ellipse(x + half * 0.45, y - tall * 0.45, size * 0.09), "#fff8d8", glows=True)
        star(canvas, x - half * 0.5, y - tall * 0.5, size * 0.06)
    else:
        hill = box(x - half, y + tall * 0.5, x + half, y + tall)
        canvas.fill(hill, easel.by_time("#8fd46a", "#b07a5a", "#000000"), glows=True)
    canvas.fill(box(x - 0.012, y - tall, x + 0.012, y + tall), "#fffdf6")
    canvas.fill(box(x - half, y - 0.012, x + half, y + 0.012), "#fffdf6")
    for side in (-1, 1):
        edge = x + side * (half + 0.08)
        inner = x + side * half * 0.55
        drape = [
            (edge, y - tall - 0.05),
            (inner, y - tall - 0.05),
            (x + side * half * 0.9, y + tall * 0.4),
        ]
        drape += [(x + side * half * 0.95, y + tall + 0.08), (edge, y + tall + 0.08)]
        canvas.fill(rounded(drape, 2), "#5fb8b0", "#3f9088")
    canvas.fill(
        round_box(x - half - 0.11, y - tall - 0.07, x + half + 0.11, y - tall - 0.035), "#b57842"
    )


def sofa(canvas: Canvas, x: float, base: float, width: float) -> None:
    """A plump sofa with two cushions."""
    canvas.fill(
        round_box(x - width * 0.45, base - width * 0.5, x + width * 0.45, base - width * 0.05),
        "#7b8fe0",
        "#5a6cc0",
    )
    canvas.fill(
        round_box(x - width * 0.4, base - width * 0.27, x + width * 0.4, base - width * 0.05),
        "#95a8f0",
        "#6c80d2",
    )
    for side in (-1, 1):
        arm_x = x + side * width * 0.44
        canvas.fill(
            round_box(arm_x - width * 0.08, base - width * 0.36, arm_x + width * 0.08, base),
            "#8a9dea",
            "#5566b8",
        )


def floor_lamp(canvas: Canvas, easel: Easel, x: float, base: float, height: float) -> None:
    """A standing lamp with a cloth shade, lit after dark."""
    is_lit = not easel.by_time(True, False, False)
    canvas.fill(stroke([(x, base), (x, base - height * 0.8)], 0.024, 0.024), "#8a5a34")
    canvas.fill(ellipse(x, base, 0.06, 0.018), "#7a4c2a")
    if is_lit:
        canvas.glow(x, base - height * 0.85, 0.42, "#ffdf90", 0.55)
    shade = [
        (x - 0.055, base - height),
        (x + 0.055, base - height),
        (x + 0.1, base - height * 0.74),
        (x - 0.1, base - height * 0.74),
    ]
    canvas.fill(np.array(shade), "#fff0c0", "#ffcf70", glows=is_lit)


def bookshelf(canvas: Canvas, x: float, base: float, width: float) -> None:
    """A low shelf with broad books in two rows."""
    height = width * 1.25
    canvas.fill(
        round_box(x - width / 2, base - height, x + width / 2, base, 0.025), "#b57842", "#8f5a30"
    )
    colours = ("#f0665a", "#ffd060", "#5fb8b0", "#7b8fe0")
    for row in range(2):
        top = base - height * (0.94 - 0.47 * row)
        canvas.fill(box(x - width * 0.42, top, x + width * 0.42, top + height * 0.39), "#6f4424")
        for place in range(4):
            left = x - width * 0.4 + place * width * 0.2
            head = top + height * (0.05 + 0.06 * ((place + row) % 3))
            canvas.fill(
                box(left, head, left + width * 0.19, top + height * 0.39),
                colours[(place + row) % 4],
            )
