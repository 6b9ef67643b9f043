"""The guard at the door to inference: what is asked is checked before, what is answered while it
is written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace

from inference.request import ChatRequest, Delta
from inference.safety.incidents import Incidents
from inference.safety.incoming.asking import Questions
from inference.safety.outgoing.answering import Answer, Measure
from inference.safety.outgoing.canary import Canary
from inference.safety.personal import masking
from inference.safety.section import SafetySection
from inference.safety.verdict import Allowed, PictureDetector, Report, TextDetector
from inference.safety.wordlists.wordbook import Wordbook

_LARGE = 1500  # characters, the worst of which take some milliseconds


class Safety:
    """Without a wordbook everything passes."""

    def __init__(
        self,
        section: Callable[[], SafetySection] = SafetySection,
        words: Wordbook | None = None,
        *,
        report: Report | None = None,
        allowed: Allowed | None = None,
        texts: Sequence[TextDetector] = (),
        pictures: Sequence[PictureDetector] = (),
        canary: Canary | None = None,
        demo: bool = False,
        measure: Measure | None = None,
    ) -> None:
        """`section`: that of the moment. `canary`: what our own system turn is marked with.
        `demo`: the demo model answers. `measure`: about how many tokens a turn has."""
        self._section = section
        self._words = words
        self._incidents = Incidents(report, allowed, masked=self.masked)
        self._questions = Questions(self._incidents, texts, pictures)
        self._texts = texts
        self._canary = canary
        self._demo = demo
        self._measure = measure

    @property
    def mark(self) -> str:
        """What `marked` adds to a system turn; empty: nothing."""
        canary = self._canary_now()
        return canary.line if canary is not None else ""

    def masked(self, text: str) -> str:
        """Without the numbers of people and what else is to be covered up. Fast and pure: every
        door calls it before anything is stored. Masking twice changes nothing."""
        if self._words is None:
            return text
        section = self._section()
        return masking.mask(text, section.personal, section.personal_never)

    async def covered(self, text: str) -> str:
        """The same of a text that may be long: nobody waits for it but the caller."""
        if len(text) <= _LARGE:
            return self.masked(text)
        return await asyncio.to_thread(self.masked, text)

    def quotable(self, text: str) -> str:
        """Words that somebody quotes, who need not have said them: covered up where they would be
        blocked or masked, which is nobody's case. Fast for a few hundred characters."""
        if self._words is None or not self._section().enabled:
            return text
        return self._words.now.cover(text, blocked=True)

    async def admit(self, request: ChatRequest) -> ChatRequest:
        """The request as the model may see it. Raises Blocked."""
        if self._words is None or not self._section().enabled:
            return request
        return await self._questions.admit(request, await self._words.fresh())

    def marked(self, request: ChatRequest) -> ChatRequest:
        """Our own system turn with the mark of this run, which `watched` lets nobody see."""
        mark = self.mark
        if not (mark and request.own_system and request.turns[:1]):
            return request
        system, *others = request.turns
        if system.role != "system":
            return request
        return replace(request, turns=(replace(system, text=system.text + mark), *others))

    async def watched(
        self, request: ChatRequest, deltas: AsyncGenerator[Delta, None]
    ) -> AsyncGenerator[Delta, None]:
        """The same answer, of which no character of a blocked phrase ever comes out. It ends with
        the finish "blocked" where it has to; `deltas` is closed then, and when it is closed."""
        async with aclosing(self._guarded(request, deltas)) as guarded:
            async for delta in guarded:
                yield delta

    async def close(self) -> None:
        if self._words is not None:
            await self._words.close()

    def _guarded(
        self, request: ChatRequest, deltas: AsyncGenerator[Delta, None]
    ) -> AsyncGenerator[Delta, None]:
        section = self._section()
        if self._words is None or not section.enabled:
            return deltas
        answer = Answer(
            request,
            section,
            self._words.now,
            self._incidents,
            detectors=self._texts,
            canary=self._canary_now() if request.own_system else None,
            measure=self._measure,
        )
        return answer.watch(deltas)

    def _canary_now(self) -> Canary | None:
        section = self._section()
        wanted = section.canary == "on" or (section.canary == "auto" and not self._demo)
        return self._canary if section.enabled and wanted else None
