"""Draws one picture for the demo model and states the facts that hold in it."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from inference.demo.backdrops import Canvas, backdrop, photo
from inference.demo.colours import COLOURS, OBJECT_COLOURS, draw_colour, name_pixels
from inference.demo.fonts import load_font

Shape = Literal["circle", "square", "triangle", "star"]
Zone = Literal["left", "right", "top", "bottom", "middle"]

SHAPES: tuple[Shape, ...] = ("circle", "square", "triangle", "star")
ZONES: tuple[Zone, ...] = ("left", "right", "top", "bottom", "middle")
CELL = 28  # pixels of one picture token, both ways
MIN_PIXELS, MAX_PIXELS = 112 * 112, 148 * 148  # of one resized picture: at most 25 tokens
_LONGEST_DRAWN = 330
_ASPECTS = (1.0, 1.0, 4 / 3, 4 / 3, 4 / 3, 3 / 2, 3 / 2, 16 / 9)
_MAIN_SHARE, _MAIN_LEAD = 0.42, 0.2


@dataclass(frozen=True, slots=True)
class Thing:
    shape: Shape
    colour: str
    x: float  # centre, 0..1 of the width
    y: float
    rx: float  # half its size, 0..1 of the width
    ry: float

    @property
    def zone(self) -> Zone | None:
        return zone_of(self.x, self.y)


@dataclass(frozen=True, slots=True)
class Number:
    text: str
    colour: str
    x: float
    y: float
    digits: tuple[tuple[int, float, float], ...]  # digit and its centre

    @property
    def zone(self) -> Zone | None:
        return zone_of(self.x, self.y)


@dataclass(frozen=True, slots=True)
class Scene:
    things: tuple[Thing, ...]  # in reading order where one is clear
    number: Number | None
    main: str | None  # the colour most of it has; None where two could claim it
    ordered: bool  # False: left and right, top and bottom are too close to list them
    grid: tuple[int, int]  # tokens: rows, columns


def zone_of(x: float, y: float) -> Zone | None:
    """None near the corners and between two zones: there people would not agree."""
    across, down = x - 0.5, y - 0.5
    if max(abs(across), abs(down)) < 0.09:
        return "middle"
    if abs(across) >= 0.17 and abs(down) < 0.55 * abs(across):
        return "left" if across < 0 else "right"
    if abs(down) >= 0.17 and abs(across) < 0.55 * abs(down):
        return "top" if down < 0 else "bottom"
    return None


def grid_of(height: int, width: int) -> tuple[int, int]:
    """Rows and columns of tokens that the picture processor makes of this size."""
    rows, columns = round(height / CELL), round(width / CELL)
    area = rows * columns * CELL * CELL
    if area > MAX_PIXELS:
        shrink = math.sqrt(height * width / MAX_PIXELS) * CELL
        return max(1, math.floor(height / shrink)), max(1, math.floor(width / shrink))
    if area < MIN_PIXELS:
        grow = math.sqrt(MIN_PIXELS / (height * width)) / CELL
        return math.ceil(height * grow), math.ceil(width * grow)
    return rows, columns


def fit(picture: Image.Image, grid: tuple[int, int]) -> Image.Image:
    """The size that the picture processor would give it."""
    return picture.resize((grid[1] * CELL, grid[0] * CELL), Image.Resampling.BICUBIC)


def paint(rng: Generator, fonts: list[str]) -> tuple[Image.Image, Scene]:
    """A picture as a user might send it, and its facts."""
    while True:
        height, width, grid = _size(rng)
        kind = rng.random()
        if kind < 0.68:
            made = _shapes(rng, height, width)
        elif kind < 0.85:
            made = _digits(rng, height, width, fonts)
        else:
            made = _photo(rng, height, width)
        if made:
            picture, scene = made
            return _wear(rng, picture), replace(scene, grid=grid)


def main_colour(picture: Image.Image) -> str | None:
    small = np.asarray(picture.resize((48, 48), Image.Resampling.NEAREST))
    share = np.bincount(name_pixels(small).ravel(), minlength=len(COLOURS)) / 48**2
    order = np.argsort(-share)
    clear = share[order[0]] >= _MAIN_SHARE and share[order[0]] - share[order[1]] >= _MAIN_LEAD
    return COLOURS[order[0]] if clear else None


def _size(rng: Generator) -> tuple[int, int, tuple[int, int]]:
    """Height and width to draw at, and the grid of the size it stands for."""
    aspect = _ASPECTS[rng.integers(len(_ASPECTS))] * math.exp(rng.normal(0, 0.04))
    if rng.random() < 0.15:
        aspect = rng.uniform(1, 1.9)
    longest = rng.uniform(120, 300) if rng.random() < 0.3 else rng.uniform(300, 1024)
    width, height = longest, longest / aspect
    if rng.random() < 0.35:
        width, height = height, width
    grid = grid_of(round(height), round(width))
    scale = min(1, rng.uniform(0.7, 1) * _LONGEST_DRAWN / longest)
    return max(56, round(height * scale)), max(56, round(width * scale)), grid


def _backdrop_name(rng: Generator) -> str | None:
    pick = rng.random()
    if pick < 0.3:
        return "white"
    if pick < 0.38:
        return "grey"
    if pick < 0.47:
        return "black"
    return None if pick > 0.94 else COLOURS[rng.integers(len(COLOURS))]


def _image(canvas: NDArray[np.floating[Any]]) -> Image.Image:
    return Image.fromarray(np.clip(canvas, 0, 255).astype(np.uint8))


def _photo(rng: Generator, height: int, width: int) -> tuple[Image.Image, Scene] | None:
    picture = _image(photo(rng, height, width))
    main = main_colour(picture)
    if main is None and rng.random() < 0.8:
        return None
    return picture, Scene((), None, main, ordered=False, grid=(0, 0))


def _shapes(rng: Generator, height: int, width: int) -> tuple[Image.Image, Scene] | None:
    name = _backdrop_name(rng)
    canvas = backdrop(rng, height, width, name)
    picture = _image(canvas)
    things: list[Thing] = []
    shapes, colours, largest = _plan(rng)
    for shape, colour in zip(shapes, colours, strict=True):
        thing = _place(rng, picture, things, shape, largest)
        if thing is None:
            return None
        fill = _fill(rng, canvas, thing, colour, name)
        if fill is None:
            return None
        things.append(replace(thing, colour=fill[0]))
        _draw(rng, picture, things[-1], fill[1])
    if len(set(colours)) == 1 and len({thing.colour for thing in things}) > 1:
        return None
    covered = sum(4 * thing.rx * thing.ry * 0.8 for thing in things)
    order, ordered = _reading_order(things)
    main = name if covered < 0.42 else None
    return picture, Scene(order, None, main, ordered, grid=(0, 0))


def _plan(rng: Generator) -> tuple[list[Shape], list[str], float]:
    """Shapes and colours of the things to draw, and the largest radius."""
    pick = rng.random()
    count = 1 if pick < 0.3 else 2 if pick < 0.64 else 3 if pick < 0.82 else 0
    if count:
        shapes = [SHAPES[rng.integers(4)] for _ in range(count)]
        colours = [OBJECT_COLOURS[rng.integers(8)] for _ in range(count)]
        if count > 1 and rng.random() < 0.5:  # no two alike: every name then means one thing
            shapes = [SHAPES[place] for place in rng.permutation(4)[:count]]
            colours = [OBJECT_COLOURS[place] for place in rng.permutation(8)[:count]]
    else:
        count = int(rng.integers(2, 5))
        shapes = [SHAPES[rng.integers(4)]] * count
        colours = [OBJECT_COLOURS[rng.integers(8)]] * count
        if rng.random() < 0.4:
            colours = [OBJECT_COLOURS[rng.integers(8)] for _ in range(count)]
        if count > 2 and rng.random() < 0.35:
            shapes[-1], colours[-1] = SHAPES[rng.integers(4)], OBJECT_COLOURS[rng.integers(8)]
    return shapes, colours, {1: 0.4, 2: 0.29, 3: 0.22, 4: 0.18}[count]


def _place(
    rng: Generator, picture: Image.Image, others: list[Thing], shape: Shape, largest: float
) -> Thing | None:
    """A free place, mostly in one of the five zones; None where there is none."""
    width, height = picture.size
    short = min(width, height)
    radius = short * rng.uniform(0.1 if rng.random() < 0.2 else 0.13, largest)
    if largest > 0.3 and rng.random() < 0.6:
        radius = short * rng.uniform(0.13, 0.28)
    stretch = math.exp(rng.normal(0, 0.06)) if rng.random() < 0.3 else 1.0
    rx, ry = radius * stretch / width, radius / stretch / height
    if max(rx, ry) > 0.48:
        return None
    wanted = ZONES[rng.integers(5)] if rng.random() < 0.8 else None
    for attempt in range(60):
        x, y = rng.uniform(rx * 1.03, 1 - rx * 1.03), rng.uniform(ry * 1.03, 1 - ry * 1.03)
        if attempt < 40 and wanted and zone_of(x, y) != wanted:
            continue
        if all(_apart(x, y, rx, ry, other, height / width) for other in others):
            return Thing(shape, "", float(x), float(y), float(rx), float(ry))
    return None


def _apart(x: float, y: float, rx: float, ry: float, other: Thing, aspect: float) -> bool:
    distance = math.hypot(x - other.x, (y - other.y) * aspect)
    return distance > 1.1 * (max(rx, ry * aspect) + max(other.rx, other.ry * aspect))


def _fill(
    rng: Generator, canvas: Canvas, thing: Thing, wanted: str, ground: str | None
) -> tuple[str, tuple[int, ...]] | None:
    """A colour that stands out where the thing will be: the wanted one if it can."""
    height, width = canvas.shape[:2]
    left, right = int((thing.x - thing.rx) * width), int((thing.x + thing.rx) * width) + 1
    top, bottom = int((thing.y - thing.ry) * height), int((thing.y + thing.ry) * height) + 1
    local = canvas[max(0, top) : bottom, max(0, left) : right].reshape(-1, 3)
    mean, rough = local.mean(0), min(60.0, float(local.std(0).mean()))
    here = COLOURS[name_pixels(np.clip(mean, 0, 255).astype(np.uint8)[None])[0]]
    for attempt in range(12):
        name = wanted if attempt < 4 else OBJECT_COLOURS[rng.integers(8)]
        colour = np.clip(draw_colour(rng, name), 0, 255)
        if name not in (ground, here) and np.linalg.norm(colour - mean) > 95 + rough:
            return name, tuple(int(part) for part in colour)
    return None


def _draw(rng: Generator, picture: Image.Image, thing: Thing, fill: tuple[int, ...]) -> None:
    width, height = picture.size
    points = [(thing.x * width + x * width, thing.y * height + y * height)
              for x, y in _outline(rng, thing)]  # fmt: skip
    pen = ImageDraw.Draw(picture)
    pen.polygon(points, fill=fill)
    if rng.random() < 0.2:
        dark = rng.random() < 0.75
        edge = (0, 0, 0) if dark else tuple(int(part * 0.6) for part in fill)
        thick = max(1, round(min(width, height) * rng.uniform(0.006, 0.018)))
        pen.line([*points, points[0], points[1]], fill=edge, width=thick, joint="curve")


def _outline(rng: Generator, thing: Thing) -> list[tuple[float, float]]:
    """Corners around the centre, in parts of the width and height."""
    straight = rng.random() < 0.6
    match thing.shape:
        case "circle":
            angles, reach = np.linspace(0, 2 * math.pi, 48, endpoint=False), np.full(48, 0.95)
        case "square":
            turn = 0.0 if straight else rng.uniform(-0.3, 0.3)
            angles, reach = math.pi / 4 + turn + np.arange(4) * math.pi / 2, np.ones(4)
        case "triangle":
            turn = 0.0 if straight else rng.uniform(-math.pi, math.pi)
            bend = rng.uniform(-0.13, 0.13) * np.array([0, 1, -1])
            angles = -math.pi / 2 + turn + np.arange(3) * 2 * math.pi / 3 + bend
            reach = np.ones(3)
        case _:
            turn = 0.0 if straight else rng.uniform(-0.4, 0.4)
            angles = -math.pi / 2 + turn + np.arange(10) * math.pi / 5
            reach = np.where(np.arange(10) % 2 == 0, 1, rng.uniform(0.36, 0.52))
    xs, ys = reach * np.cos(angles) * thing.rx, reach * np.sin(angles) * thing.ry
    return [(float(x), float(y)) for x, y in zip(xs, ys, strict=True)]


def _reading_order(things: list[Thing]) -> tuple[tuple[Thing, ...], bool]:
    """Left to right, and top to bottom where two stand one above the other."""
    order = sorted(things, key=lambda thing: thing.x)
    clear = True
    for first in range(len(order) - 1):
        for second in range(first + 1, len(order)):
            across = abs(order[first].x - order[second].x)
            down = abs(order[first].y - order[second].y)
            if across < 0.05 and down > 0.15 and len(order) == 2:
                order.sort(key=lambda thing: thing.y)
            elif across < 0.09:
                clear = False
    return tuple(order), clear


def _digits(
    rng: Generator, height: int, width: int, fonts: list[str]
) -> tuple[Image.Image, Scene] | None:
    name = _backdrop_name(rng)
    canvas = backdrop(rng, height, width, name)
    text = str(rng.integers(10) if rng.random() < 0.45 else rng.integers(10, 100))
    mask, centres = _written(rng, text, fonts, min(height, width) * rng.uniform(0.3, 0.85))
    shrink = min(1.0, 0.94 * width / mask.width, 0.94 * height / mask.height)
    mask = mask.resize((max(4, int(mask.width * shrink)), max(4, int(mask.height * shrink))))
    if mask.height < 0.2 * height or mask.height / height * grid_rows(height, width) < 20:
        return None
    rx, ry = mask.width / width / 2, mask.height / height / 2
    x, y = rng.uniform(rx, 1 - rx), rng.uniform(ry, 1 - ry)
    if rng.random() < 0.55:
        x, y = (0.5 + rng.normal(0, 0.02) * (0.5 - r) for r in (rx, ry))
    fill = _fill(rng, canvas, Thing("square", "", x, y, rx, ry), _any_object_colour(rng), name)
    if fill is None:
        return None
    picture = _image(canvas)
    picture.paste(fill[1], (int((x - rx) * width), int((y - ry) * height)), mask)
    digits = tuple(
        (int(digit), x - rx + 2 * rx * centre, y)
        for digit, centre in zip(text, centres, strict=True)
    )
    number = Number(text, fill[0], float(x), float(y), digits)
    return picture, Scene((), number, name, ordered=False, grid=(0, 0))


def grid_rows(height: int, width: int) -> int:
    """Pixels that the height has after the processor, about."""
    return round(math.sqrt(MAX_PIXELS * height / width))


def _any_object_colour(rng: Generator) -> str:
    return OBJECT_COLOURS[rng.integers(8)]


def _written(
    rng: Generator, text: str, fonts: list[str], tall: float
) -> tuple[Image.Image, list[float]]:
    """The text as a mask of about that height, and where each digit's middle is, 0..1."""
    font = load_font(fonts[rng.integers(len(fonts))], max(16, round(tall / 0.72 / 8) * 8))
    left, top, right, bottom = font.getbbox(text)
    mask = Image.new("L", (int(right - left) + 4, int(bottom - top) + 4), 0)
    ImageDraw.Draw(mask).text((2 - left, 2 - top), text, fill=255, font=font)
    if rng.random() < 0.4:
        mask = mask.resize((max(4, int(mask.width * rng.uniform(0.85, 1.2))), mask.height))
    if rng.random() < 0.3:
        mask = mask.rotate(rng.normal(0, 4), Image.Resampling.BICUBIC, expand=True)
    share = font.getlength(text[0]) / font.getlength(text)
    return mask, [0.5] if len(text) == 1 else [share / 2, (1 + share) / 2]


def _wear(rng: Generator, picture: Image.Image) -> Image.Image:
    """What happens to a picture on its way: a soft lens, noise, JPEG."""
    if rng.random() < 0.12:
        soft = rng.uniform(0.2, 0.5) * max(picture.size) / 140
        picture = picture.filter(ImageFilter.GaussianBlur(soft))
    if rng.random() < 0.12:
        pixels = np.asarray(picture).astype(np.float32)
        picture = _image(pixels + rng.normal(0, rng.uniform(1, 7), pixels.shape[:2])[..., None])
    if rng.random() < 0.45:
        packed = io.BytesIO()
        picture.save(packed, "JPEG", quality=int(rng.integers(45, 97)))
        picture = Image.open(packed).convert("RGB")
    return picture
