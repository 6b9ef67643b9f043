"""The words of the message that a question answers, as one line before the question. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from bot import texts
from bot.texts import Language

_LONGEST = 500  # characters
_ENOUGH = 100  # letters and digits by which a message is known again


def before(quoted: str, text: str, language: Language) -> str:
    """The text with the quoted words in front, in one line, cut if they are long."""
    line = " ".join(quoted.split())
    if not line:
        return text
    if len(line) > _LONGEST:
        line = line[: _LONGEST - 1] + "…"
    return f"{texts.say('in_reply_to', language, text=line)}\n{text}"


def is_held(quoted: str, shown: Iterable[str]) -> bool:
    """Do these texts hold the quoted one? Platforms show a text without its markup, and some
    shorten what is quoted, so the beginning of its letters decides."""
    beginning = _letters(quoted)[:_ENOUGH]
    return any(beginning in _letters(text) for text in shown)


def _letters(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())
