"""What each message means: the tables, the gates and every handler through the one door."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from bot.action import Ask, Ignore, Keep, Renew, Say, Stop
from bot.event import Attachment, Conversation, Event, Person
from bot.texts import say
from handlers import GATES, HANDLERS, decide
from handlers.commands import command_of
from handlers.desk import Desk

PHOTO = Attachment("ref", "image/jpeg", 1000)


@pytest.fixture
def desk() -> Desk:
    return Desk(default_language="zh")


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


async def test_of_an_album_only_the_first_photo_is_spoken_about(desk: Desk):
    album = [message("", PHOTO, album="a", message=str(number)) for number in range(3)]

    actions = [await decide(event, desk) for event in album]

    assert actions == [Keep(say("photo_kept", "en")), Keep(""), Keep("")]


async def test_the_rest_of_an_album_that_began_with_a_question_is_not_kept_and_that_is_said_once(
    desk: Desk,
):
    await decide(message("how many?", PHOTO, album="a", message="1"), desk)

    rest = [message("", PHOTO, album="a", message=str(number)) for number in (2, 3)]
    told = Say(say("album_rest", "en"))
    assert [await decide(event, desk) for event in [*rest, *rest]] == [told, Ignore()] * 2


async def test_photos_of_an_album_before_its_words_are_kept_for_them(desk: Desk):
    kept = await decide(message("", PHOTO, album="a", message="1"), desk)
    asked = await decide(message("how many?", PHOTO, album="a", message="2"), desk)

    assert (kept, asked) == (Keep(say("photo_kept", "en")), Ask("how many?"))


async def test_the_first_photo_of_an_album_decided_again_is_still_the_first(desk: Desk):
    event = message("", PHOTO, album="a")
    once = await decide(event, desk)

    assert await decide(event, desk) == once


async def test_albums_of_two_conversations_are_two_albums(desk: Desk):
    await decide(message("", PHOTO, album="a"), desk)

    other = message("", PHOTO, album="a", message="2", conversation=Conversation("test", "8"))
    assert await decide(other, desk) == Keep(say("photo_kept", "en"))


async def test_the_memory_of_albums_is_bounded(desk: Desk):
    for number in range(1100):
        await decide(message("", PHOTO, album=str(number), message=str(number)), desk)

    forgotten = await decide(message("", PHOTO, album="0", message="x"), desk)
    remembered = await decide(message("", PHOTO, album="1099", message="x"), desk)
    assert (forgotten, remembered) == (Keep(say("photo_kept", "en")), Keep(""))


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
    ],
    ids=["sticker", "video", "one file of two"],
)
async def test_what_cannot_be_looked_at_is_told_so(desk: Desk, event: Event):
    assert await decide(event, desk) == Say(say("unsupported", "en"))


async def test_a_photo_whose_kind_the_platform_does_not_say_is_let_through(desk: Desk):
    assert await decide(message("what?", Attachment("ref")), desk) == Ask("what?")


@pytest.mark.parametrize("text", [" ", "\n\t", "\u200b", "\u3000"])
async def test_words_nobody_can_see_are_asked_for(desk: Desk, text: str):
    assert await decide(message(text), desk) == Say(say("empty", "en"))


@pytest.mark.parametrize("text", ["?", "？", "👍", "7"])
async def test_a_single_sign_is_a_question(desk: Desk, text: str):
    assert await decide(message(text), desk) == Ask(text)


@pytest.mark.parametrize(
    ("command", "action"),
    [
        ("/start", Say(say("start", "en"))),
        ("/help", Say(say("help", "en"))),
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


@pytest.mark.parametrize("text", ["/nwe", "/ask@bot what?", "/" + "x" * 32])
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
    chinese = message("/help", person=Person("p", "zh-hans"))

    assert await decide(chinese, desk) == Say(say("help", "zh"))


async def test_without_any_sign_of_a_language_the_default_is_spoken(desk: Desk):
    unknown = message("", PHOTO, person=Person("p"))

    assert await decide(unknown, desk) == Keep(say("photo_kept", "zh"))


def test_help_and_the_table_of_commands_agree():
    for language in ("zh", "en"):
        listed = re.findall(r"^/(\w+)", say("help", language), re.MULTILINE)
        assert listed == list(HANDLERS)


def test_the_gates_stand_in_the_order_they_are_passed():
    assert [gate.__name__ for gate in GATES] == ["addressed", "supported", "not_empty"]
