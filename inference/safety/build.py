"""From `[safety]` to the guard at the door; the lists are read before anything starts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from inference.safety.outgoing.answering import Measure
from inference.safety.outgoing.canary import Canary, kept_canary
from inference.safety.safety import Safety
from inference.safety.section import SafetySection
from inference.safety.verdict import Allowed, PictureDetector, Report, TextDetector
from inference.safety.wordlists.wordbook import Wordbook, read_words

FOLDER = "safety"  # of the operator's own lists, in the folder of data
_MARK = "canary"  # beside it


def build_wordbook(section: Callable[[], SafetySection], data_dir: Path) -> Wordbook:
    """Whoever reads text in pictures may have it checked there. Raises BadLists."""
    return Wordbook(section, data_dir / FOLDER)


def check_lists(section: SafetySection, data_dir: Path) -> int:
    """How many phrases they have, before they count. Raises BadLists."""
    return read_words(section, data_dir / FOLDER).phrases


def build_safety(
    section: Callable[[], SafetySection],
    words: Wordbook,
    data_dir: Path,
    *,
    report: Report | None = None,
    allowed: Allowed | None = None,
    texts: Sequence[TextDetector] = (),
    pictures: Sequence[PictureDetector] = (),
    demo: bool = False,
    measure: Measure | None = None,
) -> Safety:
    """As Safety. `demo`: the demo model answers, whose system turn must stay as it was trained."""
    return Safety(
        section,
        words,
        report=report,
        allowed=allowed,
        texts=texts,
        pictures=pictures,
        canary=Canary(kept_canary(data_dir / _MARK)),
        demo=demo,
        measure=measure,
    )
