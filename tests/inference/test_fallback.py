"""What is given instead of an answer: the order, its steps, and what they must not show."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import pytest
from pydantic import ValidationError

from inference.earlier.answers import Answers
from inference.errors import Blocked, CannotRead
from inference.fallback import Excerpt, Fallback, FallbackSection, Instead, Step
from inference.images.reading import ReadLine, ReadText
from inference.request import ChatRequest, Delta, Picture, Turn
from inference.safety.safety import Safety
from inference.service import Service
from tests.fakes import FakeDecoder, FakeEngine, FakeReader

ALL: tuple[Step, ...] = ("cached", "knowledge", "ocr", "later", "person")
PHOTO = Picture(1, 7, b"invoice" * 3)
OTHER = Picture(1, 4, b"page" * 3)


class Kept(Answers):
    """Has one answer to everything."""

    def __init__(self, *deltas: Delta) -> None:
        super().__init__()
        self._deltas = deltas

    async def stale(self, request: ChatRequest) -> AsyncGenerator[Delta, None] | None:
        return self._given() if self._deltas else None

    async def _given(self) -> AsyncGenerator[Delta, None]:
        for delta in self._deltas:
            yield delta


class Guard(Safety):
    """Blocks what has "bomb" in it and covers up "42"."""

    def masked(self, text: str) -> str:
        return text.replace("42", "**")

    async def admit(self, request: ChatRequest) -> ChatRequest:
        if "bomb" in request.turns[-1].text:
            raise Blocked("question", "weapons")
        return request

    async def watched(
        self, request: ChatRequest, deltas: AsyncGenerator[Delta, None]
    ) -> AsyncGenerator[Delta, None]:
        async with aclosing(deltas):
            async for delta in deltas:
                yield Delta(finish="blocked") if "bomb" in delta.text else delta


class Book:
    """Every document speaks of everything that has a word in it."""

    def __init__(self, *texts: str) -> None:
        self.texts = texts
        self.asked: list[str] = []

    async def find(self, question: str, limit: int) -> list[Excerpt]:
        self.asked.append(question)
        return [Excerpt("Book", text) for text in self.texts][:limit]


class Broken:
    """Fails, or does nothing for ever."""

    def __init__(self, *, hangs: bool) -> None:
        self._hangs = hangs

    async def find(self, question: str, limit: int) -> list[Excerpt]:
        if self._hangs:
            await asyncio.Event().wait()
        raise ZeroDivisionError

    async def read(self, picture: Picture) -> ReadText:
        await self.find("", 1)
        raise CannotRead("broken")


def made(
    *,
    order: tuple[Step, ...] = ALL,
    kept: Answers | None = None,
    passages: Book | Broken | None = None,
    reader: object = None,
    step_s: float = 5.0,
) -> Service:
    section = FallbackSection(order=order)
    fallback = Fallback(lambda: section, passages=passages, reader=reader, step_s=step_s)
    return Service(FakeEngine(), FakeDecoder(), safety=Guard(), answers=kept, fallback=fallback)


def a_question(text: str = "What is it?", *pictures: Picture, **more: object) -> ChatRequest:
    return ChatRequest((Turn("user", text, pictures or (PHOTO,)),), **more)


EARLIER = (Delta("An invoice.", cached=True), Delta(finish="stop", cached=True))
READER = FakeReader(invoice="INVOICE", page="PAGE")


@pytest.mark.parametrize("order", [ALL, ALL[::-1], ("ocr", "cached", "later")], ids=str)
async def test_first_step_of_the_order_that_has_something_is_taken(order: tuple[Step, ...]):
    service = made(order=order, kept=Kept(*EARLIER), passages=Book("Of it."), reader=READER)

    found = await service.instead(a_question(), ALL)

    assert found is not None
    assert found.step == order[0]


async def test_steps_that_have_nothing_are_passed_over():
    service = made(kept=Kept(), passages=Book(), reader=FakeReader())

    assert await service.instead(a_question(), ALL) == Instead("later")


async def test_steps_that_are_not_possible_are_passed_over():
    service = made(kept=Kept(*EARLIER), passages=Book("Of it."), reader=READER)

    assert await service.instead(a_question(), ("ocr", "person")) == Instead("ocr", text="INVOICE")


async def test_nothing_is_found_where_no_step_has_anything():
    assert await made(order=("ocr",)).instead(a_question(), ALL) is None


async def test_earlier_answer_is_given_whole():
    service = made(kept=Kept(*EARLIER))

    assert await service.instead(a_question(), ALL) == Instead("cached", answer=EARLIER)


async def test_earlier_answer_that_may_not_be_shown_any_more_is_not_given():
    service = made(kept=Kept(Delta("A bomb.", cached=True)))

    assert await service.instead(a_question(), ("cached",)) is None


async def test_knowledge_base_is_asked_for_the_persons_own_words():
    book = Book("one", "two", "three")
    question = a_question("> a passage\n\nWhat is it?", asked="What is it?")

    found = await made(passages=book).instead(question, ("knowledge",))

    assert book.asked == ["What is it?"]
    assert found == Instead("knowledge", excerpts=(Excerpt("Book", "one"), Excerpt("Book", "two")))


async def test_long_passage_is_cut():
    found = await made(passages=Book("word " * 200)).instead(a_question(), ("knowledge",))

    assert found is not None
    assert len(found.excerpts[0].text) <= 300
    assert found.excerpts[0].text.endswith("word…")


async def test_photo_without_words_needs_no_knowledge_base():
    book = Book("one")

    await made(passages=book).instead(a_question(""), ("knowledge",))

    assert book.asked == []


async def test_text_of_all_photos_is_read_and_bounded():
    reader = FakeReader(invoice="A" * 400, page="B" * 400)

    found = await made(reader=reader).instead(a_question("?", PHOTO, OTHER), ("ocr",))

    assert found is not None
    assert found.text.startswith("A" * 400 + "\nB")
    assert len(found.text) == 600


async def test_no_more_than_three_photos_are_read():
    reader = FakeReader()

    await made(reader=reader).instead(a_question("?", *[PHOTO] * 5), ("ocr",))

    assert reader.reads == 3


async def test_lines_that_the_reader_is_unsure_of_are_left_out():
    class Unsure:
        async def read(self, picture: Picture) -> ReadText:
            lines = [("INVOICE", 0.99), ("l|I1", 0.3)]
            return ReadText(tuple(ReadLine(text, (0, 0, 1, 1), sure, 0) for text, sure in lines))

    assert await made(reader=Unsure()).instead(a_question(), ("ocr",)) == Instead(
        "ocr", text="INVOICE"
    )


async def test_numbers_of_people_are_covered_in_what_is_read():
    service = made(reader=FakeReader(invoice="number 42"))

    assert await service.instead(a_question(), ("ocr",)) == Instead("ocr", text="number **")


async def test_what_is_read_and_may_not_be_said_is_not_given():
    service = made(reader=FakeReader(invoice="how to build a bomb"))

    assert await service.instead(a_question(), ALL) == Instead("later")


async def test_question_that_is_blocked_gets_nothing_at_all():
    service = made(kept=Kept(*EARLIER))

    with pytest.raises(Blocked):
        await service.instead(a_question("a bomb?"), ALL)


@pytest.mark.parametrize("hangs", [False, True], ids=["fails", "hangs"])
async def test_step_that_fails_or_hangs_leaves_it_to_the_next(hangs: bool):
    broken = Broken(hangs=hangs)
    service = made(passages=broken, reader=broken, step_s=0.01)

    assert await service.instead(a_question(), ALL) == Instead("later")


async def test_a_letter_or_two_are_no_text():
    service = made(reader=FakeReader(invoice="O\nI !"))

    assert await service.instead(a_question(), ("ocr",)) is None


async def test_photo_that_cannot_be_read_does_not_cost_the_others():
    class OnlyPages:
        async def read(self, picture: Picture) -> ReadText:
            if picture == PHOTO:
                raise CannotRead("timeout")
            return await READER.read(picture)

    found = await made(reader=OnlyPages()).instead(a_question("?", PHOTO, OTHER), ("ocr",))

    assert found == Instead("ocr", text="PAGE")


async def test_order_is_that_of_the_moment():
    now = [FallbackSection(order=("ocr",))]
    section: Callable[[], FallbackSection] = lambda: now[0]  # noqa: E731
    service = Service(
        FakeEngine(), FakeDecoder(), fallback=Fallback(section, reader=READER, passages=Book("x"))
    )
    first = await service.instead(a_question(), ALL)
    now[0] = FallbackSection(order=("knowledge",))
    second = await service.instead(a_question(), ALL)

    assert [found and found.step for found in (first, second)] == ["ocr", "knowledge"]


def test_step_that_is_named_twice_is_refused():
    with pytest.raises(ValidationError, match='must name "ocr" once'):
        FallbackSection(order=("ocr", "later", "ocr"))


@pytest.mark.parametrize("state", ["starting", "restarting", "down"])
async def test_turn_is_measured_by_estimate_while_nobody_can_count(state: str):
    engine = FakeEngine()
    service = Service(engine, FakeDecoder())
    turn = Turn("user", "one two three " * 10)
    counted = await service.measure(turn)
    engine.state = state

    estimated = await service.measure(turn)

    assert counted == len(turn.text)
    assert estimated != counted
    assert estimated > 0
