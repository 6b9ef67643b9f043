"""Row 28: Telegram tells the same thing twice, in any order, and late."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from telegram import Bot

from bot.event import Event
from bot.platforms.patience import Uncommitted
from bot.platforms.telegram.receiver import Receiver
from bot.platforms.telegram.words import Account
from bot.storage.db import Database
from bot.storage.inbox import Inbox
from bot.storage.soundness import FILE
from tests.e2e.drawing import photo
from tests.faults.house import housed
from tests.faults.invariants import check_invariants
from tests.faults.model import answer_to

SECRET = "a-secret-of-the-webhook"
CHATS = (71, 72, 73)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.e2e
@pytest.mark.timeout(120)
@pytest.mark.row(28)
async def test_row_28_what_comes_twice_backwards_and_late_is_answered_once(tmp_path: Path) -> None:
    """A question, an album and a photo whose words were sent apart; and one told to a program
    that is not there."""
    port = free_port()
    given = {
        "WEB__PORT": port,
        "TELEGRAM__WEBHOOK_URL": f"http://127.0.0.1:{port}",
        "TELEGRAM__WEBHOOK_SECRET": SECRET,
    }
    async with housed(tmp_path, **given) as house:
        await house.program.start()
        await house.until(lambda: house.emulator.hook.url)
        ann, bob, cara = (house.emulator.person(name) for name in ("Ann", "Bob", "Cara"))
        house.emulator.updates.hold()
        ann.says("once?")
        bob.sends_album([photo("circle", "red"), photo("square", "blue")], "an album, once?")
        house.emulator.updates.release(backwards=True, twice=True)

        album = answer_to("an album, once?")
        await house.until_answered(ann)
        await house.until(lambda: [one.text for one in house.emulator.said(bob.chat)] == [album])
        await house.program.stop()
        house.emulator.updates.hold()
        cara.says("is it too late?")
        house.emulator.updates.release(twice=True)
        await house.until(lambda: house.emulator.hook.statuses[-1] == 0)
        await house.program.start()

        await house.until_answered(cara)
        await house.until(lambda: not house.emulator.updates.waiting())
        assert house.model.photos["an album, once?"] == 2
        assert [len(house.emulator.said(one.chat)) for one in (ann, bob, cara)] == [1, 1, 1]
        assert set(house.model.asked.values()) == {1}
        await check_invariants(house)


@pytest.mark.row(28)
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(st.sampled_from(CHATS), st.integers(1, 4), st.booleans()), min_size=1, max_size=25
    )
)
def test_row_28_however_updates_come_each_message_is_kept_once(
    told: list[tuple[int, int, bool]],
) -> None:
    """Each: which chat, which message of it, and whether its commit fails the first time."""
    with TemporaryDirectory() as folder:
        kept, acknowledged = asyncio.run(_tell(Path(folder), told))

    assert sorted(kept) == sorted(acknowledged)
    assert len(kept) == len(set(kept))


async def _tell(
    folder: Path, told: list[tuple[int, int, bool]]
) -> tuple[list[tuple[str, str]], set[tuple[str, str]]]:
    """What the inbox has, and what Telegram was told that we have."""
    db = await Database.open(folder)
    try:
        inbox, fails = Inbox(db), [False]

        async def accept(event: Event) -> None:
            if fails[0]:
                raise OSError("the disk is full")
            await inbox.accept(event)

        receiver = Receiver(Bot("424242:token"), Account(424242, "vision_bot"), accept)
        acknowledged = set()
        for number, (chat, message, failing) in enumerate(told):
            fails[0] = failing
            try:
                await receiver.take(_update(number, chat, message), number)
            except Uncommitted:  # it is told again, or it is not
                continue
            acknowledged.add((str(chat), str(message)))
    finally:
        await db.close()
    with closing(sqlite3.connect(folder / FILE)) as kept:
        return kept.execute("SELECT chat, message FROM inbox").fetchall(), acknowledged


def _update(number: int, chat: int, message: int) -> dict[str, object]:
    head = {"id": chat, "type": "private", "first_name": "Li"}
    sender = {"id": chat, "is_bot": False, "first_name": "Li"}
    said = {"message_id": message, "date": 1_795_200_000, "chat": head, "from": sender}
    return {"update_id": number, "message": said | {"text": f"question {message}"}}
