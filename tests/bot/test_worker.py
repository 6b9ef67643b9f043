from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from bot.context import WindowSection
from bot.line import LineSection
from bot.platforms.base import NotSent, Refused, TooFast, Unclear
from bot.storage.errors import NoRoom, NotNow
from bot.texts import TEXTS, picture_fault
from inference.errors import ContextTooLong, EngineDown, EngineFault
from tests.bot.flow import THINKING
from tests.fakes import an_event, settle


async def test_answer_is_written_into_the_placeholders_message(flow):
    await flow.start()
    question = await flow.say("what is it?")

    assert await flow.answered("ann") == ["echo of what is it?"]
    [bubble] = flow.platform.chats["ann"]
    assert bubble.reply_to == question
    assert bubble.versions[0] == THINKING
    assert await flow.ended() == {question: "answered"}


async def test_system_words_come_first_in_the_language_of_the_question(flow):
    await flow.start()
    await flow.say("这是什么？")
    await flow.answered("ann")

    system = flow.engine.requests[0].turns[0]
    assert (system.role, system.text) == ("system", TEXTS["system"].zh)


async def test_photo_goes_with_its_question(flow):
    flow.platform.photos["p"] = b"cat"
    await flow.start()
    await flow.say("what is it?", photos=("p",))
    await flow.answered("ann")

    [picture] = flow.asked("what is it?").turns[-1].pictures
    assert picture.rgb == b"catcatcat"


async def test_metadata_of_a_photo_is_not_on_the_disk(flow):
    flow.platform.photos["p"] = b"cat+taken at home"
    await flow.start()
    await flow.say("what is it?", photos=("p",))
    await flow.answered("ann")

    kept = [file.read_bytes() for file in (flow.folder / "photos").rglob("*") if file.is_file()]
    assert kept == [b"cat"]


async def test_follow_up_sees_what_was_said_and_shown_before(flow):
    flow.platform.photos["p"] = b"cat"
    await flow.start()
    await flow.say("what is it?", photos=("p",))
    await flow.answered("ann")
    await flow.say("which colour?")
    await flow.answered("ann", 2)

    turns = flow.asked("which colour?").turns
    assert [(turn.role, turn.text, len(turn.pictures)) for turn in turns[1:]] == [
        ("user", "what is it?", 1),
        ("assistant", "echo of what is it?", 0),
        ("user", "which colour?", 0),
    ]


async def test_conversations_do_not_see_each_other(flow):
    await flow.start()
    await flow.say("my secret", chat="ann")
    await flow.answered("ann")
    await flow.say("what did ann say?", chat="bob")
    await flow.answered("bob")

    assert len(flow.asked("what did ann say?").turns) == 2


async def test_many_conversations_are_answered_at_once_and_each_one_at_a_time(flow):
    flow.at_once = 4
    for number in range(4):
        flow.engine.hold(f"first {number}")
    await flow.start()
    for number in range(4):
        await flow.say(f"first {number}", chat=f"chat {number}")
        await flow.say(f"second {number}", chat=f"chat {number}")
    await flow.engine.until(lambda: len(flow.engine.running) == 4)
    assert sorted(flow.engine.running) == [f"first {number}" for number in range(4)]

    for gate in flow.engine.held.values():
        gate.set()
    for number in range(4):
        assert await flow.answered(f"chat {number}", 2) == [
            f"echo of first {number}",
            f"echo of second {number}",
        ]
    assert flow.engine.most_running == 4


async def test_thoughts_are_not_shown_and_not_kept(flow):
    flow.engine.thoughts["why?"] = "let me see"
    flow.engine.answers["why?"] = ["\n", "Because."]
    await flow.start()
    await flow.say("why?")
    await flow.answered("ann")
    await flow.say("and?")
    await flow.answered("ann", 2)

    assert flow.platform.chats["ann"][0].versions[-1] == "Because."
    assert not any("see" in text for text in flow.platform.chats["ann"][0].versions)
    assert flow.asked("and?").turns[2].text == "Because."


async def test_answer_without_words_is_said_honestly(flow):
    flow.engine.thoughts["why?"] = "hm"
    flow.engine.answers["why?"] = [""]
    await flow.start()
    await flow.say("why?")

    assert await flow.answered("ann") == [TEXTS["no_words"].en]


@pytest.mark.parametrize("finish", ["length", "repetition"])
async def test_answer_that_did_not_end_by_itself_says_so(flow, finish):
    flow.engine.finish = finish
    await flow.start()
    await flow.say("why?")

    assert await flow.answered("ann") == [f"echo of why?\n\n{TEXTS[f'{finish}_mark'].en}"]


async def test_thoughts_are_not_seen_but_that_there_are_some(flow):
    flow.engine.thoughts["why?"] = "The person wants to know why."
    flow.engine.answers["why?"] = ["", "Because."]
    gate = flow.engine.hold("why?")
    await flow.start()
    await flow.say("why?")

    await flow.platform.until(lambda: flow.platform.texts("ann") == [TEXTS["thinking"].en])
    gate.set()

    assert await flow.answered("ann") == ["Because."]


async def test_engine_is_told_whose_question_it_is(flow):
    await flow.start()
    await flow.say("why?")
    await flow.answered("ann")

    assert flow.asked("why?").person == "test:ann"


async def test_long_answer_is_seen_whole_and_once(flow):
    flow.platform.text_units = 100
    words = [f"word{number}. " for number in range(60)]
    flow.engine.answers["tell"] = words
    await flow.start()
    await flow.say("tell")
    await flow.ended()

    assert " ".join(flow.platform.texts("ann")).split() == "".join(words).split()
    assert all(len(text) <= 100 for text in flow.platform.texts("ann"))


async def test_bad_photo_is_refused_in_the_persons_language(flow):
    flow.platform.photos["p"] = b"bad"
    await flow.start()
    question = await flow.say("这是什么？", photos=("p",))

    assert await flow.answered("ann") == [TEXTS["picture_broken"].zh]
    assert await flow.ended() == {question: "refused"}
    assert flow.engine.requests == []


async def test_photo_larger_than_the_limit_is_refused_before_it_is_fetched(flow):
    await flow.start()
    event = an_event("q1", "what is it?", photos=("p",))
    large = replace(event.photos[0], size_bytes=5000)
    await flow.inbox.accept(replace(event, photos=(large,)))

    assert await flow.answered("ann") == [picture_fault("too_large", 5000, 1000, "en")]
    assert not [call for call in flow.platform.calls if call.method == "fetch"]


@pytest.mark.parametrize(
    "error", [NotSent("reset"), Unclear("broke off"), TooFast(3)], ids=["not sent", "half", "fast"]
)
async def test_photo_that_did_not_come_is_fetched_again(flow, error):
    """Row 22."""
    flow.platform.photos["p"] = b"cat"
    flow.platform.fail("fetch", error)
    await flow.start()
    await flow.say("what is it?", photos=("p",))
    await flow.time.sleeping()
    await flow.time.advance(5)

    assert await flow.answered("ann") == ["echo of what is it?"]
    assert flow.asked("what is it?").turns[-1].pictures[0].rgb == b"catcatcat"


@pytest.mark.row(22)
async def test_half_a_photo_is_not_taken_for_a_whole_one(flow):
    """Row 22."""
    flow.platform.photos["p"] = b"ca"
    await flow.start()
    event = an_event("q1", "what is it?", photos=("p",))
    whole = replace(event.photos[0], size_bytes=3)
    await flow.inbox.accept(replace(event, photos=(whole,)))
    await flow.time.sleeping()
    flow.platform.photos["p"] = b"cat"
    await flow.time.advance(5)

    await flow.answered("ann")
    assert flow.asked("what is it?").turns[-1].pictures[0].rgb == b"catcatcat"


async def test_photo_that_cannot_be_had_is_told(flow):
    flow.platform.fail("fetch", Refused("expired"))
    await flow.start()
    await flow.say("what is it?", photos=("p",))

    assert await flow.answered("ann") == [TEXTS["photo_unreachable"].en]


@pytest.mark.parametrize(
    ("error", "key"),
    [(EngineFault("x"), "engine_fault"), (ContextTooLong(9000, 8192), "context_too_long")],
    ids=["fault", "too long"],
)
async def test_failure_of_the_engine_is_told_and_not_kept(flow, error, key):
    flow.engine.faults["why?"] = [error]
    await flow.start()
    await flow.say("why?")
    assert await flow.answered("ann") == [TEXTS[key].en]

    await flow.say("and?")
    await flow.answered("ann", 2)

    assert len(flow.asked("and?").turns) == 2


async def test_engine_that_is_down_is_told_once_and_the_answer_comes_when_it_is_back(flow):
    flow.engine.faults["why?"] = [EngineDown("restarting") for _ in range(6)]
    await flow.start()
    await flow.say("why?")
    await flow.platform.until(lambda: flow.platform.texts("ann") == [TEXTS["engine_down"].en])
    for _ in range(6):
        await flow.time.advance(await flow.time.sleeping())

    assert await flow.answered("ann") == ["echo of why?"]
    assert flow.platform.chats["ann"][0].versions.count(TEXTS["engine_down"].en) == 1


async def test_engine_that_stays_down_is_given_up_after_a_while(flow):
    flow.engine.faults["why?"] = [EngineDown("restarting") for _ in range(1000)]
    await flow.start()
    question = await flow.say("why?")
    for _ in range(100):
        await flow.time.advance(await flow.time.sleeping())
        if flow.time.now > 1000 + 900:
            break
    await flow.answered("ann")

    assert flow.platform.texts("ann") == [TEXTS["given_up"].en]
    assert await flow.ended() == {question: "dead"}


async def test_question_that_takes_the_engine_down_each_time_is_given_up(flow):
    """Row 13."""
    flow.line_section = LineSection(max_attempts=3)

    flow.engine.deadly = "poison"
    await flow.start()
    poison = await flow.say("poison", chat="eve")
    for _ in range(3):
        await flow.time.advance(await flow.time.sleeping())

    assert await flow.answered("eve") == [TEXTS["given_up"].en]
    assert len([r for r in flow.engine.requests if r.turns[-1].text == "poison"]) == 3
    other = await flow.say("why?")
    assert await flow.answered("ann") == ["echo of why?"]
    assert await flow.ended() == {poison: "dead", other: "answered"}


async def test_question_that_takes_the_engine_down_takes_no_other_question_with_it(flow):
    """Row 13: those that ran beside it are tried again, in the end each by itself."""
    flow.at_once = 5
    flow.line_section = LineSection(max_attempts=2)
    flow.platform.edit_every_s = 0.2
    flow.engine.deadly = "poison"
    gates = [flow.engine.hold(f"tell {number}") for number in range(4)]
    for number in range(4):
        flow.engine.answers[f"tell {number}"] = [f"{n} " for n in range(2000)]
    await flow.start()
    others = [await flow.say(f"tell {number}", chat=f"chat {number}") for number in range(4)]
    await flow.engine.until(lambda: len(flow.engine.running) == 4)
    poison = await flow.say("poison", chat="eve")
    await flow.time.sleeping(5)
    for gate in gates:
        gate.set()
    ending = asyncio.create_task(flow.ended())
    while not ending.done():
        sleeping = asyncio.create_task(flow.time.sleeping())
        await asyncio.wait([sleeping, ending], return_when="FIRST_COMPLETED")
        if sleeping.done():
            await flow.time.advance(sleeping.result())
        sleeping.cancel()

    assert await ending == {poison: "dead"} | dict.fromkeys(others, "answered")


async def test_question_during_which_the_program_died_too_often_is_given_up(flow):
    """Row 13."""
    flow.line_section = LineSection(max_attempts=2)
    flow.engine.hold("poison")
    await flow.start()
    await flow.say("poison")
    for attempt in range(1, 3):
        await flow.engine.until(lambda n=attempt: len(flow.engine.requests) == n)
        await flow.engine.until(lambda: flow.engine.running)
        await flow.crash()
        await flow.start()

    assert await flow.answered("ann") == [TEXTS["given_up"].en]
    assert len(flow.engine.requests) == 2


async def test_suspects_do_not_run_beside_each_other(flow):
    """Row 13: at its last attempt a question dies alone, and the other one is answered."""
    flow.line_section = LineSection(max_attempts=2)
    innocent, poison = flow.engine.hold("why?"), flow.engine.hold("poison")
    await flow.start()
    first = await flow.say("why?", chat="ann")
    second = await flow.say("poison", chat="eve")
    await flow.engine.until(lambda: len(flow.engine.running) == 2)
    await flow.crash()  # now both are suspects
    flow.engine.deadly = "poison"
    poison.set()
    flow.engine.most_running = 0
    await flow.start()
    await flow.engine.until(lambda: "why?" in flow.engine.running)
    for _ in range(50):  # if nothing held the other one back, it would run by now
        await flow.states()
    innocent.set()
    while (await flow.states())[second] == "waiting":
        await asyncio.wait([sleeping := asyncio.ensure_future(flow.time.sleeping())], timeout=0.05)
        if sleeping.done():
            await flow.time.advance(sleeping.result())
        sleeping.cancel()

    assert await flow.ended() == {first: "answered", second: "dead"}
    assert flow.engine.most_running == 1


async def test_suspect_that_waits_for_another_one_has_not_been_tried(flow):
    """Row 13: the other one ends the program once more, and the innocent one is answered."""
    flow.line_section = LineSection(max_attempts=2)
    flow.engine.hold("poison")
    innocent = flow.engine.hold("why?")
    await flow.start()
    first = await flow.say("poison", chat="eve")
    second = await flow.say("why?", chat="ann")
    await flow.engine.until(lambda: len(flow.engine.running) == 2)
    await flow.crash()  # now both are suspects
    await flow.start()
    await flow.engine.until(lambda: "poison" in flow.engine.running)
    for _ in range(50):  # if the other one were tried, it would run by now
        await flow.states()
    await flow.crash()
    innocent.set()
    await flow.start()

    assert await flow.answered("ann") == ["echo of why?"]
    assert await flow.ended() == {first: "dead", second: "answered"}


@pytest.mark.row(24)
async def test_person_who_left_stops_the_engine(flow):
    """Row 24."""
    flow.engine.answers["tell"] = ["once ", *(f"upon {n} " for n in range(10_000))]
    flow.engine.hold("tell")
    await flow.start()
    question = await flow.say("tell")
    await flow.platform.until(lambda: flow.platform.texts("ann") == ["once"])
    flow.platform.gone.add("ann")
    flow.engine.held["tell"].set()

    assert await flow.ended() == {question: "undeliverable"}
    assert flow.engine.cancelled == ["tell"]
    assert flow.platform.texts("ann") == ["once"]


async def test_chat_that_cannot_be_written_to_keeps_no_worker_busy(flow):
    """Row 18."""
    flow.at_once = 1
    await flow.start()
    flow.platform.blocked["ann"] = asyncio.Event()
    await flow.say("why?", chat="ann")
    await flow.say("why not?", chat="bob")

    assert await flow.answered("bob") == ["echo of why not?"]
    flow.platform.blocked["ann"].set()
    assert await flow.answered("ann") == ["echo of why?"]


async def test_fault_of_our_own_is_tried_again_and_then_given_up(flow, caplog):
    flow.line_section = LineSection(max_attempts=2)
    flow.engine.faults["why?"] = [ZeroDivisionError() for _ in range(9)]
    await flow.start()
    question = await flow.say("why?")
    for _ in range(2):
        await flow.time.advance(await flow.time.sleeping())

    assert await flow.answered("ann") == [TEXTS["given_up"].en]
    assert await flow.ended() == {question: "dead"}
    assert "ZeroDivisionError" in caplog.text


async def test_slow_photos_leave_the_engine_to_the_others(flow):
    flow.at_once = 1
    flow.platform.photos["p"] = b"cat"
    flow.platform.blocked["p"] = asyncio.Event()
    await flow.start()
    await flow.say("what is it?", photos=("p",))
    await flow.say("hello?", chat="bob", person="bob")

    assert await flow.answered("bob") == ["echo of hello?"]
    flow.platform.blocked["p"].set()
    assert await flow.answered("ann") == ["echo of what is it?"]


async def test_window_leaves_room_for_the_answer_in_a_small_context(flow):
    flow.window = WindowSection(max_tokens=100_000)
    await flow.start()
    for number in range(8):
        await flow.say(f"{number} " + "word " * 60)
        await flow.answered("ann", number + 1)

    prompt = flow.engine.requests[-1].turns
    tokens = sum([await flow.engine.measure(turn) for turn in prompt])
    context = flow.engine.stats().context_tokens
    assert tokens <= context - context // 4
    assert len(prompt) > 2


async def test_refused_question_takes_its_photos_with_it(flow):
    flow.platform.photos["p"] = b"cat"
    flow.engine.faults["why?"].append(ContextTooLong(9, 5))
    await flow.start()
    await flow.say(photos=("p",))
    await flow.said("ann")
    await flow.say("why?")
    await flow.answered("ann", 2)

    await flow.say("how?")
    await flow.answered("ann", 3)

    assert flow.asked("how?").turns[-1].pictures == ()


async def test_refused_preview_does_not_cost_the_final_text(flow):
    flow.platform.fail("edit", Refused("text is empty"))
    gate = flow.engine.hold("why?")
    await flow.start()
    question = await flow.say("why?")
    await flow.platform.until(lambda: not flow.platform.faults["edit"])
    gate.set()

    assert await flow.answered("ann") == ["echo of why?"]
    assert await flow.ended() == {question: "answered"}


async def test_end_that_cannot_be_written_does_not_take_the_answer_back(flow, caplog):
    await flow.start()
    flow.history.answered = _fails_twice(flow.history.answered)
    question = await flow.say("why?")
    for _ in range(2):
        await flow.time.advance(await flow.time.sleeping())
    await flow.until_states(**{question: "answered"})

    [bubble] = flow.platform.chats["ann"]
    assert bubble.versions.count("echo of why?") <= 2
    assert bubble.versions[-1] == "echo of why?"
    assert len(flow.engine.requests) == 1
    assert "its end is not written yet" in caplog.text


async def test_attempt_that_the_database_did_not_let_begin_takes_no_earlier_one_back(flow):
    """It was not written, so that nothing is to be undone."""
    flow.line_section = LineSection(max_attempts=2)
    flow.engine.hold("poison")
    await flow.start()
    question = await flow.say("poison")
    await flow.engine.until(lambda: flow.engine.running)
    await flow.crash()
    await flow.start()
    flow.inbox.begin = _fails_twice(flow.inbox.begin, NotNow)
    for _ in range(2):
        await flow.time.advance(await flow.time.sleeping())
    await flow.engine.until(lambda: len(flow.engine.requests) == 2)
    await flow.crash()
    await flow.start()

    assert await flow.answered("ann") == [TEXTS["given_up"].en]
    assert await flow.ended() == {question: "dead"}


async def test_stopped_question_whose_photo_the_disk_does_not_take_has_its_end(flow):
    flow.platform.photos["p"] = b"cat"
    arrived = flow.platform.blocked["p"] = asyncio.Event()
    await flow.start()
    question = await flow.say("what is it?", photos=("p",))
    await flow.said("ann")
    flow.stored.put = _fails_twice(flow.stored.put, lambda words: NoRoom(Path(words)))
    await flow.say("/stop")
    said = await flow.answered("ann")
    arrived.set()

    await flow.until_states(**{question: "stopped"})
    assert said == [TEXTS["stopped"].en]


def _fails_twice(method, error=OSError):
    failures = [error("disk full"), error("disk full")]

    async def call(*arguments, **named):
        if failures:
            raise failures.pop()
        return await method(*arguments, **named)

    return call


@pytest.mark.row(33)
async def test_answer_that_found_no_way_for_a_day_ends_with_a_word_when_there_is_one(flow):
    """In the same run: nobody has to start it again."""
    flow.engine.hold("why?")
    await flow.start()
    question = await flow.say("why?")
    await flow.engine.until(lambda: flow.engine.running)
    await settle()
    flow.platform.fail("edit", *[NotSent("connection refused")] * 1500)
    flow.engine.held["why?"].set()
    ending = asyncio.create_task(flow.ended())
    while not ending.done():
        sleeping = asyncio.create_task(flow.time.sleeping())
        await asyncio.wait([sleeping, ending], return_when="FIRST_COMPLETED")
        if sleeping.done():
            await flow.time.advance(sleeping.result())
        sleeping.cancel()

    assert await ending == {question: "expired"}
    assert flow.platform.texts("ann") == [TEXTS["expired"].en]
