"""Sending, editing and fetching against the emulator, and what each failure is called."""

from __future__ import annotations

import dataclasses
import traceback
from collections.abc import AsyncIterator, Callable

import pytest

from bot.event import Attachment, Conversation
from bot.platforms.base import (
    Gone,
    LostMessage,
    NotSent,
    PlatformError,
    Post,
    Refused,
    Revoked,
    TooFast,
    Unclear,
)
from bot.platforms.telegram.adapter import Telegram
from tests.bot.platforms.telegram.receiving import QUICK, Inbox, running
from tests.emulators.telegram.chats import Chat
from tests.emulators.telegram.faults import Fault
from tests.emulators.telegram.people import Person
from tests.emulators.telegram.server import Emulator

Make = Callable[..., Telegram]


@pytest.fixture
async def telegram(emulator: Emulator, make: Make) -> AsyncIterator[Telegram]:
    telegram = make()
    async with running(telegram, Inbox().accept):
        await emulator.until(lambda: emulator.calls_of("deleteWebhook"))
        yield telegram


@pytest.fixture
def person(emulator: Emulator) -> Person:
    return emulator.person()


def _to(chat: Chat, thread: str = "") -> Conversation:
    return Conversation("telegram", str(chat.head["id"]), thread)


async def test_an_answer_stands_below_its_question_without_a_link_preview(
    emulator: Emulator, telegram: Telegram, person: Person
) -> None:
    question = person.says("what is on https://example.org ?")

    number = await telegram.send(
        _to(person.chat), Post("…", final=False), reply_to=str(question.id), key="k"
    )

    placeholder = emulator.said(person.chat)[0]
    assert (placeholder.text, str(placeholder.id)) == ("…", number)
    assert placeholder.answers == question.id
    fields = emulator.calls_of("sendMessage")[0].fields
    assert fields["link_preview_options"] == '{"is_disabled": true}'
    assert "parse_mode" not in fields


async def test_edits_change_the_one_message(
    emulator: Emulator, telegram: Telegram, person: Person
) -> None:
    number = await telegram.send(_to(person.chat), Post("…", final=False), reply_to=None, key="k")

    await telegram.edit(_to(person.chat), number, Post("A red", final=False))
    await telegram.edit(_to(person.chat), number, Post("A red circle *and* <b>", final=True))

    [message] = emulator.said(person.chat)
    said = [version.text for version in message.versions]
    assert said == ["…", "A red", "A red circle *and* <b>"]


@pytest.mark.row(23)
async def test_an_edit_that_changes_nothing_is_a_success(
    emulator: Emulator, telegram: Telegram, person: Person
) -> None:
    number = await telegram.send(_to(person.chat), Post("done", final=True), reply_to=None, key="k")

    await telegram.edit(_to(person.chat), number, Post("done", final=True))

    assert emulator.calls_of("editMessageText")[0].status == 400


async def test_an_answer_goes_into_the_topic_of_its_question(
    emulator: Emulator, telegram: Telegram
) -> None:
    group = emulator.group(topics=(5, 6))

    await telegram.send(_to(group, "6"), Post("here", final=True), reply_to=None, key="k")

    assert [message.thread for message in emulator.said(group)] == [6]


async def test_an_answer_comes_although_its_question_was_deleted(
    emulator: Emulator, telegram: Telegram, person: Person
) -> None:
    question = person.says("oops")
    person.deletes(question)

    await telegram.send(
        _to(person.chat), Post("answer", final=True), reply_to=str(question.id), key="k"
    )

    assert [message.text for message in emulator.said(person.chat)] == ["answer"]


async def test_half_an_emoji_of_the_model_does_not_lose_the_answer(
    emulator: Emulator, telegram: Telegram, person: Person
) -> None:
    await telegram.send(_to(person.chat), Post("a \ud83d b", final=True), reply_to=None, key="k")

    assert emulator.said(person.chat)[0].text == "a ? b"


@pytest.mark.parametrize(
    ("text", "fits"),
    [("x" * 4096, True), ("x" * 4097, False), ("😀" * 2048, True), ("😀" * 2049, False)],
    ids=["4096 letters", "4097 letters", "2048 emoji", "2049 emoji"],
)
async def test_the_limit_we_promise_is_the_one_telegram_keeps(
    emulator: Emulator, telegram: Telegram, person: Person, text: str, *, fits: bool
) -> None:
    limits = telegram.limits(_to(person.chat))
    units = len(text.encode("utf-16-le")) // 2

    assert (limits.unit, units <= limits.text_units) == ("utf-16", fits)
    if fits:
        await telegram.send(_to(person.chat), Post(text, final=True), reply_to=None, key="k")
    else:
        with pytest.raises(Refused):
            await telegram.send(_to(person.chat), Post(text, final=True), reply_to=None, key="k")


def test_edits_in_groups_are_rarer_than_in_private_chats(make: Make) -> None:
    telegram = make(edit_every_s=1.5, group_edit_every_s=4.0)

    private = telegram.limits(Conversation("telegram", "5001"))
    group = telegram.limits(Conversation("telegram", "-1001876543210", "5"))

    assert (private.edit_every_s, group.edit_every_s, private.calls_per_s) == (1.5, 4.0, 30.0)


@pytest.mark.row(17)
async def test_a_flood_says_how_long_to_wait_and_only_for_that_chat(
    emulator: Emulator, telegram: Telegram, person: Person
) -> None:
    other = emulator.person("Ann")
    emulator.flood.ban(person.chat.head["id"], 35)

    with pytest.raises(TooFast) as caught:
        await telegram.send(_to(person.chat), Post("hello", final=True), reply_to=None, key="k")
    await telegram.send(_to(other.chat), Post("hello", final=True), reply_to=None, key="k")

    assert caught.value.retry_after_s == 35
    assert len(emulator.said(other.chat)) == 1


async def test_writing_too_fast_is_called_too_fast(
    emulator: Emulator, telegram: Telegram, person: Person
) -> None:
    number = await telegram.send(_to(person.chat), Post("0", final=True), reply_to=None, key="k")

    async def hurry() -> None:
        for count in range(1, 10):
            await telegram.edit(_to(person.chat), number, Post(str(count), final=False))

    with pytest.raises(TooFast):
        await hurry()


async def test_a_lost_response_is_unclear_and_the_message_stands(
    emulator: Emulator, telegram: Telegram, person: Person
) -> None:
    emulator.faults.plan("sendMessage", Fault("lost"))

    with pytest.raises(Unclear):
        await telegram.send(_to(person.chat), Post("…", final=False), reply_to=None, key="k")

    assert len(emulator.said(person.chat)) == 1


async def test_a_server_that_says_nothing_is_unclear_after_the_time_limit(
    emulator: Emulator, make: Make, person: Person
) -> None:
    telegram = make(timings=dataclasses.replace(QUICK, read_s=0.1))
    emulator.faults.plan("sendMessage", Fault("silence"))

    async with running(telegram, Inbox().accept):
        with pytest.raises(Unclear):
            await telegram.send(_to(person.chat), Post("…", final=False), reply_to=None, key="k")

    assert len(emulator.said(person.chat)) == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault("reset"),
        Fault("body"),
        Fault("body", 502, b""),
        Fault("body", 500, b'{"ok": false, "error_code": 500, "description": "restart"}'),
        Fault("body", 504, b"x" * 10_000_000),
        Fault("body", 200, b"<html>hello</html>"),
        Fault("body", 200, b'{"ok": true}', "application/json"),
        Fault("body", 200, b'{"ok": true, "result": null}', "application/json"),
        Fault("body", 200, b'{"ok": true, "result": {"message_id": 5}}', "application/json"),
        Fault("body", 200, b"[" * 100_000, "application/json"),
    ],
    ids=[
        "reset",
        "502 html",
        "502 empty",
        "500",
        "504 huge",
        "200 html",
        "no result",
        "null",
        "half a message",
        "deep",
    ],
)
@pytest.mark.parametrize("method", ["sendMessage", "editMessageText"])
@pytest.mark.row(19)
async def test_an_answer_that_says_nothing_certain_is_unclear(
    emulator: Emulator, telegram: Telegram, person: Person, fault: Fault, method: str
) -> None:
    number = await telegram.send(_to(person.chat), Post("…", final=False), reply_to=None, key="k")
    emulator.faults.plan(method, fault)

    if method == "sendMessage":
        call = telegram.send(_to(person.chat), Post("hello", final=True), reply_to=None, key="k")
    else:
        call = telegram.edit(_to(person.chat), number, Post("hello", final=True))
    with pytest.raises(Unclear) as caught:
        await call

    assert len(str(caught.value)) < 300
    assert len("".join(traceback.format_exception(caught.value))) < 50_000


async def test_without_a_connection_nothing_was_sent(
    emulator: Emulator, telegram: Telegram, person: Person
) -> None:
    await emulator.stop()

    with pytest.raises(NotSent):
        await telegram.send(_to(person.chat), Post("hello", final=True), reply_to=None, key="k")


async def test_after_the_end_nothing_is_sent(
    emulator: Emulator, make: Make, person: Person
) -> None:
    telegram = make()
    async with running(telegram, Inbox().accept):
        await emulator.until(lambda: emulator.calls_of("deleteWebhook"))

    with pytest.raises(NotSent):
        await telegram.send(_to(person.chat), Post("hello", final=True), reply_to=None, key="k")


async def test_a_person_who_blocked_us_is_gone(
    emulator: Emulator, telegram: Telegram, person: Person
) -> None:
    number = await telegram.send(_to(person.chat), Post("…", final=False), reply_to=None, key="k")
    person.blocks()

    with pytest.raises(Gone):
        await telegram.send(_to(person.chat), Post("hello", final=True), reply_to=None, key="k")
    with pytest.raises(Gone):
        await telegram.edit(_to(person.chat), number, Post("hello", final=True))


@pytest.mark.parametrize("chat", ["999999", "-1001999999999"], ids=["person", "group"])
async def test_a_chat_that_does_not_exist_is_gone(telegram: Telegram, chat: str) -> None:
    with pytest.raises(Gone):
        await telegram.send(
            Conversation("telegram", chat), Post("hello", final=True), reply_to=None, key="k"
        )


async def test_a_topic_that_does_not_exist_is_gone(emulator: Emulator, telegram: Telegram) -> None:
    group = emulator.group(topics=(5,))

    with pytest.raises(Gone):
        await telegram.send(_to(group, "6"), Post("hello", final=True), reply_to=None, key="k")


@pytest.mark.row(23)
async def test_a_message_that_was_deleted_is_lost(
    emulator: Emulator, telegram: Telegram, person: Person
) -> None:
    number = await telegram.send(_to(person.chat), Post("…", final=False), reply_to=None, key="k")
    person.deletes(emulator.said(person.chat)[0])

    with pytest.raises(LostMessage):
        await telegram.edit(_to(person.chat), number, Post("hello", final=True))


async def test_a_message_of_somebody_else_cannot_be_edited(
    telegram: Telegram, person: Person
) -> None:
    theirs = person.says("mine")

    with pytest.raises(LostMessage):
        await telegram.edit(_to(person.chat), str(theirs.id), Post("ours", final=True))


async def test_a_revoked_token_is_called_so(
    emulator: Emulator, telegram: Telegram, person: Person
) -> None:
    emulator.revoked = True

    with pytest.raises(Revoked):
        await telegram.send(_to(person.chat), Post("hello", final=True), reply_to=None, key="k")


async def test_empty_text_is_refused(telegram: Telegram, person: Person) -> None:
    with pytest.raises(Refused):
        await telegram.send(_to(person.chat), Post("  ", final=True), reply_to=None, key="k")


@pytest.mark.row(25)
async def test_an_answer_follows_its_group_to_the_supergroup(
    emulator: Emulator, telegram: Telegram
) -> None:
    old, new = emulator.small_group(), emulator.group()
    number = await telegram.send(_to(old), Post("…", final=False), reply_to=None, key="k")
    old.moved_to = new.head["id"]

    with pytest.raises(LostMessage):
        await telegram.edit(_to(old), number, Post("answer", final=True))
    await telegram.send(_to(old), Post("answer", final=True), reply_to="77", key="k")
    await telegram.send(_to(old), Post("more", final=True), reply_to=None, key="k")

    assert [message.text for message in emulator.said(new)] == ["answer", "more"]
    assert [call.status for call in emulator.calls_of("sendMessage")] == [200, 200, 200]


async def test_a_photo_is_fetched_whole(
    emulator: Emulator, telegram: Telegram, person: Person
) -> None:
    data = bytes(range(256)) * 2000
    photo = _photo(person, data)

    assert await telegram.fetch(photo, max_bytes=len(data)) == data


async def test_a_photo_beyond_the_limit_is_refused_before_it_is_downloaded(
    emulator: Emulator, telegram: Telegram, person: Person
) -> None:
    photo = _photo(person, b"x" * 1001)

    with pytest.raises(Refused, match="1001 bytes, the limit is 1000"):
        await telegram.fetch(photo, max_bytes=1000)


@pytest.mark.parametrize("size", ["1", "absent"])
async def test_a_download_stops_at_the_limit_whatever_the_size_was_said_to_be(
    emulator: Emulator, telegram: Telegram, person: Person, size: str
) -> None:
    photo = _photo(person, b"x" * 1_000_000)
    said = b'"file_size": 1, ' if size == "1" else b""
    path = (emulator.files.path(photo.ref) or "").encode()
    body = b'{"ok": true, "result": {"file_id": "a", "file_unique_id": "b", %s"file_path": "%s"}}'
    emulator.faults.plan("getFile", Fault("body", 200, body % (said, path), "application/json"))

    with pytest.raises(Refused, match="the limit is 1000"):
        await telegram.fetch(photo, max_bytes=1000)


@pytest.mark.row(22)
async def test_a_download_that_breaks_off_is_no_photo(
    emulator: Emulator, telegram: Telegram, person: Person
) -> None:
    photo = _photo(person, b"x" * 200_000)
    emulator.faults.plan("file", Fault("cut"))

    with pytest.raises(Unclear):
        await telegram.fetch(photo, max_bytes=1_000_000)

    assert len(await telegram.fetch(photo, max_bytes=1_000_000)) == 200_000


@pytest.mark.parametrize(
    ("fault", "called"),
    [
        (Fault("body", 404, b"gone"), Refused),
        (Fault("body", 401, b""), Revoked),
        (Fault("body", 429, b""), TooFast),
        (Fault("body", 503, b""), Unclear),
        (Fault("body", 302, b""), Refused),
        (Fault("body", 200, b"shorter"), Unclear),
    ],
    ids=["404", "401", "429", "503", "redirect", "shorter than said"],
)
async def test_a_failed_download_is_called_by_its_name(
    emulator: Emulator,
    telegram: Telegram,
    person: Person,
    fault: Fault,
    called: type[PlatformError],
) -> None:
    photo = _photo(person, b"x" * 5000)
    emulator.faults.plan("file", fault)

    with pytest.raises(called):
        await telegram.fetch(photo, max_bytes=10_000)


async def test_a_photo_telegram_does_not_know_is_refused(telegram: Telegram) -> None:
    with pytest.raises(Refused):
        await telegram.fetch(Attachment("nonsense"), max_bytes=1000)


async def test_a_path_on_the_servers_own_disk_is_not_read(
    emulator: Emulator, telegram: Telegram
) -> None:
    body = b'{"ok": true, "result": {"file_id": "a", "file_unique_id": "b", "file_path": "%s"}}'
    path = __file__.encode()
    emulator.faults.plan("getFile", Fault("body", 200, body % path, "application/json"))

    with pytest.raises(Refused):
        await telegram.fetch(Attachment("a"), max_bytes=100_000)


def _photo(person: Person, data: bytes) -> Attachment:
    message = person.sends_photo(data)
    size = message.payload["photo"][-1]
    return Attachment(size["file_id"], "image/jpeg", size["file_size"])
