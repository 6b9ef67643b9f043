"""Models that take their time look at an answer sentence by sentence, while it goes on.

Where it can be taken back, what they look at is shown meanwhile; elsewhere it waits for them.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence

from inference.request import Delta
from inference.safety.incidents import Allowing
from inference.safety.outgoing.stage import Stopped
from inference.safety.verdict import Context, TextDetector, Verdict

_LEAST = 60  # characters of a window that ends with a sentence
_MOST = 400  # characters of one that does not
_BEFORE = 300  # characters that go with it once more, for what they say together
_SENTENCE = re.compile(r"[。！？!?\n]|[.](?:\s|$)")

Note = Callable[[Verdict, str], Awaitable[None]]  # for staff; the answer goes on


class Windows:
    """`close` ends what is being looked at."""

    def __init__(
        self,
        detectors: Sequence[TextDetector],
        context: Context,
        note: Note,
        *,
        allowed: Allowing,
        holds: bool,
    ) -> None:
        """`holds`: nothing comes out before it was looked at."""
        self._detectors = detectors
        self._context = context
        self._note = note
        self._allowed = allowed
        self._holds = holds
        self._before = ""
        self._text = ""  # of the next window
        self._next: list[Delta] = []
        self._shown: list[Delta] = []  # of the window that is being looked at
        self._window = ""
        self._look: asyncio.Task[list[Verdict]] | None = None

    async def add(self, delta: Delta) -> list[Delta]:
        """What may come out by now. Never waits for a verdict. Raises Stopped."""
        self._text += delta.reasoning + delta.text + "".join(c.arguments for c in delta.calls)
        if self._holds:
            self._next.append(delta)
        ready = await self._harvest() if self._look is None or self._look.done() else []
        if self._look is None and _is_window(self._text):
            self._begin()
        return ready if self._holds else [delta]

    async def rest(self) -> list[Delta]:
        """No more will be added. Waits for every verdict. Raises Stopped."""
        ready = await self._harvest()
        if self._text.strip():
            self._begin()
            ready += await self._harvest()
        ready += self._next
        self._next = []
        return ready

    async def close(self) -> None:
        if self._look is not None:
            self._look.cancel()
            await asyncio.gather(self._look, return_exceptions=True)

    def _begin(self) -> None:
        self._window = self._before + self._text
        self._before, self._text = self._window[-_BEFORE:], ""
        self._shown, self._next = self._next, []
        self._look = asyncio.create_task(self._ask(self._window))

    async def _ask(self, text: str) -> list[Verdict]:
        found = await asyncio.gather(*(one.check(text, self._context) for one in self._detectors))
        return [verdict for group in found for verdict in group]

    async def _harvest(self) -> list[Delta]:
        if self._look is None:
            return []
        verdicts, self._look = await self._look, None
        for verdict in verdicts:
            if verdict.category in self._allowed or verdict.action == "pass":
                continue
            if verdict.action != "review":  # nothing can be covered up in what was shown
                raise Stopped(verdict, self._window)
            await self._note(verdict, self._window)
        ready, self._shown = self._shown, []
        return ready


def _is_window(text: str) -> bool:
    return len(text) >= _MOST or (len(text) >= _LEAST and bool(_SENTENCE.search(text, _LEAST - 1)))
