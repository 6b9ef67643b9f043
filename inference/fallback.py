"""What can be given instead of an answer while the engine cannot write one: an earlier answer,
passages of the knowledge base, the text in the picture. It never asks the engine."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Literal, Protocol

from pydantic import BaseModel, Field, field_validator

from inference.errors import CannotRead
from inference.images.reading import ReadLine, ReadText
from inference.request import ChatRequest, Delta, Picture

log = logging.getLogger(__name__)

# later: it is promised that the answer comes. person: the service desk is called.
Step = Literal["cached", "knowledge", "ocr", "later", "person"]

_LONGEST_TEXT = 600  # characters of what is read in all pictures together
_LONGEST_PASSAGE = 300
_MOST_PASSAGES = 2
_MOST_PICTURES = 3  # that are read
_STEP_S = 30.0  # reading takes seconds on a busy machine
_LEAST_SCORE = 0.6  # of a line that is read; below that it is mostly noise
_LEAST_LETTERS = 3  # a circle is read as an O


class FallbackSection(BaseModel, extra="forbid", frozen=True):
    """`[fallback]`"""

    order: tuple[Step, ...] = ("cached", "knowledge", "ocr", "later", "person")
    after_s: float = Field(10.0, ge=0.0, le=3600.0)
    patience_s: float = Field(120.0, ge=10.0, le=86_400.0)
    later_s: float = Field(86_400.0, ge=60.0, le=604_800.0)

    @field_validator("order")
    @classmethod
    def _each_once(cls, order: tuple[Step, ...]) -> tuple[Step, ...]:
        for step in order:
            if order.count(step) > 1:
                raise ValueError(f'must name "{step}" once; take one of them out')
        return order


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A passage of a document; `place` as the knowledge base names it, or empty."""

    title: str
    text: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Instead:
    """The first step that had something, with what it had."""

    step: Step
    answer: tuple[Delta, ...] = ()  # cached: all of it, the last delta has its finish
    excerpts: tuple[Excerpt, ...] = ()  # knowledge
    text: str = ""  # ocr: covered up and checked like an answer


class Passages(Protocol):
    async def find(self, question: str, limit: int) -> Sequence[Excerpt]:
        """Those that speak of what is asked, best first."""


class Reader(Protocol):
    async def read(self, picture: Picture) -> ReadText:
        """Raises CannotRead."""


# The kept answer to this very request, however old; None: there is none.
Earlier = Callable[[ChatRequest], Awaitable[AsyncGenerator[Delta, None] | None]]
# A text as it may be shown to who asked this; None: it may not.
Cleared = Callable[[ChatRequest, str], Awaitable[str | None]]


class Fallback:
    def __init__(
        self,
        section: Callable[[], FallbackSection],
        *,
        passages: Passages | None = None,
        reader: Reader | None = None,
        step_s: float = _STEP_S,
    ) -> None:
        """`section` as it is at the moment. The reader is closed by whoever made it. `step_s`: a
        step that takes longer has nothing."""
        self._section = section
        self._step_s = step_s
        self._passages = passages
        self._reader = reader

    async def instead(
        self,
        request: ChatRequest,
        possible: Collection[Step],
        *,
        earlier: Earlier,
        cleared: Cleared,
    ) -> Instead | None:
        """Walks the order, as far as its steps are `possible`, to the first that has something."""
        for step in self._section().order:
            if step not in possible:
                continue
            match step:
                case "cached":
                    work = _cached(request, earlier)
                case "knowledge":
                    work = self._look_up(request)
                case "ocr":
                    work = self._read(request, cleared)
                case "later" | "person":
                    return Instead(step)
            if (found := await self._tried(step, work)) is not None:
                return found
        return None

    async def _tried(self, step: Step, work: Awaitable[Instead | None]) -> Instead | None:
        try:
            async with asyncio.timeout(self._step_s):
                return await work
        except TimeoutError:
            log.warning("fallback: %s took longer than %g s", step, self._step_s)
        except Exception:  # a step that fails has nothing; the next may have
            log.exception("fallback: %s failed", step)
        return None

    async def _look_up(self, request: ChatRequest) -> Instead | None:
        question = _asked(request)
        if self._passages is None or not question.strip():
            return None
        found = await self._passages.find(question, _MOST_PASSAGES)
        short = tuple(Excerpt(one.title, _cut(one.text), one.place) for one in found)
        return Instead("knowledge", excerpts=short) if short else None

    async def _read(self, request: ChatRequest, cleared: Cleared) -> Instead | None:
        if self._reader is None:
            return None
        texts = []
        for picture in request.turns[-1].pictures[:_MOST_PICTURES]:
            try:
                read = await self._reader.read(picture)
            except CannotRead as error:
                log.info("a picture is not read: %s", error)
                continue
            texts.append(ReadText(tuple(_sure(read))).text)
        text = _cut("\n".join(filter(None, texts)).strip(), _LONGEST_TEXT)
        if sum(map(str.isalnum, text)) < _LEAST_LETTERS:
            return None
        shown = await cleared(request, text)
        return Instead("ocr", text=shown) if shown else None


async def _cached(request: ChatRequest, earlier: Earlier) -> Instead | None:
    kept = await earlier(request)
    if kept is None:
        return None
    async with aclosing(kept) as deltas:
        answer = tuple([delta async for delta in deltas])
    whole = bool(answer) and answer[-1].finish not in (None, "blocked")
    return Instead("cached", answer=answer) if whole else None


def _asked(request: ChatRequest) -> str:
    return request.turns[-1].text if request.asked is None else request.asked


def _sure(read: ReadText) -> list[ReadLine]:
    return [line for line in read.lines if line.score >= _LEAST_SCORE]


def _cut(text: str, most: int = _LONGEST_PASSAGE) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
