"""What has not ended yet, as tests look at it: the program itself only takes what it deals with."""

from __future__ import annotations

from bot.storage.inbox import Entry, Inbox


async def new_in(inbox: Inbox, limit: int = 10_000) -> list[Entry]:
    """Those that nobody has looked at, in the order they came."""
    return (await _open(inbox, "new"))[:limit]


async def waiting_in(inbox: Inbox) -> list[Entry]:
    """Those in line or being answered."""
    return await _open(inbox, "waiting")


async def _open(inbox: Inbox, state: str) -> list[Entry]:
    entries = await inbox.these([one.id for one in await inbox.unended(10_000)])
    return [entry for entry in entries if entry.state == state]
