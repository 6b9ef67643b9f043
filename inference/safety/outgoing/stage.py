"""One step on the way of an answer's text: it takes pieces and gives what may be shown by now.

A stage never changes the number of characters: what is covered up is covered one for one. So
what came out is always a prefix of what went in, but for what is covered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from inference.safety.verdict import Verdict

COVER = "■"

# What a stage saw that staff shall see, and the text that it stands in; the answer goes on.
Tell = Callable[[Verdict, str], None]


class Stopped(Exception):
    """The answer must not go on, and nothing of it may be shown any longer."""

    def __init__(self, verdict: Verdict, text: str = "") -> None:
        """`text`: what the verdict's spans are places in."""
        super().__init__(f"stopped by {verdict.detector}: {verdict.category}")
        self.verdict, self.text = verdict, text


class Stage(Protocol):
    def feed(self, text: str) -> str:
        """What may be shown by now. Raises Stopped."""

    def close(self) -> str:
        """The rest: no more text will come. Raises Stopped."""


class Chain:
    """Stages one after the other; itself one."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        self._stages = stages

    def feed(self, text: str) -> str:
        for stage in self._stages:
            text = stage.feed(text)
        return text

    def close(self) -> str:
        text = ""
        for stage in self._stages:
            text = stage.feed(text) + stage.close()
        return text


def covered(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """`spans` may overlap, and reach over the ends."""
    characters = list(text)
    for start, end in spans:
        for index in range(max(start, 0), min(end, len(text))):
            characters[index] = COVER
    return "".join(characters)
