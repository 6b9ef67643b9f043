from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.line import Line, LineSection, Place
from tests.fakes import cancelled, settle


@dataclass(eq=False)
class Asked:
    person: str
    conversation: str
    number: int = 0
    places: list[Place] = field(default_factory=list)

    def moved(self, place: Place) -> None:
        self.places.append(place)


def a_line(*, workers=1, waiting=64, per_person=100) -> Line[Asked]:
    section = LineSection(max_waiting=waiting, max_per_person=per_person)
    return Line(section, workers=workers)


def joined(line, person, conversation=None, number=0):
    asked = Asked(person, conversation or f"{person} {number}", number)
    line.join(asked)
    return asked


def end(line, question, took_s=None):
    line.answered(question, took_s=took_s)
    line.done(question)


async def test_everybody_waits_when_all_places_are_taken_and_is_told_so():
    line = a_line(waiting=2)
    joined(line, "ann")
    assert line.full("bob") is None

    joined(line, "bob")

    assert line.full("cyd") == "line_full"


async def test_questions_waiting_and_running_count_for_a_person():
    line = a_line(per_person=2)
    joined(line, "ann", number=1)
    joined(line, "ann", number=2)
    running = await line.take()

    assert line.full("ann") == "line_full_person"
    assert line.full("bob") is None
    end(line, running)
    assert line.full("ann") is None


@pytest.mark.row(2)
async def test_person_with_many_questions_does_not_delay_one_with_a_single_one():
    line = a_line()
    for number in range(10):
        joined(line, "flooder", number=number)
    bob = joined(line, "bob")

    first = await line.take()
    end(line, first)

    assert first.person == "flooder"
    assert await line.take() is bob


async def test_conversation_has_one_question_answered_at_a_time():
    line = a_line(workers=2)
    joined(line, "ann", "group", 1)
    second = joined(line, "bob", "group", 2)
    other = joined(line, "cyd", "elsewhere", 3)
    first = await line.take()
    assert await line.take() is other

    taking = asyncio.create_task(line.take())
    await settle()
    assert not taking.done()
    end(line, first)

    assert await taking is second


async def test_question_being_delivered_frees_the_engine_but_not_its_conversation():
    line = a_line()
    first = joined(line, "ann", "chat", 1)
    joined(line, "ann", "chat", 2)
    bob = joined(line, "bob")
    await line.take()

    line.answered(first, took_s=None)

    assert await line.take() is bob
    assert line.busy == 1


async def test_question_pulled_out_of_turn_leaves_the_line_as_if_it_had_been_taken():
    line = a_line(workers=1)
    running = joined(line, "ann")
    assert await line.take() is running
    first, second = joined(line, "bob"), joined(line, "cyd")

    assert line.pull(second)

    assert line.running(second.conversation) is second
    assert list(line.waiting()) == [first]
    end(line, second)
    assert (line.busy, line.running(second.conversation)) == (1, None)
    end(line, running)
    assert await line.take() is first


async def test_question_whose_conversation_is_busy_or_that_does_not_wait_cannot_be_pulled():
    line = a_line(workers=2)
    running = joined(line, "ann", "room", 1)
    assert await line.take() is running
    waiting = joined(line, "bob", "room", 2)

    assert not line.pull(waiting)
    assert not line.pull(running)
    assert list(line.waiting()) == [waiting]


async def test_place_counts_down_to_the_turn():
    line = a_line()
    questions = [joined(line, name) for name in ("ann", "bob", "cyd")]
    for _ in range(2):
        end(line, await line.take())

    assert [place.ahead for place in questions[2].places] == [2, 1, 0]


async def test_who_waits_only_for_a_running_answer_has_one_before_them():
    line = a_line()
    joined(line, "ann")
    await line.take()

    bob = joined(line, "bob")

    assert bob.places[-1].ahead == 1


async def test_expected_wait_follows_the_answers_lately_and_the_number_of_workers():
    line = a_line(workers=2)
    assert joined(line, "early").places[-1] == Place(0, None)
    for took_s in (10.0, 20.0):
        question = await line.take() if len(line) else joined(line, "x")
        if line.running(question.conversation) is None:
            question = await line.take()
        end(line, question, took_s)

    for name in "abcd":
        joined(line, name)
    last = joined(line, "last")

    assert last.places[-1] == Place(4, 4 * 12.0 / 2)


async def test_place_is_told_only_when_it_changes():
    line = a_line()
    ann = joined(line, "ann")
    for name in "bcd":
        joined(line, name)

    assert len(ann.places) == 1


async def test_places_far_back_are_told_in_steps_and_near_ones_each():
    line = a_line()
    questions = [joined(line, f"person {number}") for number in range(31)]

    for _ in range(30):
        end(line, await line.take())

    told = [place.ahead for place in questions[-1].places]
    assert told == [30, 25, 20, 15, 10, *range(9, -1, -1)]


async def test_somebody_who_waits_is_seen_at_once_and_nobody_before():
    line = a_line()
    seeing = asyncio.create_task(line.occupied())
    await settle()
    assert not seeing.done()

    joined(line, "ann")
    await seeing
    await line.occupied()

    await line.take()
    seeing = asyncio.create_task(line.occupied())
    await settle()
    assert not seeing.done()
    await cancelled(seeing)


async def test_leaving_takes_out_what_waits_and_leaves_what_runs():
    line = a_line()
    running = joined(line, "ann", "chat", 1)
    await line.take()
    waiting = joined(line, "ann", "chat", 2)
    bob = joined(line, "bob")

    left = line.leave(lambda question: question.conversation == "chat")

    assert left == [waiting]
    assert line.running("chat") is running
    assert list(line.waiting()) == [bob]


async def test_taking_waits_until_somebody_asks():
    line = a_line()
    taking = asyncio.create_task(line.take())
    await settle()

    ann = joined(line, "ann")

    assert await taking is ann


async def test_giving_up_to_take_loses_no_question():
    line = a_line()
    taking = asyncio.create_task(line.take())
    await settle()
    await cancelled(taking)
    ann = joined(line, "ann")

    assert await line.take() is ann


@pytest.mark.parametrize("field_", ["max_waiting", "max_per_person", "max_attempts"])
def test_bounds_of_nothing_are_refused(field_):
    with pytest.raises(ValueError, match=field_):
        LineSection(**{field_: 0})


steps = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.sampled_from("abcd"), st.sampled_from("wxyz")),
        st.tuples(st.just("take"), st.just(""), st.just("")),
        st.tuples(st.just("end"), st.just(""), st.just("")),
        st.tuples(st.just("leave"), st.just(""), st.sampled_from("wxyz")),
    ),
    max_size=60,
)


@given(steps, st.integers(1, 3))
async def test_nothing_is_lost_bounds_hold_and_nobody_is_passed_over(steps, workers):
    line = a_line(workers=workers, waiting=6, per_person=3)
    expected, running, passed = set(), [], {}
    for number, (step, person, conversation) in enumerate(steps):
        if step == "ask" and line.full(person) is None:
            expected.add(joined(line, person, conversation, number))
        elif step == "take" and len(running) < workers:
            free = {q.person for q in expected if q.conversation not in blocked(running)}
            if free:
                question = await asyncio.wait_for(line.take(), 1)
                assert question.conversation not in blocked(running)
                expected.remove(question)
                running.append(question)
                for other in free - {question.person}:
                    passed.setdefault(other, []).append(question.person)
                passed.pop(question.person, None)
        elif step == "end" and running:
            end(line, running.pop(0), 1.0)
        elif step == "leave":
            expected -= set(line.leave(lambda q, gone=conversation: q.conversation == gone))

        assert set(line.waiting()) == expected
        assert len(line) <= 6
        assert all(max(by_person(line, running, p)) <= 3 for p in "abcd")
        assert all(len(set(others)) == len(others) for others in passed.values())


def blocked(running):
    return {question.conversation for question in running}


def by_person(line, running, person):
    return [sum(q.person == person for q in [*line.waiting(), *running])]
