"""Recorded payloads in, events out: tests/wire/telegram/*.json."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.event import Attachment, Conversation, Event, Person, Quoted
from bot.platforms.telegram.wire import parse_query, parse_update
from bot.platforms.telegram.words import Account

WIRE = Path(__file__).parents[3] / "wire" / "telegram"
US = Account(424242, "vision_bot")

LI = Conversation("telegram", "71002345")
LIS_TOPIC = Conversation("telegram", "71002345", "77")
GROUP = Conversation("telegram", "-1001876543210")
TOPIC = Conversation("telegram", "-1001876500000", "5")
PHOTO = (Attachment("AgACAgUAAxkBAAIBy", "image/jpeg", 117734),)
SMALLER = (Attachment("AgACAgUAAxkBAAIBm", "image/jpeg", 21234),)
SCAN = (Attachment("BQACAgUAAxkBAAIBd", "image/png", 2400123, "scan.png"),)
UNTOLD = (Attachment("BQACAgUAAxkBAAIBu", "image/jpeg", 700, "Scan 1.JPG"),)
PDF = (Attachment("BQACAgUAAxkBAAIBp", "application/pdf", 2400, "a.pdf"),)
HEIC = (Attachment("BQACAgUAAxkBAAIBh", "image/heic", 700, "IMG_1.HEIC"),)
GIF = (Attachment("CgACAgUAAxkBAAIBg", "video/mp4", 900, "cat.mp4"),)
RAW_GIF = (Attachment("CgACAgUAAxkBAAIBg", "image/gif", 900, "cat.gif"),)
VIDEO = (Attachment("BAACAgUAAxkBAAIBv", "video/mp4", 90000),)
NOTE = (Attachment("DQACAgUAAxkBAAIBn", "video/mp4", 800),)
VOICE = (Attachment("AwACAgUAAxkBAAIBw", "audio/ogg", 8000),)


def _private(
    message: int, text: str = "", photos: tuple[Attachment, ...] = (), **more: Any
) -> Event:
    person = Person("71002345", "zh-hans", "Li Wei")
    fields = {"conversation": LI, "person": person, "at": 1795200000.0 + message} | more
    return Event("424242", str(message), text=text, photos=photos, **fields)


def _group(
    message: int,
    text: str = "",
    photos: tuple[Attachment, ...] = (),
    where: Conversation = GROUP,
    **more: Any,
) -> Event:
    person = Person("81233456", "en", "Ann")
    fields = {"group": True, "at": 1795200000.0 + message} | more
    return Event("424242", str(message), where, person, text, photos, **fields)


def _named(event: Event, name: str, about: str) -> Event:
    return replace(event, message=name, about=about)


def _edit(event: Event, check: str, at: float) -> Event:
    name = f"{event.message}/edit/{int(at)}-{check}"
    return _named(replace(event, kind="edit", at=at), name, event.message)


EVENTS = {
    "private_text": _private(11, "图上有几个圆？"),
    "private_photo_with_caption": _private(12, "What colour is the square?", PHOTO),
    "private_photo_alone": _private(13, "", PHOTO),
    "private_photo_too_large_to_fetch": _private(14, "", SMALLER),
    "private_document_png": _private(15, "这是什么", SCAN),
    "private_document_pdf": _private(16, "summarise this", files=PDF),
    "private_document_of_untold_type": _private(68, "", UNTOLD),
    "private_document_heic": _private(69, photos=HEIC),
    "private_gif": _private(70, files=GIF),
    "private_gif_as_it_is": _private(74, photos=RAW_GIF),
    "private_video_note": _private(71, files=NOTE),
    "private_sticker": _private(17),
    "private_place": _private(72),
    "private_video_with_caption": _private(18, "what happens here", files=VIDEO),
    "private_voice": _private(19, files=VOICE),
    "private_command": _private(20, "/start qr7"),
    "private_forwarded_photo": _private(21, "看看", PHOTO, forwarded=True),
    "private_album_first": _private(22, "compare them", PHOTO, album="13711111111111111"),
    "private_album_second": _private(23, "", PHOTO, album="13711111111111111"),
    "private_topic": _private(24, "hello", conversation=LIS_TOPIC),
    "private_reply_to_a_document": _private(67, "/learn", quoted=Quoted("16", files=PDF)),
    "group_mention_first": _group(31, "这是什么？"),
    "group_mention_after_emoji": _group(32, "👨‍👩‍👧 what is this?"),
    "group_mention_of_another": _group(33, "@vision_bots look", addressed=False),
    "group_mention_by_name": _group(34, "how many?"),
    "group_plain": _group(35, "lunch?", addressed=False),
    "group_photo_plain": _group(36, "", PHOTO, addressed=False),
    "group_photo_with_mention": _group(37, "read it", PHOTO),
    "group_reply_to_us": _group(
        38, "and the red one?", quoted=Quoted("30", "Three circles.", ours=True)
    ),
    "group_reply_to_someone": _group(
        39, "me too", addressed=False, quoted=Quoted("29", "I am hungry")
    ),
    "group_question_about_a_photo": _group(40, "这上面写了什么", quoted=Quoted("28", photos=PHOTO)),
    "group_reply_to_a_scan_with_caption": _group(
        66, "read it", quoted=Quoted("27", "page 2", photos=SCAN)
    ),
    "group_quote_of_a_part": _group(
        64, "is that sure?", quoted=Quoted("30", "One is red.", ours=True)
    ),
    "group_reply_to_another_chat": _group(
        65, "and this?", quoted=Quoted("", "the old map", photos=PHOTO)
    ),
    "group_command": _group(41, "/new", named=False),
    "group_command_for_us": _group(42, "/stop now"),
    "group_command_for_another": _group(43, "/new@other_bot", addressed=False),
    "group_command_for_us_alone": _group(44, "/help"),
    "group_forwarded_command": _group(73, "/ban 5", named=False, forwarded=True),
    "group_our_name_alone": _group(45, " ", at=1795200044.0),
    "topic_text_below_our_own_topic": _group(51, "hello all", where=TOPIC, addressed=False),
    "topic_mention": _group(52, "count", where=TOPIC),
    "group_reply_thread_is_no_topic": _group(53, "yes", quoted=Quoted("30", "Three.", ours=True)),
    "half_an_emoji": _private(61, "what? is it"),
    "edited_message": _edit(_private(11, "图上有几个方块？"), "5bd9e557", 1795200099.0),
    "edited_caption": _edit(_private(12, "And the circle?", PHOTO), "86a2b290", 1795200112.0),
    "edited_in_a_group": _edit(_group(32, "how many squares?"), "618c4cc1", 1795200132.0),
    "press": _named(
        _private(101, "stop", kind="press", at=0.0), "101/press/304567890123456789", "101"
    ),
    "press_in_a_topic": _named(
        _group(102, "down:12", where=TOPIC, kind="press", at=0.0),
        "102/press/304567890123456790",
        "102",
    ),
    "press_below_an_old_message": _named(
        _group(103, "again", kind="press", at=0.0), "103/press/304567890123456791", "103"
    ),
    "stopped_generation": _named(
        _private(3, "stop", kind="press", at=0.0, person=Person("71002345", name="Li Wei")),
        "draft:3/stop/870000143",
        "draft:3",
    ),
    "stopped_generation_in_a_topic": _named(
        _private(
            24,
            "stop",
            kind="press",
            at=0.0,
            person=Person("71002345", name="Li Wei"),
            conversation=LIS_TOPIC,
        ),
        "draft:24/stop/870000170",
        "draft:24",
    ),
}
NOTHING = [
    "channel_post",
    "anonymous_admin",
    "linked_channel",
    "as_a_channel",
    "another_bot",
    "by_way_of_another_bot",
    "joined_the_group",
    "moved_to_supergroup",
    "pinned",
    "unknown_kind",
    "edited_place",
    "edited_by_anonymous_admin",
    "press_below_an_inline_message",
    "press_of_a_game",
]
BROKEN = [
    "broken_without_chat",
    "broken_date",
    "broken_text",
    "broken_ids",
    "broken_press",
    "broken_stop",
]


@pytest.mark.parametrize("name", EVENTS)
def test_a_persons_message_becomes_its_event(name: str) -> None:
    assert parse_update(_recorded(name), US) == EVENTS[name]


@pytest.mark.parametrize("name", NOTHING)
def test_what_no_person_wrote_to_us_becomes_no_event(name: str) -> None:
    assert parse_update(_recorded(name), US) is None


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_update_raises_instead_of_becoming_a_wrong_event(name: str) -> None:
    with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
        parse_update(_recorded(name), US)


def test_two_edits_within_a_second_are_two_events_and_one_told_twice_is_one() -> None:
    first = _recorded("edited_message")
    second = _recorded("edited_message")
    second["edited_message"]["text"] = "图上有几个三角形？"
    again = _recorded("edited_message") | {"update_id": 870000999}

    names = [event.message for update in (first, second, again) if (event := _parsed(update))]

    assert names[0] == names[2] != names[1]


@pytest.mark.parametrize(
    ("update", "number"),
    [
        ({"callback_query": {"id": "7"}}, "7"),
        ({"callback_query": {"id": 7}}, None),
        ({"callback_query": 7}, None),
        ({"message": {}}, None),
    ],
    ids=["press", "strange id", "strange press", "message"],
)
def test_only_a_press_waits_for_an_answer(update: dict[str, Any], number: str | None) -> None:
    assert parse_query(update) == number


def test_every_recorded_payload_is_in_a_table() -> None:
    recorded = {file.stem for file in WIRE.glob("*.json")}

    assert recorded == {*EVENTS, *NOTHING, *BROKEN}


def _parsed(update: dict[str, Any]) -> Event | None:
    return parse_update(update, US)


def _recorded(name: str) -> dict[str, Any]:
    return json.loads((WIRE / f"{name}.json").read_text("utf-8"))
