"""A customer's whole way: questions, anger, a person, the bot again, a person again, the score."""

from __future__ import annotations

import asyncio
import re

import pytest

from bot.texts import say
from inference.service import Service
from tests.e2e.conftest import Play, on_each_server
from tests.e2e.drawing import BLUE_SQUARE, GREEN_TRIANGLE, RED_CIRCLE
from tests.e2e.oracle import Talk
from tests.e2e.stage import Place, Seen, gets, gets_photo, lines, reads

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(240),
    pytest.mark.asyncio(loop_scope="package"),
]

COLOUR, SHAPE, WHERE = "What colour is the circle?", "What shape is it?", "Where is the circle?"


@on_each_server
async def test_a_customer_is_handed_over_served_and_given_back(play: Play, model: Service) -> None:
    ann, staff, talk = await play.stage.private("Ann"), play.staff, Talk(model)

    answers = [await _asks(ann, talk, COLOUR, RED_CIRCLE), await _asks(ann, talk, SHAPE)]
    answers += [await _asks(ann, talk, WHERE), await _asks(ann, talk, "That is not helpful!")]
    await ann.says("Useless, this is wrong.")
    number = _number(await reads(ann, say("called_for_you", "en", number="")[:-1]))
    head = await reads(staff, f"#{number} · {ann.name}")
    await gets_photo(staff, f"{ann.name}: {COLOUR}")

    await staff.presses(head.id, f"take {number}")
    await gets(ann, say("taken_for_you", "en", name=staff.name))
    await gets(staff, say("took", "en", name=staff.name, number=number))
    await staff.says("Hello, how can I help?", thread=head.thread)
    hello = await gets(ann, f"{staff.name}: Hello, how can I help?")
    said = await ann.says("I want to know the pryce")
    relayed = await gets(staff, f"{ann.name}: I want to know the pryce")
    await asyncio.sleep(1.0)  # nobody corrects their words within the moment they are passed on
    await ann.edits(said, "I want to know the price")
    corrected = say("customer_corrected", "en", name=ann.name, text="I want to know the price")
    await gets(staff, corrected, after=relayed.id)
    photo = await ann.sends(BLUE_SQUARE, "of this one")
    shown = await gets_photo(staff, f"{ann.name}: of this one")
    await staff.says("// a nice one", thread=head.thread)
    await staff.says("It costs five", reply_to=shown.id, thread=head.thread)
    await gets(ann, f"{staff.name}: It costs five", after=photo)
    await staff.sends(GREEN_TRIANGLE, "This is cheaper", thread=head.thread)
    await gets_photo(ann, f"{staff.name}: This is cheaper")
    await staff.says("/back", thread=head.thread)
    await gets(ann, say("back_by_staff", "en"))
    await gets(staff, say("gave_back", "en", name=staff.name, number=number))
    answers.append(await _asks(ann, talk, SHAPE))

    called = await ann.says("/human")
    await reads(ann, say("called", "en", number=number), after=called)
    await gets(staff, seen_again := _again(ann, answers[4]))
    await staff.says("I am back", thread=head.thread)
    await gets(ann, f"{staff.name}: I am back")
    await staff.says("/close", thread=head.thread)
    await gets(staff, say("closed", "en", name=staff.name, number=number))
    ended = f"{say('closed_for_you', 'en', number=number)}\n{say('rate_ask', 'en')}"
    rating = await gets(ann, ended)
    await ann.presses(rating.id, f"rate {number} 5")
    await gets(ann, say("rate_thanks", "en", score=5))
    rated = say("customer_rated", "en", number=number, score=5)
    await gets(staff, rated)
    answers.append(await _asks(ann, talk, COLOUR))

    called_for_you = f"{say('called_for_you', 'en', number=number)}\n{say('called_next', 'en')}"
    assert await lines(ann) == [
        f"{ann.name}: [photo] {COLOUR}",
        f"bot: {answers[0]}",
        f"{ann.name}: {SHAPE}",
        f"bot: {answers[1]}",
        f"{ann.name}: {WHERE}",
        f"bot: {answers[2]}",
        f"{ann.name}: That is not helpful!",
        f"bot: {answers[3]}",
        f"{ann.name}: Useless, this is wrong.",
        f"bot: {called_for_you}",
        f"bot: {say('taken_for_you', 'en', name=staff.name)}",
        f"bot: {staff.name}: Hello, how can I help?",
        f"{ann.name}: I want to know the price",
        f"{ann.name}: [photo] of this one",
        f"bot: {staff.name}: It costs five",
        f"bot: [photo] {staff.name}: This is cheaper",
        f"bot: {say('back_by_staff', 'en')}",
        f"{ann.name}: {SHAPE}",
        f"bot: {answers[4]}",
        f"{ann.name}: /human",
        f"bot: {say('called', 'en', number=number)}\n{say('called_next', 'en')}",
        f"bot: {staff.name}: I am back",
        f"bot: {ended}",
        f"bot: {say('rate_thanks', 'en', score=5)}",
        f"{ann.name}: {COLOUR}",
        f"bot: {answers[5]}",
    ]
    assert hello.versions == (hello.text,)
    talked = [COLOUR, SHAPE, WHERE, "That is not helpful!"]
    assert await lines(staff, head.thread) == [
        _head(play, ann, number, "why_dissatisfied", 5, 1, "Useless, this is wrong."),
        "bot: "
        + "\n".join(
            [
                say("ticket_talk", "en"),
                f"{ann.name}: {COLOUR} {say('photos_mark', 'en', count=1)}",
                f"{say('bot_name', 'en')}: {answers[0]}",
                *(
                    line
                    for question, answer in zip(talked[1:], answers[1:4], strict=True)
                    for line in (
                        f"{ann.name}: {question}",
                        f"{say('bot_name', 'en')}: {answer}",
                    )
                ),
                f"{ann.name}: Useless, this is wrong.",
            ]
        ),
        f"bot: [photo] {ann.name}: {COLOUR}",
        f"bot: {say('took', 'en', name=staff.name, number=number)}",
        f"{staff.name}: Hello, how can I help?",
        f"bot: {ann.name}: I want to know the pryce",
        f"bot: {corrected}",
        f"bot: [photo] {ann.name}: of this one",
        f"{staff.name}: // a nice one",
        f"{staff.name}: It costs five",
        f"{staff.name}: [photo] This is cheaper",
        f"{staff.name}: /back",
        f"bot: {say('gave_back', 'en', name=staff.name, number=number)}",
        _head(play, ann, number, "why_asked", 9, 2, SHAPE),
        f"bot: {seen_again}",
        f"{staff.name}: I am back",
        f"{staff.name}: /close",
        f"bot: {say('closed', 'en', name=staff.name, number=number)}",
        f"bot: {rated}",
    ]


async def _asks(place: Place, talk: Talk, question: str, *photos: bytes) -> str:
    """The answer, when all of it stands below the question."""
    if photos:
        asked = await place.sends(photos[0], question)
    else:
        asked = await place.says(question)
    answer = await talk.ask(question, *photos)
    await gets(place, answer, after=asked)
    return answer


def _number(called: Seen) -> int:
    found = re.search(r"#(\d+)", called.text)
    assert found is not None
    return int(found[1])


def _again(customer: Place, answer: str) -> str:
    """What staff are told of the talk since they last heard of it."""
    said = [
        say("ticket_talk", "en"),
        f"{customer.name}: {SHAPE}",
        f"{say('bot_name', 'en')}: {answer}",
        say("customer_called", "en"),
    ]
    return "\n".join(said)


def _head(
    play: Play, customer: Place, number: int, why: str, messages: int, photos: int, last: str
) -> str:
    return "bot: " + "\n".join(
        [
            say(
                "head",
                "en",
                number=number,
                name=customer.name,
                person=customer.person,
                why=say(why, "en"),
            ),
            say("ticket_summary", "en", messages=messages, photos=photos, last=last),
            say("head_thread", "en", number=number),
        ]
    )
