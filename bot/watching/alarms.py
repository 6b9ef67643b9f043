"""Tells the owners in their chats what is wrong, once, and that it is over.

What lasts (a token that is not accepted, another program with our token, a platform out of reach)
is told when it has lasted for a while; what happens (a wait of hours that a platform asks for, a
question that is given up) is told with its number. Of one kind and platform there is one letter an
hour at most, whatever happens and however often the program starts: by its key the outbox takes no
second one. Who can be written to only where it is wrong is told when it is over.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, Field

from bot.event import Conversation
from bot.intake import Deliveries
from bot.pacing import Clock, Sleep
from bot.rules import Rules
from bot.storage.errors import NotNow
from bot.storage.outbox import Letter, Outbox
from bot.storage.people import People
from bot.texts import Key, Language, say
from bot.watching.counts import Counts

log = logging.getLogger(__name__)

Kind = Literal["revoked", "conflict", "unreachable", "held", "dead", "full"]

_TEXTS: dict[Kind, Key] = {
    "revoked": "alarm_revoked",
    "conflict": "alarm_conflict",
    "unreachable": "alarm_unreachable",
    "held": "alarm_held",
    "dead": "alarm_dead",
    "full": "alarm_full",
}
_LASTING: tuple[Kind, ...] = ("revoked", "conflict", "unreachable", "full")  # their end is told
_AGAIN_S = 3600.0
_LOOK_EVERY_S = 1.0
_AFTER_FAULT_S = 5.0
_CONFLICT_S = 30.0  # a restart may meet its forerunner
_QUIET_S = 60.0  # without it, until it is over: two programs with one token take turns


class AlarmsSection(BaseModel, extra="forbid", frozen=True):
    """`[alarms]`"""

    tell_owners: bool = True
    after_s: float = Field(300.0, ge=1.0, le=86_400.0)


@dataclass(slots=True)
class _Alarm:
    """Monotonic seconds."""

    began: float
    seen: float
    told: bool = False
    count: int = 0
    wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class _Seen:
    kind: Kind
    platform: str
    count: int = 0
    wait_s: float = 0.0
    since: float | None = None  # None: it was just seen


class Alarms:
    """Bounded by the number of kinds times that of doors."""

    def __init__(
        self,
        section: AlarmsSection,
        deliveries: Deliveries,
        counts: Counts,
        people: People,
        outbox: Outbox,
        rules: Rules,
        language: Language,
        *,
        is_full: Callable[[], bool] = lambda: False,
        clock: Clock = time.monotonic,
        wall: Callable[[], float] = time.time,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._section = section
        self._deliveries = deliveries
        self._counts = counts
        self._people = people
        self._outbox = outbox
        self._rules = rules
        self._language = language
        self._is_full = is_full
        self._clock = clock
        self._wall = wall
        self._sleep = sleep
        self._open: dict[tuple[Kind, str], _Alarm] = {}
        self._told_at: dict[tuple[Kind, str], float] = {}
        self._dead: dict[str, int] = {}  # how many of each door are known of

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            pause_s = _LOOK_EVERY_S
            try:
                await self.look()
            except Exception as error:  # the database may fail for now; it is looked at again
                for_now = isinstance(error, NotNow)
                log.error("the owners are told later: %s", error, exc_info=not for_now)  # noqa: TRY400
                pause_s = _AFTER_FAULT_S
            await self._sleep(pause_s)

    def troubles(self) -> list[dict[str, object]]:
        """What is wrong now, for /health."""
        now = self._clock()
        return [
            {"what": kind, "where": platform, "for_s": round(now - alarm.began, 1)}
            for (kind, platform), alarm in sorted(self._open.items())
        ]

    async def look(self) -> None:
        for seen in self._seen():
            self._note(seen)
        for (kind, platform), alarm in list(self._open.items()):
            if self._is_due(kind, platform, alarm):
                await self._tell(kind, platform, alarm)
                self._told_at[kind, platform] = self._clock()
                alarm.told = True
            if self._is_over(kind, alarm):
                if alarm.told and kind in _LASTING:
                    await self._tell_over(kind, platform, alarm)
                del self._open[kind, platform]

    def _seen(self) -> Iterator[_Seen]:
        if self._is_full():
            yield _Seen("full", "disk")
        for platform, delivery in self._deliveries.items():
            if trouble := delivery.trouble():
                yield _Seen(trouble.kind, platform, since=trouble.since)
            if held_s := delivery.held_s():
                yield _Seen("held", platform, len(held_s), max(held_s))
        for (door, outcome), number in self._counts.questions.items():
            more = number - self._dead.get(door, 0)
            if outcome == "dead" and more:
                self._dead[door] = number
                yield _Seen("dead", door, more)

    def _note(self, seen: _Seen) -> None:
        now = self._clock()
        began = now if seen.since is None else seen.since
        alarm = self._open.setdefault((seen.kind, seen.platform), _Alarm(began, now))
        alarm.seen, alarm.wait_s = now, seen.wait_s
        alarm.count = seen.count if seen.kind == "held" else alarm.count + seen.count

    def _is_due(self, kind: Kind, platform: str, alarm: _Alarm) -> bool:
        after_s = self._section.after_s
        patience_s = {"unreachable": after_s, "conflict": min(_CONFLICT_S, after_s)}.get(kind, 0.0)
        told_at = self._told_at.get((kind, platform))
        if alarm.told or alarm.seen - alarm.began < patience_s:
            return False
        return told_at is None or self._clock() - told_at >= _AGAIN_S

    def _is_over(self, kind: Kind, alarm: _Alarm) -> bool:
        """What is yet to be told stays until it may be."""
        if kind == "dead":
            return alarm.told
        return self._clock() - alarm.seen >= min(_QUIET_S, self._section.after_s)

    async def _tell(self, kind: Kind, platform: str, alarm: _Alarm) -> None:
        passed_s = alarm.wait_s or self._clock() - alarm.began

        def text(language: Language) -> str:
            time = _duration(passed_s, language)
            return say(
                _TEXTS[kind], language, platform=platform.capitalize(), time=time, count=alarm.count
            )

        names = (name for name in self._owners() if self._can_tell(name.partition(":")[0]))
        await self._write(f"{kind}/{platform}", names, text)

    async def _tell_over(self, kind: Kind, platform: str, alarm: _Alarm) -> None:
        passed_s = alarm.seen - alarm.began

        def text(language: Language) -> str:
            time = _duration(passed_s, language)
            key: Key = "alarm_full_over" if kind == "full" else "alarm_over"
            return say(key, language, platform=platform.capitalize(), time=time)

        await self._write(f"{kind}/{platform}/over", self._owners(), text)

    async def _write(
        self, about: str, names: Iterable[str], text: Callable[[Language], str]
    ) -> None:
        if not self._section.tell_owners:
            log.warning("alarm %s", about)
            return
        hour = int(self._wall() // _AGAIN_S)
        letters = []
        for name in names:
            platform, _, person = name.partition(":")
            to = await self._people.private_chat(platform, person)
            if to is None:
                log.warning("%s is an owner, but never wrote to this bot; nobody tells them", name)
                continue
            known = await self._people.known(platform, person)
            spoken = known and (known.language or known.spoken)
            letters.append(_letter(f"{about}/{hour}/{name}", to, text(spoken or self._language)))
        await self._outbox.put(letters)
        log.warning("alarm %s: %s owners are told", about, len(letters))

    def _owners(self) -> Iterator[str]:
        return (
            name
            for name in self._rules.now.access.owners
            if name.partition(":")[0] in self._deliveries
        )

    def _can_tell(self, platform: str) -> bool:
        """Who receives in our place does not keep us from writing."""
        trouble = self._deliveries[platform].trouble()
        return trouble is None or trouble.kind == "conflict"


def _letter(about: str, to: Conversation, text: str) -> Letter:
    return Letter(f"alarm/{about}", to, text)


def _duration(seconds: float, language: Language) -> str:
    hours, minutes = divmod(max(1, round(seconds / 60)), 60)
    if hours:
        return say("alarm_hours", language, hours=hours, minutes=minutes)
    return say("alarm_minutes", language, minutes=minutes)
