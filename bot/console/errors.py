"""What the operator's page refuses.

Shut   a call of the page that is refused; `reason` is a key of STATUS and of bot/wording/console.py
"""

from __future__ import annotations

from bot.wording.console import ConsoleKey


class Shut(Exception):
    def __init__(self, reason: ConsoleKey) -> None:
        super().__init__(reason)
        self.reason = reason


STATUS: dict[ConsoleKey, int] = {
    "console_no_entry": 403,
    "console_link_used": 403,
    "console_not_admin": 403,
    "console_malformed": 400,
}
