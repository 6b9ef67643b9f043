"""What looking at words costs: whole texts, texts in pieces, and the first words of an answer."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.report import percentile
from inference.engine.base import EngineStats
from inference.request import ChatRequest, Delta, Picture, Turn, Usage
from inference.safety.build import FOLDER, build_safety, build_wordbook
from inference.safety.outgoing.stage import Chain
from inference.safety.section import SafetySection
from inference.safety.wordlists.words import Words
from inference.service import Service

KEYWORDS = 10_000
TEXT = 2_000  # characters
_PIECE = 2  # characters of a token, about
_COMMON = 3_000  # characters that texts are made of
_ANSWER = 200  # characters


@dataclass(frozen=True, slots=True)
class Plan:
    texts: int = 200
    answers: int = 2_000


QUICK = Plan(texts=60, answers=600)


@dataclass(frozen=True, slots=True)
class WordCosts:
    """Milliseconds; medians but where it says otherwise."""

    whole_ms: float
    streamed_ms: float  # of all pieces together
    loop_ms: float  # `phrase in text` for each phrase
    build_ms: float
    first_guarded_ms: float  # from the question to the first text, p95
    first_bare_ms: float

    @property
    def added_ms(self) -> float:
        return self.first_guarded_ms - self.first_bare_ms


async def measure(plan: Plan) -> WordCosts:
    draw = random.Random(6)
    letters = [chr(0x4E00 + number) for number in draw.sample(range(0x5000), _COMMON)]
    keywords = sorted(
        {"".join(draw.choices(letters, k=draw.randint(2, 6))) for _ in range(KEYWORDS)}
    )
    texts = ["".join(draw.choices(letters, k=TEXT)) for _ in range(plan.texts)]
    with TemporaryDirectory() as folder:
        lists = Path(folder) / FOLDER
        lists.mkdir()
        phrases = "\n".join(["[bench = review]", *keywords])
        (lists / "bench.txt").write_text(phrases + "\n", "utf-8")
        began = time.perf_counter()
        book = build_wordbook(SafetySection, Path(folder))
        build_s = time.perf_counter() - began
        guarded = Service(
            _Instant(), _NoPhotos(), safety=build_safety(SafetySection, book, Path(folder))
        )
        bare = Service(_Instant(), _NoPhotos())
        await _first_words_ms(guarded, 50)  # what is made once is not counted
        guarded_ms, bare_ms = [], []
        for _ in range(10):  # in turn: what disturbs the machine for a while disturbs both
            guarded_ms += await _first_words_ms(guarded, plan.answers // 10)
            bare_ms += await _first_words_ms(bare, plan.answers // 10)
        return WordCosts(
            percentile([_whole_ms(book.now, text) for text in texts], 0.5),
            percentile([_streamed_ms(book.now, text) for text in texts], 0.5),
            percentile([_loop_ms(keywords, text) for text in texts[:20]], 0.5),
            build_s * 1000,
            percentile(guarded_ms, 0.95),
            percentile(bare_ms, 0.95),
        )


def _whole_ms(words: Words, text: str) -> float:
    began = time.perf_counter()
    words.check(text)
    return (time.perf_counter() - began) * 1000


def _streamed_ms(words: Words, text: str) -> float:
    began = time.perf_counter()
    chain = Chain(words.stages(lambda verdict, excerpt: None))
    shown = [chain.feed(text[at : at + _PIECE]) for at in range(0, len(text), _PIECE)]
    shown.append(chain.close())
    took_ms = (time.perf_counter() - began) * 1000
    assert "".join(shown) == text
    return took_ms


def _loop_ms(keywords: Sequence[str], text: str) -> float:
    began = time.perf_counter()
    found = [phrase for phrase in keywords if phrase in text]
    assert len(found) <= len(keywords)
    return (time.perf_counter() - began) * 1000


async def _first_words_ms(service: Service, answers: int) -> list[float]:
    """Each question is another one, since what was seen before is not looked at again."""
    times = []
    request = ChatRequest((Turn("user", ""),), can_take_back=True)
    for number in range(answers):
        question = Turn("user", f"第{number}个问题：图里左边的东西是什么颜色的？" * 4)
        began = time.perf_counter()
        async with aclosing(service.stream(replace(request, turns=(question,)))) as deltas:
            async for delta in deltas:
                if delta.text:
                    times.append((time.perf_counter() - began) * 1000)
                    break
    return times


class _Instant:
    """An engine that has its answer ready."""

    def stats(self) -> EngineStats:
        return EngineStats("instant", 8192)

    async def start(self) -> None: ...

    async def measure(self, turn: Turn) -> int:
        return len(turn.text)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        text = ("左边是一个红色的圆。" * _ANSWER)[:_ANSWER]
        for at in range(0, _ANSWER, _PIECE):
            yield Delta(text[at : at + _PIECE])
        yield Delta(finish="stop", usage=Usage(1, _ANSWER // _PIECE))

    async def forget(self) -> None: ...

    async def close(self) -> None: ...


class _NoPhotos:
    async def decode(self, photo: bytes) -> Picture:
        raise NotImplementedError

    async def bare(self, photo: bytes) -> bytes:
        raise NotImplementedError

    async def close(self) -> None: ...
