"""Makes the operator's page out of the parts of the running program."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bot.admin.office import Office
from bot.call import Call
from bot.config import Settings
from bot.console.desk import DeskReader
from bot.console.entry import Entry
from bot.console.lookout import Lookout
from bot.console.proxied import proxied
from bot.console.recent import Recent
from bot.console.roll import Roll
from bot.console.site import Console
from bot.line import Line
from bot.masking import Mask
from bot.question import Question
from bot.rules import Rules
from bot.storage.overview import Overview
from bot.stores import Stores
from bot.watching.cards import Cards
from bot.watching.counts import Counts
from inference.service import Service


def build_console(
    settings: Settings,
    stores: Stores,
    office: Office,
    rules: Rules,
    line: Line[Question | Call],
    service: Service,
    counts: Counts,
    health: Callable[[], Mapping[str, Any]],  # Any: /health's JSON
) -> Console:
    """`health`: what /health tells."""
    return Console(
        Entry(office.sessions, stores.people, rules, proxied(settings.web)),
        office,
        rules,
        line,
        service,
        counts,
        Lookout(line, service, counts, doors=_doors(settings), cards=Cards()),
        DeskReader(Overview(stores.db), stores.people, stores.ledger, rules),
        Roll(stores.people, stores.ledger, rules),
        Recent(Mask(settings.secrets())),
        health,
        host=settings.web.checked_host,
        at_once=settings.engine.max_sequences,
        most_waiting=settings.line.max_waiting,
    )


def _doors(settings: Settings) -> list[str]:
    """By which questions may come."""
    is_open = {
        "web": settings.web.enabled,
        "api": settings.api.enabled,
        "telegram": bool(settings.telegram.token),
        "matrix": bool(settings.matrix.homeserver),
    }
    return [name for name, there in is_open.items() if there]
