"""Reserve before, settle after: whose limits count, and what people read who have none left."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.access.quota import Limit, Subject
from bot.metering import Meter, Refused
from bot.rules import AccessSection, QuotaSection, Rules, RuleSet
from bot.storage.db import Database
from bot.storage.inbox import Entry, Inbox
from bot.storage.ledger import Ledger, Used
from bot.storage.people import People
from tests.fakes import an_event
from tests.opened import new_in

NOW = datetime(2026, 11, 21, 19, 30, tzinfo=UTC).timestamp()


class Desk:
    """A meter, and questions to put on it."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.rules = Rules(RuleSet())
        self.ledger = Ledger(db)
        self.people = People(db)
        self.meter = Meter(
            self.ledger, self.people, self.rules, default_language="en", clock=lambda: NOW
        )
        self._inbox = Inbox(db)
        self._number = 0

    def limit(self, **quota: object) -> None:
        self.rules.change(quota=QuotaSection(timezone="UTC", **quota))

    async def ask(self, tokens: int = 100, **event: object) -> Refused | None:
        return await self.meter.reserve(await self.entry(**event), tokens=tokens)

    async def entry(self, text: str = "what?", **event: object) -> Entry:
        self._number += 1
        await self._inbox.accept(replace(an_event(f"q{self._number}", text), **event))
        return (await new_in(self._inbox, 1000))[-1]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    db = await Database.open(tmp_path)
    yield Desk(db)
    await db.close()


async def test_without_limits_everything_is_taken_and_counted(desk: Desk):
    assert [await desk.ask() for _ in range(3)] == [None] * 3
    assert await desk.ledger.used("test:ann", 0) == Used(3, 300)


async def test_a_guest_beyond_the_limit_is_told_the_limit_and_when_there_is_room(desk: Desk):
    desk.limit(guest=["2 questions/day"])
    await desk.ask()
    await desk.ask()

    refused = await desk.ask()

    assert refused is not None
    assert refused.said == (
        "Your 2 questions for today are used. There is room again on 2026-11-22 00:00 UTC "
        "(in about 5 h); an administrator can raise the limit."
    )


@pytest.mark.parametrize("period", ["day", "month"])
@pytest.mark.parametrize("amount", [0, 1, 2])
@pytest.mark.parametrize("whose", ["guest", "group"])
@pytest.mark.parametrize("unit", ["questions", "tokens"])
@pytest.mark.parametrize("text", ["what?", "这是什么？"], ids=["en", "zh"])
async def test_every_refusal_is_a_sentence_of_words_and_numbers(
    desk: Desk, text: str, unit: str, whose: str, amount: int, period: str
):
    desk.limit(**{whose: [f"{amount} {unit}/{period}"]})
    for _ in range(amount):
        await desk.meter.reserve(await desk.entry(text, group=True), tokens=1)

    refused = await desk.meter.reserve(await desk.entry(text, group=True), tokens=1)

    assert refused is not None
    assert str(amount) in refused.said
    assert "_" not in refused.said
    assert "{" not in refused.said
    assert ("1 questions" in refused.said, "for for" in refused.said) == (False, False)
    words = {"day": ("today", "今天"), "month": ("this month", "本月")}[period]
    assert amount == 0 or any(word in refused.said for word in words)


async def test_the_refusal_is_in_the_language_of_the_question(desk: Desk):
    desk.limit(guest=["0 questions/day"])

    refused = await desk.meter.reserve(await desk.entry("这是什么？"), tokens=1)

    assert refused is not None
    assert "你的提问额度是 0" in refused.said


async def test_the_limit_that_is_free_latest_is_the_one_that_is_told(desk: Desk):
    desk.limit(guest=["1 questions/day", "1 questions/month"])
    await desk.ask()

    refused = await desk.ask()

    assert refused is not None
    assert "2026-12-01 00:00" in refused.said


async def test_tokens_that_are_too_few_are_told_with_what_is_left(desk: Desk):
    desk.limit(guest=["1000 tokens/month"])
    await desk.ask(tokens=400)

    refused = await desk.ask(tokens=700)

    assert refused is not None
    for number in ("700", "1000", "600"):
        assert number in refused.said


@pytest.mark.parametrize(("limit", "comes_back"), [(1000, True), (600, False)])
async def test_nobody_is_told_to_shorten_what_every_question_reserves(
    desk: Desk, limit: int, comes_back: bool
):
    desk.limit(guest=[f"{limit} tokens/day"])
    await desk.ask(tokens=400)

    refused = await desk.ask(tokens=700)

    assert refused is not None
    assert "Fewer photos" not in refused.said
    assert ("room again" in refused.said) == comes_back


async def test_a_group_has_its_own_limit_and_words(desk: Desk):
    desk.limit(group=["1 questions/day"])
    await desk.ask(group=True)

    refused = await desk.ask(group=True)

    assert refused is not None
    assert "This group's 1 question " in refused.said
    assert await desk.ask() is None


@pytest.mark.parametrize("how", ["config", "command"])
async def test_each_role_has_its_own_limits(desk: Desk, how: str):
    desk.limit(guest=["0 questions/day"], staff=["1 questions/day"])
    if how == "config":
        desk.rules.change(access=AccessSection(staff=("test:ann",)))
    else:
        async with desk.db.write() as transaction:
            await desk.people.set_role_with(transaction, "test", "ann", "staff")

    assert await desk.ask() is None
    assert await desk.ask() is not None


@pytest.mark.parametrize("forwarded", [False, True])
async def test_owners_have_no_limits_whatever_they_forward(desk: Desk, forwarded: bool):
    limits = ["0 questions/day"]
    desk.limit(guest=limits, admin=limits, group=limits)
    desk.rules.change(access=AccessSection(owners=("test:ann",)))

    assert await desk.ask(group=True, forwarded=forwarded) is None


async def test_an_entry_is_reserved_and_settled_once(desk: Desk):
    desk.limit(guest=["1 questions/day"])
    entry = await desk.entry()
    for _ in range(2):
        assert await desk.meter.reserve(entry, tokens=100) is None
    for tokens in (60, 90):
        await desk.meter.settle(entry.id, questions=1, tokens=tokens)

    assert await desk.ledger.used("test:ann", 0) == Used(1, 60)


async def test_an_answer_beyond_its_reservation_is_counted_as_it_is_and_logged(
    desk: Desk, caplog: pytest.LogCaptureFixture
):
    entry = await desk.entry()
    await desk.meter.reserve(entry, tokens=100)

    await desk.meter.settle(entry.id, questions=1, tokens=150)

    assert await desk.ledger.used("test:ann", 0) == Used(1, 150)
    assert "took 150 tokens, reserved were 100" in caplog.text


async def test_what_a_crash_left_reserved_is_settled_at_the_start(desk: Desk):
    desk.limit(guest=["1 questions/day"])
    entry = await desk.entry()
    await desk.meter.reserve(entry, tokens=100)
    await Inbox(desk.db).end(entry.id, "stopped")

    await desk.meter.recover()

    assert await desk.ask() is None


async def test_a_changed_rule_counts_at_once(desk: Desk):
    desk.limit(guest=["1 questions/day"])
    await desk.ask()
    assert await desk.ask() is not None

    desk.limit(guest=["2 questions/day"])

    assert await desk.ask() is None


async def test_a_call_counts_for_its_key_like_a_question(desk: Desk):
    desk.limit(guest=["2 questions/day"])

    refused = [await desk.meter.reserve_call(f"c{n}", "api:k_1", tokens=50) for n in range(3)]

    assert [one is None for one in refused] == [True, True, False]
    assert await desk.ledger.used("api:k_1", 0) == Used(2, 100)


async def test_a_refused_call_is_told_when_there_is_room_in_its_own_language(desk: Desk):
    desk.limit(guest=["100 tokens/day"])
    await desk.meter.reserve_call("c1", "api:k_1", tokens=60)

    en = await desk.meter.reserve_call("c2", "api:k_1", tokens=60, language="en")
    zh = await desk.meter.reserve_call("c3", "api:k_1", tokens=60, language="zh")

    assert en is not None
    assert zh is not None
    assert en.retry_after_s == zh.retry_after_s == 4.5 * 3600
    assert "There is room again on 2026-11-22 00:00" in en.said
    assert "额度" in zh.said or "不够用" in zh.said


async def test_for_a_call_that_can_never_fit_waiting_is_not_recommended(desk: Desk):
    desk.limit(guest=["100 tokens/day"])

    refused = await desk.meter.reserve_call("c1", "api:k_1", tokens=101)

    assert refused is not None
    assert refused.retry_after_s is None
    assert "room again" not in refused.said


@pytest.mark.parametrize("door", ["chat", "api"])
async def test_a_limit_set_for_a_person_holds_at_every_door(desk: Desk, door: str):
    """A key's tokens a day are a limit like any other's."""
    desk.limit(guest=["1000 tokens/day"])
    who = {"chat": "test:ann", "api": "api:k_1"}[door]
    async with desk.db.write() as transaction:
        own = Limit(100, "tokens", "day")
        await desk.ledger.set_with(transaction, Subject("person", who), own)

    if door == "chat":
        asked = [await desk.ask(60) for _ in range(2)]
    else:
        asked = [await desk.meter.reserve_call(f"c{n}", who, tokens=60) for n in range(2)]

    assert [one is None for one in asked] == [True, False]


async def test_calls_that_the_last_run_left_are_settled_at_the_start(desk: Desk):
    desk.limit(guest=["1 questions/day"])
    await desk.meter.reserve_call("c1", "api:k_1", tokens=60)

    await desk.meter.recover()

    assert await desk.meter.reserve_call("c2", "api:k_1", tokens=60) is None


async def test_a_call_that_took_more_than_was_reserved_is_logged_with_its_id(
    desk: Desk, caplog: pytest.LogCaptureFixture
):
    await desk.meter.reserve_call("c1", "api:k_1", tokens=60)

    await desk.meter.settle_call("c1", questions=1, tokens=61)

    assert "call c1 took 61 tokens, reserved were 60" in caplog.text
