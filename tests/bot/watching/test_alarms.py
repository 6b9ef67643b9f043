"""What is wrong is told to the owners once, where they can be told, and when it is over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.delivery import Delivery
from bot.event import Conversation, Event, Person
from bot.pacing import Governor
from bot.platforms.base import Trouble
from bot.rules import AccessSection, Rules, RuleSet
from bot.storage.db import Database
from bot.storage.errors import DatabaseUnreachable
from bot.storage.inbox import Inbox
from bot.storage.outbox import Outbox
from bot.storage.people import People
from bot.watching.alarms import Alarms, AlarmsSection
from bot.watching.counts import Counts
from tests.fakes import FakePlatform, FakeTime, cancelled


@dataclass
class Sick(FakePlatform):
    wrong: Trouble | None = None

    def trouble(self) -> Trouble | None:
        return self.wrong


@dataclass
class Ward:
    """Two platforms, an owner on each; both have talked to the bot."""

    alarms: Alarms
    outbox: Outbox
    time: FakeTime
    counts: Counts
    governors: dict[str, Governor]
    platforms: dict[str, Sick] = field(default_factory=dict)
    disk: set[str] = field(default_factory=set)  # "full", or nothing

    def fails(self, platform: str, kind: str | None) -> None:
        trouble = Trouble(kind, self.time.now) if kind else None  # type: ignore[arg-type]
        self.platforms[platform].wrong = trouble

    async def look(self, *, after_s: float = 0.0) -> list[tuple[str, str]]:
        """Who is told what now, with the first words."""
        self.time.now += after_s
        await self.alarms.look()
        found = []
        for platform in self.platforms:
            for one in await self.outbox.waiting(platform, patient=False, without=(), limit=50):
                await self.outbox.end(one.id, "sent")
                found.append((one.letter.to.chat, one.letter.text))
        return found


@pytest.fixture
async def ward(tmp_path: Path) -> AsyncIterator[Ward]:
    db = await Database.open(tmp_path)
    time, counts = FakeTime(), Counts()
    people, inbox, outbox = People(db), Inbox(db), Outbox(db)
    platforms = {name: Sick(name=name) for name in ("telegram", "matrix")}
    governors = {name: Governor(clock=time.clock, sleep=time.sleep) for name in platforms}
    owners = ("telegram:5", "matrix:@o:x.org")
    rules = Rules(RuleSet(access=AccessSection(owners=owners)))
    disk = set[str]()
    for platform, chat, person in (("telegram", "5", "5"), ("matrix", "!room", "@o:x.org")):
        where = Conversation(platform, chat)
        event = Event("bot", "1", where, Person(person, language="en"), "hello")
        await inbox.accept(await people.meet(event, spoken="en"))
    yield Ward(
        Alarms(
            AlarmsSection(after_s=100.0),
            {name: Delivery(platforms[name], governors[name], counts) for name in platforms},
            counts,
            people,
            outbox,
            rules,
            "zh",
            is_full=lambda: bool(disk),
            clock=time.clock,
            wall=time.clock,
            sleep=time.sleep,
        ),
        outbox,
        time,
        counts,
        governors,
        platforms,
        disk,
    )
    await db.close()


@pytest.mark.row(26)
async def test_a_revoked_token_is_told_at_once_on_the_platform_that_lives(ward: Ward) -> None:
    ward.fails("telegram", "revoked")

    ((chat, text),) = await ward.look()

    assert chat == "!room"
    assert text.startswith("⚠️ Telegram does not accept my token or password any more")
    assert await ward.look(after_s=7200.0) == []  # once


@pytest.mark.row(26)
async def test_its_end_is_told_to_everybody_when_it_has_been_well_for_a_while(ward: Ward) -> None:
    ward.fails("telegram", "revoked")
    await ward.look()
    await ward.look(after_s=600.0)

    ward.fails("telegram", None)
    early = await ward.look(after_s=30.0)
    told = await ward.look(after_s=31.0)

    assert early == []
    assert told == [
        ("5", "✅ Telegram works again, after 10 min."),
        ("!room", "✅ Telegram works again, after 10 min."),
    ]
    assert ward.alarms.troubles() == []


async def test_a_platform_out_of_reach_is_told_after_a_while_and_not_before(ward: Ward) -> None:
    ward.fails("telegram", "unreachable")

    early = await ward.look(after_s=99.0)
    ((chat, text),) = await ward.look(after_s=2.0)

    assert early == []
    assert chat == "!room"
    assert "Telegram has been out of reach for 2 min" in text
    assert ward.alarms.troubles() == [{"what": "unreachable", "where": "telegram", "for_s": 101.0}]


async def test_a_short_failure_is_told_to_nobody(ward: Ward) -> None:
    ward.fails("telegram", "unreachable")
    await ward.look(after_s=50.0)
    ward.fails("telegram", None)

    assert await ward.look(after_s=200.0) == []
    assert ward.alarms.troubles() == []


@pytest.mark.row(27)
async def test_two_programs_that_take_turns_with_one_token_are_one_alarm(ward: Ward) -> None:
    """Also on that very platform: who receives in our place does not keep us from writing."""
    told = []
    for _ in range(20):
        ward.fails("telegram", "conflict")
        told += await ward.look(after_s=10.0)
        ward.fails("telegram", None)
        told += await ward.look(after_s=10.0)

    assert [chat for chat, _ in told] == ["5", "!room"]


@pytest.mark.row(18)
async def test_a_wait_of_hours_is_told_with_its_length(ward: Ward) -> None:
    ward.governors["telegram"].hold("77", 13_938)
    ward.governors["telegram"].hold("78", 40)

    told = await ward.look()

    assert [chat for chat, _ in told] == ["5", "!room"]
    assert (
        "Telegram makes me wait 3 h 52 min before I may write to some chats again (1)" in told[0][1]
    )
    assert await ward.look(after_s=3600.0) == []


async def test_questions_that_were_given_up_are_told_with_their_number_once_an_hour(
    ward: Ward,
) -> None:
    ward.counts.questions["web", "dead"] += 1
    first = await ward.look()
    ward.counts.questions["web", "dead"] += 3
    meanwhile = await ward.look(after_s=600.0)
    later = await ward.look(after_s=3600.0)

    assert ["given up after several tries: 1." in text for _, text in first] == [True, True]
    assert meanwhile == []
    assert ["given up after several tries: 3." in text for _, text in later] == [True, True]


async def test_a_program_that_starts_again_and_again_tells_it_once(ward: Ward) -> None:
    """A new start knows of nothing; the outbox takes no second letter within the hour."""
    ward.fails("telegram", "revoked")
    first = await ward.look()
    ward.alarms._told_at.clear()
    ward.alarms._open.clear()

    assert len(first) == 1
    assert await ward.look() == []


@pytest.mark.row(43)
async def test_a_full_disk_is_told_and_that_there_is_room_again(ward: Ward) -> None:
    ward.disk.add("full")
    full = await ward.look()
    await ward.look(after_s=600.0)
    ward.disk.clear()
    over = await ward.look(after_s=61.0)

    assert [text.startswith("⚠️ The disk with the data is full") for _, text in full] == [True] * 2
    assert [text.startswith("✅ There is room on the disk again") for _, text in over] == [True] * 2
    assert "for 10 min" in over[0][1]


async def test_while_the_database_is_away_the_log_stays_short_and_nobody_is_forgotten(
    ward: Ward, caplog: pytest.LogCaptureFixture
) -> None:
    put = ward.outbox.put

    async def refuse(_: object) -> None:
        raise DatabaseUnreachable("the database", "refused")

    ward.outbox.put = refuse  # type: ignore[method-assign]
    ward.fails("matrix", "revoked")
    running = asyncio.create_task(ward.alarms.run())
    for _ in range(3):
        await ward.time.advance(await ward.time.sleeping())
    faults = len(caplog.records), ward.time.now - 1000.0
    ward.outbox.put = put  # type: ignore[method-assign]
    await ward.time.advance(await ward.time.sleeping())
    await ward.time.sleeping()
    await cancelled(running)

    assert faults[0] <= 4
    assert faults[1] >= 15.0
    assert "Traceback" not in caplog.text
    assert [chat for chat, _ in await ward.look()] == ["5"]


async def test_the_log_says_that_no_owner_could_be_told(
    ward: Ward, caplog: pytest.LogCaptureFixture
) -> None:
    ward.alarms._rules.change(access=AccessSection(owners=()))
    ward.fails("matrix", "revoked")

    assert await ward.look() == []
    assert "alarm revoked/matrix: 0 owners are told" in caplog.text


async def test_who_never_wrote_to_the_bot_is_named_in_the_log(
    ward: Ward, caplog: pytest.LogCaptureFixture
) -> None:
    owners = ("telegram:99",)
    ward.alarms._rules.change(access=AccessSection(owners=owners))
    ward.fails("matrix", "revoked")

    assert await ward.look() == []
    assert "telegram:99 is an owner, but never wrote to this bot" in caplog.text
