"""All that admins can do, for chats and for the machine: the orders with their stores."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from bot.admin.broadcaster import Broadcaster
from bot.admin.cases import CaseDesk
from bot.admin.keys import KeyDesk
from bot.admin.members import Members
from bot.admin.pictures import PictureDesk
from bot.admin.quotas import Quotas
from bot.admin.running import Running
from bot.pacing import Sleep
from bot.rules import Rules
from bot.storage.audit import Audit
from bot.storage.blocked import BlockedPictures
from bot.storage.broadcasts import Broadcasts
from bot.storage.db import Database
from bot.storage.keys import Keys
from bot.storage.ledger import Ledger
from bot.storage.outbox import Outbox
from bot.storage.pauses import Pauses
from bot.storage.people import People
from bot.storage.ratings import Ratings
from bot.storage.replicas import Replicas
from bot.storage.sessions import Sessions
from bot.storage.statistics import Statistics
from bot.storage.tellings import Tellings
from bot.texts import Language


class Office:
    def __init__(
        self,
        db: Database,
        rules: Rules,
        people: People,
        ledger: Ledger,
        outbox: Outbox,
        *,
        question_tokens: int = 0,
        default_language: Language = "en",
        mask: Callable[[str], str] = lambda text: text,
        clock: Callable[[], float] = time.time,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.now = clock
        self.audit = Audit(db, mask=mask, clock=clock)
        self.pauses = Pauses(db, clock=clock)
        self.tellings = Tellings(db, clock=clock)
        self.sessions = Sessions(db, clock=clock)
        self.members = Members(people, self.audit, rules, clock=clock)
        self.quotas = Quotas(
            ledger, people, self.audit, rules, question_tokens=question_tokens, clock=clock
        )
        self.pictures = PictureDesk(BlockedPictures(db, clock=clock), self.audit, rules)
        self.keys = KeyDesk(Keys(db, clock=clock), people, ledger, self.audit, rules)
        self.running = Running(
            self.audit,
            self.pauses,
            people,
            ledger,
            Statistics(db),
            Ratings(db),
            rules,
            Replicas(db).ask_reload_with,
            clock=clock,
        )
        self.cases = CaseDesk(
            db,
            people,
            self.audit,
            outbox,
            self.members,
            rules,
            default_language=default_language,
            clock=clock,
        )
        self.broadcaster = Broadcaster(
            Broadcasts(db, clock=clock), people, outbox, self.audit, sleep=sleep
        )
