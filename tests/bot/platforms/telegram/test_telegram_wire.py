"""Recorded payloads in, events out: tests/wire/telegram/*.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot.event import Attachment, Conversation, Event, Person
from bot.platforms.telegram.wire import Account, parse_update

WIRE = Path(__file__).parents[3] / "wire" / "telegram"
US = Account(424242, "vision_bot")

GROUP = Conversation("telegram", "-1001876543210")
TOPIC = Conversation("telegram", "-1001876500000", "5")
PHOTO = (Attachment("AgACAgUAAxkBAAIBy", "image/jpeg", 117734),)
SMALLER = (Attachment("AgACAgUAAxkBAAIBm", "image/jpeg", 21234),)
SCAN = (Attachment("BQACAgUAAxkBAAIBd", "image/png", 2400123),)


def _private(
    message: int, text: str = "", photos: tuple[Attachment, ...] = (), **more: Any
) -> Event:
    place = {"conversation": Conversation("telegram", "71002345")} | more
    person = Person("71002345", "zh-hans")
    return Event("424242", str(message), person=person, text=text, photos=photos, **place)


def _group(
    message: int,
    text: str = "",
    photos: tuple[Attachment, ...] = (),
    where: Conversation = GROUP,
    *,
    addressed: bool = True,
) -> Event:
    person = Person("81233456", "en")
    return Event("424242", str(message), where, person, text, photos, addressed)


EVENTS = {
    "private_text": _private(11, "图上有几个圆？"),
    "private_photo_with_caption": _private(12, "What colour is the square?", PHOTO),
    "private_photo_alone": _private(13, "", PHOTO),
    "private_photo_too_large_to_fetch": _private(14, "", SMALLER),
    "private_document_png": _private(15, "这是什么", SCAN),
    "private_document_pdf": _private(16),
    "private_sticker": _private(17),
    "private_video_with_caption": _private(18),
    "private_voice": _private(19),
    "private_command": _private(20, "/start qr7"),
    "private_forwarded_photo": _private(21, "看看", PHOTO),
    "private_album_first": _private(22, "compare them", PHOTO, album="13711111111111111"),
    "private_album_second": _private(23, "", PHOTO, album="13711111111111111"),
    "private_topic": _private(24, "hello", conversation=Conversation("telegram", "71002345", "77")),
    "group_mention_first": _group(31, "这是什么？"),
    "group_mention_after_emoji": _group(32, "👨‍👩‍👧 what is this?"),
    "group_mention_of_another": _group(33, "@vision_bots look", addressed=False),
    "group_mention_by_name": _group(34, "how many?"),
    "group_plain": _group(35, "lunch?", addressed=False),
    "group_photo_plain": _group(36, "", PHOTO, addressed=False),
    "group_photo_with_mention": _group(37, "read it", PHOTO),
    "group_reply_to_us": _group(38, "and the red one?"),
    "group_reply_to_someone": _group(39, "me too", addressed=False),
    "group_question_about_a_photo": _group(40, "这上面写了什么", PHOTO),
    "group_command": _group(41, "/new"),
    "group_command_for_us": _group(42, "/stop now"),
    "group_command_for_another": _group(43, "/new@other_bot", addressed=False),
    "group_command_for_us_alone": _group(44, "/help"),
    "group_our_name_alone": _group(45, " "),
    "topic_text_below_our_own_topic": _group(51, "hello all", where=TOPIC, addressed=False),
    "topic_mention": _group(52, "count", where=TOPIC),
    "group_reply_thread_is_no_topic": _group(53, "yes"),
    "half_an_emoji": _private(61, "what? is it"),
}
NOTHING = [
    "edited_message",
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
]
BROKEN = ["broken_without_chat", "broken_date", "broken_text", "broken_ids"]


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


def test_every_recorded_payload_is_in_a_table() -> None:
    recorded = {file.stem for file in WIRE.glob("*.json")}

    assert recorded == {*EVENTS, *NOTHING, *BROKEN}


def _recorded(name: str) -> dict[str, Any]:
    return json.loads((WIRE / f"{name}.json").read_text("utf-8"))
