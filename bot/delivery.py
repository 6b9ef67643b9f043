"""One call to a platform, repeated for as long as that is harmless and may help."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from bot.event import Attachment, Conversation
from bot.pacing import Clock, Governor, Sleep, Urgency
from bot.platforms.base import (
    Limits,
    NotSent,
    Platform,
    PlatformError,
    Post,
    Refused,
    Revoked,
    Single,
    TooFast,
    Trouble,
    Troubled,
    Unclear,
)
from bot.watching.counts import Counts, MessageKind

log = logging.getLogger(__name__)

T = TypeVar("T")

WORTH_A_WARNING_S = 300.0  # a wait, to whoever runs the program

_CALL_S = 90.0  # an adapter's own limits are shorter
_FETCH_S = 120.0
_FETCH_TRIES = 8  # in about a minute
_LONGEST_FETCH_PAUSE_S = 60.0
_FIRST_PAUSE_S = 0.5  # doubled with every failure in a row
_LONGEST_PAUSE_S = 60.0
_REVOKED_PAUSE_S = 300.0
_PATIENCE_S = 86_400.0  # who has heard nothing for a day does not wait any more


class Undelivered(Exception):
    """The platform could not be reached for so long that we gave up in this run."""


class Delivery:
    """The calls of one account; every one of them passes its governor."""

    def __init__(
        self,
        platform: Platform,
        governor: Governor,
        counts: Counts | None = None,
        *,
        clock: Clock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
        patience_s: float = _PATIENCE_S,
        call_s: float = _CALL_S,
        revoked_pause_s: float = _REVOKED_PAUSE_S,
        sure: Callable[[], Awaitable[None]] | None = None,
        share: Callable[[], int] = lambda: 1,
    ) -> None:
        """`sure`: returns when no other program may be saying the same. `share`: how many programs
        speak through this account."""
        self.platform = platform
        self._governor = governor
        self._counts = counts or Counts()
        self._clock = clock
        self._sleep = sleep
        self._patience_s = patience_s
        self._call_s = call_s
        self._revoked_pause_s = revoked_pause_s
        self._sure = sure
        self._share = share
        self._revoked_at: float | None = None  # when we learned that our access was taken away
        self._probe_at = 0.0  # whether it still is, is asked again then

    @property
    def waiting(self) -> int:
        """How many calls wait for their turn."""
        return self._governor.waiting

    def trouble(self) -> Trouble | None:
        """What keeps us from this platform, as those who send and those who receive know it. What
        nobody has asked for a while is not known any more."""
        asked = self._clock() < self._probe_at + self._revoked_pause_s
        if self._revoked_at is not None and asked:
            return Trouble("revoked", self._revoked_at)
        return self.platform.trouble() if isinstance(self.platform, Troubled) else None

    def held_s(self) -> list[float]:
        """How long each chat still waits that the platform holds for so long that it matters."""
        return self._governor.held_s(WORTH_A_WARNING_S)

    def limits(self, to: Conversation) -> Limits:
        return self.platform.limits(to)

    async def send(self, to: Conversation, post: Post, *, reply_to: str | None, key: str) -> str:
        """The platform's own, counted; for the `call` of `persist`."""
        kind: MessageKind = "final" if post.final else "first"
        self._counts.message(self.platform.name, "send", kind)
        return await self.platform.send(to, post, reply_to=reply_to, key=key)

    async def edit(self, to: Conversation, message: str, post: Post) -> str:
        """Likewise."""
        kind: MessageKind = "final" if post.final else "preview"
        self._counts.message(self.platform.name, "edit", kind)
        return await self.platform.edit(to, message, post)

    async def say(
        self,
        to: Conversation,
        post: Post,
        *,
        reply_to: str | None,
        key: str,
        urgency: Urgency = Urgency.FINAL,
    ) -> str | None:
        """The message's id; None: the call may have had its effect, and is not repeated.

        Raises Undelivered, Gone, Refused.
        """
        try:
            return await self.persist(
                to,
                lambda: self.send(to, post, reply_to=reply_to, key=key),
                urgency=lambda: urgency,
                harmless=self.limits(to).keyed,
            )
        except Unclear:
            log.warning("a message to %s chat %s may be lost", to.platform, to.chat)
            return None

    async def persist(
        self,
        to: Conversation,
        call: Callable[[], Awaitable[T]],
        *,
        urgency: Callable[[], Urgency],
        harmless: bool,
    ) -> T:
        """`call` is asked anew for every try, in its turn. `harmless`: it may have its effect
        twice. Raises Undelivered, Gone, LostMessage, Refused, and Unclear unless harmless."""
        give_up_at = self._clock() + self._patience_s
        failures = 0
        while True:
            try:
                return await self._once(to, call, urgency)
            except PlatformError as error:
                self._counts.fault(self.platform.name, fault_name(error))
                if not isinstance(error, (TooFast, NotSent, Revoked, Unclear)):
                    raise
                if isinstance(error, Unclear) and not harmless:
                    raise
                pause_s = self._pause_s(error, failures)
                level = logging.WARNING if pause_s >= WORTH_A_WARNING_S else logging.INFO
                log.log(level, "%s chat %s: %s; trying again", to.platform, to.chat, error)
                if self._clock() + pause_s > give_up_at:
                    raise Undelivered(f"no way to {to.platform} chat {to.chat}") from error
                if isinstance(error, TooFast):
                    continue  # the governor holds the chat
            failures += 1
            await self._sleep(pause_s)

    async def fetch(self, photo: Attachment, *, max_bytes: int) -> bytes:
        """Raises PlatformError when it cannot be had after some tries. While there is no way to the
        platform at all no try is lost: nothing could be said to the person either."""
        give_up_at = self._clock() + self._patience_s
        failures = tries = 0
        while True:
            try:
                return await self._fetch_once(photo, max_bytes)
            except PlatformError as error:
                self._counts.fault(self.platform.name, fault_name(error))
                if not isinstance(error, (TooFast, NotSent, Revoked, Unclear)):
                    raise
                pause_s = self._pause_s(error, failures)
                failures += 1
                if isinstance(error, (NotSent, Revoked)):
                    hopeless = self._clock() + pause_s > give_up_at
                else:
                    tries += 1
                    hopeless = tries == _FETCH_TRIES or pause_s > _LONGEST_FETCH_PAUSE_S
                if hopeless:
                    raise
                log.info("photo from %s: %s; trying again", self.platform.name, error)
            await self._sleep(pause_s)

    async def _once(
        self, to: Conversation, call: Callable[[], Awaitable[T]], urgency: Callable[[], Urgency]
    ) -> T:
        async with self._governor.turn(to.chat, self._shared_limits(to), urgency):
            if self._sure is not None:
                await self._sure()
            self._refuse_while_revoked()
            try:
                async with asyncio.timeout(self._call_s):
                    result = await call()
            except TimeoutError as error:
                raise Unclear(f"no answer within {self._call_s:g} s") from error
            except Revoked:
                if self._revoked_at is None:
                    self._revoked_at = self._clock()
                    self._probe_at = self._revoked_at + self._revoked_pause_s
                raise
            self._revoked_at = None
            return result

    def _shared_limits(self, to: Conversation) -> Limits:
        alone = isinstance(self.platform, Single)  # whoever leads speaks for all
        limits, share = self.limits(to), 1 if alone else self._share()
        return limits if share == 1 else replace(limits, calls_per_s=limits.calls_per_s / share)

    def _refuse_while_revoked(self) -> None:
        """One call of all chats asks for the account once in a while, or a platform that has shut
        us out would be called for each of them."""
        if self._revoked_at is None:
            return
        if self._clock() < self._probe_at:
            raise Revoked("our access was taken away; it is asked for again later")
        self._probe_at = self._clock() + self._revoked_pause_s

    async def _fetch_once(self, photo: Attachment, max_bytes: int) -> bytes:
        try:
            async with asyncio.timeout(_FETCH_S):
                data = await self.platform.fetch(photo, max_bytes=max_bytes)
        except TimeoutError as error:
            raise Unclear(f"the photo did not come within {_FETCH_S:g} s") from error
        if photo.size_bytes and len(data) < photo.size_bytes:
            raise Unclear(f"{len(data)} of {photo.size_bytes} bytes came")
        if len(data) > max_bytes:
            raise Refused(f"the photo has {len(data)} bytes, the limit is {max_bytes}")
        return data

    def _pause_s(self, error: PlatformError, failures: int) -> float:
        match error:
            case TooFast():
                return error.retry_after_s
            case Revoked():
                return self._revoked_pause_s
            case _:
                return min(_FIRST_PAUSE_S * 2.0 ** min(failures, 16), _LONGEST_PAUSE_S)


def fault_name(error: PlatformError) -> str:
    """For counting: "too_fast", "not_sent" and so on; see bot/platforms/base.py."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(error).__name__).lower()
