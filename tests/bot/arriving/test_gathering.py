"""Which messages belong together: rules without time or database."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.arriving.gathering import Sending, first_sending, follower, pause_s
from bot.storage.inbox import Entry
from tests.fakes import an_event

TOGETHER_S = 1.0


def entry(number, text="", photos=None, *, at=None, state="new", message=None, **event):
    """By default a photo without words that came in the second of its number."""
    refs = (f"p{number}",) if photos is None else photos
    said = an_event(message or str(number), text, photos=refs, **event)
    return Entry(number, said, 0, float(number) if at is None else at, state)


def words(number, text, **more):
    return entry(number, text, (), **more)


def numbers(sending):
    return [one.id for one in sending.entries]


def refs(sending):
    return [photo.ref for photo in sending.whole.event.photos]


def test_message_alone_is_taken_as_it_is():
    only = entry(1, "what?")

    sending = first_sending([only, words(2, "and?")])

    assert sending == Sending(only)
    assert sending.whole is only


def test_album_is_one_thing_for_which_the_captioned_part_speaks():
    parts = [entry(1, album="a"), entry(2, "which?", album="a"), entry(3, album="a")]

    sending = first_sending(parts)

    assert sending.asked is parts[1]
    assert sending.whole.event.text == "which?"
    assert refs(sending) == ["p1", "p2", "p3"]


def test_pictures_have_the_order_of_the_messages_however_they_came():
    came = [
        entry(1, message="12", album="a"),
        entry(2, "which?", message="9", album="a"),
        entry(3, message="10", album="a"),
    ]

    assert refs(first_sending(came)) == ["p2", "p3", "p1"]


def test_messages_without_numbers_are_ordered_by_when_they_were_said():
    came = [
        replace(one, event=replace(one.event, at=said_at))
        for one, said_at in [
            (entry(1, message="$x", album="a"), 7.5),
            (entry(2, message="$a", album="a"), 7.25),
        ]
    ]

    assert refs(first_sending(came)) == ["p2", "p1"]


def test_words_of_several_captions_are_all_asked():
    parts = [entry(1, "this", album="a"), entry(2, "or that?", album="a")]

    assert first_sending(parts).whole.event.text == "this\nor that?"


def test_photos_in_a_burst_go_together_up_to_the_next_words():
    sending = first_sending([entry(1), entry(2), words(3, "which?"), entry(4)])

    assert numbers(sending) == [1, 2]


@pytest.mark.parametrize(
    "next_entry",
    [
        words(2, "which?"),
        entry(2, "and this?"),
        entry(2, "caption", album="a"),
        replace(entry(2), event=replace(entry(2).event, kind="edit")),
    ],
    ids=["words", "photo with words", "album with words", "edit"],
)
def test_only_photos_without_words_join_a_burst(next_entry):
    assert numbers(first_sending([entry(1), next_entry])) == [1]


def test_wordless_picture_of_an_album_with_words_belongs_to_it_alone():
    entries = [entry(1), entry(2, album="a"), entry(3, "which?", album="a")]

    assert numbers(first_sending(entries)) == [1]
    assert numbers(first_sending(entries[1:])) == [3, 2]


def test_albums_without_words_are_part_of_a_burst():
    entries = [entry(1, album="a"), entry(2, album="a"), entry(3, album="b"), entry(4)]

    assert numbers(first_sending(entries)) == [1, 2, 3, 4]


def test_messages_of_others_in_between_change_nothing():
    entries = [entry(1), words(2, "hello", person="bob"), entry(3)]

    assert numbers(first_sending(entries)) == [1, 3]


def test_film_of_an_album_is_told_apart_from_its_pictures():
    film = words(1, "", album="a")
    picture = entry(2, "which?", album="a")

    assert numbers(first_sending([film, picture])) == [1]
    assert numbers(first_sending([picture, film])) == [2]


def test_what_was_said_to_nobody_lends_its_photo_and_not_its_words():
    sending = Sending(words(2, "@bot what is it?"), (entry(1, "my cat!", state="ignored"),))

    assert sending.whole.event.text == "@bot what is it?"
    assert refs(sending) == ["p1"]


def test_one_forwarded_part_makes_all_of_it_somebody_elses_words():
    sending = Sending(entry(1), (entry(2, forwarded=True),))

    assert sending.whole.event.forwarded


def test_question_before_its_photo_is_known_among_the_parts():
    question = words(1, "what is it?")

    assert Sending(entry(2), (entry(3), question)).replaced is question
    assert Sending(words(2, "what?"), (entry(1),)).replaced is None


# How long to wait for more.


def test_photo_without_words_waits_for_more():
    assert pause_s([entry(1)], 1.0, TOGETHER_S) == 1.0
    assert pause_s([entry(1)], 1.75, TOGETHER_S) == 0.25
    assert pause_s([entry(1)], 2.0, TOGETHER_S) == 0.0


def test_each_further_photo_begins_the_wait_anew():
    assert pause_s([entry(1), entry(2, at=1.5)], 2.0, TOGETHER_S) == 0.5


def test_photos_without_end_are_looked_at_all_the_same():
    flood = [entry(number, at=number * 0.5) for number in range(1, 40)]

    assert pause_s(flood, 10.4, TOGETHER_S) > 0
    assert pause_s(flood, 10.5, TOGETHER_S) == 0.0


@pytest.mark.parametrize("first", [words(1, "what?"), entry(1, "what?")], ids=["words", "photo"])
def test_what_says_what_it_wants_waits_for_nothing(first):
    assert pause_s([first], 1.0, TOGETHER_S) == 0.0


def test_part_of_an_album_waits_for_the_others_with_or_without_words():
    assert pause_s([entry(1, "what?", album="a")], 1.0, TOGETHER_S) == 1.0
    assert pause_s([entry(1, album="a")], 1.0, TOGETHER_S) == 1.0


def test_words_after_photos_end_their_wait():
    assert pause_s([entry(1), words(2, "which?")], 1.1, TOGETHER_S) == 0.0
    assert pause_s([entry(1), words(2, "hi", person="bob")], 1.0, TOGETHER_S) == 1.0


def test_clock_that_was_set_back_does_not_make_anybody_wait_for_long():
    assert pause_s([entry(1000)], 1.0, TOGETHER_S) == TOGETHER_S


def test_half_an_album_that_a_crash_has_left_waits_for_the_other_half():
    half, rest = entry(1, "what?", album="a"), entry(2, at=61.0, album="a")

    assert pause_s([half], 60.0, TOGETHER_S, taken_at=60.0) == 10.0
    assert pause_s([half], 67.5, TOGETHER_S, taken_at=60.0) == 2.5
    assert pause_s([half, rest], 61.0, TOGETHER_S, taken_at=60.0) == 1.0
    assert pause_s([half], 60.0, TOGETHER_S / 4, taken_at=60.0) == 2.5
    assert pause_s([half], 60.0, TOGETHER_S * 4, taken_at=60.0) == 10.0
    assert pause_s([entry(1)], 60.0, TOGETHER_S, taken_at=60.0) == 0.0  # it is kept alone


def test_nobody_waits_when_nothing_is_gathered():
    assert pause_s([entry(1, album="a")], 1.0, 0.0) == 0.0


def test_follower_is_what_the_same_person_said_next():
    photo, other, question = entry(1), words(2, "hi", person="bob"), words(3, "which?")

    assert follower([photo, other, question], [photo]) is question
    assert follower([photo, other], [photo]) is None
