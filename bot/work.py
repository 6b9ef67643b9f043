"""What is being done for people at this moment, by whichever part of the program."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence, Set

from bot.arriving.admission import Admission
from bot.call import Call
from bot.line import Line
from bot.postman import Postman
from bot.question import Question
from bot.storage.erasing.erasures import Erasure
from bot.storage.inbox import Entry


class Work:
    def __init__(
        self,
        line: Line[Question | Call],
        admission: Admission,
        postman: Postman,
        entries: Callable[[], Sequence[Entry]],
        being_kept: Callable[[str], Set[Hashable]],
    ) -> None:
        """`entries`: all that the dispatcher has in hand, with those of `admission`. `being_kept`:
        answers of the API to this person, "api:id", that are kept when they have their end."""
        self._line = line
        self._admission = admission
        self._postman = postman
        self._entries = entries
        self._being_kept = being_kept

    async def stop(self, who: Erasure) -> None:
        """What waits and runs of theirs, as far as it came before the order. A call of the API ends
        by itself."""
        await self._admission.stop_all(who.platform, who.person, upto=who.upto)

    def in_hand(self, who: Erasure, chats: Sequence[str]) -> set[Hashable]:
        held: set[Hashable] = {
            entry.id
            for entry in self._entries()
            if entry.id <= who.upto
            and entry.event.conversation.platform == who.platform
            and entry.event.person.id == who.person
        }
        held |= {chat for chat in chats if self._postman.is_on_the_way(who.platform, chat)}
        return held

    def calls(self, who: Erasure) -> set[Hashable]:
        calls = (one for one in self._line.everybody() if isinstance(one, Call))
        return {*(call for call in calls if _is_of(call, who)), *self._being_kept(who.name)}


def _is_of(call: Call, who: Erasure) -> bool:
    """A call's person is its key, and the user whom that names."""
    return isinstance(call.person, tuple) and call.person[0] == who.name
