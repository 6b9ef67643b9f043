"""How fast a bot may write: a guess at Telegram's unwritten rules, on the strict side."""

from __future__ import annotations

import math
import time
from collections import defaultdict, deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FloodRules:
    chat_per_s: float = 1.0
    chat_burst: int = 5
    group_per_minute: int = 20
    all_per_s: int = 30


class _Window:
    """At most `most` in any `span_s` seconds."""

    def __init__(self, most: int, span_s: float) -> None:
        self._most, self._span_s = most, span_s
        self._times: deque[float] = deque()

    def wait_s(self, now: float) -> float:
        while self._times and self._times[0] <= now - self._span_s:
            self._times.popleft()
        if len(self._times) < self._most:
            return 0.0
        return self._times[0] + self._span_s - now

    def count(self, now: float) -> None:
        self._times.append(now)


class Flood:
    def __init__(self, rules: FloodRules) -> None:
        self._all = _Window(rules.all_per_s, 1.0)
        self._groups: defaultdict[int, _Window] = defaultdict(
            lambda: _Window(rules.group_per_minute, 60.0)
        )
        self._chats: defaultdict[int, _Window] = defaultdict(
            lambda: _Window(rules.chat_burst, rules.chat_burst / rules.chat_per_s)
        )
        self._banned_until: dict[int, float] = {}
        self.early: list[int] = []  # chats written to although we had asked to wait

    def ban(self, chat: int, seconds: float) -> None:
        self._banned_until[chat] = time.monotonic() + seconds

    def retry_after(self, chat: int) -> int:
        """0: the call may go on, and counts."""
        now = time.monotonic()
        banned_s = self._banned_until.get(chat, 0.0) - now
        if banned_s > 0:
            self.early.append(chat)
            return math.ceil(banned_s)
        windows = [self._all, self._chats[chat]] + ([self._groups[chat]] if chat < 0 else [])
        wait_s = max(window.wait_s(now) for window in windows)
        if wait_s > 0:
            after = math.ceil(wait_s)
            self.ban(chat, after)
            return after
        for window in windows:
            window.count(now)
        return 0
