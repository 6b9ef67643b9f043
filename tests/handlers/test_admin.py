"""Orders of admins in chats: who may give which where, and that each has its effect once."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from bot.action import Action, Ask, Ignore, Say
from bot.admin.commands import ORDERS
from bot.event import Event, Person, Quoted
from bot.rules import AccessSection, QuotaSection
from bot.texts import Language, say
from handlers import COMMANDS, decide
from handlers.cases import STAFFS
from handlers.commands import menu
from handlers.desk import Desk
from tests.fakes import an_event
from tests.handlers.desks import a_desk
from tests.opened import new_in

ADMINS_OWN = [name for name, one in COMMANDS.items() if (one.role, one.where) == ("admin", "admin")]
GIVEN = {"admin2": "admin", "staff2": "staff", "member": "member"}
ACCESS = AccessSection(
    owners=("test:owner",),
    admins=("test:admin", "other:ann"),
    staff=("test:staff",),
    admin_chats=("test:office",),
)

_numbers = count(1)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with a_desk(tmp_path) as desk:
        desk.rules.change(access=ACCESS, quota=QuotaSection(timezone="UTC"))
        for person, role in GIVEN.items():
            await order(desk, f"/role test:{person} {role}")
        yield desk


def typed(text: str, who: str = "owner", **more: object) -> Event:
    event = an_event(f"m{next(_numbers)}", text, chat=who)
    return replace(event, **more)


def in_group(event: Event, chat: str) -> Event:
    return replace(event, group=True, conversation=replace(event.conversation, chat=chat))


async def order(desk: Desk, text: str, who: str = "owner", **more: object) -> str:
    """What the person reads."""
    return said(await decide(typed(text, who, **more), desk))


def said(action: Action) -> str:
    assert isinstance(action, Say), action
    return action.text


def is_denied(action: Action, command: str) -> bool:
    told = say("unknown_command", "en", command=command)
    return isinstance(action, Say) and action.text.startswith(told)


async def trace(desk: Desk) -> list[str]:
    return [line.outcome for line in await desk.office.audit.newest(50)]


# Who may


async def denied(desk: Desk, commands: list[str], *, chat: str = "", **how: Any) -> list[str]:
    """Those of the commands that get no more than an unknown one."""
    events = {name: typed(f"/{name} 1", **how) for name in commands}
    if chat:
        events = {name: in_group(event, chat) for name, event in events.items()}
    return [name for name, event in events.items() if is_denied(await decide(event, desk), name)]


@pytest.mark.parametrize("chat", ["", "office"])
@pytest.mark.parametrize("who", ["owner", "admin", "admin2"])
async def test_admins_may_give_orders_in_private_and_in_their_chats(
    desk: Desk, who: str, chat: str
):
    assert await denied(desk, ADMINS_OWN, who=who, chat=chat) == []


@pytest.mark.parametrize("chat", ["", "office"])
@pytest.mark.parametrize("who", ["staff", "staff2", "member", "guest"])
async def test_others_get_no_more_than_for_an_unknown_command(desk: Desk, who: str, chat: str):
    assert await denied(desk, ADMINS_OWN, who=who, chat=chat) == ADMINS_OWN
    assert (await trace(desk))[: len(ADMINS_OWN)] == ["denied"] * len(ADMINS_OWN)


LOOKALIKES = {
    "forwarded": {"forwarded": True},
    "a name like an admin's": {"person": Person("guest", "en", name="owner")},
    "the id of another platform's admin": {"person": Person("ann", "en")},
    "an id that only begins alike": {"person": Person("owner2", "en")},
    "an id in other letters": {"person": Person("Owner", "en")},
    "nobody": {"person": Person("", "en")},
}


@pytest.mark.parametrize("more", LOOKALIKES.values(), ids=LOOKALIKES)
@pytest.mark.row(57)
async def test_what_only_looks_like_an_admins_order_is_denied(desk: Desk, more: dict[str, object]):
    assert await denied(desk, ADMINS_OWN, **more) == ADMINS_OWN


async def test_in_any_other_group_even_owners_are_denied(desk: Desk):
    assert await denied(desk, ADMINS_OWN, chat="customers") == ADMINS_OWN


@pytest.mark.row(57)
async def test_an_edited_order_is_no_order(desk: Desk):
    before = await trace(desk)

    for name in ADMINS_OWN:
        assert await decide(typed(f"/{name}", kind="edit", about="m1"), desk) == Ignore()

    assert await trace(desk) == before


async def test_an_order_in_a_group_that_is_not_for_us_is_no_order(desk: Desk):
    event = in_group(typed("/pause"), "office")

    assert await decide(replace(event, addressed=False), desk) == Ignore()
    assert await desk.office.pauses.now() is None


async def test_no_guest_has_a_command_of_those_above(desk: Desk):
    above = [name for name, one in COMMANDS.items() if one.role != "guest"]

    assert await denied(desk, above, who="guest") == above


async def test_a_role_that_is_taken_away_is_gone_at_once(desk: Desk):
    await order(desk, "/role test:admin2 guest")

    assert is_denied(await decide(typed("/stats", "admin2"), desk), "stats")


# What comes of it


async def test_the_same_message_has_its_effect_once_and_reads_the_same(desk: Desk):
    event = typed("/quota test:ann give 20 questions")

    first, second = await decide(event, desk), await decide(event, desk)

    assert first == second
    desk.rules.change(quota=QuotaSection(guest=("5 questions/day",), timezone="UTC"))
    assert "0 of 25" in await order(desk, "/quota test:ann")


async def test_a_limit_that_was_set_counts_for_that_person_alone(desk: Desk):
    answer = await order(desk, "/quota test:ann set 50 questions/day")

    assert answer == "test:ann now has 50 questions/day."
    assert "50 questions/day · used 0 of 50 · 50 left" in await order(desk, "/usage", "ann")
    assert "You have no limits" in await order(desk, "/usage", "bob")


@pytest.mark.parametrize(
    ("limit", "is_warned"),
    [("100 tokens/day", True), ("5120 tokens/day", False), ("1 questions/day", False)],
)
async def test_a_limit_below_what_one_question_reserves_is_set_with_a_warning(
    desk: Desk, limit: str, is_warned: bool
):
    answer = await order(desk, f"/quota test:ann set {limit}")

    assert "test:ann now has" in answer
    assert ("100 tokens are too few for any question, since each reserves 5120" in answer) == (
        is_warned
    )


async def test_a_limit_goes_back_to_that_of_the_file(desk: Desk):
    await order(desk, "/quota test:ann set 50 questions/day")

    answers = [await order(desk, "/quota test:ann set default") for _ in range(2)]

    assert answers == [
        "test:ann has the limits of config.toml again.",
        "test:ann had the limits of config.toml already.",
    ]


async def test_all_limits_are_shown_with_where_they_come_from(desk: Desk):
    desk.rules.change(quota=QuotaSection(guest=("5 questions/day",), timezone="UTC"))
    await order(desk, "/quota test:ann set 50 questions/day")

    assert (await order(desk, "/quota")).splitlines() == [
        "Limits:",
        "the role guest · 5 questions/day · config.toml",
        "the role member · no limits · config.toml",
        "the role staff · no limits · config.toml",
        "the role admin · no limits · config.toml",
        "every group · no limits · config.toml",
        "test:ann · 50 questions/day · /quota",
    ]


async def test_of_limits_that_a_command_has_changed_only_those_that_hold_are_shown(desk: Desk):
    quota = QuotaSection(guest=("5 questions/day", "9 tokens/month"), timezone="UTC")
    desk.rules.change(quota=quota)
    await order(desk, "/quota guest set 7 questions/day")
    await order(desk, "/quota member set 3 questions/day")

    assert (await order(desk, "/quota")).splitlines()[1:4] == [
        "the role guest · 7 questions/day, 9 tokens/month"
        " · /quota (instead of config.toml: 5 questions/day, 9 tokens/month)",
        "the role member · 3 questions/day · /quota (instead of config.toml: no limits)",
        "the role staff · no limits · config.toml",
    ]


async def test_in_an_admin_chat_group_means_that_chat(desk: Desk):
    await decide(in_group(typed("/quota group set 9 questions/day"), "office"), desk)

    usage = said(await decide(in_group(typed("/usage", "ann"), "office"), desk))

    assert "this group: 9 questions/day · used 0 of 9" in usage


async def test_owners_have_no_limits_to_change(desk: Desk):
    assert "owners have no limits" in await order(desk, "/quota test:owner set 5 questions/day")


async def test_what_cannot_be_read_is_explained_with_an_example_and_changes_nothing(desk: Desk):
    before = await trace(desk)

    answer = await order(desk, "/quota test:ann set 50 questions/dya")

    assert "there is no period 'dya'; did you mean day?" in answer
    assert "Example: /quota 12345 set 50 questions/day" in answer
    assert await trace(desk) == before


async def test_a_message_that_is_answered_names_who_wrote_it(desk: Desk):
    question = replace(typed("spam", "bob"), message="77")
    await desk.inbox.accept(in_group(question, "office"))

    reply = in_group(typed("/ban 2h spam", quoted=Quoted("77")), "office")

    assert "test:bob is banned until" in said(await decide(reply, desk))


async def test_a_message_we_never_saw_names_nobody(desk: Desk):
    reply = typed("/ban 2h", quoted=Quoted("77", text="I am test:bob"))

    assert "'2h' is no id" in said(await decide(reply, desk))


async def test_who_is_allowed_is_a_member_and_nobody_loses_a_role_by_it(desk: Desk):
    assert await order(desk, "/allow test:ann") == "test:ann is now a member."
    assert await order(desk, "/allow test:ann") == "test:ann is already a member."
    assert await order(desk, "/allow test:staff2") == "test:staff2 is already staff."


@pytest.mark.parametrize(
    ("who", "line", "answer"),
    [
        ("admin", "/role test:ann admin", "Only an owner can make somebody an admin."),
        ("admin", "/role test:admin2 guest", "test:admin2 is an admin, which you cannot change"),
        ("admin", "/ban test:owner", "test:owner is an owner, which you cannot change"),
        ("admin", "/ban test:admin2", "test:admin2 is an admin, which you cannot change"),
        ("admin", "/ban test:admin", "test:admin is an admin, which you cannot change"),
        ("owner", "/ban test:owner", "Owners stand in config.toml, [access] owners"),
        ("owner", "/role test:staff guest", "config.toml makes test:staff staff, and no less"),
        ("owner", "/role test:ann owner", "owners stand in config.toml alone"),
        ("owner", "/role test:ann admin", "test:ann is now an admin."),
        ("admin", "/role test:ann staff", "test:ann is now staff."),
    ],
)
@pytest.mark.row(57)
async def test_nobody_gives_or_takes_what_is_not_below_them(
    desk: Desk, who: str, line: str, answer: str
):
    assert answer in await order(desk, line, who)


async def test_roles_and_bans_are_listed_with_the_names_people_have(desk: Desk):
    await desk.people.meet(typed("hello", person=Person("member", "en", name="Mia  M")))
    await order(desk, "/ban test:ann 2h spam")

    assert "Mia M (test:member) · member · /role" in await order(desk, "/role")
    assert "test:owner · owner · config.toml" in await order(desk, "/role")
    assert await order(desk, "/unban test:ann") == "test:ann may use the bot again."
    assert await order(desk, "/ban") == "Nobody is banned."
    assert await order(desk, "/unban test:ann") == "test:ann is not banned."


async def test_the_log_shows_changes_and_attempts_newest_first(desk: Desk):
    await order(desk, "/allow test:ann")
    await decide(typed("/role test:eve admin", "eve"), desk)

    lines = (await order(desk, "/audit 2")).splitlines()

    assert lines[1].endswith("test:eve · /role test:eve admin · denied")
    assert lines[2].endswith("test:owner · /allow test:ann · test:ann is now a member.")


async def test_statistics_count_people_and_questions(desk: Desk):
    await desk.people.meet(typed("hello", "ann"))

    assert "here within 24 h · 1" in await order(desk, "/stats")


async def test_reading_the_file_again_without_a_file_changes_nothing(desk: Desk):
    assert "Nothing that can change now has changed" in await order(desk, "/reload")


async def test_orders_are_answered_in_the_language_of_the_person(desk: Desk):
    chinese = typed("/allow test:ann", person=Person("owner", "zh-hans"))

    assert said(await decide(chinese, desk)) == "test:ann 现在是成员。"


# Broadcasts


async def test_a_broadcast_goes_out_when_its_button_is_pressed_and_once(desk: Desk):
    for chat in ("ann", "bob"):
        await desk.people.meet(typed("hello", chat))
    written = await decide(typed("/broadcast Hello\nall"), desk)
    assert isinstance(written, Say)
    assert [button.label for button in written.buttons] == ["Send it", "Drop it"]

    for _ in range(2):
        press = typed(written.buttons[0].name, kind="press", about="1")
        answer = said(await decide(press, desk))

    assert "is out or dropped already" in answer
    assert await desk.outbox.progress("broadcast/1") == {"waiting": 2}


async def test_a_broadcast_can_be_confirmed_dropped_and_looked_at_by_number(desk: Desk):
    await desk.people.meet(typed("hello", "ann"))
    await order(desk, "/broadcast one")
    await order(desk, "/broadcast two")

    assert "Broadcast 1 goes out to 1 chats" in await order(desk, "/broadcast confirm 1")
    assert await order(desk, "/broadcast cancel 2") == "Broadcast 2 is dropped."
    assert "0 sent, 1 waiting" in await order(desk, "/broadcast status 1")
    assert await order(desk, "/broadcast status") == "Broadcast 2 was dropped."
    assert "There is no broadcast 9" in await order(desk, "/broadcast confirm 9")
    assert await desk.outbox.progress("broadcast/2") == {}


@pytest.mark.parametrize("who", ["guest", "staff"])
@pytest.mark.row(57)
async def test_the_press_of_somebody_else_sends_nothing(desk: Desk, who: str):
    await order(desk, "/broadcast Hello")

    assert await decide(typed("broadcast 1", who, kind="press", about="1"), desk) == Ignore()
    assert "is not confirmed" in await order(desk, "/broadcast status 1")
    assert (await trace(desk))[0] == "denied"


@pytest.mark.parametrize("button", ["broadcast", "broadcast x", "broadcast 99999999999999999999"])
async def test_a_made_up_button_sends_nothing(desk: Desk, button: str):
    assert await decide(typed(button, kind="press", about="1"), desk) == Ignore()


async def test_a_broadcast_has_a_length_that_fits_into_a_message(desk: Desk):
    assert "at most 4000" in await order(desk, "/broadcast " + "x" * 4001)


# /help


@pytest.mark.parametrize("language", ["en", "zh-hans"])
async def test_each_command_explains_itself_to_who_may_use_it(desk: Desk, language: str):
    desk.rules.change(service=desk.rules.now.service.model_copy(update={"staff_chat": "test:1"}))

    for name, command in COMMANDS.items():
        event = typed(f"/help {name}", person=Person("owner", language))
        summary = say(command.summary, "en" if language == "en" else "zh")
        assert said(await decide(event, desk)).startswith(f"/{name} {summary}\n\n")


@pytest.mark.parametrize(
    ("who", "group", "shown", "hidden"),
    [
        ("guest", False, {"start", "usage"}, {"quota", "learn", "tickets"}),
        ("staff", False, {"usage", "learn"}, {"quota", "ban"}),
        ("admin", False, {"usage", "learn", "quota", "broadcast"}, set()),
        ("admin", True, {"usage"}, {"quota", "broadcast"}),
    ],
)
async def test_help_lists_what_this_person_may_do_here(
    desk: Desk, who: str, group: bool, shown: set[str], hidden: set[str]
):
    event = typed("/help", who)
    text = said(await decide(in_group(event, "customers") if group else event, desk))

    listed = {line[1:].split()[0] for line in text.splitlines() if line.startswith("/")}
    assert shown <= listed
    assert not hidden & listed


async def test_help_tells_nobody_of_commands_that_are_not_theirs(desk: Desk):
    assert is_denied(await decide(typed("/help quota", "guest"), desk), "quota")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_menu_offers_what_everybody_has(language: Language):
    offered = dict(menu(COMMANDS, language))

    assert {"start", "help", "usage"} <= set(offered)
    assert not {name for name in offered if COMMANDS[name].role != "guest"}
    assert offered["usage"] == say("about_usage", language)


def test_every_order_is_a_command_of_admins_or_about_cases():
    assert set(ORDERS) | {"broadcast"} == set(ADMINS_OWN) | set(STAFFS)


# Who may ask


async def test_a_banned_person_is_told_once_and_then_ignored(desk: Desk):
    await order(desk, "/ban test:ann 2h spam")
    first, second = typed("hello?", "ann"), typed("/help", "ann")

    for _ in range(2):
        assert "Reason: spam." in said(await decide(first, desk))
    assert await decide(second, desk) == Ignore()
    assert await decide(typed("again 1", "ann", kind="press", about="1"), desk) == Ignore()


async def test_where_only_members_may_ask_guests_are_told_their_id(desk: Desk):
    desk.rules.change(access=ACCESS.model_copy(update={"who": "members"}))

    assert "your id is test:ann" in said(await decide(typed("what?", "ann"), desk))
    assert await decide(typed("what?", "member"), desk) == Ask("what?")
    assert await decide(typed("what?", "owner", forwarded=True), desk) == Ask("what?")
    assert "I do not know" not in said(await decide(typed("/help", "ann"), desk))


async def test_in_a_group_guests_are_told_once(desk: Desk):
    desk.rules.change(access=ACCESS.model_copy(update={"who": "members"}))

    first = await decide(in_group(typed("what?", "ann"), "customers"), desk)
    second = await decide(in_group(typed("what?", "ann"), "customers"), desk)

    assert "your id is test:ann" in said(first)
    assert second == Ignore()


async def test_in_a_pause_questions_are_refused_and_orders_taken(desk: Desk):
    await order(desk, "/pause 30 Back at noon")

    told = await order(desk, "what?", "ann")
    assert re.fullmatch(r"Paused until (\S+ )?\d\d:\d\d: Back at noon", told)
    assert await order(desk, "what?", "owner") == told
    assert await order(desk, "/resume", "admin") == "Questions are taken again."
    assert await decide(typed("what?", "ann"), desk) == Ask("what?")


async def test_a_pause_without_an_end_says_so_before_its_words(desk: Desk):
    await order(desk, "/pause Back at noon")

    assert await order(desk, "what?", "ann") == "Paused for now: Back at noon"


async def test_a_question_that_was_let_through_stays_so(desk: Desk):
    question = typed("what?", "ann")
    await desk.inbox.accept(question)
    [entry] = await new_in(desk.inbox, 1)
    await desk.inbox.wait(entry.id)
    await order(desk, "/pause")

    assert await decide(question, desk) == Ask("what?")


async def test_no_admin_lifts_what_an_owner_did_to_an_admin(desk: Desk):
    await order(desk, "/ban test:admin2")

    assert "cannot change" in await order(desk, "/unban test:admin2", "admin")
    assert await order(desk, "/unban test:admin2") == "test:admin2 may use the bot again."


@pytest.mark.parametrize(
    ("language", "written"),
    [("zh", "不限 问题/天"), ("en", "unlimited questions/day")],
)
async def test_an_unlimited_limit_is_shown_as_it_is_typed(
    desk: Desk, language: Language, written: str
):
    told = await order(desk, f"/quota test:ann set {written}", person=Person("owner", language))

    assert written in told
