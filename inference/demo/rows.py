"""Fills the rows of a training batch: which pictures, which talk, how many branches fit."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from inference.demo import talk
from inference.demo.naming import pick
from inference.demo.prompt import Row, Speller, Style
from inference.demo.scenes import Scene
from inference.demo.shards import Gallery
from inference.demo.talk import Turn

# Kinds of rows in one batch; their pictures are always PICTURES together.
ONE, LATER, TOGETHER, NONE = 18, 3, 3, 3
ROWS = ONE + LATER + TOGETHER + NONE
PICTURES = ONE + 2 * (LATER + TOGETHER)
_KINDS = {"several": 0.6, "one": 0.15, "number": 0.14, "photo": 0.11}


class RowMaker:
    """Every batch is a function of its number alone."""

    def __init__(self, gallery: Gallery, speller: Speller, length: int, seed: int) -> None:
        self._gallery, self._speller = gallery, speller
        self._length, self._seed = length, seed
        self._by_kind: dict[str, list[int]] = {kind: [] for kind in _KINDS}
        for number in range(len(gallery)):
            self._by_kind[_kind(gallery.scene(number))].append(number)

    def batch(self, step: int) -> list[Row]:
        r = Random(self._seed * 1_000_003 + step)
        makers = [self._one] * ONE + [self._later] * LATER + [self._together] * TOGETHER
        return [make(r) for make in [*makers, *[self._none] * NONE]]

    def _picture(self, r: Random) -> int:
        kind = r.choices(list(_KINDS), list(_KINDS.values()))[0]
        return pick(r, self._by_kind[kind] or self._by_kind["several"])

    def _begin(self, r: Random) -> tuple[Row, Style]:
        row = Row()
        style = Style(empty_thought=r.random() < 0.88, nothink=r.random() < 0.08)
        self._speller.begin(row, talk.system_line(r))
        return row, style

    def _one(self, r: Random) -> Row:
        row, style = self._begin(r)
        number = self._picture(r)
        scene = self._gallery.scene(number)
        if r.random() < 0.1:  # they talked before the picture came
            self._speller.open_user(row)
            self._speller.say(row, talk.without_picture(r, scene)[0], style, ends=False)
        self._speller.open_user(row)
        row.add_picture(number, scene.grid)
        return self._fill(row, style, lambda: talk.about_picture(r, scene))

    def _later(self, r: Random) -> Row:
        row, style = self._begin(r)
        numbers = self._picture(r), self._picture(r)
        scenes = self._gallery.scene(numbers[0]), self._gallery.scene(numbers[1])
        self._speller.open_user(row)
        row.add_picture(numbers[0], scenes[0].grid)
        self._speller.say(row, talk.about_picture(r, scenes[0])[0], style, ends=False)
        self._speller.open_user(row)
        row.add_picture(numbers[1], scenes[1].grid)
        return self._fill(row, style, lambda: talk.about_two(r, scenes, together=False))

    def _together(self, r: Random) -> Row:
        row, style = self._begin(r)
        numbers = self._picture(r), self._picture(r)
        scenes = self._gallery.scene(numbers[0]), self._gallery.scene(numbers[1])
        self._speller.open_user(row)
        for number, scene in zip(numbers, scenes, strict=True):
            row.add_picture(number, scene.grid)
        return self._fill(row, style, lambda: talk.about_two(r, scenes, together=True))

    def _none(self, r: Random) -> Row:
        row, style = self._begin(r)
        self._speller.open_user(row)
        return self._fill(
            row, style, lambda: talk.without_picture(r, self._gallery.scene(self._picture(r)))
        )

    def _fill(self, row: Row, style: Style, turns: Callable[[], list[Turn]]) -> Row:
        """Branches until the row is full; one that does not fit is taken out again."""
        misses = 0
        while misses < 2:
            used = len(row.tokens)
            row.branch()
            for place, turn in enumerate(made := turns()):
                if place:
                    self._speller.open_user(row)
                self._speller.say(row, turn, style, ends=place == len(made) - 1)
            if len(row.tokens) > self._length:
                row.cut(used)
                misses += 1
        return row


def _kind(scene: Scene) -> str:
    if scene.number:
        return "number"
    return {0: "photo", 1: "one"}.get(len(scene.things), "several")
