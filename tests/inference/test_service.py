from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from inference.engine.base import EngineStats
from inference.errors import BadPicture, ModelUnusable
from inference.images.keeping import Box
from inference.request import ChatRequest, Delta, Picture, Turn
from inference.service import Service

PNG = b"\x89PNG"


class SmallEngine:
    """Answers "one two three"; notes what was done to it."""

    def __init__(self, *, usable: bool = True) -> None:
        self.usable = usable
        self.done: list[str] = []

    async def start(self) -> None:
        if not self.usable:
            raise ModelUnusable("no such folder")
        self.done.append("start")

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        try:
            for word in ("one ", "two ", "three"):
                yield Delta(word)
            yield Delta(finish="stop")
        finally:
            self.done.append("stream closed")

    async def measure(self, turn: Turn) -> int:
        return len(turn.text)

    def stats(self) -> EngineStats:
        return EngineStats(model="small", context_tokens=64)

    async def close(self) -> None:
        self.done.append("close")


class CountingDecoder:
    """A photo `b"n..."` becomes a grey picture of n times n pixels; a PNG one of 60 times 60."""

    def __init__(self) -> None:
        self.decoded: list[bytes] = []
        self.closed = False

    async def decode(self, photo: bytes) -> Picture:
        self.decoded.append(photo)
        if not photo:
            raise BadPicture("empty")
        side = 60 if photo.startswith(PNG) else int(photo[:2])
        return Picture(side, side, bytes(3 * side * side))

    async def bare(self, photo: bytes) -> bytes:
        if not photo:
            raise BadPicture("empty")
        return photo if photo.startswith(PNG) else photo.partition(b"+")[0]

    async def close(self) -> None:
        self.closed = True


@pytest.fixture
def engine() -> SmallEngine:
    return SmallEngine()


@pytest.fixture
def decoder() -> CountingDecoder:
    return CountingDecoder()


async def test_a_photo_seen_lately_is_not_decoded_again(
    engine: SmallEngine, decoder: CountingDecoder
) -> None:
    service = Service(engine, decoder)

    first = await service.prepare(b"30 a")
    second = await service.prepare(b"30 a")

    assert second is first
    assert decoder.decoded == [b"30 a"]


async def test_what_became_of_each_photo_is_told(
    engine: SmallEngine, decoder: CountingDecoder
) -> None:
    told: list[str] = []
    service = Service(engine, decoder, prepared=lambda how, took_s: told.append(how))

    for photo in (b"30 a", b"30 a", b"30 b"):
        await service.prepare(photo)

    assert told == ["decoded", "kept", "decoded"]


async def test_a_photo_that_is_none_is_told_as_refused(
    engine: SmallEngine, decoder: CountingDecoder
) -> None:
    told: list[str] = []
    service = Service(engine, decoder, prepared=lambda how, took_s: told.append(how))

    with pytest.raises(BadPicture):
        await service.prepare(b"")

    assert told == ["refused"]


async def test_other_bytes_of_equal_length_are_another_photo(
    engine: SmallEngine, decoder: CountingDecoder
) -> None:
    service = Service(engine, decoder)

    await service.prepare(b"30 a")
    await service.prepare(b"30 b")

    assert decoder.decoded == [b"30 a", b"30 b"]


async def test_the_picture_unused_longest_goes_when_the_bytes_are_full(
    engine: SmallEngine, decoder: CountingDecoder
) -> None:
    service = Service(engine, decoder, kept_bytes=2 * 3 * 30 * 30)
    for photo in (b"30 a", b"30 b", b"30 a", b"30 c"):
        await service.prepare(photo)
    decoder.decoded.clear()

    await service.prepare(b"30 a")
    await service.prepare(b"30 c")
    await service.prepare(b"30 b")

    assert decoder.decoded == [b"30 b"]


async def test_a_picture_larger_than_all_that_may_be_kept_is_still_given(
    engine: SmallEngine, decoder: CountingDecoder
) -> None:
    service = Service(engine, decoder, kept_bytes=100)

    assert (await service.prepare(b"99")).width == 99
    assert (await service.prepare(b"99")).width == 99
    assert decoder.decoded == [b"99", b"99"]


async def test_a_bad_picture_is_refused_each_time(
    engine: SmallEngine, decoder: CountingDecoder
) -> None:
    service = Service(engine, decoder)

    for _ in range(2):
        with pytest.raises(BadPicture):
            await service.prepare(b"")

    assert decoder.decoded == [b"", b""]


async def test_an_unusable_model_stops_the_start(decoder: CountingDecoder) -> None:
    with pytest.raises(ModelUnusable, match="no such folder"):
        await Service(SmallEngine(usable=False), decoder).start()


async def test_closing_the_stream_closes_the_engines(
    engine: SmallEngine, decoder: CountingDecoder
) -> None:
    service = Service(engine, decoder)
    request = ChatRequest((Turn("user", "count"),))

    async with aclosing(service.stream(request)) as deltas:
        first = await anext(deltas)

    assert first.text == "one "
    assert engine.done == ["stream closed"]


async def test_tokens_and_numbers_come_from_the_engine(
    engine: SmallEngine, decoder: CountingDecoder
) -> None:
    service = Service(engine, decoder)

    assert await service.measure(Turn("user", "four")) == 4
    assert service.stats().context_tokens == 64


async def test_close_ends_decoder_and_engine(engine: SmallEngine, decoder: CountingDecoder) -> None:
    service = Service(engine, decoder)
    await service.start()

    await service.close()

    assert decoder.closed
    assert engine.done == ["start", "close"]


async def test_the_engine_is_closed_though_the_decoder_cannot(engine: SmallEngine) -> None:
    class Stuck(CountingDecoder):
        async def close(self) -> None:
            raise OSError("stuck")

    with pytest.raises(OSError, match="stuck"):
        await Service(engine, Stuck()).close()

    assert engine.done == ["close"]


class CoversAll:
    def __init__(self) -> None:
        self.looked_at: list[int] = []

    async def find(self, picture: Picture) -> list[Box]:
        self.looked_at.append(picture.width)
        return [Box(0, 0, picture.width, picture.height)] if picture.width > 40 else []


async def test_what_is_stored_of_a_photo_is_without_its_metadata(
    engine: SmallEngine, decoder: CountingDecoder
) -> None:
    assert await Service(engine, decoder).stored(b"30 a+home") == b"30 a"


async def test_what_is_to_be_covered_is_covered_in_what_is_stored(
    engine: SmallEngine, decoder: CountingDecoder
) -> None:
    service = Service(engine, decoder, covering=CoversAll())

    assert await service.stored(b"30 a+home") == b"30 a"
    assert (await service.stored(b"50 a+home")).startswith(PNG)


async def test_what_was_covered_is_not_looked_at_again(
    engine: SmallEngine, decoder: CountingDecoder
) -> None:
    covering = CoversAll()
    service = Service(engine, decoder, covering=covering)
    covered = await service.stored(b"50 a+home")

    assert await service.stored(covered) == covered
    assert covering.looked_at == [50]


async def test_a_photo_that_cannot_be_stored_counts_as_refused(
    engine: SmallEngine, decoder: CountingDecoder
) -> None:
    told: list[str] = []
    service = Service(engine, decoder, prepared=lambda how, took_s: told.append(how))

    with pytest.raises(BadPicture):
        await service.stored(b"")

    assert told == ["refused"]
