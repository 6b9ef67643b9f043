"""Makes the guard at the door to inference, for the running program and for the terminal."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from bot.config import Settings
from bot.rules import Rules
from inference.build import EngineSection
from inference.engine.server.estimate import estimate
from inference.safety.build import build_safety, build_wordbook
from inference.safety.safety import Safety
from inference.safety.verdict import (
    Allowed,
    Incident,
    PictureDetector,
    Report,
    TextDetector,
)
from inference.safety.wordlists.wordbook import Wordbook

log = logging.getLogger(__name__)


def make_wordbook(settings: Settings, rules: Rules) -> Wordbook:
    """Raises BadLists."""
    return build_wordbook(lambda: rules.now.safety, settings.storage.data_dir)


def make_safety(
    settings: Settings,
    rules: Rules,
    words: Wordbook,
    *,
    report: Report,
    allowed: Allowed | None = None,
    texts: Sequence[TextDetector] = (),
    pictures: Sequence[PictureDetector] = (),
) -> Safety:
    return build_safety(
        lambda: rules.now.safety,
        words,
        settings.storage.data_dir,
        report=report,
        allowed=allowed,
        texts=texts,
        pictures=pictures,
        demo=_is_demo(settings.engine),
        measure=estimate,
    )


def terminal_safety(settings: Settings) -> Safety:
    """Where one person sits at the machine there are no staff: what is found is only logged.
    Raises BadLists."""
    rules = Rules(settings.rules())
    return make_safety(settings, rules, make_wordbook(settings, rules), report=_log)


async def _log(incident: Incident) -> int | None:
    """Ids alone: what was said is nobody's business."""
    context, verdict = incident.context, incident.verdict
    place, request = context.where, context.request or "-"
    log.info("%s: %s, %s, request %s", verdict.action, place, verdict.category, request)
    return None


def _is_demo(engine: EngineSection) -> bool:
    return engine.kind == "local" and engine.model == "demo"
