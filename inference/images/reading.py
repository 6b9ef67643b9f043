"""Reads the text in pictures, in a child process that can be killed; needs the extra [ocr].

What it reads is what is printed. Handwriting, and print that is small or seen from the side, it
mostly does not read.
"""

from __future__ import annotations

import asyncio
import json
import logging
import struct
import time
from collections import OrderedDict
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import groupby
from typing import Literal
from unicodedata import east_asian_width

from pydantic import BaseModel, Field

from inference.children import ChildDied, Children, NoChild
from inference.errors import CannotRead, ModelUnusable
from inference.request import Picture

log = logging.getLogger("inference.images")

Box = tuple[int, int, int, int]  # left, top, right, bottom, in pixels of the picture

_NEEDS = ("rapidocr", "onnxruntime")
_PICTURES_PER_CHILD = 100
_MOST_WAITING = 8  # besides the one being read; each may take `timeout_s`
_KEPT = 64  # texts of pictures: several may want to read the same one, and each question again
_MAX_BODY = 4 << 20  # bytes: the text of a page takes a thousandth of it
_SIDES = struct.Struct(">II")


class OcrSection(BaseModel, extra="forbid", frozen=True):
    """`[ocr]`"""

    enabled: Literal["auto", "on", "off"] = "auto"
    timeout_s: float = Field(20.0, ge=1.0, le=300.0)


@dataclass(frozen=True, slots=True)
class ReadLine:
    """A run of characters in one line of the picture. `row`: those of one row stand side by side,
    left to right."""

    text: str
    box: Box
    score: float  # how sure the reader is, 0 to 1
    row: int = 0

    def part(self, start: int, end: int) -> Box:
        """About where text[start:end] stands, rather too wide than too narrow."""
        left, top, right, bottom = self.box
        widths = [_width(character) for character in self.text] or [1]
        upright = len(self.text) > 1 and bottom - top > 1.5 * (right - left)  # top to bottom
        low, high = (top, bottom) if upright else (left, right)
        step = (high - low) / sum(widths)
        first = max(low, int(low + step * (sum(widths[:start]) - 1)))
        last = min(high, int(low + step * (sum(widths[:end]) + 1)) + 1)
        return (left, first, right, last) if upright else (first, top, last, bottom)


@dataclass(frozen=True, slots=True)
class ReadText:
    """All that was read, top to bottom, in a row left to right; no lines: nothing is written."""

    lines: tuple[ReadLine, ...] = ()

    @property
    def text(self) -> str:
        """Rows of the picture as lines."""
        rows = groupby(self.lines, key=lambda line: line.row)
        return "\n".join(" ".join(line.text for line in row) for _, row in rows)


class TextReader:
    """One picture at a time; one read lately is not read again. The child starts with the first
    one; `close` ends it."""

    def __init__(self, section: OcrSection) -> None:
        self._timeout_s = section.timeout_s
        self._waiting = 0
        self._turn = asyncio.Lock()
        self._kept: OrderedDict[str, ReadText] = OrderedDict()  # by Picture.digest
        self._children = Children(
            "inference.images.reading_child",
            "",
            most=1,
            jobs_each=_PICTURES_PER_CHILD,
            timeout_s=section.timeout_s,
            max_body=_MAX_BODY,
        )

    async def read(self, picture: Picture) -> ReadText:
        """Raises CannotRead, also when too many wait already."""
        if self._waiting > _MOST_WAITING:
            raise CannotRead("busy")
        self._waiting += 1
        try:
            digest = await asyncio.to_thread(lambda: picture.digest)
            async with self._turn:
                return self._find(digest) or await self._read_new(digest, picture)
        finally:
            self._waiting -= 1

    def forget(self) -> None:
        """What was read lately."""
        self._kept.clear()

    async def close(self) -> None:
        """Call it when no `read` is running any more."""
        await self._children.close()

    def _find(self, digest: str) -> ReadText | None:
        if digest in self._kept:
            self._kept.move_to_end(digest)
        return self._kept.get(digest)

    async def _read_new(self, digest: str, picture: Picture) -> ReadText:
        began = time.monotonic()
        text = await self._read(picture)
        figures = {"ms": round(1000 * (time.monotonic() - began)), "lines": len(text.lines)}
        log.info("%(lines)d lines of text read in a picture, after %(ms)d ms", figures)
        self._kept[digest] = text
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return text

    async def _read(self, picture: Picture) -> ReadText:
        job = _SIDES.pack(picture.width, picture.height) + picture.rgb
        try:
            kind, body = await self._children.ask(job)
        except TimeoutError:
            raise CannotRead("timeout") from None
        except ChildDied as error:
            raise CannotRead("broken") from error
        except NoChild as error:
            raise CannotRead("missing") from error
        if kind != b"T":
            raise CannotRead("broken")
        return await asyncio.to_thread(_parse_text, body, picture)


def is_readable() -> bool:
    """Whether the extra is installed; nothing is imported to tell."""
    return all(find_spec(name) for name in _NEEDS)


def make_reader(section: OcrSection) -> TextReader | None:
    """None: it is off, or the extra is not installed. Raises ModelUnusable when it must be on."""
    if section.enabled == "off":
        return None
    if is_readable():
        return TextReader(section)
    if section.enabled == "on":
        raise ModelUnusable(
            '[ocr] enabled is "on", but rapidocr and onnxruntime are not installed;'
            ' run: pip install -e ".[ocr]"'
        )
    return None


def _width(character: str) -> int:
    return 2 if east_asian_width(character) in "WF" else 1


def _parse_text(body: bytes, picture: Picture) -> ReadText:
    """Raises CannotRead: a child that was taken over may send anything."""
    try:
        found = [
            ReadLine(str(text), _within(picture, *map(round, box)), float(score))
            for text, box, score in json.loads(body)
        ]
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise CannotRead("broken") from error
    return ReadText(tuple(_in_order(found)))


def _within(picture: Picture, left: int, top: int, right: int, bottom: int) -> Box:
    left, right = (min(max(x, 0), picture.width) for x in (left, right))
    top, bottom = (min(max(y, 0), picture.height) for y in (top, bottom))
    return left, top, right, bottom


def _in_order(found: list[ReadLine]) -> list[ReadLine]:
    """What reaches past the middle of the row's first one, from above, stands in its row."""
    rows: list[list[ReadLine]] = []
    for line in sorted(found, key=_middle):
        if rows and line.box[1] < _middle(rows[-1][0]):
            rows[-1].append(line)
        else:
            rows.append([line])
    return [
        ReadLine(line.text, line.box, line.score, number)
        for number, row in enumerate(rows)
        for line in sorted(row, key=lambda line: line.box[0])
    ]


def _middle(line: ReadLine) -> float:
    return (line.box[1] + line.box[3]) / 2
