"""The platforms that are switched on, made with what each of them is handed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence

from bot.config import Settings
from bot.errors import ConfigError
from bot.platforms.base import Platform
from bot.platforms.telegram.adapter import Telegram
from bot.rules import Rules
from bot.storage.cursors import Cursors
from bot.stores import Stores
from bot.webpage import make_page
from inference.service import Service

Menu = Mapping[str, Sequence[tuple[str, str]]]  # by language: commands with their summaries


def channels(
    settings: Settings,
    stores: Stores,
    service: Service,
    rules: Rules,
    *,
    until_leading: Callable[[], Awaitable[None]],
    commands: Iterable[str],
    menu: Menu,
) -> Iterator[Platform]:
    """`until_leading`: of several programs one alone may ask a platform for what people wrote."""
    if settings.web.enabled:
        yield make_page(settings, stores, service, rules)
    if settings.telegram.token:
        yield Telegram(settings.telegram, commands=menu, until_leading=until_leading)
    if settings.matrix.homeserver:
        yield _matrix(settings, stores.cursors, commands)


def _matrix(settings: Settings, cursors: Cursors, commands: Iterable[str]) -> Platform:
    try:
        from bot.platforms.matrix.adapter import Matrix  # the SDK is optional
    except ImportError as error:
        raise ConfigError(
            "[matrix] homeserver is set, but matrix-nio is not installed with its encryption;"
            ' run .venv/bin/pip install -c constraints.txt -e ".[matrix]"'
        ) from error
    return Matrix(settings.matrix, settings.storage.data_dir, cursors, commands=commands)
