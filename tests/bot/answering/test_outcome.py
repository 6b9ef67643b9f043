"""What becomes of a question besides its words: what it costs, what stands below, who is told."""

from __future__ import annotations

import asyncio

import pytest

from bot.answering.ended import Care
from bot.rules import QuotaSection, ServiceSection
from bot.storage.audit import Act
from bot.storage.knowledge import NewDocument, Piece
from bot.texts import TEXTS
from inference.errors import ContextTooLong, EngineFault
from inference.request import Turn


def note_costs(flow) -> list[tuple[int, int]]:
    """Of each settling from now on: questions and tokens."""
    costs: list[tuple[int, int]] = []
    settle = flow.meter.settle

    async def noting(entry_id: int, *, questions: int, tokens: int) -> None:
        costs.append((questions, tokens))
        await settle(entry_id, questions=questions, tokens=tokens)

    flow.meter.settle = noting
    return costs


async def learn(flow, *texts: str) -> None:
    for number, text in enumerate(texts):
        new = NewDocument(
            f"Guide {number}", "text", str(number), "test:staff", [Piece("p. 1", text)]
        )
        act = Act(f"learn {number}", "test:staff", "/learn")
        await flow.knowledge.add(act, new, lambda document, novelty: "ok")


async def test_answer_costs_what_the_engine_counted(flow):
    await flow.start()
    costs = note_costs(flow)
    await flow.say("why?")
    await flow.ended()

    assert costs == [(1, 15)]


@pytest.mark.parametrize("error", [EngineFault("x"), ContextTooLong(9, 5)], ids=["fault", "long"])
async def test_failure_costs_nothing(flow, error):
    flow.engine.faults["why?"] = [error]
    await flow.start()
    costs = note_costs(flow)
    await flow.say("why?")
    await flow.ended()

    assert costs == [(0, 0)]


async def test_photo_that_cannot_be_used_costs_nothing(flow):
    flow.platform.photos["p"] = b"bad"
    await flow.start()
    costs = note_costs(flow)
    await flow.say("what?", photos=("p",))
    await flow.ended()

    assert costs == [(0, 0)]


async def test_answer_without_words_is_no_question_but_was_read(flow):
    flow.engine.answers["why?"] = [""]
    await flow.start()
    costs = note_costs(flow)
    await flow.say("why?")
    await flow.ended()

    assert costs == [(0, 15)]


async def test_stopped_answer_costs_what_was_read_and_written(flow):
    flow.engine.answers["why?"] = ["Because", "never"]
    flow.engine.hold("why?")
    await flow.start()
    costs = note_costs(flow)
    await flow.say("why?")
    await flow.platform.until(lambda: flow.platform.texts("ann") == ["Because"])
    await flow.say("/stop")
    await flow.ended()

    [(questions, tokens)] = costs
    read = sum([await flow.engine.measure(turn) for turn in flow.engine.requests[0].turns])
    written = await flow.engine.measure(Turn("assistant", "Because"))
    assert questions == 1
    assert read + written <= tokens <= read + written + 150  # with room for the note


async def test_question_stopped_before_the_model_saw_it_costs_nothing(flow):
    flow.platform.photos["p"] = b"cat"
    flow.platform.blocked["p"] = asyncio.Event()
    await flow.start()
    costs = note_costs(flow)
    await flow.say("what?", photos=("p",))
    await flow.platform.until(lambda: [c for c in flow.platform.calls if c.method == "fetch"])
    await flow.say("/stop")
    await flow.answered("ann")
    flow.platform.blocked["p"].set()
    await flow.ended()

    assert costs == [(0, 0)]


async def test_person_who_left_meanwhile_is_charged_for_what_was_written(flow):
    flow.engine.answers["why?"] = ["Because", "never"]
    flow.engine.hold("why?")
    await flow.start()
    costs = note_costs(flow)
    await flow.say("why?")
    await flow.platform.until(lambda: flow.platform.texts("ann") == ["Because"])
    flow.platform.gone.add("ann")
    flow.engine.held["why?"].set()
    await flow.ended()

    [(questions, tokens)] = costs
    assert questions == 1
    assert tokens > 0


async def test_person_who_left_before_is_charged_nothing(flow):
    flow.at_once = 1
    flow.platform.gone.add("bob")
    flow.engine.hold("why?")
    await flow.start()
    costs = note_costs(flow)
    await flow.say("why?")
    await flow.engine.until(lambda: flow.engine.running)
    left = await flow.say("how?", chat="bob")
    await flow.platform.until(lambda: flow.platform.calls_to("bob"))
    flow.engine.held["why?"].set()
    await flow.until_states(**{left: "undeliverable"})

    assert (0, 0) in costs


async def test_settling_that_fails_is_repeated_with_the_end(flow, caplog):
    await flow.start()
    settle, failures = flow.meter.settle, [OSError("disk full")]

    async def failing(entry_id: int, **cost: int) -> None:
        if failures:
            raise failures.pop()
        await settle(entry_id, **cost)

    flow.meter.settle = failing
    question = await flow.say("why?")
    await flow.time.advance(await flow.time.sleeping())
    await flow.until_states(**{question: "answered"})

    assert len(flow.engine.requests) == 1
    assert "its end is not written yet" in caplog.text


async def test_finished_answer_has_buttons_and_is_shown_as_written(flow):
    await flow.start()
    await flow.say("why?")
    await flow.answered("ann")

    [bubble] = flow.platform.chats["ann"]
    assert bubble.buttons == ["again", "up", "down"]
    assert bubble.rich


async def test_words_of_ours_have_no_thumbs_below(flow):
    flow.engine.faults["why?"] = [EngineFault("x")]
    await flow.start()
    await flow.say("why?")
    await flow.answered("ann")

    [bubble] = flow.platform.chats["ann"]
    assert bubble.buttons == []
    assert not bubble.rich


async def test_code_that_was_cut_off_does_not_swallow_the_mark_below(flow):
    flow.engine.answers["how?"] = ["So:\n```python\n", "print(1)"]
    flow.engine.finish = "length"
    await flow.start()
    await flow.say("how?")

    mark = TEXTS["length_mark"].en
    assert await flow.answered("ann") == [f"So:\n```python\nprint(1)\n```\n\n{mark}"]


async def test_who_looks_after_learns_how_it_ended(flow):
    flow.engine.faults["how?"] = [EngineFault("x")]
    await flow.start()
    await flow.say("why?")
    await flow.answered("ann")
    await flow.say("how?")
    await flow.answered("ann", 2)
    await flow.ended()

    assert [(ended.end, ended.text, ended.key, ended.language) for _, ended in flow.ends] == [
        ("answered", "echo of why?", None, "en"),
        ("dead", TEXTS["engine_fault"].en, "engine_fault", "en"),
    ]


async def test_next_question_of_the_conversation_alone_waits_for_who_looks_after(flow):
    flow.at_once = 1
    done = asyncio.Event()

    async def look_after(entry, ended):
        await done.wait()

    flow.look_after = look_after
    await flow.start()
    await flow.say("why?")
    await flow.engine.until(lambda: flow.engine.requests)
    await flow.say("how?")
    await flow.say("what?", chat="bob")
    await flow.answered("bob")

    assert [request.turns[-1].text for request in flow.engine.requests] == ["why?", "what?"]
    done.set()
    await flow.engine.until(lambda: len(flow.engine.requests) == 3)


async def test_fault_of_who_looks_after_is_no_fault_of_the_answer(flow, caplog):
    async def fail(entry, ended):
        raise ZeroDivisionError

    flow.look_after = fail
    await flow.start()
    first, second = await flow.say("why?"), await flow.say("how?")
    await flow.until_states(**{first: "answered", second: "answered"})

    assert await flow.answered("ann", 2) == ["echo of why?", "echo of how?"]
    assert "nobody looked after it" in caplog.text


async def test_care_that_cannot_be_written_does_not_keep_the_question_from_its_end(flow, caplog):
    told = []

    async def write(transaction):
        await transaction.exec_driver_sql("UPDATE inbox SET state = 'dead'")
        raise ZeroDivisionError

    async def look_after(entry, ended):
        return Care(write, lambda: told.append(entry.id))

    flow.look_after = look_after
    await flow.start()
    asked = await flow.say("why?")

    assert await flow.ended() == {asked: "answered"}
    assert "nobody looked after it" in caplog.text


@pytest.mark.parametrize("how", ["answered", "dead"])
async def test_killed_while_a_person_is_called_neither_end_nor_call_is_lost(flow, how):
    words = ("because",) if how == "answered" else ()
    flow.rules.change(service=ServiceSection(staff_chat="test:desk", unsure_words=words))
    flow.engine.answers["why?"] = ["because"]
    flow.engine.faults["why?"] = [EngineFault("x")] * 2 if how == "dead" else []
    await flow.start()
    calling, call = asyncio.Event(), flow.tickets.call_with

    async def killed(*arguments):
        await call(*arguments)
        calling.set()
        await asyncio.Event().wait()

    flow.tickets.call_with = killed
    asked = await flow.say("why?")
    await calling.wait()
    await flow.crash()
    await flow.start()

    assert (await flow.ended())[asked] == how
    [ticket] = await flow.tickets.listed("waiting")
    said = [line.text for line in await flow.tickets.lines(ticket.id) if line.side == "customer"]
    assert said == ["why?"]


async def test_passages_stand_before_the_question_and_below_the_answer(flow):
    await flow.start()
    await learn(flow, "The museum opens at nine and closes at five.")
    await flow.say("When does the museum open?")
    [text] = await flow.answered("ann")

    asked = flow.engine.requests[-1].turns[-1].text
    assert "> The museum opens at nine and closes at five." in asked.splitlines()
    assert asked.endswith("\n\nWhen does the museum open?")
    assert text.endswith(f"\n\n{TEXTS['sources'].en}\n[1] Guide 0, p. 1")


async def test_passages_and_sources_are_no_part_of_the_talk(flow):
    await flow.start()
    await learn(flow, "The museum opens at nine and closes at five.")
    await flow.say("When does the museum open?")
    await flow.answered("ann")
    await flow.say("xyzzy plugh?")
    await flow.answered("ann", 2)

    _, question, answer, _ = flow.engine.requests[-1].turns
    assert question.text == "When does the museum open?"
    assert answer.text.startswith("echo of")
    assert not answer.text.endswith("Guide 0, p. 1")


async def test_nothing_found_is_said_below_the_answer(flow):
    await flow.start()
    await learn(flow, "The museum opens at nine and closes at five.")
    await flow.say("xyzzy plugh?")

    [text] = await flow.answered("ann")
    assert text == f"echo of xyzzy plugh?\n\n{TEXTS['nothing_found'].en}"
    await flow.ended()
    assert [ended.found_nothing for _, ended in flow.ends] == [True]


async def test_empty_knowledge_base_says_nothing(flow):
    await flow.start()
    await flow.say("When does the museum open?")

    assert await flow.answered("ann") == ["echo of When does the museum open?"]
    await flow.ended()
    assert [ended.found_nothing for _, ended in flow.ends] == [False]


async def test_half_an_answer_names_no_sources(flow):
    await flow.start()
    await learn(flow, "The museum opens at nine and closes at five.")
    await flow.say("When does the museum open?", chat="bob")
    await flow.answered("bob")
    question = flow.engine.requests[-1].turns[-1].text
    flow.engine.answers[question] = ["At nine", "never"]
    flow.engine.hold(question)
    await flow.say("When does the museum open?")
    await flow.platform.until(lambda: flow.platform.texts("ann") == ["At nine"])
    await flow.say("/stop")
    await flow.ended()

    assert flow.platform.texts("ann")[0] == f"At nine\n\n{TEXTS['stopped_mark'].en}"


async def test_question_that_needs_more_tokens_than_are_left_is_refused_before_it_is_read(flow):
    usual = flow.answers.max_tokens + flow.window.max_tokens
    flow.engine.context_tokens = 100_000
    flow.rules.change(quota=QuotaSection(guest=(f"{usual + 1000} tokens/day",)))
    await flow.start()
    costs = note_costs(flow)
    asked = await flow.say("w" * (usual + 1000))  # a token for each letter, and an answer

    assert (await flow.ended())[asked] == "refused"
    assert flow.engine.requests == []
    assert costs == [(0, 0)]
    assert "tokens" in flow.platform.texts("ann")[0]
