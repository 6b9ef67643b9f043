from __future__ import annotations

import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from datetime import datetime

import pytest
from pydantic import ValidationError

from bot.log import Area, JsonFormatter, LogSection, TextFormatter, area_of, set_up
from bot.masking import Mask
from bot.storage.errors import DatabaseUnreachable, DiskFailed
from inference.trace import tracing

TOKEN = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1"
KEY = "vb-k_0123456789ab-kJ3v9QmZx0aYw7cRtB2dEfGhIjKlMnOpQrStUvWxYz4"
SESSION = "q0Xv9QmZx0aYw7cRtB2dEfGhIjKlMnOpQrStUvWxYz4"


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in logging.root.manager.loggerDict]
    levels = [(logger, logger.level) for logger in (logging.root, *loggers)]
    handlers = logging.root.handlers[:]
    yield
    logging.captureWarnings(capture=False)
    logging.root.handlers[:] = handlers
    for name in logging.root.manager.loggerDict:
        logging.getLogger(name).setLevel(logging.NOTSET)
    for logger, level in levels:
        logger.setLevel(level)


def a_record(message: str, *args: object, name: str = "bot.worker", **more: object):
    record = logging.makeLogRecord({"name": name, "levelno": 20, "levelname": "INFO"} | more)
    record.msg, record.args = message, args[0] if args and isinstance(args[0], dict) else args
    return record


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"token {TOKEN} refused", TOKEN),
        (f"GET https://api.telegram.org/bot{TOKEN}/getMe", TOKEN[10:]),
        (f"GET https://api.telegram.org/file/bot{TOKEN}/photos/1.jpg", TOKEN[10:]),
        (f"GET /bot{TOKEN.replace(':', '%3A')}/getMe", TOKEN[10:]),
        ("GET http://127.0.0.1:9/bot42:short-test-token/sendMessage", "short-test-token"),
        ("the webhook secret is s3cret-enough", "s3cret-enough"),
        (f"the key {KEY} is wrong", KEY[-20:]),
        ("{'Authorization': 'Bearer not-even-ours'}", "not-even-ours"),
        ("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        (f"Cookie: __Host-session={SESSION}; theme=dark", SESSION),
        ("X-API-Key: some-key", "some-key"),
        (f"session {SESSION} ended", SESSION),
        ("GET /login?code=abc123&next=1", "abc123"),
        ("the token syt_Ym90_kanarieKANARIE_0a1b2c is unknown", "kanarieKANARIE"),
    ],
    ids=[
        *("token", "address", "file", "encoded", "short", "given", "key", "bearer", "basic"),
        *("cookie", "header", "session", "code", "matrix"),
    ],
)
@pytest.mark.parametrize("format", ["text", "json"])
@pytest.mark.row(60)
def test_a_secret_is_masked(
    text: str, secret: str, format: str, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up(LogSection(format=format), ["s3cret-enough"])

    logging.getLogger("x").warning("%s", text)
    logging.getLogger("x").warning("%(field)s", {"field": text})

    written = capsys.readouterr().err
    assert written.count("***") >= 2
    assert secret not in written


@pytest.mark.row(60)
def test_a_secret_in_an_exception_is_masked(capsys: pytest.CaptureFixture[str]) -> None:
    set_up(LogSection())
    error = ValueError(f"bad address /bot{TOKEN}/getMe")

    logging.getLogger("x").error("call 7 failed", exc_info=error)

    written = capsys.readouterr().err
    assert "ValueError: bad address /bot***/getMe" in written
    assert TOKEN not in written


@pytest.mark.row(60)
def test_a_secret_in_an_uncaught_exception_is_masked(capsys: pytest.CaptureFixture[str]) -> None:
    set_up(LogSection())
    error = RuntimeError(f"lost {TOKEN}")

    sys.excepthook(RuntimeError, error, None)

    written = capsys.readouterr().err
    assert "RuntimeError: lost ***" in written
    assert TOKEN not in written


def test_a_secret_in_the_end_of_a_thread_is_masked(capsys: pytest.CaptureFixture[str]) -> None:
    set_up(LogSection(format="json"))

    def fail() -> None:
        raise RuntimeError(f"lost {TOKEN}")

    thread = threading.Thread(target=fail, name="painter")
    thread.start()
    thread.join(10)

    (line,) = map(json.loads, capsys.readouterr().err.splitlines())
    assert line["message"] == "the thread painter ended with an error"
    assert line["error"].endswith("RuntimeError: lost ***")


def test_an_error_that_nobody_can_catch_is_a_line_like_others(
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Broken:
        def __del__(self) -> None:
            raise RuntimeError(f"lost {TOKEN}")

    set_up(LogSection(format="json"))

    Broken()

    (line,) = map(json.loads, capsys.readouterr().err.splitlines())
    assert line["error"].endswith("RuntimeError: lost ***")


def test_a_secret_that_begins_with_another_is_masked_whole() -> None:
    assert Mask(["secret", "secret-and-more"])("it is secret-and-more") == "it is ***"


@pytest.mark.parametrize(
    "text",
    [
        "12:30:59 listening on 127.0.0.1:8080, update 123456789: 3 photos",
        "photo 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "matrix: event $kJ3v9QmZx0aYw7cRtB2dEfGhIjKlMnOpQrStUvWxYz4 cannot be read",
        "matrix: nobody else is in !kJ3v9QmZx0aYw7cRtB2dEfGhIjKlMnOpQrStUvWxYz4; leaving it",
        "the model server is lost: HTTP 503",
    ],
    ids=["times", "digest", "event", "room", "words"],
)
def test_what_is_no_secret_is_left_alone(text: str) -> None:
    assert Mask([""])(text) == text


def test_a_line_of_text_says_when_how_grave_where_for_whom_and_what() -> None:
    with tracing("entry-7"):
        line = TextFormatter().format(a_record("took %s s", 3, created=0.0))

    words = line.split()
    assert datetime.fromisoformat(" ".join(words[:2])).year in (1969, 1970)
    assert words[2:] == ["INFO", "talk", "entry-7", "took", "3", "s"]


def test_a_line_for_nobody_in_particular_says_so() -> None:
    assert " -  ready" in TextFormatter().format(a_record("ready"))


def test_a_line_of_json_has_the_same_and_its_figures_as_fields() -> None:
    with tracing("req_1"):
        record = a_record("%(ms)d ms, %(why)s", {"ms": 12, "why": "so"}, created=0.5)
        line = json.loads(JsonFormatter().format(record))

    assert datetime.fromisoformat(line.pop("time")).timestamp() == 0.5
    assert line == {
        "level": "info",
        "area": "talk",
        "request": "req_1",
        "logger": "bot.worker",
        "message": "12 ms, so",
        "ms": 12,
        "why": "so",
    }


def test_figures_do_not_overwrite_what_every_line_has() -> None:
    line = json.loads(JsonFormatter().format(a_record("%(level)s", {"level": "none"})))

    assert (line["level"], line["message"]) == ("info", "none")


@pytest.mark.parametrize("figure", [float("nan"), float("inf")])
def test_a_figure_that_json_has_no_word_for_is_text(figure: float) -> None:
    line = JsonFormatter().format(a_record("%(rate).1f a second", {"rate": figure}))

    assert json.loads(line, parse_constant=pytest.fail)["rate"] == str(figure)


def test_a_traceback_is_a_field_of_its_own() -> None:
    error = ValueError("why")

    line = JsonFormatter().format(a_record("failed", exc_info=(ValueError, error, None)))

    assert "\n" not in line
    assert json.loads(line)["error"].endswith("ValueError: why")


@pytest.mark.parametrize("caused", [False, True], ids=["itself", "the cause"])
def test_what_passes_by_itself_is_one_line_without_a_traceback(*, caused: bool) -> None:
    error: Exception = DatabaseUnreachable("PostgreSQL at h:1/d", "refused\nby h")
    if caused:
        passing, error = error, RuntimeError("no answer")
        error.__cause__ = passing
    record = a_record("round %s failed", 3, exc_info=(type(error), error, None))
    text = TextFormatter().format(record)
    json_line = json.loads(JsonFormatter().format(record))

    told = (
        "round 3 failed: PostgreSQL at h:1/d cannot be reached (refused by h); start the server, "
        "or check host and port in [storage] url"
    )
    assert text.splitlines() == [text]
    assert text.endswith(f"  {told}")
    assert json_line["message"] == told
    assert "error" not in json_line


def test_what_ends_the_program_is_told_once_and_without_a_traceback() -> None:
    error = DiskFailed("visionbot.db", "SQLITE_IOERR_FSYNC")
    twice = f"the inbox cannot be read: {error}"
    for said in ("the inbox cannot be read", twice):
        record = a_record(said, exc_info=(DiskFailed, error, None))

        assert TextFormatter().format(record).endswith(f"  {twice}")


@pytest.mark.parametrize("end", ["\n", "\r", "\u2028", "\x85"])
def test_what_strangers_write_never_passes_for_a_line(end: str) -> None:
    forged = f"ok{end}2026-11-21 10:00:00.000 ERROR    program  -  forged"

    text = TextFormatter().format(a_record("%s", forged))
    json_line = JsonFormatter().format(a_record("%s", forged))

    assert not any(line.startswith("2026-11-21 10") for line in text.splitlines())
    assert len(json_line.splitlines()) == 1
    assert json.loads(json_line)["message"] == forged


@pytest.mark.parametrize(
    ("logger", "area"),
    [
        ("inference.images.decode", "vision"),
        ("inference.engine.loop", "engine"),
        ("bot.platforms.telegram.poll", "telegram"),
        ("bot.platforms.web.site", "web"),
        ("bot.api.access", "api"),
        ("bot.arriving.admission", "line"),
        ("bot.storage.inbox", "storage"),
        ("bot.launch", "program"),
        ("bot.watching.systemd", "program"),
        ("bot.worker", "talk"),
        ("handlers.ask", "talk"),
        ("asyncio", "program"),
        ("botany", "program"),
    ],
)
def test_each_logger_has_its_area(logger: str, area: Area) -> None:
    assert area_of(logger) == area


def test_the_level_is_the_sections(capsys: pytest.CaptureFixture[str]) -> None:
    set_up(LogSection(level="warning"))

    logging.getLogger("bot.worker").info("quiet")
    logging.getLogger("bot.worker").warning("loud")

    written = capsys.readouterr().err
    assert "loud" in written
    assert "quiet" not in written


def test_an_area_may_have_a_level_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    set_up(LogSection(level="info", areas={"vision": "debug", "talk": "error"}))

    for name in ("inference.images.decode", "inference.service", "bot.worker", "bot.api.access"):
        logging.getLogger(name).debug("debug of %s", name)
        logging.getLogger(name).warning("warning of %s", name)

    assert [line.split("  ")[-1] for line in capsys.readouterr().err.splitlines()] == [
        "debug of inference.images.decode",
        "warning of inference.images.decode",
        "warning of inference.service",
        "warning of bot.api.access",
    ]


def test_the_last_set_up_holds(capsys: pytest.CaptureFixture[str]) -> None:
    set_up(LogSection(areas={"vision": "debug"}))
    set_up(LogSection())

    logging.getLogger("inference.images.decode").debug("quiet")

    assert capsys.readouterr().err == ""


def test_an_area_that_there_is_none_is_refused() -> None:
    with pytest.raises(ValidationError, match="'vision'"):
        LogSection.model_validate({"areas": {"visoin": "debug"}})


@pytest.mark.parametrize("name", ["httpx", "httpcore.http11", "telegram.Bot", "aiosqlite"])
@pytest.mark.row(60)
def test_libraries_are_silent_below_warnings_even_at_debug(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up(LogSection(level="debug"))

    logging.getLogger(name).info("HTTP Request: POST")

    assert capsys.readouterr().err == ""


def test_a_line_that_cannot_be_written_shows_none_of_its_arguments(
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_up(LogSection())

    logging.getLogger("bot.worker").warning("%d photos", "kanarie")

    (line,) = capsys.readouterr().err.splitlines()
    assert "kanarie" not in line
    assert line.endswith("a line of the log cannot be written: TypeError")


def test_a_handler_of_somebody_else_may_mask_as_the_log_does() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(TextFormatter(Mask(["s3cret-enough"])))

    handler.handle(a_record("it is s3cret-enough"))

    assert stream.getvalue().rstrip().endswith("it is ***")
