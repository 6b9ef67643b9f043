"""Makes one question about one picture, and its answer: facts and wordings meet here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from inference.demo import answers as say
from inference.demo import wordings as words
from inference.demo.colours import OBJECT_COLOURS
from inference.demo.naming import (
    END,
    Hint,
    Name,
    bare_text,
    name_absent,
    name_one,
    name_text,
    pick,
    shape_text,
    with_article,
)
from inference.demo.scenes import SHAPES, ZONES, Scene, Thing, Zone
from inference.demo.wordings import Language

_ABSENT = 0.3  # share of questions about a thing that is not there
# Of "it" these ask for a description, of a named thing for its shape.
_TOO_OPEN = ("{x}是什么", "{x}是啥", "{x}长什么样", "what is {x}", "what's {x}")


@dataclass(frozen=True, slots=True)
class Question:
    text: str  # END stands behind the name of the thing asked about
    answer: str
    task: str
    about: Thing | None = None  # what "it" means in the next question
    hint: Hint | None = None


def ask(r: Random, scene: Scene, task: str, language: Language) -> Question | None:
    """None where the picture leaves no clear answer to such a question."""
    return _ASKERS[task](r, scene, language)


def choose_task(r: Random, scene: Scene) -> str:
    weights = _OF_NUMBER if scene.number else _OF_THINGS if scene.things else _OF_PHOTO
    return r.choices(list(weights), list(weights.values()))[0]


def fill(r: Random, template: str, language: Language, **parts: str) -> str:
    parts.setdefault("i", pick(r, words.IN_PICTURE[language]))
    parts.setdefault("p", pick(r, words.PICTURE[language]))
    parts.setdefault("i2", " in " + pick(r, words.PICTURE["en"]))
    text = template.format(**parts)
    return text.removeprefix("的")


def _ask_colour(r: Random, scene: Scene, language: Language) -> Question | None:
    template = pick(r, words.COLOUR[language])
    if not scene.things or r.random() < _ABSENT:
        name = name_absent(r, scene, "s")
        if name is None:
            return None
        text = fill(r, template, language, x=name_text(r, name, language))
        return Question(
            text, say.say_absent(name.called(language), language), "absent", None, name.hint(scene)
        )
    if len(scene.things) == 1 and r.random() < 0.55:
        thing = scene.things[0]
        bare = r.random() < 0.2
        text = pick(r, words.BARE_COLOUR[language]) if bare else template
        text = fill(r, text, language, x=pick(r, words.IT[language]) + END)
        answer = say.say_colours([thing.colour], language)
        return Question(text, answer, "colour", thing, Hint(1, (thing,)))
    named = name_one(r, scene, "s")
    if named is None:
        return _ask_colours(r, scene, language)
    text = fill(r, template, language, x=name_text(r, named[0], language))
    answer = say.say_colours([named[1].colour], language)
    return Question(text, answer, "colour", named[1], named[0].hint(scene))


def _ask_colours(r: Random, scene: Scene, language: Language) -> Question | None:
    shape = pick(r, scene.things).shape
    alike = [thing.colour for thing in scene.things if thing.shape == shape]
    if len(alike) < 2 or not (scene.ordered or len(set(alike)) == 1):
        return None
    name = Name(shape, None)
    plural = bare_text(r, name, language, many=True)
    text = fill(r, pick(r, words.COLOURS_OF[language]), language, xs=plural)
    answer = say.say_colours(alike, language, many=True)
    return Question(text, answer, "colours of several", None, name.hint(scene))


def _ask_shape(r: Random, scene: Scene, language: Language) -> Question | None:
    template = pick(r, words.SHAPE[language])
    if not scene.things or r.random() < _ABSENT:
        name = name_absent(r, scene, "c")
        if name is None:
            return None
        text = fill(r, template, language, x=name_text(r, name, language))
        return Question(
            text, say.say_absent(name.called(language), language), "absent", None, name.hint(scene)
        )
    if len(scene.things) == 1 and r.random() < 0.6:
        thing = scene.things[0]
        bare = r.random() < 0.4 or template in _TOO_OPEN
        text = pick(r, words.BARE_SHAPE[language]) if bare else template
        text = fill(r, text, language, x=pick(r, words.IT[language]) + END)
        answer = say.say_shape(thing.shape, language)
        return Question(text, answer, "shape", thing, Hint(1, (thing,)))
    named = name_one(r, scene, "c")
    if named is None:
        return None
    if r.random() < 0.2:
        colour = pick(r, words.COLOUR_WORDS[language][named[1].colour])
        text = fill(r, pick(r, words.WHICH_SHAPE[language]), language, c=colour + END)
    else:
        text = fill(r, template, language, x=name_text(r, named[0], language))
    answer = say.say_shape(named[1].shape, language)
    return Question(text, answer, "shape", named[1], named[0].hint(scene))


def _ask_where(r: Random, scene: Scene, language: Language) -> Question | None:
    template = pick(r, words.WHERE[language])
    if scene.number and r.random() < 0.7:
        if scene.number.zone is None:
            return None
        text = fill(r, template, language, x=pick(r, words.NUMBER_IT[language]))
        return Question(text, say.say_place(scene.number.zone, language), "where")
    if not scene.things or r.random() < _ABSENT:
        name = name_absent(r, scene, "scbb")
        if name is None:
            return None
        text = fill(r, template, language, x=name_text(r, name, language))
        return Question(
            text, say.say_absent(name.called(language), language), "absent", None, name.hint(scene)
        )
    named = name_one(r, scene, "ssscbb")
    if named is None or named[1].zone is None:
        return None
    x = name_text(r, named[0], language)
    if len(scene.things) == 1 and r.random() < 0.4:
        x = pick(r, words.IT[language]) + END
    text = fill(r, template, language, x=x)
    answer = say.say_place(named[1].zone, language)
    return Question(text, answer, "where", named[1], named[0].hint(scene))


def _ask_count(r: Random, scene: Scene, language: Language) -> Question | None:
    template = pick(r, words.COUNT[language])
    if scene.things and r.random() < 0.35:
        every = ("图形", "图形", "形状", "图案", "东西", "物体") if language == "zh" else (
            "shapes", "shapes", "shapes", "objects", "figures", "things")  # fmt: skip
        text = fill(r, template, language, xs=pick(r, every))
        return Question(text, say.say_count(len(scene.things), language), "count")
    name: Name | None
    if scene.things and r.random() > _ABSENT:
        thing = pick(r, scene.things)
        kind = pick(r, "sssscb")
        name = Name(thing.shape if kind != "c" else None, thing.colour if kind != "s" else None)
    else:
        name = name_absent(r, scene, "ssscb")
    if name is None:
        return None
    count = sum(map(name.fits, scene.things))
    text = fill(r, template, language, xs=bare_text(r, name, language, many=True))
    return Question(text, say.say_count(count, language), "count", None, name.hint(scene))


def _ask_exists(r: Random, scene: Scene, language: Language) -> Question | None:
    name: Name | None
    if scene.things and r.random() < 0.5:
        thing = pick(r, scene.things)
        kind = pick(r, "sscbb")
        name = Name(thing.shape if kind != "c" else None, thing.colour if kind != "s" else None)
    else:
        name = name_absent(r, scene, "sscbb")
    if name is None:
        return None
    there = any(map(name.fits, scene.things))
    bare = bare_text(r, name, language)
    text = fill(
        r, pick(r, words.EXISTS[language]), language,
        a=bare if language == "zh" else with_article(bare),
        n=bare, xs=bare_text(r, name, language, many=True),
    )  # fmt: skip
    answer = say.say_exists(language, there=there)
    return Question(text, answer, "exists", None, name.hint(scene))


def _ask_check(r: Random, scene: Scene, language: Language) -> Question | None:
    named = name_one(r, scene, "scb") if scene.things else None
    if named is None:
        return None
    name, thing = named
    x = name_text(r, name, language)
    if len(scene.things) == 1 and r.random() < 0.5:
        x, name = pick(r, words.IT[language]) + END, Name(None, None)
    kind = r.random()
    if kind < 0.4 and name.colour is None:
        return _check_colour(r, thing, x, language)
    if kind < 0.75 and name.shape is None:
        return _check_shape(r, thing, x, language)
    if thing.zone is None:
        return None
    right = r.random() < 0.5
    zone = thing.zone if right else pick(r, [zone for zone in ZONES if zone != thing.zone])
    place = pick(r, words.PLACE_WORDS[language][zone])
    text = fill(r, pick(r, words.IS_WHERE[language]), language, x=x, z=place)
    plain = say.say_place(thing.zone, language)
    return _checked(text, plain, thing, language, right=right)


def _check_colour(r: Random, thing: Thing, x: str, language: Language) -> Question:
    other = pick(r, [colour for colour in OBJECT_COLOURS if colour != thing.colour])
    plain = say.say_colours([thing.colour], language)
    names = [pick(r, words.COLOUR_WORDS[language][colour]) for colour in (thing.colour, other)]
    right = r.random() < 0.5
    if r.random() < 0.3:
        first, second = names if right else names[::-1]
        text = fill(r, pick(r, words.OR_COLOUR[language]), language, x=x, c=first, d=second)
        return Question(text, plain, "colour", thing, Hint(1, (thing,)))
    text = fill(r, pick(r, words.IS_COLOUR[language]), language, x=x, c=names[not right])
    return _checked(text, plain, thing, language, right=right)


def _check_shape(r: Random, thing: Thing, x: str, language: Language) -> Question:
    other = pick(r, [shape for shape in SHAPES if shape != thing.shape])
    plain = say.say_shape(thing.shape, language)
    names = [shape_text(r, shape, language) for shape in (thing.shape, other)]
    right = r.random() < 0.5
    if r.random() < 0.35:
        first, second = names if right else names[::-1]
        templates = words.OR_SHAPE[language]
        template = pick(r, templates) if x[:-1] in words.IT[language] else templates[0]
        text = fill(r, template, language, x=x, k=first, l=second)
        return Question(text, plain, "shape", thing, Hint(1, (thing,)))
    text = fill(r, pick(r, words.IS_SHAPE[language]), language, x=x, k=names[not right])
    return _checked(text, plain, thing, language, right=right)


def _checked(text: str, plain: str, thing: Thing, language: Language, *, right: bool) -> Question:
    answer = say.say_right(language) if right else say.say_wrong(plain, language)
    return Question(text, answer, "yes or no", thing, Hint(1, (thing,)))


# A thing that is not called left, but stands where some would call it so.
_NEARLY: dict[Zone, Callable[[Thing], bool]] = {
    "left": lambda thing: thing.x < 0.42,
    "right": lambda thing: thing.x > 0.58,
    "top": lambda thing: thing.y < 0.42,
    "bottom": lambda thing: thing.y > 0.58,
    "middle": lambda thing: max(abs(thing.x - 0.5), abs(thing.y - 0.5)) < 0.2,
}
_OPPOSITE: dict[Zone | None, Zone] = {
    "left": "right", "right": "left", "top": "bottom", "bottom": "top",
}  # fmt: skip


def _ask_place(r: Random, scene: Scene, language: Language) -> Question | None:
    zone: Zone | None = pick(r, ZONES)
    if scene.things and r.random() > _ABSENT:
        zone = pick(r, scene.things).zone
    if scene.number:
        opposite = _OPPOSITE.get(scene.number.zone)
        zone = opposite if opposite and r.random() < 0.4 else scene.number.zone
    if zone is None:
        return None
    place = pick(r, words.PLACE_WORDS[language][zone])
    text = fill(r, pick(r, words.AT_PLACE[language]), language, z=place + END)
    if scene.number and zone == scene.number.zone:
        return Question(text, say.say_number(scene.number, language), "what is at")
    there = [thing for thing in scene.things if thing.zone == zone]
    if any(_NEARLY[zone](thing) for thing in scene.things if thing.zone != zone):
        return None
    if not there:
        answer = say.say_nothing_there(language)
        return Question(text, answer, "nothing at", None, Hint(0, ()))
    if len(there) > 1 and not scene.ordered:
        return None
    about = there[0] if len(there) == 1 else None
    answer = say.say_things(there, language)
    return Question(text, answer, "what is at", about, Hint(len(there), tuple(there)))


def _ask_main(r: Random, scene: Scene, language: Language) -> Question | None:
    if scene.main is None:
        return None
    templates = words.MAIN
    if not scene.things and not scene.number and r.random() < 0.15:
        templates = words.BARE_COLOUR  # with nothing else to see, "it" is the picture
    text = fill(r, pick(r, templates[language]), language)
    return Question(text, say.say_main(scene.main, language), "main colour")


def _ask_description(r: Random, scene: Scene, language: Language) -> Question | None:
    told = say.describe(scene, language)
    if told is None:
        return None
    templates = words.SILENT if r.random() < 0.15 else words.DESCRIBE
    text = fill(r, pick(r, templates[language]), language)
    return Question(text, told, "describe", scene.things[0] if len(scene.things) == 1 else None)


def _ask_number(r: Random, scene: Scene, language: Language) -> Question | None:
    if r.random() < 0.15:
        a = "数字" if language == "zh" else "a number"
        text = fill(r, pick(r, words.EXISTS[language]), language, a=a, n=a[2:], xs=a[2:] + "s")
        return Question(text, say.say_exists(language, there=scene.number is not None), "exists")
    text = fill(r, pick(r, words.NUMBER[language]), language)
    task = "number" if scene.number else "no number"
    return Question(text, say.say_number(scene.number, language), task)


def _ask_number_colour(r: Random, scene: Scene, language: Language) -> Question | None:
    if scene.number is None:
        return None
    template = pick(r, words.COLOUR[language])
    if r.random() < 0.25:
        template = pick(r, words.NUMBER_COLOUR_EXTRA[language])
    text = fill(r, template, language, x=pick(r, words.NUMBER_IT[language]))
    return Question(text, say.say_colours([scene.number.colour], language), "number's colour")


_ASKERS: dict[str, Callable[[Random, Scene, Language], Question | None]] = {
    "colour": _ask_colour,
    "colours": _ask_colours,
    "shape": _ask_shape,
    "where": _ask_where,
    "count": _ask_count,
    "exists": _ask_exists,
    "check": _ask_check,
    "place": _ask_place,
    "main": _ask_main,
    "describe": _ask_description,
    "number": _ask_number,
    "number colour": _ask_number_colour,
}
_OF_THINGS = {
    "colour": 2.0, "colours": 0.5, "shape": 1.6, "where": 2.2, "count": 1.5, "exists": 1.5,
    "check": 1.6,
    "place": 1.8, "main": 0.4, "describe": 1.1, "number": 0.15,
}  # fmt: skip
_OF_NUMBER = {
    "number": 3.0, "number colour": 1.2, "main": 0.7, "describe": 1.2, "where": 0.6,
    "count": 0.15, "exists": 0.15, "place": 0.5, "colour": 0.1, "shape": 0.1,
}  # fmt: skip
_OF_PHOTO = {
    "main": 3.0, "describe": 1.2, "number": 0.5, "exists": 0.4, "count": 0.3, "where": 0.3,
    "colour": 0.3, "shape": 0.2, "place": 0.3,
}  # fmt: skip
