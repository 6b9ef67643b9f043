"""An event as JSON and back, and the text every database takes.

A field added to Event needs a default, which is what the rows that still wait get for it.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from bot.event import Event
from bot.storage.errors import EventUnreadable

_LARGEST_SIZE = 2**63 - 1  # what an eight-byte integer holds
_EVENTS: TypeAdapter[Event] = TypeAdapter(Event)


def clean(text: str) -> str:
    """UTF-8 can hold the result, and PostgreSQL too: no lone surrogates, no NUL."""
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return whole.replace("\0", "\ufffd")


def clean_event(event: Event) -> Event:
    """The event as it will be read back."""
    cleaned = _cleaned(event)
    assert isinstance(cleaned, Event)
    return cleaned


def dump_event(event: Event) -> str:
    return _EVENTS.dump_json(clean_event(event), exclude_defaults=True).decode()


def load_event(text: str) -> Event:
    """Raises EventUnreadable unless every field has its type, and none is missing."""
    try:
        return _EVENTS.validate_json(text, strict=True)
    except (ValidationError, RecursionError) as error:
        raise EventUnreadable(f"not JSON of an event: {type(error).__name__}") from error


def _cleaned(value: Any) -> Any:  # Any: an event, and whatever is in its fields
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, tuple):
        return tuple(_cleaned(one) for one in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: _cleaned(getattr(value, f.name)) for f in fields(value)})
    if type(value) is int:
        return min(max(value, 0), _LARGEST_SIZE)
    return value
