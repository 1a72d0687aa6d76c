"""Street scenes drawn by program: road, houses, a lamp, and what is wrong there, by day or by night."""

from __future__ import annotations

from collections.abc import Collection
from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw

SIDE, FINE = 112, 2
"""Pixels of a finished scene, and how many times finer it is drawn."""
HOLE, LAMP, RUBBISH, WATER = "Hole in the road", "Broken lamp", "Rubbish", "Standing water"
THINGS = (HOLE, LAMP, RUBBISH, WATER)
DAY = {"sky": (176, 208, 236), "wall": (206, 178, 148), "road": (128, 128, 132), "kerb": (188, 186, 180)}
NIGHT = {"sky": (26, 32, 58), "wall": (70, 62, 62), "road": (56, 57, 64), "kerb": (84, 84, 88)}
BAGS = ((40, 96, 60), (150, 44, 44), (44, 66, 140), (196, 160, 40))


def draw(things: Collection[str], night: bool, generator: np.random.Generator) -> bytes:
    """A PNG of a street with these of THINGS; the generator places houses, lamp and things."""
    tones = NIGHT if night else DAY
    image = Image.new("RGB", (SIDE, SIDE), tones["sky"]).resize((SIDE * FINE, SIDE * FINE))
    pen = _Pen(ImageDraw.Draw(image), generator)
    _houses(pen, tones["wall"], night)
    pen.box(0, 66, SIDE, SIDE, tones["road"])
    pen.box(0, 60, SIDE, 66, tones["kerb"])
    for start in range(int(generator.integers(-10, 6)), SIDE, 24):
        pen.box(start, 88, start + 12, 90, (214, 210, 190) if not night else (120, 118, 112))
    if WATER in things:
        _water(pen, night)
    if HOLE in things:
        _hole(pen)
    if RUBBISH in things:
        _rubbish(pen)
    _lamp(pen, night, LAMP in things)
    out = BytesIO()
    image.resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(out, "PNG")
    return out.getvalue()


class _Pen:
    """Draws in the units of the finished scene."""

    def __init__(self, draw: ImageDraw.ImageDraw, generator: np.random.Generator) -> None:
        self.draw, self.generator = draw, generator

    def between(self, low: float, high: float) -> float:
        return float(self.generator.uniform(low, high))

    def box(self, left: float, top: float, right: float, bottom: float, tone: tuple[int, int, int]) -> None:
        self.draw.rectangle([FINE * left, FINE * top, FINE * right - 1, FINE * bottom - 1], fill=tone)

    def oval(self, x: float, y: float, wide: float, high: float, tone: tuple[int, int, int]) -> None:
        self.draw.ellipse([FINE * (x - wide), FINE * (y - high), FINE * (x + wide), FINE * (y + high)], fill=tone)

    def shape(self, points: list[tuple[float, float]], tone: tuple[int, int, int]) -> None:
        self.draw.polygon([(FINE * x, FINE * y) for x, y in points], fill=tone)


def _houses(pen: _Pen, wall: tuple[int, int, int], night: bool) -> None:
    left = pen.between(-8, 0)
    while left < SIDE:
        wide, top, shade = pen.between(20, 34), pen.between(16, 34), pen.between(0.8, 1.15)
        tone = (int(wall[0] * shade) % 256, int(wall[1] * shade) % 256, int(wall[2] * shade) % 256)
        pen.box(left, top, left + wide, 60, tone)
        for x in (left + 4, left + wide - 10):
            for y in np.arange(top + 5, 52, 13):
                lit = night and pen.between(0, 1) < 0.3
                pen.box(x, float(y), x + 6, float(y) + 7, (230, 200, 110) if lit else (74, 84, 104))
        left += wide + pen.between(0, 4)


def _lamp(pen: _Pen, night: bool, broken: bool) -> None:
    x = pen.between(14, SIDE - 26)
    metal = (52, 54, 58) if not night else (104, 106, 112)
    if broken:
        lean = pen.between(10, 18)
        pen.shape([(x, 64), (x + 3, 64), (x + 3 + lean * 0.3, 36), (x + lean * 0.3, 36)], metal)
        pen.shape([(x + lean * 0.3, 38), (x + 3 + lean * 0.3, 36), (x + lean, 52), (x + lean - 3, 52)], metal)
        pen.oval(x + lean, 54, 4, 3, (40, 38, 38))
        for _ in range(5):
            shard = x + lean + pen.between(-6, 8)
            pen.shape([(shard, 64), (shard + 2, 61), (shard + 4, 64)], (214, 226, 232))
        return
    pen.box(x, 22, x + 3, 64, metal)
    pen.box(x, 20, x + 12, 23, metal)
    if night:
        pen.shape([(x + 8, 24), (x + 14, 24), (x + 26, 60), (x - 2, 60)], (120, 112, 84))
    pen.oval(x + 11, 24, 4, 3, (255, 236, 160) if night else (240, 240, 232))


def _hole(pen: _Pen) -> None:
    x, y, wide = pen.between(24, SIDE - 24), pen.between(76, 104), pen.between(9, 15)
    pen.oval(x, y, wide + 2, wide * 0.42 + 2, (92, 84, 76))
    pen.oval(x + 1, y + 1, wide, wide * 0.42, (20, 18, 18))
    for _ in range(4):
        pen.oval(x + pen.between(-wide, wide) * 1.4, y + pen.between(-6, 6), 1.4, 1.1, (34, 32, 32))


def _rubbish(pen: _Pen) -> None:
    x = pen.between(10, SIDE - 34)
    for place in range(int(pen.generator.integers(2, 5))):
        tone = BAGS[int(pen.generator.integers(len(BAGS)))]
        left, size = x + place * 7 + pen.between(-2, 2), pen.between(4, 6.5)
        pen.oval(left, 66 - size * 0.4, size, size, tone)
        pen.shape([(left - 1.5, 66 - size * 1.3), (left + 1.5, 66 - size * 1.3), (left, 66 - size * 1.8)], tone)


def _water(pen: _Pen, night: bool) -> None:
    x, y = pen.between(30, SIDE - 30), pen.between(78, 102)
    tone = (62, 96, 148) if night else (112, 166, 214)
    for _ in range(4):
        pen.oval(x + pen.between(-14, 14), y + pen.between(-4, 4), pen.between(12, 20), pen.between(4, 7), tone)
    light = (124, 150, 190) if night else (206, 228, 244)
    pen.oval(x - 4, y - 2, 8, 1.2, light)
