"""What the commands of `visionbot` do: each makes its parts, runs them and gives an exit code."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import readline  # noqa: F401  gives input() the keys that edit a line
import resource
import signal
import sys
import threading
import webbrowser
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import typer

from bot import app, log, terminal, texts
from bot.api.server import CannotListen
from bot.checkup import check as checkup
from bot.config import Settings, has_display, load, reread, watcher
from bot.errors import ConfigError
from bot.guarding import terminal_safety
from bot.platforms.base import Misconfigured
from bot.rules import Rules
from bot.storage.errors import Broken, StorageError
from bot.terminal import CannotRead, Chat, Manner
from bot.texts import Language
from bot.watching.systemd import Systemd
from inference.build import build_service
from inference.errors import BadPicture, InferenceError, ModelUnusable
from inference.service import Service

OK, FAILED, MISUSED, INTERRUPTED = 0, 1, 2, 130
UNREAD = 128 + signal.SIGPIPE  # what a shell reports of any program whose reader went away

_logger = logging.getLogger(__name__)
# What can be wrong at the start and is said in one line; anything else is a fault of ours.
_EXPLAINED = (CannotListen, ConfigError, Misconfigured, StorageError, InferenceError)


class _Unread(Exception):
    """Nobody reads our standard output any more, as with `| head -1`."""


def run(config: Path | None, *, open_page: bool) -> int:
    settings = _load(config)
    rules = Rules(settings.rules(), partial(reread, settings, config))
    complain = _log if settings.log.format == "json" else _complain
    return _end_of(_serve_until_told(settings, rules, open_page=open_page), complain)


def chat(config: Path | None, language: Language | None) -> int:
    settings = _load(config, quiet=True)
    return _end_of(_chat(settings, _manner(settings, language)))


def ask(
    config: Path | None,
    language: Language | None,
    photos: Sequence[Path],
    question: str,
    *,
    max_tokens: int | None,
    temperature: float | None,
) -> int:
    settings = _load(config, quiet=True)
    manner = _manner(settings, language, max_tokens=max_tokens, temperature=temperature)
    return _end_of(_ask(settings, manner, photos, question))


def check(config: Path | None, language: Language | None, *, as_json: bool) -> int:
    log.set_up(log.LogSection(level="error"))
    return _end_of(_check(config, language, as_json=as_json))


def _load(config: Path | None, *, quiet: bool = False) -> Settings:
    """`quiet`: in a talk on the terminal only what went wrong is of interest."""
    # a core file, of this process or of the engine's, would hold keys and what people wrote
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        settings = load(config)
    except ConfigError as error:
        _complain(str(error))
        raise typer.Exit(MISUSED) from None
    hushed = quiet and settings.log.level == "info"
    section = log.LogSection(level="warning") if hushed else settings.log
    log.set_up(section, settings.secrets())
    return settings


def _manner(
    settings: Settings,
    language: Language | None,
    *,
    max_tokens: int | None = None,
    temperature: float | None = None,
) -> Manner:
    sampling = settings.answers.sampling()
    if max_tokens is not None:
        sampling = replace(sampling, max_tokens=max_tokens)
    if temperature is not None:
        sampling = replace(sampling, temperature=temperature)
    return Manner(
        sampling=sampling,
        thinking=settings.answers.thinking,
        language=settings.language(language),
        max_file_bytes=settings.pictures.limits().max_bytes,
    )


def _complain(sentence: str) -> None:
    typer.echo(f"visionbot: {' '.join(sentence.split())}", err=True)  # one line, whatever it quotes


def _end_of(work: Coroutine[Any, Any, int], complain: Callable[[str], None] = _complain) -> int:
    """Its own exit code, or one line on what stopped it."""
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # the last place where it can be told to anybody
        cause = _single(error)
        if isinstance(cause, _Unread):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the last flush
            return UNREAD
        if isinstance(cause, _EXPLAINED):
            complain(str(cause))
        elif isinstance(cause, OSError) and cause.filename is not None:
            complain(f"{cause.filename}: {cause.strerror}")
        else:
            _logger.critical("the program ends with an error", exc_info=error)
        return FAILED


def _single(error: BaseException) -> BaseException:
    """A task group wraps even a single error. Of several, the one that the others come from."""
    if isinstance(error, BaseExceptionGroup) and (broken := error.subgroup(Broken)):
        return _single(broken.exceptions[0])
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _log(sentence: str) -> None:
    """Where programs read what we write."""
    _logger.critical("%s", sentence)


@contextmanager
def _on_stdout() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError as error:
        raise _Unread from error


def _write(text: str) -> None:
    with _on_stdout():
        typer.echo(text, nl=False)


def _write_line(text: str) -> None:
    _write(f"{text}\n")


async def _serve_until_told(settings: Settings, rules: Rules, *, open_page: bool) -> int:
    """SIGINT or SIGTERM ends it in order; a second one ends it at once, and nothing is lost.
    SIGHUP has it read the rules again."""

    def ready(lines: Sequence[str]) -> None:
        _logger.info("started")
        _write_line("\n".join(_aligned(lines)))
        if open_page and has_display():
            for address in re.findall(r"https?://\S+", "\n".join(lines))[:1]:
                _open_page(address)

    task = asyncio.current_task()
    assert task is not None
    told = asyncio.Event()

    def stop() -> None:
        if told.is_set():
            os._exit(INTERRUPTED)
        told.set()
        task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, _reload, rules)
    _logger.info("starting: visionbot %s, process %d", version("visionbot"), os.getpid())
    try:
        await app.serve(settings, on_ready=ready, rules=rules, systemd=Systemd(watcher()))
    except asyncio.CancelledError:
        if not told.is_set():
            raise
    _logger.info("stopped")
    return OK


def _reload(rules: Rules) -> None:
    try:
        changes = rules.reload()
    except ConfigError as error:
        _logger.error("the settings have a fault, and nothing was changed: %s", error)  # noqa: TRY400
        return
    _logger.info("the settings were read again; changed: %s", ", ".join(changes.applied) or "-")
    if changes.need_restart:
        _logger.warning("changed, but a restart brings it: %s", ", ".join(changes.need_restart))


def _open_page(address: str) -> None:
    """NOTE: webbrowser.open returns only when a browser named by $BROWSER ends. Hence a thread; and
    a daemon, for the program shall not wait for the browser when it ends."""
    threading.Thread(target=webbrowser.open, args=(address,), name="open-page", daemon=True).start()


def _aligned(lines: Sequence[str]) -> list[str]:
    """ "Name: what" as two columns."""
    pairs = [line.partition(": ") for line in lines]
    width = max((len(name) for name, _, _ in pairs), default=0) + 2
    return [f"{name:<{width}}{what}" for name, _, what in pairs]


@asynccontextmanager
async def _service(settings: Settings) -> AsyncIterator[Service]:
    safety = terminal_safety(settings)
    service = build_service(settings.engine, settings.pictures, safety=safety)
    try:
        yield service
    finally:
        await service.close()


async def _start(service: Service, settings: Settings, manner: Manner) -> None:
    if sys.stderr.isatty():
        loading = texts.say("terminal_loading", manner.language, model=settings.engine.model)
        typer.echo(loading, err=True)
    await service.start()


async def _chat(settings: Settings, manner: Manner) -> int:
    async with _service(settings) as service:
        await _start(service, settings, manner)
        await Chat(service, manner, settings.window, read_line=_read_line, write=_write).run()
    return OK


def _read_line() -> str:
    if sys.stdin.isatty():
        with _on_stdout():
            return input("> ")
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line


async def _ask(settings: Settings, manner: Manner, photos: Sequence[Path], question: str) -> int:
    """The photos first: a bad one shall not have to wait for the model."""
    async with _service(settings) as service:
        try:
            pictures = [await terminal.open_picture(service, manner, photo) for photo in photos]
            await _start(service, settings, manner)
            answered = await terminal.ask(service, manner, pictures, question, _write)
        except ModelUnusable:
            raise
        except (InferenceError, CannotRead) as error:
            _complain(terminal.describe(error, manner.language))
            return MISUSED if isinstance(error, BadPicture | CannotRead) else FAILED
    if not answered:
        _complain(texts.say("no_words", manner.language))
        return FAILED
    return OK


async def _check(config: Path | None, language: Language | None, *, as_json: bool) -> int:
    all_well = await checkup.check(config, language, _write_line, as_json=as_json)
    return OK if all_well else FAILED
