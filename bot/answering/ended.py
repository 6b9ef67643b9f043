"""How a question ended, for those who look after people when the answer was not enough."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.storage.db import Also
from bot.storage.inbox import End, Entry
from bot.texts import Key, Language


@dataclass(frozen=True, slots=True)
class Ended:
    end: End
    text: str  # as the person reads it; of an answer: with what stands below it
    # Our own words, such as "engine_fault", "given_up", "no_words"; None: the model's answer, or
    # (refused) what is wrong with a photo. "instead_mark": something else was given instead.
    key: Key | None
    language: Language
    found_nothing: bool = False  # there is a knowledge base, and nothing in it speaks of this
    calls_person: bool = False  # whatever rules say about when staff are called


@dataclass(frozen=True, slots=True)
class Care:
    """What shall be done about it. It is written at one stroke with the end, so that a crash can
    neither lose nor repeat it; then `written` tells those who wait for it."""

    write: Also
    written: Callable[[], None]


# Asked when the person has read the text, before the end is written; None: nothing is to be done.
After = Callable[[Entry, Ended], Awaitable[Care | None]]
