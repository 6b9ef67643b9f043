"""What a detector thinks of words or a picture, and what is told of it: plain values."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from inference.errors import Where
from inference.request import Picture

UNCHECKED = "unchecked"  # the category of what could not be looked at, which is nobody's doing

# By weight. review: it goes on, and staff see the case. mask: what was found is covered up.
Action = Literal["pass", "review", "mask", "block"]


@dataclass(frozen=True, slots=True)
class Verdict:
    action: Action
    category: str  # as in the lists, such as "weapons"; "personal" for numbers of people
    score: float = 1.0
    detector: str = ""  # which of ours, or the name of an adapter
    version: str = ""  # of its lists or model
    spans: tuple[tuple[int, int], ...] = ()  # where in the text, [start, end)
    # Of a picture: the words that were read in it, of which `spans` are places.
    words: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Context:
    """Whose words or picture it is, and where they stand."""

    where: Where
    person: str = ""  # "platform:id": ChatRequest.owner
    request: str = ""  # the request's id
    # Names what is looked at without telling it: `words_subject` of what the person asked, also
    # where an answer is looked at; Picture.digest of a picture. What staff let through goes by it.
    subject: str = ""
    # Where an answer is looked at: the person's own words, which some models judge it by.
    asked: str = field(default="", repr=False)


def words_subject(person: str, words: str) -> str:
    """The same words of somebody else have another name, so that nobody can look them up."""
    return hashlib.sha256(f"{person}\n{words.strip()}".encode("utf-8", "replace")).hexdigest()


@dataclass(frozen=True, slots=True)
class Incident:
    """What staff shall see: something was blocked or sent to review."""

    context: Context
    verdict: Verdict
    excerpt: str = ""  # masked, and no more of it than staff need
    picture: str = ""  # Picture.digest, for what is about a picture
    photo: str = ""  # Picture.source, the same


# The number of the case, once it is kept; None: it could not be. Raises nothing. It is awaited
# before anybody is told, and the number stands in Blocked and in the Delta that says "blocked".
Report = Callable[[Incident], Awaitable[int | None]]

# The categories in which staff let these very words or this picture of this person through; asked
# before anything is blocked or reported. Raises nothing: where it cannot be known there are none.
Allowed = Callable[[Context], Awaitable[frozenset[str]]]


class TextDetector(Protocol):
    @property
    def looks_at(self) -> frozenset[Where]:
        """Elsewhere it need not be asked; no detector for "answer": nothing need be held back."""

    async def check(self, text: str, context: Context) -> list[Verdict]:
        """At most one for each category; none: it passes. The action is decided here and holds.
        Raises nothing: a detector that fails gives the verdict by its own rule, open or closed."""


class PictureDetector(Protocol):
    async def check(self, picture: Picture, context: Context) -> list[Verdict]:
        """As TextDetector.check."""
