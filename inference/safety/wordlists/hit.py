"""What was found in a text: where, and by which rule."""

from __future__ import annotations

from dataclasses import dataclass

from inference.safety.verdict import Action


@dataclass(frozen=True, slots=True)
class Rule:
    """What a phrase or pattern stands for."""

    category: str
    action: Action
    detector: str  # "words", "patterns", "canary"

    @property
    def holds(self) -> bool:
        """No character of it may come out."""
        return self.action in ("mask", "block")


@dataclass(frozen=True, slots=True)
class Hit:
    """[start, end) of the whole text."""

    start: int
    end: int
    rule: Rule
