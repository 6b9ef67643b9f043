"""What the model is asked: the system's words, the window of the conversation, the question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot import texts
from bot.context import WindowSection, window
from bot.event import Conversation
from bot.intake import Intake, Ready, check_number
from bot.storage.history import History, Said
from bot.storage.inbox import Entry
from bot.texts import Language
from inference.errors import InferenceError
from inference.request import Turn
from inference.service import Service

_TEMPLATE_TOKENS = 32  # what the checkpoint's template puts around the turns


@dataclass(frozen=True, slots=True)
class Prompt:
    turns: tuple[Turn, ...]
    question: Said  # as it is kept once it is answered
    used_photos: tuple[int, ...]  # the kept photos that go with it


class Prompter:
    def __init__(
        self,
        history: History,
        intake: Intake,
        service: Service,
        section: WindowSection,
        *,
        answer_tokens: int,
    ) -> None:
        """`answer_tokens`: the longest answer, for which the window leaves room."""
        self._history = history
        self._intake = intake
        self._service = service
        self._section = section
        self._answer_tokens = answer_tokens

    async def build(
        self, entry: Entry, text: str, photos: Sequence[Ready], language: Language
    ) -> Prompt:
        """Raises Unusable, EngineDown."""
        waiting = await self._history.kept_photos(entry)
        check_number(len(waiting) + len(photos), language)
        kept = [await self._intake.reopen(digest, language) for _, digest in waiting]
        used = [*kept, *photos]
        turn = Turn("user", text, tuple(ready.picture for ready in used))
        tokens = await self._service.measure(turn)
        system = Turn("system", texts.say("system", language))
        room = await self._room(system)
        return Prompt(
            turns=(system, *await self._past(entry.event.conversation, tokens, room), turn),
            question=Said("user", text, tuple(ready.digest for ready in used), tokens),
            used_photos=tuple(id_ for id_, _ in waiting),
        )

    async def answer(self, text: str) -> Said:
        """An answer as it is kept; an engine that went down meanwhile does not lose it."""
        try:
            tokens = await self._service.measure(Turn("assistant", text))
        except InferenceError:
            tokens = len(text)  # no token is shorter than a character, but for rare ones
        return Said("assistant", text, (), tokens)

    async def _room(self, system: Turn) -> int:
        """Tokens for the past and the question: the model's context also takes the system's words
        and the answer, which in a small context gets a quarter at least."""
        context = self._service.stats().context_tokens
        answer = min(self._answer_tokens, context // 4)
        room = context - answer - await self._service.measure(system) - _TEMPLATE_TOKENS
        return min(self._section.max_tokens, room)

    async def _past(
        self, conversation: Conversation, question_tokens: int, room: int
    ) -> list[Turn]:
        said = window(
            await self._history.window(conversation),
            question_tokens,
            max_tokens=room,
            drop_to=self._section.drop_to,
        )
        return [await self._turn(one) for one in said]

    async def _turn(self, said: Said) -> Turn:
        opened = [await self._intake.reopen_if_kept(digest) for digest in said.photos]
        return Turn(said.role, said.text, tuple(ready.picture for ready in opened if ready))
