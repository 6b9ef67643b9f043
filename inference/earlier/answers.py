"""Earlier answers to the same question about the same pixels, given again and marked as such.

Nothing is guessed here: an answer is found by everything that decided it (see key.py), never
by pictures that look alike.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Literal, Protocol

from pydantic import BaseModel, Field

from inference.earlier.kept import Earlier, Kept
from inference.earlier.key import first_asked, key_of, question_key
from inference.errors import SeenSimilar
from inference.images.alike import distance
from inference.request import CallPiece, ChatRequest, Delta, KeptAs, Picture, ToolCall

SIMILAR_BITS = 6  # of 256: what one picture and its copies differ in at most; others may, too

_WHOLE = ("stop", "tool_calls")  # of these ends the answer is as it should be
_LONGEST = 1 << 16  # characters of an answer that is kept

Found = Callable[[Literal["hit", "miss", "stale"]], None]


class CacheSection(BaseModel, extra="forbid", frozen=True):
    """`[cache]`"""

    answers: bool = True
    shared_by: Literal["person", "tenant"] = "person"
    max_age_s: float = Field(604_800.0, ge=1.0)
    max_mb: int = Field(64, ge=1, le=65_536)
    hint: bool = False


class AnswerStore(Protocol):
    async def find(self, key: str) -> Kept | None:
        """However old it is. Raises nothing."""

    async def get(self, number: int, owner: str) -> Kept | None:
        """One of this owner's own, by its number."""

    async def asked(self, question: str) -> list[Earlier]:
        """Answers to this question, newest first; not all, if there are many."""

    def put(self, kept: Kept) -> None:
        """Kept soon; returns at once. It takes the place of what has the same key."""

    def touch(self, key: str) -> None:
        """It was given again."""


class Answers:
    """Without a store nothing is kept, and nothing found."""

    def __init__(
        self,
        section: CacheSection | None = None,
        store: AnswerStore | None = None,
        *,
        model: Callable[[], str] = lambda: "",
        mask: Callable[[str], str] = lambda text: text,
        look: Callable[[Picture], bytes] | None = None,
        found: Found = lambda how: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`model`: its name and revision; called in a thread. `mask`: what it changes is not kept.
        `look`: the likeness of a picture; None: nobody is asked about what looks alike. `found`
        is told of every look-up."""
        self._section = section or CacheSection()
        self._store = store if self._section.answers else None
        self._model = model
        self._mask = mask
        self._look = look if self._section.hint else None
        self._found = found
        self._clock = clock

    async def named(self, request: ChatRequest) -> ChatRequest:
        """With the name of its answer. First of all: once it was admitted it may have other words,
        and once it is answered nobody shall wait for a name."""
        if self._store is None or not _is_repeatable(request):
            return request
        # digests of pixels take longer than the loop may wait
        return replace(request, kept_as=await asyncio.to_thread(self._name, request))

    async def find(self, request: ChatRequest) -> AsyncGenerator[Delta, None] | None:
        """The kept answer as a stream of deltas that are marked `cached`; None: there is none,
        or it is too old, or a fresh one is wanted. Raises SeenSimilar where the person would
        rather be asked. Words alone are answered anew: that costs little, and whoever says hello
        once more expects no earlier answer."""
        if self._store is None or request.kept_as is None or request.fresh:
            return None
        if request.shown is not None:
            chosen = await self._store.get(request.shown, request.owner)
            return self._given(chosen) if chosen else None
        kept = await self._store.find(request.kept_as.key)
        if kept is not None and _is_own(kept, request):
            return _again(kept, cached=False)
        if not any(turn.pictures for turn in request.turns):
            return None
        if kept is not None and self._clock() - kept.at <= self._section.max_age_s:
            return self._given(kept)
        self._found("miss")
        if request.can_be_asked and (similar := await self._similar(request.kept_as)):
            raise SeenSimilar(similar.number, similar.at)
        return None

    async def stale(self, request: ChatRequest) -> AsyncGenerator[Delta, None] | None:
        """The same however old it is, for when there is nobody who could write another one."""
        if self._store is None or request.kept_as is None:
            return None
        if request.shown is not None:
            kept = await self._store.get(request.shown, request.owner)
        else:
            kept = await self._store.find(request.kept_as.key)
        if kept is None:
            return None
        return _again(kept, cached=False) if _is_own(kept, request) else self._given(kept, "stale")

    async def keeping(
        self, request: ChatRequest, deltas: AsyncGenerator[Delta, None]
    ) -> AsyncGenerator[Delta, None]:
        """The same deltas; an answer that ended by itself is kept."""
        if request.kept_as is None:
            async with aclosing(deltas):
                async for delta in deltas:
                    yield delta
            return
        written: list[Delta] = []
        async with aclosing(deltas):
            async for delta in deltas:
                written.append(delta)
                if delta.finish is not None:  # whoever has this one may close us at once
                    self._keep(request, written)
                yield delta

    def _name(self, request: ChatRequest) -> KeptAs:
        section = self._section
        model = self._model()
        key = key_of(request, model, shared=section.shared_by == "tenant")
        subject = _only_picture(request)
        if subject is None or self._look is None:
            return KeptAs(key, model)
        return KeptAs(key, model, question_key(request), self._look(subject))

    def _given(
        self, kept: Kept, how: Literal["hit", "stale"] = "hit"
    ) -> AsyncGenerator[Delta, None]:
        assert self._store is not None
        self._found(how)
        self._store.touch(kept.kept_as.key)
        return _again(kept, cached=True)

    async def _similar(self, kept_as: KeptAs) -> Earlier | None:
        """The newest answer to the same question about a picture that looks the same."""
        assert self._store is not None
        if not kept_as.question:
            return None
        oldest = self._clock() - self._section.max_age_s
        for earlier in await self._store.asked(kept_as.question):
            near = distance(earlier.likeness, kept_as.likeness) <= SIMILAR_BITS
            if near and earlier.at >= oldest:
                return earlier
        return None

    def _keep(self, request: ChatRequest, written: Sequence[Delta]) -> None:
        """Not what was cut short, says nothing, is too long, or speaks of somebody's numbers."""
        last = written[-1]
        if self._store is None or request.kept_as is None or last.usage is None:
            return
        if last.finish is None or last.finish not in _WHOLE:
            return
        text = "".join(delta.text for delta in written)
        reasoning = "".join(delta.reasoning for delta in written)
        calls = _calls_of(piece for delta in written for piece in delta.calls)
        said = [text, reasoning, *(call.arguments for call in calls)]
        if not (text.strip() or calls) or sum(map(len, said)) > _LONGEST:
            return
        if any(self._mask(words) != words for words in said):
            return
        self._store.put(
            Kept(
                request.kept_as,
                text,
                last.finish,
                last.usage,
                request.owner,
                self._clock(),
                reasoning,
                calls,
                _sources(request),
                request.attempt_of,
            )
        )


def _is_repeatable(request: ChatRequest) -> bool:
    """Somebody's question, to which there is one answer: what is drawn by chance without a seed
    shall be drawn anew, and how likely its words were is not kept."""
    sampling = request.usual or request.sampling
    by_chance = sampling.temperature > 0 and sampling.seed is None
    return bool(request.owner and request.turns) and not by_chance and sampling.logprobs is None


def _only_picture(request: ChatRequest) -> Picture | None:
    """What the question is about, where it came with one picture."""
    pictures = first_asked(request)[-1].pictures
    return pictures[0] if len(pictures) == 1 else None


def _is_own(kept: Kept, request: ChatRequest) -> bool:
    """Was it written for this very question, which was not ended when the program was? Then it is
    no earlier one, and costs what it cost."""
    return bool(request.attempt_of) and kept.attempt_of == request.attempt_of


async def _again(kept: Kept, *, cached: bool) -> AsyncGenerator[Delta, None]:
    if kept.reasoning:
        yield Delta(reasoning=kept.reasoning, cached=cached)
    calls = tuple(
        CallPiece(index, call.id, call.name, call.arguments)
        for index, call in enumerate(kept.calls)
    )
    yield Delta(kept.text, calls=calls, cached=cached)
    yield Delta(finish=kept.finish, usage=kept.usage, cached=cached)


def _calls_of(pieces: Iterable[CallPiece]) -> tuple[ToolCall, ...]:
    calls: dict[int, list[CallPiece]] = {}
    for piece in pieces:
        calls.setdefault(piece.index, []).append(piece)
    return tuple(
        ToolCall(first.id, first.name, "".join(one.arguments for one in (first, *others)))
        for first, *others in calls.values()
    )


def _sources(request: ChatRequest) -> tuple[str, ...]:
    """The files of all pictures, each of them once."""
    pictures = [picture for turn in request.turns for picture in turn.pictures]
    return tuple(dict.fromkeys(picture.source for picture in pictures if picture.source))
