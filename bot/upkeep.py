"""Makes what looks after people's privacy, from the parts of the program that it reaches into."""

from __future__ import annotations

from bot.access.rights import Rights
from bot.config import Settings
from bot.erasing import Erasing
from bot.event import Conversation
from bot.intake import Deliveries
from bot.replica import Replica
from bot.rules import Rules
from bot.storage.erasing.erasure import Eraser
from bot.storage.retention.retention import Retention
from bot.stores import Stores
from bot.work import Work
from inference.service import Service


def make_eraser(stores: Stores) -> Eraser:
    further = (stores.cases.forget_with, stores.answers.forget_with)
    return Eraser(stores.db, stores.photos, further)


def make_erasing(
    stores: Stores, work: Work, deliveries: Deliveries, service: Service, replica: Replica
) -> Erasing:
    return Erasing(
        *(stores.erasures, make_eraser(stores), work, deliveries, service.forget),
        leads=lambda: replica.leads,
    )


def make_retention(stores: Stores, rules: Rules) -> Retention:
    further = (stores.answers.forget_before_with,)
    return Retention(stores.db, stores.photos, lambda: rules.now.retention, further)


def make_rights(settings: Settings, stores: Stores, deliveries: Deliveries) -> Rights:
    def takes_files(to: Conversation) -> bool:
        return deliveries[to.platform].limits(to).takes_files

    is_remote = settings.engine.kind == "remote"
    return Rights(stores.copies, stores.erasures, takes_files, is_remote)
