"""An answer as it is kept for requests that are repeated: without the numbers of people. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from bot.api.rendering import dumps

Mask = Callable[[str], str]

# What is ours, whatever the model says; sources are the organisation's own documents.
_OURS = (
    "id",
    "object",
    "created",
    "model",
    "model_version",
    "system_fingerprint",
    "usage",
    "sources",
)


def render_kept(answer: str, mask: Mask) -> str:
    """`answer`: one that was rendered. JSON that the model wrote stays JSON: a number in it that is
    covered becomes a text. How likely its words were would tell them, and is left out then."""
    rendered = json.loads(answer)
    masked = {
        name: value if name in _OURS else _masked(value, mask) for name, value in rendered.items()
    }
    return answer if masked == rendered else dumps(masked)


def _masked(value: Any, mask: Mask) -> Any:  # Any: what JSON can hold
    if isinstance(value, str):
        return _masked_words(value, mask)
    if isinstance(value, list):
        return [_masked(one, mask) for one in value]
    if not isinstance(value, dict):
        return value
    masked = {
        name: one if name == "logprobs" else _masked(one, mask) for name, one in value.items()
    }
    if "logprobs" in value and masked != value:
        masked["logprobs"] = None
    return masked


def _masked_words(words: str, mask: Mask) -> str:
    if words.lstrip()[:1] not in ("{", "["):
        return mask(words)
    try:
        said = json.loads(words)
    except (ValueError, RecursionError):
        return mask(words)
    masked = _masked_json(said, mask)
    return words if masked == said else dumps(masked)


def _masked_json(value: Any, mask: Mask) -> Any:  # Any: what JSON can hold
    match value:
        case bool() | None:
            return value
        case int() | float():
            shown = mask(str(value))
            return value if shown == str(value) else shown
        case str():
            return mask(value)
        case list():
            return [_masked_json(one, mask) for one in value]
        case dict():
            return {mask(name): _masked_json(one, mask) for name, one in value.items()}
    return value
