"""The end of a question, once the person has read it: what it cost, what is kept, who looks after.

All of it can be written twice without harm, so a crash in between costs nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from bot.answering.ended import After, Care, Ended
from bot.answering.outcome import Outcome
from bot.arriving.subject import Subjects
from bot.metering import Meter
from bot.pacing import Sleep
from bot.question import Question
from bot.storage.db import Also, Transaction
from bot.storage.errors import NotNow
from bot.storage.history import History
from bot.watching.counts import Counts

log = logging.getLogger(__name__)

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 10.0
_AFTERCARE_S = 30.0


class Endings:
    def __init__(
        self,
        history: History,
        subjects: Subjects,
        meter: Meter,
        after: After,
        counts: Counts,
        *,
        cover: Callable[[str], Awaitable[str]] | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """`cover`: an answer is kept without the numbers of people, whoever has read them in it;
        None: as it is."""
        self._history = history
        self._subjects = subjects
        self._meter = meter
        self._after = after
        self._counts = counts
        self._cover = cover
        self._sleep = sleep

    async def write(self, question: Question, outcome: Outcome) -> None:
        """The person has the text already, so only this is repeated when the database fails."""
        care = await self._look_after(question, outcome)
        also = None if care is None else _guarded(care.write, question)
        spared = await self._subjects.spared(question) if outcome.end == "stopped" else ()
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                await self._write(question, outcome, spared, also)
            except Exception as error:  # one question's end may fail for now, the others go on
                for_now, number = isinstance(error, NotNow), question.entry.id
                log.error(  # noqa: TRY400
                    "entry %s: its end is not written yet: %s", number, error, exc_info=not for_now
                )
            else:
                break
            await self._sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        if care is not None:
            care.written()

    async def _write(
        self, question: Question, outcome: Outcome, spared: Sequence[str], also: Also | None
    ) -> None:
        entry, prompt = question.entry, question.prompt
        await self._meter.settle(entry.id, questions=outcome.questions, tokens=outcome.tokens)
        if outcome.answer is not None:
            assert prompt is not None
            text = outcome.answer.text
            text = text if self._cover is None else await self._cover(text)
            kept = await self._history.answered(
                entry,
                prompt.question,
                replace(outcome.answer, text=text),
                prompt.used,
                replaces=prompt.replaces,
                tells_long=prompt.tells_long,
                also=also,
            )
            if not kept:
                log.error("entry %s was answered, but had its end before", entry.id)
                self._counts.repeated += 1
        elif outcome.end == "stopped":
            await self._history.stopped(entry, spared)
        else:
            # who is asked back says yes or no to the same photos
            used = () if outcome.buttons else _used(question)
            await self._history.unanswered(entry, outcome.end, used, also=also)

    async def _look_after(self, question: Question, outcome: Outcome) -> Care | None:
        prompt = question.prompt
        ended = Ended(
            outcome.end,
            outcome.text,
            outcome.key,
            question.language,
            found_nothing=prompt is not None and prompt.passages == (),
            calls_person=outcome.calls_person,
        )
        try:
            async with asyncio.timeout(_AFTERCARE_S):
                return await self._after(question.entry, ended)
        except Exception:  # whatever fails there, the person has the answer
            log.exception("entry %s: nobody looked after it", question.entry.id)
            return None


def _guarded(write: Also, question: Question) -> Also:
    """What fails in it is undone alone; the end of the question is written."""

    async def guarded(transaction: Transaction) -> None:
        try:
            async with transaction.begin_nested():
                await write(transaction)
        except Exception:  # see above
            log.exception("entry %s: nobody looked after it", question.entry.id)

    return guarded


def _used(question: Question) -> tuple[int, ...] | None:
    """The kept photos that a question without an answer takes along; None: all before it."""
    if question.prompt is not None:
        return question.prompt.used
    return () if question.context.has_photos else None
