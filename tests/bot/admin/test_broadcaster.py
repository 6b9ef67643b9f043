"""Broadcasts to their end: who ordered one learns what came of it, once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.admin.actor import Actor
from bot.admin.office import Office
from bot.event import Conversation
from bot.rules import Rules, RuleSet
from bot.storage.audit import Act
from bot.storage.db import Database
from bot.storage.ledger import Ledger
from bot.storage.outbox import Letter, Outbox
from bot.storage.people import People
from tests.bot.flow import Flow
from tests.fakes import FakeTime, an_event, cancelled, settle

OWNER = Conversation("test", "owner")
ON = ("test",)


def actor(event: str, report_to: Conversation | None = OWNER) -> Actor:
    return Actor(Act(event, "test:owner", "/broadcast"), "owner", "en", report_to)


class Desk:
    def __init__(self, db: Database) -> None:
        self.db = db
        self.time = FakeTime()
        self.people = People(db)
        self.outbox = Outbox(db)
        self.office = Office(
            db, Rules(RuleSet()), self.people, Ledger(db), self.outbox, sleep=self.time.sleep
        )
        self.broadcaster = self.office.broadcaster

    async def begin(self, *chats: str, report_to: Conversation | None = OWNER) -> None:
        """Broadcast 1 is under way to these chats."""
        for chat in chats:
            await self.people.meet(an_event("m", "hello", chat=chat))
        await self.broadcaster.write(actor("e1", report_to), "Hello all")
        await self.broadcaster.confirm(actor("e2", report_to), 1)

    async def letters(self) -> list[Letter]:
        found = []
        for patient in (False, True):
            waiting = await self.outbox.waiting("test", patient=patient, without=(), limit=100)
            found += [one.letter for one in waiting]
        return found

    async def deliver(self, **fates: str) -> None:
        for one in await self.outbox.waiting("test", patient=True, without=(), limit=100):
            await self.outbox.end(one.id, fates.get(one.letter.to.chat, "sent"))  # type: ignore[arg-type]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    db = await Database.open(tmp_path)
    yield Desk(db)
    await db.close()


async def test_letters_go_to_every_chat_behind_everything_else(desk: Desk):
    await desk.begin("ann", "bob")

    letters = await desk.letters()

    assert sorted(letter.to.chat for letter in letters) == ["ann", "bob"]
    assert all(letter.patient and letter.text == "Hello all" for letter in letters)


async def test_the_end_is_told_once_to_who_ordered_it(desk: Desk):
    await desk.begin("ann", "bob", "cid")
    await desk.deliver(bob="failed", cid="unclear")

    for _ in range(2):
        await desk.broadcaster.look(ON)

    [notice] = await desk.letters()
    assert notice.to == OWNER
    assert notice.text == "Broadcast 1 to 3 chats is done: 1 sent, 1 unclear, 1 failed."


async def test_while_letters_wait_nothing_is_told(desk: Desk):
    await desk.begin("ann")

    await desk.broadcaster.look(ON)

    assert [letter.to.chat for letter in await desk.letters()] == ["ann"]


async def test_a_chat_that_was_not_reached_is_left_out_of_the_next_one(desk: Desk):
    await desk.begin("ann", "bob")
    await desk.deliver(bob="failed")
    await desk.broadcaster.look(ON)

    said, number = await desk.broadcaster.write(actor("e3"), "again")

    assert number == 2
    assert "would go to 1 chats" in said


async def test_chats_of_a_platform_that_is_off_are_left_out_and_counted(desk: Desk):
    away = replace(an_event("m", "hello"), conversation=Conversation("off", "zoe"))
    await desk.people.meet(away)
    await desk.begin("ann")
    await desk.deliver()

    await desk.broadcaster.look(ON)

    [notice] = await desk.letters()
    assert notice.text == (
        "Broadcast 1 to 2 chats is done: 1 sent, 0 unclear, 0 failed."
        " Left out, since their platform is off: 1."
    )
    assert await desk.outbox.waiting("off", patient=True, without=(), limit=9) == []


async def test_from_the_machine_nobody_is_told(desk: Desk):
    await desk.begin("ann", report_to=None)
    await desk.deliver()

    await desk.broadcaster.look(ON)

    assert await desk.letters() == []
    assert "is done" in await desk.broadcaster.status(actor("e3"), 1)


async def test_what_another_program_confirmed_is_found(desk: Desk):
    running = Desk(desk.db)
    await running.outbox.arrived()
    await desk.begin("ann")

    await running.broadcaster.look(ON)

    await running.outbox.arrived()  # it was rung


async def test_it_looks_again_and_again(desk: Desk):
    await desk.begin("ann")
    task = asyncio.create_task(desk.broadcaster.run(ON))
    await desk.time.sleeping()
    await desk.deliver()

    await desk.time.advance(5.0)
    while [letter.to for letter in await desk.letters()] != [OWNER]:
        await settle()

    await cancelled(task)


async def test_people_read_a_broadcast_and_its_end(flow: Flow):
    flow.rules.change(access=flow.rules.now.access.model_copy(update={"owners": ("test:owner",)}))
    await flow.start()
    await flow.say("/start", chat="ann")
    await flow.said("ann")
    await flow.say("/broadcast Hello all", chat="owner")
    await flow.said("owner")

    await flow.say("/broadcast confirm 1", chat="owner")

    assert (await flow.said("ann", 2))[1] == "Hello all"
