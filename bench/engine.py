"""Our engine against serial model.generate, in one run: `python -m bench.engine [MODEL]`.

Prints tokens per second in all and the mean time to the first token for 1, 4 and 8 requests that
come at once, each with a picture of its own, and the ratios of ours to theirs. The two take turns,
and the best of several rounds counts: it is the one that other programs disturbed least.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from threading import Thread
from typing import Any

import torch
from PIL import Image
from transformers import AutoTokenizer, TextIteratorStreamer
from transformers.models.glm4v.modeling_glm4v import Glm4vForConditionalGeneration
from transformers.models.glm46v.image_processing_pil_glm46v import Glm46VImageProcessorPil

from inference.engine.local import EngineSettings, LocalEngine
from inference.request import ChatRequest, Picture, Sampling, Turn

_DEMO = Path(__file__).parents[1] / "inference" / "demo" / "weights"
_REQUESTS = (1, 4, 8)
_ROUNDS = 6  # the first warms up
_QUESTIONS = (
    "What do you see in the picture?",
    "图里有什么？",
    "你好！你能做什么？",
    "Who are you and what can you do?",
)


@dataclass(frozen=True, slots=True)
class Result:
    tokens_per_s: float
    first_token_s: float


def main() -> None:
    model = sys.argv[1] if len(sys.argv) > 1 else str(_DEMO)
    torch.set_num_threads(1)  # what the engine takes for a model of this size
    rival = Rival(model)
    theirs, ours = asyncio.run(_measure(model, rival))
    print(f"{'requests':>8} {'':>10} {'generate':>10} {'visionbot':>10} {'ratio':>7}")  # noqa: T201
    for count, their, our in zip(_REQUESTS, theirs, ours, strict=True):
        faster = our.tokens_per_s / their.tokens_per_s
        sooner = their.first_token_s / our.first_token_s
        print(  # noqa: T201
            f"{count:8} {'tokens/s':>10} {their.tokens_per_s:10.1f} {our.tokens_per_s:10.1f}"
            f" {faster:6.1f}x\n{'':8} {'first, ms':>10} {their.first_token_s * 1000:10.1f}"
            f" {our.first_token_s * 1000:10.1f} {sooner:6.1f}x"
        )


class Rival:
    """transformers alone, one request after the other, as its server does for pictures."""

    def __init__(self, folder: str) -> None:
        # Any: transformers' classes are untyped
        self._model: Any = Glm4vForConditionalGeneration.from_pretrained(
            folder, dtype=torch.float32
        )
        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        self._images: Any = Glm46VImageProcessorPil.from_pretrained(folder)

    def answer(self, requests: list[ChatRequest]) -> Result:
        start = time.perf_counter()
        tokens, firsts = 0, []
        for request in requests:
            times = list(self._answer_one(request))
            firsts.append(times[0] - start)
            tokens += len(times)
        return Result(tokens / (time.perf_counter() - start), statistics.mean(firsts))

    def _answer_one(self, request: ChatRequest) -> Iterator[float]:
        """When each token came."""
        streamer = _Times(self._tokenizer, skip_prompt=True)
        inputs = self._inputs(request.turns[0])
        options = {"max_new_tokens": request.sampling.max_tokens, "do_sample": False}
        work = Thread(
            target=self._model.generate, kwargs={**inputs, **options, "streamer": streamer}
        )
        work.start()
        yield from streamer
        work.join()

    def _inputs(self, turn: Turn) -> dict[str, Any]:
        content = [{"type": "image"}, {"type": "text", "text": turn.text}]
        text: str = self._tokenizer.apply_chat_template(
            [{"role": "user", "content": content}],
            tokenize=False,
            add_generation_prompt=True,
            enable_thinking=False,
        )
        (picture,) = turn.pictures
        image = Image.frombytes("RGB", (picture.width, picture.height), picture.rgb)
        seen = self._images(images=[image], return_tensors="pt")
        count = int(seen["image_grid_thw"].prod()) // self._images.merge_size**2
        text = text.replace("<|image|>", "<|image|>" * count)
        ids = self._tokenizer(text, add_special_tokens=False, return_tensors="pt").input_ids
        kinds = (ids == self._model.config.image_token_id).int()
        return {
            "input_ids": ids,
            "attention_mask": torch.ones_like(ids),
            "mm_token_type_ids": kinds,
            **seen,
        }


class _Times(TextIteratorStreamer):
    """Gives the time of each token in place of its text."""

    def put(self, value: torch.Tensor) -> None:
        if self.next_tokens_are_prompt:
            self.next_tokens_are_prompt = False
        else:
            self.text_queue.put(time.perf_counter())

    def end(self) -> None:
        self.text_queue.put(self.stop_signal)


async def _measure(model: str, rival: Rival) -> tuple[list[Result], list[Result]]:
    """Theirs and ours, for each of _REQUESTS."""
    engine = LocalEngine(EngineSettings(model=model))
    await engine.start()
    theirs, ours = [], []
    try:
        for turn in range(_ROUNDS):
            asked = [_requests(count, turn) for count in _REQUESTS]
            theirs.append([await asyncio.to_thread(rival.answer, some) for some in asked])
            ours.append([await _answer(engine, some) for some in asked])
    finally:
        await engine.close()
    return _best(theirs), _best(ours)


async def _answer(engine: LocalEngine, requests: list[ChatRequest]) -> Result:
    start = time.perf_counter()

    async def one(request: ChatRequest) -> tuple[float, int]:
        first = None
        async with aclosing(engine.stream(request)) as deltas:
            async for delta in deltas:
                first = first or time.perf_counter() - start
                usage = delta.usage
        assert first is not None
        assert usage is not None
        return first, usage.completion_tokens

    answers = await asyncio.gather(*map(one, requests))
    tokens = sum(count for _, count in answers)
    took = time.perf_counter() - start
    return Result(tokens / took, statistics.mean(first for first, _ in answers))


def _best(rounds: list[list[Result]]) -> list[Result]:
    return [
        Result(
            max(result.tokens_per_s for result in results),
            min(result.first_token_s for result in results),
        )
        for results in zip(*rounds[1:], strict=True)
    ]


def _requests(count: int, turn: int) -> list[ChatRequest]:
    """Pictures that differ in every round, so that nothing is found in kept pages."""
    return [
        ChatRequest(
            (Turn("user", _QUESTIONS[number % len(_QUESTIONS)], (_picture(f"{turn} {number}"),)),),
            Sampling(max_tokens=64),
        )
        for number in range(count)
    ]


def _picture(name: str, side: int = 224) -> Picture:
    dice = random.Random(name)
    edges = [0, *sorted(dice.sample(range(1, side), 3)), side]
    bands = [
        bytes(dice.randrange(256) for _ in range(3)) * (side * (below - above))
        for above, below in pairwise(edges)
    ]
    return Picture(side, side, b"".join(bands))


if __name__ == "__main__":
    main()
