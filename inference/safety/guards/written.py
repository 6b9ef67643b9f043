"""Looks at the words that are written in a picture, as words of a person are looked at."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from inference.errors import CannotRead
from inference.images.reading import ReadText
from inference.request import Picture
from inference.safety.guards.guard import Failure, Finding, GuardFailed
from inference.safety.verdict import Context, Verdict

Read = Callable[[Picture], Awaitable[ReadText]]  # TextReader.read; raises CannotRead
Check = Callable[[str], Sequence[Verdict]]  # of the lists and patterns

_FAILURES: dict[str, Failure] = {"busy": "busy", "timeout": "timeout", "missing": "unreachable"}


class Written:
    """What is found is never covered up in the picture; where words would be, staff see it."""

    def __init__(self, read: Read, check: Check) -> None:
        self._read, self._check = read, check

    @property
    def version(self) -> str:
        return ""

    async def start(self) -> None:
        """The reader starts with its first picture."""

    async def look(self, what: str | Picture, context: Context) -> list[Finding]:
        assert isinstance(what, Picture)
        try:
            read = await self._read(what)
        except CannotRead as error:
            raise GuardFailed(_FAILURES.get(error.reason, "broken")) from error
        verdicts = self._check(read.text) if read.lines else []
        return [_finding(one, read.text) for one in verdicts]

    async def close(self) -> None:
        """The reader is closed by its owner."""


def _finding(one: Verdict, words: str) -> Finding:
    """The list may name an action of its own, so it is not looked up by the category again."""
    return Finding(one.category, one.score, action=one.action, words=words, spans=one.spans)
