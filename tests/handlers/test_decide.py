"""What each message means: the tables, the gates and every handler through the one door."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.action import Ask, Ignore, Keep, Renew, Say, Stop
from bot.event import Attachment, Conversation, Event, Person
from bot.rules import GroupsSection
from bot.texts import say
from handlers import COMMANDS, decide
from handlers.commands import command_of
from handlers.desk import Desk
from tests.handlers.desks import a_desk

PHOTO = Attachment("ref", "image/jpeg", 1000)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with a_desk(tmp_path) as desk:
        yield desk


def message(text: str = "", *photos: Attachment, **more: object) -> Event:
    event = Event("bot", "1", Conversation("test", "7"), Person("p", "en"), text, photos)
    return replace(event, **more)


async def test_a_photo_with_words_is_asked(desk: Desk):
    assert await decide(message("how many?", PHOTO), desk) == Ask("how many?")


async def test_words_alone_are_asked(desk: Desk):
    assert await decide(message("and the other one?"), desk) == Ask("and the other one?")


@pytest.mark.parametrize("text", ["", "  \n", "\u200b\u2060"])
async def test_a_photo_without_words_is_kept_and_the_question_asked_for(desk: Desk, text: str):
    assert await decide(message(text, PHOTO), desk) == Keep(say("photo_kept", "en"))


@pytest.mark.parametrize(
    "event",
    [
        message("how many?", addressed=False),
        message("/new", addressed=False),
        message("", PHOTO, addressed=False),
        message(addressed=False),
    ],
    ids=["words", "command", "photo", "sticker"],
)
async def test_what_is_not_said_to_us_is_ignored(desk: Desk, event: Event):
    assert await decide(event, desk) == Ignore()


@pytest.mark.parametrize(
    "event",
    [
        message(),
        message("look", Attachment("ref", "video/mp4")),
        message("", PHOTO, Attachment("ref", "application/pdf")),
        message("what does it say?", files=(Attachment("ref", "application/pdf"),)),
    ],
    ids=["sticker", "video", "one file of two", "file with words"],
)
async def test_what_cannot_be_looked_at_is_told_so(desk: Desk, event: Event):
    assert await decide(event, desk) == Say(say("unsupported", "en"), notice=True)


async def test_a_photo_whose_kind_the_platform_does_not_say_is_let_through(desk: Desk):
    assert await decide(message("what?", Attachment("ref")), desk) == Ask("what?")


@pytest.mark.parametrize("text", [" ", "\n\t", "\u200b", "\u3000"])
async def test_words_nobody_can_see_are_asked_for(desk: Desk, text: str):
    assert await decide(message(text), desk) == Say(say("empty", "en"), notice=True)


@pytest.mark.parametrize("text", ["?", "？", "👍", "7"])
async def test_a_single_sign_is_a_question(desk: Desk, text: str):
    assert await decide(message(text), desk) == Ask(text)


@pytest.mark.parametrize(
    ("command", "action"),
    [
        ("/start", Say(say("start", "en"))),
        ("/new", Renew(say("renewed", "en"))),
        ("/stop", Stop(say("nothing_to_stop", "en"))),
    ],
)
async def test_each_command_does_its_own(desk: Desk, command: str, action: object):
    assert await decide(message(command), desk) == action


@pytest.mark.parametrize(
    "text", ["/new", "/NEW", "/New@Some_Bot", "／new", "／ｎｅｗ", " /new", "/new\n", "/new please"]
)
async def test_a_command_is_known_however_it_is_typed(desk: Desk, text: str):
    assert await decide(message(text), desk) == Renew(say("renewed", "en"))


@pytest.mark.parametrize("text", ["/weather", "/quota"])
async def test_a_bare_command_that_may_be_another_bots_is_not_answered(desk: Desk, text: str):
    event = message(text, group=True, named=False)

    assert await decide(event, desk) == Ignore()


@pytest.mark.parametrize(
    ("text", "near"), [("/usgae", "/usage"), ("/help nwe", "/new"), ("/quote", None)]
)
async def test_the_nearest_command_that_one_may_use_is_named(
    desk: Desk, text: str, near: str | None
):
    action = await decide(message(text), desk)

    assert isinstance(action, Say)
    assert ("Did you mean" in action.text) == (near is not None)
    assert near is None or f"Did you mean {near}?" in action.text


@pytest.mark.parametrize("text", ["/weather", "/ask@bot what?", "/" + "x" * 32])
async def test_an_unknown_command_is_named_in_the_answer(desk: Desk, text: str):
    action = await decide(message(text), desk)

    assert action == Say(say("unknown_command", "en", command=command_of(text)))


@pytest.mark.parametrize(
    "text",
    ["/", "//new", "/home/me/cat.png", "what is /new?", "/这是什么", "/ new", "/" + "x" * 33],
)
async def test_a_slash_alone_makes_no_command(desk: Desk, text: str):
    assert await decide(message(text), desk) == Ask(text)


async def test_a_command_is_answered_in_the_language_of_the_platform(desk: Desk):
    chinese = message("/start", person=Person("p", "zh-hans"))

    assert await decide(chinese, desk) == Say(say("start", "zh"))


async def test_without_any_sign_of_a_language_the_default_is_spoken(desk: Desk):
    unknown = message("", PHOTO, person=Person("p"))

    assert await decide(unknown, desk) == Keep(say("photo_kept", "zh"))


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_help_lists_every_command_that_this_person_may_use(desk: Desk, language: str):
    action = await decide(message("/help", person=Person("p", language)), desk)

    assert isinstance(action, Say)
    assert action.text.startswith(say("help", language))
    listed = re.findall(r"^/(\w+) (.+)$", action.text, re.MULTILINE)
    assert listed == [
        (name, say(command.summary, language))
        for name, command in COMMANDS.items()
        if (command.role, command.where) == ("guest", "anywhere")
    ]


async def test_a_command_may_come_with_a_file(desk: Desk):
    file = Attachment("ref", "application/pdf", name="menu.pdf")

    assert await decide(message("/start", files=(file,)), desk) == Say(say("start", "en"))


async def test_what_was_edited_is_not_answered_again(desk: Desk):
    assert await decide(message("how many?", kind="edit", about="1"), desk) == Ignore()


def in_a_group(text: str = "", *photos: Attachment, **more: object) -> Event:
    return message(text, *photos, group=True, **{"addressed": False, **more})


@pytest.mark.parametrize(
    ("event", "action"),
    [
        (in_a_group("how many?"), Ask("how many?")),
        (in_a_group("how many?", PHOTO), Ask("how many?")),
        (in_a_group("", PHOTO), Keep("")),
        (in_a_group("", PHOTO, addressed=True), Keep(say("photo_kept", "en"))),
        (in_a_group(), Ignore()),
        (in_a_group("look", Attachment("ref", "video/mp4")), Ignore()),
        (in_a_group("look", files=(Attachment("ref", "audio/ogg"),)), Ignore()),
        (in_a_group("/new"), Ignore()),
        (in_a_group("/new@other_bot"), Ignore()),
        (in_a_group(addressed=True), Say(say("unsupported", "en"), notice=True)),
    ],
    ids=lambda one: repr(one)[:12] if not isinstance(one, Event) else None,
)
async def test_where_all_questions_are_answered_nothing_else_is(
    desk: Desk, event: Event, action: object
):
    desk.rules.change(groups=GroupsSection(answer="all"))

    assert await decide(event, desk) == action


async def said(desk: Desk, event: Event) -> int:
    await desk.inbox.accept(event)
    entry = await desk.inbox.said(event.conversation, event.message)
    assert entry is not None
    return entry.id


@pytest.mark.row(40)
async def test_who_deletes_a_question_stops_its_answer(desk: Desk):
    number = await said(desk, message("how many?"))

    deletion = message(message="1/delete", kind="delete", about="1")
    assert await decide(deletion, desk) == Stop("", number)


@pytest.mark.parametrize(
    "other", [{"person": Person("q")}, {"about": "2"}], ids=["by another", "of another"]
)
async def test_other_deletions_stop_nothing(desk: Desk, other: dict[str, object]):
    await said(desk, message("how many?"))

    deletion = replace(message(message="1/delete", kind="delete", about="1"), **other)
    assert await decide(deletion, desk) == Ignore()
