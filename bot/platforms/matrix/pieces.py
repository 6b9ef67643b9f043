"""A sync's answer cut into pieces, for when nio fails at the whole of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from nio import Rooms, SyncResponse


def pieces(answer: SyncResponse) -> Iterator[tuple[str, SyncResponse]]:
    """Each with what it is about, which for a room is its id; the keys of encrypted rooms first."""
    rest = replace(answer, rooms=Rooms({}, {}, {}), to_device_events=[])
    for event in answer.to_device_events:
        yield "a message to our device", replace(rest, to_device_events=[event])
    yield "what concerns no room", rest
    for room, invite in list(answer.rooms.invite.items()):
        yield room, replace(rest, rooms=Rooms({room: invite}, {}, {}))
    for room, info in list(answer.rooms.join.items()):
        yield room, replace(rest, rooms=Rooms({}, {room: info}, {}))
