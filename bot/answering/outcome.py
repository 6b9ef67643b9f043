"""What becomes of a question: the words people read in the end, what is kept, what it cost."""

from __future__ import annotations

from dataclasses import dataclass

from bot import texts
from bot.answering import sources
from bot.prompt import Prompter
from bot.question import Question
from bot.storage.history import Said
from bot.storage.inbox import End
from bot.texts import Key
from inference.request import Finish

_FENCE = "```"
_MARKS: dict[Finish | None, Key] = {"length": "length_mark", "repetition": "repetition_mark"}


@dataclass(frozen=True, slots=True)
class Outcome:
    text: str
    end: End
    key: Key | None = None  # as in Ended
    answer: Said | None = None  # as it is kept with its question; then the end is "answered"
    questions: int = 0  # that it counts as
    tokens: int = 0


class Outcomes:
    def __init__(self, prompter: Prompter) -> None:
        self._prompter = prompter

    async def written(self, question: Question) -> Outcome:
        """The model has ended by itself."""
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
        if question.prompt is None:  # the model has read nothing yet
            return 0
        return await self._prompter.cost(question.prompt, question.draft)


def told(question: Question, key: Key, end: End) -> Outcome:
    """There is no answer; it costs nothing."""
    return Outcome(texts.say(key, question.language), end, key)


def _closed(text: str) -> str:
    """Code that was cut off must not swallow what stands below it."""
    fences = sum(line.lstrip().startswith(_FENCE) for line in text.splitlines())
    return f"{text}\n{_FENCE}" if fences % 2 else text
