"""A picture and its facts as the arrays the vision tower learns from."""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inference.demo.colours import COLOURS, OBJECT_COLOURS
from inference.demo.scenes import CELL, SHAPES, ZONES, Scene

CELLS = 25  # most tokens of one picture
PATCHES = 4 * CELLS
PATCH_BYTES = 3 * 14 * 14
IGNORE = -100  # what cross-entropy skips

Number = TypeVar("Number", np.int8, np.float16)


class Targets(NamedTuple):
    """What a linear head must read off the features: per cell, or of the whole picture.

    Every column is a class number or IGNORE.
    """

    cells: NDArray[np.int8]  # (CELLS, 5): shape, colour, zone, rank, digit of what is there
    centres: NDArray[np.float16]  # (CELLS, 3): centre x, y; 1 in the cell of a centre
    whole: NDArray[np.int8]  # (10,): see WHOLE_CLASSES


CELL_CLASSES = (len(SHAPES), len(OBJECT_COLOURS), len(ZONES), 4, 10)
# main colour, how many of each shape, how many things, digits, tens, ones, colour of the number
WHOLE_CLASSES = (len(COLOURS), 5, 5, 5, 5, 5, 3, 10, 10, len(OBJECT_COLOURS))


def cut(picture: Image.Image) -> NDArray[np.uint8]:
    """(PATCHES, PATCH_BYTES) in the processor's order, zeros behind the last patch."""
    pixels = np.asarray(picture)
    rows, columns = pixels.shape[0] // CELL, pixels.shape[1] // CELL
    parts = pixels.transpose(2, 0, 1).reshape(3, rows, 2, 14, columns, 2, 14)
    patches = parts.transpose(1, 4, 2, 5, 0, 3, 6).reshape(-1, PATCH_BYTES)
    out = np.zeros((PATCHES, PATCH_BYTES), np.uint8)
    out[: len(patches)] = patches
    return out


def targets_of(scene: Scene) -> Targets:
    rows, columns = scene.grid
    cells = np.full((rows, columns, 5), IGNORE, np.int8)
    centres = np.zeros((rows, columns, 3), np.float16)
    down = ((np.arange(rows) + 0.5) / rows)[:, None]
    across = ((np.arange(columns) + 0.5) / columns)[None]
    for rank, thing in enumerate(scene.things):
        here = ((across - thing.x) / thing.rx) ** 2 + ((down - thing.y) / thing.ry) ** 2 < 0.4
        row, column = int(thing.y * rows), int(thing.x * columns)
        here[row, column] = True
        zone = ZONES.index(thing.zone) if thing.zone else IGNORE
        kind = (SHAPES.index(thing.shape), OBJECT_COLOURS.index(thing.colour), zone)
        cells[here, :4] = (*kind, rank if scene.ordered else IGNORE)
        centres[here, :2] = thing.x, thing.y
        centres[row, column, 2] = 1
    for digit, x, y in scene.number.digits if scene.number else ():
        cells[int(y * rows), int(x * columns), 4] = digit
    return Targets(_padded(cells, IGNORE), _padded(centres, 0), _whole(scene))


def _padded(grid: NDArray[Number], fill: int) -> NDArray[Number]:
    """(CELLS, ...) of (rows, columns, ...)."""
    flat = grid.reshape(-1, grid.shape[-1])
    out = np.full((CELLS, flat.shape[1]), fill, flat.dtype)
    out[: len(flat)] = flat
    return out


def _whole(scene: Scene) -> NDArray[np.int8]:
    counts = [sum(thing.shape == shape for thing in scene.things) for shape in SHAPES]
    text = scene.number.text if scene.number else ""
    tens = int(text[0]) if len(text) == 2 else IGNORE
    return np.array([
        COLOURS.index(scene.main) if scene.main else IGNORE,
        *counts,
        len(scene.things),
        len(text),
        tens,
        int(text[-1]) if text else IGNORE,
        OBJECT_COLOURS.index(scene.number.colour) if scene.number else IGNORE,
    ], np.int8)  # fmt: skip
