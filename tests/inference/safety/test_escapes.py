"""JSON in answers: what an escape stands for is looked at, however the answer was cut."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.safety.outgoing.escapes import EscapesStage
from inference.safety.outgoing.stage import COVER, Chain, Stopped
from inference.safety.outgoing.watching import WatchStage
from inference.safety.wordlists.fold import Folding, Spelling, spelled
from inference.safety.wordlists.hit import Rule
from inference.safety.wordlists.keywords import Automaton, Scan

FOLDING = Folding()


def a_stage(**phrases: str) -> EscapesStage:
    """Phrases by what becomes of them."""
    rules = [(text, Rule("own", action, "words")) for action, text in phrases.items()]
    automaton = Automaton((spelled(text, FOLDING), rule) for text, rule in rules)
    scan = Scan(automaton, Spelling(FOLDING))
    return EscapesStage(WatchStage(scan, lambda verdict, text: None))


def shown(stage: EscapesStage, pieces: Sequence[str]) -> tuple[str, bool]:
    """What came out, and whether all of it may be seen."""
    text = ""
    try:
        for piece in pieces:
            text += stage.feed(piece)
        return text + stage.close(), True
    except Stopped:
        return text, False


def cut(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


JSON = st.dictionaries(st.text(max_size=5), st.text(max_size=30), max_size=4)


@given(JSON, st.booleans(), st.integers(1, 40))
@settings(deadline=None)
def test_clean_json_comes_out_as_it_went_in(said: object, plain: bool, size: int) -> None:
    text = json.dumps(said, ensure_ascii=plain)

    assert shown(a_stage(block="土制炸弹"), cut(text, size)) == (text, True)


@given(st.text(alphabet='\\u70bd8eD"x', max_size=40), st.integers(1, 10))
@settings(deadline=None)
def test_what_is_no_json_comes_out_as_it_went_in(text: str, size: int) -> None:
    assert shown(a_stage(block="土制炸弹"), cut(text, size)) == (text, True)


@pytest.mark.parametrize("size", [1, 2, 5, 7, 100])
@pytest.mark.parametrize("phrase", ["土制炸弹", "土\u200b制 炸弹", "𝐩𝐢𝐩𝐞 𝐛𝐨𝐦𝐛"])
def test_no_escape_of_a_blocked_phrase_comes_out(phrase: str, size: int) -> None:
    text = json.dumps({"how": f"ok {phrase} then"})
    stage = Chain([a_stage(block="土制炸弹"), a_stage(block="pipe bomb")])

    given, whole = shown(stage, cut(text, size))

    assert '{"how": "ok '.startswith(given)
    assert not whole


@pytest.mark.parametrize("size", [1, 2, 5, 7, 100])
def test_a_masked_phrase_is_covered_and_the_json_stays_json(size: int) -> None:
    text = json.dumps({"how": "坏家伙!", "and": 'a "b"\\\n'})

    given, _ = shown(a_stage(mask="坏家伙"), cut(text, size))

    assert len(given) == len(text)
    assert json.loads(given) == {"how": f"{18 * COVER}!", "and": 'a "b"\\\n'}
