"""Groups: who is answered, whose photo is meant, and how quiet it is when something goes wrong."""

from __future__ import annotations

import pytest

from bot.line import LineSection
from bot.rules import GroupsSection
from bot.texts import TEXTS
from tests.bot.flow import Flow
from tests.fakes import a_quote


@pytest.fixture
def flow(flow: Flow) -> Flow:
    flow.platform.photos.update({f"p{number}": f"photo {number}".encode() for number in range(10)})
    return flow


async def says(flow, person, text="", *, addressed=True, **more):
    message = {"chat": "room", "person": person, "group": True, "addressed": addressed}
    return await flow.say(text, **message, **more)


async def ignored(flow, person, text="", **more):
    name = await says(flow, person, text, addressed=False, **more)
    await flow.until_states(**{name: "ignored"})
    return name


def seen(flow, question):
    return [
        bytes(p.rgb[: len(p.rgb) // 3]).decode() for p in flow.asked(question).turns[-1].pictures
    ]


async def test_photo_said_to_nobody_is_what_its_sender_asks_about_next(flow):
    await flow.start()
    await ignored(flow, "ann", "look at my cat!", photos=("p1",))
    await ignored(flow, "ann", "cute, no?")
    await ignored(flow, "bob", photos=("p2",))
    await says(flow, "ann", "what is this?")

    assert await flow.answered("room") == ["echo of what is this?"]
    assert seen(flow, "what is this?") == ["photo 1"]


async def test_photos_said_to_nobody_in_a_row_are_asked_about_together(flow):
    await flow.start()
    await ignored(flow, "ann", photos=("p0",))
    flow.wall.now += 10
    await ignored(flow, "ann", photos=("p1",), album="a")
    flow.wall.now += 10  # an album has no hurry
    await ignored(flow, "ann", photos=("p2",), album="a")
    await ignored(flow, "ann", photos=("p3",))
    await says(flow, "ann", "which?")
    await flow.answered("room")

    assert seen(flow, "which?") == ["photo 1", "photo 2", "photo 3"]


async def test_photo_said_to_nobody_is_remembered_over_a_restart(flow):
    await flow.start()
    await ignored(flow, "ann", photos=("p1",))
    await flow.crash()
    await flow.start()
    await says(flow, "ann", "what is this?")
    await flow.answered("room")

    assert seen(flow, "what is this?") == ["photo 1"]


async def test_killed_while_it_waits_the_question_keeps_the_photo_said_to_nobody(flow):
    flow.at_once = 1
    flow.engine.hold("busy")
    await flow.start()
    await flow.say("busy", chat="bob")
    await flow.engine.until(lambda: flow.engine.running)
    await ignored(flow, "ann", photos=("p1",))
    await says(flow, "ann", "what is this?")
    await flow.said("room")
    await flow.crash()
    flow.engine.held["busy"].set()
    await flow.start()
    await flow.ended()

    assert seen(flow, "what is this?") == ["photo 1"]


async def test_photo_said_to_nobody_is_forgotten_in_time(flow):
    await flow.start()
    await ignored(flow, "ann", photos=("p1",))
    flow.wall.now += 121
    await says(flow, "ann", "what is this?")
    await flow.answered("room")

    assert seen(flow, "what is this?") == []


async def test_deleted_photo_said_to_nobody_is_not_asked_about(flow):
    await flow.start()
    photo = await ignored(flow, "ann", photos=("p1",))
    await flow.delete(photo, chat="room", person="ann", group=True)
    await says(flow, "ann", "what is this?")
    await flow.answered("room")

    assert seen(flow, "what is this?") == []


async def test_photo_said_to_nobody_is_left_alone_while_another_waits(flow):
    await flow.start()
    await says(flow, "ann", photos=("p1",))
    await flow.said("room")
    await ignored(flow, "ann", photos=("p2",))
    await says(flow, "ann", "what is this?")
    await flow.answered("room", 2)

    assert seen(flow, "what is this?") == ["photo 1"]


async def test_photo_said_to_nobody_is_used_once(flow):
    await flow.start()
    await ignored(flow, "ann", photos=("p1",))
    await says(flow, "ann", "what is this?")
    await flow.answered("room")
    await says(flow, "ann", "and how old?")
    await flow.answered("room", 2)

    assert seen(flow, "and how old?") == []
    assert [len(turn.pictures) for turn in flow.asked("and how old?").turns] == [0, 1, 0, 0]


async def test_photo_of_somebody_else_is_meant_when_it_is_quoted(flow):
    await flow.start()
    theirs = await ignored(flow, "ann", "my cat", photos=("p1",))
    await ignored(flow, "bob", photos=("p2",))
    quoted = a_quote(theirs, "my cat", photos=("p1",))
    await says(flow, "bob", "what is this?", quoted=quoted)
    await flow.answered("room")

    last = flow.engine.requests[-1].turns[-1]
    assert [picture.rgb for picture in last.pictures] == [b"photo 1" * 3]


async def test_answer_to_somebody_else_can_be_asked_about(flow):
    await flow.start()
    await says(flow, "ann", "what is this?", photos=("p1",))
    [text] = await flow.answered("room")
    await flow.ended()
    await flow.crash()
    await flow.start()
    answer = flow.platform.chats["room"][0].id
    await says(flow, "bob", "how old?", quoted=a_quote(answer, text, ours=True))
    await flow.answered("room", 2)

    last = flow.engine.requests[-1].turns[-1]
    assert [bytes(p.rgb[: len(p.rgb) // 3]) for p in last.pictures] == [b"photo 1"]
    assert text in last.text


async def test_everybody_is_answered_where_all_questions_are(flow):
    flow.rules.change(groups=GroupsSection(answer="all"))
    await flow.start()
    await says(flow, "ann", "what now?", addressed=False)

    assert await flow.answered("room") == ["echo of what now?"]


async def test_where_all_questions_are_answered_the_rest_is_passed_over_in_silence(flow):
    flow.rules.change(groups=GroupsSection(answer="all"))
    await flow.start()
    sticker = await says(flow, "ann", addressed=False)
    other_bots = await says(flow, "ann", "/start@other_bot", addressed=False)
    photo = await says(flow, "ann", photos=("p1",), addressed=False)
    broken = await says(flow, "bob", photos=("p1", "p1") * 6, addressed=False)
    states = await flow.ended()
    assert flow.platform.calls_to("room") == []
    assert (states[sticker], states[other_bots]) == ("ignored", "ignored")
    assert (states[photo], states[broken]) == ("said", "refused")

    await says(flow, "ann", "what is it?", addressed=False)
    await flow.answered("room")
    assert seen(flow, "what is it?") == ["photo 1"]


async def test_photo_said_to_us_without_a_word_is_acknowledged(flow):
    flow.rules.change(groups=GroupsSection(answer="all"))
    await flow.start()
    await says(flow, "ann", photos=("p1",))

    assert await flow.said("room") == [TEXTS["photo_kept"].en]


async def test_stop_ends_what_its_person_asked_in_a_window_that_all_share(flow):
    flow.rules.change(groups=GroupsSection(window="shared"))
    flow.engine.hold("from ann")
    await flow.start()
    await says(flow, "ann", "from ann")
    await flow.engine.until(lambda: flow.engine.running)
    waiting = await says(flow, "bob", "from bob")
    await flow.said("room", 2)
    stop = await says(flow, "bob", "/stop")
    await flow.until_states(**{waiting: "stopped", stop: "said"})
    assert flow.engine.running == ["from ann"]

    flow.engine.held["from ann"].set()
    await flow.ended()
    assert "echo of from ann" in flow.platform.texts("room")


async def test_new_topic_ends_what_all_asked_in_a_window_that_they_share(flow):
    flow.rules.change(groups=GroupsSection(window="shared"))
    flow.engine.hold("from ann")
    await flow.start()
    await says(flow, "ann", "from ann")
    await flow.platform.until(lambda: flow.platform.texts("room") == ["echo"])
    await says(flow, "bob", "/new")
    await flow.ended()

    assert flow.platform.texts("room")[0].endswith(TEXTS["stopped_mark"].en)


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({}, TEXTS["unsupported"].en),
        ({"text": " "}, TEXTS["empty"].en),
        ({"photos": ("bad",)}, TEXTS["picture_broken"].en),
    ],
    ids=["sticker", "nothing", "photo"],
)
async def test_what_cannot_be_done_is_said_to_a_group_once(flow, event, said):
    flow.platform.photos["bad"] = b"bad"
    await flow.start()
    for person in ("ann", "bob", "cyd"):
        await says(flow, person, **event)
    await flow.ended()
    assert flow.platform.texts("room") == [said]

    flow.wall.now += 600
    await says(flow, "ann", **event)
    await flow.ended()
    assert flow.platform.texts("room") == [said, said]


async def test_full_line_is_said_to_a_group_once(flow):
    flow.at_once = 1
    flow.line_section = LineSection(max_waiting=1)
    flow.engine.hold("busy")
    await flow.start()
    await flow.say("busy", chat="dan")
    await flow.engine.until(lambda: flow.engine.running)
    await flow.say("next", chat="eve")
    await flow.said("eve")
    refused = [await says(flow, person, "what?") for person in ("ann", "bob", "cyd")]
    await flow.until_states(**dict.fromkeys(refused, "refused"))

    assert flow.platform.texts("room") == [TEXTS["line_full"].en]
