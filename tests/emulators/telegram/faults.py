"""What shall go wrong with the next calls of a method."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens instead of a good answer.

    lost: it is done, but the answer never arrives; silence: done, and then nothing for ever;
    reset: the connection ends before anything is done; cut: half of a file, then the end;
    body: this status and body come instead of doing it.
    """

    kind: Literal["lost", "reset", "body", "silence", "cut"]
    status: int = 502
    body: bytes = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
    content_type: str = "text/html"


class Faults:
    def __init__(self) -> None:
        self._planned: defaultdict[str, deque[Fault]] = defaultdict(deque)

    def plan(self, method: str, *faults: Fault) -> None:
        """`method`: a Bot API method, or "file" for a download."""
        self._planned[method].extend(faults)

    def take(self, method: str) -> Fault | None:
        return self._planned[method].popleft() if self._planned[method] else None

    def left(self, method: str) -> int:
        return len(self._planned[method])
