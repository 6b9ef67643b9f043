from __future__ import annotations

from collections.abc import Callable

from bot.event import Event
from bot.storage.db import Database
from bot.storage.inbox import Inbox
from bot.storage.ratings import Ratings, Tally
from tests.opened import new_in


async def an_entry(db: Database, make_event: Callable[..., Event], message: str) -> int:
    inbox = Inbox(db)
    await inbox.accept(make_event(message))
    return (await new_in(inbox, 100))[-1].id


async def test_thumbs_of_different_answers_are_counted(db: Database, make_event):
    ratings = Ratings(db)
    for message, value in (("1", 1), ("2", 1), ("3", -1)):
        await ratings.rate(await an_entry(db, make_event, message), value)

    assert await ratings.tally() == Tally(up=2, down=1)


async def test_the_last_thumb_of_an_answer_counts(db: Database, make_event):
    ratings = Ratings(db)
    entry = await an_entry(db, make_event, "1")
    for value in (1, -1, -1):
        await ratings.rate(entry, value)

    assert await ratings.tally() == Tally(up=0, down=1)


async def test_thumbs_before_the_time_in_question_are_left_out(db: Database, make_event):
    now = 1000.0
    ratings = Ratings(db, clock=lambda: now)
    await ratings.rate(await an_entry(db, make_event, "1"), 1)
    now = 2000.0
    await ratings.rate(await an_entry(db, make_event, "2"), -1)

    assert await ratings.tally(since=1500.0) == Tally(up=0, down=1)
