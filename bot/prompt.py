"""What the model is asked: the system's words, the window of the conversation, the question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot import texts
from bot.context import WindowSection, window
from bot.event import Conversation
from bot.intake import Intake, Ready, check_number
from bot.storage.history import History, Said
from bot.texts import Language
from inference.errors import InferenceError
from inference.request import Turn
from inference.service import Service


@dataclass(frozen=True, slots=True)
class Prompt:
    turns: tuple[Turn, ...]
    question: Said  # as it is kept once it is answered
    used_photos: tuple[int, ...]  # the kept photos that go with it


class Prompter:
    def __init__(
        self, history: History, intake: Intake, service: Service, section: WindowSection
    ) -> None:
        self._history = history
        self._intake = intake
        self._service = service
        self._section = section

    async def newest_kept(self, conversation: Conversation) -> int:
        """The id up to which kept photos belong to a question that is asked now."""
        return max((id_ for id_, _ in await self._history.kept_photos(conversation)), default=0)

    async def build(
        self,
        conversation: Conversation,
        text: str,
        photos: Sequence[Ready],
        language: Language,
        *,
        kept_until: int | None,
    ) -> Prompt:
        """`kept_until`: photos kept later are for later questions. Raises Unusable, EngineDown."""
        waiting = [
            (id_, digest)
            for id_, digest in await self._history.kept_photos(conversation)
            if kept_until is None or id_ <= kept_until
        ]
        opened = [await self._intake.reopen(digest) for _, digest in waiting]
        used = [*(ready for ready in opened if ready is not None), *photos]
        check_number(len(used), language)
        turn = Turn("user", text, tuple(ready.picture for ready in used))
        tokens = await self._service.measure(turn)
        system = Turn("system", texts.say("system", language))
        return Prompt(
            turns=(system, *await self._past(conversation, tokens), turn),
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

    async def _past(self, conversation: Conversation, question_tokens: int) -> list[Turn]:
        said = window(
            await self._history.window(conversation),
            question_tokens,
            max_tokens=self._section.max_tokens,
            drop_to=self._section.drop_to,
        )
        return [await self._turn(one) for one in said]

    async def _turn(self, said: Said) -> Turn:
        opened = [await self._intake.reopen(digest) for digest in said.photos]
        return Turn(said.role, said.text, tuple(ready.picture for ready in opened if ready))
