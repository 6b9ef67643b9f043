"""What a look at one part of the program finds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bot.checkup.running import Running
from bot.config import Settings
from bot.texts import Key, Language, say

State = Literal["ok", "problem", "off"]


@dataclass(frozen=True, slots=True)
class Finding:
    state: State
    detail: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Round:
    """What every look is given."""

    settings: Settings
    file: Path | None  # of the settings, if there is one
    language: Language
    running: Running | None  # our own program, if it runs on this data folder

    def say(self, key: Key, **values: object) -> str:
        return say(key, self.language, **values)

    def ok(self, key: Key, **values: object) -> Finding:
        return Finding("ok", self.say(key, **values))

    def off(self, key: Key, **values: object) -> Finding:
        return Finding("off", self.say(key, **values))

    def problem(self, key: Key, remedy: Key, **values: object) -> Finding:
        """Both sentences are filled from the same values."""
        return Finding("problem", self.say(key, **values), self.say(remedy, **values))
