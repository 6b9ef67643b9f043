"""The watch over the log of all tests sees what it has to see."""

from __future__ import annotations

import logging

import pytest

from tests.canaries import CANARIES, Watch

pytestmark = pytest.mark.row(60)
KEY = "vb-k_0123456789ab-kJ3v9QmZx0aYw7cRtB2dEfGhIjKlMnOpQrStUvWxYz4"
LEAKS = {
    "a token of ours": ("bot.worker", logging.DEBUG, f"sent to /bot424242:{CANARIES[0]}/getMe"),
    "a key of the API": ("bot.api", logging.DEBUG, f"the key {KEY} was made"),
    "a warning of a library": ("httpx", logging.WARNING, f"no route to {CANARIES[1]}"),
}


def _record(name: str, level: int, words: str, *args: object) -> logging.LogRecord:
    return logging.LogRecord(name, level, __file__, 1, words, args, None)


@pytest.mark.parametrize(("name", "level", "words"), LEAKS.values(), ids=LEAKS)
def test_row_60_a_secret_in_a_line_is_seen(name: str, level: int, words: str) -> None:
    watch = Watch()

    watch.handle(_record(name, level, "%s", words))

    assert len(watch.found) == 1


def test_row_60_a_secret_in_a_traceback_is_seen() -> None:
    watch, record = Watch(), _record("bot.worker", logging.ERROR, "it failed")
    record.exc_info = (ValueError, ValueError(f"no such place: {CANARIES[0]}"), None)

    watch.handle(record)

    assert len(watch.found) == 1


def test_row_60_what_the_program_never_writes_is_no_leak() -> None:
    """It hears libraries from warnings on: below, httpx tells every address with the token."""
    watch = Watch()

    watch.handle(_record("httpx", logging.INFO, f"POST /bot424242:{CANARIES[0]}/getMe"))
    watch.handle(_record("bot.worker", logging.DEBUG, "answered after %s s", 3))

    assert watch.found == []
