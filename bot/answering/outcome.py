"""What becomes of a question: the words people read in the end, what is kept, what it cost."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot import texts
from bot.answering import sights, sources
from bot.event import Button
from bot.prompt import Prompter
from bot.question import Question
from bot.storage.history import Said
from bot.storage.inbox import End
from bot.texts import Key
from inference.errors import Where
from inference.request import Finish
from inference.safety.verdict import UNCHECKED

_FENCE = "```"
_BLOCKED: dict[Where, Key] = {
    "question": "question_blocked",
    "picture": "picture_blocked",
    "answer": "answer_blocked",
}
_MARKS: dict[Finish | None, Key] = {"length": "length_mark", "repetition": "repetition_mark"}


@dataclass(frozen=True, slots=True)
class Outcome:
    text: str
    end: End
    key: Key | None = None  # as in Ended
    answer: Said | None = None  # as it is kept with its question; then the end is "answered"
    questions: int = 0  # that it counts as
    tokens: int = 0
    buttons: tuple[Button, ...] = ()  # where the person is asked back
    calls_person: bool = False  # whatever rules say about when staff are called


class Outcomes:
    def __init__(self, prompter: Prompter) -> None:
        self._prompter = prompter

    async def written(self, question: Question) -> Outcome:
        """The model has ended by itself."""
        if question.draft.finish == "blocked":
            category = UNCHECKED if question.draft.unchecked else ""
            taken_back = blocked(question, "answer", question.draft.case, category)
            return replace(taken_back, tokens=await self._tokens(question))
        if not question.draft.text():
            return Outcome(
                texts.say("no_words", question.language),
                "refused",
                "no_words",
                tokens=await self._tokens(question),
            )
        return await self._answered(question, _MARKS.get(question.draft.finish), whole=True)

    async def stopped(self, question: Question) -> Outcome:
        """What was written is kept, so that the conversation stays coherent; but not if another
        question takes the place of this one."""
        parting = question.parting
        if question.draft.finish == "blocked":  # meanwhile; what was shown goes all the same
            return await self.written(question)
        if question.draft.text() and parting == "stopped":
            return await self._answered(question, "stopped_mark", whole=False)
        said = texts.say(parting, question.language)
        return Outcome(said, "stopped", parting, tokens=await self._tokens(question))

    async def undeliverable(self, question: Question) -> Outcome:
        """What had been written by then was asked for."""
        if not question.draft.text():
            return Outcome("", "undeliverable")
        return Outcome("", "undeliverable", questions=1, tokens=await self._tokens(question))

    async def _answered(self, question: Question, mark: Key | None, *, whole: bool) -> Outcome:
        assert question.prompt is not None
        prompt, language, text = question.prompt, question.language, question.draft.text()
        below = [texts.say(mark, language)] if mark else []
        if question.draft.cached:
            below.append(texts.say("earlier_mark", language))
        if noted := sights.told(prompt.notes, language):
            below.append(noted)
        if whole and prompt.passages is not None:
            below.append(sources.listed(prompt.passages, language))
        if prompt.tells_long:
            below.append(texts.say("long_mark", language))
        return Outcome(
            "\n\n".join([_closed(text) if below else text, *below]),
            "answered",
            answer=await self._prompter.answer(text),
            questions=1,
            tokens=await self._tokens(question),
        )

    async def _tokens(self, question: Question) -> int:
        if question.prompt is None or question.draft.cached:  # the model has read nothing
            return 0
        return await self._prompter.cost(question.prompt, question.draft)


def blocked(question: Question, where: Where, case: int | None, category: str = "") -> Outcome:
    """`case`: None: staff do not have it, so there is nothing to appeal against."""
    key: Key = "not_checked" if category == UNCHECKED else _BLOCKED[where]
    outcome = told(question, key, "refused")
    if case is None:
        return outcome
    how = texts.say("how_to_appeal", question.language, case=case)
    return replace(outcome, text=f"{outcome.text}\n{how}")


def told(question: Question, key: Key, end: End) -> Outcome:
    """There is no answer; it costs nothing."""
    return Outcome(texts.say(key, question.language), end, key)


def _closed(text: str) -> str:
    """Code that was cut off must not swallow what stands below it."""
    fences = sum(line.lstrip().startswith(_FENCE) for line in text.splitlines())
    return f"{text}\n{_FENCE}" if fences % 2 else text
