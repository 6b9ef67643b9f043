"""`visionbot admin tickets` and `admin ticket`, beside a running bot."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bot.admin.tickets import as_csv
from bot.cli import app
from bot.event import Conversation
from bot.storage.db import Database
from bot.storage.outbox import Outbox
from bot.storage.ticket import Customer, Line, Step, Ticket
from bot.storage.tickets import Tickets
from tests.fakes import FakeTime

STAFF = Conversation("other", "staff")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VISIONBOT_STORAGE__DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("VISIONBOT_QUOTA__TIMEZONE", "UTC")
    return tmp_path


@pytest.fixture
async def tickets(folder: Path) -> AsyncIterator[Tickets]:
    """Of a program that runs: it holds the lock."""
    db = await Database.open(folder / "data")
    time = FakeTime()
    time.now = 1_790_000_000.0  # 2026-09-21 14:13:20
    yield Tickets(db, Outbox(db), clock=time.clock)
    await db.close()


async def put(tickets: Tickets, name: str, *lines: Line, **changes: object) -> None:
    customer = Customer(Conversation("test", name), f"id-{name}", name, "en", shared=False)

    def calling(ticket: Ticket, number: int, _: Sequence[Line]) -> Step:
        return Step(replace(ticket, state="waiting"), lines[0])

    number = (await tickets.call(f"call {name}", customer, STAFF, calling)).ticket.id
    for place, line in enumerate(lines[1:]):
        await tickets.step(f"{name} {place}", number, lambda t, *_, line=line: Step(t, line))
    if changes:
        last = Line("system", "changed")
        await tickets.step(f"{name} last", number, lambda t, *_: Step(replace(t, **changes), last))


async def typed(*words: str) -> Result:
    """In another thread, as it were another program."""
    arguments = ["admin", *words]
    return await asyncio.to_thread(CliRunner().invoke, app, arguments, catch_exceptions=False)


async def test_tickets_are_listed_for_people(tickets: Tickets):
    await put(tickets, "Ann", Line("customer", "help"), taken_name="Bob", state="staff")

    shown = await typed("tickets", "--language", "en")

    assert shown.exit_code == 0
    title, row = shown.output.splitlines()
    assert title == "Tickets: 1"
    assert row.split() == [
        *("#1", "2026-09-21", "14:13:20", "with", "staff", "Ann", "test:id-Ann", "Bob"),
        *["the", "customer", "asked", "for", "a", "person"],
    ]


async def test_without_tickets_an_empty_list_is_no_fault(tickets: Tickets):
    shown = await typed("tickets", "--language", "en")

    assert (shown.exit_code, shown.output.strip()) == (0, "Tickets: 0")


async def test_tickets_are_chosen_by_state_and_day(tickets: Tickets):
    await put(tickets, "Ann", Line("customer", "help"))
    await put(tickets, "Bea", Line("customer", "help"), state="closed", closed_at=1.0)

    async def numbers(*words: str) -> list[str]:
        shown = await typed("tickets", "--csv", "-", *words)
        return [row["ticket"] for row in csv.DictReader(io.StringIO(shown.output))]

    assert await numbers() == ["1", "2"]
    assert await numbers("--state", "closed") == ["2"]
    assert await numbers("--state", "closed", "--state", "waiting") == ["1", "2"]
    assert await numbers("--since", "2026-09-21") == ["1", "2"]
    assert await numbers("--since", "2026-09-22") == []


async def test_the_table_tells_what_each_ticket_came_to(tickets: Tickets, folder: Path):
    digest = "ab" * 32
    await put(
        tickets,
        "小安",
        Line("customer", "坏了", photos=(digest, digest)),
        Line("bot", "A handle."),
        Line("note", "hm"),
        Line("staff", "hello", "Bob"),
        Line("customer", "thanks"),
        state="closed",
        taken_by="other:bob",
        taken_name="Bob",
        closed_at=1_790_000_060.0,
        score=5,
    )

    shown = await typed("tickets", "--csv", "tickets.csv", "--language", "zh")

    assert (shown.exit_code, shown.output.strip()) == (0, "已把 1 个工单写入 tickets.csv。")
    data = (folder / "tickets.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    (row,) = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    assert row == {
        "ticket": "1",
        "state": "closed",
        "why": "asked",
        "platform": "test",
        "chat": "小安",
        "person": "id-小安",
        "name": "小安",
        "language": "en",
        "taken_by": "other:bob",
        "taken_name": "Bob",
        "opened": "2026-09-21 14:13:20",
        "answered": "2026-09-21 14:13:20",
        "last_customer": "",
        "closed": "2026-09-21 14:14:20",
        "messages": "2",
        "photos": "2",
        "staff_messages": "1",
        "score": "5",
    }


@pytest.mark.parametrize("name", ["=1+1", "＝1+1", "+49", "-5", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_no_cell_is_a_formula(name: str):
    (_, row) = csv.reader(io.StringIO(as_csv([[name, 1, None]]), newline=""))

    assert row == [f"'{name}", "1", ""]


def test_words_with_quotes_and_line_ends_stay_in_their_cell():
    (_, row) = csv.reader(io.StringIO(as_csv([['a "b", c\nd']]), newline=""))

    assert row == ['a "b", c\nd']


async def test_a_ticket_is_printed_with_all_that_was_said(tickets: Tickets):
    await put(
        tickets,
        "Ann",
        Line("customer", "broken", "Ann", photos=("ab" * 32,)),
        Line("note", "odd", "Bob"),
        Line("staff", "I see", "Bob"),
    )

    shown = await typed("ticket", "1", "--language", "en")

    assert shown.output.splitlines()[3:] == [
        "2026-09-21 14:13:20  Ann: broken [photos: 1]",
        "2026-09-21 14:13:20  Bob (internal note): odd",
        "2026-09-21 14:13:20  Bob: I see",
    ]


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("ticket", "99"), "no ticket 99"),
        (("tickets", "--since", "yesterday"), "2026-11-01"),
        (("tickets", "--state", "lost"), "waiting"),
    ],
)
async def test_what_cannot_be_done_is_said_with_the_value(
    tickets: Tickets, words: tuple[str, ...], part: str
):
    shown = await typed(*words)

    assert shown.exit_code == 2
    assert part in shown.output


async def test_where_nothing_ever_ran_that_is_said(folder: Path):
    shown = await typed("tickets")

    assert shown.exit_code == 1
    assert shown.output.startswith("visionbot: ")
