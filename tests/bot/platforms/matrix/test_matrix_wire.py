"""Recorded payloads in, events out: tests/wire/matrix/*.json, taken from a real Synapse."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.event import Attachment, Conversation, Event, Person, Quoted
from bot.platforms.matrix import wire
from bot.platforms.matrix.reactions import emoji_of, may_be_one, names_of, plain

WIRE = Path(__file__).parents[3] / "wire" / "matrix"
US, ANN, BOB = "@visionbot:localhost", "@ann:localhost", "@bob:localhost"
PNG = ("image/png", 108)


def _recorded(name: str) -> dict[str, Any]:
    return json.loads((WIRE / f"{name}.json").read_text("utf-8"))


def _id(name: str) -> str:
    return _recorded(name)["event_id"]


def _file(name: str, media_type: str, size: int, called: str) -> tuple[Attachment, ...]:
    content = _recorded(name)["content"]
    ref = json.dumps(content["file"], sort_keys=True) if "file" in content else content["url"]
    return (Attachment(ref, media_type, size, called),)


def _event(name: str, text: str = "", **more: Any) -> Event:
    """All that does not follow from the payload's own frame."""
    raw = _recorded(name)
    group = name.startswith("group")
    event = Event(
        US,
        raw["event_id"],
        Conversation("matrix", raw.get("room_id", "!room")),
        Person(raw["sender"], name="Somebody"),
        text,
        group=group,
        at=raw["origin_server_ts"] / 1000,
    )
    return replace(event, **more)


def _in_thread() -> Conversation:
    return Conversation("matrix", "!room", _id("private_text"))


EVENTS = {
    "private_text": {"text": "图上有几个圆？"},
    "private_emote": {"text": "waves"},
    "private_photo_with_caption": {"text": "What colour is the square?", "photos": "photo.png"},
    "private_photo_alone": {"photos": "photo.png"},
    "private_photo_as_file": {"photos": "scan.png"},
    "private_pdf_with_caption": {
        "text": "read this",
        "files": _file("private_pdf_with_caption", "application/pdf", 5, "doc.pdf"),
    },
    "private_video": {"files": _file("private_video", "video/mp4", 4, "film.mp4")},
    "private_sticker": {},
    "private_location": {},
    "private_reply": {"text": "and the red one?", "quoted": Quoted(_id("our_own"))},
    "private_reply_of_an_old_app": {
        "text": "and the blue one?",
        "quoted": Quoted(_id("our_own")),
    },
    "private_quote_without_reply": {"text": "> to be or not to be\n\nwho said that?"},
    "private_thread": {"text": "in a thread", "conversation": _in_thread()},
    "private_thread_reply": {
        "text": "in a thread, to you",
        "conversation": _in_thread(),
        "quoted": Quoted(_id("our_own")),
    },
    "private_command": {"text": "/new"},
    "private_command_slashes": {"text": "/stop now"},
    "private_command_slash": {"text": "/help"},
    "private_no_command": {"text": "!!! look"},
    "private_edit": {"text": "图上有几个方块？", "kind": "edit", "about": _id("private_text")},
    "private_edit_of_a_command": {"text": "/new", "kind": "edit", "about": _id("private_text")},
    "private_press_stop": {"text": "🛑", "kind": "press", "about": _id("our_own")},
    "private_press_with_skin": {"text": "👍", "kind": "press", "about": _id("our_own")},
    "private_press_plain_arrow": {"text": "↩", "kind": "press", "about": _id("our_own")},
    "private_deletion": {"kind": "delete", "about": _id("deleted_before_we_saw_it")},
    "encrypted_text": {"text": "秘密"},
    "encrypted_photo": {"text": "what is it?", "photos": "photo.png"},
    "encrypted_edit": {"text": "更大的秘密", "kind": "edit", "about": _id("encrypted_text")},
    "group_plain": {"text": "lunch?", "addressed": False},
    "group_mention": {"text": "what is this?"},
    "group_mention_inside": {"text": "can Vision Bot read that?"},
    "group_mention_of_another": {"text": "ann look", "addressed": False},
    "group_name_first": {"text": "这是什么？"},
    "group_name_as_part_of_a_word": {"text": "Vision Bottles are nice", "addressed": False},
    "group_user_id": {"text": "what is this?"},
    "group_user_id_inside": {"text": f"ask {US} about it"},
    "group_command": {"text": "/new", "named": False},
    "group_command_of_others": {"text": "!weather", "addressed": False},
    "group_command_of_others_to_us": {"text": "/weather"},
    "group_name_and_command": {"text": "/stop"},
    "group_photo_plain": {"photos": "photo.png", "addressed": False},
    "group_photo_with_mention": {"text": "read it", "photos": "photo.png"},
}
NOTHING = [
    "our_own",
    "private_notice",
    "private_verification",
    "private_reaction_of_no_button",
    "deleted_before_we_saw_it",
    "invitation",
]
BROKEN = [
    "broken_text",
    "broken_without_sender",
    "broken_time",
    "broken_photo",
    "broken_relation",
    "group_broken_mentions",
    "broken_press",
]


def _room(name: str) -> wire.Room:
    group = name.startswith("group")
    room = _recorded(name).get("room_id", "!room")
    return wire.Room(room, US, "Vision Bot", group, frozenset({"new", "stop"}))


def _parsed(name: str) -> Event | None:
    return wire.parse_event(_recorded(name), _room(name), "Somebody")


@pytest.mark.parametrize("name", EVENTS)
def test_what_a_person_does_becomes_its_event(name: str) -> None:
    expected = dict(EVENTS[name])
    if "photos" in expected:
        expected["photos"] = _file(name, *PNG, expected["photos"])

    assert _parsed(name) == _event(name, **expected)


@pytest.mark.parametrize("name", NOTHING)
@pytest.mark.row(57)
def test_what_no_person_did_to_us_becomes_no_event(name: str) -> None:
    assert _parsed(name) is None


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_payload_raises_instead_of_becoming_a_wrong_event(name: str) -> None:
    with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
        _parsed(name)


def test_every_recorded_payload_is_in_a_table() -> None:
    recorded = {file.stem for file in WIRE.glob("*.json")}

    assert recorded == {*EVENTS, *NOTHING, *BROKEN}


def test_the_quoted_message_shows_what_it_says_since_its_last_edit() -> None:
    reply, quoted = _parsed("private_reply"), _recorded("private_text")
    newest = quoted["unsigned"]["m.relations"]["m.replace"]["content"]

    event = wire.parse_quoted(reply, wire.parse_original(quoted, newest))

    assert event.quoted == Quoted(_id("our_own"), "!new")


def test_the_quoted_message_brings_its_photo() -> None:
    photo = _recorded("private_photo_with_caption")

    event = wire.parse_quoted(_parsed("private_reply"), wire.parse_original(photo, None))

    photos = _file("private_photo_with_caption", *PNG, "photo.png")
    assert event.quoted == Quoted(_id("our_own"), "What colour is the square?", photos)


def test_a_reply_to_us_is_addressed_to_us_in_a_group_too() -> None:
    reply = replace(_parsed("private_reply"), addressed=False, group=True)

    event = wire.parse_quoted(reply, wire.parse_original(_recorded("our_own"), None))

    assert event.addressed
    assert event.quoted.ours


def test_a_reply_to_a_message_nobody_can_read_any_more_stays_a_reply() -> None:
    event = wire.parse_quoted(_parsed("private_reply"), None)

    assert event.quoted == Quoted(_id("our_own"))


OURS = wire.Original(US, {"body": "x"} | wire.render_buttons(["stop"]), "$root")


def test_a_press_and_an_edit_stand_in_the_thread_of_what_they_are_about() -> None:
    anns = wire.Original(ANN, {"body": "x"}, "$root")

    press = wire.settle(_parsed("private_press_stop"), OURS)
    edit = wire.settle(_parsed("private_edit"), anns)

    assert (press.conversation.thread, edit.conversation.thread) == ("$root", "$root")
    assert press.text == "stop"


@pytest.mark.parametrize(
    ("name", "original"),
    [
        ("private_press_stop", wire.Original(ANN, {"body": "x"}, "")),
        ("private_press_stop", None),
        ("private_press_with_skin", OURS),
        ("private_edit", wire.Original(BOB, {"body": "x"}, "")),
        ("private_edit", wire.Original(US, {"body": "x"}, "")),
    ],
    ids=[
        "press below a person's",
        "press below nothing",
        "no such button",
        "edit of bob's",
        "edit of ours",
    ],
)
@pytest.mark.row(57)
def test_nobody_presses_or_edits_what_belongs_to_another(
    name: str, original: wire.Original | None
) -> None:
    assert wire.settle(_parsed(name), original) is None


@pytest.mark.parametrize(
    "button",
    [
        *("stop", "again", "up", "down", "person", "take 12", "back 12", "close 12"),
        *("rate 12 5", "broadcast 7", "broadcast-drop 7"),
    ],
)
def test_each_button_is_found_again_by_its_emoji_with_what_it_is_about(button: str) -> None:
    emoji = emoji_of(button)

    assert may_be_one(emoji)
    assert names_of([button])[plain(emoji)] == button


def test_the_buttons_of_one_message_have_different_emojis() -> None:
    scores = [f"rate 12 {score}" for score in range(1, 6)]

    assert list(names_of(scores).values()) == scores


@pytest.mark.row(56)
def test_an_answer_calls_nobody_whatever_names_it_holds() -> None:
    content = wire.render_text("@room @ann:localhost", "<p>@room</p>")

    assert content["m.mentions"] == {}
    assert wire.render_edit("$1", content, 10)["m.mentions"] == {}


def test_an_edit_of_a_long_text_carries_it_once() -> None:
    text = "图" * 3000

    edit = wire.render_edit("$1", wire.render_text(text, None), 300)

    assert edit["m.new_content"]["body"] == text
    assert len(edit["body"]) == 302


@pytest.mark.parametrize(
    ("thread", "reply_to", "relation"),
    [
        ("", None, None),
        ("", "$q", {"m.in_reply_to": {"event_id": "$q"}}),
        (
            "$root",
            None,
            {
                "rel_type": "m.thread",
                "event_id": "$root",
                "is_falling_back": True,
                "m.in_reply_to": {"event_id": "$root"},
            },
        ),
        (
            "$root",
            "$q",
            {
                "rel_type": "m.thread",
                "event_id": "$root",
                "is_falling_back": False,
                "m.in_reply_to": {"event_id": "$q"},
            },
        ),
    ],
    ids=["plain", "reply", "thread", "reply in a thread"],
)
def test_a_message_of_ours_stands_where_it_was_asked_for(
    thread: str, reply_to: str | None, relation: dict[str, Any] | None
) -> None:
    assert wire.render_place(thread, reply_to).get("m.relates_to") == relation
