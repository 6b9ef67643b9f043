"""Phrases are found alike however a text is cut, and held back no longer than they must be."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.safety.outgoing.stage import COVER, Stopped
from inference.safety.outgoing.watching import WatchStage
from inference.safety.wordlists.fold import BREAK, EDGE, Folding, Spelling, spelled
from inference.safety.wordlists.hit import Hit, Rule
from inference.safety.wordlists.keywords import Automaton, Scan

FOLDING = Folding()
BLOCK, MASK = Rule("weapons", "block", "words"), Rule("abuse", "mask", "words")
REVIEW = Rule("fraud", "review", "words")

LETTERS = "ab炸弹藥"
PHRASES = st.lists(
    st.tuples(
        st.text(LETTERS + " ", min_size=1, max_size=5).filter(lambda text: text.strip()),
        st.sampled_from([BLOCK, MASK, REVIEW, None]),
    ),
    min_size=1,
    max_size=6,
)
TEXTS = st.text(LETTERS + "药AB  .-。\n\u200b\u0301😀ｂ", max_size=40)
CUTS = st.lists(st.integers(0, 40), max_size=8)

type_of_phrase = tuple[str, Rule | None]


def pieces(text: str, cuts: list[int]) -> list[str]:
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    return [text[a:b] for a, b in pairwise(places)]


def symbols_of(phrases: list[type_of_phrase]) -> list[type_of_phrase]:
    return [(spelled(text, FOLDING).rstrip(BREAK), rule) for text, rule in phrases]


def a_scan(phrases: list[type_of_phrase]) -> Scan:
    return Scan(Automaton(symbols_of(phrases)), Spelling(FOLDING))


def whole(text: str, *, ended: bool = True) -> tuple[list[str], list[int]]:
    spelling = Spelling(FOLDING)
    symbols, places = spelling.feed(text)
    more = spelling.close() if ended else ([], [])
    return [*symbols, *more[0]], [*places, *more[1]]


def places_of(phrase: str, symbols: list[str], places: list[int]) -> list[tuple[int, int]]:
    """By looking everywhere: slow, and plainly right."""
    count = len(phrase)
    found = [at for at in range(len(symbols)) if symbols[at : at + count] == list(phrase)]
    letters = [i for i, symbol in enumerate(phrase) if symbol != EDGE]
    return [(places[at + letters[0]], places[at + letters[-1]] + 1) for at in found]


def naive_hits(text: str, phrases: list[type_of_phrase]) -> set[Hit]:
    symbols, places = whole(text)
    spans = [
        (*span, rule) for phrase, rule in phrases for span in places_of(phrase, symbols, places)
    ]
    harmless = [(start, end) for start, end, rule in spans if rule is None]
    return {
        Hit(start, end, rule)
        for start, end, rule in spans
        if rule and not any(a <= start and end <= b for a, b in harmless)
    }


def begun(text: str, phrase: str) -> list[int]:
    """Where the text may go on to become this phrase: at its end stands a beginning of it."""
    symbols, places = whole(text, ended=False)
    found = []
    for count in range(1, len(phrase)):
        tail = symbols[-count:]
        letters = [at for at, symbol in enumerate(tail) if symbol != EDGE]
        if tail == list(phrase[:count]) and letters:
            found.append(places[-count:][letters[0]])
    return found


@given(TEXTS, CUTS)
@settings(max_examples=800, deadline=None)
def test_symbols_do_not_depend_on_how_a_text_is_cut(text: str, cuts: list[int]) -> None:
    spelling = Spelling(FOLDING)
    parts = [spelling.feed(piece) for piece in pieces(text, cuts)] + [spelling.close()]

    cut = [symbol for symbols, _ in parts for symbol in symbols]

    assert cut == whole(text)[0]


@given(PHRASES, TEXTS, CUTS)
@settings(max_examples=2000, deadline=None)
def test_what_is_found_in_pieces_is_what_a_search_of_the_whole_finds(
    phrases: list[type_of_phrase], text: str, cuts: list[int]
) -> None:
    scan = a_scan(phrases)

    hits = [hit for piece in pieces(text, cuts) for hit in scan.feed(piece)] + scan.close()

    assert set(hits) == naive_hits(text, symbols_of(phrases))


@given(PHRASES, TEXTS)
@settings(max_examples=1500, deadline=None)
def test_no_character_is_held_that_cannot_become_part_of_a_phrase(
    phrases: list[type_of_phrase], text: str
) -> None:
    """And each that can is held: the place is the same as the one found by trying all phrases."""
    phrases = [(p, rule) for p, rule in phrases if rule is not None]  # see below for harmless ones
    if not phrases:
        return
    scan = a_scan(phrases)

    for at, character in enumerate(text, 1):
        scan.feed(character)
        holding = [symbols for symbols, rule in symbols_of(phrases) if rule and rule.holds]
        possible = [start for phrase in holding for start in begun(text[:at], phrase)]
        assert scan.open_from == min([at, *possible])


@given(PHRASES, TEXTS, CUTS)
@settings(max_examples=2000, deadline=None)
def test_no_character_of_a_blocked_phrase_comes_out_and_masked_ones_are_covered(
    phrases: list[type_of_phrase], text: str, cuts: list[int]
) -> None:
    expected = naive_hits(text, symbols_of(phrases))
    blocked = [hit.start for hit in expected if hit.rule is BLOCK]
    covered = {at for hit in expected if hit.rule is MASK for at in range(hit.start, hit.end)}
    stage = WatchStage(a_scan(phrases), lambda verdict, excerpt: None)
    shown, stopped = "", False

    try:
        for piece in pieces(text, cuts):
            shown += stage.feed(piece)
        shown += stage.close()
    except Stopped:
        stopped = True

    assert stopped == bool(blocked)
    assert len(shown) <= min([len(text), *blocked])
    assert stopped or len(shown) == len(text)
    assert shown == "".join(
        COVER if at in covered else character for at, character in enumerate(text[: len(shown)])
    )


def found(phrase: str, text: str) -> list[str]:
    scan = a_scan([(phrase, BLOCK)])
    return [text[hit.start : hit.end] for hit in scan.feed(text) + scan.close()]


@pytest.mark.parametrize(
    ("phrase", "text", "expected"),
    [
        pytest.param("炸药", "做炸 药吧", ["炸 药"], id="a space between"),
        pytest.param("炸药", "做炸藥吧", ["炸藥"], id="traditional"),
        pytest.param("炸藥", "做炸药吧", ["炸药"], id="simplified"),
        pytest.param("炸药", "炸\u200b\u200d药", ["炸\u200b\u200d药"], id="nothing visible"),
        pytest.param("炸药", "炸😀*药", ["炸😀*药"], id="signs and emoji"),
        pytest.param("炸药", "炸" + "*" * 8 + "药", ["炸********药"], id="eight signs"),
        pytest.param("炸药", "炸" + "*" * 9 + "药", [], id="nine signs"),
        pytest.param("炸药", "炸。药", [], id="end of a sentence"),
        pytest.param("炸药", "炸\n药", [], id="another line"),
        pytest.param("K粉", "买ｋ 粉吗", ["ｋ 粉"], id="width and case"),
        pytest.param("bomb", "a BOMB!", ["BOMB"], id="case"),
        pytest.param("bomb", "bombastic, abomb", [], id="inside other words"),
        pytest.param("bomb", "做bomb吗", ["bomb"], id="beside Chinese"),
        pytest.param("bomb", "b\u0301o\u0308m\u200bb", ["b\u0301o\u0308m\u200bb"], id="marks"),
        pytest.param("café", "CAFE", ["CAFE"], id="accents"),
        pytest.param("penis", "the pen is red", [], id="a word begins inside"),
        pytest.param("kill yourself", "Kill - yourself", ["Kill - yourself"], id="two words"),
        pytest.param("kill yourself", "kill. Yourself", [], id="two sentences"),
        pytest.param("fine", "ﬁne", ["ﬁne"], id="a ligature"),
        pytest.param("六四", "①六④", [], id="other letters between"),
    ],
)
def test_writings_of_a_phrase(phrase: str, text: str, expected: list[str]) -> None:
    assert found(phrase, text) == expected


def test_a_harmless_word_around_a_phrase_spares_it_however_late_it_ends() -> None:
    scan = a_scan([("成人", BLOCK), ("成人教育", None)])

    held = [(scan.feed(character), scan.open_from) for character in "读成人教"]

    assert held == [([], 1), ([], 1), ([], 1), ([], 1)]
    assert scan.feed("育") == []
    assert scan.open_from == 5
    assert scan.feed("的成人") == []
    assert scan.close() == [Hit(6, 8, BLOCK)]


def test_ten_thousand_signs_in_a_row_are_not_held() -> None:
    scan = a_scan([("炸药", BLOCK)])

    scan.feed("炸" + "." * 10_000)

    assert scan.open_from == 10_001
