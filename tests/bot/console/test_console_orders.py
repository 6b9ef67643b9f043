"""What is changed on the operator's page is what the same words change in a chat."""

from __future__ import annotations

import pytest

from bot.access.quota import Limit, Misread, Subject
from bot.admin.actor import Actor
from bot.admin.commands import ORDERS, explained
from bot.admin.orders import Here
from bot.storage.audit import Act
from tests.bot.console.conftest import a_place
from tests.bot.console.test_console_entry import PROXY


@pytest.mark.parametrize(
    "line",
    [
        "quota telegram:1 set 50 questions/day",
        "quota role:guest set 5 questions/day",
        "quota telegram:1 give 10 questions",
        "quota telegram:1 reset",
        "quota telegram:1 set default",
        "quota",
        "role telegram:2 staff",
        "allow telegram:3",
        "ban telegram:4 forever spam",
        "unban telegram:4",
        "pause forever Back soon",
        "resume",
        "reload",
        "stats",
        "quota telegram:1 sett 5",
        "role telegram:1 emperor",
        "resume now",
    ],
)
async def test_order_says_what_it_says_in_a_chat(place, tmp_path, line):
    browser = await place.owner()
    command, _, words = line.partition(" ")
    async with a_place(tmp_path / "chat") as other:
        actor = Actor(Act("chat", "telegram:9", f"/{line}"), "owner", "en")
        try:
            report = await ORDERS[command](words, Here(), actor, other.office)
            expected = (report.title, [list(row) for row in report.rows], True)
        except Misread as error:
            expected = (explained(command, error, actor), [], False)

    status, done = await browser.order(line)

    assert status == 200
    assert (done["said"], done["rows"], done["done"]) == expected


async def test_limit_that_is_set_holds_and_is_written_down_once(place):
    browser = await place.owner()

    for _ in range(2):  # a double click, or an answer that was lost
        await browser.order("quota telegram:1 give 10 questions", id_="a" * 32)
    await browser.order("quota telegram:1 set 50 questions/day", id_="b" * 32)

    assert await place.stores.ledger.overrides() == [
        (Subject("person", "telegram:1"), Limit(50, "questions", "day"))
    ]
    lines = await place.office.audit.newest(10)
    assert [(line.actor, line.command) for line in lines] == [
        ("machine:root", "/quota telegram:1 set 50 questions/day"),
        ("machine:root", "/quota telegram:1 give 10 questions"),
    ]
    _, people = await browser.get("people", words="telegram:1")
    assert people["people"] == []  # nobody has met them yet


async def test_answer_to_a_repeated_click_is_that_of_the_first(place):
    browser = await place.owner()

    first = await browser.order("pause 30", id_="c" * 32)
    await browser.order("resume", id_="d" * 32)
    again = await browser.order("pause 30", id_="c" * 32)

    assert again == first
    assert await place.office.pauses.now() is None


@pytest.mark.row(57)
async def test_rights_are_those_of_the_role(tmp_path):
    access = {"owners": ["web:boss"], "admins": ["web:ann", "web:bob"]}
    async with a_place(tmp_path, web=PROXY, access=access) as place:
        admin = await place.browser(**{"X-Forwarded-User": "ann"})
        await admin.enter()

        answers = [
            (await admin.order(line))[1]["done"]
            for line in (
                "role web:carl staff",
                "role web:carl admin",
                "ban web:bob",
                "ban web:boss",
            )
        ]

        assert answers == [True, False, False, False]
        known = await place.stores.people.known("web", "carl")
        assert known.role == "staff"


@pytest.mark.parametrize(
    "body",
    [
        {"id": "x", "command": "pause", "words": ""},
        {"id": "0" * 32, "command": "pause", "words": "", "role": "owner"},
        {"command": "pause"},
        [],
    ],
    ids=str,
)
async def test_body_that_is_none_of_the_pages_is_refused(place, body):
    browser = await place.owner()

    assert (await browser.post("order", body))[0] == 400
    assert await place.office.pauses.now() is None


async def test_order_that_does_not_exist_is_answered_with_those_that_do(place):
    browser = await place.owner()

    status, done = await browser.order("broadcast hello")

    assert (status, done["done"]) == (200, False)
    assert "quota, allow, ban" in done["said"]


async def test_what_was_changed_is_listed(place):
    browser = await place.owner()
    await browser.order("role telegram:2 staff")

    _, told = await browser.get("audit")

    (line,) = told["lines"]
    assert (line["actor"], line["command"]) == ("machine:root", "/role telegram:2 staff")
    assert line["outcome"] == "telegram:2 is now staff."
