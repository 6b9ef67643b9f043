"""JSON schemas of people, checked and made ready for the grammar library; what they ask is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from inference.errors import BadFormat

Schema = dict[str, Any]  # whatever JSON there is

LARGEST_BYTES = 64 << 10
# One space after a comma or colon at most: json.dumps writes so, and a model cannot dawdle.
_SPACING = {"whitespace_flexible": False, "item_separator": ", ?", "key_separator": ": ?"}
EXAMPLES = {  # of the formats that the library knows
    "date-time": "2000-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "date": "2000-01-01",
    "duration": "P1D",
    "email": "a@b.c",
    "hostname": "a",
    "ipv4": "0.0.0.0",  # nosec B104  (an example)
    "ipv6": "::",
    "uuid": "00000000-0000-0000-0000-000000000000",
    "uri": "a:b",
}
# The library (1.9.1) takes about 6 microseconds for each, and its limits do not count them.
_LARGEST_MULTIPLE = 10_000
_TYPES = ("null", "boolean", "string", "array", "object", "number")
_MAPS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_VALUES = ("const", "enum", "default", "examples", "example", "dependentRequired")
_DIALECTS = ("http://json-schema.org/", "https://json-schema.org/")


def read_schema(text: str, where: str) -> Schema:
    """Without what is a remark only: ids, and formats that nobody checks. Raises BadFormat."""
    if len(text.encode(errors="replace")) > LARGEST_BYTES:
        raise BadFormat(f"{where}: the schema is larger than {LARGEST_BYTES >> 10} kB; split it")
    try:
        schema = json.loads(text)
        if schema is True:
            return {}
        if not isinstance(schema, dict):
            raise BadFormat(f"{where}: a schema is a JSON object, not {type(schema).__name__}")
        return _with_few_multiples(_strip(schema, where), where)
    except ValueError as error:
        raise BadFormat(f"{where}: the schema is no JSON: {error}") from error
    except RecursionError as error:
        raise BadFormat(f"{where}: the schema is nested too deeply; flatten it") from error


def spaced(schema: Schema) -> str:
    """As text, and with our spacing, whatever it said itself of the library's options."""
    return json.dumps({**schema, "x-guidance": _SPACING})


def patterns_in(schema: Any) -> set[str]:  # whatever JSON there is
    """Of strings; it may take a few other texts for patterns."""
    return _texts_under("pattern", schema)


def examples_for(schema: Any) -> set[str]:  # whatever JSON there is
    """A text of each format that the schema names."""
    return {EXAMPLES[name] for name in _texts_under("format", schema) if name in EXAMPLES}


def _texts_under(key: str, schema: Any) -> set[str]:  # whatever JSON there is
    match schema:
        case dict():
            own = schema.get(key)
            inner = (_texts_under(key, value) for value in schema.values())
            return ({own} if isinstance(own, str) else set()).union(*inner)
        case list():
            return set().union(*(_texts_under(key, value) for value in schema))
        case _:
            return set()


def searched(pattern: str) -> str:
    """Anchored at both ends, for a pattern that may be found anywhere. Where only some of its
    alternatives have an anchor this allows less than the schema does, but nothing else."""
    before, behind = "(?s:.*)", "(?s:.*)"
    if pattern.startswith("^"):
        pattern, before = pattern[1:], ""
    rest = pattern[:-1]
    if pattern.endswith("$") and (len(rest) - len(rest.rstrip("\\"))) % 2 == 0:
        pattern, behind = rest, ""
    return f"{before}(?:{pattern}){behind}"


def _strip(schema: Schema, where: str) -> Schema:
    stripped = {}
    for key, value in schema.items():
        match key, value:
            case "$ref", str(target) if not target.startswith("#"):
                raise BadFormat(
                    f"{where}: $ref {target[:80]!r} points outside of the schema; put what it "
                    "names under $defs and refer to it as '#/$defs/NAME'"
                )
            case "type", _ if not _is_type(value):
                raise BadFormat(f"{where}: it is no JSON schema: its type is {str(value)[:80]}")
            case _, _ if key in _MAPS and not isinstance(value, dict):
                raise BadFormat(f"{where}: it is no JSON schema: {key} is no object")
            case "$schema", _ if not str(value).startswith(_DIALECTS):
                pass
            case "$id", _:
                pass
            case "format", str(name) if name not in EXAMPLES:
                pass
            case _, dict() if key in _MAPS:
                stripped[key] = {name: _strip_any(each, where) for name, each in value.items()}
            case _ if key in _VALUES:
                stripped[key] = value
            case _:
                stripped[key] = _strip_any(value, where)
    return _with_whole_multiples(stripped)


def _with_few_multiples(schema: Schema, where: str) -> Schema:
    steps = sum(set(_steps_under(schema)))
    if steps > _LARGEST_MULTIPLE:
        raise BadFormat(
            f"{where}: multipleOf is too fine or too large; all of them, without their decimal "
            f"points, may add up to {_LARGEST_MULTIPLE}"
        )
    return schema


def _steps_under(schema: Any) -> Iterator[int]:  # whatever JSON there is
    match schema:
        case dict():
            step = schema.get("multipleOf")
            if isinstance(step, int | float):
                yield _without_point(step)
            for value in schema.values():
                yield from _steps_under(value)
        case list():
            for value in schema:
                yield from _steps_under(value)


def _without_point(number: float) -> int:
    if not abs(number) <= _LARGEST_MULTIPLE:  # or it is none at all
        return _LARGEST_MULTIPLE + 1
    shortest = Decimal(str(number)).normalize()
    places = max(0, -int(shortest.as_tuple().exponent))
    return abs(int(shortest.scaleb(places)))


def _is_type(value: Any) -> bool:  # whatever JSON there is
    names = value if isinstance(value, list) else [value]
    return all(isinstance(name, str) for name in names)


def _with_whole_multiples(schema: Schema) -> Schema:
    """The same values. The library (1.9.1) panics over "number" with a whole multipleOf, where a
    control token follows."""
    step, types = schema.get("multipleOf"), schema.get("type", _TYPES)
    if not isinstance(step, int | float) or step % 1 != 0 or "number" not in types:
        return schema
    others = [] if types == "number" else [one for one in types if one != "number"]
    return {**schema, "type": list(dict.fromkeys((*others, "integer")))}


def _strip_any(value: Any, where: str) -> Any:  # whatever JSON there is
    match value:
        case dict():
            return _strip(value, where)
        case list():
            return [_strip_any(each, where) for each in value]
        case _:
            return value


def definitions(schema: Mapping[str, Any]) -> Schema:
    """What parts of the schema may refer to."""
    return {key: schema[key] for key in ("$schema", "$defs", "definitions") if key in schema}
