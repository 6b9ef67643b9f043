"""A request's body: read up to its limit, parsed as strict JSON, checked against its model."""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, NoReturn, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bot.api.errors import ApiError, Why
from bot.api.extent import holds_more_than
from bot.api.load import Share
from bot.wording.api import ApiKey

B = TypeVar("B", bound=BaseModel)

_LARGE = 2**16  # bytes; what is larger is parsed in a thread
# In all of a body. No request that can be answered has nearly as many; to make objects of millions
# takes seconds, in which no other thread runs either.
_MOST_VALUES = 50_000
_HALF = re.compile(r"\\u[dD][89a-fA-F]")  # of a character that takes two \u escapes, or of none
_QUOTED = re.compile("'([^']*)'")
_TYPES: dict[str, ApiKey] = {
    "string_type": "type_text",
    "int_type": "type_whole",
    "int_from_float": "type_whole",
    "float_type": "type_number",
    "finite_number": "type_number",
    "bool_type": "type_boolean",
    "list_type": "type_list",
    "dict_type": "type_object",
    "model_type": "type_object",
    "model_attributes_type": "type_object",
}
_LIMITS: dict[str, tuple[ApiKey, str]] = {  # by pydantic's type of error: ours, where its limit is
    "greater_than_equal": ("why_least", "ge"),
    "greater_than": ("why_above", "gt"),
    "less_than_equal": ("why_most", "le"),
    "string_too_long": ("why_too_long", "max_length"),
    "string_too_short": ("why_too_short", "min_length"),
    "too_long": ("why_too_many", "max_length"),
    "too_short": ("why_too_few", "min_length"),
}


async def read_body(request: web.Request, share: Share, *, max_bytes: int) -> bytes:
    """Raises ApiError. It is unpacked as it comes, so that the limit is that of what comes out.
    `share`: of the memory, freed when the body is not needed any more."""
    if request.content_type != "application/json":  # a foreign page could send any other unasked
        raise ApiError("api_wrong_media_type")
    too_large = ApiError("api_too_large", limit=max_bytes >> 20)
    if (request.content_length or 0) > max_bytes:
        raise too_large
    pieces = bytearray()
    try:
        async for piece in request.content.iter_any():
            if len(pieces) + len(piece) > max_bytes:
                raise too_large
            share.grow(len(piece))
            pieces += piece
    except web.RequestPayloadError as error:  # packed, but not as its header says
        raise ApiError("api_malformed", why=Why("why_json_utf8")) from error
    return bytes(pieces)


async def parse_body(body: bytes, model: type[B]) -> B:
    """Raises ApiError."""
    if len(body) < _LARGE:
        return _parse(body, model)
    return await asyncio.to_thread(_parse, body, model)


def _parse(body: bytes, model: type[B]) -> B:
    found = _parse_json(body)
    if not isinstance(found, dict):
        raise ApiError("api_malformed", why=Why("why_json_object"))
    try:
        return model.model_validate(found)
    except ValidationError as error:
        raise _fault(error.errors(include_url=False), found) from None  # it shows people's words


def _parse_json(body: bytes) -> Any:  # Any: whatever JSON there is
    if holds_more_than(_MOST_VALUES, body):
        _malformed("why_json_values", limit=_MOST_VALUES)
    try:
        text = body.decode("utf-8")
        found = json.loads(
            text, object_pairs_hook=_once, parse_constant=_no_number, parse_float=_finite
        )
        if _HALF.search(text):
            json.dumps(found, ensure_ascii=False).encode()
    except RecursionError:
        _malformed("why_json_deep")
    except UnicodeDecodeError:
        _malformed("why_json_utf8")
    except UnicodeEncodeError:
        _malformed("why_json_surrogate")
    except json.JSONDecodeError as error:
        _malformed("why_json", line=error.lineno, column=error.colno)
    except ValueError:  # Python's own limit for the digits of a whole number
        _malformed("why_json_number")
    return found


def _malformed(key: ApiKey, **values: object) -> NoReturn:
    raise ApiError("api_malformed", why=Why(key, values)) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:  # Any: whatever JSON there is
    found = dict(pairs)
    if len(found) < len(pairs):
        counted = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counted.items() if count > 1)
        _malformed("why_json_twice", name=json.dumps(twice[:100]))
    return found


def _no_number(_: str) -> NoReturn:
    _malformed("why_json_number")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        _malformed("why_json_number")
    return value


def _fault(errors: Sequence[ErrorDetails], body: object) -> ApiError:
    """The first one. Where several ways to write a field all fail, the one that came furthest is
    what was meant, and a wrong value says more than a wrong type."""
    root = errors[0]["loc"][:1]
    alike = [(error, _path(error, body)) for error in errors if error["loc"][:1] == root]
    error, path = max(
        alike, key=lambda one: (one[1].count(".") + one[1].count("["), _is_value(one[0]))
    )
    return ApiError("api_wrong_field", param=path, path=path, why=_why(error))


def _is_value(error: ErrorDetails) -> bool:
    return error["type"] not in _TYPES


def _path(error: ErrorDetails, body: object) -> str:
    """As people write it, messages[0].content; pydantic also names the models that it tried."""
    path, here = "", body
    *before, last = error["loc"]
    for step in [*before, last]:
        if isinstance(here, list) and isinstance(step, int) and step < len(here):
            path, here = f"{path}[{step}]", here[step]
        elif isinstance(here, dict) and step in here:
            path, here = f"{path}.{step}", here[step]
    if error["type"] == "missing":
        path = f"{path}.{last}"
    if error["type"].startswith("union_tag"):
        path += "." + error["ctx"]["discriminator"].strip("'")
    return path.removeprefix(".")


def _why(error: ErrorDetails) -> Why:
    kind, context = error["type"], error.get("ctx", {})
    if kind in _TYPES:
        return Why("why_wrong_type", {"wanted": Why(_TYPES[kind])})
    if kind in _LIMITS:
        key, name = _LIMITS[kind]
        return Why(key, {"limit": context[name]})
    match kind:
        case "missing" | "union_tag_not_found":
            return Why("why_missing")
        case "literal_error":
            return Why("why_one_of", {"allowed": _names(context["expected"])})
        case "union_tag_invalid":
            return Why("why_one_of", {"allowed": _names(context["expected_tags"])})
        case "string_pattern_mismatch":
            return Why("why_pattern", {"pattern": context["pattern"]})
        case _:
            return Why("why_other")


def _names(listed: str) -> str:
    return ", ".join(_QUOTED.findall(listed))
