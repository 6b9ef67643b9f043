"""Into the line and out of it: waits that are too long, the stop button, quotas, again."""

from __future__ import annotations

import asyncio

import pytest

from bot.line import LineSection
from bot.rules import QuotaSection
from bot.texts import TEXTS
from inference.trace import current
from tests.bot.flow import THINKING, Flow
from tests.fakes import a_quote
from tests.opened import waiting_in

EXPIRED = TEXTS["expired"].en
STOPPED = TEXTS["stopped"].en


@pytest.fixture
def flow(flow: Flow) -> Flow:
    flow.line_section = LineSection(max_wait_s=60)
    flow.at_once = 1
    flow.engine.hold("busy")
    flow.platform.photos.update(p=b"cat", q=b"dog")
    return flow


async def behind_another(flow, text="why?", **event):
    """A question whose placeholder is seen while another one is answered."""
    await flow.say("busy", chat="bob")
    await flow.engine.until(lambda: flow.engine.running)
    asked = await flow.say(text, **event)
    await flow.said("ann")
    return asked


async def noted(flow, count):
    """Until so many messages are known for the time after a crash."""

    async def messages():
        async with flow.db.read() as connection:
            found = await connection.exec_driver_sql("SELECT count(message) FROM replies")
            return found.scalar_one()

    while await messages() < count:
        pass


async def pass_time(flow, seconds):
    """In the steps in which the line is looked at."""
    await flow.wall.sleeping()
    await flow.wall.advance(seconds)


async def test_question_that_waited_too_long_is_told_so_in_its_own_message(flow):
    await flow.start()
    asked = await behind_another(flow)
    await pass_time(flow, 55)
    assert EXPIRED not in flow.platform.texts("ann")
    await pass_time(flow, 15)

    assert await flow.answered("ann") == [EXPIRED]
    await flow.until_states(**{asked: "expired"})
    assert [request.turns[-1].text for request in flow.engine.requests] == ["busy"]


async def test_the_line_about_a_question_that_ends_early_has_its_own_id(flow, caplog):
    ids = {}
    caplog.set_level("INFO", "bot.arriving")

    def note(record):
        ids[record.getMessage()] = current()
        return True

    caplog.handler.addFilter(note)
    await flow.start()
    await behind_another(flow)
    (entry,) = [one for one in await waiting_in(flow.inbox) if one.event.conversation.chat == "ann"]

    await flow.say("/stop")
    await flow.until_states(q2="stopped")
    caplog.handler.removeFilter(note)

    assert ids[f"entry {entry.id} has its end before its turn: stopped"] == entry.trace


async def test_question_in_time_is_answered_though_others_wait_too_long(flow):
    await flow.start()
    late = await behind_another(flow)
    await pass_time(flow, 40)
    fresh = await flow.say("and?", chat="cyd")
    await flow.said("cyd")
    await pass_time(flow, 25)
    await flow.until_states(**{late: "expired"})
    flow.engine.held["busy"].set()

    assert await flow.answered("cyd") == ["echo of and?"]
    assert (await flow.ended())[fresh] == "answered"


async def test_answer_being_written_has_all_the_time_it_takes(flow):
    await flow.start()
    await behind_another(flow)
    await pass_time(flow, 1000)
    flow.engine.held["busy"].set()

    assert await flow.answered("bob") == ["echo of busy"]


async def test_question_that_became_too_old_while_the_program_was_down_is_told_so(flow):
    await flow.start()
    asked = await behind_another(flow)
    await noted(flow, 2)
    await flow.crash()
    flow.wall.now += 61
    flow.engine.held["busy"].set()
    await flow.start()

    states = await flow.ended()
    assert flow.platform.texts("ann") == [EXPIRED]
    assert states[asked] == "expired"
    assert "why?" not in [request.turns[-1].text for request in flow.engine.requests]


async def test_question_that_the_platform_delivers_too_late_is_told_so(flow):
    await flow.start()
    late = await flow.say("why?", at=flow.wall.now - 61)
    fresh = await flow.say("why now?", at=flow.wall.now - 59, chat="cyd")

    assert await flow.ended() == {late: "expired", fresh: "answered"}
    assert flow.platform.texts("ann") == [EXPIRED]
    assert flow.platform.texts("cyd") == ["echo of why now?"]


async def test_command_is_carried_out_however_late_it_comes(flow):
    await flow.start()
    await flow.say("/start", at=flow.wall.now - 1000)

    assert await flow.said("ann") == [TEXTS["start"].en]


async def test_place_in_the_line_and_what_is_written_can_be_stopped_by_a_button(flow):
    await flow.start()
    await behind_another(flow)
    bubble = flow.platform.chats["ann"][0]
    assert bubble.buttons == ["stop"]
    flow.engine.hold("why?")
    flow.engine.held["busy"].set()
    await flow.platform.until(lambda: bubble.text == "echo")
    assert bubble.buttons == ["stop"]
    flow.engine.held["why?"].set()
    await flow.ended()

    assert "stop" not in bubble.buttons


async def test_stop_button_ends_one_waiting_question_alone(flow):
    await flow.start()
    first = await behind_another(flow, "first")
    second = await flow.say("second")
    await flow.said("ann", 2)
    await flow.press("stop", flow.platform.chats["ann"][0].id)
    await flow.until_states(**{first: "stopped"})
    flow.engine.held["busy"].set()
    states = await flow.ended()

    assert flow.platform.texts("ann") == [STOPPED, "echo of second"]
    assert states[second] == "answered"


async def test_stop_button_ends_the_answer_being_written_and_leaves_the_next_one(flow):
    flow.engine.hold("first")
    await flow.start()
    await flow.say("first")
    await flow.platform.until(lambda: flow.platform.texts("ann") == ["echo"])
    await flow.say("second")
    await flow.said("ann", 2)
    await flow.press("stop", flow.platform.chats["ann"][0].id)
    await flow.ended()

    assert flow.platform.texts("ann") == ["echo\n\n(stopped)", "echo of second"]


async def test_stop_button_is_not_for_others(flow):
    await flow.start()
    await behind_another(flow)
    press = await flow.press("stop", flow.platform.chats["ann"][0].id, person="eve")
    await flow.until_states(**{press: "ignored"})
    flow.engine.held["busy"].set()

    assert await flow.answered("ann") == ["echo of why?"]


async def test_stop_button_does_not_wait_for_a_photo_before_it(flow):
    flow.engine.hold("why?")
    flow.platform.blocked["q"] = asyncio.Event()
    await flow.start()
    await flow.say("why?", photos=("p",))
    await flow.platform.until(lambda: flow.platform.texts("ann") == ["echo"])
    await flow.say(photos=("q",))
    await flow.press("stop", flow.platform.chats["ann"][0].id)

    await flow.platform.until(lambda: "(stopped)" in flow.platform.texts("ann")[0])
    flow.platform.blocked["q"].set()
    await flow.ended()


async def test_press_after_the_end_changes_nothing(flow):
    await flow.start()
    await flow.say("why?")
    await flow.ended()
    await flow.press("stop", flow.platform.chats["ann"][0].id)
    await flow.ended()

    assert flow.platform.texts("ann") == ["echo of why?"]


async def test_deleted_question_is_not_answered(flow):
    await flow.start()
    asked = await behind_another(flow)
    await flow.delete(asked)
    await flow.until_states(**{asked: "stopped"})
    flow.engine.held["busy"].set()
    await flow.ended()

    assert flow.platform.texts("ann") == [STOPPED]
    assert [request.turns[-1].text for request in flow.engine.requests] == ["busy"]


async def test_deleting_what_somebody_else_asked_changes_nothing(flow):
    await flow.start()
    asked = await behind_another(flow)
    deletion = await flow.delete(asked, person="eve")
    await flow.until_states(**{deletion: "ignored"})
    flow.engine.held["busy"].set()

    assert await flow.answered("ann") == ["echo of why?"]


async def test_deleted_words_end_the_question_that_was_asked_again_with_a_photo(flow):
    await flow.start()
    asked = await behind_another(flow)
    photo = await flow.say(photos=("p",))
    await flow.said("ann", 2)
    await flow.delete(asked)
    await flow.until_states(**{photo: "stopped"})

    assert flow.platform.texts("ann") == [TEXTS["photo_joined"].en, STOPPED]


async def test_edit_makes_no_second_answer(flow):
    await flow.start()
    asked = await flow.say("why?")
    await flow.ended()
    edit = await flow.edit(asked, "why not?")

    assert (await flow.ended())[edit] == "ignored"
    assert flow.platform.texts("ann") == ["echo of why?"]


async def test_question_beyond_the_quota_is_told_so_and_costs_nothing(flow):
    flow.rules.change(quota=QuotaSection(guest=("1 questions/day",)))
    await flow.start()
    await flow.say("first")
    await flow.ended()
    refused = await flow.say("second")
    states = await flow.ended()

    assert states[refused] == "refused"
    assert len(flow.engine.requests) == 1
    assert len(flow.platform.texts("ann")) == 2
    assert "1" in flow.platform.texts("ann")[1]


@pytest.mark.parametrize("end", ["stopped", "expired", "deleted"])
async def test_question_that_never_ran_costs_nothing(flow, end):
    flow.rules.change(quota=QuotaSection(guest=("1 questions/day",)))
    await flow.start()
    asked = await behind_another(flow)
    match end:
        case "stopped":
            await flow.say("/stop")
        case "expired":
            await pass_time(flow, 65)
        case "deleted":
            await flow.delete(asked)
    await flow.until_states(**{asked: "expired" if end == "expired" else "stopped"})
    flow.engine.held["busy"].set()
    await flow.say("and now?")
    await flow.ended()

    assert flow.platform.texts("ann")[-1] == "echo of and now?"


async def test_questions_in_the_line_are_counted_before_they_are_answered(flow):
    flow.rules.change(quota=QuotaSection(guest=("2 questions/day",)))
    await flow.start()
    await behind_another(flow, "first")
    await flow.say("second")
    await flow.said("ann", 2)
    third = await flow.say("third")
    await flow.until_states(**{third: "refused"})
    flow.engine.held["busy"].set()
    await flow.ended()

    assert flow.platform.texts("ann")[:2] == ["echo of first", "echo of second"]


async def test_restored_question_has_its_reservation_and_no_second_one(flow):
    flow.rules.change(quota=QuotaSection(guest=("1 questions/day",)))
    await flow.start()
    asked = await behind_another(flow)
    await noted(flow, 2)
    await flow.crash()
    flow.engine.held["busy"].set()
    await flow.start()
    states = await flow.ended()

    assert states[asked] == "answered"
    assert flow.platform.texts("ann") == ["echo of why?"]


async def test_again_answers_the_same_question_with_its_photos_below_it(flow):
    await flow.start()
    asked = await flow.say("why?", photos=("p",))
    await flow.ended()
    press = await flow.press("again", flow.platform.chats["ann"][0].id)
    states = await flow.ended()

    first, second = flow.platform.chats["ann"]
    assert (first.reply_to, second.reply_to) == (asked, asked)
    assert states[press] == "answered"
    last = flow.engine.requests[-1]
    assert [turn.text for turn in last.turns[1:]] == ["why?"]
    assert [picture.rgb for picture in last.turns[-1].pictures] == [b"catcatcat"]


async def test_again_may_be_asked_for_again(flow):
    await flow.start()
    await flow.say("why?", photos=("p",))
    await flow.ended()
    for number in (0, 1):
        await flow.press("again", flow.platform.chats["ann"][number].id)
        await flow.ended()

    last = flow.engine.requests[-1]
    assert [turn.text for turn in last.turns[1:]] == ["why?"]
    assert [picture.rgb for picture in last.turns[-1].pictures] == [b"catcatcat"]
    assert flow.platform.texts("ann") == ["echo of why?"] * 3


async def test_again_of_a_question_whose_photo_came_later_has_that_photo(flow):
    await flow.start()
    await flow.say("why?")
    await flow.ended()
    photo = await flow.say(photos=("p",))
    await flow.ended()
    await flow.press("again", flow.platform.chats["ann"][1].id)
    await flow.ended()

    last = flow.engine.requests[-1]
    assert len(flow.engine.requests) == 3
    assert [bubble.reply_to for bubble in flow.platform.chats["ann"][1:]] == [photo, photo]
    assert [picture.rgb for picture in last.turns[-1].pictures] == [b"catcatcat"]


async def test_killed_while_again_waits_it_is_answered_once(flow):
    await flow.start()
    await flow.say("why?", photos=("p",))
    await flow.ended()
    await flow.say("busy", chat="bob")
    await flow.engine.until(lambda: flow.engine.running)
    press = await flow.press("again", flow.platform.chats["ann"][0].id)
    await flow.said("ann", 2)
    await noted(flow, 3)
    await flow.crash()
    flow.engine.held["busy"].set()
    await flow.start()
    states = await flow.ended()

    assert states[press] == "answered"
    assert flow.platform.texts("ann") == ["echo of why?"] * 2
    again = flow.asked("why?").turns
    assert [turn.text for turn in again[1:]] == ["why?"]
    assert [picture.rgb for picture in again[-1].pictures] == [b"catcatcat"]


async def test_person_is_spoken_to_in_the_language_they_chose(flow):
    await flow.start()
    await flow.say("/language zh")
    await flow.ended()
    await flow.say("why?")
    await flow.ended()

    versions = flow.platform.chats["ann"][1].versions
    assert TEXTS["looking"].zh in versions
    assert THINKING not in versions


async def test_question_of_somebody_known_is_written_down_five_times_before_its_answer(flow):
    await flow.start()
    await flow.say("hello")
    await flow.ended()
    flow.engine.hold("why?")
    writes, write = [], flow.db.write

    def counted():
        writes.append(1)
        return write()

    flow.db.write = counted
    await flow.say("why?")
    await flow.platform.until(lambda: flow.platform.texts("ann")[-1] == "echo")

    # accepted, taken (together with what came by then), in the line with its reservation and the
    # key of its message, begun, that message
    assert len(writes) == 5


async def test_question_that_is_in_the_line_has_its_reservation(flow):
    flow.rules.change(quota=QuotaSection(guest=("1 questions/day",)))
    await flow.start()
    asked = await behind_another(flow)
    await flow.crash()
    flow.rules.change(quota=QuotaSection(guest=("0 questions/day",)))
    flow.engine.held["busy"].set()
    await flow.start()

    assert (await flow.ended())[asked] == "answered"


@pytest.mark.parametrize("moment", ["in the line", "while its photo is fetched"])
async def test_photo_of_a_stopped_question_can_still_be_asked_about(flow, moment):
    await flow.start()
    if moment == "in the line":
        asked = await behind_another(flow, photos=("p",))
    else:
        flow.platform.blocked["p"] = asyncio.Event()
        asked = await flow.say("why?", photos=("p",))
        await flow.platform.until(lambda: [c for c in flow.platform.calls if c.method == "fetch"])
    await flow.say("/stop")
    await flow.platform.until(lambda: STOPPED in flow.platform.texts("ann"))
    for gate in flow.platform.blocked.values():
        gate.set()
    await flow.until_states(**{asked: "stopped"})
    flow.engine.held["busy"].set()
    await flow.say("what colour?")
    await flow.ended()

    [picture] = flow.asked("what colour?").turns[-1].pictures
    assert picture.rgb == b"catcatcat"


@pytest.mark.parametrize("moment", ["in the line", "while it is answered"])
async def test_photo_of_a_deleted_question_is_forgotten(flow, moment):
    await flow.start()
    if moment == "in the line":
        asked = await behind_another(flow, photos=("p",))
    else:
        flow.engine.answers["why?"] = ["", "never"]
        flow.engine.hold("why?")
        asked = await flow.say("why?", photos=("p",))
        await flow.engine.until(lambda: flow.engine.running)
    await flow.delete(asked)
    await flow.until_states(**{asked: "stopped"})
    flow.engine.held["busy"].set()
    await flow.say("what colour?")
    await flow.ended()

    assert flow.asked("what colour?").turns[-1].pictures == ()


async def test_photo_whose_question_was_stopped_by_a_new_topic_is_forgotten(flow):
    await flow.start()
    await behind_another(flow, photos=("p",))
    await flow.say("/new")
    await flow.said("ann", 2)
    flow.engine.held["busy"].set()
    await flow.say("what colour?")
    await flow.ended()

    assert flow.asked("what colour?").turns[-1].pictures == ()


async def test_refused_question_about_a_quoted_photo_leaves_the_others_waiting(flow):
    flow.platform.photos["bad"] = b"bad"
    await flow.start()
    await flow.say(photos=("p",))
    await flow.said("ann")
    refused = await flow.say("why?", quoted=a_quote("x1", photos=("bad",)))
    await flow.until_states(**{refused: "refused"})
    await flow.say("what colour?")
    await flow.ended()

    [picture] = flow.asked("what colour?").turns[-1].pictures
    assert picture.rgb == b"catcatcat"


async def test_person_who_wrote_english_reads_english_after_a_command(flow):
    await flow.start()
    await flow.say("这是什么？", language="")
    await flow.say("why?", language="")
    await flow.ended()
    await flow.say("/new", language="")
    await flow.ended()
    await flow.say("这是什么？", language="")
    await flow.ended()
    await flow.say("/new", language="")
    await flow.ended()

    texts = flow.platform.texts("ann")
    assert (texts[2], texts[4]) == (TEXTS["renewed"].en, TEXTS["renewed"].zh)


async def test_late_picture_of_an_album_whose_turn_comes_just_now_is_not_lost(flow):
    await flow.start()
    asked = await behind_another(flow, photos=("p",), album="x")
    parts = flow.inbox.parts

    async def slow_parts(entry_id):
        flow.engine.held["busy"].set()
        await flow.until_states(**{asked: "answered"})
        return await parts(entry_id)

    flow.inbox.parts = slow_parts
    await flow.say(photos=("q",), album="x")
    await flow.ended()
    flow.inbox.parts = parts
    await flow.say("and that?")
    await flow.ended()

    [picture] = flow.asked("and that?").turns[-1].pictures
    assert picture.rgb == b"dogdogdog"
