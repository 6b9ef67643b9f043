"""What a ticket is about, in two sentences of the model; it comes after all questions of people."""

from __future__ import annotations

from contextlib import aclosing

from bot import texts
from bot.texts import Language
from inference.request import ChatRequest, Sampling, Turn
from inference.service import Service

_MOST_TOKENS = 160
_LONGEST = 3000  # letters of the talk; its end tells most


async def summarise(talk: str, language: Language, *, service: Service) -> str:
    """Raises InferenceError."""
    turns = (
        Turn("system", texts.say("summarise", language)),
        Turn("user", talk[-_LONGEST:]),
    )
    request = ChatRequest(turns, Sampling(_MOST_TOKENS), priority="batch")
    words: list[str] = []
    async with aclosing(service.stream(request)) as deltas:
        async for delta in deltas:
            words.append(delta.text)
    return service.safety.masked("".join(words))
