"""What the operator's page is told: numbers and ids, and nothing that people wrote."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import get_args

import pytest

from bot.api.errors import FAULTS
from bot.call import Call
from bot.console.snapshot import end_of
from bot.event import Conversation
from bot.storage.ticket import Customer, Line, Step
from bot.watching.counts import Outcome
from inference.request import Delta
from tests.bot.console.conftest import a_place
from tests.fakes import an_event

CHAT = Conversation("telegram", "-100")


async def test_line_is_told_by_door(place):
    browser = await place.owner()
    for number in range(3):
        place.line.join(Call(f"api:{number}"))

    _, state = await browser.get("state")

    waiting = {door["door"]: door["waiting"] for door in state["line"]["doors"]}
    assert waiting == {"web": 0, "api": 3}
    assert (state["line"]["at_once"], state["line"]["most"]) == (8, 64)
    assert state["line"]["wait_s"] is None


async def test_questions_and_messages_are_told_by_door_and_platform(place):
    browser = await place.owner()
    for outcome in ("answered", "answered", "quota"):
        watch = place.counts.ask("telegram")
        watch.delta(Delta("a"))
        watch.text()
        watch.end(outcome)
    place.counts.message("telegram", "edit", "preview")
    place.counts.fault("telegram", "too_fast")

    _, state = await browser.get("state")

    assert state["questions"] == [
        {"door": "telegram", "end": "answered", "count": 2},
        {"door": "telegram", "end": "refused", "count": 1},
    ]
    assert state["platforms"] == [
        {"platform": "telegram", "sends": 0, "edits": 1, "too_fast": 1, "faults": 0}
    ]
    assert state["first_text"]["count"] == 3
    assert state["first_text"]["p95"] <= 0.05


@pytest.mark.parametrize(
    ("outcome", "end"),
    [
        *((name, "failed") for name in ("dead", "api_engine_down", "what nobody has heard of")),
        *((name, "ended") for name in ("stopped", "expired", "disconnected", "undeliverable")),
        *((name, "refused") for name in ("quota", "line_full", "refused", "invalid_value")),
        *((name, "failed") for name in ("internal_error", "engine_down", "engine_fault")),
        *((fault.code, "refused") for fault in FAULTS.values() if fault.status < 500),
        ("paused", "refused"),
        ("queue_timeout", "ended"),
    ],
)
def test_outcome_is_told_as_the_operator_sees_it(outcome, end):
    assert end_of(outcome) == end


def test_every_outcome_that_is_counted_is_known():
    known = set(get_args(Outcome))

    assert {outcome for outcome in known if end_of(outcome) == "failed"} == {"dead"}


async def test_engine_is_told_without_the_path_of_its_model(place):
    browser = await place.owner()

    _, state = await browser.get("state")

    assert "model" not in state["engine"]
    assert {"vision_s", "prefill_s", "decode_s", "sample_s", "schedule_s"} == set(
        state["engine"]["times"]
    )
    assert state["program"]["model"] == "demo"


async def test_samples_are_sent_once(place):
    browser = await place.owner()
    look = place.console.lookout.look
    for _ in range(3):
        look()
    _, first = await browser.get("state")
    look()
    seen = {"run": first["samples"]["run"], "after": first["samples"]["newest"]}

    _, second = await browser.get("state", **seen)
    _, other = await browser.get("state", run="an earlier one", after=seen["after"])

    assert len(first["samples"]["rows"]) == 3
    assert len(second["samples"]["rows"]) == 1
    assert len(other["samples"]["rows"]) == 4
    assert [len(row) for row in second["samples"]["rows"]] == [len(second["samples"]["columns"])]


async def test_pause_and_its_end_are_told_at_once(place):
    browser = await place.owner()
    await browser.get("state")

    await browser.order("pause 30 Back soon")
    _, paused = await browser.get("state")
    await browser.order("resume")
    _, resumed = await browser.get("state")

    assert paused["desk"]["pause"]["text"] == "Back soon"
    assert paused["desk"]["pause"]["until"] > paused["now"]
    assert resumed["desk"]["pause"] is None


async def test_tickets_are_told_by_state_and_age_without_names_and_words(place):
    browser = await place.owner()
    where = Conversation("telegram", "7")
    customer = Customer(where, "7", "Secret Name", "en", shared=False)

    def call(ticket, number, lines):
        waiting = replace(ticket, state="waiting", unanswered_since=1000.0)
        return Step(waiting, Line("customer", "secret words"))

    await place.stores.tickets.call("event", customer, CHAT, call)

    _, state = await browser.get("state")

    assert state["desk"]["tickets"] == {"waiting": 1}
    assert state["desk"]["oldest"] == [{"number": 1, "state": "waiting", "since": 1000.0}]
    assert "ecret" not in json.dumps(state)


@pytest.mark.writes_secrets
async def test_warnings_are_told_with_secrets_masked(place):
    browser = await place.owner()
    recent = place.console.recent

    with recent.listening():
        logging.getLogger("bot.worker").warning("entry %s: the engine is down", 7)
        logging.getLogger("bot.worker").info("entry 8 was stopped")
        logging.getLogger("bot.worker").error("Authorization: Bearer vb-abcdefgh12345678")
    logging.getLogger("bot.worker").warning("not any more")
    _, state = await browser.get("state")

    assert [(one["level"], one["text"]) for one in state["troubles"]] == [
        ("ERROR", "Authorization: Bearer ***"),
        ("WARNING", "entry 7: the engine is down"),
    ]


async def met(place, person, name=""):
    await place.stores.people.meet(an_event("m", "hi", person=person, chat=person, name=name))


async def test_people_are_found_by_name_and_id_with_what_they_used(place):
    browser = await place.owner()
    await met(place, "100", "Ann")
    await met(place, "200", "Bob")
    await browser.order("quota test:100 set 5 questions/day")
    await browser.order("quota test:100 give 2 questions")

    _, by_name = await browser.get("people", words="ann")
    _, by_id = await browser.get("people", words="test:200")
    _, everybody = await browser.get("people")

    (ann,) = by_name["people"]
    assert (ann["who"], ann["name"], ann["role"]) == ("test:100", "Ann", "guest")
    assert ann["limits"] == [
        {
            "amount": 5,
            "unit": "questions",
            "period": "day",
            "used": 0,
            "given": 2,
            "allowed": 7,
        }
    ]
    assert [one["who"] for one in by_id["people"]] == ["test:200"]
    assert len(everybody["people"]) == 2
    assert everybody["more"] is False


@pytest.mark.parametrize("words", ["%", "_", "'", "\\"])
async def test_signs_in_a_search_mean_themselves(place, words):
    browser = await place.owner()
    await met(place, "100", "Ann")

    _, found = await browser.get("people", words=words)

    assert found["people"] == []


async def test_many_people_come_page_by_page(place):
    browser = await place.owner()
    for number in range(25):
        await met(place, f"{number:03}")

    _, first = await browser.get("people")
    _, second = await browser.get("people", after="20")

    assert (len(first["people"]), first["more"]) == (20, True)
    assert (len(second["people"]), second["more"]) == (5, False)
    assert len({one["who"] for one in first["people"] + second["people"]}) == 25


async def test_limits_of_roles_are_those_of_config_and_of_commands(tmp_path):
    quota = {"guest": ["20 questions/day"], "member": ["9 questions/day", "100 tokens/month"]}
    async with a_place(tmp_path, quota=quota) as place:
        browser = await place.owner()
        await browser.order("quota role:guest set 5 questions/day")

        _, told = await browser.get("people")

    limits = {one["who"]: [limit["amount"] for limit in one["limits"]] for one in told["limits"]}
    assert limits == {
        "role:guest": [5],
        "role:member": [9, 100],
        "role:staff": [],
        "role:admin": [],
        "groups": [],
    }
