"""The guard of the program for tests: patterns in place of lists, and eyes for evil pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bot.casework import Casework
from bot.rules import Rules
from inference.safety.safety import Safety
from inference.safety.section import PatternSection, SafetySection
from inference.safety.verdict import Report, Verdict
from inference.safety.wordlists.wordbook import Wordbook

PATTERNS = (
    PatternSection(name="bombs", pattern="bomb", category="weapons", where="questions"),
    PatternSection(name="knives", pattern="knife", category="knives", where="questions"),
    PatternSection(name="recipes", pattern="recipe", category="weapons", where="answers"),
)


class Evil:
    """Whatever has "evil" in its pixels."""

    async def check(self, picture, context):
        return [Verdict("block", "weapons", 0.9, "eyes", "3")] if b"evil" in picture.rgb else []


def a_section(**safety: object) -> SafetySection:
    """Bombs are blocked, knives are for review, answers with a recipe are taken back."""
    return SafetySection(default_lists=False, patterns=PATTERNS, **safety)


def a_guard(
    rules: Rules,
    folder: Path,
    report: Callable[[Casework], Report] = lambda casework: casework.report,
) -> Callable[[Casework], Safety]:
    """What makes it, once there is somebody to report to."""

    def section() -> SafetySection:
        return rules.now.safety

    def make(casework: Casework) -> Safety:
        words = Wordbook(section, folder / "lists")
        eyes = [Evil()]
        return Safety(
            section, words, report=report(casework), allowed=casework.allowed, pictures=eyes
        )

    return make
