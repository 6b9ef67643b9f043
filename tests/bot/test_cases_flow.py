"""From a blocked question to its appeal, the decision of staff, and the same question answered."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

import pytest

from bot.admin.actor import Actor
from bot.admin.commands import ORDERS
from bot.admin.office import Office
from bot.admin.orders import Here
from bot.casework import Casework
from bot.rules import AccessSection, ServiceSection
from bot.storage.audit import Act
from bot.storage.db import Database
from bot.storage.ledger import Ledger
from bot.storage.outbox import Outbox
from bot.storage.people import People
from inference.safety.verdict import Context, Incident, Report, Verdict
from tests.bot.flow import Flow
from tests.bot.guarding import a_guard, a_section
from tests.fakes import a_quote

ACCESS = AccessSection(owners=("test:owner",), admins=("test:admin",), staff=("test:staff",))
BAD = "how to build a bomb"
EVIL = "evil.jpg"


def verdict(action) -> Verdict:
    return Verdict(action, "weapons", 0.9, "eyes", "3")


def strict(flow: Flow, **safety: object) -> None:
    flow.rules.change(safety=a_section(**safety))


@pytest.fixture
def guarded(flow: Flow) -> Flow:
    flow.guard = a_guard(flow.rules, flow.folder)
    flow.rules.change(access=ACCESS)
    strict(flow)
    flow.platform.photos = {EVIL: b"evil!", "cat.jpg": b"cat"}
    return flow


async def asks(flow: Flow, text: str, **event: object) -> str:
    """What the person reads of it, once that is final."""
    chat = str(event.setdefault("chat", "ann"))
    before = len(flow.platform.chats[chat])
    await flow.say(text, **event)
    await flow.platform.until(
        lambda: len(flow.platform.chats[chat]) > before and flow.platform.chats[chat][-1].final
    )
    return flow.platform.texts(chat)[-1]


async def reads(flow: Flow, chat: str, part: str) -> str:
    """The message that has these words, once it is there."""
    await flow.platform.until(lambda: any(part in text for text in flow.platform.texts(chat)))
    return next(text for text in flow.platform.texts(chat) if part in text)


async def trace(flow: Flow) -> list[tuple[str, str]]:
    return [(line.actor, line.outcome) for line in await flow.office.audit.newest(50)]


# What people read


@pytest.mark.parametrize(
    ("language", "reason", "how"),
    [("en", "content that is not allowed", "/appeal"), ("zh", "不允许的内容", "/appeal")],
)
async def test_a_blocked_question_is_told_its_number_and_no_word_of_the_list(
    guarded: Flow, language: str, reason: str, how: str
):
    await guarded.start()

    told = await asks(guarded, BAD, language=language, chosen=language)

    assert reason in told
    assert how in told
    assert "1" in told
    assert not re.search("bomb|weapons", told)
    assert guarded.engine.requests == []


async def test_when_the_case_could_not_be_kept_no_number_is_said(guarded: Flow):
    await guarded.start()
    async with guarded.db.write() as connection:
        await connection.exec_driver_sql("DROP TABLE cases")

    told = await asks(guarded, BAD)

    assert "not allowed" in told
    assert "appeal" not in told
    assert guarded.engine.requests == []


async def test_an_answer_that_is_taken_back_shows_nothing_of_it_and_costs_its_tokens(
    guarded: Flow,
):
    guarded.engine.answers["cook?"] = ["Sure, ", "the recipe is", " this"]
    await guarded.start()

    told = await asks(guarded, "cook?")

    assert "Sure" not in told
    assert "taken back" in told
    assert "case 1" in told
    await guarded.ended()
    used = await guarded.ledger.used("test:ann", 0)
    assert used.questions == 0
    assert used.tokens > 0


async def test_a_blocked_question_costs_nothing_and_does_not_enter_the_window(guarded: Flow):
    await guarded.start()

    await asks(guarded, BAD)
    await asks(guarded, "hello?")

    await guarded.ended()
    assert (await guarded.ledger.used("test:ann", 0)).questions == 1
    assert "bomb" not in repr([turn.text for turn in guarded.asked("hello?").turns])


async def test_a_blocked_photo_does_not_go_with_the_next_question(guarded: Flow):
    await guarded.start()

    told = await asks(guarded, "what is this?", photos=(EVIL,))
    await asks(guarded, "and now?")

    assert "photo" in told
    assert all(not turn.pictures for turn in guarded.asked("and now?").turns)


async def test_a_blocked_question_calls_nobody_of_the_service_desk(guarded: Flow):
    service = ServiceSection(staff_chat="test:desk", hand_off=("refused", "engine", "unsure"))
    guarded.rules.change(service=service)
    await guarded.start()

    await asks(guarded, BAD)
    await guarded.ended()

    assert await guarded.tickets.listed() == []


# Cases


async def test_the_case_says_what_staff_need_and_no_number_of_a_person(guarded: Flow):
    await guarded.start()
    await asks(guarded, f"my phone is 13812345678, {BAD}, and {'x' * 300} y", name="Ann")

    shown = await asks(guarded, "/case 1", chat="staff")

    for part in ("weapons (1.00)", "pattern", "bomb", "Ann (test:ann)", "entry-1", "138****5678"):
        assert part in shown
    assert "13812345678" not in shown
    assert "xy" not in shown
    case = await guarded.cases.case(1)
    assert case is not None
    assert "13812345678" not in repr(case)


async def test_the_photo_of_a_case_is_shown_while_it_is_kept(guarded: Flow):
    await guarded.start()
    await asks(guarded, "what is this?", photos=(EVIL,))

    await asks(guarded, "/case 1", chat="staff")

    staff = guarded.platform.chats["staff"]
    await guarded.platform.until(lambda: any(bubble.photo for bubble in staff))
    assert [bubble.photo for bubble in staff if bubble.photo] == [b"evil!"]


async def test_a_review_goes_on_and_waits_for_staff(guarded: Flow):
    await guarded.start()

    assert await asks(guarded, "which knife for bread?") == "echo of which knife for bread?"

    assert "question to look at" in await asks(guarded, "/cases", chat="staff")


async def test_more_reviews_of_one_person_than_fit_a_day_are_not_kept(guarded: Flow):
    await guarded.start()
    person = Context("question", "test:ann", "r", "s")

    kept = [
        await guarded.casework.report(Incident(replace(person, request=f"r{n}"), verdict("review")))
        for n in range(25)
    ]

    assert len([number for number in kept if number]) == 20
    other = Incident(replace(person, person="test:bob"), verdict("review"))
    assert await guarded.casework.report(other) is not None


async def test_after_a_crash_between_case_and_answer_there_is_one_case_and_one_letter(
    guarded: Flow,
):
    strict(guarded, cases_chat="test:cases")

    def crashing(casework: Casework) -> Report:
        async def report(incident: Incident) -> int | None:
            await casework.report(incident)
            await asyncio.Event().wait()  # until the crash

        return report

    guarded.guard = a_guard(guarded.rules, guarded.folder, crashing)
    await guarded.start()
    message = await guarded.say(BAD, chat="ann")
    await reads(guarded, "cases", "Case #1")
    while await guarded.outbox.backlog():  # else the postman brings it again, for he cannot know
        pass
    await guarded.crash()

    guarded.guard = a_guard(guarded.rules, guarded.folder)
    await guarded.start()
    await guarded.until_states(**{message: "refused"})

    _, count = await guarded.cases.listed(limit=9)
    assert count == 1
    assert "case 1" in guarded.platform.texts("ann")[-1]
    await reads(guarded, "cases", "Case #1")
    assert len(guarded.platform.chats["cases"]) == 1


async def test_whoever_is_forgotten_has_no_case_and_no_letter_speaks_of_it(guarded: Flow):
    strict(guarded, cases_chat="test:cases")
    await guarded.start()
    await asks(guarded, BAD)
    await asks(guarded, BAD, chat="bob")
    await reads(guarded, "cases", "Case #2")

    async with guarded.db.write() as connection:
        await guarded.cases.forget_with(connection, "test:ann")

    found, _ = await guarded.cases.listed(limit=9)
    assert [case.facts.person for case in found] == ["test:bob"]
    async with guarded.db.read() as connection:
        rows = await connection.exec_driver_sql("SELECT key FROM outbox WHERE text LIKE '%bomb%'")
        assert [row.key for row in rows] == ["case/2/filed"]


# Appeal and decision


@pytest.mark.parametrize("by", ["command", "button"])
async def test_what_staff_let_through_is_answered_the_next_time(guarded: Flow, by: str):
    strict(guarded, cases_chat="test:staff")
    await guarded.start()
    await asks(guarded, BAD)

    assert "case 1" in await asks(guarded, "/appeal it is for a film")
    assert "it is for a film" in await reads(guarded, "staff", "has an appeal")
    if by == "button":
        letter = guarded.platform.chats["staff"][-1]
        assert letter.buttons == ["approve 1", "reject 1", "case 1"]
        await guarded.press("approve 1", letter.id, chat="staff")
    else:
        await asks(guarded, "/approve 1 sorry", chat="staff")

    told = await reads(guarded, "ann", "it is all right")
    assert ("Staff say: sorry" in told) == (by == "command")
    assert await asks(guarded, BAD) == f"echo of {BAD}"
    assert "not allowed" in await asks(guarded, BAD, chat="bob")
    assert "not allowed" in await asks(guarded, f"{BAD}!!")


async def test_an_approved_photo_is_let_through_and_another_one_is_not(guarded: Flow):
    guarded.platform.photos["evil2.jpg"] = b"evil too"
    await guarded.start()
    await asks(guarded, "what is this?", photos=(EVIL,))

    await asks(guarded, "/approve 1", chat="staff")
    await reads(guarded, "ann", "it is all right")

    assert "echo" in await asks(guarded, "and here?", photos=(EVIL,))
    assert "not allowed" in await asks(guarded, "what?", photos=("evil2.jpg",))
    assert "not allowed" in await asks(guarded, "what?", chat="bob", photos=(EVIL,))


async def test_an_approved_answer_comes_the_next_time(guarded: Flow):
    guarded.engine.answers["cook?"] = ["the recipe is"]
    await guarded.start()
    await asks(guarded, "cook?")

    await asks(guarded, "/approve 1", chat="staff")
    await reads(guarded, "ann", "it is all right")

    assert await asks(guarded, "cook?") == "the recipe is"


async def test_who_did_not_appeal_is_not_told_of_a_rejection(guarded: Flow):
    await guarded.start()
    await asks(guarded, BAD)
    await asks(guarded, BAD)
    await asks(guarded, "/appeal please")

    await asks(guarded, "/reject 1", chat="staff")
    await asks(guarded, "/reject 2 no bombs here", chat="staff")

    told = await reads(guarded, "ann", "decision stands")
    assert "case 2" in told
    assert "no bombs here" in told
    assert not any("case 1: the decision" in text for text in guarded.platform.texts("ann"))
    assert "not allowed" in await asks(guarded, BAD)


async def test_each_case_is_appealed_once(guarded: Flow):
    await guarded.start()
    assert "Nothing of yours was blocked" in await asks(guarded, "/appeal why")
    await asks(guarded, BAD)

    assert "Staff have it now" in await asks(guarded, "/appeal why")
    assert "already" in await asks(guarded, "/appeal why not")

    case = await guarded.cases.case(1)
    assert case is not None
    assert case.appeal == "why"
    await asks(guarded, "/reject 1", chat="staff")
    await reads(guarded, "ann", "decision stands")
    assert "Staff have looked at case 1 already" in await asks(guarded, "/appeal again")


@pytest.mark.parametrize(
    ("command", "told", "language"),
    [("/appeal no", "already", "en"), ("/申诉 不是", "已经申诉过了", "zh")],
)
async def test_a_second_appeal_does_not_go_to_an_older_case(
    guarded: Flow, command: str, told: str, language: str
):
    await guarded.start()
    await asks(guarded, BAD)
    await asks(guarded, f"{BAD} 2")
    await asks(guarded, "/appeal why")

    assert told in await asks(guarded, command, language=language, chosen=language)

    older, newer = await guarded.cases.case(1), await guarded.cases.case(2)
    assert older is not None
    assert newer is not None
    assert (older.appeal, newer.appeal) == ("", "why")


async def test_nobody_appeals_for_another_one_or_in_another_chat(guarded: Flow):
    await guarded.start()
    await asks(guarded, BAD)

    assert "Nothing of yours" in await asks(guarded, "/appeal", chat="bob")
    assert "Nothing of yours" in await asks(guarded, "/appeal", chat="room", person="ann")


async def test_an_approval_on_the_machine_beside_the_running_bot_reaches_the_person(
    guarded: Flow,
):
    await guarded.start()
    await asks(guarded, BAD)

    beside = await Database.join(guarded.folder)
    await machine_order(beside, guarded, "approve", "1")
    await beside.close()
    guarded.outbox.ring()  # which the postman does himself every few seconds

    assert "it is all right" in await reads(guarded, "ann", "case 1: ")


# Strikes


async def test_three_blocks_shut_a_person_out_for_a_while(guarded: Flow):
    strict(guarded, cases_chat="test:cases", strike_ban_s=3600)
    await guarded.start()
    for _ in range(3):
        await asks(guarded, BAD)

    told = await reads(guarded, "ann", "3 of your messages")
    assert "until 20" in told
    assert ("safety", (await trace(guarded))[0][1]) == (await trace(guarded))[0]
    assert "Cases: #1, #2, #3" in await reads(guarded, "cases", "shut out")
    assert "You may not use this bot until" in await asks(guarded, "hello?")


async def test_two_blocks_and_no_configured_strikes_shut_nobody_out(guarded: Flow):
    await guarded.start()
    for _ in range(2):
        await asks(guarded, BAD)
    assert "echo" in await asks(guarded, "hello?")

    strict(guarded, strikes=0)
    await asks(guarded, BAD)

    assert "echo" in await asks(guarded, "hello!")


async def test_who_quotes_a_blocked_message_does_not_have_it_answered(guarded: Flow):
    await guarded.start()
    await asks(guarded, BAD)

    told = await asks(guarded, "please answer this", quoted=a_quote("q1", f"hm, {BAD}, right?"))

    assert "echo" in told
    asked = guarded.engine.requests[-1].turns[-1].text
    assert "bomb" not in asked
    assert "hm, " in asked
    assert "right?" in asked


async def test_one_message_is_one_strike_whatever_is_found_in_it(guarded: Flow):
    lists = guarded.folder / "lists"
    lists.mkdir()
    (lists / "own.txt").write_text("[drugs = block]\nmeth\n[minors = block]\nnudes\n", "utf-8")
    await guarded.start()
    for _ in range(2):
        await asks(guarded, f"{BAD}, meth and nudes")

    assert "echo" in await asks(guarded, "hello?")
    await asks(guarded, f"{BAD}, meth and nudes")

    await reads(guarded, "ann", "3 of your messages")


async def test_what_is_left_of_the_message_that_led_to_a_ban_is_no_strike(guarded: Flow):
    lists = guarded.folder / "lists"
    lists.mkdir()
    (lists / "own.txt").write_text("[drugs = block]\nmeth\n", "utf-8")
    strict(guarded, strikes=1)
    await guarded.start()
    await asks(guarded, f"{BAD} and meth")
    await reads(guarded, "ann", "1 of your messages")
    await guarded.ended()

    left = await guarded.cases.strikes("test:ann", since=0.0)

    assert left == {}


async def test_reviews_and_answers_are_no_strikes(guarded: Flow):
    guarded.engine.answers["cook?"] = ["the recipe is"]
    await guarded.start()
    for _ in range(3):
        await asks(guarded, "cook?")
        await asks(guarded, "which knife?")

    assert "echo" in await asks(guarded, "hello?")


@pytest.mark.parametrize("who", ["staff", "admin", "owner"])
async def test_those_who_try_out_the_rules_are_not_shut_out(guarded: Flow, who: str):
    await guarded.start()
    for _ in range(4):
        await asks(guarded, BAD, chat=who)

    assert "echo" in await asks(guarded, "hello?", chat=who)


async def test_who_is_shut_out_may_appeal_once_and_an_approval_lets_them_in(guarded: Flow):
    strict(guarded, cases_chat="test:staff")
    await guarded.start()
    for _ in range(3):
        await asks(guarded, BAD)
    await reads(guarded, "ann", "3 of your messages")

    assert "case 3" in await asks(guarded, "/appeal a mistake")
    await asks(guarded, "/approve 3", chat="staff")

    assert "You may use this bot again" in await reads(guarded, "ann", "it is all right")
    assert await asks(guarded, BAD) == f"echo of {BAD}"


@pytest.mark.parametrize(
    ("question", "told"),
    [("what?", "send /appeal and say why"), ("什么？", "请发送 /appeal 并写上理由")],
)
async def test_who_is_shut_out_and_asks_reads_that_appealing_works(
    guarded: Flow, question: str, told: str
):
    strict(guarded)
    await guarded.start()
    for _ in range(3):
        await asks(guarded, BAD)
    await reads(guarded, "ann", "3 of your messages")

    assert told in await asks(guarded, question)


async def test_what_was_approved_before_counts_as_no_strike(guarded: Flow):
    await guarded.start()
    await asks(guarded, BAD)
    await asks(guarded, "/approve 1", chat="staff")
    await reads(guarded, "ann", "it is all right")
    for number in range(2):
        await asks(guarded, f"{BAD} {number}")

    assert "echo" in await asks(guarded, "hello?")


async def test_approving_a_case_does_not_lift_a_ban_that_somebody_ordered(guarded: Flow):
    await guarded.start()
    await asks(guarded, BAD)
    await asks(guarded, "/ban test:ann forever", chat="owner")

    await asks(guarded, "/approve 1", chat="staff")

    await reads(guarded, "ann", "it is all right")
    assert "You may not use this bot" in await asks(guarded, "hello?")


# Who may


COMMANDS = [
    *("/cases", "/case 1", "/approve 1", "/reject 1"),
    *("/case 1 block", "/case 1 block-picture"),
]


@pytest.mark.parametrize("command", COMMANDS)
async def test_others_get_no_more_than_for_an_unknown_command(guarded: Flow, command: str):
    await guarded.start()
    await asks(guarded, BAD)

    told = await asks(guarded, command, chat="bob")

    assert told.startswith("I do not know")
    assert (await trace(guarded))[0] == ("test:bob", "denied")
    case = await guarded.cases.case(1)
    assert case is not None
    assert case.state == "open"


@pytest.mark.parametrize("button", ["approve 1", "reject 1", "case 1"])
async def test_a_press_by_somebody_else_does_nothing(guarded: Flow, button: str):
    strict(guarded, cases_chat="test:cases")
    await guarded.start()
    await asks(guarded, BAD)
    await reads(guarded, "cases", "Case #1")

    name = await guarded.press(button, guarded.platform.chats["cases"][0].id, chat="bob")
    await guarded.until_states(**{name: "ignored"})

    assert (await trace(guarded))[0] == ("test:bob", "denied")


async def test_whoever_writes_in_the_staffs_chat_decides_there(guarded: Flow):
    guarded.rules.change(service=ServiceSection(staff_chat="test:desk"))
    await guarded.start()
    await asks(guarded, BAD)
    await reads(guarded, "desk", "Case #1")

    told = await asks(guarded, "/approve 1", chat="desk", person="carl", group=True)

    assert "let through" in told


async def test_staff_shut_the_person_of_a_case_out(guarded: Flow):
    await guarded.start()
    await asks(guarded, BAD)

    told = await asks(guarded, "/case 1 block 3d", chat="staff")

    assert "test:ann" in told
    assert "You may not use this bot" in await asks(guarded, "hello?")


async def test_staff_cannot_shut_out_an_admin_by_a_case(guarded: Flow):
    await guarded.start()
    await asks(guarded, BAD, chat="admin")

    await asks(guarded, "/case 1 block", chat="staff")

    assert "echo" in await asks(guarded, "hello?", chat="admin")


async def test_a_key_of_the_api_is_not_shut_out_by_a_case(guarded: Flow):
    await guarded.start()
    context = Context("question", "api:k_1:carl", "r", "s")
    await guarded.casework.report(Incident(context, verdict("block")))

    told = await asks(guarded, "/case 1 block", chat="staff")

    assert "visionbot admin keys revoke k_1" in told
    assert "#1" in await asks(guarded, "/cases api:k_1", chat="staff")
    assert await guarded.people.banned() == []


async def test_the_picture_of_a_case_goes_on_the_list_of_blocked_ones(guarded: Flow):
    await guarded.start()
    await asks(guarded, "what is this?", photos=(EVIL,))
    await asks(guarded, BAD)

    assert "blocked from now on" in await asks(guarded, "/case 1 block-picture", chat="staff")
    assert "not about a picture" in await asks(guarded, "/case 2 block-picture", chat="staff")

    case = await guarded.cases.case(1)
    assert case is not None
    async with guarded.db.read() as connection:
        rows = await connection.exec_driver_sql("SELECT digest, who FROM blocked_pictures")
        assert [tuple(row) for row in rows] == [(case.facts.picture, "test:staff")]


@pytest.mark.parametrize(
    ("typed", "part"),
    [
        ("/case", "is no number of a case"),
        ("/case twelve", "twelve"),
        ("/case 99", "There is no case 99"),
        ("/approve 99", "There is no case 99"),
        ("/case 1 blck", "block"),
        ("/cases nobody", "nobody"),
    ],
)
async def test_what_means_nothing_is_explained(guarded: Flow, typed: str, part: str):
    await guarded.start()

    assert part in await asks(guarded, typed, chat="staff")


async def test_cases_of_one_person_are_listed(guarded: Flow):
    await guarded.start()
    await asks(guarded, BAD)
    await asks(guarded, BAD, chat="bob")
    await asks(guarded, "/reject 1", chat="staff")

    assert "#1" not in await asks(guarded, "/cases", chat="staff")
    everything = await asks(guarded, "/cases all", chat="staff")
    assert "#1" in everything
    assert "#2" in everything
    anns = await asks(guarded, "/cases test:ann", chat="staff")
    assert "the decision stands" in anns
    assert "#2" not in anns


# Letters


async def test_a_flood_of_blocks_becomes_twenty_letters_and_one_that_counts(guarded: Flow):
    strict(guarded, cases_chat="test:cases", strikes=0)
    await guarded.start()
    context = Context("question", "test:ann", "r", "s")

    for number in range(25):
        incident = Incident(replace(context, request=f"r{number}"), verdict("block"))
        await guarded.casework.report(incident)

    await reads(guarded, "cases", "nobody has decided")
    texts = guarded.platform.texts("cases")
    assert len([text for text in texts if text.startswith("Case #")]) == 20
    assert len(texts) == 21


async def test_reviews_are_told_once_an_hour_together(guarded: Flow):
    strict(guarded, cases_chat="test:cases")
    await guarded.start()
    for number in range(3):
        await asks(guarded, f"which knife {number}?")

    await reads(guarded, "cases", "nobody has decided")
    assert len(guarded.platform.texts("cases")) == 1


async def test_what_is_blocked_is_counted_by_place_action_and_category(guarded: Flow):
    await guarded.start()
    await asks(guarded, BAD)
    await asks(guarded, "which knife?")

    assert guarded.counts.safety == {
        ("question", "block", "weapons"): 1,
        ("question", "review", "knives"): 1,
    }


async def machine_order(db: Database, flow: Flow, command: str, words: str) -> str:
    office = Office(db, flow.rules, People(db), Ledger(db), Outbox(db))
    actor = Actor(Act(f"machine/{words}", "machine:root", command), "owner", "en")
    return (await ORDERS[command](words, Here(), actor, office)).as_table()
