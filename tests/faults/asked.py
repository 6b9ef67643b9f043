"""One question of the kill loop, and what its person reads as the answer to it."""

from __future__ import annotations

from dataclasses import dataclass

from bot.texts import say
from tests.emulators.telegram.chats import Message
from tests.emulators.telegram.people import Person
from tests.faults.house import House
from tests.faults.model import answer_to

_MANY_KEPT = say("photos_kept", "en", count="").partition(" ")[0] + " "
_NO_ANSWERS = (say("photo_kept", "en"), say("looking", "en"), "…")
LONG = 4000  # letters of a question whose answer takes two messages


@dataclass
class Asked:
    person: Person
    words: str
    messages: list[Message]
    photos: int
    of_echo: bool

    def answers(self, house: House) -> list[str]:
        """All that stands below it and is no word of waiting; cut ones put together."""
        said = [one for one in house.emulator.said(self.person.chat) if not _is_no_answer(one)]
        if len(self.words) > LONG:  # nothing else was asked in this chat
            return ["".join(one.text for one in said)] if said else []
        return [one.text for one in said if one.answers == self.messages[-1].id]

    def is_answered(self, house: House) -> bool:
        answers = self.answers(house)
        return bool(answers) and (not self.of_echo or answer_to(self.words) in answers)


def _is_no_answer(message: Message) -> bool:
    """Words about waiting, or that a photo was kept."""
    waits = any(name.startswith("stop") for name, _ in message.buttons)
    return waits or message.text in _NO_ANSWERS or message.text.startswith(_MANY_KEPT)
