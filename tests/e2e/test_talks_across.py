"""One program on Telegram and on Matrix: many people at once, staff on one platform and customers
on the other, and what it has been taught for all of them."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from bot.answering import sources
from bot.storage.knowledge import Passage
from bot.texts import say
from inference.service import Service
from tests.bot.documents.files import a_docx
from tests.e2e.conftest import playing
from tests.e2e.drawing import BLUE_SQUARE, RED_CIRCLE, photo
from tests.e2e.oracle import Talk
from tests.e2e.program import Program
from tests.e2e.stage import (
    BOT,
    MatrixStage,
    Place,
    TelegramStage,
    gets,
    gets_photo,
    lines,
    matrix_stage,
    reads,
    telegram_stage,
)
from tests.emulators.matrix.server import Synapse

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(180),
    pytest.mark.asyncio(loop_scope="package"),
]

PEOPLE = 40
COLOURS, SHAPES = ("red", "green", "blue", "yellow"), ("circle", "square", "triangle")
WHEN, HOW_MUCH = "When is the museum open on Tuesday?", "What is the price of a ticket?"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@dataclass(frozen=True)
class Both:
    telegram: TelegramStage
    matrix: MatrixStage
    staff: Place  # in the staff's group, on Telegram
    boss: Place  # an owner, on Telegram


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def both(synapse: Synapse, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Both]:
    async with AsyncExitStack() as stack:
        telegram = await stack.enter_async_context(telegram_stage())
        matrix = await stack.enter_async_context(matrix_stage(synapse))
        group = await telegram.group("Staff", "Wang", threads=True)
        boss = await telegram.private("Boss")
        settings = telegram.settings | matrix.settings
        program = Program(
            tmp_path_factory.mktemp("both"),
            ANSWERS__DEFAULT_LANGUAGE="en",
            SERVICE__STAFF_CHAT=group.name,
            SERVICE__CUSTOMERS='["private"]',
            ACCESS__OWNERS=json.dumps([boss.person]),
            **settings,
        )
        await stack.enter_async_context(playing(program))
        yield Both(telegram, matrix, group.places[0], boss)


async def test_many_people_at_once_are_all_answered_as_if_each_were_alone(
    both: Both, model: Service
) -> None:
    emulator = both.telegram.emulator
    pictures = {(c, s): photo(s, c, edge=96) for c in COLOURS for s in SHAPES}
    people = []
    for number in range(PEOPLE):
        colour, kind = COLOURS[number % 4], SHAPES[number % 3]
        place = await both.telegram.private(f"Person {number}")
        question = f"What colour is the {kind}?"
        asked = await place.sends(pictures[colour, kind], question)
        people.append((place, asked, (colour, kind)))

    expected = {
        (colour, kind): await Talk(model).ask(f"What colour is the {kind}?", picture)
        for (colour, kind), picture in pictures.items()
    }
    for place, asked, subject in people:
        await gets(place, expected[subject], after=asked)

    for place, asked, _ in people:
        assert [one.answers for one in await place.sees() if one.by == BOT] == [asked]
    assert len(set(expected.values())) >= 4
    assert emulator.flood.early == []
    assert [call for call in emulator.calls if call.status == 429] == []


async def test_a_customer_on_matrix_is_served_from_telegram(both: Both, model: Service) -> None:
    ann, staff = await both.matrix.private("Ann"), both.staff
    asked = await ann.sends(RED_CIRCLE, "What colour is the circle?")
    answer = await Talk(model).ask("What colour is the circle?", RED_CIRCLE)
    await gets(ann, answer, after=asked)

    await ann.says("I need a person, please")
    called = await reads(ann, "your number is #")
    number = int(re.findall(r"#(\d+)", called.text)[0])
    head = await reads(staff, f"#{number} · {ann.name} ({ann.person})")
    shown = await gets_photo(staff, f"{ann.name}: What colour is the circle?")
    await staff.says("It is more of a scarlet", reply_to=shown.id, thread=head.thread)
    await gets(ann, "Wang: It is more of a scarlet")
    await ann.sends(BLUE_SQUARE, "And this?")
    await gets_photo(staff, f"{ann.name}: And this?")
    await staff.sends(RED_CIRCLE, "Blue. This one is red", thread=head.thread)
    await gets_photo(ann, "Wang: Blue. This one is red")
    await staff.presses(head.id, f"close {number}")
    ended = f"{say('closed_for_you', 'en', number=number)}\n{say('rate_ask', 'en')}"
    rating = await gets(ann, ended)
    await ann.presses(rating.id, f"rate {number} 4")
    await gets(ann, say("rate_thanks", "en", score=4))
    await gets(staff, say("customer_rated", "en", number=number, score=4))

    assert await lines(ann) == [
        f"{ann.name}: [photo] What colour is the circle?",
        f"bot: {answer}",
        f"{ann.name}: I need a person, please",
        f"bot: {say('called', 'en', number=number)}\n{say('called_next', 'en')}",
        "bot: Wang: It is more of a scarlet",
        f"{ann.name}: [photo] And this?",
        "bot: [photo] Wang: Blue. This one is red",
        f"bot: {ended}",
        f"bot: {say('rate_thanks', 'en', score=4)}",
    ]


async def test_what_staff_teach_is_told_to_guests_with_its_sources(
    both: Both, model: Service
) -> None:
    hours = Passage(1, "Opening hours", "¶ 1", "The museum is open from nine to five on Tuesday.")
    prices = Passage(2, "prices", "¶ 1", "A ticket for grown people costs twenty yuan.")
    await both.staff.says(f"/learn {hours.title}\n{hours.text}")
    await gets(both.staff, _learned(hours))
    await both.boss.sends_file(a_docx(prices.text), "prices.docx", DOCX, "/learn")
    await gets(both.boss, _learned(prices))

    taught = [(WHEN, hours), (HOW_MUCH, prices)]
    guests = [await stage.private("Guest") for stage in (both.telegram, both.matrix)]
    async with asyncio.TaskGroup() as group:
        for guest in guests:
            group.create_task(_is_told_of_it(guest, model, taught))

    guest = await both.telegram.private("Guest")
    asked = await guest.sends(RED_CIRCLE, "What colour is the circle?")  # nobody looks that up
    answer = await Talk(model).ask("What colour is the circle?", RED_CIRCLE)
    await gets(guest, answer, after=asked)

    await both.boss.says("/kb list")
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    facts = [
        {"number": 1, "title": hours.title, "kind": "text", "characters": len(hours.text)},
        {"number": 2, "title": "prices", "kind": "docx", "characters": len(prices.text)},
    ]
    listed = [say("kb_line", "en", **fact, passages=1, day=day) for fact in facts]
    await gets(both.boss, "\n".join([say("kb_list", "en", count=2), *listed]))
    for passage in (hours, prices):
        await both.boss.says(f"/kb forget {passage.document}")
        await gets(both.boss, say("kb_forgotten", "en", title=passage.title, passages=1))
    guest = await both.telegram.private("Guest")
    asked = await guest.says(HOW_MUCH)
    await gets(guest, await Talk(model).ask(HOW_MUCH), after=asked)


def _learned(passage: Passage) -> str:
    return say(
        "learned",
        "en",
        title=passage.title,
        number=passage.document,
        passages=1,
        characters=len(passage.text),
        first=passage.text,
    )


async def _is_told_of_it(
    guest: Place, model: Service, taught: Sequence[tuple[str, Passage]]
) -> None:
    talk = Talk(model)
    for question, passage in taught:
        asked = await guest.says(question)
        answer = await talk.ask(question, before=sources.block([passage], "en"))
        await gets(guest, f"{answer}\n\n{sources.listed([passage], 'en')}", after=asked)
    asked = await guest.says("Where is the toilet?")
    answer = await talk.ask("Where is the toilet?")
    await gets(guest, f"{answer}\n\n{say('nothing_found', 'en')}", after=asked)
    tried = await guest.says("/learn Lies\nThe museum is closed for ever.")
    await gets(guest, say("unknown_command", "en", command="learn"), after=tried)
