"""What is asked, before the model sees it: the person's words and the pictures."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from inference.errors import Blocked
from inference.request import ChatRequest, Picture, Turn
from inference.safety.incidents import Incidents
from inference.safety.verdict import (
    UNCHECKED,
    Context,
    PictureDetector,
    TextDetector,
    Verdict,
    words_subject,
)
from inference.safety.wordlists.words import Words

_SHORT = 1500  # characters that take less than a millisecond; longer texts go into a thread


@dataclass(frozen=True, slots=True)
class _Finding:
    context: Context
    verdict: Verdict
    text: str = ""
    picture: Picture | None = None


class Questions:
    def __init__(
        self,
        incidents: Incidents,
        texts: Sequence[TextDetector] = (),
        pictures: Sequence[PictureDetector] = (),
    ) -> None:
        self._incidents = incidents
        self._texts = [one for one in texts if "question" in one.looks_at]
        self._pictures = pictures

    async def admit(self, request: ChatRequest, words: Words) -> ChatRequest:
        """With what is to be masked covered up. Raises Blocked, when staff have the case."""
        turns, found = await self._read(request, words)
        groups = await asyncio.gather(
            *(self._ask(detector, request) for detector in self._texts),
            self._show_all(request),
        )
        found += [finding for group in groups for finding in group]
        await self._decide(found)
        return request if turns == request.turns else replace(request, turns=turns)

    async def _read(
        self, request: ChatRequest, words: Words
    ) -> tuple[tuple[Turn, ...], list[_Finding]]:
        """In a chat, what came before was looked at when it was new; a program tells it anew."""
        texts = {own_words(request): None}
        if request.asked is None:
            texts |= dict.fromkeys(turn.text for turn in _asking(request))

        def read() -> tuple[tuple[Turn, ...], list[_Finding]]:
            found = [_found(request, text, one) for text in texts for one in words.check(text)]
            return tuple(_covered(turn, words) for turn in request.turns), found

        if sum(len(turn.text) for turn in _asking(request)) <= _SHORT:
            return read()
        return await asyncio.to_thread(read)

    async def _ask(self, detector: TextDetector, request: ChatRequest) -> list[_Finding]:
        text = own_words(request)
        context = about_words(request, text)
        verdicts = await detector.check(text, context) if text.strip() else []
        return [_found(request, text, verdict) for verdict in verdicts]

    def _pictures_of(self, request: ChatRequest) -> list[Picture]:
        """Each once; the same file is the same object."""
        if not self._pictures:
            return []
        every = {id(picture): picture for turn in request.turns for picture in turn.pictures}
        return list(every.values())

    async def _show_all(self, request: ChatRequest) -> list[_Finding]:
        """One after the other, so that each has all the time there is for one: those of a long
        talk or of an album would wait for each other, and count as not checked."""
        shown = [await self._show(picture, request) for picture in self._pictures_of(request)]
        return [finding for found in shown for finding in found]

    async def _show(self, picture: Picture, request: ChatRequest) -> list[_Finding]:
        digest = await asyncio.to_thread(lambda: picture.digest)
        context = Context("picture", request.owner, request.id, digest)
        groups = await asyncio.gather(*(one.check(picture, context) for one in self._pictures))
        return [_Finding(context, one, picture=picture) for group in groups for one in group]

    async def _decide(self, found: Sequence[_Finding]) -> None:
        """Staff have everything before the person is told anything. Raises Blocked."""
        blocked: Blocked | None = None
        allowed = {one.context: frozenset[str]() for one in found if _matters(one)}
        for context in allowed:
            allowed[context] = await self._incidents.allowing(context)
        for one in found:
            verdict, context = one.verdict, one.context
            if not _matters(one) or verdict.category in allowed[context]:
                continue
            case = await self._tell(one)
            known = blocked is not None and blocked.category != UNCHECKED
            if verdict.action == "block" and not known:
                blocked = Blocked(context.where, verdict.category, case)
        if blocked is not None:
            raise blocked

    async def _tell(self, one: _Finding) -> int | None:
        if one.picture is None:
            return await self._incidents.tell(one.context, one.verdict, one.text)
        return await self._incidents.tell(
            one.context,
            one.verdict,
            one.verdict.words,
            picture=one.context.subject,
            photo=one.picture.source,
        )


def own_words(request: ChatRequest) -> str:
    """What the person wrote last."""
    if request.asked is not None:
        return request.asked
    return next((turn.text for turn in reversed(request.turns) if turn.role == "user"), "")


def about_words(request: ChatRequest, text: str) -> Context:
    subject = words_subject(request.owner, text)
    return Context("question", request.owner, request.id, subject)


def _asking(request: ChatRequest) -> list[Turn]:
    return [turn for turn in request.turns if turn.role == "user"]


def _covered(turn: Turn, words: Words) -> Turn:
    if turn.role != "user":
        return turn
    text = words.cover(turn.text)
    return turn if text == turn.text else replace(turn, text=text)


def _found(request: ChatRequest, text: str, verdict: Verdict) -> _Finding:
    return _Finding(about_words(request, text), verdict, text)


def _matters(one: _Finding) -> bool:
    return one.verdict.action in ("review", "block")
