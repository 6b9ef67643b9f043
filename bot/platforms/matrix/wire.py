"""Events of a Matrix room and the contents of ours, translated; pure, no calls.

What an event is about (the quoted message, the one a reaction stands below) has to be asked of the
server; `parse_event` leaves it open and `parse_quoted` and `settle` fill it in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from bot.event import Attachment, Conversation, Event, Person, Quoted
from bot.platforms.matrix.reactions import may_be_one, names_of, plain

PLATFORM = "matrix"

_SAID = ("m.text", "m.emote")
_FILES = ("m.image", "m.file", "m.audio", "m.video")
_NOT_SAID = ("m.notice", "m.server_notice", "m.key.verification.request")  # no person wrote them
_COMMAND = re.compile(r"(?:[!！]|[/／]{1,2})(?=[A-Za-z])")  # apps keep "/name" to themselves
_AFTER_NAME = re.compile(r"^[\s:,：，]+")
_BUTTONS = "org.visionbot.buttons"  # in a message of ours: what its reactions mean
_QUOTE = re.compile(r"(?:>[^\n]*\n)+\n?")  # what old apps put in front of a reply

Json = dict[str, Any]  # Any: JSON


@dataclass(frozen=True, slots=True)
class Room:
    """What the meaning of its events depends on."""

    id: str
    us: str  # our user id
    our_name: str  # as people see us there
    group: bool  # more than one person reads there
    commands: frozenset[str] = frozenset()  # that need no mention of us in a group


@dataclass(frozen=True, slots=True)
class Original:
    """An event of the room as the server has it now, with the newest of its edits."""

    sender: str
    content: Json  # empty: it was deleted
    thread: str


def parse_event(raw: Json, room: Room, name: str) -> Event | None:
    """None: nothing a person did to us. `name`: what the sender is called in the room.

    The text of a press is still its emoji. Raises KeyError, TypeError, ValueError or AttributeError
    where the event is malformed.
    """
    sender, content = raw["sender"], raw["content"]
    if sender == room.us or (not content and raw["type"] != "m.room.redaction"):
        return None
    event = Event(
        bot=room.us,
        message=_text(raw["event_id"]),
        conversation=Conversation(PLATFORM, room.id, _thread(content)),
        person=Person(_text(sender), name=name),
        text="",
        group=room.group,
        at=raw["origin_server_ts"] / 1000,
    )
    match raw["type"]:
        case "m.room.message":
            return _message(event, content, room)
        case "m.sticker":
            return replace(event, addressed=not room.group)
        case "m.reaction":
            return _press(event, content)
        case "m.room.redaction":
            about = raw.get("redacts") or content["redacts"]
            return replace(event, kind="delete", about=_text(about))
    return None


def parse_original(raw: Json, newest: Json | None) -> Original:
    """`newest`: the content of its last edit."""
    content = raw["content"]
    return Original(raw["sender"], (newest or {}).get("m.new_content") or content, _thread(content))


def parse_quoted(event: Event, original: Original | None) -> Event:
    """The event with what it answers; None: nobody can read that any more."""
    assert event.quoted is not None
    if original is None:
        return event
    text, photos, files = _parts(original.content)
    ours = original.sender == event.bot
    quoted = Quoted(event.quoted.message, text, photos, files, ours)
    return replace(event, quoted=quoted, addressed=event.addressed or ours)


def settle(event: Event, original: Original | None) -> Event | None:
    """The edit or press in its thread, the press with its button; None: it is not about the right
    one's message, or that has no such button."""
    whose = event.bot if event.kind == "press" else event.person.id
    if original is None or original.sender != whose:
        return None
    event = replace(event, conversation=replace(event.conversation, thread=original.thread))
    if event.kind == "edit":
        return event
    button = original.content.get(_BUTTONS, {}).get(event.text)
    return None if button is None else replace(event, text=_text(button))


def render_text(text: str, formatted: str | None) -> Json:
    """Pings nobody, whatever names the text holds."""
    content: Json = {"msgtype": "m.text", "body": text, "m.mentions": {}}
    return content | _formatted(formatted)


def render_photo(name: str, text: str, formatted: str | None, info: Json, where: Json) -> Json:
    """`where`: {"url": ...}, or {"file": ...} in an encrypted room."""
    content: Json = {"msgtype": "m.image", "body": text or name, "filename": name, "info": info}
    return content | {"m.mentions": {}} | (_formatted(formatted) if text else {}) | where


def render_file(name: str, text: str, info: Json, where: Json) -> Json:
    """`where`: as above."""
    content: Json = {"msgtype": "m.file", "body": text or name, "filename": name, "info": info}
    return content | {"m.mentions": {}} | where


def render_buttons(buttons: Iterable[str]) -> Json:
    """Kept in the message itself, so that a press is understood whenever it comes."""
    names = names_of(buttons)
    return {_BUTTONS: names} if names else {}


def render_place(thread: str, reply_to: str | None) -> Json:
    """Where a new message stands: in a thread, as an answer, or neither."""
    if not thread:
        return {"m.relates_to": {"m.in_reply_to": {"event_id": reply_to}}} if reply_to else {}
    return {
        "m.relates_to": {
            "rel_type": "m.thread",
            "event_id": thread,
            "is_falling_back": reply_to is None,
            "m.in_reply_to": {"event_id": reply_to or thread},
        }
    }


def render_edit(message: str, content: Json, most_letters: int) -> Json:
    """Apps that know no edits show the beginning of the new text."""
    return {
        "msgtype": content["msgtype"],
        "body": f"* {content['body'][:most_letters]}",
        "m.mentions": {},
        "m.new_content": content,
        "m.relates_to": {"rel_type": "m.replace", "event_id": message},
    }


def render_reaction(message: str, emoji: str) -> Json:
    return {"m.relates_to": {"rel_type": "m.annotation", "event_id": message, "key": emoji}}


def _message(event: Event, content: Json, room: Room) -> Event | None:
    relation = content.get("m.relates_to") or {}
    if relation.get("rel_type") == "m.replace":
        about = _text(relation["event_id"])
        event = replace(event, kind="edit", about=about)
        content = content["m.new_content"]
        relation = {}
    if content.get("msgtype") in _NOT_SAID:
        return None
    text, photos, files = _parts(content)
    text, named = _without_our_name(text, room)
    text, command = _as_command(text, room, named=named)
    answered = _answered(relation)
    called = not room.group or named or _mentions(content, room)
    return replace(
        event,
        text=text,
        photos=photos,
        files=files,
        quoted=Quoted(answered) if answered else None,
        addressed=called or command,
        named=called or not command,
    )


def _press(event: Event, content: Json) -> Event | None:
    relation = content["m.relates_to"]
    emoji = _text(relation["key"])
    if relation["rel_type"] != "m.annotation" or not may_be_one(emoji):
        return None
    return replace(event, kind="press", text=plain(emoji), about=_text(relation["event_id"]))


def _thread(content: Json) -> str:
    relation = content.get("m.relates_to") or {}
    return _text(relation["event_id"]) if relation.get("rel_type") == "m.thread" else ""


def _answered(relation: Json) -> str | None:
    """Within a thread each message names its forerunner, only that apps without threads show it
    somewhere."""
    if relation.get("is_falling_back"):
        return None
    answered = (relation.get("m.in_reply_to") or {}).get("event_id")
    return None if answered is None else _text(answered)


def _parts(content: Json) -> tuple[str, tuple[Attachment, ...], tuple[Attachment, ...]]:
    """Words, photos, other files."""
    kind, body = content.get("msgtype"), content.get("body", "")
    if kind in _SAID:
        relation = content.get("m.relates_to") or {}
        return (_QUOTE.sub("", body, 1) if _starts_with_quote(body, relation) else body), (), ()
    if kind not in _FILES:
        return "", (), ()
    name = content.get("filename") or body
    caption = body if body != name else ""
    attachment = _attachment(content, _text(name))
    if kind == "m.image" or attachment.media_type.startswith("image/"):
        return caption, (attachment,), ()
    return caption, (), (attachment,)


def _starts_with_quote(body: str, relation: Json) -> bool:
    return "m.in_reply_to" in relation and body.startswith("> <")


def _attachment(content: Json, name: str) -> Attachment:
    info = content.get("info") or {}
    file = content.get("file")  # of an encrypted room: the address with its key
    ref = json.dumps(file, sort_keys=True) if file else _text(content["url"])
    size, media_type = info.get("size"), info.get("mimetype")
    return Attachment(
        ref,
        media_type.lower() if isinstance(media_type, str) else "",
        size if isinstance(size, int) and size > 0 else 0,
        name,
    )


def _without_our_name(text: str, room: Room) -> tuple[str, bool]:
    """The text without our name in front of it; True: it is said to us by name."""
    words = text.lstrip()
    local = room.us.partition(":")[0]  # with its "@"
    for name in filter(None, (room.us, f"@{room.our_name}", room.our_name, local)):
        rest = words[len(name) :]
        ends = not rest or not (rest[0].isalnum() or rest[0] in "-_.")
        if words.lower().startswith(name.lower()) and ends:
            return _AFTER_NAME.sub("", rest, count=1), True
    return text, room.us in text


def _as_command(text: str, room: Room, *, named: bool) -> tuple[str, bool]:
    """`!new` and `//new` as `/new`; in a group only what is ours, for others have commands too."""
    found = _COMMAND.match(text)
    if found is None:
        return text, False
    name = re.split(r"[^A-Za-z0-9_]", text[found.end() :], maxsplit=1)[0].lower()
    if room.group and not named and name not in room.commands:
        return text, False
    return f"/{text[found.end() :]}", True


def _mentions(content: Json, room: Room) -> bool:
    mentioned = (content.get("m.mentions") or {}).get("user_ids") or []
    return room.us in mentioned


def _formatted(formatted: str | None) -> Json:
    if formatted is None:
        return {}
    return {"format": "org.matrix.custom.html", "formatted_body": formatted}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"text expected, not {type(value).__name__}")
    return value
