"""The newest warnings: bounded, masked, and without what libraries quote in tracebacks."""

from __future__ import annotations

import logging

import pytest

from bot.console.recent import Recent
from bot.masking import Mask
from inference.trace import tracing


@pytest.fixture
def recent():
    return Recent(Mask(["open sesame"]), most=3)


@pytest.fixture
def log(recent):
    with recent.listening():
        yield logging.getLogger("bot.worker")


def told(recent):
    return [one.text for one in recent.newest()]


def test_newest_come_first_and_old_ones_go(recent, log):
    for number in range(5):
        log.warning("entry %s failed", number)

    assert told(recent) == ["entry 4 failed", "entry 3 failed", "entry 2 failed"]


def test_what_comes_again_is_counted(recent, log):
    for _ in range(4):
        log.warning("the engine is down")

    (one,) = recent.newest()
    assert (one.times, one.text) == (4, "the engine is down")


def test_secrets_are_masked(recent, log):
    log.error("said %s", "open sesame")

    assert told(recent) == ["said ***"]


def test_error_is_named_but_not_quoted(recent, log):
    try:
        int("what somebody wrote")
    except ValueError:
        log.exception("entry 7 failed")

    assert told(recent) == ["entry 7 failed (ValueError)"]


def test_request_is_told(recent, log):
    with tracing("r-17"):
        log.warning("it is slow")

    assert [(one.request, one.area) for one in recent.newest()] == [("r-17", "talk")]


def test_line_that_cannot_be_written_harms_nobody(recent, log, monkeypatch):
    monkeypatch.setattr(logging, "raiseExceptions", False)
    log.warning("%s and %s", "one")

    assert told(recent) == []


def test_nothing_is_kept_of_what_is_no_warning(recent, log):
    log.setLevel(logging.INFO)
    try:
        log.info("all is well")
    finally:
        log.setLevel(logging.NOTSET)

    assert told(recent) == []
