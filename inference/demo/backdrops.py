"""What a picture is painted on: plain, shaded or noisy backgrounds, and photo-like pictures."""

from __future__ import annotations

import math

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from inference.demo.colours import COLOURS, draw_colour, rgb_of

Canvas = NDArray[np.float32]  # (height, width, 3), 0..255 but not clipped

_SKIES = (
    (205, 0.5, 0.95), (215, 0.7, 0.8), (200, 0.25, 1), (25, 0.6, 0.95),
    (220, 0.6, 0.2), (210, 0.08, 0.8), (340, 0.35, 0.9), (10, 0.7, 0.9),
)  # fmt: skip
_GROUNDS = (
    (110, 0.6, 0.45), (95, 0.5, 0.6), (30, 0.5, 0.45), (45, 0.45, 0.85), (210, 0.7, 0.5),
    (190, 0.6, 0.6), (0, 0, 0.95), (30, 0.1, 0.5), (130, 0.7, 0.25), (55, 0.7, 0.8),
)  # fmt: skip


def backdrop(rng: Generator, height: int, width: int, name: str | None) -> Canvas:
    """`name` is one of COLOURS and all of the backdrop has it; None gives a colour hard to name."""

    def colour() -> NDArray[np.float64]:
        return draw_colour(rng, name, backdrop=True) if name else _odd_colour(rng)

    first = colour()
    kind = rng.random()
    if kind < 0.6:
        return _plain(first, height, width)
    second = colour() if name else first + rng.normal(0, 25, 3)
    if name in ("white", "grey", "black") and rng.random() < 0.5:
        second = first + rng.uniform(-8, 8)
    if kind < 0.78:
        return _mix(first, second, _ramp(rng, height, width))
    if kind < 0.9:
        channels = 1 if rng.random() < 0.6 else 3
        noise = rng.normal(0, rng.uniform(2, 12), (height, width, channels))
        return _plain(first, height, width) + noise.astype(np.float32)
    return _mix(first, second, _clouds(rng, height, width, int(rng.integers(2, 6)), 2))


def photo(rng: Generator, height: int, width: int) -> Canvas:
    """No shape and no number in it: landscape, patches of colour, or soft heaps of things."""
    kind = rng.random()
    if kind < 0.3:
        picture = _landscape(rng, height, width)
    elif kind < 0.5:
        picture = _patches(rng, height, width)
    elif kind < 0.75:
        picture = _heap(rng, height, width)
    else:
        picture = backdrop(rng, height, width, _any_name(rng))
    if rng.random() < 0.5:
        grain = rng.normal(0, rng.uniform(1, 14), (height, width, 1))
        picture = picture + grain.astype(np.float32)
    return picture


def _any_name(rng: Generator) -> str:
    return COLOURS[rng.integers(len(COLOURS))]


def _odd_colour(rng: Generator) -> NDArray[np.float64]:
    return np.asarray(rng.uniform(20, 240, 3))


def _any_colour(rng: Generator) -> NDArray[np.float64]:
    if rng.random() < 0.7:
        return draw_colour(rng, _any_name(rng))
    return rgb_of(rng.uniform(0, 360), rng.uniform(0.1, 1), rng.uniform(0.2, 1))


def _plain(colour: NDArray[np.float64], height: int, width: int) -> Canvas:
    return np.broadcast_to(colour.astype(np.float32), (height, width, 3)).copy()


def _mix(first: NDArray[np.float64], second: NDArray[np.float64], share: Canvas) -> Canvas:
    return (first + (second - first) * share[..., None]).astype(np.float32)


def _ramp(rng: Generator, height: int, width: int) -> Canvas:
    across = np.linspace(-0.5, 0.5, width, dtype=np.float32)[None]
    down = np.linspace(-0.5, 0.5, height, dtype=np.float32)[:, None]
    if rng.random() < 0.25:
        x, y = rng.uniform(-0.3, 0.3, 2)
        return np.asarray(np.clip(np.hypot(across - x, down - y) * 1.3, 0, 1), np.float32)
    angle = rng.uniform(0, 2 * math.pi)
    return np.clip(across * math.cos(angle) + down * math.sin(angle) + 0.5, 0, 1)


def _field(rng: Generator, height: int, width: int, knots: int) -> Canvas:
    """Smooth noise in about 0..1 with `knots` control points along the longer side."""
    longest = max(height, width)
    size = (max(2, round(knots * width / longest)), max(2, round(knots * height / longest)))
    dots = Image.fromarray(rng.random(size[::-1]).astype(np.float32), mode=None)
    return np.asarray(dots.resize((width, height), Image.Resampling.BICUBIC))


def _clouds(rng: Generator, height: int, width: int, knots: int, layers: int = 3) -> Canvas:
    total = sum(
        0.55**layer * _field(rng, height, width, knots * 2**layer) for layer in range(layers)
    )
    assert isinstance(total, np.ndarray)
    low, high = total.min(), total.max()
    return np.asarray((total - low) / (high - low + 1e-6), np.float32)


def _tint(rng: Generator, base: tuple[float, float, float]) -> NDArray[np.float64]:
    hue, saturation, value = base
    return rgb_of(
        hue + rng.normal(0, 8),
        float(np.clip(saturation + rng.normal(0, 0.1), 0, 1)),
        float(np.clip(value + rng.normal(0, 0.08), 0.02, 1)),
    )


def _landscape(rng: Generator, height: int, width: int) -> Canvas:
    sky = _tint(rng, _SKIES[rng.integers(len(_SKIES))])
    ground = _tint(rng, _GROUNDS[rng.integers(len(_GROUNDS))])
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    upper = _mix(sky, sky * rng.uniform(0.8, 1.2), np.broadcast_to(down, (height, width)))
    white = np.clip((_clouds(rng, height, width, int(rng.integers(2, 5))) - 0.55) * 3, 0, 1)
    share = white[..., None] * rng.uniform(0, 0.9)
    upper = upper * (1 - share) + 246 * share
    lower = _mix(ground, ground * rng.uniform(0.6, 1.2), _clouds(rng, height, width, 10, 2))
    hills = _field(rng, 2, width, int(rng.integers(2, 9)))[:1] - 0.5
    line = rng.uniform(0.15, 0.85) + rng.uniform(0, 0.25) * hills
    below = np.clip((down - line) * height / rng.uniform(1, 5), 0, 1)[..., None]
    return np.asarray(upper * (1 - below) + lower * below, np.float32)


def _patches(rng: Generator, height: int, width: int) -> Canvas:
    count = int(rng.integers(2, 5))
    base = _any_colour(rng)
    colours = [
        _any_colour(rng) if rng.random() < 0.5 else base + rng.normal(0, 30, 3)
        for _ in range(count)
    ]
    weight = np.stack(
        [_clouds(rng, height, width, 4, 2) + rng.uniform(-0.3, 0.4) for _ in range(count)], -1
    )
    weight = np.exp(weight * rng.uniform(8, 40))
    picture = weight / weight.sum(-1, keepdims=True) @ np.stack(colours).astype(np.float32)
    shade = 0.8 + 0.4 * _clouds(rng, height, width, int(rng.integers(4, 16)), 2)
    return np.asarray(picture * shade[..., None], np.float32)


def _heap(rng: Generator, height: int, width: int) -> Canvas:
    ground = np.clip(backdrop(rng, height, width, _any_name(rng)), 0, 255)
    picture = Image.fromarray(ground.astype(np.uint8))
    pen = ImageDraw.Draw(picture)
    for _ in range(int(rng.integers(2, 8))):
        corners = int(rng.integers(6, 11))
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        angles = np.sort(rng.uniform(0, 2 * math.pi, corners))
        reach = rng.uniform(0.1, 0.4) * max(height, width) * rng.uniform(0.25, 1, corners)
        points = np.stack([x + reach * np.cos(angles), y + reach * np.sin(angles)], -1)
        fill = tuple(int(part) for part in np.clip(_any_colour(rng), 0, 255))
        pen.polygon([(float(a), float(b)) for a, b in points], fill=fill)
    soft = picture.filter(ImageFilter.GaussianBlur(rng.uniform(1.5, 6)))
    shade = 0.75 + 0.5 * _clouds(rng, height, width, int(rng.integers(2, 6)), 2)
    return np.asarray(soft).astype(np.float32) * shade[..., None]
