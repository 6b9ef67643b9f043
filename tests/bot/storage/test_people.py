"""Who has spoken to us, and what we remember of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.event import Conversation, Event, Person
from bot.storage.db import Database
from bot.storage.people import FOR_EVER, Known, People

HOUR_S = 3600.0


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def people(db: Database, clock: Clock) -> People:
    return People(db, clock=clock)


def said(text: str = "hello", **more: object) -> Event:
    event = Event("bot", "1", Conversation("test", "7"), Person("p", name="Ann"), text)
    return replace(event, **more)


async def test_a_person_is_remembered_with_name_and_time(people: People, clock: Clock):
    await people.meet(said())

    assert await people.known("test", "p") == Known("test", "p", "Ann", last_seen=clock.now)


async def test_within_an_hour_nothing_is_written_again(people: People, clock: Clock):
    await people.meet(said())
    first = clock.now

    clock.now += HOUR_S - 1
    await people.meet(said())
    known = await people.known("test", "p")
    assert known is not None
    assert known.last_seen == first

    clock.now += 2
    await people.meet(said())
    known = await people.known("test", "p")
    assert known is not None
    assert known.last_seen == clock.now


async def test_person_and_chat_are_remembered_in_one_write(db: Database, people: People):
    writes, write = [], db.write

    def counted():
        writes.append(1)
        return write()

    db.write = counted  # type: ignore[method-assign]
    for _ in range(2):
        await people.meet(said())

    assert len(writes) == 1


async def test_the_language_of_the_last_words_stands_where_the_platform_tells_of_none(
    people: People,
):
    await people.meet(said(), spoken="en")
    assert (await people.meet(said())).person.language == "en"

    await people.meet(said(), spoken="zh")
    assert (await people.meet(said())).person.language == "zh"

    told = said(person=Person("p", "fr"))
    assert (await people.meet(told)).person.language == "fr"


async def test_the_language_somebody_chose_comes_with_the_event(people: People):
    await people.choose_language("test", "p", "zh")

    assert (await people.meet(said())).person.chosen == "zh"
    assert (await people.meet(said(person=Person("q")))).person.chosen == ""


async def test_a_chosen_language_can_be_left_to_the_words_again(people: People):
    await people.choose_language("test", "p", "zh")
    await people.choose_language("test", "p", "")

    assert (await people.meet(said())).person.chosen == ""


async def test_people_of_another_platform_are_others(people: People):
    await people.choose_language("other", "p", "zh")

    assert (await people.meet(said())).person.chosen == ""


async def test_who_talks_to_others_in_a_group_is_not_remembered(people: People):
    await people.meet(said(addressed=False, group=True))

    assert await people.known("test", "p") is None
    assert await people.is_group("test", "7")


async def test_an_event_without_a_person_is_met_all_the_same(people: People):
    event = said(person=Person(""))

    assert await people.meet(event) == event


async def test_a_role_survives_what_else_is_written_about_a_person(db: Database, people: People):
    async with db.write() as transaction:
        await people.set_role_with(transaction, "test", "p", "staff")
    await people.meet(said())

    known = await people.known("test", "p")

    assert known is not None
    assert (known.role, known.name) == ("staff", "Ann")
    assert await people.given_role("test", "p") == "staff"
    assert [one.id for one in await people.with_role()] == ["p"]


async def test_a_ban_ends_when_its_time_is_over(db: Database, people: People, clock: Clock):
    async with db.write() as transaction:
        await people.ban_with(transaction, "test", "p", clock.now + 60, "spam")
        await people.ban_with(transaction, "test", "q", FOR_EVER, "")

    assert [one.id for one in await people.banned()] == ["p", "q"]
    clock.now += 60

    assert [one.id for one in await people.banned()] == ["q"]
    known = await people.known("test", "p")
    assert known is not None
    assert not known.is_banned(clock.now)


async def test_lifting_a_ban_says_whether_there_was_one(db: Database, people: People):
    async with db.write() as transaction:
        await people.ban_with(transaction, "test", "p", FOR_EVER, "spam")
        assert await people.unban_with(transaction, "test", "p")
        assert not await people.unban_with(transaction, "test", "p")
        assert not await people.unban_with(transaction, "test", "nobody")

    assert await people.banned() == []


async def test_a_chat_that_is_lost_is_found_again_when_somebody_speaks_there(
    db: Database, people: People
):
    async def reachable() -> list[Conversation]:
        async with db.write() as transaction:
            return await people.reachable_with(transaction)

    here = Conversation("test", "7")
    await people.meet(said())
    assert await reachable() == [here]

    await people.lose([here])
    assert await reachable() == []

    await people.meet(said())
    assert await reachable() == [here]


async def test_the_crowd_is_counted(db: Database, people: People, clock: Clock):
    await people.meet(said())
    clock.now += 2 * 86_400
    await people.meet(said(person=Person("q"), group=True))
    async with db.write() as transaction:
        await people.ban_with(transaction, "test", "r", FOR_EVER, "")

    crowd = await people.crowd()

    assert (crowd.people, crowd.active_today, crowd.active_lately) == (3, 1, 2)
    assert (crowd.groups, crowd.banned) == (1, 1)


async def test_names_that_no_database_takes_are_kept_as_it_takes_them(
    people: People, make_event: Callable[..., Event]
):
    odd = replace(make_event(), person=Person("p\0\ud800", name="A\0" * 500))

    await people.meet(odd)

    known = await people.known("test", "p\0\ud800")
    assert known is not None
    assert len(known.name) == 128
