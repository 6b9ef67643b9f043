from __future__ import annotations

import asyncio

import pytest

from bot.event import Button, Conversation
from bot.storage.outbox import Letter, Outbox

ANN = Conversation("test", "ann", "7")


@pytest.fixture
def outbox(db):
    return Outbox(db, clock=lambda: 1000.0)


async def waiting(outbox, *, platform="test", patient=False, without=(), limit=10):
    found = await outbox.waiting(platform, patient=patient, without=without, limit=limit)
    return [pending.letter.key for pending in found]


async def test_letter_is_read_back_as_it_was_put(outbox):
    letter = Letter(
        "k", ANN, "hello", "a" * 64, (Button("take/1", "Take"),), "12", "batch", patient=True
    )

    await outbox.put([letter])

    [pending] = await outbox.waiting("test", patient=True, without=(), limit=1)
    assert pending.letter == letter


async def test_second_letter_with_the_same_key_is_not_put(outbox):
    await outbox.put([Letter("k", ANN, "first")])
    await outbox.put([Letter("k", ANN, "second"), Letter("l", ANN, "third")])

    found = await outbox.waiting("test", patient=False, without=(), limit=10)
    assert [pending.letter.text for pending in found] == ["first", "third"]


async def test_letters_of_a_transaction_that_fails_are_not_put(outbox, db):
    async def put_and_fail():
        async with db.write() as connection:
            await outbox.put_with(connection, [Letter("k", ANN, "hello")])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await put_and_fail()

    assert await waiting(outbox) == []


async def test_only_letters_of_the_kind_and_to_other_chats_are_given(outbox):
    await outbox.put(
        [
            Letter("ann", ANN, "x"),
            Letter("bob 1", Conversation("test", "bob"), "x"),
            Letter("bob 2", Conversation("test", "bob"), "x"),
            Letter("patient", Conversation("test", "cyd"), "x", patient=True),
            Letter("elsewhere", Conversation("other", "ann"), "x"),
        ]
    )

    assert await waiting(outbox) == ["ann", "bob 1", "bob 2"]
    assert await waiting(outbox, without={"ann"}, limit=1) == ["bob 1"]
    assert await waiting(outbox, patient=True) == ["patient"]
    assert await waiting(outbox, platform="other") == ["elsewhere"]


async def test_ended_letter_is_not_given_again_and_counted_in_its_batch(outbox):
    await outbox.put([Letter(str(n), ANN, "x", batch="b") for n in range(3)])
    first, second, _ = await outbox.waiting("test", patient=False, without=(), limit=3)
    await outbox.end(first.id, "sent")
    await outbox.end(second.id, "failed")
    await outbox.end(second.id, "sent")  # the first end holds

    assert await waiting(outbox) == ["2"]
    assert await outbox.progress("b") == {"sent": 1, "failed": 1, "waiting": 1}


async def test_every_message_of_a_letter_tells_its_key(outbox):
    await outbox.put([Letter("k", ANN, "x")])
    [pending] = await outbox.waiting("test", patient=False, without=(), limit=1)
    await outbox.note(pending.id, 0, "m1")
    await outbox.note(pending.id, 1, "m2")

    assert await outbox.sent(pending.id) == {0: "m1", 1: "m2"}
    assert await outbox.key_of(ANN, "m1") == "k"
    assert await outbox.key_of(ANN, "m2") == "k"
    assert await outbox.key_of(ANN, "m3") is None
    assert await outbox.key_of(Conversation("test", "bob"), "m1") is None


async def test_who_waits_is_woken_by_the_next_letter(outbox):
    await outbox.arrived()
    arrived = asyncio.create_task(outbox.arrived())
    await asyncio.sleep(0)
    assert not arrived.done()

    await outbox.put([Letter("k", ANN, "x")])

    await arrived
