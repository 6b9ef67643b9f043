"""/language: which language a person is answered in, from this moment on."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from bot.action import Action, Say
from bot.event import Event
from bot.texts import Key, Language
from handlers.desk import Desk

_CHOICES: dict[str, Language | Literal[""]] = {
    "zh": "zh",
    "中文": "zh",
    "汉语": "zh",
    "chinese": "zh",
    "en": "en",
    "英文": "en",
    "英语": "en",
    "english": "en",
    "auto": "",
    "自动": "",
}
_SAID: dict[Language | Literal[""], Key] = {
    "zh": "language_zh",
    "en": "language_en",
    "": "language_auto",
}


async def choose(event: Event, desk: Desk) -> Action:
    """Doing it twice does no harm: the choice is the same."""
    wish = event.text.split()[1:]
    choice = _CHOICES.get(wish[0].lower()) if len(wish) == 1 else None
    if choice is None:
        return Say(desk.say(replace(event, text=""), "language_usage"))
    await desk.people.choose_language(event.conversation.platform, event.person.id, choice)
    person = replace(event.person, chosen=choice)
    return Say(desk.say(replace(event, person=person, text=""), _SAID[choice]))
