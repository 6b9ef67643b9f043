"""Makes the one Service of the program, with all of ours that it is handed: where cases and earlier
answers are kept, the rules of the moment, who counts."""

from __future__ import annotations

from bot.answering.finding import Excerpts
from bot.casework import Casework
from bot.config import Settings
from bot.guarding import make_safety, make_wordbook
from bot.rules import Rules
from bot.storage.audit import Audit
from bot.stores import Stores
from bot.watching.counts import Counts
from inference.build import build_engine, build_service
from inference.earlier.answers import Answers
from inference.earlier.revision import Revision
from inference.engine.base import Engine
from inference.fallback import Fallback
from inference.images.likeness import likeness_of
from inference.images.reading import TextReader, make_reader
from inference.safety.guards.guard import Guards
from inference.safety.guards.guards import make_guards
from inference.safety.incoming.known import KnownPictures
from inference.safety.personal.pictures import make_covering
from inference.safety.wordlists.wordbook import Wordbook
from inference.service import Service


def make_service(settings: Settings, stores: Stores, rules: Rules, counts: Counts) -> Service:
    """Raises ModelUnusable, BadLists."""
    casework = make_casework(settings, stores, rules, counts)
    engine, reader = build_engine(settings.engine), make_reader(settings.ocr)
    words = make_wordbook(settings, rules)
    guards = _guards(settings, rules, counts, words, engine, reader)
    safety = make_safety(
        settings,
        rules,
        words,
        report=casework.report,
        allowed=casework.allowed,
        texts=guards.texts,
        pictures=[KnownPictures(stores.blocked.listed), *guards.pictures],
    )
    answers = Answers(
        settings.cache,
        stores.answers,
        model=Revision(settings.engine, lambda: service.stats()).name,
        mask=safety.masked,
        look=likeness_of,
        found=counts.answer,
    )
    service = build_service(
        engine,
        settings.pictures,
        prepared=counts.picture,
        safety=safety,
        answers=answers,
        fallback=Fallback(
            lambda: rules.now.fallback,
            passages=Excerpts(stores.knowledge, rules),
            reader=reader,
        ),
        guards=guards,
        reader=reader,
        covering=make_covering(reader, lambda: rules.now.safety),
    )
    return service


def _guards(
    settings: Settings,
    rules: Rules,
    counts: Counts,
    words: Wordbook,
    engine: Engine,
    reader: TextReader | None,
) -> Guards:
    return make_guards(
        settings.guards,
        ask=engine.stream,
        reader=reader,
        check=words.check,
        action_of=lambda category: rules.now.safety.action_of(category),
        looked=counts.guard,
    )


def make_casework(settings: Settings, stores: Stores, rules: Rules, counts: Counts) -> Casework:
    return Casework(
        stores.cases,
        stores.people,
        Audit(stores.db),
        stores.inbox,
        stores.outbox,
        rules,
        counts,
        default_language=settings.answers.default_language,
    )
