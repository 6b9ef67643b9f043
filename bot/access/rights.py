"""What people may ask about what is kept of them, and whom that is asked of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.event import Conversation
from bot.storage.copy import Copies
from bot.storage.erasing.erasures import Erasures


@dataclass(frozen=True, slots=True)
class Rights:
    copies: Copies
    erasures: Erasures
    takes_files: Callable[[Conversation], bool]
    is_remote: bool = False  # the model is on another server
