"""Every way in which a photo and its question find each other, in a private chat."""

from __future__ import annotations

import asyncio

import pytest

from bot.intake import PhotosSection
from bot.line import LineSection
from bot.texts import TEXTS, say
from tests.bot.flow import Flow
from tests.fakes import a_quote, an_event, cancelled, settle

KEPT = TEXTS["photo_kept"].en
JOINED = TEXTS["photo_joined"].en


@pytest.fixture
def flow(flow: Flow) -> Flow:
    flow.photos = PhotosSection(together_s=1.0, wait_s=120.0)
    flow.platform.photos.update({f"p{number}": f"photo {number}".encode() for number in range(40)})
    flow.platform.photos["bad"] = b"bad"
    return flow


async def looked_at(flow, count):
    """Until the dispatcher has so many entries in hand."""
    while sum(len(talk.entries) for talk in flow.dispatcher._talks.values()) < count:
        await settle()


async def after_a_second(flow, count):
    """When nothing more has come after so many photos."""
    await looked_at(flow, count)
    await flow.wall.advance(1.0)


async def nothing_more_comes(flow):
    """When what a crash has cut has waited for its rest as well."""
    await looked_at(flow, (await flow.inbox.backlog()).new)
    await flow.wall.advance(10.0)


async def album(flow, *captions, order=None):
    """A picture with each caption, delivered in this order; the names of the messages."""
    messages = [str(100 + place) for place in range(len(captions))]
    for place in order or range(len(captions)):
        photo = (f"p{place + 1}",)
        await flow.accept(an_event(messages[place], captions[place], photos=photo, album="a"))
    return messages


def seen(flow, question):
    """The pictures that the model got with its question."""
    return [
        bytes(p.rgb[: len(p.rgb) // 3]).decode() for p in flow.asked(question).turns[-1].pictures
    ]


def photos(*numbers):
    return [f"photo {number}" for number in numbers]


async def test_photo_with_its_question_is_asked_at_once(flow):
    await flow.start()
    await flow.say("what?", photos=("p1",))

    assert await flow.answered("ann") == ["echo of what?"]
    assert seen(flow, "what?") == photos(1)


@pytest.mark.parametrize("captioned", [0, 1, 2])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)], ids=str)
@pytest.mark.row(57)
async def test_album_is_one_question_with_all_pictures_in_order(flow, captioned, order):
    await flow.start()
    captions = ["which?" if place == captioned else "" for place in range(3)]
    messages = await album(flow, *captions, order=order)
    await after_a_second(flow, 3)

    states = await flow.ended()
    assert flow.platform.texts("ann") == ["echo of which?"]
    assert seen(flow, "which?") == photos(1, 2, 3)
    assert flow.platform.chats["ann"][0].reply_to == messages[captioned]
    ends = ["said", "said", "said"]
    ends[captioned] = "answered"
    assert [states[message] for message in messages] == ends


async def test_ten_photos_in_a_burst_get_one_answer_that_counts_them(flow):
    await flow.start()
    for number in range(10):
        await flow.say(photos=(f"p{number}",))
    await after_a_second(flow, 10)
    await flow.ended()
    await flow.say("which?")
    await flow.answered("ann", 2)

    assert flow.platform.texts("ann") == [say("photos_kept", "en", count=10), "echo of which?"]
    assert seen(flow, "which?") == photos(*range(10))


async def test_one_photo_alone_gets_its_sentence_when_nothing_more_comes(flow):
    await flow.start()
    await flow.say(photos=("p1",))
    await looked_at(flow, 1)
    await flow.wall.advance(0.9)
    assert flow.platform.texts("ann") == []
    await flow.wall.advance(0.1)

    assert await flow.said("ann") == [KEPT]


async def test_words_right_after_photos_are_their_question_with_nothing_said_between(flow):
    await flow.start()
    await flow.say(photos=("p1",))
    await flow.say(photos=("p2",))
    await flow.say("which?")

    states = await flow.ended()
    assert flow.platform.texts("ann") == ["echo of which?"]
    assert seen(flow, "which?") == photos(1, 2)
    assert list(states.values()) == ["said", "said", "answered"]


async def test_photo_is_acknowledged_though_its_question_came_before_we_could_look(flow):
    flow.platform.blocked["ann"] = asyncio.Event()
    await flow.start()
    await flow.say("/start")
    await flow.say(photos=("p1",))
    flow.wall.now += 5
    await flow.say("what?")
    await looked_at(flow, 3)
    flow.platform.blocked["ann"].set()

    assert (await flow.answered("ann", 3))[1:] == [KEPT, "echo of what?"]


async def test_question_a_minute_after_its_photo_has_it(flow):
    await flow.start()
    await flow.say(photos=("p1",))
    await after_a_second(flow, 1)
    await flow.ended()
    flow.wall.now += 60
    await flow.say("what?")

    assert await flow.answered("ann", 2) == [KEPT, "echo of what?"]
    assert seen(flow, "what?") == photos(1)


async def test_more_photos_than_a_question_may_have_are_refused_in_one_sentence(flow):
    await flow.start()
    for number in range(12):
        await flow.say(photos=(f"p{number}",))
    await after_a_second(flow, 12)

    states = await flow.ended()
    assert flow.platform.texts("ann") == [say("photo_too_many", "en", limit=10, count=12)]
    assert set(states.values()) == {"refused"}
    await flow.say("what?")
    await flow.answered("ann", 2)
    assert seen(flow, "what?") == []


async def test_of_photos_in_a_burst_the_good_ones_are_kept(flow):
    await flow.start()
    for ref in ("p1", "bad", "p2"):
        await flow.say(photos=(ref,))
    await after_a_second(flow, 3)

    states = await flow.ended()
    both = f"{TEXTS['picture_broken'].en}\n{say('photos_kept', 'en', count=2)}"
    assert flow.platform.texts("ann") == [both]
    assert list(states.values()) == ["said", "refused", "said"]
    await flow.say("which?")
    await flow.answered("ann", 2)
    assert seen(flow, "which?") == photos(1, 2)


async def test_of_several_photos_the_broken_one_is_named_by_its_number(flow):
    await flow.start()
    await flow.say("which?", photos=("p1", "bad", "p2"))

    assert await flow.answered("ann") == [f"Photo 2: {TEXTS['picture_broken'].en}"]


async def test_broken_photo_that_came_alone_has_no_number(flow):
    await flow.start()
    await flow.say("which?", photos=("bad",))

    assert await flow.answered("ann") == [TEXTS["picture_broken"].en]


async def test_photos_of_two_people_in_one_window_are_not_mixed(flow):
    await flow.start()
    await flow.say(photos=("p1",), chat="room", person="ann")
    await flow.say(photos=("p2",), chat="room", person="bob")
    await after_a_second(flow, 2)
    await flow.said("room", 2)

    assert flow.platform.texts("room") == [KEPT, KEPT]


async def test_command_does_not_wait_for_photos_of_others(flow):
    await flow.start()
    await flow.say(photos=("p1",))
    await flow.say("/start", chat="bob")

    assert await flow.said("bob") == [TEXTS["start"].en]


# Crashes.


async def test_killed_while_pictures_still_came_the_album_is_one_question(flow):
    await flow.start()
    await album(flow, "", "which?")
    await looked_at(flow, 2)
    await flow.crash()
    await flow.start()
    await looked_at(flow, 2)
    await flow.accept(an_event("102", photos=("p3",), album="a"))
    await after_a_second(flow, 3)

    assert await flow.answered("ann") == ["echo of which?"]
    assert seen(flow, "which?") == photos(1, 2, 3)


async def test_killed_while_the_album_waits_it_still_has_all_its_pictures(flow):
    flow.at_once = 1
    flow.engine.hold("busy")
    await flow.start()
    await flow.say("busy", chat="bob")
    await flow.engine.until(lambda: flow.engine.running)
    await album(flow, "", "which?", "")
    await after_a_second(flow, 3)
    await flow.said("ann")
    await flow.crash()
    flow.engine.held["busy"].set()
    await flow.start()
    await flow.ended()

    assert "echo of which?" in flow.platform.texts("ann")
    assert seen(flow, "which?") == photos(1, 2, 3)


async def test_killed_after_photos_were_kept_and_before_that_was_noted_they_are_kept_once(flow):
    await flow.start()
    await settle()
    kept = asyncio.Event()

    async def never(*_):
        kept.set()
        await asyncio.Event().wait()

    flow.notices.say = never
    await flow.say(photos=("p1",))
    await flow.say(photos=("p2",))
    await after_a_second(flow, 2)
    await kept.wait()
    await flow.crash()
    await flow.start()
    await flow.ended()
    await flow.say("which?")
    await flow.answered("ann", 2)

    assert flow.platform.texts("ann") == [say("photos_kept", "en", count=2), "echo of which?"]
    assert seen(flow, "which?") == photos(1, 2)


async def test_killed_at_any_moment_each_album_is_answered_once_with_all_its_pictures(flow):
    flow.line_section = LineSection(max_attempts=1000)
    await flow.start()
    chats = [f"chat {number}" for number in range(4)]
    for place, caption in enumerate(("", "which?", "")):
        for chat in chats:
            photo = (f"p{place + 1}",)
            await flow.accept(an_event(str(place), caption, chat=chat, photos=photo, album="a"))
    await looked_at(flow, 12)
    for calls in (0, 1, 2, 3, 5, 8, 13):
        await nothing_more_comes(flow)
        seen_calls = len(flow.platform.calls) + calls
        ended = asyncio.create_task(flow.ended())
        moved = asyncio.create_task(
            flow.platform.until(lambda n=seen_calls: len(flow.platform.calls) >= n)
        )
        await asyncio.wait([ended, moved], return_when="FIRST_COMPLETED")
        await cancelled(ended)
        await cancelled(moved)
        await flow.crash()
        await flow.start()
        if not (await flow.inbox.backlog()).new:
            break
    await nothing_more_comes(flow)
    states = await flow.ended()

    assert sorted(states.values()) == ["answered", "said", "said"]  # by message, of each chat
    for chat in chats:
        assert [text for text in flow.platform.texts(chat) if "echo" in text] == ["echo of which?"]
    for request in flow.engine.requests:
        pictures = [bytes(p.rgb[: len(p.rgb) // 3]).decode() for p in request.turns[-1].pictures]
        assert pictures == photos(1, 2, 3)


async def test_picture_that_comes_late_joins_its_album_while_that_waits(flow):
    flow.at_once = 1
    flow.engine.hold("busy")
    await flow.start()
    await flow.say("busy", chat="bob")
    await flow.engine.until(lambda: flow.engine.running)
    await album(flow, "", "which?", "")
    await after_a_second(flow, 3)
    await flow.said("ann")
    await flow.accept(an_event("99", photos=("p9",), album="a"))
    await after_a_second(flow, 1)
    await flow.until_states(**{"99": "said"})
    flow.engine.held["busy"].set()
    await flow.ended()

    assert flow.platform.texts("ann") == ["echo of which?"]
    assert seen(flow, "which?") == photos(9, 1, 2, 3)


# First the question, then the photo.


async def test_answered_question_without_photo_is_asked_again_with_the_photo_that_follows(flow):
    await flow.start()
    await flow.say("what is it?")
    await flow.answered("ann")
    photo = await flow.say(photos=("p1",))
    await after_a_second(flow, 1)

    assert await flow.answered("ann", 2) == ["echo of what is it?"] * 2
    assert seen(flow, "what is it?") == photos(1)
    assert flow.platform.chats["ann"][1].reply_to == photo
    assert [turn.text for turn in flow.asked("what is it?").turns[1:]] == ["what is it?"]
    assert await flow.ended() == {"q1": "answered", photo: "answered"}


async def test_waiting_question_gives_way_to_itself_with_its_photo(flow):
    flow.at_once = 1
    flow.engine.hold("busy")
    await flow.start()
    await flow.say("busy", chat="bob")
    await flow.engine.until(lambda: flow.engine.running)
    asked = await flow.say("what is it?")
    await flow.said("ann")
    await flow.say(photos=("p1",))
    await after_a_second(flow, 1)
    await flow.said("ann", 2)
    flow.engine.held["busy"].set()
    states = await flow.ended()

    assert flow.platform.texts("ann") == [JOINED, "echo of what is it?"]
    assert states[asked] == "stopped"
    assert seen(flow, "what is it?") == photos(1)
    assert len(flow.engine.requests) == 2


async def test_answer_being_written_gives_way_to_the_one_with_the_photo(flow):
    flow.engine.hold("what is it?")
    await flow.start()
    await flow.say("what is it?")
    await flow.platform.until(lambda: flow.platform.texts("ann") == ["echo"])
    await flow.say(photos=("p1",))
    await after_a_second(flow, 1)
    await flow.said("ann", 2)
    flow.engine.held["what is it?"].set()
    await flow.ended()

    assert flow.platform.texts("ann") == [JOINED, "echo of what is it?"]
    assert [turn.text for turn in flow.asked("what is it?").turns[1:]] == ["what is it?"]
    assert seen(flow, "what is it?") == photos(1)


async def test_several_photos_after_a_question_are_all_asked_about(flow):
    await flow.start()
    await flow.say("which?")
    await flow.answered("ann")
    for number in (3, 1, 2):
        await flow.say(photos=(f"p{number}",))
    await after_a_second(flow, 3)
    await flow.answered("ann", 2)

    assert seen(flow, "which?") == photos(3, 1, 2)


async def test_question_and_photo_find_each_other_over_a_restart(flow):
    await flow.start()
    await flow.say("what is it?")
    await flow.answered("ann")
    await flow.ended()
    await flow.crash()
    await flow.start()
    await flow.say(photos=("p1",))
    await after_a_second(flow, 1)
    await flow.answered("ann", 2)

    assert seen(flow, "what is it?") == photos(1)


async def test_killed_while_question_and_photos_wait_together_they_stay_together(flow):
    flow.at_once = 1
    flow.engine.hold("busy")
    await flow.start()
    await flow.say("which?")
    await flow.answered("ann")
    await flow.say("busy", chat="bob")
    await flow.engine.until(lambda: flow.engine.running)
    for number in (1, 2):
        await flow.say(photos=(f"p{number}",))
    await after_a_second(flow, 2)
    await flow.said("ann", 2)
    await flow.crash()
    flow.engine.held["busy"].set()
    await flow.start()
    await flow.ended()

    assert seen(flow, "which?") == photos(1, 2)
    assert [turn.text for turn in flow.asked("which?").turns[1:]] == ["which?"]


async def test_killed_between_the_end_of_the_old_question_and_the_new_one_it_is_asked(flow):
    flow.engine.hold("what is it?")
    await flow.start()
    await flow.say("what is it?")
    await flow.platform.until(lambda: flow.platform.texts("ann") == ["echo"])
    ended = asyncio.Event()

    async def never(*_):
        ended.set()
        await asyncio.Event().wait()

    await flow.say(photos=("p1",))
    await looked_at(flow, 1)
    flow.inbox.wait_with = never
    await flow.wall.advance(1.0)
    await ended.wait()
    await flow.crash()
    flow.engine.held["what is it?"].set()
    await flow.start()
    await flow.ended()

    assert flow.platform.texts("ann") == [JOINED, "echo of what is it?"]
    assert seen(flow, "what is it?") == photos(1)


@pytest.mark.parametrize("between", ["a while", "/start", "photo", "quote", "/new", "expiry"])
async def test_photo_is_kept_when_it_is_not_what_the_question_lacked(flow, between):
    await flow.start()
    if between == "photo":
        await flow.say("and this?", photos=("p2",))
        await flow.answered("ann")
    quoted = a_quote("q0", "hello") if between == "quote" else None
    said_at = flow.wall.now - 950 if between == "expiry" else 0.0
    await flow.say("what is it?", quoted=quoted, at=said_at)
    await flow.ended()
    if between == "a while":
        flow.wall.now += 121
    elif between.startswith("/"):
        await flow.say(between)
        await flow.ended()
    await flow.say(photos=("p1",))
    await after_a_second(flow, 1)
    states = await flow.ended()

    assert list(states.values())[-1] == "said"
    assert flow.platform.texts("ann")[-1] == KEPT


async def test_stopped_question_is_not_asked_again_with_the_photo(flow):
    flow.engine.hold("what is it?")
    await flow.start()
    await flow.say("what is it?")
    await flow.platform.until(lambda: flow.platform.texts("ann") == ["echo"])
    await flow.say("/stop")
    await flow.ended()
    await flow.say(photos=("p1",))
    await after_a_second(flow, 1)
    await flow.ended()

    assert flow.platform.texts("ann")[-1] == KEPT


async def test_deleted_photo_does_not_wait_any_more(flow):
    await flow.start()
    photo = await flow.say(photos=("p1",))
    await after_a_second(flow, 1)
    await flow.ended()
    await flow.delete(photo)
    await flow.say("what is it?")
    await flow.ended()

    assert seen(flow, "what is it?") == []


# What is quoted.


async def test_quoted_photo_is_meant_though_others_wait(flow):
    await flow.start()
    old = await flow.say(photos=("p1",))
    await flow.say(photos=("p2",))
    await after_a_second(flow, 2)
    await flow.ended()
    await flow.say("what is it?", quoted=a_quote(old, photos=("p1",)))
    await flow.ended()
    await flow.say("and this?")
    await flow.ended()

    assert seen(flow, "what is it?") == photos(1)
    assert seen(flow, "and this?") == photos(2)


async def test_photo_of_a_quoted_message_is_known_from_when_it_came(flow):
    """Where the platform only tells which message is quoted."""
    await flow.start()
    old = await flow.say("first?", photos=("p1",))
    await flow.say("second?", photos=("p2",))
    await flow.ended()
    await flow.crash()
    await flow.start()
    await flow.say("what is it?", quoted=a_quote(old))
    await flow.ended()

    assert seen(flow, "what is it?") == photos(1)


async def test_quoted_answer_means_the_photos_of_its_question(flow):
    await flow.start()
    await flow.say("first?", photos=("p1",))
    await flow.ended()
    await flow.say("second?", photos=("p2",))
    await flow.ended()
    await flow.crash()
    await flow.start()
    answer = flow.platform.chats["ann"][0]
    await flow.say("larger?", quoted=a_quote(answer.id, answer.text, ours=True))
    await flow.ended()

    assert seen(flow, "larger?") == photos(1)


async def test_follow_up_is_asked_about_what_the_window_shows(flow):
    await flow.start()
    await flow.say("first?", photos=("p1",))
    await flow.ended()
    await flow.say("larger?")
    await flow.ended()

    assert seen(flow, "larger?") == []
    assert [len(turn.pictures) for turn in flow.asked("larger?").turns] == [0, 1, 0, 0]
