"""An event as JSON and back, and the text every database takes. Reading is strict.

A field that is added to Event needs a migration that fills it in for the rows that still wait.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from bot.event import Attachment, Conversation, Event, Person
from bot.storage.errors import EventUnreadable

_LARGEST_SIZE = 2**63 - 1  # what an eight-byte integer holds


def clean(text: str) -> str:
    """UTF-8 can hold the result, and PostgreSQL too: no lone surrogates, no NUL."""
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return whole.replace("\0", "\ufffd")


def clean_event(event: Event) -> Event:
    """The event as it will be read back."""
    conversation, person = event.conversation, event.person
    return Event(
        bot=clean(event.bot),
        message=clean(event.message),
        conversation=Conversation(
            clean(conversation.platform), clean(conversation.chat), clean(conversation.thread)
        ),
        person=Person(clean(person.id), clean(person.language)),
        text=clean(event.text),
        photos=tuple(_clean_attachment(photo) for photo in event.photos),
        addressed=event.addressed,
        album=clean(event.album),
    )


def dump_event(event: Event) -> str:
    return json.dumps(asdict(clean_event(event)), ensure_ascii=False, separators=(",", ":"))


def load_event(text: str) -> Event:
    """Raises EventUnreadable unless every field is there with its type, and no other."""
    try:
        return _parse_event(json.loads(text))
    except (ValueError, RecursionError) as error:  # a JSONDecodeError is a ValueError
        raise EventUnreadable(f"not JSON of an event: {type(error).__name__}") from error


def _clean_attachment(photo: Attachment) -> Attachment:
    size_bytes = min(max(photo.size_bytes, 0), _LARGEST_SIZE)
    return Attachment(clean(photo.ref), clean(photo.media_type), size_bytes)


def _parse_event(raw: Any) -> Event:  # Any: whatever the JSON holds
    fields = _take(
        raw,
        bot=str,
        message=str,
        conversation=dict,
        person=dict,
        text=str,
        photos=list,
        addressed=bool,
        album=str,
    )
    fields["conversation"] = Conversation(
        **_take(fields["conversation"], platform=str, chat=str, thread=str)
    )
    fields["person"] = Person(**_take(fields["person"], id=str, language=str))
    fields["photos"] = tuple(
        Attachment(**_take(photo, ref=str, media_type=str, size_bytes=int))
        for photo in fields["photos"]
    )
    return Event(**fields)


def _take(raw: Any, **types: type) -> dict[str, Any]:
    """The named fields of one JSON object; `type` and not isinstance, since a bool is an int."""
    if type(raw) is not dict or raw.keys() != types.keys():
        raise EventUnreadable(f"expected an object with {', '.join(types)}")
    for name, wanted in types.items():
        if type(raw[name]) is not wanted:
            raise EventUnreadable(f"{name} is a {type(raw[name]).__name__}, not {wanted.__name__}")
    return dict(raw)
