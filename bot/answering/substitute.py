"""What a question gets in place of an answer that the engine cannot write, by [fallback] order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from copy import copy
from dataclasses import dataclass, replace

from bot import texts
from bot.answering import sources
from bot.answering.outcome import Outcome, Outcomes, blocked
from bot.arriving.subject import Subjects, is_repeated
from bot.draft import Draft
from bot.errors import Unusable
from bot.event import Event
from bot.prompt import Prompt, Prompter
from bot.question import Question
from bot.texts import Language
from inference.errors import Blocked, InferenceError
from inference.fallback import Instead, Step
from inference.request import ChatRequest
from inference.safety.verdict import UNCHECKED
from inference.service import Service

log = logging.getLogger(__name__)

_LOOK_S = 90.0  # for all of it: photos fetched, the order walked

RequestOf = Callable[[Question, Prompt], ChatRequest]
IsServed = Callable[[Event], Awaitable[bool]]  # may the service desk be called for who sent this?


@dataclass(frozen=True, slots=True)
class Substitute:
    """At most one of them is there; none of them: nothing was found."""

    words: str = ""  # to be shown, with where they come from
    answer: Outcome | None = None  # an earlier one; or, that this may not be asked
    prompt: Prompt | None = None  # what it is an answer to
    calls_person: bool = False


class Substitutes:
    def __init__(
        self, subjects: Subjects, prompter: Prompter, service: Service, is_served: IsServed
    ) -> None:
        self._subjects = subjects
        self._prompter = prompter
        self._service = service
        self._is_served = is_served
        self._outcomes = Outcomes(prompter)

    async def find(self, question: Question, request_of: RequestOf, *, later: bool) -> Substitute:
        """`later`: it may be promised that the answer comes. Raises nothing: a question that cannot
        be asked as it is has no substitute."""
        try:
            async with asyncio.timeout(_LOOK_S):
                return await self._find(question, request_of, later=later)
        except Blocked as fault:
            if fault.category != UNCHECKED:  # that may be for want of the engine
                return Substitute(answer=blocked(question, fault.where, fault.case, fault.category))
        except TimeoutError:
            log.warning("entry %s: looking for a substitute took too long", question.entry.id)
        except (Unusable, InferenceError) as error:
            log.info("entry %s has no substitute: %s", question.entry.id, error)
        except Exception:  # it is second best in any case, and the question goes on
            log.exception("entry %s has no substitute", question.entry.id)
        return Substitute()

    async def _find(self, question: Question, request_of: RequestOf, *, later: bool) -> Substitute:
        asked = await self._subjects.of(question)
        prompt = await self._prompter.build(asked)
        request = request_of(question, prompt)
        possible = await self._possible(question, later=later)
        found = await self._service.instead(request, possible)
        if found is None or found.step == "later":
            return Substitute()
        if found.step == "person":
            return Substitute(calls_person=True)
        if found.step != "cached":
            return Substitute(_words(found, question.language))
        return await self._given_again(question, replace(prompt, turns=()), found)

    async def _possible(self, question: Question, *, later: bool) -> set[Step]:
        """A group is not bothered with long words of no model; who asks for other words than
        before does not want the same ones again, but who chose an earlier answer does."""
        event = question.entry.event
        anew = is_repeated(question) and question.shown is None
        steps: set[Step] = set() if anew else {"cached"}
        if not event.group:
            steps |= {"knowledge", "ocr"}
        if later:
            steps.add("later")
        if await self._is_served(event):
            steps.add("person")
        return steps

    async def _given_again(self, question: Question, prompt: Prompt, found: Instead) -> Substitute:
        """The question itself stays as it is: somebody may be answering it just now."""
        answered = copy(question)
        answered.prompt, answered.draft = prompt, Draft()
        for delta in found.answer:
            answered.draft.add(delta)
        outcome = await self._outcomes.written(answered)
        return Substitute(answer=outcome, prompt=prompt) if outcome.answer else Substitute()


def _words(found: Instead, language: Language) -> str:
    if found.step == "knowledge":
        return sources.quoted(found.excerpts, language)
    return f"{texts.say('read_instead', language)}\n{found.text}"
