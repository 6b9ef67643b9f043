"""The colour names of the demo model: how to draw one, and which one a pixel shows."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Rgb = tuple[int, int, int]

OBJECT_COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "black", "white")
COLOURS = (*OBJECT_COLOURS, "pink", "brown", "grey")

# Hue in degrees, saturation and value as (low, high): well inside what people call by the name.
_RANGES: dict[str, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    "red": ((-9, 8), (0.75, 1.0), (0.65, 1.0)),
    "orange": ((21, 38), (0.8, 1.0), (0.88, 1.0)),
    "yellow": ((48, 61), (0.62, 1.0), (0.88, 1.0)),
    "green": ((92, 152), (0.5, 1.0), (0.36, 0.95)),
    "blue": ((200, 243), (0.6, 1.0), (0.45, 1.0)),
    "purple": ((264, 292), (0.45, 1.0), (0.42, 0.9)),
    "black": ((0, 360), (0.0, 0.3), (0.0, 0.13)),
    "white": ((0, 360), (0.0, 0.04), (0.95, 1.0)),
    "pink": ((322, 352), (0.25, 0.52), (0.88, 1.0)),
    "brown": ((18, 32), (0.5, 0.88), (0.3, 0.55)),
    "grey": ((0, 360), (0.0, 0.07), (0.38, 0.83)),
}
# What people type when they draw a picture: the plain names of CSS and Pillow.
_NAMED: dict[str, tuple[Rgb, ...]] = {
    "red": ((255, 0, 0), (220, 20, 60), (220, 30, 30), (178, 34, 34), (200, 0, 0)),
    "orange": ((255, 165, 0), (255, 140, 0), (255, 128, 0), (240, 140, 30)),
    "yellow": ((255, 255, 0), (255, 215, 0), (250, 220, 40), (255, 235, 59)),
    "green": ((0, 128, 0), (0, 255, 0), (34, 139, 34), (0, 100, 0), (50, 205, 50), (0, 170, 60)),
    "blue": ((0, 0, 255), (65, 105, 225), (30, 144, 255), (0, 0, 160), (30, 60, 220)),
    "purple": ((128, 0, 128), (75, 0, 130), (148, 0, 211), (138, 43, 226), (130, 40, 170)),
    "black": ((0, 0, 0), (0, 0, 0), (20, 20, 20), (10, 10, 20)),
    "white": ((255, 255, 255), (255, 255, 255), (250, 250, 250), (245, 245, 245)),
    "pink": ((255, 192, 203), (255, 182, 193), (255, 150, 180)),
    "brown": ((139, 69, 19), (120, 72, 30), (101, 67, 33)),
    "grey": ((128, 128, 128), (169, 169, 169), (211, 211, 211), (105, 105, 105), (200, 200, 200)),
}
_PALE: dict[str, tuple[Rgb, ...]] = {
    "blue": ((173, 216, 230), (135, 206, 235), (180, 205, 245), (200, 220, 255)),
    "green": ((144, 238, 144), (152, 251, 152), (190, 230, 190)),
    "yellow": ((255, 250, 160), (255, 245, 170), (250, 240, 150)),
    "white": ((255, 255, 255), (245, 245, 245), (248, 248, 255)),
    "grey": ((211, 211, 211), (204, 204, 204), (200, 205, 210)),
    "pink": ((255, 192, 203), (250, 200, 215)),
}


def rgb_of(hue: float, saturation: float, value: float) -> NDArray[np.float64]:
    """Floats in 0..255; `hue` in degrees, any number."""
    turn = (hue % 360) / 60
    step = (np.array([5.0, 3.0, 1.0]) + turn) % 6
    edge = np.clip(np.minimum(step, 4 - step), 0, 1)
    return np.asarray(255 * value * (1 - saturation * edge))


def draw_colour(rng: Generator, name: str, *, backdrop: bool = False) -> NDArray[np.float64]:
    """One of the many reds; a backdrop may also be a pale one."""
    if backdrop and name in _PALE and rng.random() < 0.25:
        choice = _PALE[name]
        return np.array(choice[rng.integers(len(choice))], float) + rng.normal(0, 2, 3)
    if rng.random() < 0.35:
        named = _NAMED[name]
        return np.array(named[rng.integers(len(named))], float)
    return rgb_of(*(rng.uniform(low, high) for low, high in _RANGES[name]))


def name_pixels(rgb: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Index into COLOURS for each pixel of (..., 3)."""
    part = rgb.astype(np.float32) / 255
    red, green, blue = part[..., 0], part[..., 1], part[..., 2]
    value, low = part.max(-1), part.min(-1)
    spread = value - low
    safe = np.where(spread > 1e-6, spread, 1)
    hue = 60 * np.where(
        value == red,
        ((green - blue) / safe) % 6,
        np.where(value == green, (blue - red) / safe + 2, (red - green) / safe + 4),
    )
    saturation = spread / np.maximum(value, 1e-6)
    return _name(hue, saturation, value)


def _name(
    hue: NDArray[np.float32], saturation: NDArray[np.float32], value: NDArray[np.float32]
) -> NDArray[np.int8]:
    index = {name: number for number, name in enumerate(COLOURS)}
    bounds = (14, 43, 68, 170, 254, 302, 346)
    order = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "red")
    table = np.array([index[name] for name in order], np.int8)
    out = table[np.searchsorted(bounds, hue, side="right")]

    def paint(where: NDArray[np.bool_], name: str) -> None:
        out[where] = index[name]

    paint((hue >= 302) & (hue < 330) & (value < 0.6), "purple")
    paint((hue >= 330) & (hue < 346) & (value < 0.6), "red")
    paint(((hue >= 346) | (hue < 14)) & (saturation < 0.5) & (value > 0.75), "pink")
    paint((hue >= 10) & (hue < 43) & (value < 0.65), "brown")
    paint((hue >= 14) & (hue < 43) & (saturation < 0.5) & (value < 0.8), "brown")
    paint((hue >= 43) & (hue < 68) & (value < 0.45), "green")
    paint(saturation < 0.14, "grey")
    paint((saturation < 0.14) & (value > 0.88), "white")
    paint((saturation < 0.2) & (value > 0.93), "white")
    paint(value < 0.17, "black")
    paint((value < 0.25) & (saturation < 0.45), "black")
    return out
