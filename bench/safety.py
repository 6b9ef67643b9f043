"""What safety costs: `python -m bench.safety [--out DIR] [--quick]`.

Words are looked at with 10,000 phrases, beside the loop that most bots have (`phrase in text` for
each). A photo of 12 megapixels is made ready beside plain Pillow. Numbers of people are looked for
in values that are made up.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import asdict

from bench import personal, photos, words
from bench.personal import Recall, Wrong
from bench.photos import PhotoFigures
from bench.report import Report, options
from bench.words import WordCosts

_FEW_ROUNDS = 9


def main() -> int:
    given = options("what looking at words costs, and what making photos ready does")
    report = Report("safety", given, phrases=words.KEYWORDS)
    report.begin()
    costs = asyncio.run(words.measure(words.QUICK if given.quick else words.Plan()))
    _tell_words(report, costs)
    report.progress("words")
    rounds = {"rounds": _FEW_ROUNDS} if given.quick else {}
    figures = asyncio.run(photos.measure_photos(**rounds))
    _tell_photos(report, figures)
    report.progress("photos")
    plan = personal.QUICK if given.quick else personal.Plan()
    recalls, wrongs = personal.recall(plan), personal.mistakes(plan)
    _tell_personal(report, recalls, wrongs)
    report.note(
        "Numbers of people are made up by the hand that wrote the rules: that all are found says"
        " that both agree, not that all real writing is."
    )
    measured = {"words": asdict(costs), "photos": asdict(figures)}
    report.finish(measured | {"recall": [asdict(one) for one in recalls]})
    return report.exit_code(["photo_12mp_vs_pillow"])


def _tell_words(report: Report, costs: WordCosts) -> None:
    rows = [
        ("`phrase in text` for each phrase", costs.loop_ms),
        ("ours, the whole text", costs.whole_ms),
        ("ours, in pieces of two characters, all of them", costs.streamed_ms),
        ("reading the lists, once", costs.build_ms),
    ]
    report.table((f"{words.KEYWORDS} phrases, {words.TEXT} characters", "ms"), rows)
    first = [
        ("with all of it", costs.first_guarded_ms),
        ("without", costs.first_bare_ms),
        ("added", costs.added_ms),
    ]
    report.table(("first visible text, p95", "ms"), first)
    report.ratio("words_vs_loop", costs.whole_ms / costs.loop_ms, at_most=1.0)
    report.ratio("first_text_added_ms", costs.added_ms, at_most=5.0)


def _tell_photos(report: Report, figures: PhotoFigures) -> None:
    rows = [
        ("plain Pillow", figures.plain_ms, 1.0),
        ("ours, by itself", figures.fit_ms, figures.fit_share),
        ("ours, in the child", figures.child_ms, figures.child_share),
        ("its metadata cut away", figures.bare_ms, figures.bare_ms / figures.plain_ms),
    ]
    report.table(("12 MP JPEG to 1024 pixels", "ms", "share"), rows)
    report.ratio("photo_12mp_vs_pillow", figures.child_share, at_most=0.5)
    report.count("child_peak_mb", round(figures.child_peak_mb), at_most=512)


def _tell_personal(report: Report, recalls: Sequence[Recall], wrongs: Sequence[Wrong]) -> None:
    found = [(one.kind, one.values, one.written, one.found / one.written) for one in recalls]
    report.table(("numbers of people", "values", "written", "found"), found)
    rows = [
        (one.sort, one.strings, *(f"{one.share(kind):.3%}" for kind in personal.KINDS))
        for one in wrongs
    ]
    report.table(("taken for one", "strings", *personal.KINDS), rows)
    for one in recalls:
        report.ratio(f"recall_{one.kind}", one.found / one.written, at_least=1.0)


if __name__ == "__main__":
    sys.exit(main())
