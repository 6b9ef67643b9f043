"""What people are told about their photos below an answer: one sentence for each note."""

from __future__ import annotations

from collections.abc import Collection

from bot import texts
from bot.texts import Key, Language
from inference.request import PictureNote

_KEYS: dict[PictureNote, Key] = {
    "first_page": "note_first_page",
    "first_frame": "note_first_frame",
    "straightened": "note_straightened",
}


def told(notes: Collection[PictureNote], language: Language) -> str:
    """Empty: there is nothing to tell."""
    return "\n".join(texts.say(key, language) for note, key in _KEYS.items() if note in notes)
