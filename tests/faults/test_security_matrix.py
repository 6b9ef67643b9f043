"""Row 57 of the fault matrix on Matrix: an order counts by the sender's whole id, as the homeserver
tells it, and by nothing that people choose or are in a room."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import pytest
import pytest_asyncio

from bot.action import Ignore, Say
from bot.arriving.meeting import meet
from bot.platforms.matrix.wire import Room, parse_event
from bot.rules import AccessSection
from bot.storage.audit import act_of
from bot.texts import say
from handlers import COMMANDS, decide
from handlers.commands import command_of
from handlers.desk import Desk
from tests.handlers.desks import a_desk

pytestmark = [pytest.mark.row(57), pytest.mark.asyncio(loop_scope="module")]

US, OWNER = "@visionbot:example.org", "@owner:example.org"
OFFICE, MARKET, ALONE = "!office:example.org", "!market:example.org", "!alone:example.org"
TRIED = ("pause", "role", "tickets")  # each command is tried in test_security_senders.py
_numbers = count(1)

Json = dict[str, Any]  # Any: JSON


def _said(sender: str, words: str, **more: Any) -> Json:
    content = {"msgtype": "m.text", "body": words} | more.pop("content", {})
    number = f"${next(_numbers)}"
    head = {"type": "m.room.message", "event_id": number, "origin_server_ts": 1_795_200_000_000}
    return head | {"sender": sender, "content": content} | more


def _edited(sender: str, words: str) -> Json:
    relation = {"rel_type": "m.replace", "event_id": "$before"}
    content = {"m.relates_to": relation, "m.new_content": {"msgtype": "m.text", "body": words}}
    return _said(sender, f"* {words}", content=content)


LOOKALIKES = {
    "the owner's name on another server": "@owner:evil.example",
    "another server behind the owner's": "@owner:example.org:evil.example",
    "the owner's name in other letters": "@Owner:example.org",
    "a letter of another script": "@оwner:example.org",
    "a letter more": "@owner_:example.org",
    "a wide sign": "＠owner:example.org",
    "nobody": "",
}
MORE: dict[str, Json] = {
    "with all power in the room": {"unsigned": {"power_level": 100}, "power_level": 100},
    "as told by a bridge": {"content": {"org.example.sender": OWNER, "sender": OWNER}},
    "on behalf of the owner": {"unsigned": {"sender": OWNER}, "user_id": OWNER},
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    async with a_desk(tmp_path_factory.mktemp("matrix")) as desk:
        access = AccessSection(owners=(f"matrix:{OWNER}",), admin_chats=(f"matrix:{OFFICE}",))
        desk.rules.change(access=access)
        yield desk


async def _outcome(desk: Desk, raw: Json, room: str, called: str) -> str:
    """What becomes of it: "unheard", "silent", "denied", "obeyed"."""
    place = Room(room, US, "Vision Bot", room != ALONE, frozenset(COMMANDS))
    event = parse_event(raw, place, called)
    if event is None:
        return "unheard"
    action = await decide(await meet(event, desk.people), desk)
    denied = await desk.office.audit.outcome(act_of(event).event) == "denied"
    unknown = say("unknown_command", "zh", command=command_of(event.text))
    hidden = action == Ignore() or (isinstance(action, Say) and action.text.startswith(unknown))
    if denied:
        return "denied" if hidden else f"told: {action}"
    return "silent" if action == Ignore() else "obeyed"


@pytest.mark.parametrize("room", [ALONE, OFFICE])
@pytest.mark.parametrize("sender", LOOKALIKES.values(), ids=LOOKALIKES)
async def test_row_57_an_id_that_only_looks_like_the_owners_orders_nothing(
    desk: Desk, sender: str, room: str
) -> None:
    found = {
        await _outcome(desk, _said(sender, f"{US} /{name} 1"), room, "Owner") for name in TRIED
    }

    assert found == {"denied"}


@pytest.mark.parametrize("more", MORE.values(), ids=MORE)
async def test_row_57_a_name_and_power_in_the_room_order_nothing(desk: Desk, more: Json) -> None:
    mallory = "@mallory:example.org"

    found = {
        await _outcome(desk, _said(mallory, f"{US} /{name} 1", **dict(more)), OFFICE, OWNER)
        for name in TRIED
    }

    assert found == {"denied"}


async def test_row_57_the_owner_orders_alone_and_in_the_office_and_nowhere_else(
    desk: Desk,
) -> None:
    """An order of its own for each place: "/audit" changes nothing."""
    outcomes = [
        await _outcome(desk, _said(OWNER, f"{US} /audit"), room, "Owner")
        for room in (ALONE, OFFICE, MARKET)
    ]

    assert outcomes == ["obeyed", "obeyed", "denied"]


async def test_row_57_words_that_were_edited_into_an_order_or_are_no_persons_order_nothing(
    desk: Desk,
) -> None:
    notice = _said(OWNER, f"{US} /pause 60", content={"msgtype": "m.notice"})
    ours = _said(US, "/pause 60")

    assert await _outcome(desk, _edited(OWNER, f"{US} /pause 60"), OFFICE, "Owner") == "silent"
    assert await _outcome(desk, notice, OFFICE, "Owner") == "unheard"
    assert await _outcome(desk, ours, OFFICE, "Vision Bot") == "unheard"
    assert await desk.office.pauses.now() is None
