"""Rows 19, 20 and 23 to 25: Telegram answers with what is no answer, loses its own, refuses, or
nobody is there any more. One program for all of them: what one meets, the others look away from."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.e2e.drawing import photo
from tests.emulators.telegram.errors import ApiError
from tests.emulators.telegram.faults import Fault
from tests.faults.house import House, housed
from tests.faults.invariants import check_invariants
from tests.faults.model import answer_to
from tests.faults.waits import calls_to, until_ended, until_reads

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(120),
    pytest.mark.asyncio(loop_scope="module"),
]

STRANGE = [
    Fault("body", 502),  # a page of a proxy
    Fault("body", 500, b""),
    Fault("body", 200, b"", "application/json"),
    Fault("body", 200, b"[" * 5000, "application/json"),
    Fault("body", 200, b'{"ok": true, "result": {"message_id": "x"}}', "application/json"),
    Fault("body", 504, b"\xff\xfe\x00"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with housed(tmp_path_factory.mktemp("calls"), pause_s=0.02) as house:
        await house.program.start()
        await house.until_ready()
        yield house
        await check_invariants(house)


def refused(status: int, description: str) -> Fault:
    body = json.dumps(ApiError(status, description).render()).encode()
    return Fault("body", status, body, "application/json")


@pytest.mark.row(19)
async def test_row_19_what_is_no_answer_of_telegram_is_survived_wherever_it_comes(
    house: House,
) -> None:
    ann, bob = house.emulator.person("Ann"), house.emulator.person("Bob")
    plan = house.emulator.faults.plan
    plan("getUpdates", *STRANGE[:2])
    plan("editMessageText", *STRANGE[:3])
    plan("getFile", *STRANGE[3:5])
    plan("file", STRANGE[1], STRANGE[5])

    ann.says("does it go on?")
    bob.sends_photo(photo("circle", "red"), "and with a photo?")

    await house.until_answered(ann, bob)
    assert house.model.photos["and with a photo?"] == 1
    assert [house.answers(person) for person in (ann, bob)] == [1, 1]


@pytest.mark.row(19)
@pytest.mark.parametrize("fault", STRANGE, ids=lambda fault: f"{fault.status} {fault.body[:6]!r}")
async def test_row_19_a_first_sign_that_met_no_answer_is_repeated_and_the_answer_comes_once(
    house: House, fault: Fault
) -> None:
    ann = house.emulator.person("Ann")
    house.emulator.faults.plan("sendMessage", fault)

    ann.says("is it heard?")

    await house.until_answered(ann)
    assert len(house.emulator.said(ann.chat)) == 1


@pytest.mark.row(20)
async def test_row_20_a_first_sign_whose_response_was_lost_leaves_one_answer(house: House) -> None:
    ann = house.emulator.person("Ann")
    house.emulator.faults.plan("sendMessage", Fault("lost"))

    ann.says("once?")

    await house.until_answered(ann)
    assert house.answers(ann) == 1
    assert house.model.asked["once?"] == 1
    assert len(house.emulator.said(ann.chat)) == 2  # the empty one, and the answer


@pytest.mark.row(20, 23)
async def test_row_23_an_edit_that_was_done_already_is_a_success(house: House) -> None:
    """The response to the last edit is lost; repeated, Telegram says that nothing changes."""
    ann = house.emulator.person("Ann")
    house.model.gate.clear()
    ann.says("done twice?")
    await until_reads(house, ann.chat, "done")
    house.emulator.faults.plan("editMessageText", Fault("lost"))
    house.model.gate.set()

    await house.until_answered(ann)
    await until_ended(house, ann, "answered")

    assert house.emulator.faults.left("editMessageText") == 0
    assert len(house.emulator.said(ann.chat)) == 1


@pytest.mark.row(23)
async def test_row_23_markup_that_telegram_cannot_parse_is_shown_without_it_once(
    house: House,
) -> None:
    ann = house.emulator.person("Ann")
    house.model.gate.clear()
    ann.says("is **this** bold?")
    await until_reads(house, ann.chat, "this")
    before = len(house.emulator.calls_of("editMessageText"))
    house.emulator.faults.plan(
        "editMessageText", refused(400, "Bad Request: can't parse entities: no end of bold")
    )
    house.model.gate.set()

    answer = answer_to("is this bold?")
    (message,) = await house.until(
        lambda: [one for one in house.emulator.said(ann.chat) if one.text == answer]
    )
    await until_ended(house, ann, "answered")

    assert message.entities == ()
    assert len(house.emulator.calls_of("editMessageText")) == before + 2


@pytest.mark.row(23)
async def test_row_23_an_answer_that_is_too_long_goes_on_in_further_messages(
    house: House,
) -> None:
    """A family is one sign of 11 units and eight characters."""
    family = "\N{MAN}\u200d\N{WOMAN}\u200d\N{GIRL}\u200d\N{BOY}"
    ann = house.emulator.person("Ann")
    question = " ".join([family] * 340)  # 4079 units: as long as a question may be

    ann.says(question)
    await until_ended(house, ann, "answered")

    said = [one.text for one in house.emulator.said(ann.chat)]
    assert len(said) == 2
    assert max(len(text.encode("utf-16-le")) // 2 for text in said) <= 4096
    assert "".join(said).replace(" ", "") == answer_to(question).replace(" ", "")


@pytest.mark.row(23)
async def test_row_23_an_answer_whose_message_was_deleted_is_sent_anew_once(
    house: House,
) -> None:
    ann = house.emulator.person("Ann")
    house.model.gate.clear()
    ann.says("is it still there?")
    await until_reads(house, ann.chat, "still")
    house.emulator.said(ann.chat)[0].deleted = True
    house.model.gate.set()

    await house.until_answered(ann)
    await until_ended(house, ann, "answered")

    assert house.answers(ann) == 1


@pytest.mark.row(24)
@pytest.mark.parametrize(
    "why", ["bot was blocked by the user", "user is deactivated", "bot was kicked from the chat"]
)
async def test_row_24_nobody_is_there_so_the_model_stops_and_nothing_is_tried_again(
    house: House, why: str
) -> None:
    ann, bob = house.emulator.person("Ann"), house.emulator.person("Bob")
    left = house.model.left
    house.model.pause_s = 0.3
    try:
        ann.says("one two three four five six seven eight nine ten eleven twelve")
        await until_reads(house, ann.chat, "one")
        ann.chat.blocked = why
        await until_ended(house, ann, "undeliverable")
    finally:
        house.model.pause_s = 0.02
    calls = calls_to(house, ann.chat)
    bob.says("and me?")
    await house.until_answered(bob)

    assert house.model.left == left + 1
    assert calls_to(house, ann.chat) == calls


@pytest.mark.row(24)
async def test_row_24_who_lets_the_bot_in_again_is_answered_again(house: House) -> None:
    ann = house.emulator.person("Ann")
    ann.says("first?")
    await house.until_answered(ann)
    ann.blocks()
    ann.says("can you see this?")
    await until_ended(house, ann, "undeliverable")
    ann.unblocks()

    ann.says("and now?")

    await house.until_answered(ann)


@pytest.mark.row(25)
async def test_row_25_an_answer_follows_its_group_to_the_supergroup(house: House) -> None:
    """While it is being written; the next one was asked before, and waits for its turn."""
    ann, bob = house.emulator.person("Ann"), house.emulator.person("Bob")
    group = house.emulator.small_group("Shop")
    house.model.gate.clear()
    ann.says("@vision_bot how much is it?", to=group)
    bob.says("@vision_bot and the other?", to=group)
    await until_reads(house, group, "much")
    new = house.emulator.migrates(group)
    house.model.gate.set()

    texts = [answer_to("how much is it?"), answer_to("and the other?")]
    await house.until(
        lambda: sorted(m.text for m in house.emulator.said(new)) == sorted(texts), within_s=30
    )
    await until_ended(house, ann, "answered")
    await until_ended(house, bob, "answered")
