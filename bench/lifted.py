"""The program without the platform's own limit of calls a second, for bench.load: `python -m
bench.lifted run`. So it is seen what else would keep people waiting.

The program itself knows nothing of this: the adapter is wrapped before it starts.
"""

from __future__ import annotations

import sys
from dataclasses import replace

from bot.cli import main
from bot.event import Conversation
from bot.platforms.base import Limits
from bot.platforms.telegram.adapter import Telegram

CALLS_PER_S = 1000


class Lifted:
    """Telegram's `limits`, but for one of them."""

    def __init__(self) -> None:
        self._usual = Telegram.limits

    def limits(self, telegram: Telegram, to: Conversation) -> Limits:
        return replace(self._usual(telegram, to), calls_per_s=float(CALLS_PER_S))


if __name__ == "__main__":
    lifted = Lifted()
    setattr(Telegram, "limits", lambda self, to: lifted.limits(self, to))  # noqa: B010  (mypy)
    sys.argv[0] = "visionbot"
    main()
