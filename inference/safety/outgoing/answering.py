"""What is answered, while it is written: nothing that may not be shown ever comes out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace

from inference.request import ChatRequest, Delta, JsonFormat, Turn, Usage
from inference.safety.incidents import Incidents
from inference.safety.incoming.asking import about_words, own_words
from inference.safety.outgoing.canary import Canary
from inference.safety.outgoing.channels import Channels
from inference.safety.outgoing.stage import Chain, Stage, Stopped
from inference.safety.outgoing.watching import WatchStage
from inference.safety.outgoing.windows import Windows
from inference.safety.personal.masking import PersonalStage
from inference.safety.section import SafetySection
from inference.safety.verdict import UNCHECKED, TextDetector, Verdict
from inference.safety.wordlists.words import Words

_LARGE = 1500  # characters of one piece that take longer than the loop may wait

Measure = Callable[[Turn], int]


class Answer:
    """One answer. `watch` may be called once."""

    def __init__(
        self,
        request: ChatRequest,
        section: SafetySection,
        words: Words,
        incidents: Incidents,
        *,
        detectors: Sequence[TextDetector] = (),
        canary: Canary | None = None,
        measure: Measure | None = None,
    ) -> None:
        """`canary`: what the system's turn of this request carries. `measure`: tokens of a turn,
        for an answer that was stopped before the engine told; None: it tells none."""
        self._request = request
        self._section = section
        self._words = words
        self._incidents = incidents
        self._detectors = [one for one in detectors if "answer" in one.looks_at]
        self._canary = canary
        self._measure = measure
        asked = own_words(request)
        self._context = replace(about_words(request, asked), where="answer", asked=asked)
        self._allowed = frozenset[str]()
        self._noted: list[tuple[Verdict, str]] = []
        self._usage: Usage | None = None
        self._pieces = 0
        self._cached = False

    async def watch(self, deltas: AsyncGenerator[Delta, None]) -> AsyncGenerator[Delta, None]:
        try:
            async with aclosing(deltas), aclosing(self._guarded(deltas)) as guarded:
                async for delta in guarded:
                    yield delta
                return
        except Stopped as stopped:
            case = await self._incidents.tell(self._context, stopped.verdict, stopped.text)
            unchecked = stopped.verdict.category == UNCHECKED
        end = Delta(finish="blocked", usage=self._used(), cached=self._cached)
        yield replace(end, case=case, unchecked=unchecked)

    async def _guarded(self, deltas: AsyncGenerator[Delta, None]) -> AsyncGenerator[Delta, None]:
        """Raises Stopped."""
        allowing = asyncio.create_task(self._incidents.allowing(self._context))
        windows: Windows | None = None
        channels = Channels(
            self._chain,
            is_json=isinstance(self._request.format, JsonFormat),
            likelihoods=self._request.sampling.logprobs is not None,
        )
        try:
            async for delta in deltas:
                self._count(delta)
                if not allowing.done():
                    await allowing
                self._allowed = allowing.result()
                windows = windows or self._windows()
                async for ready in self._pass(await self._feed(channels, delta), windows):
                    yield ready
            async for ready in self._pass(channels.close(), windows, last=True):
                yield ready
        finally:
            allowing.cancel()
            if windows is not None:
                await windows.close()

    async def _feed(self, channels: Channels, delta: Delta) -> Delta:
        arguments = sum(len(piece.arguments) for piece in delta.calls)
        if len(delta.text) + len(delta.reasoning) + arguments <= _LARGE:
            fed = channels.feed(delta)
        else:
            fed = await asyncio.to_thread(channels.feed, delta)
        await self._note_all()
        return fed

    async def _pass(
        self, delta: Delta, windows: Windows | None, *, last: bool = False
    ) -> AsyncGenerator[Delta, None]:
        """By way of the models that take their time. Raises Stopped."""
        await self._note_all()
        if windows is None:
            if _says(delta):
                yield delta
            return
        ended = delta.finish is not None
        if ended:  # the words may be seen before the last verdict, the end may not
            delta, end = replace(delta, finish=None, usage=None), delta
        for ready in await windows.add(delta):
            if _says(ready):
                yield ready
        if ended or last:
            for ready in await windows.rest():
                if _says(ready):
                    yield ready
        if ended:
            yield Delta(finish=end.finish, usage=end.usage, cached=end.cached)

    def _windows(self) -> Windows | None:
        if not self._detectors:
            return None
        return Windows(
            self._detectors,
            self._context,
            self._note,
            allowed=self._allowed,
            holds=not self._request.can_take_back,
        )

    def _chain(self) -> Stage:
        stages = self._words.stages(self._tell, allowed=lambda: self._allowed)
        if self._canary is not None:
            scan = self._canary.scan(self._section.action_of("leak"))
            # nothing that staff let through ever opens it
            stages.insert(0, WatchStage(scan, self._tell))
        if self._section.personal_in_answers:
            never = self._section.personal_never
            stages.append(PersonalStage(self._section.personal, never))
        return Chain(stages)

    def _tell(self, verdict: Verdict, text: str) -> None:
        self._noted.append((verdict, text))

    async def _note_all(self) -> None:
        noted, self._noted = self._noted, []
        for verdict, text in noted:
            await self._note(verdict, text)

    async def _note(self, verdict: Verdict, text: str) -> None:
        await self._incidents.tell(self._context, verdict, text)

    def _count(self, delta: Delta) -> None:
        self._pieces += 1
        self._usage = delta.usage or self._usage
        self._cached = self._cached or delta.cached

    def _used(self) -> Usage | None:
        """As told, else as estimated: a piece is a token, or few."""
        if self._usage is not None or self._measure is None:
            return self._usage
        if self._cached:
            return Usage(0, 0)
        return Usage(sum(map(self._measure, self._request.turns)), self._pieces)


def _says(delta: Delta) -> bool:
    """Is there anything in it to pass on?"""
    return delta != Delta() and delta != Delta(cached=True)
