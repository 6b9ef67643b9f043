from __future__ import annotations

import logging
import sys
from collections.abc import Iterator

import pytest

from bot.log import LogSection, MaskingFormatter, set_up

TOKEN = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1"


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root, hook = logging.getLogger(), sys.excepthook
    handlers, level = root.handlers[:], root.level
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:], sys.excepthook = handlers, hook
    root.setLevel(level)


@pytest.mark.parametrize(
    "text",
    [
        f"token {TOKEN} refused",
        f"GET https://api.telegram.org/bot{TOKEN}/getMe",
        f"GET https://api.telegram.org/file/bot{TOKEN}/photos/1.jpg",
        f"GET /bot{TOKEN.replace(':', '%3A')}/getMe",
        "GET http://127.0.0.1:9/bot42:short-test-token/sendMessage",
        "the webhook secret is s3cret-enough",
    ],
    ids=["token", "address", "file", "encoded", "short", "given"],
)
def test_a_secret_in_the_message_is_masked(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    set_up(LogSection(), ["s3cret-enough"])

    logging.getLogger("x").warning("%s", text)

    written = capsys.readouterr().err
    assert "***" in written
    for secret in (TOKEN, TOKEN[10:], "short-test-token", "s3cret-enough"):
        assert secret not in written


def test_a_secret_in_an_exception_is_masked(capsys: pytest.CaptureFixture[str]) -> None:
    set_up(LogSection())
    error = ValueError(f"bad address /bot{TOKEN}/getMe")

    logging.getLogger("x").error("call 7 failed", exc_info=error)

    written = capsys.readouterr().err
    assert "ValueError: bad address /bot***/getMe" in written
    assert TOKEN not in written


def test_a_secret_in_an_uncaught_exception_is_masked(capsys: pytest.CaptureFixture[str]) -> None:
    set_up(LogSection())
    error = RuntimeError(f"lost {TOKEN}")

    sys.excepthook(RuntimeError, error, None)

    written = capsys.readouterr().err
    assert "RuntimeError: lost ***" in written
    assert TOKEN not in written


def test_a_secret_that_begins_with_another_is_masked_whole() -> None:
    formatter = MaskingFormatter(["secret", "secret-and-more"])
    record = logging.makeLogRecord({"msg": "it is secret-and-more"})

    assert formatter.format(record).endswith("it is ***")


def test_times_and_addresses_are_left_alone() -> None:
    text = "12:30:59 listening on 127.0.0.1:8080, update 123456789: 3 photos"
    record = logging.makeLogRecord({"msg": text})

    assert MaskingFormatter([""]).format(record).endswith(text)


def test_the_level_is_the_sections(capsys: pytest.CaptureFixture[str]) -> None:
    set_up(LogSection(level="warning"))

    logging.getLogger("x").info("quiet")
    logging.getLogger("x").warning("loud")

    written = capsys.readouterr().err
    assert "loud" in written
    assert "quiet" not in written


@pytest.mark.parametrize("name", ["httpx", "httpcore.http11", "telegram.Bot"])
def test_libraries_that_log_addresses_are_silent_even_at_debug(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up(LogSection(level="debug"))

    logging.getLogger(name).info("HTTP Request: POST")

    assert capsys.readouterr().err == ""
