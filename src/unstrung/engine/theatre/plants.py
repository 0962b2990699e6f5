"""Plants: trees, flowers, corals and the like, painted at any place and size.

Companion of `set_pieces`, under the same rules.
"""

import numpy as np

from unstrung.engine.theatre.brushes import (
    Canvas,
    Easel,
    box,
    ellipse,
    leaf,
    round_box,
    rounded,
    stroke,
)


def fir(canvas: Canvas, x: float, base: float, height: float, snowy: bool = False) -> None:
    """A rounded conifer of three tiers, with snow on each when `snowy`."""
    canvas.fill(box(x - height * 0.05, base - height * 0.2, x + height * 0.05, base), "#7a5236")
    for tier in range(3):
        top = base - height * (0.55 + 0.225 * tier)
        bottom = base - height * (0.13 + 0.24 * tier)
        half = height * (0.3 - 0.065 * tier)
        points = [(x, top), (x + half, bottom), (x, bottom + height * 0.04), (x - half, bottom)]
        canvas.fill(rounded(points), "#3f9a6a", "#1f6b52")
        if snowy:
            cut = 0.6
            cap = [
                (x, top - 0.01),
                (x + half * cut, top + (bottom - top) * cut),
                (x + half * 0.2, top + (bottom - top) * 0.45),
                (x - half * 0.25, top + (bottom - top) * 0.62),
                (x - half * cut, top + (bottom - top) * cut),
            ]
            canvas.fill(rounded(cap), "#ffffff", "#e4f0fb")


def round_tree(
    canvas: Canvas,
    x: float,
    base: float,
    height: float,
    light: str = "#8fd45f",
    dark: str = "#3f9a4a",
) -> None:
    """A leafy tree: a short trunk under a ball of leaves."""
    canvas.fill(
        box(x - height * 0.05, base - height * 0.5, x + height * 0.05, base),
        "#a06a42",
        "#7a4c30",
        "across",
    )
    for dx, dy, radius in [(-0.17, 0.55, 0.2), (0.17, 0.55, 0.2), (0.0, 0.7, 0.27)]:
        ball = ellipse(x + dx * height, base - dy * height, radius * height)
        canvas.fill(ball, light, dark, "round")


def palm(canvas: Canvas, x: float, base: float, height: float, lean: float = 0.2) -> None:
    """A palm with a curved trunk and seven drooping leaves; `lean` moves its top sideways."""
    t = np.linspace(0, 1, 12)
    trunk = np.stack([x + lean * height * t**1.7, base - height * t], 1)
    canvas.fill(stroke(trunk, height * 0.13, height * 0.07), "#c99a62", "#8f6238", "across")
    top_x, top_y = trunk[-1]
    for place, angle in enumerate((-175, -5, -145, -35, -115, -65, -90)):
        light, dark = ("#57c267", "#2c8f4c") if place % 2 else ("#46ad5c", "#227c42")
        length = height * 0.55
        blade = leaf(top_x, top_y, length, length * 0.3, angle, bend=0.55)
        canvas.fill(blade, light, dark)
    canvas.fill(ellipse(top_x, top_y + height * 0.03, height * 0.06), "#8a5a34")


def cactus(canvas: Canvas, x: float, base: float, height: float, side: int = 1) -> None:
    """A saguaro with two raised arms."""
    width = height * 0.22
    arms = [(side * 0.34, 0.42, 0.8), (-side * 0.32, 0.3, 0.62)]
    for dx, low, high in arms:
        elbow = [
            (x, base - low * height),
            (x + dx * height * 0.8, base - low * height),
            (x + dx * height, base - (low + 0.07) * height),
            (x + dx * height, base - high * height),
        ]
        canvas.fill(stroke(elbow, width * 0.7, width * 0.7), "#4fae62", "#34884f")
        canvas.fill(ellipse(x + dx * height, base - high * height, width * 0.35), "#4fae62")
    trunk = round_box(x - width / 2, base - height, x + width / 2, base + width * 0.2)
    canvas.fill(trunk, "#66c274", "#2f8550", "across")


def flower(canvas: Canvas, x: float, base: float, height: float, colour: str) -> None:
    """A daisy-like flower of five petals on a stem."""
    canvas.fill(stroke([(x, base), (x, base - height)], 0.016, 0.014), "#3f9140")
    radius = height * 0.2
    for turn in np.arange(5) * 2 * np.pi / 5 - np.pi / 2:
        petal_x, petal_y = x + radius * np.cos(turn), base - height + radius * np.sin(turn)
        canvas.fill(ellipse(petal_x, petal_y, radius * 0.8), colour)
    canvas.fill(ellipse(x, base - height, radius * 0.65), "#ffd84a")


def tufts(canvas: Canvas, easel: Easel, y: float, height: float, colours: tuple[str, str]) -> None:
    """A soft row of broad grass blades along the bottom."""
    for x in easel.spots(0.36, 0.25):
        for angle in (-120, -60, -90):
            blade = leaf(x, y, height, height * 0.5, angle)
            canvas.fill(blade, colours[0], colours[1])


def mushroom(canvas: Canvas, x: float, base: float, height: float) -> None:
    """A red toadstool with white spots."""
    canvas.fill(
        round_box(x - height * 0.16, base - height * 0.6, x + height * 0.16, base),
        "#fff3dc",
        "#e6d2b0",
    )
    turns = np.linspace(np.pi, 2 * np.pi, 24)
    dome = np.stack(
        [x + height * 0.5 * np.cos(turns), base - height * 0.45 + height * 0.55 * np.sin(turns)], 1
    )
    canvas.fill(rounded(dome, 1), "#ff6a55", "#d63a3a")
    canvas.fill(ellipse(x, base - height * 0.78, height * 0.11), "#fff3e6")
    canvas.fill(ellipse(x - height * 0.28, base - height * 0.6, height * 0.08), "#fff3e6")
    canvas.fill(ellipse(x + height * 0.28, base - height * 0.6, height * 0.08), "#fff3e6")


def coral(canvas: Canvas, x: float, base: float, height: float, light: str, dark: str) -> None:
    """A branching coral with round tips."""
    for angle, length in ((-90, 1.0), (-125, 0.8), (-55, 0.8), (-150, 0.5), (-30, 0.5)):
        turn = np.radians(angle)
        tip = (x + height * length * np.cos(turn), base + height * length * np.sin(turn))
        canvas.fill(stroke([(x, base), tip], height * 0.22, height * 0.15), light, dark)
        canvas.fill(ellipse(*tip, height * 0.11), light)


def seaweed(canvas: Canvas, x: float, base: float, height: float, colours: tuple[str, str]) -> None:
    """Three waving ribbons."""
    t = np.linspace(0, 1, 20)
    for dx, tall in ((-0.06, 0.75), (0.06, 0.65), (0.0, 1.0)):
        path = np.stack(
            [x + dx + 0.03 * np.sin(5 * t + x * 9 + dx * 40), base - height * tall * t], 1
        )
        canvas.fill(stroke(path, 0.05, 0.015), colours[0], colours[1])
