"""What people see while the engine is away or the line is long, over the whole way of a message."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bot.rules import ServiceSection
from bot.storage.answers import EarlierAnswers
from bot.storage.audit import Act
from bot.storage.knowledge import NewDocument, Piece
from bot.texts import TEXTS, say
from inference.earlier.answers import Answers, CacheSection
from inference.errors import Blocked, EngineFault
from inference.fallback import FallbackSection
from inference.request import ChatRequest, Turn
from inference.safety.safety import Safety
from inference.safety.verdict import UNCHECKED
from tests.bot.flow import Flow, a_flow
from tests.fakes import FakeReader

DOWN = f"{TEXTS['away_down'].en} {TEXTS['later'].en}"
BUSY = f"{TEXTS['away_busy'].en} {TEXTS['later_busy'].en}"
READ = f"{TEXTS['read_instead'].en}\nINVOICE 42"
LONG_S = 12.0  # longer than [fallback] after_s


@pytest.fixture
async def flow(tmp_path: Path) -> AsyncIterator[Flow]:
    async with a_flow(tmp_path) as flow:
        flow.platform.photos |= {"p": b"invoice", "q": b"cat"}
        flow.reader = FakeReader(invoice="INVOICE 42")
        yield flow


def order(flow: Flow, *steps: str) -> None:
    flow.rules.change(fallback=FallbackSection(order=steps))


async def teach(flow: Flow) -> None:
    pieces = [Piece("p. 2", "The museum is closed on Mondays.")]
    new = NewDocument("Visits", "text", "d", "test:bob", pieces)
    await flow.knowledge.add(Act("e1", "test:bob", "knowledge"), new, lambda *_: "kept")


async def stay_away(flow: Flow, seconds: float = LONG_S) -> None:
    """Who looks whether the engine is away has seen that it is, and time has passed."""
    await flow.away.sleeping()
    await flow.away.advance(seconds)


async def shows(flow: Flow, text: str, chat: str = "ann") -> None:
    await looks_until(flow, lambda: text in flow.platform.texts(chat))


async def sees(flow: Flow, text: str, chat: str = "ann") -> None:
    """The same, but no time passes meanwhile."""
    await flow.platform.until(lambda: text in flow.platform.texts(chat))


async def looks_until(flow: Flow, holds: Callable[[], object]) -> None:
    while not holds():
        await flow.away.sleeping()
        await flow.away.advance(1.0)


async def final(flow: Flow, chat: str = "ann", count: int = 1) -> list[str]:
    """What is seen there, while it is looked again and again, when all is final."""
    bubbles = flow.platform.chats[chat]
    await looks_until(flow, lambda: len(bubbles) >= count and all(one.final for one in bubbles))
    return flow.platform.texts(chat)


async def come_back(flow: Flow) -> None:
    flow.engine.state = "up"
    await flow.time.sleeping()
    await flow.time.advance(10)


async def test_engine_that_stays_away_is_told_with_a_promise_which_is_kept(flow: Flow):
    flow.engine.state = "down"
    await flow.start()
    question = await flow.say("why?")
    await flow.said("ann")
    await stay_away(flow)
    await shows(flow, DOWN)

    await come_back(flow)

    assert await flow.answered("ann") == ["echo of why?"]
    assert await flow.ended() == {question: "answered"}
    [bubble] = flow.platform.chats["ann"]
    assert bubble.versions.count(DOWN) == 1


async def test_engine_that_is_back_soon_is_not_worth_a_word(flow: Flow):
    flow.engine.state = "down"
    await flow.start()
    await flow.say("why?")
    await flow.said("ann")
    await stay_away(flow, 8.0)
    await come_back(flow)

    await flow.answered("ann")

    assert DOWN not in flow.platform.chats["ann"][0].versions


async def test_model_that_is_still_loading_is_told_as_such(flow: Flow):
    flow.engine.state = "starting"
    await flow.start()
    await flow.say("为什么？")
    await stay_away(flow)

    await shows(flow, f"{TEXTS['away_starting'].zh}{TEXTS['later'].zh}")


def about(minutes: int) -> str:
    return f"{TEXTS['away_down'].en} {TEXTS['later_minutes'].en.format(minutes=minutes)}"


async def test_how_long_it_was_away_the_last_time_is_the_estimate_which_follows_the_time(
    flow: Flow,
):
    flow.engine.state = "restarting"
    await flow.start()
    await stay_away(flow, 300.0)
    flow.engine.state = "up"
    await stay_away(flow, 2.0)
    flow.engine.state = "down"
    await stay_away(flow, 2.0)
    await flow.say("why?")
    await flow.said("ann")
    await stay_away(flow)

    await shows(flow, about(5))
    await stay_away(flow, 120.0)
    await shows(flow, about(3))
    await stay_away(flow, 300.0)
    await shows(flow, DOWN)


async def test_another_cause_is_told_as_such(flow: Flow):
    flow.engine.state = "starting"
    await flow.start()
    await flow.say("what is it?", photos=("p",))
    await stay_away(flow)
    starting = f"{TEXTS['away_starting'].en} {TEXTS['later'].en}"
    await shows(flow, f"{READ}\n\n{starting}")

    flow.engine.state = "restarting"

    await shows(flow, f"{READ}\n\n{DOWN}")


async def test_who_still_waits_when_the_engine_is_back_does_not_read_that_it_is_away(flow: Flow):
    flow.at_once = 1
    flow.engine.hold("tell")
    flow.engine.state = "down"
    await flow.start()
    await flow.say("tell")
    await flow.said("ann")
    await flow.say("why?", chat="bob")
    await flow.said("bob")
    await stay_away(flow)
    place = TEXTS["position"].en.format(ahead=1)
    await shows(flow, f"{DOWN}\n\n{place}", "bob")

    await come_back(flow)
    await sees(flow, "echo")

    await shows(flow, f"{TEXTS['later_busy'].en}\n\n{place}", "bob")
    flow.engine.held["tell"].set()
    await flow.platform.until(lambda: flow.platform.texts("bob") == ["echo of why?"])


async def test_answer_that_is_slow_to_begin_is_told_as_such_and_not_as_a_long_line(flow: Flow):
    flow.engine.answers["why?"] = ["", "well"]
    gate = flow.engine.hold("why?")
    await flow.start()
    await flow.say("why?")
    await flow.said("ann")
    await stay_away(flow, 2.0)
    await stay_away(flow, 121.0)

    await shows(flow, TEXTS["away_slow"].en)
    gate.set()

    assert await flow.answered("ann") == ["well"]


async def test_passages_are_shown_until_the_answer_comes(flow: Flow):
    flow.engine.state = "down"
    await flow.start()
    await teach(flow)
    await flow.say("When is the museum closed?")
    await flow.said("ann")
    await stay_away(flow)

    found = "[1] Visits, p. 2\nThe museum is closed on Mondays."
    await looks_until(flow, lambda: found in flow.platform.texts("ann")[0])
    assert flow.platform.texts("ann")[0].startswith(TEXTS["knowledge_instead"].en)
    assert flow.platform.texts("ann")[0].endswith(DOWN)
    await come_back(flow)
    (answer,) = await flow.answered("ann")
    assert answer.startswith("echo of ")
    assert TEXTS["knowledge_instead"].en not in answer


async def test_text_in_the_photo_is_given_as_no_more_than_that(flow: Flow):
    flow.engine.state = "down"
    await flow.start()
    await flow.say("what is it?", photos=("p",))
    await flow.said("ann")
    await stay_away(flow)

    await shows(flow, f"{READ}\n\n{DOWN}")


@pytest.mark.parametrize(
    ("steps", "first"),
    [
        (("knowledge", "ocr", "later"), "knowledge_instead"),
        (("ocr", "knowledge", "later"), "read_instead"),
    ],
    ids=["knowledge first", "photo first"],
)
async def test_the_first_of_the_order_is_taken(flow: Flow, steps, first):
    order(flow, *steps)
    flow.engine.state = "down"
    await flow.start()
    await teach(flow)
    await flow.say("When is the museum closed?", photos=("p",))
    await flow.said("ann")
    await stay_away(flow)

    await looks_until(flow, lambda: flow.platform.texts("ann")[0].startswith(TEXTS[first].en))


async def test_what_stands_behind_the_promise_is_not_looked_for(flow: Flow):
    order(flow, "later", "ocr")
    flow.engine.state = "down"
    await flow.start()
    await flow.say("what is it?", photos=("p",))
    await flow.said("ann")
    await stay_away(flow)
    await shows(flow, DOWN)
    await stay_away(flow, 5.0)

    assert flow.reader.reads == 0


class Strict(Safety):
    """Nothing may be asked."""

    def __init__(self, category: str) -> None:
        super().__init__()
        self._category = category

    async def admit(self, request: ChatRequest) -> ChatRequest:
        raise Blocked("question", self._category)


async def test_nobody_waits_for_the_answer_to_what_may_not_be_asked(flow: Flow):
    flow.guard = lambda casework: Strict("weapons")
    flow.engine.state = "down"
    await flow.start()
    question = await flow.say("why?")
    await flow.said("ann")
    await stay_away(flow)

    assert await final(flow) == [TEXTS["question_blocked"].en]
    assert await flow.ended() == {question: "refused"}
    assert await settled(flow) == [(0, 0)]


async def test_what_cannot_be_checked_without_the_engine_is_checked_when_it_is_back(flow: Flow):
    flow.guard = lambda casework: Strict(UNCHECKED)
    flow.engine.state = "down"
    await flow.start()
    await flow.say("why?")
    await flow.said("ann")
    await stay_away(flow)
    await shows(flow, DOWN)
    await stay_away(flow, 5.0)

    assert flow.platform.texts("ann") == [DOWN]


async def test_without_the_promise_what_was_given_is_final_and_costs_nothing(flow: Flow):
    order(flow, "ocr")
    flow.engine.state = "down"
    await flow.start()
    question = await flow.say("what is it?", photos=("p",))
    await flow.said("ann")
    await stay_away(flow)

    assert await final(flow) == [f"{READ}\n\n{TEXTS['instead_mark'].en}"]
    assert await flow.ended() == {question: "dead"}
    assert await settled(flow) == [(0, 0)]
    assert flow.ends[-1][1].key == "instead_mark"


async def test_without_the_promise_and_with_nothing_found_that_is_said(flow: Flow):
    order(flow, "ocr")
    flow.engine.state = "down"
    await flow.start()
    first = await flow.say("why?")
    second = await flow.say("how?")  # its conversation is busy with the first
    await flow.said("ann", 2)
    await stay_away(flow)

    assert await final(flow, count=2) == [TEXTS["unavailable"].en] * 2
    assert await flow.ended() == {first: "dead", second: "dead"}


async def test_waiting_question_too_is_ended_where_nothing_is_promised(flow: Flow):
    order(flow)
    flow.at_once = 1
    flow.engine.state = "down"
    await flow.start()
    for chat in ("ann", "bob", "cid"):
        await flow.say("why?", chat=chat)
        await flow.said(chat)
    await stay_away(flow)

    for chat in ("ann", "bob", "cid"):
        assert await final(flow, chat) == [TEXTS["unavailable"].en]
    assert flow.line.busy == 0


async def test_earlier_answer_is_an_answer_though_the_engine_is_away_and_it_is_old(flow: Flow):
    keep_answers(flow, max_age_s=1.0)
    await flow.start()
    await flow.say("what is it?", photos=("p",))
    await flow.answered("ann")
    await flow.store.write()
    flow.engine.state = "down"
    await flow.say("/new")
    again = await flow.say("what is it?", photos=("p",))
    await flow.said("ann", 3)
    await stay_away(flow)

    (*_, answer) = await final(flow, count=3)
    assert answer == f"echo of what is it?\n\n{TEXTS['earlier_mark'].en}"
    assert (await flow.ended())[again] == "answered"
    assert flow.platform.chats["ann"][-1].buttons == ["again", "up", "down"]
    assert len(flow.engine.requests) == 1
    assert (await settled(flow))[-1] == (1, 0)


async def test_promise_is_kept_over_restarts_however_long_the_line_allows_to_wait(flow: Flow):
    flow.engine.state = "down"
    await flow.start()
    question = await flow.say("what is it?", photos=("p",))
    await flow.said("ann")
    await stay_away(flow)
    await shows(flow, f"{READ}\n\n{DOWN}")

    for _ in range(4):  # more often than [line] max_attempts
        await flow.crash()
        await flow.wall.advance(1000)  # longer than [line] max_wait_s
        await flow.start()
        await flow.wall.sleeping()
        await flow.wall.advance(6)
        await flow.time.sleeping()
        assert flow.platform.texts("ann") == [f"{READ}\n\n{DOWN}"]
    await come_back(flow)

    assert await flow.answered("ann") == ["echo of what is it?"]
    assert await flow.ended() == {question: "answered"}


async def test_promise_that_cannot_be_kept_is_taken_back_in_words(flow: Flow):
    flow.rules.change(service=ServiceSection(staff_chat="other:staff"))
    flow.engine.state = "down"
    await flow.start()
    question = await flow.say("why?")
    await flow.said("ann")
    await stay_away(flow)
    await shows(flow, DOWN)
    await flow.wall.advance(86_401)

    (said, *_) = await final(flow)
    assert said == TEXTS["promise_broken"].en.format(hours=24)
    assert (await flow.ended())[question] == "dead"
    assert flow.ends[-1][1].calls_person


async def test_promise_that_is_just_being_kept_is_not_taken_back(flow: Flow):
    gate = flow.engine.hold("why?")
    flow.engine.state = "down"
    await flow.start()
    question = await flow.say("why?")
    await flow.said("ann")
    await stay_away(flow)
    await shows(flow, DOWN)
    await come_back(flow)
    await sees(flow, "echo")
    await flow.wall.advance(86_401)
    await stay_away(flow, 2.0)
    await stay_away(flow, 2.0)
    gate.set()

    assert await flow.answered("ann") == ["echo of why?"]
    assert await flow.ended() == {question: "answered"}


async def test_who_was_promised_an_answer_can_stop_waiting_for_it(flow: Flow):
    flow.engine.state = "down"
    await flow.start()
    question = await flow.say("why?")
    await flow.said("ann")
    await stay_away(flow)
    await shows(flow, DOWN)
    await flow.say("/stop")

    assert await flow.answered("ann") == [TEXTS["stopped"].en]
    await flow.until_states(**{question: "stopped"})


async def test_what_was_only_estimated_is_measured_when_the_engine_is_back(flow: Flow):
    measured: list[str] = []
    measure = flow.engine.measure

    async def noted(turn: Turn) -> int:
        measured.append(turn.role)
        return await measure(turn)

    flow.engine.measure = noted
    flow.engine.state = "down"
    await flow.start()
    await flow.say("what is it?", photos=("p",))
    await flow.said("ann")
    await stay_away(flow)
    await shows(flow, f"{READ}\n\n{DOWN}")  # for which a prompt was made
    assert measured == []
    await come_back(flow)
    await flow.answered("ann")

    assert "system" in measured


async def test_kept_answer_that_was_chosen_needs_no_engine(flow: Flow):
    keep_answers(flow, max_age_s=1e9)
    await flow.start()
    await flow.say("what is it?", photos=("p",))
    await flow.answered("ann")
    await flow.store.write()
    flow.engine.state = "down"
    await flow.press("show 1", flow.platform.chats["ann"][-1].id)
    await flow.said("ann", 2)
    await stay_away(flow)

    (*_, answer) = await final(flow, count=2)
    assert answer == f"echo of what is it?\n\n{TEXTS['earlier_mark'].en}"


async def test_half_an_answer_stays_and_goes_on(flow: Flow):
    gate = flow.engine.hold("why?")
    await flow.start()
    await flow.say("why?", photos=("p",))
    await sees(flow, "echo")
    await flow.away.sleeping()
    flow.engine.state = "restarting"
    await stay_away(flow, 2.0)
    await stay_away(flow)
    await shows(flow, f"echo\n\n{DOWN}")

    flow.engine.state = "up"
    gate.set()

    assert await flow.answered("ann") == ["echo of why?"]
    assert flow.reader.reads == 0


async def test_promise_is_seen_again_below_what_was_written_when_the_engine_goes_once_more(
    flow: Flow,
):
    gate = flow.engine.hold("why?")
    flow.engine.state = "down"
    await flow.start()
    await flow.say("why?")
    await flow.said("ann")
    await stay_away(flow)
    await shows(flow, DOWN)
    await come_back(flow)
    await sees(flow, "echo")

    flow.engine.state = "restarting"
    await stay_away(flow, 2.0)
    await stay_away(flow)
    await looks_until(flow, lambda: flow.platform.texts("ann") == [f"echo\n\n{DOWN}"])
    flow.engine.state = "up"
    gate.set()

    assert await flow.answered("ann") == ["echo of why?"]


async def test_group_sees_the_promise_alone(flow: Flow):
    flow.engine.state = "down"
    await flow.start()
    await teach(flow)
    await flow.say("When is the museum closed?", photos=("p",), group=True, addressed=True)
    await flow.said("ann")
    await stay_away(flow)
    await shows(flow, DOWN)
    await stay_away(flow, 5.0)

    assert flow.reader.reads == 0
    assert flow.platform.texts("ann") == [DOWN]


async def test_person_is_called_where_the_order_says_so(flow: Flow):
    section = ServiceSection(staff_chat="other:staff", hand_off=())
    flow.rules.change(service=section)
    order(flow, "person", "later")
    flow.engine.state = "down"
    await flow.start()
    question = await flow.say("why?")
    await flow.said("ann")
    await stay_away(flow)
    await looks_until(flow, lambda: len(flow.platform.chats["ann"]) == 2)

    (said, letter) = flow.platform.texts("ann")
    assert said == TEXTS["unavailable"].en
    assert letter.startswith(say("called_for_you", "en", number=1))
    await flow.until_states(**{question: "dead"})
    assert DOWN not in flow.platform.chats["ann"][0].versions


async def test_without_a_service_desk_the_step_after_the_person_is_taken(flow: Flow):
    order(flow, "person", "later")
    flow.engine.state = "down"
    await flow.start()
    await flow.say("why?")
    await flow.said("ann")
    await stay_away(flow)

    await shows(flow, DOWN)


@pytest.mark.parametrize(
    ("patience", "seconds"), [(None, 121.0), ("/patience 20s", 21.0)], ids=["usual", "own"]
)
async def test_line_longer_than_the_patience_is_told_with_the_place(flow: Flow, patience, seconds):
    flow.at_once = 1
    flow.engine.hold("tell")
    await flow.start()
    if patience:
        await flow.say(patience, chat="bob")
        await flow.said("bob")
    await flow.say("tell")
    await sees(flow, "echo")
    await flow.say("what is it?", chat="bob", photos=("p",))
    place = TEXTS["position"].en.format(ahead=1)
    await sees(flow, place, "bob")
    await stay_away(flow, seconds - 3)
    assert place in flow.platform.texts("bob")
    await stay_away(flow, 4)
    await stay_away(flow, 2)

    await shows(flow, f"{READ}\n\n{BUSY}\n\n{place}", "bob")
    flow.engine.held["tell"].set()
    await flow.platform.until(lambda: flow.platform.texts("bob")[-1] == "echo of what is it?")


async def test_who_wants_to_wait_however_long_is_told_nothing_but_the_place(flow: Flow):
    flow.at_once = 1
    flow.engine.hold("tell")
    await flow.start()
    await flow.say("/patience off", chat="bob")
    await flow.said("bob")
    await flow.say("tell")
    await sees(flow, "echo")
    await flow.say("what is it?", chat="bob", photos=("p",))
    place = TEXTS["position"].en.format(ahead=1)
    await sees(flow, place, "bob")
    await stay_away(flow, 3000.0)
    await stay_away(flow, 2.0)

    assert flow.platform.texts("bob")[-1] == place


async def test_who_waits_in_a_long_line_goes_on_waiting_where_nothing_is_promised(flow: Flow):
    order(flow, "ocr")
    flow.at_once = 1
    flow.engine.hold("tell")
    await flow.start()
    await flow.say("tell")
    await sees(flow, "echo")
    await flow.say("why?", chat="bob")
    await flow.said("bob")
    await stay_away(flow, 3000.0)
    await stay_away(flow, 2.0)
    flow.engine.held["tell"].set()

    assert await flow.answered("bob") == ["echo of why?"]


@pytest.mark.parametrize("attempts", [1, 3], ids=["fault", "given up"])
async def test_question_that_the_engine_fails_gets_what_can_be_had_without_it(
    flow: Flow, attempts: int
):
    if attempts == 1:
        flow.engine.faults["what is it?"] = [EngineFault("out of memory", "memory")]
    else:
        flow.engine.deadly = "what is it?"
    await flow.start()
    question = await flow.say("what is it?", photos=("p",))
    for _ in range(attempts if attempts > 1 else 0):
        await flow.time.advance(await flow.time.sleeping())

    failed = TEXTS["engine_fault" if attempts == 1 else "given_up"].en
    assert await flow.answered("ann") == [f"{READ}\n\n{failed}"]
    assert await flow.ended() == {question: "dead"}


def keep_answers(flow: Flow, **section: object) -> None:
    def made() -> Answers:
        flow.store = EarlierAnswers(flow.db)
        clock = iter(range(0, 10_000_000, 1000))  # each look finds them older
        return Answers(
            CacheSection(**section), flow.store, model=lambda: "m", clock=lambda: next(clock)
        )

    flow.kept = made


async def settled(flow: Flow) -> list[tuple[int, int]]:
    async with flow.db.read() as connection:
        rows = await connection.exec_driver_sql(
            "select settled_questions, settled_tokens from ledger order by id"
        )
        return [tuple(row) for row in rows]
