"""Letters about tickets: their keys, what staff are shown at first, and when somebody is there."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.event import Conversation
from bot.service.hours import OfficeHours, office_hours
from bot.service.letters import (
    TO_CUSTOMERS,
    announcement,
    customer_key,
    key_parts,
    marked_with,
    opens,
    staff_key,
    summary,
    to_customer,
    to_staff,
    transcript,
)
from bot.storage.ticket import Customer, Line, Ticket
from bot.texts import Language, say

ALWAYS = office_hours([], "Asia/Shanghai")
OFFICE = office_hours(["周一-周五 09:00-18:00"], "Asia/Shanghai")
ANN = Customer(Conversation("test", "shop", "t", "ann"), "ann", "Ann", "en", shared=False)
TICKET = Ticket(
    7,
    ANN,
    Conversation("other", "staff"),
    state="waiting",
    desk=Conversation("other", "staff", "t1"),
    announce=False,
)
PLAIN = replace(TICKET, desk=Conversation("other", "staff"))


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()


def said(count: int, **more: object) -> list[Line]:
    return [Line("customer", f"word {n}", "Ann", number=n, **more) for n in range(1, count + 1)]


@given(st.integers(1, 10**9), st.integers(1, 10**9))
def test_a_key_tells_its_ticket_and_line(ticket: int, line: int):
    assert key_parts(customer_key(ticket, line)) == (ticket, line)
    assert key_parts(staff_key(ticket, line)) == (ticket, line)


@pytest.mark.parametrize("key", ["", "broadcast/7/1/", "ticket/x/1/", "my ticket/7/1/"])
def test_other_keys_tell_nothing(key: str):
    assert key_parts(key) is None


def test_the_first_letters_of_a_line_have_the_keys_by_which_they_are_found():
    (first,) = to_customer(TICKET, 3, "hello")
    (second,) = to_staff(TICKET, 3, "hello")

    assert (first.key, first.batch) == (customer_key(7, 3), TO_CUSTOMERS)
    assert (second.key, second.batch) == (staff_key(7, 3), "")


def test_a_letter_goes_to_the_chat_and_not_to_a_window_in_it():
    (letter,) = to_customer(TICKET, 3, "hello")

    assert letter.to == Conversation("test", "shop", "t")


def test_only_where_others_read_an_answer_is_a_reply():
    ticket = replace(TICKET, message="m5")
    shared = replace(ticket, customer=replace(ANN, shared=True))

    assert to_customer(ticket, 1, "x")[0].reply_to is None
    assert to_customer(shared, 1, "x")[0].reply_to == "m5"
    assert to_customer(shared, 1, "x", reply_to="m4")[0].reply_to == "m4"
    assert to_customer(replace(shared, message=""), 1, "x")[0].reply_to is None


def test_staff_get_no_letters_of_a_ticket_they_were_not_shown():
    assert to_staff(replace(TICKET, announce=True), 1, "x") == ()
    assert to_staff(replace(TICKET, desk=None), 1, "x") == ()


def test_without_threads_the_number_stands_before_everything_once():
    photos = ("a", "b")

    texts = [letter.text for letter in to_staff(PLAIN, 1, "hello", photos=photos)]

    assert texts == ["#7 hello", "#7"]
    assert to_staff(PLAIN, 1, say("took", "en", name="Bob", number=7))[0].text.count("#7") == 1


def test_no_two_letters_of_an_announcement_have_the_same_key():
    lines = [Line("customer", "look", "Ann", photos=("a", "b"), number=n) for n in range(1, 5)]

    letters = announcement(TICKET, 5, lines, ALWAYS, 0.0, "en")

    assert len({letter.key for letter in letters}) == len(letters) == 2 + 8
    assert {key_parts(letter.key) for letter in letters if letter.photo} == {
        (7, n) for n in range(1, 5)
    }


def test_staff_see_the_end_of_a_long_talk_and_how_to_see_all_of_it():
    _, talk = announcement(TICKET, 50, said(49), ALWAYS, 0.0, "en")

    lines = talk.text.splitlines()
    assert lines[:3] == [
        say("ticket_talk", "en"),
        say("ticket_talk_cut", "en", number=7),
        "Ann: word 30",
    ]
    assert lines[-1] == "Ann: word 49"


def test_staff_see_the_last_ten_photos():
    lines = [Line("customer", "", "Ann", photos=(f"p{n}",), number=n) for n in range(1, 15)]

    letters = announcement(TICKET, 15, lines, ALWAYS, 0.0, "en")

    assert [letter.photo for letter in letters if letter.photo] == [f"p{n}" for n in range(5, 15)]


def test_called_again_staff_see_only_what_is_new():
    ticket = replace(TICKET, told=3)

    _, talk = announcement(ticket, 6, said(5), ALWAYS, 0.0, "en")

    assert talk.text.splitlines()[1:] == ["Ann: word 4", "Ann: word 5"]


def test_one_endless_line_does_not_fill_the_topic():
    (line,) = transcript([Line("customer", "x" * 9000, "Ann")], "en")
    _, talk = announcement(
        TICKET, 2, [Line("customer", "x" * 9000, "Ann", number=1)], ALWAYS, 0, "en"
    )

    assert len(line) > 9000
    assert len(talk.text) < 1100


def test_outside_office_hours_the_head_says_what_the_customer_was_told():
    friday_night = at("2026-11-20T20:00")

    head, *_ = announcement(TICKET, 2, said(1), OFFICE, friday_night, "zh")
    open_head, *_ = announcement(TICKET, 2, said(1), OFFICE, at("2026-11-20T12:00"), "zh")

    told = say("head_hours", "zh", when="周一 09:00")
    assert told in head.text
    assert told not in open_head.text


def test_a_summary_counts_what_the_customer_sent():
    lines = [
        Line("customer", "what is it?", photos=("a", "b")),
        Line("bot", "A cat.", photos=("c",)),
        Line("customer", "no!"),
        Line("customer", "", photos=("d",)),
        Line("staff", "hello"),
    ]

    assert summary(lines, "en") == say("ticket_summary", "en", messages=3, photos=3, last="no!")


def test_a_ticket_without_words_has_a_summary_too():
    assert summary([], "en") == say("ticket_summary", "en", messages=0, photos=0, last="—")


def test_a_transcript_names_who_speaks_and_leaves_out_what_nobody_said():
    lines = [
        Line("customer", "hm", "Ann"),
        Line("bot", "A cat."),
        Line("system", ""),
        Line("system", "called"),
        Line("staff", "hello", "Bob"),
    ]

    assert list(transcript(lines, "zh")) == [
        "Ann：hm",
        "机器人：A cat.",
        "called",
        "Bob：hello",
    ]


@pytest.mark.parametrize(
    ("now", "language", "when"),
    [
        ("2026-11-20T08:00", "en", "today 09:00"),
        ("2026-11-19T20:00", "en", "tomorrow 09:00"),
        ("2026-11-20T20:00", "en", "Monday 09:00"),
        ("2026-11-20T20:00", "zh", "周一 09:00"),
        ("2026-11-22T20:00", "zh", "明天 09:00"),
    ],
)
def test_the_hour_of_the_next_opening_is_said_as_people_say_it(
    now: str, language: Language, when: str
):
    assert opens(OFFICE, at(now), language, "called_hours") == say(
        "called_hours", language, when=when
    )


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_day_of_the_week_has_a_name(language: Language):
    names = {opens(_only(day), at("2026-11-16T12:00"), language, "called_hours") for day in _WEEK}

    assert len(names) == 7


_WEEK = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def _only(day: str) -> OfficeHours:
    return office_hours([f"{day} 09:00-10:00"], "Asia/Shanghai")


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("Ann: hello", "#12 Ann: hello"),
        ("Ann: my order is #123", "#12 Ann: my order is #123"),
        ("Bob has taken #12.", "Bob has taken #12."),
        ("Ann: hello\n#12", "#12 Ann: hello\n#12"),
    ],
)
def test_in_a_group_the_first_line_shows_the_number_of_the_ticket(text: str, marked: str):
    assert marked_with(12, text) == marked
