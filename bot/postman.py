"""The postman: brings the letters of the outbox to people, those of one chat in order.

A letter ends when the platform has all of it, or when nobody is there to have it. What was under
way when the program ended is sent under the same key after the next start, part by part.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from bot.delivery import Delivery, Undelivered
from bot.intake import Deliveries
from bot.pacing import Sleep, Urgency
from bot.parts import cut, units
from bot.platforms.base import Gone, Limits, Post, Refused, Unclear
from bot.storage.errors import NotNow
from bot.storage.outbox import Fate, Letter, Outbox, Pending
from bot.storage.photos import Photos
from inference.trace import tracing

log = logging.getLogger(__name__)

T = TypeVar("T")

_MOST_CHATS = 64  # of one platform, that are written to side by side
_MOST_PATIENT = 8  # the same for letters that let others go first
_PAUSES_S = (1.0, 5.0, 20.0)  # after a fault of ours; then the letter is given up
_DATABASE_PAUSE_S = 1.0
_LOOK_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class _Part:
    number: int
    text: str
    photo: str = ""
    is_last: bool = False


class Postman:
    def __init__(
        self,
        outbox: Outbox,
        photos: Photos,
        deliveries: Deliveries,
        *,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._outbox = outbox
        self._photos = photos
        self._deliveries = deliveries
        self._sleep = sleep
        # By platform and whether they are patient: the chats that somebody is on the way to.
        self._out: dict[tuple[str, bool], set[str]] = {
            (platform, patient): set() for platform in deliveries for patient in (False, True)
        }

    def is_on_the_way(self, platform: str, chat: str) -> bool:
        """To anybody there."""
        return any(chat in out for (name, _), out in self._out.items() if name == platform)

    async def run(self) -> None:
        """Until cancelled. First the letters that were put before the program ended."""
        async with asyncio.TaskGroup() as group:
            while True:
                with suppress(TimeoutError):  # another program may have put letters
                    async with asyncio.timeout(_LOOK_EVERY_S):
                        await self._outbox.arrived()
                for (platform, patient), out in self._out.items():
                    await self._send_out(platform, out, group, patient=patient)

    async def _send_out(
        self, platform: str, out: set[str], group: asyncio.TaskGroup, *, patient: bool
    ) -> None:
        most = _MOST_PATIENT if patient else _MOST_CHATS
        while len(out) < most:
            ask = partial(self._outbox.waiting, platform, patient=patient, without=out, limit=most)
            found = await self._persist(ask)
            if not found:
                return
            for pending in found:
                chat = pending.letter.to.chat
                if chat not in out and len(out) < most:
                    out.add(chat)
                    group.create_task(self._bring(pending, out))

    async def _bring(self, pending: Pending, out: set[str]) -> None:
        with tracing(f"letter-{pending.id}"):
            fate = await self._fate(pending)
            await self._persist(partial(self._outbox.end, pending.id, fate))
            log.info("%s", fate)
        out.discard(pending.letter.to.chat)
        self._outbox.ring()

    async def _fate(self, pending: Pending) -> Fate:
        pauses = iter(_PAUSES_S)
        while True:
            try:
                return await self._deliver(pending)
            except Undelivered as error:
                log.error("letter %s is tried again: %s", pending.id, error)  # noqa: TRY400
            except (Gone, Refused) as error:
                log.warning("letter %s cannot be delivered: %s", pending.id, error)
                return "failed"
            except Exception:  # one letter may fail, the others go on
                log.exception("letter %s failed", pending.id)
                pause_s = next(pauses, None)
                if pause_s is None:
                    return "failed"
                await self._sleep(pause_s)

    async def _deliver(self, pending: Pending) -> Fate:
        delivery = self._deliveries[pending.letter.to.platform]
        sent = await self._persist(partial(self._outbox.sent, pending.id))
        fate: Fate = "sent"
        for part in _parts(pending.letter, delivery.limits(pending.letter.to)):
            if part.number in sent:
                continue
            try:
                message = await self._send(pending.letter, part, delivery)
            except Unclear:
                log.warning("part %s of letter %s may be lost", part.number, pending.id)
                fate = "unclear"
            else:
                await self._persist(partial(self._outbox.note, pending.id, part.number, message))
        return fate

    async def _send(self, letter: Letter, part: _Part, delivery: Delivery) -> str:
        async def call() -> str:
            photo = await self._photo(part)  # in memory for as long as the call takes
            return await delivery.send(
                letter.to,
                Post(part.text, buttons=letter.buttons if part.is_last else (), photo=photo),
                reply_to=None if part.number else letter.reply_to,
                key=f"{letter.key}#{part.number}" if part.number else letter.key,
            )

        urgency = Urgency.PREVIEW if letter.patient else Urgency.FINAL
        keyed = delivery.limits(letter.to).keyed
        return await delivery.persist(letter.to, call, urgency=lambda: urgency, harmless=keyed)

    async def _photo(self, part: _Part) -> bytes | None:
        if not part.photo:
            return None
        try:
            return await self._photos.get(part.photo)
        except FileNotFoundError as error:
            if not part.text:
                raise Refused("its photo is not kept any more") from error
            log.warning("photo %s of a letter is not kept any more", part.photo[:12])
            return None

    async def _persist(self, step: Callable[[], Awaitable[T]]) -> T:
        """The database may fail for now. No letter is given up for that, and none is sent again
        that people have seen."""
        while True:
            try:
                return await step()
            except Exception as error:  # it keeps the letters, and may be full or locked for hours
                for_now = isinstance(error, NotNow)
                log.error("the outbox cannot be reached: %s", error, exc_info=not for_now)  # noqa: TRY400
                await self._sleep(_DATABASE_PAUSE_S)


def _parts(letter: Letter, limits: Limits) -> list[_Part]:
    texts = cut(letter.text, limits)
    if letter.photo and (not texts or units(letter.text.strip(), limits) > limits.caption_units):
        texts.insert(0, "")  # the photo stands alone
    last = len(texts) - 1
    return [
        _Part(number, text, "" if number else letter.photo, is_last=number == last)
        for number, text in enumerate(texts)
    ]
