"""What apps add to people's words: marks for commands and names, quotes; and how it all looks."""

from __future__ import annotations

import re
from typing import Any

from tests.emulators.telegram.chats import Message

_ENTITY = re.compile(r"(?P<bot_command>(?<!\S)/[A-Za-z0-9_]+(@\w+)?)|(?P<mention>(?<!\w)@\w{4,})")


def caption_of(text: str) -> dict[str, Any]:
    return {"caption": text} | marked("caption_entities", text) if text else {}


def marked(name: str, text: str) -> dict[str, Any]:
    """Commands and mentions as the apps mark them, in UTF-16 units."""
    found = [
        {
            "type": match.lastgroup if match["mention"] else "bot_command",
            "offset": _units(text[: match.start()]),
            "length": _units(match.group()),
        }
        for match in _ENTITY.finditer(text)
    ]
    return {name: found} if found else {}


def quote_of(answered: Message, chat: int, part: str) -> dict[str, Any]:
    """`chat`: where the answer stands; `part`: what was marked of it."""
    quote = {}
    if part:
        place = _units(answered.text[: answered.text.index(part)])
        quote = {"quote": {"text": part, "position": place, "is_manual": True}}
    if answered.chat == chat:
        return quote | {"reply_to_message": answered.quoted()}
    origin = {"type": "user", "sender_user": answered.payload["from"]}
    elsewhere: dict[str, Any] = {"origin": origin | {"date": answered.payload["date"]}}
    for kind in ("photo", "document"):
        if kind in answered.payload:
            elsewhere[kind] = answered.payload[kind]
    if answered.payload["chat"]["type"] == "supergroup":
        elsewhere |= {"chat": answered.payload["chat"], "message_id": answered.id}
    return quote | {"external_reply": elsewhere}


def is_for(payload: dict[str, Any], bot: dict[str, Any]) -> bool:
    """Is it told to a bot in privacy mode? Commands for nobody else, its name, replies to it."""
    text = payload.get("text") or payload.get("caption") or ""
    name = f"@{bot['username']}"
    commands = [word for word in text.split() if word.startswith("/")]
    for_all = any("@" not in command or command.endswith(name) for command in commands)
    answered = payload.get("reply_to_message", {}).get("from", {}).get("id")
    return for_all or name in text or answered == bot["id"]


def shown(message: Message) -> str:
    """One line: Ann: [photo] What colour? {Stop}"""
    kinds = [kind for kind in ("photo", "document", "sticker") if kind in message.payload]
    parts = [f"[{kind}]" for kind in kinds] + ([message.text] if message.text else [])
    buttons = [f"{{{label}}}" for _, label in message.buttons]
    return " ".join([f"{message.by}:", *parts, *buttons])


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
