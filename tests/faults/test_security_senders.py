"""Row 57 of the fault matrix: every command against every kind of sender, over the emulator, the
adapter and the real handlers. Whoever adds a command or a button says here who may use it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal

import pytest
import pytest_asyncio

from bot.action import Action, Ignore, Say
from bot.admin.commands import ORDERS
from bot.arriving.meeting import meet
from bot.event import Event
from bot.platforms.telegram.adapter import Telegram, TelegramSection
from bot.storage.audit import act_of
from bot.texts import say
from handlers import COMMANDS, PRESSES, decide
from handlers.commands import command_of
from handlers.desk import Desk
from tests.bot.platforms.telegram.receiving import QUICK, Inbox, running
from tests.emulators.telegram.chats import Chat
from tests.emulators.telegram.people import Person
from tests.emulators.telegram.server import Emulator
from tests.faults.senders import SENDERS, Right, Sender, Town
from tests.handlers.desks import a_desk

pytestmark = [pytest.mark.row(57), pytest.mark.asyncio(loop_scope="module")]

# Who may use it, where it may be used at all; written by hand, for the product's own table is what
# is to be proved.
COMMANDS_OF: dict[Right, str] = {
    "guest": "new stop again good bad human back rate appeal usage language patience privacy export"
    " forget start help",
    "staff": "tickets ticket take close learn kb cases case approve reject",
    "admin": "stats quota allow ban unban role broadcast pause resume reload audit",
}
# What would do harm if it were obeyed; {victim} and {me} are people's ids.
WORDS = {
    "ban": "telegram:{victim}",
    "unban": "telegram:{banned}",
    "allow": "telegram:{me}",
    "role": "telegram:{me} admin",
    "quota": "telegram:{victim} set 0 questions/day",
    "pause": "60",
    "broadcast": "I am the owner now",
    "learn": "Rules\nEverybody is an admin.",
    "kb": "forget 1",
    "case": "1 block",
    "approve": "1",
    "reject": "1",
    "ticket": "1",
    "take": "1",
    "close": "1",
}
Presser = Literal["who asked", "staff", "admin"]
PRESSES_OF: dict[Presser, str] = {
    "who asked": "stop again show up down person rate forget-yes forget-no",
    "staff": "take back close case approve reject",
    "admin": "broadcast broadcast-drop",
}
_ABOUT_RIGHTS = ("role", "ban", "unban")  # obeyed, they would end what the others try
UNTOUCHED = (
    "SELECT person, role, banned_until FROM people"
    " WHERE role IS NOT NULL OR banned_until IS NOT NULL",
    "SELECT * FROM limits",
    "SELECT * FROM pauses",
    "SELECT * FROM broadcasts",
    "SELECT * FROM cases",
    "SELECT * FROM documents",
    "SELECT * FROM outbox",
)


def _right_of(command: str) -> Right:
    return next(right for right, names in COMMANDS_OF.items() if command in names.split())


@dataclass
class Stand:
    town: Town
    inbox: Inbox
    desk: Desk

    async def heard(self, sender: Sender, orders: dict[str, str]) -> dict[str, Event]:
        """The events that come of what the sender writes, by their commands."""
        self.inbox.events.clear()
        for words in orders.values():
            sender.send(self.town, words)
        self.town.victim.says("that was all")
        await self.town.emulator.until(lambda: "that was all" in self.inbox.texts())
        events = self.inbox.events[:-1]
        return {command_of(event.text) or "": event for event in events}

    async def decide(self, event: Event) -> tuple[Action, bool]:
        """And whether it was written down as an attempt."""
        action = await decide(await meet(event, self.desk.people), self.desk)
        outcome = await self.desk.office.audit.outcome(act_of(event).event)
        return action, outcome == "denied"

    async def state(self) -> list[tuple[object, ...]]:
        """All that an order may change."""
        rows: list[tuple[object, ...]] = []
        async with self.desk.office.audit._db.read() as connection:  # the tests' own look at it
            for statement in UNTOUCHED:
                found = await connection.exec_driver_sql(statement)
                rows += [tuple(row) for row in found]
        return rows


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stand(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stand]:
    """One for all: what a test changes, the others look away from."""
    folder = tmp_path_factory.mktemp("senders")
    async with Emulator() as emulator, a_desk(folder) as desk:
        town, inbox = Town(emulator), Inbox()
        desk.rules.change(access=town.access, service=town.service)
        telegram = Telegram(
            TelegramSection(token=emulator.token, base_url=emulator.url),
            commands=None,
            timings=QUICK,
        )
        async with running(telegram, inbox.accept):
            stand = Stand(town, inbox, desk)
            await _prepare(stand)
            yield stand
        assert emulator.complaints == []


async def _prepare(stand: Stand) -> None:
    """The bot has met everybody; one is an admin by a command, one is banned."""
    town = stand.town
    for person in (town.victim, town.banned, town.given):
        person.says("hello")
    town.owner.says(f"/role telegram:{town.given.id} admin")
    town.owner.says(f"/ban telegram:{town.banned.id}")
    await town.emulator.until(lambda: len(stand.inbox.events) == 5)
    for event in stand.inbox.events:
        await stand.decide(event)
    stand.inbox.events.clear()


def _orders(town: Town, names: list[str], me: Person) -> dict[str, str]:
    ids = {"victim": town.victim.id, "banned": town.banned.id, "me": me.id}
    return {
        name: f"/{name}@vision_bot {WORDS.get(name, '').format(**ids)}".strip() for name in names
    }


def _names(right: Right) -> list[str]:
    return COMMANDS_OF[right].split()


def _is_silent(action: Action, command: str) -> bool:
    """No more than any unknown command gets."""
    if action == Ignore():
        return True
    unknown = say("unknown_command", "en", command=command)
    return isinstance(action, Say) and action.text.startswith(unknown)


async def test_row_57_each_command_and_button_says_here_who_may_use_it() -> None:
    named = [name for names in COMMANDS_OF.values() for name in names.split()]
    pressed = [name for names in PRESSES_OF.values() for name in names.split()]

    assert sorted(named) == sorted(COMMANDS)
    assert sorted(pressed) == sorted(PRESSES)
    assert set(ORDERS) <= {*_names("staff"), *_names("admin")}


@pytest.mark.parametrize("name", SENDERS)
async def test_row_57_no_sender_gives_an_order_that_is_not_theirs(stand: Stand, name: str) -> None:
    sender = SENDERS[name]
    foreign = [command for command in COMMANDS if _right_of(command) not in sender.rights]
    if sender.end == "decided":
        foreign = [command for command in foreign if _right_of(command) != "guest"]
    before = await stand.state()

    heard = await stand.heard(sender, _orders(stand.town, foreign, stand.town.guest))

    if sender.end == "unheard":
        assert heard == {}
        return
    assert list(heard) == foreign
    for command, event in heard.items():
        action, denied = await stand.decide(event)
        if sender.end == "decided":
            assert (_is_silent(action, command), denied) == (True, True), (command, action)
        elif sender.end == "no order":
            assert (action, denied) == (Ignore(), False), command
    assert await stand.state() == before


@pytest.mark.parametrize("name", [name for name, one in SENDERS.items() if one.rights])
async def test_row_57_each_sender_gives_the_orders_that_are_theirs(stand: Stand, name: str) -> None:
    """Else the test above would hold for a bot that obeys nobody."""
    sender = SENDERS[name]
    own = [command for command in COMMANDS if _right_of(command) in sender.rights]
    own = [command for command in own if command not in _ABOUT_RIGHTS]

    heard = await stand.heard(sender, _orders(stand.town, own, stand.town.guest))

    assert list(heard) == own
    for command, event in heard.items():
        action, denied = await stand.decide(event)
        unknown = say("unknown_command", "en", command=command)
        is_unknown = isinstance(action, Say) and action.text.startswith(unknown)
        assert (is_unknown, denied) == (False, False), (command, action)


async def test_row_57_banned_people_read_once_that_they_are_and_then_nothing(stand: Stand) -> None:
    above = [*_names("staff"), *_names("admin")]

    heard = await stand.heard(SENDERS["banned"], _orders(stand.town, above, stand.town.guest))
    actions = [(await stand.decide(event))[0] for event in heard.values()]

    assert len(actions) == len(above)
    assert [action for action in actions if action != Ignore()][1:] == []


def _press(town: Town, chat: Chat, data: str) -> None:
    """By an app of one's own, which may send any words with any message."""
    keyboard = {"inline_keyboard": [[{"text": "?", "callback_data": data}]]}
    message = chat.add(town.emulator.bot, {"text": "of the bot", "reply_markup": keyboard})
    town.guest.presses(message, data)


HOSTILE_NUMBERS = ["1", "9" * 22, "0", "-1", "1 5", "9" * 22 + " 5", "٣", "x"]


@pytest.mark.parametrize(
    "button", [name for names in PRESSES_OF.values() for name in names.split()]
)
async def test_row_57_a_made_up_button_does_nothing_for_a_guest(stand: Stand, button: str) -> None:
    before, town = await stand.state(), stand.town
    stand.inbox.events.clear()
    for number in HOSTILE_NUMBERS:
        for chat in (town.guest.chat, town.market):
            _press(town, chat, f"{button} {number}")
    await town.emulator.until(lambda: len(stand.inbox.events) == 2 * len(HOSTILE_NUMBERS))

    for event in list(stand.inbox.events):
        action, denied = await stand.decide(event)
        if button not in PRESSES_OF["who asked"].split():
            assert (action, denied) == (Ignore(), True), event.text

    assert await stand.state() == before


async def test_row_57_an_account_of_telegram_itself_can_be_given_no_right(stand: Stand) -> None:
    for number in (1087968824, 777000, 136817688):
        (event,) = (
            await stand.heard(
                SENDERS["owner"], {"role": f"/role@vision_bot telegram:{number} admin"}
            )
        ).values()
        await stand.decide(event)

        assert await stand.desk.people.given_role("telegram", str(number)) in (None, "guest")


async def test_row_57_orders_at_the_same_moment_count_for_who_gave_them(stand: Stand) -> None:
    """Rights are looked up by the message, not kept from the one before."""
    town = stand.town
    stand.inbox.events.clear()
    for _ in range(10):
        town.owner.says("/audit")
        town.guest.says("/audit")
    await town.emulator.until(lambda: len(stand.inbox.events) == 20)

    outcomes = await asyncio.gather(*map(stand.decide, stand.inbox.events))

    by_owner = [event.person.id == str(town.owner.id) for event in stand.inbox.events]
    assert [not denied for _, denied in outcomes] == by_owner
