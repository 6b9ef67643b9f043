"""`visionbot admin tickets` and `admin ticket`: what the service desk did, to read or as CSV."""

from __future__ import annotations

import asyncio
import csv
import io
import re
import time
import unicodedata
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path

from bot.access.periods import Periods
from bot.admin.report import Report
from bot.admin.typed import carried_out
from bot.config import Settings
from bot.errors import ConfigError
from bot.service.letters import WHY, transcript
from bot.storage.db import Database
from bot.storage.outbox import Outbox
from bot.storage.ticket import State, Ticket
from bot.storage.tickets import Figures, Tickets
from bot.texts import Key, Language, say

_STATES: dict[State, Key] = {
    "bot": "state_bot",
    "waiting": "state_waiting",
    "staff": "state_staff",
    "closed": "state_closed",
}
_COLUMNS = (
    *("ticket", "state", "why", "platform", "chat", "person", "name", "language"),
    *("taken_by", "taken_name", "opened", "answered", "last_customer", "closed"),
    *("messages", "photos", "staff_messages", "score"),
)
_DAYS = re.compile(r"(\d{1,5})d")

Work = Callable[[Tickets, Periods, Language], Awaitable[str]]


def show_tickets(
    config: Path | None,
    language: Language | None,
    *,
    states: Sequence[str],
    since: str,
    file: Path | None,
) -> int:
    """`file`: a CSV is written there, or printed where it is "-"."""

    async def work(tickets: Tickets, periods: Periods, speaks: Language) -> str:
        begin = _moment(since, periods, time.time())
        wanted = [state for state in _STATES if state in states]
        found = await tickets.listed(*wanted, since=begin)
        figures = await tickets.figures()
        if file is None:
            return _table(found, periods, speaks)
        rows = [_row(ticket, figures.get(ticket.id, Figures()), periods) for ticket in found]
        return _written(rows, file, speaks)

    return _end_of(config, language, work)


def show_ticket(number: int, config: Path | None, language: Language | None) -> int:
    async def work(tickets: Tickets, periods: Periods, speaks: Language) -> str:
        ticket = await tickets.ticket(number)
        if ticket is None:
            raise ConfigError(f"there is no ticket {number}; visionbot admin tickets lists all")
        lines = await tickets.lines(number)
        said = [
            f"{_when(line.at, periods)}  {text}"
            for line in lines
            for text in transcript([line], speaks)
        ]
        return "\n".join([_table([ticket], periods, speaks), "", *said])

    return _end_of(config, language, work)


def as_csv(rows: Sequence[Sequence[object]]) -> str:
    """A table that a spreadsheet opens without taking any cell for a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_COLUMNS)
    writer.writerows([[_harmless(cell) for cell in row] for row in rows])
    return out.getvalue()


def _harmless(cell: object) -> str:
    text = "" if cell is None else str(cell)
    first = unicodedata.normalize("NFKC", text[:1])  # some spreadsheets read full width alike
    return f"'{text}" if first in ("=", "+", "-", "@", "\t", "\r", "\n") else text


def _row(ticket: Ticket, figures: Figures, periods: Periods) -> list[object]:
    customer, where = ticket.customer, ticket.customer.where
    return [
        ticket.id,
        ticket.state,
        ticket.why,
        where.platform,
        where.chat,
        customer.person,
        customer.name,
        customer.language,
        ticket.taken_by,
        ticket.taken_name,
        _when(ticket.opened_at, periods),
        _when(figures.answered_at, periods),
        _when(ticket.last_customer_at, periods),
        _when(ticket.closed_at, periods),
        figures.messages,
        figures.photos,
        figures.staff_messages,
        ticket.score,
    ]


def _table(found: Sequence[Ticket], periods: Periods, language: Language) -> str:
    rows = [
        [
            f"#{ticket.id}",
            _when(ticket.opened_at, periods),
            say(_STATES[ticket.state], language),
            ticket.customer.name,
            f"{ticket.customer.where.platform}:{ticket.customer.person}",
            ticket.taken_name,
            f"{ticket.score}/5" if ticket.score else "",
            say(WHY[ticket.why], language),
        ]
        for ticket in found
    ]
    return Report(say("tickets_found", language, count=len(found)), rows).as_table()


def _when(at: float | None, periods: Periods) -> str:
    return "" if at is None else periods.local(at).strftime("%Y-%m-%d %H:%M:%S")


def _moment(since: str, periods: Periods, now: float) -> float:
    """A day, or so many days ago."""
    if not since:
        return 0.0
    if days := _DAYS.fullmatch(since):
        return now - int(days[1]) * 86_400
    try:
        return periods.moment(datetime.fromisoformat(since))
    except ValueError:
        raise ConfigError(
            f'--since is {since!r}, but must be a day such as "2026-11-01" or days ago such as "7d"'
        ) from None


def _written(rows: Sequence[Sequence[object]], file: Path, language: Language) -> str:
    if str(file) == "-":
        return as_csv(rows).replace("\r\n", "\n").rstrip("\n")
    # With a mark that tells spreadsheets how to read Chinese.
    file.write_text(as_csv(rows), "utf-8-sig", newline="")
    return say("tickets_written", language, count=len(rows), file=file)


def _end_of(config: Path | None, language: Language | None, work: Work) -> int:
    return carried_out(
        config, language, lambda settings, speaks: asyncio.run(_look(settings, speaks, work))
    )


async def _look(settings: Settings, language: Language, work: Work) -> str:
    db = await Database.join(settings.storage.data_dir, settings.storage.url)
    try:
        tickets = Tickets(db, Outbox(db))
        return await work(tickets, Periods(settings.quota.timezone), language)
    finally:
        await db.close()
