"""`visionbot admin export` and `admin forget`: people's rights, seen to by who runs the machine."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

from bot.access.names import Name
from bot.admin.actor import Actor
from bot.admin.office import Office
from bot.config import Settings
from bot.storage.audit import Outcome
from bot.storage.db import Database, Transaction
from bot.storage.erasing.hidden import hidden_name
from bot.storage.holding import holder
from bot.storage.photos import Photos
from bot.storage.replicas import Replicas
from bot.stores import Stores
from bot.upkeep import make_eraser

_PATIENCE_S = 60.0  # then the bot that runs does it alone
_LOOK_EVERY_S = 0.5


async def export(office: Office, actor: Actor, settings: Settings, who: Name, file: Path) -> str:
    """Nobody but who runs this can read the file. Raises OSError."""

    async def note(_: Transaction) -> Outcome:
        return Outcome("", str(who))

    try:
        opened = await asyncio.to_thread(_new_file, file)
    except FileExistsError:
        return actor.say("machine_export_exists", file=file)
    with opened:
        await office.audit.once(actor.act, note)
        async with _stores(settings) as stores:
            made = await stores.copies.write(who.platform, who.id, opened)
    return actor.say("machine_exported", file=file, photos=made.photos)


async def forget(office: Office, actor: Actor, settings: Settings, who: Name) -> str:
    """By the bot that runs, which may have work of theirs in hand; else here."""
    async with _stores(settings) as stores:

        async def order(transaction: Transaction) -> Outcome:
            await stores.erasures.order_with(transaction, who.platform, who.id)
            return Outcome("", hidden_name(str(who)))

        await office.audit.once(actor.act, order)
        if not await _is_running(settings, stores):
            await _erase(stores, who)
        elif not await _is_done(stores, who):
            return actor.say("machine_forget_ordered", who=who)
    return actor.say("machine_forgotten", who=who)


async def _is_running(settings: Settings, stores: Stores) -> bool:
    """Here, or on another machine where several share a database."""
    if holder(settings.storage.data_dir) is not None:
        return True
    return stores.db.is_shared and await Replicas(stores.db).is_anybody()


async def _erase(stores: Stores, who: Name) -> None:
    eraser = make_eraser(stores)
    for one in await stores.erasures.pending():
        if (one.platform, one.person) == (who.platform, who.id):
            await eraser.erase(one, await eraser.scope(one))
            await stores.erasures.end(one)
    await eraser.tidy()


async def _is_done(stores: Stores, who: Name) -> bool:
    for _ in range(int(_PATIENCE_S / _LOOK_EVERY_S)):
        if not await stores.erasures.is_pending(who.platform, who.id):
            return True
        await asyncio.sleep(_LOOK_EVERY_S)  # another program does it
    return False


def _new_file(file: Path) -> IO[bytes]:
    return open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")  # noqa: PTH123  (a descriptor)


@asynccontextmanager
async def _stores(settings: Settings) -> AsyncIterator[Stores]:
    db = await Database.join(settings.storage.data_dir, settings.storage.url)
    try:
        yield Stores.of(db, Photos(settings.storage.photos))
    finally:
        await db.close()
