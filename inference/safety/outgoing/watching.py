"""The stage of an answer in which phrases and patterns are kept back until they are known."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Protocol

from inference.safety.outgoing.stage import Stopped, Tell, covered
from inference.safety.verdict import Verdict
from inference.safety.wordlists.hit import Hit

_BEFORE = 230  # characters shown already that staff may see a piece of, see incidents


class Scanner(Protocol):
    @property
    def open_from(self) -> int:
        """No character from here on may be shown yet; a place in the whole text."""

    def feed(self, piece: str) -> list[Hit]: ...
    def close(self) -> list[Hit]: ...


class WatchStage:
    """Covers up, tells and stops as the rules of what `scanner` finds say."""

    def __init__(
        self,
        scanner: Scanner,
        tell: Tell,
        *,
        version: str = "",
        allowed: Callable[[], Collection[str]] = tuple[str],
    ) -> None:
        """`allowed`: categories that are let through, asked for when one is found."""
        self._scanner = scanner
        self._allowed = allowed
        self._tell = tell
        self._version = version
        self._text = ""  # what is not shown yet, and a little of what stands before it
        self._begins = 0  # where `_text` begins in the answer
        self._shown = 0  # how much of the answer
        self._spans: list[tuple[int, int]] = []

    def feed(self, text: str) -> str:
        self._text += text
        self._take(self._scanner.feed(text))
        return self._show(self._scanner.open_from)

    def close(self) -> str:
        self._take(self._scanner.close())
        return self._show(self._begins + len(self._text))

    def _take(self, hits: list[Hit]) -> None:
        for hit in hits:
            if hit.rule.category in self._allowed():
                continue
            match hit.rule.action:
                case "block":
                    raise Stopped(*self._seen(hit))
                case "mask":
                    self._spans.append((hit.start, hit.end))
                case "review":
                    self._tell(*self._seen(hit))
                case "pass":
                    pass

    def _show(self, end: int) -> str:
        begins, shown = self._begins, self._text[self._shown - self._begins : end - self._begins]
        text = covered(shown, [(a - self._shown, b - self._shown) for a, b in self._spans])
        self._shown = end
        self._spans = [span for span in self._spans if span[1] > end]
        spare = end - begins - _BEFORE
        if spare > 0:
            self._text = self._text[spare:]
            self._begins += spare
        return text

    def _seen(self, hit: Hit) -> tuple[Verdict, str]:
        """With the text up to its end: what comes after may be the beginning of a number, which
        nobody could tell yet."""
        rule, span = hit.rule, (hit.start - self._begins, hit.end - self._begins)
        verdict = Verdict(rule.action, rule.category, 1.0, rule.detector, self._version, (span,))
        if rule.detector == "canary":
            return replace(verdict, spans=()), ""  # it is in no case either
        return verdict, self._text[: span[1]]
