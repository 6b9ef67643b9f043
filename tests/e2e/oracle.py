"""What the demo model answers when it is asked directly, without line, platform or window."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

from bot import texts
from bot.worker import AnswersSection
from inference.build import EngineSection, build_service
from inference.images.decode import PicturesSection
from inference.request import ChatRequest, Turn
from inference.service import Service


class Talk:
    """Grows by each question and its answer, as the window of one conversation does."""

    def __init__(self, service: Service, language: texts.Language = "en") -> None:
        self._service = service
        self._turns: list[Turn] = [Turn("system", texts.say("system", language))]

    async def ask(self, text: str, *photos: bytes, before: str = "") -> str:
        """`before`: passages that stand before this question and are not kept with it."""
        pictures = tuple([await self._service.prepare(photo) for photo in photos])
        asked = Turn("user", f"{before}\n\n{text}" if before else text, pictures)
        answer = await self._answer([*self._turns, asked])
        self._turns += [Turn("user", text, pictures), Turn("assistant", answer)]
        return answer

    def put_in_place_of_the_last(self, answer: str) -> None:
        self._turns[-1] = Turn("assistant", answer)

    async def _answer(self, turns: Sequence[Turn]) -> str:
        request = ChatRequest(tuple(turns), AnswersSection().sampling())
        async with aclosing(self._service.stream(request)) as deltas:
            return "".join([delta.text async for delta in deltas]).strip()


@asynccontextmanager
async def oracle() -> AsyncIterator[Service]:
    service = build_service(EngineSection(), PicturesSection())
    try:
        await service.start()
        yield service
    finally:
        await service.close()
