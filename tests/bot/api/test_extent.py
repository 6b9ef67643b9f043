"""Values of a JSON text are counted as a parser counts them, wherever the text is cut."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.api import extent
from bot.api.extent import holds_more_than

_WORDS = st.text(st.sampled_from('ab,[{"\\\n图'), max_size=12)
_ANYTHING = st.recursive(
    st.none() | st.integers() | _WORDS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(_WORDS, inner, max_size=5),
    max_leaves=40,
)


def _values(found: Any) -> int:
    """Commas and opening brackets that a text of it has."""
    if not isinstance(found, list | dict):
        return 0
    inner = found.values() if isinstance(found, dict) else found
    return 1 + max(0, len(found) - 1) + sum(map(_values, inner))


@given(_ANYTHING)
def test_values_are_counted_and_commas_in_strings_are_not(found: Any) -> None:
    text, number = json.dumps(found, ensure_ascii=False).encode(), _values(found)

    assert not holds_more_than(number, text)
    assert number == 0 or holds_more_than(number - 1, text)


@pytest.mark.parametrize("escape", ['\\"', "\\\\", '\\\\\\"', "\\n"])
@pytest.mark.parametrize("before", range(8))
def test_a_string_cut_in_the_midst_of_an_escape_goes_on(escape: str, before: int) -> None:
    text = '"' + "x" * (extent._STEP_BYTES - before) + escape + ',,,,",[1,2]'

    assert not holds_more_than(3, text.encode())
    assert holds_more_than(2, text.encode())
