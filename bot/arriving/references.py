"""What a question refers to without saying it: a quoted photo, the photo just before it, or, the
other way round, the question just before a photo.

The rule which photo is meant: the quoted one, else what was sent with the question or waits for
it, else the newest one of the conversation, which the window has.
"""

from __future__ import annotations

from bot.arriving.gathering import Sending
from bot.event import Quoted
from bot.intake import MOST_PHOTOS, PhotosSection
from bot.question import Context
from bot.storage.history import History
from bot.storage.inbox import Entry, Inbox
from bot.texts import is_visible

_ASKED = ("waiting", "answered", "stopped")  # states of a question that may get its photo yet


class References:
    def __init__(self, inbox: Inbox, history: History, section: PhotosSection) -> None:
        self._inbox = inbox
        self._history = history
        self._section = section

    async def context(self, entry: Entry) -> Context:
        quoted = entry.event.quoted
        if quoted is None:
            return Context()
        return await (self._ours(entry, quoted) if quoted.ours else self._theirs(entry, quoted))

    async def photos_before(self, sending: Sending) -> list[Entry]:
        """In a group, the person's newest photos that were said to nobody."""
        entry = sending.whole
        if not entry.event.group or entry.event.photos:
            return []
        if await self._history.kept_photos(entry):
            return []
        recent = await self._recent(entry)
        deleted = {one.event.about for one in recent if one.event.kind == "delete"}
        photos = [one for one in recent if _is_photo_to_nobody(one)]
        found: list[Entry] = []
        for one in (one for one in photos if one.event.message not in deleted):
            if found and not self._belong_together(one, found[-1]):
                break
            found.append(one)
        return found[:MOST_PHOTOS]

    async def question_before(self, sending: Sending) -> Entry | None:
        """The person's last words, if they were a question and there was no photo at all."""
        entry = sending.whole
        numbers = {one.id for one in sending.entries}
        first = min(sending.entries, key=lambda one: one.id)
        said = [one for one in await self._recent(first) if one.id not in numbers]
        last = next((one for one in said if not _is_to_nobody(one)), None)
        if last is None or not _is_question_without_photo(last):
            return None
        past = await self._history.past(entry.event.conversation)
        if past.newest_photos or await self._history.kept_photos(first):
            return None
        return last

    async def album_before(self, sending: Sending) -> Entry | None:
        """The question for which these pictures came too late."""
        entry = sending.asked
        if not entry.event.album:
            return None
        for one in await self._recent(entry):
            if one.event.album == entry.event.album and one.state == "waiting":
                return one
        return None

    async def _ours(self, entry: Entry, quoted: Quoted) -> Context:
        answered = await self._inbox.answered_by(entry.event.conversation, quoted.message)
        if answered is None or await self._history.question_of(answered.id) is None:
            return Context()  # a notice of ours: it says nothing about any photo
        photos = await self._history.photos_of(answered.id)
        return Context(digests=tuple(photos), text=quoted.text)

    async def _theirs(self, entry: Entry, quoted: Quoted) -> Context:
        said = await self._inbox.said(entry.event.conversation, quoted.message)
        photos = quoted.photos or (said.event.photos if said else ())
        return Context(photos=photos, text=quoted.text)

    async def _recent(self, entry: Entry) -> list[Entry]:
        since = entry.received_at - self._section.wait_s
        return await self._inbox.recent(entry, since=since)

    def _belong_together(self, earlier: Entry, later: Entry) -> bool:
        if later.event.album and earlier.event.album == later.event.album:
            return True
        return later.received_at - earlier.received_at <= self._section.together_s


def _is_to_nobody(entry: Entry) -> bool:
    """In a group, and not to us."""
    return entry.state == "ignored" and entry.event.kind == "message"


def _is_photo_to_nobody(entry: Entry) -> bool:
    return _is_to_nobody(entry) and bool(entry.event.photos)


def _is_question_without_photo(entry: Entry) -> bool:
    event = entry.event
    alone = not (event.photos or event.files or event.quoted)
    said = event.kind == "message" and is_visible(event.text)
    return alone and said and entry.state in _ASKED
