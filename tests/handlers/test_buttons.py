"""What is pressed below an answer, and the commands that do the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.action import Action, Again, Ignore, Say, Stop
from bot.storage.history import Said
from bot.storage.inbox import Entry
from bot.storage.ratings import Tally
from bot.texts import say
from handlers import decide
from handlers.buttons import below
from handlers.desk import Desk
from tests.fakes import an_event
from tests.handlers.desks import a_desk
from tests.opened import new_in


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with a_desk(tmp_path) as desk:
        yield desk


async def shown(desk: Desk, message: str, **event: object) -> Entry:
    """A question whose answer is being written into the message "m" + its name."""
    await desk.inbox.accept(an_event(message, "what?", **event))
    entry = (await new_in(desk.inbox, 1))[0]
    await desk.inbox.wait(entry.id)
    await desk.inbox.open_reply(entry.id, 0)
    await desk.inbox.note_reply(entry.id, 0, f"m{message}")
    return entry


async def answered(desk: Desk, message: str, **event: object) -> Entry:
    entry = await shown(desk, message, **event)
    said = Said("user", "what?", (), 1), Said("assistant", "that", (), 1)
    await desk.history.answered(entry, *said, [])
    return entry


async def press(desk: Desk, button: str, message: str, **event: object) -> Action:
    name = f"{message}/press/1"
    return await decide(an_event(name, button, kind="press", about=message, **event), desk)


@pytest.mark.parametrize("button", ["stop", "again", "up", "down"])
async def test_others_may_not_press(desk: Desk, button: str):
    await answered(desk, "1", chat="group", person="ann", group=True)

    assert await press(desk, button, "m1", chat="group", person="bob", group=True) == Ignore()
    assert await desk.ratings.tally() == Tally(0, 0)


@pytest.mark.parametrize("button", ["again", "up", "down", "rm -rf", ""])
async def test_press_below_no_answer_means_nothing(desk: Desk, button: str):
    assert await press(desk, button, "m7") == Ignore()


async def test_stop_below_a_message_that_nobody_knows_is_answered_but_not_in_a_group(desk: Desk):
    assert await press(desk, "stop", "m7") == Stop(say("nothing_to_stop", "en"))
    assert await press(desk, "stop", "m7", chat="group", group=True) == Ignore()


async def test_stop_ends_the_answer_it_stands_below(desk: Desk):
    entry = await shown(desk, "1")

    assert await press(desk, "stop", "m1") == Stop("", entry.id)


async def test_again_asks_the_question_of_the_answer_it_stands_below(desk: Desk):
    entry = await answered(desk, "1")
    await answered(desk, "2")

    assert await press(desk, "again", "m1") == Again(entry.id)


async def test_again_works_before_the_answer_is_kept(desk: Desk):
    first = await shown(desk, "1")
    assert await press(desk, "again", "m1") == Again(first.id)

    await shown(desk, "m1/press/1", kind="press", about="m1")
    assert await press(desk, "again", "mm1/press/1") == Again(first.id)


async def test_thumbs_are_counted_and_thanked_for(desk: Desk):
    await answered(desk, "1")
    await answered(desk, "2")

    assert await press(desk, "up", "m1") == Say(say("rated", "en"), thanks=True)
    assert await press(desk, "down", "m2") == Say(say("rated", "en"), thanks=True)
    assert await desk.ratings.tally() == Tally(up=1, down=1)


async def test_thumb_in_a_group_is_counted_in_silence(desk: Desk):
    await answered(desk, "1", group=True)

    assert await press(desk, "up", "m1", group=True) == Say("", thanks=True)
    assert await desk.ratings.tally() == Tally(up=1, down=0)


async def test_commands_mean_the_newest_answer_of_the_person(desk: Desk):
    own = await answered(desk, "1", chat="group", person="ann")
    await answered(desk, "2", chat="group", person="bob")
    ann = {"chat": "group", "person": "ann"}

    assert await decide(an_event("3", "/again", **ann), desk) == Again(own.id)
    assert await decide(an_event("4", "/good", **ann), desk) == Say(say("rated", "en"))
    assert await decide(an_event("5", "/bad", **ann), desk) == Say(say("rated", "en"))
    assert await desk.ratings.tally() == Tally(up=0, down=1)


@pytest.mark.parametrize("command", ["/again", "/good", "/bad"])
async def test_command_without_an_answer_says_so(desk: Desk, command: str):
    assert await decide(an_event("1", command), desk) == Say(say("no_answer_yet", "en"))


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_labels_are_in_the_language_of_the_person(desk: Desk, language: str):
    event = an_event("1", chosen=language)

    again, *thumbs = below(Entry(1, event, 0), desk)

    assert again.label == say("again_button", language)
    assert [button.name for button in thumbs] == ["up", "down"]
