from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

import numpy as np
import pytest

from inference.earlier.answers import Answers, CacheSection
from inference.earlier.kept import Earlier, Kept
from inference.errors import SeenSimilar
from inference.images.likeness import likeness_of
from inference.request import (
    CallPiece,
    ChatRequest,
    Delta,
    Picture,
    Sampling,
    Turn,
    Usage,
)
from inference.safety.safety import Safety
from inference.service import Service
from tests.fakes import FakeDecoder, FakeEngine, FakeTime

USAGE = Usage(10, 5)
SPOTS = np.random.default_rng(1).integers(0, 256, (5, 5, 3), np.uint8).repeat(8, 0).repeat(8, 1)
PHOTO = Picture(40, 40, SPOTS.tobytes(), source="a" * 64)


class Shelf:
    """Keeps answers in a list; the newest of a key counts."""

    def __init__(self) -> None:
        self.kept: list[Kept] = []
        self.touched: list[str] = []

    async def find(self, key: str) -> Kept | None:
        return next((one for one in reversed(self.kept) if one.kept_as.key == key), None)

    async def get(self, number: int, owner: str) -> Kept | None:
        found = self.kept[number] if number < len(self.kept) else None
        return found if found and found.owner == owner else None

    async def asked(self, question: str) -> list[Earlier]:
        return [
            Earlier(number, one.kept_as.likeness, one.at)
            for number, one in reversed(list(enumerate(self.kept)))
            if one.kept_as.question == question
        ]

    def put(self, kept: Kept) -> None:
        self.kept.append(kept)

    def touch(self, key: str) -> None:
        self.touched.append(key)


class Guard(Safety):
    """Gives each request a mark of its own, and blocks answers with a word in `blocked`."""

    def __init__(self) -> None:
        super().__init__()
        self.admitted = 0
        self.blocked = "nothing yet"

    async def admit(self, request: ChatRequest) -> ChatRequest:
        self.admitted += 1
        marked = Turn("system", f"mark {self.admitted}")
        return replace(request, turns=(marked, *request.turns))

    async def watched(
        self, request: ChatRequest, deltas: AsyncGenerator[Delta, None]
    ) -> AsyncGenerator[Delta, None]:
        async with aclosing(deltas):
            async for delta in deltas:
                if self.blocked in delta.text:
                    yield Delta(finish="blocked")
                    return
                yield delta


class Door:
    """A Service with a fake engine behind it, and what was looked up."""

    def __init__(self, *, safety: Safety | None = None, **section: object) -> None:
        self.engine = FakeEngine()
        self.shelf = Shelf()
        self.time = FakeTime()
        self.model = "glm 1"
        self.found: list[str] = []
        self.answers = Answers(
            CacheSection(**section),  # type: ignore[arg-type]
            self.shelf,
            model=lambda: self.model,
            mask=lambda text: text.replace("13812345678", "138****5678"),
            look=likeness_of,
            found=self.found.append,
            clock=self.time.clock,
        )
        self.service = Service(self.engine, FakeDecoder(), safety=safety, answers=self.answers)

    async def ask(self, request: ChatRequest) -> list[Delta]:
        async with aclosing(self.service.stream(request)) as deltas:
            return [delta async for delta in deltas]

    async def stale(self, request: ChatRequest) -> AsyncGenerator[Delta, None] | None:
        return await self.answers.stale(await self.answers.named(request))

    async def said(self, request: ChatRequest) -> tuple[str, bool]:
        """The answer, and whether it is an earlier one."""
        whole = sum(await self.ask(request), start=Delta())
        return whole.text, whole.cached


def asking(text: str = "what is it?", *pictures: Picture, **rest: object) -> ChatRequest:
    turns = (Turn("system", "Look."), Turn("user", text, pictures or (PHOTO,)))
    return ChatRequest(turns, owner="test:ann", **rest)  # type: ignore[arg-type]


async def test_the_same_question_is_answered_once_and_then_from_what_is_kept() -> None:
    door = Door()

    first = await door.ask(asking())
    again = await door.ask(asking("what  is it"))

    assert not any(delta.cached for delta in first)
    assert all(delta.cached for delta in again)
    assert sum(again, start=Delta()) == replace(sum(first, start=Delta()), cached=True)
    assert len(door.engine.requests) == 1
    assert door.found == ["miss", "hit"]
    assert door.shelf.touched == [door.shelf.kept[0].kept_as.key]


async def test_what_is_kept_knows_its_owner_and_the_files_of_its_pictures() -> None:
    door = Door()
    other = replace(PHOTO, rgb=bytes(4800), source="b" * 64)

    await door.ask(asking("what are they?", PHOTO, other, PHOTO))

    (kept,) = door.shelf.kept
    assert (kept.owner, kept.sources) == ("test:ann", ("a" * 64, "b" * 64))


@pytest.mark.parametrize("shared", [False, True])
async def test_others_find_an_answer_only_where_they_share(shared: bool) -> None:
    door = Door(shared_by="tenant" if shared else "person")
    await door.ask(asking())

    _, cached = await door.said(replace(asking(), owner="test:bob"))

    assert cached is shared


async def test_another_model_or_revision_answers_anew() -> None:
    door = Door()
    await door.ask(asking())
    door.model = "glm 2"

    _, cached = await door.said(asking())

    assert not cached


async def test_an_answer_that_is_too_old_is_written_anew_and_still_given_when_nobody_can() -> None:
    door = Door(max_age_s=60.0)
    await door.ask(asking())
    door.time.now += 61

    stale = await door.stale(asking())
    assert stale is not None
    deltas = [delta async for delta in stale]
    _, cached = await door.said(asking())

    assert sum(deltas, start=Delta()).text == "echo of what is it?"
    assert all(delta.cached for delta in deltas)
    assert not cached
    assert door.found == ["miss", "stale", "miss"]


async def test_what_the_guard_adds_for_a_run_of_the_program_does_not_hide_the_answer() -> None:
    door = Door(safety=Guard())
    await door.ask(asking())

    _, cached = await door.said(asking())

    assert cached
    assert door.engine.requests[0].turns[0].text == "mark 1"


async def test_an_earlier_answer_passes_the_guard_of_today() -> None:
    guard = Guard()
    door = Door(safety=guard)
    await door.ask(asking())
    guard.blocked = "echo"

    again = await door.ask(asking())

    assert [delta.finish for delta in again] == ["blocked"]


async def test_words_alone_are_answered_anew_as_long_as_there_is_somebody_who_can() -> None:
    door = Door()
    hello = replace(asking(), turns=(Turn("user", "hello"),))
    await door.ask(hello)

    _, cached = await door.said(hello)
    stale = await door.stale(hello)

    assert not cached
    assert stale is not None
    assert sum([delta async for delta in stale], start=Delta()).text == "echo of hello"


async def test_after_a_crash_the_same_question_gets_the_answer_that_was_written_for_it() -> None:
    """It is no earlier answer, and what it took is counted; another question is marked."""
    door = Door()
    hello = replace(asking(), turns=(Turn("user", "hello"),), attempt_of="entry-7")
    first = await door.ask(hello)

    resumed = await door.ask(hello)
    down = await door.stale(hello)
    assert down is not None
    while_down = [delta async for delta in down]
    _, other = await door.said(replace(asking(), attempt_of="entry-8"))

    assert sum(resumed, start=Delta()) == sum(first, start=Delta())
    assert sum(while_down, start=Delta()) == sum(first, start=Delta())
    assert not other
    assert len(door.engine.requests) == 2


async def test_nothing_is_given_in_place_of_an_answer_that_never_was() -> None:
    door = Door()

    assert await door.stale(asking()) is None


async def test_again_asks_anew_and_its_answer_takes_the_place_of_the_old_one() -> None:
    door = Door()
    await door.ask(asking())
    door.engine.answers["what is it?"] = ["a new one"]
    warmer = Sampling(temperature=0.7, seed=9)

    fresh = await door.said(asking(fresh=True, sampling=warmer, usual=Sampling()))
    later = await door.said(asking())

    assert fresh == ("a new one", False)
    assert later == ("a new one", True)


@pytest.mark.parametrize("finish", ["length", "repetition", "cancelled", "blocked"])
async def test_an_answer_that_was_cut_short_is_not_kept(finish: str) -> None:
    door = Door()
    door.engine.finish = finish  # type: ignore[assignment]

    await door.ask(asking())

    assert door.shelf.kept == []


async def test_who_goes_before_the_end_leaves_nothing_behind() -> None:
    door = Door()

    async with aclosing(door.service.stream(asking())) as deltas:
        await anext(deltas)

    assert door.shelf.kept == []


@pytest.mark.parametrize(
    "pieces",
    [["call 138", "12345678 now"], ["  "], ["x" * 300_000]],
    ids=["numbers of people", "no words", "too long"],
)
async def test_what_should_not_be_kept_is_not(pieces: list[str]) -> None:
    door = Door()
    door.engine.answers["what is it?"] = pieces

    await door.ask(asking())

    assert door.shelf.kept == []


@pytest.mark.parametrize(
    "request_",
    [
        asking(sampling=Sampling(temperature=0.7)),
        asking(sampling=Sampling(logprobs=1)),
        replace(asking(), owner=""),
    ],
    ids=["drawn by chance", "with likelihoods", "of nobody"],
)
async def test_what_has_no_one_answer_is_neither_kept_nor_looked_up(request_: ChatRequest) -> None:
    door = Door()

    await door.ask(request_)

    assert (door.shelf.kept, door.found) == ([], [])


async def test_an_answer_drawn_with_a_seed_is_found_again() -> None:
    door = Door()
    drawn = asking(sampling=Sampling(temperature=0.7, seed=1))
    await door.ask(drawn)

    _, cached = await door.said(drawn)
    _, other = await door.said(asking(sampling=Sampling(temperature=0.7, seed=2)))

    assert (cached, other) == (True, False)


async def test_switched_off_nothing_is_kept() -> None:
    door = Door(answers=False)

    await door.ask(asking())

    assert (door.shelf.kept, door.found) == ([], [])


async def test_calls_and_thoughts_come_again_as_they_were() -> None:
    door = Door()
    calls = (CallPiece(0, "c1", "look", '{"at":'), CallPiece(0, arguments="1}"))

    async def written() -> AsyncGenerator[Delta, None]:
        yield Delta(reasoning="hm")
        for call in calls:
            yield Delta(calls=(call,))
        yield Delta(finish="tool_calls", usage=USAGE)

    named = await door.answers.named(asking())
    async with aclosing(door.answers.keeping(named, written())) as deltas:
        first = [delta async for delta in deltas]
    again = await door.ask(asking())

    whole = sum(again, start=Delta())
    assert whole == replace(sum(first, start=Delta()), cached=True)
    assert whole.calls == (CallPiece(0, "c1", "look", '{"at":1}'),)


def with_a_dot(at: int) -> Picture:
    """Hardly anybody sees the difference."""
    pixels = bytearray(PHOTO.rgb)
    pixels[at] ^= 8
    return replace(PHOTO, rgb=bytes(pixels))


async def test_about_a_picture_that_only_looks_the_same_the_person_is_asked() -> None:
    door = Door(hint=True)
    await door.ask(asking())

    with pytest.raises(SeenSimilar) as asked:
        await door.ask(asking("what is it?", with_a_dot(0), can_be_asked=True))

    assert (asked.value.number, asked.value.at) == (0, door.time.now)
    assert len(door.engine.requests) == 1


async def test_the_answer_that_was_chosen_is_shown_to_its_owner_alone() -> None:
    door = Door(hint=True)
    await door.ask(asking())
    chosen = asking("what is it?", with_a_dot(0), can_be_asked=True, shown=0)

    shown = await door.said(chosen)
    others = await door.said(replace(chosen, owner="test:bob"))

    assert shown == ("echo of what is it?", True)
    assert others[1] is False


async def test_the_answer_that_was_chosen_can_be_had_while_nobody_can_write_one() -> None:
    door = Door(hint=True)
    await door.ask(asking())
    chosen = asking("what is it?", with_a_dot(0), shown=0)

    shown = await door.stale(chosen)
    others = await door.stale(replace(chosen, owner="test:bob"))

    assert shown is not None
    assert [delta.text async for delta in shown] == ["echo of what is it?", ""]
    assert others is None


@pytest.mark.parametrize(
    ("hint", "request_"),
    [
        (False, asking("what is it?", with_a_dot(0), can_be_asked=True)),
        (True, asking("what is it?", with_a_dot(0))),
        (True, asking("what is it?", with_a_dot(0), can_be_asked=True, fresh=True)),
        (True, asking("what is that?", with_a_dot(0), can_be_asked=True)),
        (True, replace(asking("what is it?", with_a_dot(0), can_be_asked=True), owner="test:bob")),
        (True, asking("what is it?", with_a_dot(0), PHOTO, can_be_asked=True)),
    ],
    ids=["switched off", "cannot be asked", "again", "other words", "other person", "two pictures"],
)
async def test_nobody_else_is_asked(hint: bool, request_: ChatRequest) -> None:
    door = Door(hint=hint)
    await door.ask(asking())

    _, cached = await door.said(request_)

    assert not cached
