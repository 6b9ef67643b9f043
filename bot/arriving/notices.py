"""Short messages without the model. In a group what went wrong is said quietly: each kind of it
once in a while, however often it happens."""

from __future__ import annotations

from collections.abc import Callable

from bot.action import Say
from bot.event import Button, Document, Event
from bot.intake import Deliveries
from bot.pacing import Urgency
from bot.platforms.base import Post
from bot.storage.inbox import Entry

_AGAIN_AFTER_S = 600.0
_REMEMBERED = 1024  # of each; beyond that the old ones are forgotten


class Notices:
    def __init__(self, deliveries: Deliveries, *, clock: Callable[[], float]) -> None:
        self._deliveries = deliveries
        self._clock = clock
        self._said: dict[tuple[str, str, str], float] = {}  # platform, chat, kind of complaint
        self._keys: dict[str, None] = {}  # of what was said, the newest last

    async def carry_out(self, entry: Entry, wish: Say) -> None:
        """Raises the same as those below."""
        if wish.notice:
            await self.complain(entry, wish.text, wish.text)
        elif wish.thanks:
            await self.thank(entry, wish.text)
        else:
            await self.say(entry, wish.text, wish.buttons, wish.document)

    async def say(
        self,
        entry: Entry,
        text: str,
        buttons: tuple[Button, ...] = (),
        document: Document | None = None,
        urgency: Urgency = Urgency.FINAL,
    ) -> None:
        """Nothing if there is no text, or if the entry was told something already, and is done
        again because what came after that failed. Raises Undelivered, Gone, Refused."""
        key = f"say-{entry.id}-{entry.received_at:.6f}"
        if not text or key in self._keys:
            return
        event = entry.event
        delivery = self._deliveries[event.conversation.platform]
        post = Post(text, buttons=buttons, document=document)
        to = event.conversation
        await delivery.say(to, post, reply_to=_answers(event), key=key, urgency=urgency)
        self._keys[key] = None
        if len(self._keys) > _REMEMBERED:
            del self._keys[next(iter(self._keys))]

    async def thank(self, entry: Entry, text: str) -> None:
        """For a press, unless its button shows it. Raises the same."""
        where = entry.event.conversation
        if not self._deliveries[where.platform].limits(where).shows_presses:
            await self.say(entry, text)

    async def complain(self, entry: Entry, text: str, kind: str) -> None:
        """Perhaps: see above. In a crowd whole answers go before it. Raises the same."""
        event = entry.event
        if not event.group or (event.addressed and self._is_due(event, kind)):
            await self.say(entry, text, urgency=Urgency.FIRST)

    def _is_due(self, event: Event, kind: str) -> bool:
        now = self._clock()
        where = (event.conversation.platform, event.conversation.chat, kind)
        if now - self._said.get(where, -_AGAIN_AFTER_S) < _AGAIN_AFTER_S:
            return False
        if len(self._said) >= _REMEMBERED:
            self._said = {k: at for k, at in self._said.items() if now - at < _AGAIN_AFTER_S}
        self._said[where] = now
        return True


def _answers(event: Event) -> str | None:
    """The message to reply to; what was deleted can have no reply."""
    match event.kind:
        case "message":
            return event.message
        case "delete":
            return None
    return event.about
