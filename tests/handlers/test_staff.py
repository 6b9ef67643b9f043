"""The staff's side of the service desk, through the one door."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.action import Ask, Ignore, Say
from bot.event import Attachment, Conversation
from bot.service.letters import customer_key, staff_key
from bot.storage.ticket import Ticket, event_name
from bot.texts import say
from tests.handlers.service_desk import CHAT, STAFF, ServiceDesk, a_service_desk

GROUP = Conversation("test", "shop", person="ann")


@pytest.fixture
async def s(tmp_path: Path) -> AsyncIterator[ServiceDesk]:
    async with a_service_desk(tmp_path) as desk:
        yield desk


@pytest.fixture
async def ticket(s: ServiceDesk) -> Ticket:
    """Ann's, which waits in the thread t1."""
    return await s.shown(await s.called())


async def test_what_staff_write_in_the_topic_goes_to_the_customer_under_their_name(
    s: ServiceDesk, ticket: Ticket
):
    assert await s.do(s.staff("hello, what is broken?", thread="t1")) == Ignore()

    (letter,) = await s.letters()
    assert (letter.to, letter.text) == (CHAT, "Bob: hello, what is broken?")
    assert letter.reply_to is None


async def test_photos_of_the_staff_go_with_the_words(s: ServiceDesk, ticket: Ticket):
    await s.do(s.staff("like this", "p1", "p2", thread="t1"))

    first, second = await s.letters()
    assert (first.text, first.photo) == ("Bob: like this", "p1")
    assert (second.text, second.photo) == ("", "p2")


@pytest.mark.parametrize(
    ("signature", "text"),
    [("Service, {name}", "Service, Bob: hello"), ("", "hello"), ("The shop", "The shop: hello")],
)
async def test_the_signature_is_as_configured(
    s: ServiceDesk, ticket: Ticket, signature: str, text: str
):
    s.rules(signature=signature)

    await s.do(s.staff("hello", thread="t1"))

    assert await s.to_customer() == [text]


async def test_who_answers_a_ticket_that_nobody_has_taken_takes_it(s: ServiceDesk, ticket: Ticket):
    await s.do(s.staff("hello", thread="t1"))

    taken = await s.desk.tickets.ticket(1)
    assert (taken.state, taken.taken_by, taken.taken_name) == ("staff", "other:bob", "Bob")
    assert taken.unanswered_since is None


async def test_who_helps_out_does_not_take_it_from_the_first(s: ServiceDesk, ticket: Ticket):
    await s.do(s.staff("hello", thread="t1"))
    await s.do(s.staff("hi", who="carl", thread="t1"))

    assert (await s.desk.tickets.ticket(1)).taken_name == "Bob"
    assert await s.to_customer() == ["Bob: hello", "Carl: hi"]


async def test_without_topics_a_reply_to_a_message_goes_to_its_customer(s: ServiceDesk):
    await s.shown(await s.called(), thread="")
    await s.shown(await s.called(who="bea", chat=Conversation("test", "bea")), thread="")
    await s.do(s.customer("is it open?"))
    await s.letters()
    relayed = await s.message_of(staff_key(1, 3))

    await s.do(s.staff("yes", reply_to=relayed))

    (letter,) = await s.letters()
    assert (letter.to, letter.text) == (CHAT, "Bob: yes")


async def test_a_reply_to_the_head_goes_to_its_customer(s: ServiceDesk):
    await s.shown(await s.called(), thread="")

    await s.do(s.staff("yes", reply_to=await s.message_of(staff_key(1, 2))))

    assert await s.to_customer() == ["Bob: yes"]


async def test_plain_talk_of_the_staff_goes_nowhere(s: ServiceDesk, ticket: Ticket):
    assert await s.do(s.staff("lunch?")) == Ignore()
    assert await s.do(s.staff("lunch?", reply_to="m77")) == Ignore()
    assert await s.do(s.staff("lunch?", thread="t99")) == Ignore()

    assert await s.letters() == []


async def test_staff_may_ask_the_bot_too(s: ServiceDesk):
    assert await s.do(replace(s.staff("a cat?"), addressed=True)) == Ask("a cat?")


async def test_in_a_group_the_answer_is_a_reply_to_the_customer(s: ServiceDesk):
    await s.shown(await s.called(chat=GROUP, group=True))
    last = s.customer("and?", chat=GROUP, group=True)
    await s.do(last)
    await s.letters()

    await s.do(s.staff("soon", thread="t1"))

    (letter,) = await s.letters()
    assert letter.to == Conversation("test", "shop")
    assert letter.reply_to == last.message


async def test_who_replies_to_one_message_replies_to_that_one(s: ServiceDesk):
    await s.shown(await s.called(chat=GROUP, group=True))
    first = s.customer("first?", chat=GROUP, group=True)
    await s.do(first)
    await s.do(s.customer("second?", chat=GROUP, group=True))
    await s.letters()

    relayed = await s.message_of(staff_key(1, 3))
    await s.do(s.staff("yes", thread="t1", reply_to=relayed))

    assert (await s.letters())[0].reply_to == first.message


@pytest.mark.parametrize("text", ["", "here it is"])
async def test_a_file_of_the_staff_is_not_passed_on_and_they_are_told(
    s: ServiceDesk, ticket: Ticket, text: str
):
    files = (Attachment("f", "application/pdf", 9, "price.pdf"),)

    action = await s.do(s.staff(text, thread="t1", files=files))

    assert action == Say(say("staff_unsupported", "en"))
    mark = say("file_named", "en", name="price.pdf")
    assert await s.to_customer() == ([f"Bob: {text}\n{mark}"] if text else [])


async def test_a_note_stays_inside(s: ServiceDesk, ticket: Ticket):
    assert await s.do(s.staff("// she is a friend of mine", thread="t1")) == Ignore()

    assert await s.letters() == []
    assert (await s.said())[-1] == ("note", "she is a friend of mine")
    assert await s.state() == "waiting"


async def test_what_staff_correct_is_corrected_for_the_customer(s: ServiceDesk, ticket: Ticket):
    message = s.staff("it costs 5", thread="t1")
    await s.do(message)
    await s.letters()
    theirs = await s.message_of(customer_key(1, 3))

    edit = s.staff("it costs 6", thread="t1", kind="edit", about=message.message)
    assert await s.do(edit) == Ignore()

    (letter,) = await s.letters()
    assert letter.text == "Bob: " + say("corrected", "en", text="it costs 6")
    assert letter.reply_to == theirs


async def test_a_note_that_is_edited_stays_inside(s: ServiceDesk, ticket: Ticket):
    note = s.staff("// hm", thread="t1")
    await s.do(note)

    await s.do(s.staff("// hmm", thread="t1", kind="edit", about=note.message))

    assert await s.letters() == []


async def test_a_message_is_sent_once_though_decided_twice(s: ServiceDesk, ticket: Ticket):
    event = s.staff("hello", thread="t1")

    assert await s.do(event) == await s.do(event) == Ignore()

    assert await s.to_customer() == ["Bob: hello"]


@pytest.mark.parametrize("text", ["/take 1", "/take #1", "／ｔａｋｅ　１", "/take@some_bot 1"])
async def test_a_ticket_is_taken_by_its_number(s: ServiceDesk, ticket: Ticket, text: str):
    action = await s.do(s.staff(text))

    assert action == Say(say("took", "en", name="Bob", number=1))
    assert await s.state() == "staff"
    letters = await s.letters()
    assert [letter.text for letter in letters if letter.to == CHAT] == [
        say("taken_for_you", "en", name="Bob")
    ]
    assert [letter.to.thread for letter in letters if letter.to != CHAT] == ["t1"]


async def test_in_its_topic_a_ticket_needs_no_number(s: ServiceDesk, ticket: Ticket):
    await s.do(s.staff("/take", thread="t1"))

    assert await s.state() == "staff"
    assert len(await s.letters()) == 1  # the topic reads the answer to the command


@pytest.mark.parametrize(
    ("name", "state"), [("take 1", "staff"), ("back 1", "bot"), ("close 1", "closed")]
)
async def test_each_button_of_the_head_moves_the_ticket(
    s: ServiceDesk, ticket: Ticket, name: str, state: str
):
    action = await s.do(s.staff(name, thread="t1", kind="press", about="m1"))

    assert isinstance(action, Say)
    assert await s.state() == state


@pytest.mark.parametrize("name", ["take", "take 9", "take x", "take 1 2", "drop 1"])
async def test_a_button_that_nobody_made_moves_nothing(s: ServiceDesk, ticket: Ticket, name: str):
    await s.do(s.staff(name, kind="press", about="m1"))

    assert await s.state() == "waiting"


async def test_customers_cannot_press_the_buttons_of_staff(s: ServiceDesk, ticket: Ticket):
    assert await s.do(s.customer("close 1", kind="press", about="m1")) == Ignore()
    assert await s.state() == "waiting"


async def test_customers_cannot_move_tickets_by_commands(s: ServiceDesk, ticket: Ticket):
    for text in ("/take 1", "/close 1", "/tickets", "/ticket 1"):
        command = text[1:].split()[0]
        told = Say(say("unknown_command", "en", command=command))
        assert await s.do(s.customer(text, who="eve", chat=Conversation("test", "eve"))) == told
    assert await s.state() == "waiting"


async def test_of_two_who_press_at_once_the_first_has_it(s: ServiceDesk, ticket: Ticket):
    await s.do(s.staff("take 1", thread="t1", kind="press", about="m1"))

    second = s.staff("take 1", who="carl", thread="t1", kind="press", about="m1")

    assert await s.do(second) == Say(say("taken_already", "en", number=1, name="Bob"))
    assert (await s.desk.tickets.ticket(1)).taken_name == "Bob"


async def test_a_command_takes_a_ticket_over(s: ServiceDesk, ticket: Ticket):
    await s.do(s.staff("/take 1"))

    action = await s.do(s.staff("/take 1", who="carl"))

    assert action == Say(say("took_over", "en", name="Carl", number=1, other="Bob"))
    assert (await s.desk.tickets.ticket(1)).taken_by == "other:carl"


async def test_given_back_the_bot_answers_again(s: ServiceDesk, ticket: Ticket):
    await s.do(s.staff("/take 1"))
    await s.letters()

    action = await s.do(s.staff("/back 1"))

    assert action == Say(say("gave_back", "en", name="Bob", number=1))
    assert say("back_by_staff", "en") in await s.to_customer()
    assert await s.do(s.customer("a cat?")) == Ask("a cat?")
    assert await s.do(s.staff("/back 1")) == Say(say("bot_already", "en", number=1))


async def test_closed_the_customer_is_told_and_the_bot_answers_again(
    s: ServiceDesk, ticket: Ticket
):
    await s.do(s.staff("hello", thread="t1"))
    await s.letters()

    action = await s.do(s.staff("/close", thread="t1"))

    assert action == Say(say("closed", "en", name="Bob", number=1))
    told = f"{say('closed_for_you', 'en', number=1)}\n{say('rate_ask', 'en')}"
    assert await s.to_customer() == [told]
    assert await s.do(s.customer("a cat?")) == Ask("a cat?")
    assert await s.do(s.staff("/close 1")) == Say(say("closed_before", "en", number=1))


async def test_nobody_is_asked_how_it_was_where_that_is_off_or_nobody_came(s: ServiceDesk):
    await s.shown(await s.called())
    await s.do(s.staff("/close 1"))
    assert say("closed_for_you", "en", number=1) in await s.to_customer()

    s.rules(ask_satisfaction=False)
    await s.shown(await s.called())
    await s.do(s.staff("hello", thread="t1"))
    await s.do(s.staff("/close 2"))

    assert (await s.to_customer())[-1] == say("closed_for_you", "en", number=2)


async def test_what_is_written_into_a_closed_ticket_reaches_nobody_and_staff_are_told(
    s: ServiceDesk, ticket: Ticket
):
    await s.do(s.staff("/close 1"))
    await s.letters()

    action = await s.do(s.staff("one more thing", thread="t1"))

    assert action == Say(say("closed_already", "en", number=1))
    assert await s.letters() == []


async def test_a_closed_ticket_can_be_taken_up_again(s: ServiceDesk, ticket: Ticket):
    await s.do(s.staff("/close 1"))

    await s.do(s.staff("/take 1"))

    taken = await s.desk.tickets.ticket(1)
    assert (taken.state, taken.closed_at) == ("staff", None)


async def test_a_closed_ticket_stays_closed_when_its_customer_has_a_newer_one(
    s: ServiceDesk, ticket: Ticket
):
    await s.do(s.staff("/close 1"))
    await s.called()

    assert await s.do(s.staff("/take 1")) == Say(say("newer_ticket", "en", other=2))
    assert await s.state(1) == "closed"


@pytest.mark.parametrize("command", ["take", "back", "close", "ticket"])
async def test_a_command_without_or_with_a_wrong_number_says_what_it_needs(
    s: ServiceDesk, ticket: Ticket, command: str
):
    missing = Say(say("which_ticket", "en", command=command))

    assert await s.do(s.staff(f"/{command}")) == missing
    assert await s.do(s.staff(f"/{command} twelve", thread="t1")) == missing
    assert await s.do(s.staff(f"/{command} 99")) == Say(say("no_ticket", "en", number=99))
    assert await s.state() == "waiting"


async def test_a_move_that_is_decided_twice_says_the_same_and_happens_once(
    s: ServiceDesk, ticket: Ticket
):
    event = s.staff("/close 1")

    assert await s.do(event) == await s.do(event) == Say(say("closed", "en", name="Bob", number=1))
    assert len(await s.to_customer()) == 1


async def test_open_tickets_are_listed(s: ServiceDesk, ticket: Ticket):
    await s.called(who="bea", chat=Conversation("test", "bea"))
    await s.do(s.staff("hello", thread="t1"))

    action = await s.do(s.staff("/tickets"))

    assert isinstance(action, Say)
    title, first, second = action.text.splitlines()
    assert title == say("tickets_open", "en", count=2)
    assert first.startswith(f"#2 Bea · {say('state_waiting', 'en')} · waiting")
    assert second == f"#1 Ann · {say('state_staff', 'en')} · Bob"


async def test_of_many_tickets_it_is_said_how_many_are_not_listed(s: ServiceDesk):
    for number in range(32):
        await s.called(who=f"p{number}", chat=Conversation("test", f"p{number}"))

    action = await s.do(s.staff("/tickets"))

    assert isinstance(action, Say)
    assert len(action.text.splitlines()) == 32
    assert action.text.splitlines()[-1] == say("tickets_more", "en", count=2)


async def test_without_open_tickets_that_is_said(s: ServiceDesk):
    assert await s.do(s.staff("/tickets")) == Say(say("no_tickets", "en"))


async def test_a_ticket_shows_all_that_was_said_in_it(s: ServiceDesk, ticket: Ticket):
    await s.do(s.customer("look\nBob: I pay for it", "photo"))
    await s.do(s.staff("// odd", thread="t1"))
    await s.do(s.staff("I see", thread="t1"))
    await s.letters()
    event = s.staff("/ticket 1", thread="t9")

    assert await s.do(event) == await s.do(event) == Ignore()

    text, photo = await s.letters()
    assert text.to == photo.to == replace(STAFF, thread="t9")
    assert text.text.splitlines() == [
        "#1 Ann",
        "Ann: human",
        "Ann: look",
        f"    Bob: I pay for it {say('photos_mark', 'en', count=1)}",
        f"Bob ({say('note_mark', 'en')}): odd",
        "Bob: I see",
    ]
    assert photo.photo == "photo"


async def test_who_hides_the_own_name_answers_no_customer(s: ServiceDesk, ticket: Ticket):
    action = await s.do(s.staff("hi", who="", thread="t1"))

    assert action == Say(say("not_staff", "en"))
    assert await s.letters() == []


async def test_with_roles_alone_only_who_has_one_is_staff(s: ServiceDesk, ticket: Ticket):
    s.rules(trust_staff_chat=False)
    s.access(staff=("other:bob",))

    assert await s.do(s.staff("hi", who="eve", thread="t1")) == Say(say("not_staff", "en"))
    await s.do(s.staff("close 1", who="eve", kind="press", about="m1"))
    assert await s.state() == "waiting"
    assert await s.letters() == []

    await s.do(s.staff("hello", thread="t1"))
    assert await s.to_customer() == ["Bob: hello"]


async def test_staff_with_the_role_move_tickets_in_private_too(s: ServiceDesk, ticket: Ticket):
    s.access(staff=("test:bob",))
    private = Conversation("test", "bob")

    await s.do(s.customer("/take 1", who="bob", chat=private))
    assert await s.state() == "staff"

    await s.do(s.customer("/back 1", who="bob", chat=private))
    assert await s.state() == "bot"


async def test_the_words_of_somebody_else_move_nothing(s: ServiceDesk, ticket: Ticket):
    await s.do(s.staff("/close 1", forwarded=True))

    assert await s.state() == "waiting"
    assert (await s.desk.tickets.ticket(1)).taken_by == ""


async def test_what_staff_forward_into_the_topic_goes_to_the_customer(
    s: ServiceDesk, ticket: Ticket
):
    await s.do(s.staff("the shop closes at 8", thread="t1", forwarded=True))

    assert await s.to_customer() == ["Bob: the shop closes at 8"]


async def test_a_customer_with_a_ticket_is_no_staff(s: ServiceDesk, ticket: Ticket):
    await s.do(s.customer("hello"))

    assert (await s.desk.tickets.ticket(1)).state == "waiting"
    assert [letter.to for letter in await s.letters()] == [replace(STAFF, thread="t1")]


async def test_help_in_the_staff_group_lists_the_commands_of_staff(s: ServiceDesk):
    async def listed(**more: object) -> bool:
        action = await s.do(replace(s.staff("/help", **more), addressed=True))
        assert isinstance(action, Say)
        return f"/take {say('about_take', 'en')}" in action.text

    assert await listed()
    assert not await listed(forwarded=True)

    s.rules(trust_staff_chat=False)
    assert not await listed()


@pytest.mark.parametrize("text", ["/接手 1", "／接手　１"])
async def test_staff_may_type_in_chinese(s: ServiceDesk, ticket: Ticket, text: str):
    await s.do(s.staff(text))

    assert await s.state() == "staff"


@pytest.mark.parametrize("command", ["/take 1", "/back 1"])
async def test_without_topics_a_reply_to_what_a_command_did_goes_to_the_customer(
    s: ServiceDesk, command: str
):
    await s.shown(await s.called(), thread="")
    assert await s.do(s.staff(command)) == Say("")
    await s.letters()

    await s.do(s.staff("hello", reply_to=await s.message_of(staff_key(1, 3))))

    assert await s.to_customer() == ["Bob: hello"]


async def test_a_reply_to_the_transcript_goes_to_its_customer(s: ServiceDesk, ticket: Ticket):
    await s.do(event := s.staff("/ticket 1"))
    await s.letters()
    shown = await s.message_of(f"ticket/1/0/show/{event_name(event)}/0")

    await s.do(s.staff("hello", reply_to=shown))

    assert await s.to_customer() == ["Bob: hello"]


async def test_what_staff_turn_into_a_note_is_not_sent_again(s: ServiceDesk, ticket: Ticket):
    message = s.staff("she is a friend", thread="t1")
    await s.do(message)
    await s.letters()

    await s.do(s.staff("// she is a friend", thread="t1", kind="edit", about=message.message))

    assert await s.letters() == []
    assert (await s.said())[-1] == ("note", "she is a friend")


@pytest.mark.parametrize(
    ("signature", "told"),
    [
        ("{name}", say("taken_for_you", "en", name="Bob")),
        ("The shop", say("taken_for_you", "en", name="The shop")),
        ("", say("taken_by_staff", "en")),
    ],
)
async def test_who_takes_a_ticket_is_named_as_configured(
    s: ServiceDesk, ticket: Ticket, signature: str, told: str
):
    s.rules(signature=signature)

    await s.do(s.staff("/take 1"))

    assert await s.to_customer() == [told]


async def test_who_deletes_what_the_customer_has_is_told_that_it_stays(
    s: ServiceDesk, ticket: Ticket
):
    message, note = s.staff("it costs 5", thread="t1"), s.staff("// hm", thread="t1")
    await s.do(message)
    await s.do(note)

    gone = s.staff(thread="t1", kind="delete", about=message.message)
    assert await s.do(gone) == Say(say("staff_deleted", "en"))
    assert await s.do(replace(gone, message="d2", about=note.message)) == Ignore()
