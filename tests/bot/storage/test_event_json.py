"""An event survives being written as JSON, whatever people and platforms put into it."""

from __future__ import annotations

import json
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.event import Attachment, Conversation, Event, Person
from bot.storage.errors import EventUnreadable
from bot.storage.event_json import clean, clean_event, dump_event, load_event

ANY_TEXT = st.text(st.characters(), max_size=20)  # lone surrogates and NUL too
ANY_EVENT = st.builds(
    Event,
    bot=ANY_TEXT,
    message=ANY_TEXT,
    conversation=st.builds(Conversation, ANY_TEXT, ANY_TEXT, ANY_TEXT),
    person=st.builds(Person, ANY_TEXT, ANY_TEXT),
    text=ANY_TEXT,
    photos=st.lists(st.builds(Attachment, ANY_TEXT, ANY_TEXT, st.integers()), max_size=3).map(
        tuple
    ),
    addressed=st.booleans(),
    album=ANY_TEXT,
)
PLAIN = Event(
    "bot",
    "5",
    Conversation("test", "7", "thread"),
    Person("p", "zh"),
    "这是什么？ 🙂",
    (Attachment("ref", "image/png", 12),),
    album="a",
)


def test_an_ordinary_event_comes_back_unchanged():
    assert load_event(dump_event(PLAIN)) == PLAIN


@given(ANY_EVENT)
def test_any_event_comes_back_as_it_was_cleaned(event: Event):
    assert load_event(dump_event(event)) == clean_event(event)


@given(ANY_EVENT)
def test_cleaning_twice_changes_nothing_more(event: Event):
    once = clean_event(event)

    assert clean_event(once) == once


@given(ANY_TEXT)
def test_clean_text_passes_through_sqlite_and_utf8(text: str):
    database = sqlite3.connect(":memory:")
    (back,) = database.execute("SELECT ?", [clean(text)]).fetchone()
    database.close()

    assert back == clean(text)
    assert "\0" not in back


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_sound_text_is_not_touched(text: str):
    assert clean(text) == text


def test_two_surrogates_that_belong_together_become_their_letter():
    assert clean("\ud83d\ude42") == "🙂"


@pytest.mark.parametrize("size", [-1, 2**63, 10**5000], ids=["negative", "2**63", "5000 digits"])
def test_an_absurd_size_becomes_one_that_can_be_kept(size: int):
    event = Event("b", "1", Conversation("t", "1"), Person("p"), "", (Attachment("r", "", size),))

    assert 0 <= load_event(dump_event(event)).photos[0].size_bytes < 2**63


def _changed(**changes: object) -> str:
    return json.dumps({**json.loads(dump_event(PLAIN)), **changes})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "null",
        "[]",
        "{}",
        "[" * 100_000,
        '{"bot": ' + "9" * 5000 + "}",
        _changed(text=None),
        _changed(addressed=1),
        _changed(photos=[{"ref": "r", "media_type": "", "size_bytes": True}]),
        _changed(photos=["r"]),
        _changed(person={"language": "en"}),
        _changed(conversation=["test", "7", ""]),
    ],
    ids=lambda text: text[:24] or "empty",
)
def test_what_is_no_event_is_refused(text: str):
    with pytest.raises(EventUnreadable):
        load_event(text)
