"""Pages of text made ready for reading: turned straight, their background made white. What is no
page is only shrunk: its pixels are those that it would have without this file.

A page is told by its lines: seen along them, rows of ink and rows of paper alternate, and in no
other direction so clearly. How much clearer is the confidence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageFilter

from inference.request import PictureNote

_LONGEST = 640  # of the copy that is looked at
_SAMPLES = 30_000  # points of ink
_COARSE = np.radians(np.arange(-15.0, 15.01, 0.5))
_FINE = np.radians(np.arange(-0.5, 0.501, 0.05))
_STRAIGHT_DEGREES = 0.3  # nobody sees less
_TOLD_DEGREES = 3.0  # a page that is turned by more is mentioned
_LEAST_CONFIDENCE = 12.0  # pages had 34 and more, drawings and photos 11 at most
_LEAST_LINES = 5
_RUN = 24  # pixels; the strokes of letters are shorter
_LOOKED_AT = 3_000  # points of ink
_MOST_RULED = 0.4  # of the ink; tables had 0.24, blinds, tiles and wires 0.57 and more
_INK_SHARE = (0.01, 0.45)
_PAPER_SHARE = 0.4  # of a page, and more, is bright for its place, and hardly coloured
_PALE = 60  # the most that the channels of paper differ by
_FAINTEST_INK = 20  # levels below what is around it
_STROKE = 10  # pixels; no letter that can be read has thicker ones
_FULL = 254  # of 255: blurring rounds
_EDGE = 3  # pixels from paper into a line of text
_BLOCK = 8  # pixels; the strokes of a letter are thinner
_WHITE_PAPER = 225  # paper as bright as this nearly everywhere needs nothing
_WHITENED = 1.06  # the brightest that is around a pixel is brighter than its paper, by the noise
_BITS, _MOST_GAIN = 6, 4  # whole numbers take half the time, and 255 * 4 << 6 fits into 16 bits
_SHADE = 0.35  # paper in the shade keeps more than this of the light
_DARKEST_PAPER = 60  # below that it is the desk, not the page

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Lines:
    """How a page's lines lie: `degrees` to turn it by, counter-clockwise, until they are level."""

    degrees: float
    confidence: float


def made_ready(image: Image.Image, side: int) -> tuple[Image.Image, tuple[PictureNote, ...]]:
    """Shrunk to `side`, and more if it is a page."""
    lines = lines_of(image)
    if lines is None:
        return shrunk(image, side), ()
    if abs(lines.degrees) <= _STRAIGHT_DEGREES:
        return flattened(shrunk(image, side)), ()
    ready = flattened(_turned(image, lines.degrees, side))
    return ready, ("straightened",) if abs(lines.degrees) > _TOLD_DEGREES else ()


def lines_of(image: Image.Image) -> Lines | None:
    """None: it is no page."""
    small = _small(image)
    ink = _ink(small)
    if ink is None:
        return None
    rows, columns = _points(ink)
    scores = np.array([_score(rows, columns, angle) for angle in _COARSE])
    best = int(scores.argmax())
    confidence = float(scores[best] / max(np.median(scores), 1.0))
    if confidence < _LEAST_CONFIDENCE or not 0 < best < len(_COARSE) - 1:
        return None
    near = _COARSE[best] + _FINE
    fine = np.array([_score(rows, columns, angle) for angle in near])
    angle = float(near[fine.argmax()])
    if _count_lines(rows, columns, angle) < _LEAST_LINES or _ruled(ink, angle) > _MOST_RULED:
        return None
    return Lines(math.degrees(angle), confidence)


def flattened(image: Image.Image) -> Image.Image:
    """Divided by the brightness of the paper around each pixel; colours keep their hue, and what is
    dark over a large area, such as a picture on the page or the desk below it, stays dark."""
    blocks = np.asarray(_brightest(image.convert("L"), reach=9))
    usual = np.percentile(blocks, 90)
    if np.percentile(blocks, 10) >= _WHITE_PAPER or usual < _DARKEST_PAPER:
        return image
    lit = np.where(blocks < _SHADE * usual, usual, blocks).astype(np.uint8)
    paper = _spread(Image.fromarray(lit), image.size)
    exact = _WHITENED * 255.0 * (1 << _BITS) / np.asarray(paper, np.float32)
    gain = np.minimum(exact, _MOST_GAIN << _BITS).astype(np.uint16)
    bands = [np.asarray(band).astype(np.uint16) * gain >> _BITS for band in image.split()]
    white = [Image.fromarray(np.minimum(band, 255).astype(np.uint8)) for band in bands]
    return Image.merge("RGB", white)


def shrunk(image: Image.Image, side: int) -> Image.Image:
    # LANCZOS takes two and a half times as long; see docs/decisions.md
    image.thumbnail((side, side), Image.Resampling.HAMMING)
    return image


def _turned(image: Image.Image, degrees: float, side: int) -> Image.Image:
    """Shrunk first, so far that the whole turned page fits, as that takes less time."""
    turn = abs(math.radians(degrees))
    width = image.width * math.cos(turn) + image.height * math.sin(turn)
    height = image.width * math.sin(turn) + image.height * math.cos(turn)
    shrink = min(1.0, (side - 2) / max(width, height))  # turning rounds up, by a pixel at each end
    size = (max(1, int(image.width * shrink)), max(1, int(image.height * shrink)))
    if shrink < 1.0:
        image = image.resize(size, Image.Resampling.HAMMING, reducing_gap=1.0)
    return image.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor="white")


def _small(image: Image.Image) -> Image.Image:
    factor = max(1, max(image.size) // _LONGEST)
    small = image.reduce(factor) if factor > 1 else image.copy()
    small.thumbnail((_LONGEST, _LONGEST), Image.Resampling.BOX)
    return small


def _ink(small: Image.Image) -> NDArray[np.bool_] | None:
    """Where it is darker than what is around it. None: not as on paper."""
    pale = np.asarray(_colourfulness(small)) < _PALE
    if float(pale.mean()) < _PAPER_SHARE:  # most photos are known by that, without more work
        return None
    grey = small.convert("L")
    paper = _spread(_brightest(grey, reach=3), grey.size)
    levels, around = np.asarray(grey, np.int16), np.asarray(paper, np.int16)
    depth = around - levels
    inked = _thin(depth > np.maximum(_FAINTEST_INK, around // 4))
    share = float(inked.mean())
    if not _INK_SHARE[0] <= share <= _INK_SHARE[1]:
        return None
    grain = np.maximum(_FAINTEST_INK, around // 5)  # what JPEG makes of a camera's noise
    blank = (depth < grain) & pale & (around > _DARKEST_PAPER)
    if float(blank.mean()) < _PAPER_SHARE:
        return None
    return inked


def _points(ink: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Rows and columns."""
    rows, columns = np.nonzero(ink)
    step = max(1, len(rows) // _SAMPLES)
    rows, columns = rows[::step].astype(np.float32), columns[::step].astype(np.float32)
    # anywhere within its pixel: else the grid of the pixels itself looks like level lines
    shift = np.random.default_rng(0).random((2, len(rows)), np.float32)
    return rows + shift[0], columns + shift[1]


def _colourfulness(image: Image.Image) -> Image.Image:
    """How far the channels of each pixel are apart."""
    red, green, blue = image.split()
    most = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    least = ImageChops.darker(ImageChops.darker(red, green), blue)
    return ImageChops.subtract(most, least)


def _thin(ink: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Strokes alone: no things, no bars, no desk."""
    solid = np.asarray(_blurred(ink, _STROKE // 2)) >= _FULL
    around: NDArray[np.uint8] = np.asarray(_blurred(solid, _STROKE // 2 + 2))
    thin: NDArray[np.bool_] = ink & (around == 0)
    return thin


def _blurred(mask: NDArray[np.bool_], radius: int) -> Image.Image:
    return Image.fromarray(mask.astype(np.uint8) * 255).filter(ImageFilter.BoxBlur(radius))


def _brightest(grey: Image.Image, *, reach: int) -> Image.Image:
    """Of each block and those around it, `reach` of them each way: on a page, the paper."""
    levels = np.asarray(grey)
    tall, wide = (-(-side // _BLOCK) for side in levels.shape)
    missing = ((0, tall * _BLOCK - levels.shape[0]), (0, wide * _BLOCK - levels.shape[1]))
    blocks = np.pad(levels, missing, "edge").reshape(tall, _BLOCK, wide, _BLOCK).max((1, 3))
    return Image.fromarray(blocks).filter(ImageFilter.MaxFilter(reach))


def _spread(blocks: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Smoothed, and as large as the picture again."""
    box = (0.0, 0.0, size[0] / _BLOCK, size[1] / _BLOCK)
    smooth = blocks.filter(ImageFilter.BoxBlur(2))
    return smooth.resize(size, Image.Resampling.BILINEAR, box=box)


def _profile(rows: Floats, columns: Floats, angle: float) -> NDArray[np.float64]:
    """How much ink lies on each line that falls by `angle` to the right."""
    across = rows * math.cos(angle) - columns * math.sin(angle)
    return np.bincount((across - across.min()).astype(np.int32)).astype(np.float64)


def _score(rows: Floats, columns: Floats, angle: float) -> float:
    profile = _profile(rows, columns, angle)
    return float(np.square(profile[_EDGE:] - profile[:-_EDGE]).sum())


def _count_lines(rows: Floats, columns: Floats, angle: float) -> int:
    profile = _profile(rows, columns, angle)
    inked = profile > 0.3 * np.percentile(profile, 95)
    return int(np.count_nonzero(np.diff(inked.astype(np.int8)) == 1))


def _ruled(ink: NDArray[np.bool_], angle: float) -> float:
    """The share of the ink in straight lines, along or across: stripes do not break off."""
    rows, columns = np.nonzero(ink)
    step = -(-len(rows) // _LOOKED_AT)
    rows, columns = rows[::step], columns[::step]
    down, right = math.sin(angle), math.cos(angle)
    along = _runs(ink, rows, columns, (down, right))
    across = _runs(ink, rows, columns, (right, -down))
    return float((np.maximum(along, across) >= _RUN).mean())


def _runs(
    ink: NDArray[np.bool_],
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    towards: tuple[float, float],
) -> NDArray[np.intp]:
    """How far it goes on without a gap, both ways together; looked at every second pixel."""
    lengths = np.zeros(len(rows), np.intp)
    room = np.pad(ink, _RUN)  # nothing is inked beyond the edge
    for way in (1, -1):
        going = np.ones(len(rows), np.bool_)
        for far in range(2, _RUN + 1, 2):
            down, right = round(way * far * towards[0]), round(way * far * towards[1])
            going &= room[rows + _RUN + down, columns + _RUN + right]
            lengths += 2 * going
    return lengths
