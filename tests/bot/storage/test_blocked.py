from __future__ import annotations

from sqlalchemy import insert

from bot.storage import blocked
from bot.storage.blocked import BlockedPictures
from bot.storage.db import Database
from bot.storage.tables import blocked_pictures
from tests.bot.storage.ground import Ground

A, B = "a" * 64, "b" * 64
LOOKS = bytes(range(32))


async def test_a_blocked_picture_is_listed_at_once_newest_first(db: Database) -> None:
    pictures = BlockedPictures(db, clock=lambda: 5.0)

    first = await pictures.block(A, LOOKS, who="test:ann", why="a reason")
    second = await pictures.block(B, b"", who="test:bob", why="")

    assert pictures.listed() == [(B, b""), (A, LOOKS)]
    newest, oldest = await pictures.all()
    assert (newest.id, oldest.id) == (second, first)
    assert (oldest.who, oldest.why, oldest.at) == ("test:ann", "a reason", 5.0)


async def test_blocked_twice_it_has_one_number_and_keeps_what_is_known_of_its_looks(
    db: Database,
) -> None:
    pictures = BlockedPictures(db)
    first = await pictures.block(A, LOOKS, who="test:ann", why="one")

    again = await pictures.block(A, b"", who="test:bob", why="two")

    assert again == first
    assert [(one.likeness, one.who, one.why) for one in await pictures.all()] == [
        (LOOKS, "test:bob", "two")
    ]


async def test_what_is_allowed_again_leaves_the_list(db: Database) -> None:
    pictures = BlockedPictures(db)
    number = await pictures.block(A, LOOKS, who="test:ann", why="")
    assert number is not None

    async with db.write() as transaction:
        allowed = await pictures.allow_with(transaction, number)
        twice = await pictures.allow_with(transaction, number)
    await pictures.refresh()

    assert (allowed, twice) == (True, False)
    assert pictures.listed() == []


async def test_what_another_program_changes_is_seen_at_the_next_look(
    db: Database, ground: Ground
) -> None:
    pictures = BlockedPictures(db)
    await pictures.refresh()
    beside = await ground.join()
    await BlockedPictures(beside).block(A, LOOKS, who="machine:root", why="")
    await beside.close()

    await pictures.refresh()

    assert pictures.listed() == [(A, LOOKS)]


async def test_a_list_that_did_not_change_is_not_made_anew(db: Database) -> None:
    """Whoever compares pictures with it may keep it."""
    pictures = BlockedPictures(db)
    await pictures.block(A, LOOKS, who="test:ann", why="")
    before = pictures.listed()

    await pictures.refresh()

    assert pictures.listed() is before


async def test_the_list_is_bounded(db: Database) -> None:
    same = {"likeness": "", "who": "test:ann", "why": "", "at": 1.0}
    rows = [{"digest": f"{number:064x}", **same} for number in range(blocked.MOST)]
    async with db.write() as connection:
        await connection.execute(insert(blocked_pictures), rows)
    pictures = BlockedPictures(db)

    one_more = await pictures.block(A, LOOKS, who="test:ann", why="")
    known = await pictures.block(f"{3:064x}", LOOKS, who="test:bob", why="known")

    assert (one_more, known) == (None, 4)
