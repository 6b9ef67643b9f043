"""Who writes in a group without being a person: those that have no rights and get no answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.emulators.telegram.chats import Chat
from tests.emulators.telegram.wording import marked

if TYPE_CHECKING:
    from tests.emulators.telegram.people import Person
    from tests.emulators.telegram.server import Emulator

_CHANNEL = {"id": -1002000000001, "type": "channel", "title": "News"}
_GROUP_BOT = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupBot"}
_CHANNEL_BOT = {"id": 136817688, "is_bot": True, "first_name": "Channel", "username": "Channel_Bot"}
_TELEGRAM = {"id": 777000, "is_bot": False, "first_name": "Telegram"}
_OTHER_BOT = {"id": 990001, "is_bot": True, "first_name": "Other", "username": "other_bot"}


def anonymous_admin(emulator: Emulator, group: Chat, text: str) -> None:
    _writes(emulator, group, text, _GROUP_BOT, {"sender_chat": group.head})


def linked_channel(emulator: Emulator, group: Chat, text: str) -> None:
    """A post of the group's own channel, which Telegram brings there by itself."""
    origin = {"type": "channel", "chat": _CHANNEL, "message_id": 7, "date": 1795200000}
    more = {"sender_chat": _CHANNEL, "is_automatic_forward": True, "forward_origin": origin}
    _writes(emulator, group, text, _TELEGRAM, more)


def person_as_a_channel(emulator: Emulator, group: Chat, text: str) -> None:
    _writes(emulator, group, text, _CHANNEL_BOT, {"sender_chat": _CHANNEL})


def another_bot(emulator: Emulator, group: Chat, text: str) -> None:
    _writes(emulator, group, text, _OTHER_BOT, {})


def by_way_of_another_bot(emulator: Emulator, group: Chat, text: str) -> None:
    """A person chose it from the list that an inline bot offered."""
    person = emulator.person("Inline")
    _writes(emulator, group, text, person.user, {"via_bot": _OTHER_BOT})


def inline_in_private(emulator: Emulator, person: Person, text: str) -> None:
    """The same, alone with us: the words are those of the other bot."""
    _writes(emulator, person.chat, text, person.user, {"via_bot": _OTHER_BOT})


def channel_post(emulator: Emulator, group: Chat, text: str) -> None:
    """In a channel where the bot is a member."""
    content = {"message_id": 7, "date": 1795200000, "chat": _CHANNEL, "sender_chat": _CHANNEL}
    emulator.updates.put("channel_post", content | {"text": text} | marked("entities", text))


STRANGERS: dict[str, Callable[[Emulator, Chat, str], None]] = {
    "anonymous admin": anonymous_admin,
    "linked channel": linked_channel,
    "person as a channel": person_as_a_channel,
    "another bot": another_bot,
    "by way of another bot": by_way_of_another_bot,
    "channel post": channel_post,
}


def _writes(
    emulator: Emulator, group: Chat, text: str, sender: dict[str, Any], more: dict[str, Any]
) -> None:
    message = group.add(sender, {"text": text} | marked("entities", text) | more)
    emulator.updates.put("message", dict(message.payload))
