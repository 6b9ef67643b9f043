"""What is true of a picture, said in one fixed way; the first word that differs decides."""

from __future__ import annotations

from collections.abc import Sequence

from inference.demo.scenes import Number, Scene, Thing
from inference.demo.wordings import Language

SHAPE_NAMES: dict[Language, dict[str, str]] = {
    "zh": {"circle": "圆形", "square": "正方形", "triangle": "三角形", "star": "星形"},
    "en": {name: name for name in ("circle", "square", "triangle", "star")},
}
COLOUR_NAMES: dict[Language, dict[str, str]] = {
    "zh": {
        "red": "红色", "orange": "橙色", "yellow": "黄色", "green": "绿色", "blue": "蓝色",
        "purple": "紫色", "black": "黑色", "white": "白色", "pink": "粉色", "brown": "棕色",
        "grey": "灰色",
    },
    "en": {
        name: name
        for name in ("red", "orange", "yellow", "green", "blue", "purple",
                     "black", "white", "pink", "brown", "grey")
    },
}  # fmt: skip
PLACE_NAMES: dict[Language, dict[str, str]] = {
    "zh": {"left": "左边", "right": "右边", "top": "上面", "bottom": "下面", "middle": "中间"},
    "en": {
        "left": "on the left", "right": "on the right", "top": "at the top",
        "bottom": "at the bottom", "middle": "in the middle",
    },
}  # fmt: skip
_COUNTS_ZH = ("", "一", "两", "三", "四")
_COUNTS_EN = ("", "a", "two", "three", "four")


def say_colours(colours: Sequence[str], language: Language, *, many: bool = False) -> str:
    names = [COLOUR_NAMES[language][colour] for colour in dict.fromkeys(colours)]
    if language == "zh":
        return f"{_joined(names, language)}。"
    return f"{'They are' if many else 'It is'} {_joined(names, language)}."


def say_shape(shape: str, language: Language) -> str:
    return f"是{SHAPE_NAMES['zh'][shape]}。" if language == "zh" else f"It is a {shape}."


def say_place(zone: str, language: Language) -> str:
    name = PLACE_NAMES[language][zone]
    return f"在{name}。" if language == "zh" else f"It is {name}."


def say_count(count: int, language: Language) -> str:
    if count == 0:
        return "没有。" if language == "zh" else "There are none."
    return f"有 {count} 个。" if language == "zh" else f"I count {count}."


def say_exists(language: Language, *, there: bool) -> str:
    if language == "zh":
        return "有的。" if there else "没有。"
    return "Yes, there is." if there else "No, there is not."


def say_right(language: Language) -> str:
    return "是的。" if language == "zh" else "Yes, it is."


def say_wrong(truth: str, language: Language) -> str:
    """`truth` is what the plain question would get."""
    if language == "zh":
        return f"不是，{truth}" if truth.startswith(("在", "是")) else f"不是，是{truth}"
    return f"No, it is {truth.removeprefix('It is ')}"


def say_absent(what: str, language: Language) -> str:
    return f"图里没有{what}。" if language == "zh" else f"There is no {what}."


def say_main(colour: str, language: Language) -> str:
    name = COLOUR_NAMES[language][colour]
    return f"主要是{name}。" if language == "zh" else f"It is mostly {name}."


def say_things(things: Sequence[Thing], language: Language) -> str:
    """The zone's content or the list, as a whole sentence."""
    text = _listed(things, language)
    return f"{text}。" if language == "zh" else f"{text[0].upper()}{text[1:]}."


def say_number(number: Number | None, language: Language) -> str:
    if number is None:
        return say_absent("数字" if language == "zh" else "number", language)
    return f"数字是 {number.text}。" if language == "zh" else f"The number is {number.text}."


def describe(scene: Scene, language: Language) -> str | None:
    """None where the order or the background would be a matter of taste."""
    content = contents(scene, language)
    if content is None or scene.main is None:
        return None
    main = COLOUR_NAMES[language][scene.main]
    if not scene.things and not scene.number:
        return (
            f"{content}，主要是{main}。" if language == "zh" else f"{content}; it is mostly {main}."
        )
    if language == "zh":
        return f"{content}，背景是{main}。"
    return f"{content} on {'an' if main == 'orange' else 'a'} {main} background."


def contents(scene: Scene, language: Language) -> str | None:
    if scene.number:
        colour = COLOUR_NAMES[language][scene.number.colour]
        if language == "zh":
            return f"图里有{colour}数字 {scene.number.text}"
        return f"I see the number {scene.number.text} in {colour}"
    if not scene.things:
        return (
            "图里没有我认识的图形或数字"
            if language == "zh"
            else "I see no shapes or numbers that I know"
        )
    alike = len({(thing.shape, thing.colour) for thing in scene.things}) == 1
    if not scene.ordered and not alike:
        return None
    text = _listed(scene.things, language)
    return f"图里有{text}" if language == "zh" else f"I see {text}"


def _listed(things: Sequence[Thing], language: Language) -> str:
    """Alike things are counted together, where the first of them stands."""
    kinds: dict[tuple[str, str], int] = {}
    for thing in things:
        kinds[thing.colour, thing.shape] = kinds.get((thing.colour, thing.shape), 0) + 1
    return _joined([_some(*kind, count, language) for kind, count in kinds.items()], language)


def _some(colour: str, shape: str, count: int, language: Language) -> str:
    if language == "zh":
        return f"{_COUNTS_ZH[count]}个{COLOUR_NAMES['zh'][colour]}{SHAPE_NAMES['zh'][shape]}"
    article = "an" if count == 1 and colour == "orange" else _COUNTS_EN[count]
    return f"{article} {colour} {shape}{'s' if count > 1 else ''}"


def _joined(parts: Sequence[str], language: Language) -> str:
    comma, last = ("、", "和") if language == "zh" else (", ", " and ")
    return last.join([*([comma.join(parts[:-1])] if parts[:-1] else []), parts[-1]])


def say_nothing_there(language: Language) -> str:
    return "那里没有图形。" if language == "zh" else "There is nothing there."


def describe_two(first: Scene, second: Scene, language: Language) -> str | None:
    told = describe(first, language), describe(second, language)
    if told[0] is None or told[1] is None:
        return None
    if language == "zh":
        return f"第一张：{told[0]}第二张：{told[1]}"
    return f"First picture: {told[0]} Second picture: {told[1]}"
