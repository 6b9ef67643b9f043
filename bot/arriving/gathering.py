"""Which messages are one thing to us: an album, photos in a burst, words and photos sent apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.storage.inbox import Entry
from bot.texts import is_visible

_LONGEST = 10  # times `together_s`: somebody who sends photos without end is answered too
_REST_S = 10.0  # at most, for the rest of an album that was cut by the end of the program


@dataclass(frozen=True, slots=True)
class Sending:
    """Messages that are looked at together, under the number of one of them."""

    asked: Entry
    parts: tuple[Entry, ...] = ()

    @property
    def entries(self) -> tuple[Entry, ...]:
        return (self.asked, *self.parts)

    @property
    def whole(self) -> Entry:
        """As if all photos and words had come in one message, in the order of the messages."""
        if not self.parts:
            return self.asked
        ordered = sorted(self.entries, key=_order)
        words = [one.event.text for one in ordered if _speaks(one)]
        event = replace(
            self.asked.event,
            text="\n".join(words),
            photos=tuple(photo for one in ordered for photo in one.event.photos),
            forwarded=any(one.event.forwarded for one in self.entries),
        )
        return replace(self.asked, event=event)

    def with_parts(self, more: Sequence[Entry]) -> Sending:
        return Sending(self.asked, (*self.parts, *more))

    @property
    def replaced(self) -> Entry | None:
        """The question that had been asked before its photo came."""
        return next((one for one in self.parts if not one.event.photos), None)


def first_sending(entries: Sequence[Entry]) -> Sending:
    """Those that belong to the first of them. The one with words speaks for an album."""
    together = sorted(_together(entries), key=_order)
    asked = next((one for one in together if is_visible(one.event.text)), together[0])
    return Sending(asked, tuple(one for one in together if one is not asked))


def said_at(entry: Entry) -> float:
    """When it was said, as far as the platform tells; after an outage that may be long ago."""
    return min(entry.received_at, entry.event.at or entry.received_at)


def pause_s(
    entries: Sequence[Entry], now: float, together_s: float, *, taken_at: float = 0.0
) -> float:
    """How long to wait for more that belongs to the first entry; 0: it is complete. `taken_at`:
    when we began with them; what had come long before that may be half an album, of which the
    platform tells the other half now."""
    first = entries[0]
    if not (first.event.album or _is_wordless_photo(first)):
        return 0.0
    together = _together(entries)
    if all(_is_wordless_photo(one) for one in together) and follower(entries, together):
        return 0.0
    is_cut = bool(together_s and first.event.album) and first.received_at + together_s < taken_at
    if is_cut and together[-1].received_at + together_s < taken_at:
        rest_s = min(_REST_S, _LONGEST * together_s)
        return min(max(0.0, taken_at + rest_s - now), rest_s)
    begun_at = taken_at if is_cut else first.received_at
    until = min(together[-1].received_at + together_s, begun_at + _LONGEST * together_s)
    return max(0.0, min(until - now, together_s))  # a clock may be set back


def follower(entries: Sequence[Entry], together: Sequence[Entry]) -> Entry | None:
    """What the same person said next."""
    last = max(one.id for one in together)
    later = (one for one in entries if one.id > last and _is_message_of(one, together[0]))
    return next(later, None)


def _together(entries: Sequence[Entry]) -> list[Entry]:
    """In the order they came. Other people's messages may stand between them."""
    first = entries[0]
    own = [one for one in entries if _is_message_of(one, first)]
    album = [one for one in own if one.event.album == first.event.album and one.event.photos]
    if first.event.album and any(is_visible(one.event.text) for one in album):
        return album if first in album else [first]
    with_words = {one.event.album for one in own if one.event.album and is_visible(one.event.text)}
    together: list[Entry] = []
    for one in own:
        if not _is_wordless_photo(one) or one.event.album in with_words:
            break
        together.append(one)
    return together or [first]


def _is_wordless_photo(entry: Entry) -> bool:
    event = entry.event
    return event.kind == "message" and bool(event.photos) and not is_visible(event.text)


def _is_message_of(entry: Entry, other: Entry) -> bool:
    same = entry.event.person.id == other.event.person.id
    return same and entry.event.kind == "message"


def _speaks(entry: Entry) -> bool:
    """What was said to others alone lends its photo, not its words."""
    return entry.state != "ignored" and is_visible(entry.event.text)


def _order(entry: Entry) -> tuple[float, int, int]:
    """Messages as they were sent: many platforms count them, and deliver them in any order."""
    message = entry.event.message
    return entry.event.at, int(message) if message.isdecimal() else 0, entry.id
