"""What a question calls a thing: names that mean one thing, or nothing that is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from inference.demo import answers as say
from inference.demo import wordings as words
from inference.demo.colours import COLOURS, OBJECT_COLOURS
from inference.demo.scenes import SHAPES, Scene, Thing
from inference.demo.wordings import Language

T = TypeVar("T")
END = "\ue000"  # a private character, taken out before anybody reads the text


@dataclass(frozen=True, slots=True)
class Hint:
    """What the named thing is: the text model learns to know it at the end of the name."""

    count: int  # things so named
    things: tuple[Thing, ...]


@dataclass(frozen=True, slots=True)
class Name:
    """What a question calls a thing by; None where it leaves that out."""

    shape: str | None
    colour: str | None

    def fits(self, thing: Thing) -> bool:
        return self.shape in (None, thing.shape) and self.colour in (None, thing.colour)

    def hint(self, scene: Scene) -> Hint:
        named = tuple(filter(self.fits, scene.things))
        return Hint(len(named), named)

    def called(self, language: Language) -> str:
        """As the answer about an absent thing calls it."""
        colour = say.COLOUR_NAMES[language][self.colour] if self.colour else ""
        shape = say.SHAPE_NAMES[language][self.shape] if self.shape else ""
        if language == "zh":
            return f"{colour}{shape}" if shape else f"{colour}的图形"
        return f"{colour} {shape or 'shape'}".strip()


def pick(r: Random, options: Sequence[T]) -> T:
    return options[int(r.random() * len(options))]


def name_text(r: Random, name: Name, language: Language) -> str:
    """With its article: "the red circle", "那个红色的圆"; END at its end."""
    bare = bare_text(r, name, language)
    if language == "zh":
        if name.shape is None:
            return bare
        return pick(r, ("", "", "", "", "那个", "这个")) + bare
    return pick(r, ("the ", "the ", "the ", "the ", "this ", "that ")) + bare


def bare_text(r: Random, name: Name, language: Language, *, many: bool = False) -> str:
    return _bare_text(r, name, language, many=many) + END


def _bare_text(r: Random, name: Name, language: Language, *, many: bool) -> str:
    colour = pick(r, words.COLOUR_WORDS[language][name.colour]) if name.colour else ""
    if language == "zh":
        if name.shape is None:
            colour = colour.removesuffix("色") if r.random() < 0.15 else colour
            return colour + pick(
                r, ("的", "的", "的图形", "图形", "的形状", "的那个", "的东西", "的图案")
            )
        return colour + pick(r, ("", "的")) * bool(colour) + shape_text(r, name.shape, language)
    if name.shape is None:
        noun = pick(r, ("one", "one", "shape", "shape", "object", "figure", "thing"))
    else:
        noun = shape_text(r, name.shape, language)
    return f"{colour} {_plural(noun) if many else noun}".strip()


def shape_text(r: Random, shape: str, language: Language) -> str:
    return pick(r, words.SHAPE_WORDS[language][shape])


def _plural(noun: str) -> str:
    return words.PLURALS.get(noun, noun + "s")


def with_article(bare: str) -> str:
    return ("an " if bare[0] in "aeiou" else "a ") + bare


def name_one(r: Random, scene: Scene, kinds: str) -> tuple[Name, Thing] | None:
    """A name that means exactly one thing; `kinds` holds s, c or b: shape, colour or both."""
    thing = pick(r, scene.things)
    kind = pick(r, kinds)
    name = Name(thing.shape if kind != "c" else None, thing.colour if kind != "s" else None)
    return (name, thing) if sum(map(name.fits, scene.things)) == 1 else None


def name_absent(r: Random, scene: Scene, kinds: str) -> Name | None:
    """A name that fits nothing here, often half of one that would."""
    kind = pick(r, kinds)
    shape = pick(r, SHAPES)
    colour = pick(r, COLOURS if r.random() < 0.15 else OBJECT_COLOURS)
    if kind == "b" and scene.things and r.random() < 0.7:
        if r.random() < 0.5:
            shape = pick(r, scene.things).shape
        else:
            colour = pick(r, scene.things).colour
    name = Name(shape if kind != "c" else None, colour if kind != "s" else None)
    return None if any(map(name.fits, scene.things)) else name
