"""Talks with the demo model, written once and played on Telegram's emulator and on a real Synapse.

What the model says is compared to the letter with what it answers when it is asked directly, and
at the end all that each person sees.
"""

from __future__ import annotations

import pytest

from bot.texts import say
from inference.service import Service
from tests.e2e.conftest import Play, on_each_server
from tests.e2e.drawing import BLUE_SQUARE, GREEN_TRIANGLE, RED_CIRCLE
from tests.e2e.oracle import Talk
from tests.e2e.stage import BOT, Seen, gets, lines, reads

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(180),
    pytest.mark.asyncio(loop_scope="package"),
]

COLOUR, SHAPE, WHERE = "What colour is the circle?", "What shape is it?", "Where is it?"


@on_each_server
async def test_a_photo_waits_for_its_question_and_a_question_for_its_photo(
    play: Play, model: Service
) -> None:
    ann = await play.stage.private("Ann")

    kept = await ann.sends(BLUE_SQUARE)
    await gets(ann, say("photo_kept", "en"), after=kept)
    talk = Talk(model)
    asked = await ann.says("What colour is the square?")
    one = await talk.ask("What colour is the square?", BLUE_SQUARE)
    await gets(ann, one, after=asked)
    asked = await ann.says(SHAPE)
    two = await talk.ask(SHAPE)
    await gets(ann, two, after=asked)

    renewed = await ann.says("/new")
    await gets(ann, say("renewed", "en"), after=renewed)
    asked = await ann.says(COLOUR)
    blind = await Talk(model).ask(COLOUR)
    await gets(ann, blind, after=asked)
    photo = await ann.sends(RED_CIRCLE)
    three = await Talk(model).ask(COLOUR, RED_CIRCLE)
    await gets(ann, three, after=photo)

    assert await lines(ann) == [
        f"{ann.name}: [photo]",
        f"bot: {say('photo_kept', 'en')}",
        f"{ann.name}: What colour is the square?",
        f"bot: {one}",
        f"{ann.name}: {SHAPE}",
        f"bot: {two}",
        f"{ann.name}: /new",
        f"bot: {say('renewed', 'en')}",
        f"{ann.name}: {COLOUR}",
        f"bot: {blind}",
        f"{ann.name}: [photo]",
        f"bot: {three}",
    ]


@on_each_server
async def test_several_photos_are_one_question_and_a_burst_is_one_answer(
    play: Play, model: Service
) -> None:
    ann, li = await play.stage.private("Ann"), await play.stage.private("Li")

    asked = await ann.sends_many([RED_CIRCLE, BLUE_SQUARE], "What colour is the second picture?")
    talk = Talk(model)
    both = await talk.ask("What colour is the second picture?", RED_CIRCLE, BLUE_SQUARE)
    await gets(ann, both, after=asked)
    for _ in range(10):
        await li.sends(BLUE_SQUARE)
    await gets(li, say("photos_kept", "en", count=10))

    assert both != await Talk(model).ask("What colour is the second picture?", RED_CIRCLE)
    assert [one.line for one in await ann.sees() if one.by == BOT] == [f"bot: {both}"]
    kept = say("photos_kept", "en", count=10)
    assert [one.line for one in await li.sees() if one.by == BOT] == [f"bot: {kept}"]


@on_each_server
async def test_photos_come_as_files_and_other_files_get_a_sentence(
    play: Play, model: Service
) -> None:
    ann = await play.stage.private("Ann")

    asked = await ann.sends_file(RED_CIRCLE, "circle.jpg", "image/jpeg", SHAPE)
    talk = Talk(model)
    first = await talk.ask(SHAPE, RED_CIRCLE)
    await gets(ann, first, after=asked)
    told = await ann.sends_file(b"PK", "many.zip", "application/zip", "What is in here?")
    await gets(ann, say("unsupported", "en"), after=told)
    asked = await ann.says(WHERE)
    second = await talk.ask(WHERE)
    await gets(ann, second, after=asked)

    said = [one.text for one in await ann.sees() if one.by == BOT]
    assert said == [first, say("unsupported", "en"), second]


@on_each_server
async def test_the_quoted_photo_is_the_one_that_is_meant(play: Play, model: Service) -> None:
    ann = await play.stage.private("Ann")
    talk = Talk(model)

    red = await ann.sends(RED_CIRCLE, COLOUR)
    await gets(ann, await talk.ask(COLOUR, RED_CIRCLE), after=red)
    blue = await ann.sends(BLUE_SQUARE, "What colour is the square?")
    answered = await gets(
        ann, await talk.ask("What colour is the square?", BLUE_SQUARE), after=blue
    )
    asked = await ann.says("What shape is this?", reply_to=red)
    await gets(ann, await talk.ask("What shape is this?", RED_CIRCLE), after=asked)
    asked = await ann.says("And what shape is this?", reply_to=answered.id)

    await gets(ann, await talk.ask("And what shape is this?", BLUE_SQUARE), after=asked)


@on_each_server
async def test_a_new_answer_takes_the_place_of_the_old_one(play: Play, model: Service) -> None:
    ann = await play.stage.private("Ann")
    talk = Talk(model)
    asked = await ann.sends(GREEN_TRIANGLE, "What is in the picture?")
    first = await gets(ann, await talk.ask("What is in the picture?", GREEN_TRIANGLE), after=asked)
    assert set(first.buttons) == {"again", "up", "down", "person"}

    await ann.presses(first.id, "again")
    second = await ann.until(lambda seen: _another(seen, first))
    talk.put_in_place_of_the_last(second.text)
    asked = await ann.says(SHAPE)
    await gets(ann, await talk.ask(SHAPE), after=asked)
    await ann.presses(second.id, "up")

    await gets(ann, say("rated", "en"))
    assert second.answers == first.answers


def _another(seen: list[Seen], first: Seen) -> Seen | None:
    """A second answer to the same question, as soon as it is whole."""
    return next(
        (
            one
            for one in seen
            if (one.by, one.answers) == (BOT, first.answers)
            and one.id != first.id
            and "again" in one.buttons
        ),
        None,
    )


@on_each_server
async def test_in_a_group_those_who_mention_it_are_answered_each_in_a_window_of_their_own(
    play: Play, model: Service
) -> None:
    bot = play.stage.mention
    group = await play.stage.group("Shop", "Ann", "Bob", "Cui")
    ann, bob, cui = group.places
    talk = Talk(model)

    photo = await bob.sends(RED_CIRCLE)
    await cui.says("nice one", reply_to=photo)
    asked = await ann.says(f"{bot} {COLOUR}", reply_to=photo)
    await gets(ann, one := await talk.ask(COLOUR, RED_CIRCLE), after=asked)
    asked = await cui.says(f"{bot} {SHAPE}")
    await gets(cui, two := await Talk(model).ask(SHAPE), after=asked)
    await play.program.kill()
    await play.program.start()
    asked = await ann.says(f"{bot} {WHERE}", reply_to=photo)
    await gets(ann, three := await talk.ask(WHERE, RED_CIRCLE), after=asked)
    asked = await bob.says(f"{bot} {SHAPE}")  # his own photo, which he had said to nobody
    await gets(bob, four := await Talk(model).ask(SHAPE, RED_CIRCLE), after=asked)

    assert await lines(bob) == [
        f"{bob.name}: [photo]",
        f"{cui.name}: nice one",
        f"{ann.name}: {bot} {COLOUR}",
        f"bot: {one}",
        f"{cui.name}: {bot} {SHAPE}",
        f"bot: {two}",
        f"{ann.name}: {bot} {WHERE}",
        f"bot: {three}",
        f"{bob.name}: {bot} {SHAPE}",
        f"bot: {four}",
    ]


@on_each_server
async def test_a_photo_in_a_thread_is_answered_in_that_thread_and_unknown_in_others(
    play: Play, model: Service
) -> None:
    bot = play.stage.mention
    group = await play.stage.group("Archive", "Ann", "Bob", threads=True)
    ann = group.places[0]
    thread, other = await ann.opens_thread("Circles"), await ann.opens_thread("Squares")

    asked = await ann.sends(RED_CIRCLE, f"{bot} {COLOUR}", thread=thread)
    seen = await gets(ann, await Talk(model).ask(COLOUR, RED_CIRCLE), after=asked)
    elsewhere = await ann.says(f"{bot} {SHAPE}", thread=other)
    blind = await gets(ann, await Talk(model).ask(SHAPE), after=elsewhere)

    assert [seen.thread, blind.thread] == [thread, other]


@on_each_server
async def test_an_owner_sets_quotas_in_the_chat_and_they_hold(play: Play, model: Service) -> None:
    ann, boss = await play.stage.private("Ann"), play.boss
    talk = Talk(model)

    order = await boss.says(f"/quota {ann.person} set 1 question/day")
    await reads(boss, "1 question", after=order)
    asked = await ann.sends(RED_CIRCLE, COLOUR)
    await gets(ann, await talk.ask(COLOUR, RED_CIRCLE), after=asked)
    refused = await ann.says(SHAPE)
    told = await reads(ann, "1", after=refused)
    order = await boss.says(f"/quota {ann.person} give 5 questions")
    await reads(boss, "5", after=order)
    asked = await ann.says(WHERE)
    await gets(ann, await talk.ask(WHERE), after=asked)
    tried = await ann.says(f"/quota {ann.person} set 9 questions/day")

    await gets(ann, say("unknown_command", "en", command="quota"), after=tried)
    assert told.versions[-1] == told.versions[0]  # at once, and nothing was written for it
