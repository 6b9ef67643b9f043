"""What goes wrong in the program itself, apart from its platforms, its store and its engine.

ConfigError   a setting is unknown, wrong or missing; the message names it and the remedy
Unusable      a photo or file that somebody sent cannot be used; `said` tells the person why
"""

from __future__ import annotations


class ConfigError(Exception):
    pass


class Unusable(Exception):
    """`said`: why, and what to do, in the person's language."""

    def __init__(self, said: str) -> None:
        super().__init__("a photo or file cannot be used")
        self.said = said
