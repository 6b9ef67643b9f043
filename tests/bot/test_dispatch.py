from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.line import LineSection
from bot.platforms.base import NotSent, Refused, TooFast, Unclear
from bot.storage.errors import DatabaseUnreachable
from bot.texts import TEXTS, say
from tests.bot.flow import THINKING
from tests.fakes import an_event, settle


def position(ahead: int) -> str:
    return say("position", "en", ahead=ahead)


async def test_repeated_update_is_answered_once(flow):
    await flow.start()
    event = an_event("q1", "why?")
    for _ in range(3):
        await flow.inbox.accept(event)
    await flow.ended()
    await flow.inbox.accept(event)
    await flow.say("other", chat="bob")
    await flow.answered("bob")

    assert flow.platform.texts("ann") == ["echo of why?"]
    assert len(flow.engine.requests) == 2


async def test_command_is_answered_without_the_model(flow):
    await flow.start()
    message = await flow.say("/start")

    assert await flow.said("ann") == [TEXTS["start"].en]
    assert await flow.ended() == {message: "said"}
    assert flow.engine.requests == []


async def test_what_is_not_meant_for_us_is_ignored(flow):
    await flow.start()
    await flow.inbox.accept(replace(an_event("q1", "hello all"), addressed=False))

    assert await flow.ended() == {"q1": "ignored"}
    assert flow.platform.calls == []


async def test_placeholder_and_place_are_seen_while_others_are_answered(flow):
    flow.at_once = 1
    flow.engine.hold("first")
    flow.engine.hold("second")
    await flow.start()
    await flow.say("first", chat="ann")
    await flow.engine.until(lambda: flow.engine.running)
    await flow.say("second", chat="bob")
    await flow.said("bob")
    await flow.say("third", chat="cyd")
    assert await flow.said("cyd") == [position(2)]
    assert flow.platform.texts("bob") == [position(1)]

    flow.engine.held["first"].set()
    await flow.platform.until(lambda: flow.platform.texts("cyd") == [position(1)])
    flow.engine.held["second"].set()

    assert await flow.answered("cyd") == ["echo of third"]
    assert flow.platform.chats["cyd"][0].versions[:3] == [position(2), position(1), THINKING]
    assert len(flow.platform.chats["cyd"]) == 1


async def test_full_line_is_said_at_once_and_the_accepted_are_answered(flow):
    """Row 1."""
    flow.line_section = LineSection(max_waiting=16)
    flow.at_once = 4
    gates = [flow.engine.hold(f"from {number}") for number in range(50)]
    await flow.start()
    for number in range(50):
        await flow.say(f"from {number}", chat=f"chat {number}")
    await flow.platform.until(lambda: len(flow.platform.chats) == 50)
    for gate in gates:
        gate.set()

    states = await flow.ended()
    full = TEXTS["line_full"].en.partition(".")[0]
    said = [flow.platform.texts(f"chat {n}") for n in range(50)]
    refused = [f"q{n + 1}" for n in range(50) if said[n][0].startswith(full)]
    assert 30 <= len(refused) <= 34  # some were answered already while the last ones came
    assert states == {
        f"q{n + 1}": "refused" if f"q{n + 1}" in refused else "answered" for n in range(50)
    }
    assert flow.engine.most_running == 4
    assert all(len(bubbles) == 1 for bubbles in flow.platform.chats.values())


async def test_who_finds_the_line_full_is_told_when_to_come_again(flow):
    flow.at_once = 1
    flow.line_section = LineSection(max_waiting=1)
    flow.engine.hold("busy")
    await flow.start()
    await flow.say("answered before", chat="ann")
    await flow.answered("ann")
    await flow.say("busy", chat="bob")
    await flow.engine.until(lambda: flow.engine.running)
    await flow.say("next", chat="cyd")
    await flow.said("cyd")

    await flow.say("one too many", chat="dan")

    assert await flow.said("dan") == [say("line_full_minutes", "en", minutes=1)]


async def test_flooder_delays_nobody_else(flow):
    """Row 2."""
    flow.at_once = 1
    flow.line_section = LineSection(max_per_person=5)
    flow.engine.hold("flood 0")
    await flow.start()
    await flow.say("flood 0", chat="room 0", person="flooder")
    await flow.engine.until(lambda: flow.engine.running)
    for number in range(1, 20):
        await flow.say(f"flood {number}", chat=f"room {number}", person="flooder")
    await flow.platform.until(lambda: len(flow.platform.chats) == 20)
    await flow.say("why?", chat="ann")
    await flow.said("ann")
    flow.engine.held["flood 0"].set()
    await flow.answered("ann")

    order = [request.turns[-1].text for request in flow.engine.requests]
    assert order.index("why?") in (1, 2)  # one may have been taken when this was asked
    seen = [flow.platform.texts(f"room {number}") for number in range(20)]
    assert seen.count([say("line_full_person", "en", limit=5)]) == 15


async def test_photo_alone_is_kept_for_the_next_question(flow):
    flow.platform.photos["p"] = b"cat"
    await flow.start()
    kept = await flow.say(photos=("p",))
    assert await flow.said("ann") == [TEXTS["photo_kept"].en]
    asked = await flow.say("what is it?")
    await flow.ended()
    await flow.say("and this?")
    states = await flow.ended()

    assert flow.asked("what is it?").turns[-1].pictures[0].rgb == b"catcatcat"
    assert flow.asked("and this?").turns[-1].pictures == ()
    assert (states[kept], states[asked]) == ("said", "answered")


async def test_photo_sent_after_a_question_belongs_to_the_next_one(flow):
    flow.at_once = 1
    flow.engine.hold("busy")
    flow.platform.photos.update(one=b"cat", two=b"dog")
    await flow.start()
    await flow.say("busy", chat="bob")
    await flow.engine.until(lambda: flow.engine.running)
    await flow.say(photos=("one",))
    await flow.say("first?")
    await flow.say(photos=("two",))
    await flow.said("ann", 3)
    flow.engine.held["busy"].set()
    await flow.answered("bob")
    await flow.ended()
    await flow.say("second?")
    await flow.ended()

    assert [p.rgb[:3] for p in flow.asked("first?").turns[-1].pictures] == [b"cat"]
    assert [p.rgb[:3] for p in flow.asked("second?").turns[-1].pictures] == [b"dog"]


async def test_bad_photo_alone_is_refused_at_once(flow):
    flow.platform.photos["p"] = b"bad"
    await flow.start()
    message = await flow.say(photos=("p",))

    assert await flow.said("ann") == [TEXTS["picture_broken"].en]
    assert await flow.ended() == {message: "refused"}


async def test_photo_that_takes_long_delays_its_own_chat_alone(flow):
    flow.platform.photos["p"] = b"cat"
    flow.platform.blocked["p"] = asyncio.Event()
    await flow.start()
    await flow.say(photos=("p",), chat="ann")
    await flow.say("/start", chat="ann")
    await flow.say("/start", chat="bob")
    await flow.said("bob")
    assert flow.platform.chats["ann"] == []

    flow.platform.blocked["p"].set()

    assert await flow.said("ann", 2) == [TEXTS["photo_kept"].en, TEXTS["start"].en]


@pytest.mark.row(37, 40)
async def test_stop_ends_the_answer_though_the_engine_hangs(flow):
    flow.engine.hold("tell")
    await flow.start()
    await flow.say("tell")
    await flow.platform.until(lambda: flow.platform.texts("ann") == ["echo"])
    flow.engine.stepping.clear()

    await flow.say("/stop")

    assert await flow.answered("ann") == [f"echo\n\n{TEXTS['stopped_mark'].en}"]


@pytest.mark.row(40)
async def test_stop_ends_the_answer_and_keeps_what_was_written(flow):
    flow.engine.answers["tell"] = ["Once upon", " a time", " there was"]
    flow.engine.hold("tell")
    await flow.start()
    asked = await flow.say("tell")
    await flow.platform.until(lambda: flow.platform.texts("ann") == ["Once upon"])
    stop = await flow.say("/stop")

    assert await flow.answered("ann") == [f"Once upon\n\n{TEXTS['stopped_mark'].en}"]
    assert await flow.ended() == {asked: "answered", stop: "said"}
    assert flow.engine.cancelled == ["tell"]
    await flow.say("go on")
    await flow.answered("ann", 2)
    assert flow.asked("go on").turns[2].text == "Once upon"


async def test_stop_ends_a_waiting_question(flow):
    flow.at_once = 1
    flow.engine.hold("busy")
    await flow.start()
    await flow.say("busy", chat="bob")
    await flow.engine.until(lambda: flow.engine.running)
    asked = await flow.say("why?")
    await flow.said("ann")
    await flow.say("/stop")

    assert await flow.answered("ann") == [TEXTS["stopped"].en]
    await flow.until_states(**{asked: "stopped"})
    assert len(flow.line) == 0


async def test_what_is_said_to_an_answer_is_looked_at_when_that_is_kept(flow):
    flow.engine.answers["why?"] = ["because"]
    flow.platform.fail("edit", Unclear("its answer is lost"), Unclear("again"), effect=True)
    await flow.start()
    await flow.say("why?")
    await flow.answered("ann")  # people read it; we do not know yet
    await flow.say("/good")
    await asyncio.sleep(0.2)  # it would be looked at now

    await flow.time.advance(5.0)

    assert await flow.said("ann", 2) == ["because", TEXTS["rated"].en]


async def test_thumb_is_thanked_for_only_where_nobody_sees_it_pressed(flow):
    flow.engine.answers["why?"] = ["because"]
    await flow.start()
    asked = await flow.say("why?")
    await flow.until_states(**{asked: "answered"})
    flow.platform.shows_presses = True
    pressed = await flow.press("up", "m1")
    await flow.until_states(**{pressed: "said"})
    flow.platform.shows_presses = False
    await flow.press("down", "m1")

    assert await flow.said("ann", 2) == ["because", TEXTS["rated"].en]


async def test_stop_before_the_first_word_says_so(flow):
    flow.platform.photos["p"] = b"cat"
    flow.platform.blocked["p"] = asyncio.Event()
    await flow.start()
    asked = await flow.say("what is it?", photos=("p",))
    await flow.platform.until(lambda: any(c.method == "fetch" for c in flow.platform.calls))
    await flow.say("/stop")

    assert await flow.answered("ann") == [TEXTS["stopped"].en]
    flow.platform.blocked["p"].set()
    assert (await flow.ended())[asked] == "stopped"


async def test_stop_with_nothing_to_stop_says_so(flow):
    await flow.start()
    await flow.say("/stop")

    assert await flow.said("ann") == [TEXTS["nothing_to_stop"].en]


async def test_stop_does_not_wait_for_a_photo_before_it(flow):
    flow.engine.hold("why?")
    flow.platform.photos.update(before=b"dog", p=b"cat")
    flow.platform.blocked["p"] = asyncio.Event()
    await flow.start()
    await flow.say("why?", photos=("before",))
    await flow.platform.until(lambda: flow.platform.texts("ann") == ["echo"])
    await flow.say(photos=("p",))

    await flow.say("/stop")

    await flow.platform.until(lambda: "(stopped)" in flow.platform.texts("ann")[0])
    flow.platform.blocked["p"].set()
    assert await flow.answered("ann", 2) == ["echo\n\n(stopped)", TEXTS["photo_kept"].en]
    assert set((await flow.ended()).values()) == {"answered", "said"}


async def test_stop_leaves_other_conversations_alone(flow):
    flow.engine.hold("tell")
    await flow.start()
    await flow.say("tell", chat="bob")
    await flow.engine.until(lambda: flow.engine.running)
    await flow.say("/stop", chat="ann")
    await flow.said("ann")
    flow.engine.held["tell"].set()

    assert await flow.answered("bob") == ["echo of tell"]


async def test_new_topic_knows_nothing_of_what_was_before_or_is_being_written(flow):
    flow.platform.photos["p"] = b"cat"
    flow.engine.answers["tell"] = ["Once upon", " a time"]
    flow.engine.hold("tell")
    await flow.start()
    await flow.say("tell")
    await flow.platform.until(lambda: flow.platform.texts("ann") == ["Once upon"])
    await flow.say(photos=("p",))
    await flow.said("ann", 2)
    await flow.say("/new")
    assert (await flow.said("ann", 3))[2] == TEXTS["renewed"].en
    await flow.say("why?")
    await flow.ended()

    assert [turn.text for turn in flow.asked("why?").turns[1:]] == ["why?"]
    assert flow.asked("why?").turns[-1].pictures == ()


async def test_message_that_was_certainly_not_sent_is_sent_again(flow):
    """Row 21."""
    flow.platform.fail("send", NotSent("connection refused"), NotSent("connection refused"))
    await flow.start()
    await flow.say("/start")
    for _ in range(2):
        await flow.time.advance(await flow.time.sleeping())

    assert await flow.said("ann") == [TEXTS["start"].en]


async def test_message_whose_answer_was_lost_is_not_sent_twice(flow):
    """Row 20."""
    flow.platform.fail("send", Unclear("lost"), effect=True)
    await flow.start()
    message = await flow.say("/start")

    assert await flow.ended() == {message: "said"}
    assert flow.platform.texts("ann") == [TEXTS["start"].en]


@pytest.mark.parametrize("error", [Refused("bad"), TooFast(200_000)], ids=["refused", "too long"])
async def test_message_that_cannot_be_delivered_does_not_stop_the_conversation(flow, error):
    flow.platform.fail("send", error)
    await flow.start()
    message = await flow.say("/start")

    assert await flow.ended() == {message: "undeliverable"}


async def test_fault_of_a_handler_ends_its_entry_and_no_other(flow, caplog):
    async def decide(event):
        raise ZeroDivisionError

    await flow.start()
    await settle()
    dispatcher_decide = flow.dispatcher._decide
    flow.dispatcher._decide = decide
    broken = await flow.say("/start")
    for _ in range(3):
        await flow.wall.advance(await flow.wall.sleeping())
    assert await flow.said("ann") == [TEXTS["engine_fault"].en]
    flow.dispatcher._decide = dispatcher_decide
    other = await flow.say("/start", chat="bob")

    assert await flow.ended() == {broken: "dead", other: "said"}
    assert "ZeroDivisionError" in caplog.text


async def test_entry_that_cannot_be_restored_is_looked_at_anew_and_holds_up_no_other(flow, caplog):
    flow.at_once = 1
    flow.engine.hold("busy")
    await flow.start()
    await flow.say("busy", chat="bob")
    await flow.engine.until(lambda: flow.engine.running)
    broken = await flow.say("why?")
    other = await flow.say("and?", chat="cyd")
    await flow.until_states(**{broken: "waiting", other: "waiting"})
    await noted(flow, 3)
    await flow.crash()
    flow.engine.held["busy"].set()
    await flow.start()
    parts = flow.inbox.parts

    async def parts_of_all_but_one(entry_id):
        if entry_id == 2:
            raise ZeroDivisionError
        return await parts(entry_id)

    flow.inbox.parts = parts_of_all_but_one
    states = await flow.ended()

    assert (states[broken], states[other]) == ("answered", "answered")
    assert flow.platform.texts("ann") == ["echo of why?"]  # in the message it had
    assert "entry 2 cannot be restored" in caplog.text


async def test_entry_is_restored_with_its_message_when_the_database_is_back(flow, caplog):
    flow.at_once = 1
    flow.engine.hold("busy")
    await flow.start()
    await flow.say("busy", chat="bob")
    await flow.engine.until(lambda: flow.engine.running)
    asked = await flow.say("why?")
    await flow.until_states(**{asked: "waiting"})
    await noted(flow, 2)
    await flow.crash()
    flow.engine.held["busy"].set()
    await flow.start()
    flow.inbox.parts = not_now(flow.inbox.parts, times=2)
    for _ in range(2):
        await flow.wall.advance(await flow.wall.sleeping())
    states = await flow.ended()

    assert states[asked] == "answered"
    assert flow.platform.texts("ann") == ["echo of why?"]
    assert "cannot be restored" not in caplog.text


def not_now(method, times):
    failures = [DatabaseUnreachable("the database", "refused")] * times

    async def call(*arguments, **named):
        if failures:
            raise failures.pop()
        return await method(*arguments, **named)

    return call


async def test_who_was_told_of_an_end_does_not_find_another_one_after_the_database_is_back(flow):
    flow.at_once = 1
    flow.engine.hold("busy")
    await flow.start()
    await flow.say("busy", chat="bob")
    await flow.engine.until(lambda: flow.engine.running)
    asked = await flow.say("why?")
    await flow.said("ann")
    flow.history.stopped = not_now(flow.history.stopped, times=2)
    await flow.say("/stop")
    await flow.answered("ann")
    while (await flow.states())[asked] == "waiting":
        await flow.wall.advance(5.0)

    assert (await flow.states())[asked] == "stopped"
    assert flow.platform.texts("ann") == [TEXTS["stopped"].en]


async def test_more_entries_than_are_looked_at_together_are_all_done_in_order(flow):
    flow.line_section = LineSection(max_waiting=1)
    await flow.start()
    for number in range(300):
        await flow.say("/start", chat=f"chat {number % 3}")
    states = await flow.ended()

    assert list(states.values()) == ["said"] * 300
    for number in range(3):
        replied = [bubble.reply_to for bubble in flow.platform.chats[f"chat {number}"]]
        assert replied == sorted(replied, key=lambda message: int(message[1:]))


async def test_entries_of_a_platform_that_is_off_wait_for_it(flow):
    flow.platforms = [flow.platform]
    await flow.start()
    await flow.say("/start", platform="other")
    await flow.say("why?", platform="other")
    await flow.say("/start", chat="bob")
    await flow.until_states(q1="new", q2="new", q3="said")
    await flow.crash()

    flow.platforms = [flow.platform, flow.other]
    await flow.start()
    await flow.ended()

    assert sorted(flow.other.texts("ann")) == sorted([TEXTS["start"].en, "echo of why?"])


# Rows 10, 11, 12: where the program is killed, and what stands in the database then.


async def test_killed_before_the_question_was_looked_at_it_is_answered(flow):
    await flow.start()
    await flow.say("why?")
    await flow.crash()
    await flow.start()

    assert await flow.answered("ann") == ["echo of why?"]
    assert list((await flow.ended()).values()) == ["answered"]


async def test_killed_between_placeholder_and_its_id_one_empty_message_stands_too_many(flow):
    """Row 11."""
    await flow.start()
    noted = asyncio.Event()

    async def never(*_):
        noted.set()
        await asyncio.Event().wait()

    flow.inbox.note_reply = never
    await flow.say("why?")
    await noted.wait()
    await flow.crash()
    await flow.start()
    await flow.ended()

    assert flow.platform.texts("ann") == [THINKING, "echo of why?"]


async def test_killed_while_it_waits_its_message_is_used_on(flow):
    flow.at_once = 1
    flow.engine.hold("busy")
    await flow.start()
    await flow.say("busy", chat="bob")
    await flow.engine.until(lambda: flow.engine.running)
    await flow.say("why?")
    await flow.platform.until(lambda: flow.platform.texts("ann") == [position(1)])
    await noted(flow, 2)
    await flow.crash()
    flow.engine.held["busy"].set()
    await flow.start()
    await flow.ended()

    assert flow.platform.texts("ann") == ["echo of why?"]
    assert flow.platform.texts("bob") == ["echo of busy"]


async def test_killed_in_mid_answer_it_goes_on_in_the_same_message(flow):
    """Row 10."""
    flow.engine.hold("why?")
    await flow.start()
    await flow.say("why?")
    for _ in range(2):
        await flow.platform.until(lambda: flow.platform.texts("ann") == ["echo"])
        await flow.crash()
        await flow.start()
    flow.engine.held["why?"].set()
    await flow.ended()

    [bubble] = flow.platform.chats["ann"]
    assert bubble.text == "echo of why?"
    assert TEXTS["interrupted"].en in bubble.versions


async def test_killed_between_the_final_text_and_its_note_the_same_text_is_shown_again(flow):
    """Row 12."""
    await flow.start()
    settling = asyncio.Event()

    async def never(*_, **__):
        settling.set()
        await asyncio.Event().wait()

    flow.history.answered = never
    await flow.say("why?")
    await settling.wait()
    assert flow.platform.texts("ann") == ["echo of why?"]
    await flow.crash()
    await flow.start()
    await flow.ended()
    await flow.say("and?")
    await flow.ended()

    assert flow.platform.texts("ann") == ["echo of why?", "echo of and?"]
    assert [turn.text for turn in flow.asked("and?").turns[1:]] == ["why?", "echo of why?", "and?"]


async def test_killed_at_any_moment_each_question_is_answered_once(flow):
    """Row 10, by chance: crashes after every few changes of what people see."""
    flow.line_section = LineSection(max_attempts=1000)
    await flow.start()
    for number in range(12):
        await flow.say(f"q {number}", chat=f"chat {number % 4}")
    for changes in (1, 2, 3, 5, 8, 13, 21):
        seen = len(flow.platform.calls) + changes
        ended = asyncio.create_task(flow.ended())
        moved = asyncio.create_task(
            flow.platform.until(lambda n=seen: len(flow.platform.calls) >= n)
        )
        await asyncio.wait([ended, moved], return_when="FIRST_COMPLETED")
        ended.cancel()
        moved.cancel()
        await asyncio.wait([ended, moved])
        await flow.crash()
        await flow.start()
    await flow.ended()

    for chat in range(4):
        answers = [text for text in flow.platform.texts(f"chat {chat}") if "echo" in text]
        assert sorted(answers) == sorted(f"echo of q {chat + 4 * turn}" for turn in range(3))


async def test_pending_questions_of_a_conversation_keep_their_order_over_a_restart(flow):
    """Row 15."""
    flow.at_once = 1
    flow.line_section = LineSection(max_waiting=2, max_per_person=50)
    flow.engine.hold("busy")
    await flow.start()
    await flow.say("busy", chat="bob")
    await flow.engine.until(lambda: flow.engine.running)
    await flow.say("first")
    await flow.say("second")
    await flow.said("ann", 2)
    await noted(flow, 3)
    await flow.crash()
    flow.line_section = LineSection(max_waiting=1)
    flow.engine.held["busy"].set()
    await flow.start()
    await flow.ended()

    assert flow.platform.texts("ann") == ["echo of first", "echo of second"]


async def noted(flow, count):
    """Until the ids of so many messages are committed."""

    async def messages():
        async with flow.db.read() as connection:
            return (
                await connection.exec_driver_sql("SELECT count(message) FROM replies")
            ).scalar_one()

    while await messages() < count:
        pass
