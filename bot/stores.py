"""All that is kept, made once for a database."""

from __future__ import annotations

from dataclasses import dataclass

from bot.storage.answers import EarlierAnswers
from bot.storage.blocked import BlockedPictures
from bot.storage.cases import Cases
from bot.storage.copy import Copies
from bot.storage.cursors import Cursors
from bot.storage.db import Database
from bot.storage.entries import Entries
from bot.storage.erasing.erasures import Erasures
from bot.storage.forgetting import Forgetting
from bot.storage.history import History
from bot.storage.inbox import Inbox
from bot.storage.keys import Keys
from bot.storage.knowledge import Knowledge
from bot.storage.ledger import Ledger
from bot.storage.outbox import Outbox
from bot.storage.page import Page
from bot.storage.people import People
from bot.storage.photos import Photos
from bot.storage.ratings import Ratings
from bot.storage.repeats import KeptAnswers
from bot.storage.sessions import Sessions
from bot.storage.tickets import Tickets


@dataclass(frozen=True, slots=True)
class Stores:
    db: Database
    photos: Photos
    inbox: Inbox
    history: History
    people: People
    ledger: Ledger
    knowledge: Knowledge
    outbox: Outbox
    tickets: Tickets
    ratings: Ratings
    page: Page
    cursors: Cursors
    keys: Keys
    kept_answers: KeptAnswers
    answers: EarlierAnswers
    blocked: BlockedPictures
    cases: Cases
    sessions: Sessions
    entries: Entries
    forgetting: Forgetting
    erasures: Erasures
    copies: Copies

    @classmethod
    def of(cls, db: Database, photos: Photos) -> Stores:
        outbox = Outbox(db)
        return cls(
            db,
            photos,
            Inbox(db),
            History(db),
            People(db),
            Ledger(db),
            Knowledge(db),
            outbox,
            Tickets(db, outbox),
            Ratings(db),
            Page(db),
            Cursors(db),
            Keys(db),
            KeptAnswers(db),
            EarlierAnswers(db),
            BlockedPictures(db),
            Cases(db),
            Sessions(db),
            Entries(db),
            Forgetting(db, photos),
            Erasures(db),
            Copies(db, photos),
        )
