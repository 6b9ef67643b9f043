"""The customers' side of the service desk, through the one door."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.action import Ask, Ignore, Renew, Say
from bot.answering.ended import Ended
from bot.errors import Unusable
from bot.event import Attachment, Conversation, Event, Person
from bot.rules import GroupsSection
from bot.storage.inbox import Entry
from bot.storage.ticket import event_name
from bot.texts import say
from handlers import decide
from handlers.calling import after
from tests.handlers.service_desk import CHAT, STAFF, ServiceDesk, a_service_desk

GROUP = Conversation("test", "shop", person="ann")


@pytest.fixture
async def s(tmp_path: Path) -> AsyncIterator[ServiceDesk]:
    async with a_service_desk(tmp_path) as desk:
        yield desk


def called(number: int = 1, key: str = "called") -> Say:
    return Say(f"{say(key, 'en', number=number)}\n{say('called_next', 'en')}")


async def entry_of(s: ServiceDesk, event: Event) -> Entry:
    await s.desk.inbox.accept(event)
    entry = await s.desk.inbox.said(event.conversation, event.message)
    assert entry is not None
    return entry


async def cared(s: ServiceDesk, entry: Entry, ended: Ended) -> None:
    """What shall be done is written, at one stroke with the entry's end."""
    if (care := await after(s.desk, entry, ended)) is not None:
        await s.desk.history.unanswered(entry, ended.end, (), also=care.write)


@pytest.mark.parametrize("text", ["/human", "human", "A person, please!", "转人工"])
async def test_who_asks_for_a_person_gets_a_number(s: ServiceDesk, text: str):
    action = await s.do(s.customer(text))

    assert isinstance(action, Say)
    assert "#1" in action.text
    assert await s.state() == "waiting"


async def test_the_button_below_an_answer_calls_a_person(s: ServiceDesk):
    action = await s.do(s.customer("person", kind="press", about="answer"))

    assert action == called()


async def test_what_was_sent_with_the_call_goes_with_it(s: ServiceDesk):
    await s.do(s.customer("转人工", "photo"))

    (line,) = await s.desk.tickets.lines(1)
    assert (line.side, line.text, line.photos) == ("customer", "转人工", ("photo",))


async def test_without_a_staff_chat_there_is_no_service(s: ServiceDesk):
    s.rules(staff_chat="")

    assert await s.do(s.customer("human")) == Ask("human")
    assert await s.do(s.customer("/human")) == Say(say("unknown_command", "en", command="human"))


async def test_only_the_chats_that_are_served_have_a_service_desk(s: ServiceDesk):
    s.rules(customers=("test:shop",))

    assert await s.do(s.customer("human")) == Ask("human")
    assert await s.do(s.customer("/human")) == Say(say("no_service", "en"))
    in_shop = await s.do(s.customer("human", chat=GROUP, group=True))
    assert in_shop == Say(f"{say('called', 'en', number=1)}\n{say('called_next_group', 'en')}")


async def test_private_chats_can_be_the_only_ones_that_are_served(s: ServiceDesk):
    s.rules(customers=("private",))

    assert await s.do(s.customer("human", chat=GROUP, group=True)) == Ask("human")
    assert await s.do(s.customer("human")) == called()


async def test_who_may_not_ask_is_served_only_where_that_is_configured(s: ServiceDesk):
    s.access(who="members", staff=("test:bea",))
    bea = Conversation("test", "bea")

    assert await s.do(s.customer("/human")) == Say(say("no_service", "en"))
    assert await s.do(s.customer("/human", who="bea", chat=bea)) == called()

    s.rules(customers=("private",))
    assert await s.do(s.customer("/human")) == called(2)


async def test_outside_office_hours_the_message_is_taken_and_the_hour_named(s: ServiceDesk):
    closed = _day_after_tomorrow(s)
    s.rules(hours=(f"{closed} 09:30-10:00",), timezone="UTC")

    action = await s.do(s.customer("human"))

    assert isinstance(action, Say)
    assert f"{closed}day"[:3] in action.text
    assert "09:30" in action.text
    assert await s.state() == "waiting"


def _day_after_tomorrow(s: ServiceDesk) -> str:
    then = s.desk.rules.now.service.office().wall(s.desk.tickets.now() + 2 * 86_400)
    return ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[then.weekday()]


async def test_words_of_somebody_else_call_nobody(s: ServiceDesk):
    assert await s.do(s.customer("human", forwarded=True)) == Ask("human")


async def test_while_staff_are_called_messages_go_to_them_and_the_bot_is_silent(s: ServiceDesk):
    await s.shown(await s.called())

    action = await s.do(s.customer("the handle is broken", "photo1", "photo2"))

    assert action == Ignore()
    first, second = await s.letters()
    assert (first.text, first.photo) == ("Ann: the handle is broken", "photo1")
    assert (second.text, second.photo) == ("", "photo2")
    assert first.to == second.to == replace(STAFF, thread="t1")


async def test_a_group_without_threads_shows_the_number_before_everything(s: ServiceDesk):
    await s.shown(await s.called(), thread="")

    await s.do(s.customer("hello", "photo1", "photo2"))

    assert [letter.text for letter in await s.letters()] == ["#1 Ann: hello", "#1"]


async def test_until_staff_were_shown_a_ticket_its_messages_are_only_noted(s: ServiceDesk):
    await s.called()

    assert await s.do(s.customer("and this")) == Ignore()

    assert await s.letters() == []
    assert (await s.said())[-1] == ("customer", "and this")


async def test_a_message_is_passed_on_once_though_decided_twice(s: ServiceDesk):
    await s.shown(await s.called())
    event = s.customer("hello")

    assert await s.do(event) == await s.do(event) == Ignore()

    assert await s.to_staff() == ["Ann: hello"]
    assert (await s.said()).count(("customer", "hello")) == 1


async def test_a_call_that_is_decided_again_after_the_close_says_the_same(s: ServiceDesk):
    event = s.customer("human")
    first = await s.do(event)
    await s.shown((await s.desk.tickets.listed())[0])
    await s.do(s.staff("/close 1"))

    assert await s.do(event) == first
    assert len(await s.desk.tickets.listed()) == 1


async def test_a_question_that_is_in_line_stays_with_the_bot(s: ServiceDesk):
    """As after a restart, when it is decided again."""
    question = s.customer("how many?")
    entry = await entry_of(s, question)
    await s.desk.inbox.wait(entry.id)
    await s.called()

    assert await s.do(question) == Ask("how many?")


async def test_commands_still_work_while_staff_are_called(s: ServiceDesk):
    await s.called()

    assert isinstance(await s.do(s.customer("/new")), Renew)


async def test_the_bot_does_not_answer_anew_while_staff_are_called(s: ServiceDesk):
    await s.called()
    told = Say(say("called_already", "en", number=1))

    assert await s.do(s.customer("again", kind="press", about="answer")) == told
    assert await s.do(s.customer("/again")) == told


async def test_a_file_is_named_to_the_staff(s: ServiceDesk):
    await s.shown(await s.called())

    await s.do(s.customer("my bill", files=(Attachment("f", "application/pdf", 9, "bill.pdf"),)))

    (text,) = await s.to_staff()
    assert "my bill" in text
    assert "bill.pdf" in text


async def test_a_photo_that_cannot_be_used_is_told_to_both(s: ServiceDesk):
    async def broken(event: Event) -> list[str]:
        raise Unusable("too small")

    await s.shown(await s.called())
    s.desk = replace(s.desk, take=broken)

    action = await s.do(s.customer("look", "photo"))

    assert action == Say("too small")
    (text,) = await s.to_staff()
    assert text == f"Ann: look\n{say('photo_lost', 'en')}"


async def test_a_sticker_goes_to_nobody_and_that_is_said(s: ServiceDesk):
    await s.shown(await s.called())

    action = await s.do(s.customer(""))

    assert isinstance(action, Say)
    assert action.text == say("unsupported", "en")
    assert await s.letters() == []


async def test_what_a_customer_corrects_is_corrected_for_the_staff(s: ServiceDesk):
    await s.shown(await s.called())
    message = s.customer("it costs 5")
    await s.do(message)
    (letter,) = await s.letters()

    action = await s.do(s.customer("it costs 6", kind="edit", about=message.message))

    assert action == Ignore()
    (correction,) = await s.letters()
    assert "it costs 6" in correction.text
    assert correction.reply_to == await s.message_of(letter.key)


async def test_an_edit_of_what_went_to_nobody_goes_to_nobody(s: ServiceDesk):
    question = s.customer("how many?")
    await s.do(question)
    await s.shown(await s.called())

    await s.do(s.customer("how much?", kind="edit", about=question.message))

    assert await s.letters() == []


async def test_nobody_corrects_the_words_of_others(s: ServiceDesk):
    await s.shown(await s.called())
    message = s.customer("hello")
    await s.do(message)
    await s.letters()

    await s.do(s.customer("bye", who="eve", kind="edit", about=message.message))

    assert await s.letters() == []


async def test_back_leads_to_the_bot_and_the_staff_are_told(s: ServiceDesk):
    await s.shown(await s.called())

    action = await s.do(s.customer("/back"))

    assert action == Say(say("back_to_bot", "en"))
    assert await s.state() == "bot"
    assert await s.to_staff() == [say("customer_back", "en")]
    assert await s.do(s.customer("how many?")) == Ask("how many?")


async def test_back_with_nobody_called_says_so(s: ServiceDesk):
    assert await s.do(s.customer("/back")) == Say(say("back_nothing", "en"))


async def test_called_twice_there_is_one_ticket_and_staff_hear_of_it(s: ServiceDesk):
    await s.shown(await s.called())

    action = await s.do(s.customer("/human"))

    assert action == Say(say("called_already", "en", number=1))
    assert await s.to_staff() == [say("customer_called_again", "en")]


async def test_called_again_from_the_bot_the_ticket_is_shown_to_staff_anew(s: ServiceDesk):
    await s.shown(await s.called())
    await s.do(s.customer("/back"))

    await s.do(s.customer("/human"))

    ticket = await s.desk.tickets.ticket(1)
    assert (ticket.state, ticket.announce) == ("waiting", True)


async def test_two_complaints_in_a_row_call_a_person(s: ServiceDesk):
    assert await s.do(s.customer("没用")) == Ask("没用")

    action = await s.do(s.customer("wrong!"))

    assert action == called(key="called_for_you")
    assert (await s.desk.tickets.ticket(1)).why == "dissatisfied"


async def test_one_complaint_that_is_decided_twice_is_one(s: ServiceDesk):
    event = s.customer("没用")

    assert await s.do(event) == await s.do(event) == Ask("没用")


async def test_complaints_can_be_let_pass(s: ServiceDesk):
    s.rules(dissatisfied_after=0)

    for _ in range(3):
        assert await s.do(s.customer("wrong")) == Ask("wrong")


async def test_thumbs_down_and_words_count_together(s: ServiceDesk):
    entry = await entry_of(s, s.customer("what is it?"))
    await s.desk.inbox.open_reply(entry.id, 0)
    await s.desk.inbox.note_reply(entry.id, 0, "answer")

    assert await s.do(s.customer("down", kind="press", about="answer")) == Say(
        say("rated", "en"), thanks=True
    )
    action = await s.do(s.customer("没用"))

    assert isinstance(action, Say)
    assert await s.state() == "waiting"
    assert (await s.desk.ratings.tally()).down == 1


async def test_a_thumb_up_between_ends_the_row(s: ServiceDesk):
    entry = await entry_of(s, s.customer("what is it?"))
    await s.desk.inbox.open_reply(entry.id, 0)
    await s.desk.inbox.note_reply(entry.id, 0, "answer")
    await s.do(s.customer("down", kind="press", about="answer"))
    await s.do(s.customer("up", kind="press", about="answer"))

    assert await s.do(s.customer("没用")) == Ask("没用")


async def test_a_thumb_below_an_answer_to_somebody_else_is_no_complaint(s: ServiceDesk):
    entry = await entry_of(s, s.customer("what is it?"))
    await s.desk.inbox.open_reply(entry.id, 0)
    await s.desk.inbox.note_reply(entry.id, 0, "answer")

    for _ in range(3):
        await s.do(s.customer("down", who="eve", kind="press", about="answer"))

    assert await s.desk.tickets.listed() == []


@pytest.mark.parametrize(
    ("ended", "why"),
    [
        (Ended("dead", "x", "engine_fault", "en"), "engine"),
        (Ended("dead", "x", "given_up", "en"), "engine"),
        (Ended("refused", "x", "no_words", "en"), "refused"),
        (Ended("answered", "Sorry, I don't know.", None, "en"), "unsure"),
        (Ended("answered", "A cat.", None, "en", found_nothing=True), "unknown"),
    ],
    ids=["fault", "given up", "no words", "unsure", "unknown"],
)
async def test_an_answer_that_is_none_calls_a_person_if_that_rule_is_on(
    s: ServiceDesk, ended: Ended, why: str
):
    entry = await entry_of(s, s.customer("what is it?", "photo"))

    s.rules(hand_off=())
    await cared(s, entry, ended)
    assert await s.desk.tickets.listed() == []

    s.rules(hand_off=(why,))
    await cared(s, entry, ended)
    await cared(s, entry, ended)

    (ticket,) = await s.desk.tickets.listed()
    assert (ticket.state, ticket.why) == ("waiting", why)
    (told,) = await s.to_customer()
    assert told == called(key="called_for_you").text


@pytest.mark.parametrize(
    "ended",
    [
        Ended("answered", "A cat.", None, "en"),
        Ended("refused", "Your limit is reached.", None, "en"),
        Ended("stopped", "Stopped.", "stopped", "en"),
        Ended("undeliverable", "", None, "en"),
    ],
    ids=["answered", "refused", "stopped", "undeliverable"],
)
async def test_an_answer_calls_nobody(s: ServiceDesk, ended: Ended):
    s.rules(hand_off=("refused", "engine", "unsure", "unknown"))

    await cared(s, await entry_of(s, s.customer("what is it?")), ended)

    assert await s.desk.tickets.listed() == []


async def test_staff_see_the_question_that_was_not_answered_with_its_photo(s: ServiceDesk):
    entry = await entry_of(s, s.customer("what is it?", "photo"))

    await cared(s, entry, Ended("dead", "x", "engine_fault", "en"))

    (line,) = await s.desk.tickets.lines(1)
    assert (line.side, line.text, line.photos) == ("customer", "what is it?", ("photo",))


async def test_in_a_group_each_person_has_a_ticket_and_others_go_on_with_the_bot(s: ServiceDesk):
    bea = replace(GROUP, person="bea")
    await s.shown(await s.called("human", chat=GROUP, group=True))

    assert await s.do(s.customer("a cat?", who="bea", chat=bea, group=True)) == Ask("a cat?")
    assert await s.do(s.customer("and?", chat=GROUP, group=True)) == Ignore()

    assert await s.to_staff() == ["Ann: and?"]


async def test_in_a_group_what_is_not_said_to_the_bot_does_not_go_to_the_staff(s: ServiceDesk):
    await s.shown(await s.called("human", chat=GROUP, group=True))

    action = await s.do(s.customer("lunch?", chat=GROUP, group=True, addressed=False))

    assert action == Ignore()
    assert await s.letters() == []


@pytest.mark.parametrize("how", ["press", "command"])
async def test_after_the_close_the_customer_rates_it_and_staff_hear_of_it(s: ServiceDesk, how: str):
    await s.shown(await s.called())
    await s.do(s.staff("hello", thread="t1"))
    await s.do(s.staff("/close", thread="t1"))
    *_, closing = [letter for letter in await s.letters() if letter.to == CHAT]
    assert [button.name for button in closing.buttons] == [f"rate 1 {n}" for n in range(1, 6)]

    rating = (
        s.customer("rate 1 4", kind="press", about="m9")
        if how == "press"
        else s.customer("/rate 4")
    )
    action = await s.do(rating)

    assert action == Say(say("rate_thanks", "en", score=4))
    assert (await s.desk.tickets.ticket(1)).score == 4
    assert await s.to_staff() == [say("customer_rated", "en", number=1, score=4)]


@pytest.mark.parametrize("name", ["rate", "rate 1", "rate 1 6", "rate 1 0", "rate x 5", "rate 9 5"])
async def test_a_button_that_nobody_made_rates_nothing(s: ServiceDesk, name: str):
    await s.shown(await s.called())
    await s.do(s.staff("/close 1"))

    assert await s.do(s.customer(name, kind="press", about="m9")) == Ignore()
    assert (await s.desk.tickets.ticket(1)).score is None


async def test_nobody_rates_the_service_of_another(s: ServiceDesk):
    await s.shown(await s.called())
    await s.do(s.staff("/close 1"))

    eve = s.customer("rate 1 1", who="eve", kind="press", about="m9")

    assert await s.do(eve) == Ignore()


@pytest.mark.parametrize("text", ["/rate", "/rate 6", "/rate good"])
async def test_a_rating_that_is_none_is_explained(s: ServiceDesk, text: str):
    assert await s.do(s.customer(text)) == Say(say("usage_rate", "en"))


async def test_without_a_service_there_is_nothing_to_rate(s: ServiceDesk):
    assert await s.do(s.customer("/rate 5")) == Say(say("rate_nothing", "en"))


async def test_a_customer_is_answered_in_the_own_language(s: ServiceDesk):
    action = await s.do(s.customer("人工"))

    assert isinstance(action, Say)
    assert say("called", "zh", number=1) in action.text
    assert (await s.desk.tickets.ticket(1)).customer.language == "zh"


async def test_what_happens_in_a_ticket_is_named_by_its_event(s: ServiceDesk):
    event = s.customer("human")

    await decide(event, s.desk)

    assert await s.desk.tickets.line_of(event_name(event)) is not None


async def test_in_a_group_where_all_is_heard_customers_need_not_turn_to_us(s: ServiceDesk):
    s.desk.rules.change(groups=GroupsSection(answer="all"))

    assert await s.do(s.customer("human", chat=GROUP, group=True)) == called()


async def test_a_file_of_the_customer_stays_and_both_sides_know(s: ServiceDesk):
    await s.shown(await s.called())
    files = (Attachment("f", "application/pdf", 9, "bill.pdf"),)

    action = await s.do(s.customer("my bill", files=files))

    assert action == Say(say("files_stay", "en"))
    assert await s.to_staff() == [f"Ann: my bill\n{say('file_named', 'en', name='bill.pdf')}"]


async def test_who_deletes_what_staff_have_is_told_that_it_stays(s: ServiceDesk):
    await s.shown(await s.called())
    message = s.customer("my number is 7")
    await s.do(message)

    mine = s.customer(kind="delete", about=message.message)
    assert await s.do(mine) == Say(say("customer_deleted", "en"))
    assert await s.do(replace(mine, message="d2", person=Person("eve"))) == Ignore()


async def test_in_a_window_that_many_share_only_the_customer_rates(s: ServiceDesk):
    shared = Conversation("test", "shop")
    await s.shown(await s.called(chat=shared, group=True))
    await s.do(s.staff("hello", thread="t1"))
    await s.do(s.staff("/close 1"))

    others = await s.do(s.customer("/rate 1", who="eve", chat=shared, group=True))
    own = await s.do(s.customer("/rate 5", chat=shared, group=True))

    assert others == Say(say("rate_nothing", "en"))
    assert own == Say(say("rate_thanks", "en", score=5))
