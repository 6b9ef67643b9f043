"""The long poll against the emulator: commit, then acknowledge; nothing stops it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import aiohttp
import pytest

from bot.event import Event
from bot.platforms.telegram.adapter import Telegram
from tests.bot.platforms.telegram.receiving import Heard, Inbox, running
from tests.emulators.telegram.faults import Fault
from tests.emulators.telegram.server import Emulator

Make = Callable[..., Telegram]


async def test_what_a_person_says_arrives_and_is_acknowledged(
    emulator: Emulator, make: Make, inbox: Inbox
) -> None:
    message = emulator.person().says("hello")

    async with running(make(), inbox.accept):
        await emulator.until(lambda: not emulator.updates.waiting())

    assert inbox.texts() == ["hello"]
    assert inbox.events[0].message == str(message.id)
    assert inbox.events[0].bot == str(emulator.bot["id"])


async def test_messages_of_our_absence_are_not_dropped_at_the_start(
    emulator: Emulator, make: Make, inbox: Inbox
) -> None:
    person = emulator.person()
    for number in range(150):  # more than one poll brings
        person.says(f"question {number}")

    async with running(make(), inbox.accept):
        await emulator.until(lambda: not emulator.updates.waiting())

    assert inbox.texts() == [f"question {number}" for number in range(150)]


async def test_an_update_is_not_acknowledged_before_it_is_committed(
    emulator: Emulator, make: Make, inbox: Inbox
) -> None:
    reached = asyncio.Event()

    async def hang(event: Event) -> None:
        reached.set()
        await asyncio.Event().wait()

    emulator.person().says("hello")
    async with running(make(), hang):
        await reached.wait()

    assert len(emulator.updates.waiting()) == 1
    async with running(make(), inbox.accept):
        await emulator.until(lambda: not emulator.updates.waiting())
    assert inbox.texts() == ["hello"]


async def test_an_end_between_commit_and_acknowledgement_brings_the_update_again(
    emulator: Emulator, make: Make, inbox: Inbox
) -> None:
    committed = asyncio.Event()

    async def commit_and_hang(event: Event) -> None:
        await inbox.accept(event)
        committed.set()
        await asyncio.Event().wait()

    emulator.person().says("hello")
    async with running(make(), commit_and_hang):
        await committed.wait()

    async with running(make(), inbox.accept):
        await emulator.until(lambda: not emulator.updates.waiting())
    assert (inbox.texts(), inbox.repeated) == (["hello"], 1)


async def test_a_failing_commit_is_tried_again_until_it_succeeds(
    emulator: Emulator, make: Make, inbox: Inbox
) -> None:
    person = emulator.person()
    person.says("first")
    person.says("second")
    inbox.failing = 4

    async with running(make(), inbox.accept):
        await emulator.until(lambda: not emulator.updates.waiting())

    assert inbox.texts() == ["first", "second"]


async def test_a_chat_whose_message_cannot_be_committed_holds_up_no_other_chat(
    emulator: Emulator, make: Make, inbox: Inbox
) -> None:
    """And it is asked for again, in its order; what was committed already is known."""
    ann, li = emulator.person("Ann"), emulator.person("Li")
    failing = ["first"]

    async def accept(event: Event) -> None:
        if event.text in failing:
            raise OSError(28, "no space left on device")
        await inbox.accept(event)

    ann.says("first")
    ann.says("second")
    li.says("third")
    async with running(make(), accept):
        await emulator.until(lambda: len(emulator.calls_of("getUpdates")) >= 3)
        assert inbox.texts() == ["third"]
        assert len(emulator.updates.waiting()) == 3  # none is acknowledged before the first

        failing.clear()
        await emulator.until(lambda: not emulator.updates.waiting())

    assert inbox.texts() == ["third", "first", "second"]


async def test_a_poisoned_update_is_skipped_and_the_one_behind_it_arrives(
    emulator: Emulator, make: Make, inbox: Inbox, heard: Heard
) -> None:
    poison = emulator.updates.put_raw({"message": {"message_id": 5, "text": "secret words"}})
    emulator.updates.put_raw({"message": 7})
    emulator.person().says("hello")

    async with running(make(), inbox.accept):
        await emulator.until(lambda: not emulator.updates.waiting())

    assert inbox.texts() == ["hello"]
    assert f"update {poison} cannot be read" in heard.text
    assert "secret words" not in heard.text


@pytest.mark.row(19)
async def test_updates_without_a_number_do_not_make_the_poll_spin(
    emulator: Emulator, make: Make, inbox: Inbox, heard: Heard
) -> None:
    nameless = b'{"ok": true, "result": [{"message": {}}, 5]}'
    emulator.faults.plan("getUpdates", Fault("body", 200, nameless, "application/json"))
    emulator.person().says("hello")

    async with running(make(), inbox.accept):
        await emulator.until(lambda: inbox.events)

    assert inbox.texts() == ["hello"]
    assert "2 updates without a new number. Next try in" in heard.text


async def test_an_edited_message_is_an_edit_and_no_second_message(
    emulator: Emulator, make: Make, inbox: Inbox
) -> None:
    person = emulator.person()

    async with running(make(), inbox.accept):
        message = person.says("how many circles?")
        await emulator.until(lambda: inbox.events)
        person.edits(message, "how many squares?")
        await emulator.until(lambda: len(inbox.events) > 1)

    said = [(event.kind, event.text, event.about) for event in inbox.events]
    assert said == [
        ("message", "how many circles?", ""),
        ("edit", "how many squares?", str(message.id)),
    ]


@pytest.mark.parametrize("backwards", [False, True], ids=["in order", "reordered"])
async def test_a_repeated_message_reaches_the_inbox_under_the_same_name(
    emulator: Emulator, make: Make, inbox: Inbox, *, backwards: bool
) -> None:
    person = emulator.person()
    emulator.updates.hold()
    first = person.says("first")
    person.says("second")
    emulator.updates.put("message", first.payload)
    emulator.updates.release(backwards=backwards)

    async with running(make(), inbox.accept):
        await emulator.until(lambda: not emulator.updates.waiting())

    assert sorted(inbox.texts()) == ["first", "second"]
    assert inbox.repeated == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault("reset"),
        Fault("lost"),
        Fault("body"),
        Fault("body", 500, b""),
        Fault("body", 200, b"<html>a captive portal</html>"),
        Fault("body", 200, b'{"ok": true}', "application/json"),
        Fault("body", 200, b'{"ok": true, "result": {}}', "application/json"),
    ],
    ids=["reset", "lost", "502 html", "500 empty", "html", "no result", "no list"],
)
async def test_a_failing_poll_is_repeated(
    emulator: Emulator, make: Make, inbox: Inbox, fault: Fault
) -> None:
    emulator.faults.plan("getUpdates", fault, fault)
    emulator.person().says("hello")

    async with running(make(), inbox.accept):
        await emulator.until(lambda: not emulator.updates.waiting())

    assert inbox.texts() == ["hello"]


async def test_a_poll_that_came_too_often_pauses_for_as_long_as_it_was_told(
    emulator: Emulator, make: Make, inbox: Inbox, heard: Heard
) -> None:
    flood = b'{"ok": false, "error_code": 429, "parameters": {"retry_after": 33}}'
    emulator.faults.plan("getUpdates", Fault("body", 429, flood, "application/json"))

    async with running(make(), inbox.accept):
        await heard.until("asked to wait 33 s. Next try in 33.0 s")

    assert len(emulator.calls_of("getUpdates")) == 1


async def test_a_start_without_network_waits_for_it(
    emulator: Emulator, make: Make, inbox: Inbox, heard: Heard
) -> None:
    emulator.person().says("hello")
    telegram = make()
    await emulator.stop()

    async with running(telegram, inbox.accept):
        await heard.until("getMe failed")
        await emulator.start()
        await emulator.until(lambda: inbox.events)

    assert inbox.texts() == ["hello"]


@pytest.mark.row(27)
async def test_a_second_poller_is_named_in_the_log_and_survived(
    emulator: Emulator, make: Make, inbox: Inbox, heard: Heard
) -> None:
    async with running(make(), inbox.accept), aiohttp.ClientSession() as another:
        await emulator.until(lambda: emulator.calls_of("deleteWebhook"))
        while "another program receives with this token" not in heard.text:
            async with another.get(
                f"{emulator.url}/bot{emulator.token}/getUpdates?timeout=0"
            ) as response:
                await response.read()
        emulator.person().says("hello")
        await emulator.until(lambda: inbox.events)

    assert inbox.texts() == ["hello"]


@pytest.mark.row(27)
async def test_a_webhook_somebody_set_is_removed_again(
    emulator: Emulator, make: Make, inbox: Inbox
) -> None:
    async with running(make(), inbox.accept), aiohttp.ClientSession() as another:
        person = emulator.person()
        person.says("hello")
        await emulator.until(lambda: inbox.events)
        address = f"{emulator.url}/bot{emulator.token}/setWebhook?url=http://127.0.0.1:9/x"
        async with another.post(address) as response:
            assert response.status == 200
        person.says("still there?")
        await emulator.until(lambda: len(inbox.events) > 1)

    assert emulator.hook.url == ""


@pytest.mark.row(26)
async def test_a_revoked_token_is_reported_and_the_account_lives_again_with_a_valid_one(
    emulator: Emulator, make: Make, inbox: Inbox, heard: Heard
) -> None:
    emulator.revoked = True

    async with running(make(), inbox.accept):
        await emulator.until(lambda: len(emulator.calls) > 2)
        emulator.revoked = False
        emulator.person().says("hello")
        await emulator.until(lambda: inbox.events)

    assert "the token is not accepted any more" in heard.text
    assert inbox.texts() == ["hello"]


async def test_what_waits_is_never_dropped(emulator: Emulator, make: Make, inbox: Inbox) -> None:
    async with running(make(), inbox.accept):
        await emulator.until(lambda: emulator.calls_of("deleteWebhook"))

    fields = emulator.calls_of("deleteWebhook")[0].fields
    assert fields.get("drop_pending_updates", "false") == "false"


async def test_the_menu_of_commands_is_offered_in_each_language(
    emulator: Emulator, make: Make, inbox: Inbox
) -> None:
    commands = {"": [("new", "Start again")], "zh": [("new", "重新开始")]}

    async with running(make(commands=commands), inbox.accept):
        await emulator.until(lambda: len(emulator.calls_of("setMyCommands")) == 2)

    assert emulator.methods.commands == {"": {"new": "Start again"}, "zh": {"new": "重新开始"}}


@pytest.mark.parametrize(
    "fault",
    [Fault("reset"), Fault("body"), Fault("body", 200, b'{"ok": true}', "application/json")],
    ids=["reset", "502", "no result"],
)
async def test_without_a_menu_of_commands_messages_arrive_nevertheless(
    emulator: Emulator, make: Make, inbox: Inbox, heard: Heard, fault: Fault
) -> None:
    emulator.faults.plan("setMyCommands", fault)
    emulator.person().says("hello")

    async with running(make(commands={"": [("new", "Start again")]}), inbox.accept):
        await emulator.until(lambda: inbox.events)

    assert "no menu of commands" in heard.text


async def test_our_log_never_shows_the_token(
    emulator: Emulator, make: Make, inbox: Inbox, heard: Heard
) -> None:
    emulator.faults.plan("getMe", Fault("reset"), Fault("body"), Fault("body", 401, b"{}"))
    emulator.faults.plan("getUpdates", Fault("lost"), Fault("body", 404, b"{}"), Fault("body"))
    inbox.failing = 1
    emulator.person().says("hello")

    async with running(make(), inbox.accept):
        await emulator.until(lambda: not emulator.updates.waiting())

    assert "not accepted" in heard.text
    assert "was not committed" in heard.text
    assert emulator.token.partition(":")[2] not in heard.text


async def test_an_answered_poll_ends_the_silence(
    emulator: Emulator, make: Make, inbox: Inbox
) -> None:
    telegram = make()
    before, began = telegram.silent_s(), time.monotonic()
    emulator.person().says("hello")

    async with running(telegram, inbox.accept):
        await emulator.until(lambda: not emulator.updates.waiting())
        passed_s = time.monotonic() - began
        after = telegram.silent_s()

    assert before is not None
    assert after is not None
    assert after < before + passed_s


def test_who_is_told_by_a_webhook_is_never_silent(make: Make) -> None:
    telegram = make(webhook_url="https://bot.example.org", webhook_secret="s" * 16)

    assert telegram.silent_s() is None
