"""Orders about known bad pictures: block, list, allow."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.access.periods import Periods
from bot.admin.actor import Actor
from bot.admin.report import Report
from bot.rules import Rules
from bot.storage.audit import Audit, Outcome
from bot.storage.blocked import MOST, BlockedPictures
from bot.storage.db import Transaction
from bot.texts import picture_fault
from inference.errors import BadPicture
from inference.images.likeness import likeness_of
from inference.request import Picture

_SHOWN = 12  # characters of a digest by which people tell pictures apart
_LONGEST_WHY = 200

Decode = Callable[[bytes], Awaitable[Picture]]


class PictureDesk:
    def __init__(self, blocked: BlockedPictures, audit: Audit, rules: Rules) -> None:
        self._blocked = blocked
        self._audit = audit
        self._rules = rules

    async def block(self, actor: Actor, photo: bytes, why: str, decode: Decode) -> str:
        """As the program sees it: whatever file it comes in, its pixels are what is blocked."""
        try:
            picture = await decode(photo)
        except BadPicture as error:
            said = picture_fault(error.reason, error.value, error.limit, actor.language)
            return await self._audit.once(actor.act, _saying(Outcome(said, refused=True)))

        async def change(transaction: Transaction) -> Outcome:
            number = await self._blocked.block_with(
                transaction,
                picture.digest,
                likeness_of(picture),
                who=actor.act.actor,
                why=" ".join(why.split())[:_LONGEST_WHY],
            )
            if number is None:
                return actor.refusal("", "pictures_full", limit=MOST)
            return actor.outcome(picture.digest[:_SHOWN], "picture_listed", number=number)

        return await self._audit.once(actor.act, change)

    async def all(self, actor: Actor) -> Report:
        """Newest first."""
        periods = Periods(self._rules.now.quota.timezone)
        rows = [
            (str(one.id), one.digest[:_SHOWN], periods.written(one.at), one.who, one.why)
            for one in await self._blocked.all()
        ]
        return Report(actor.say("pictures_title" if rows else "pictures_none"), rows)

    async def allow(self, actor: Actor, number: int) -> str:
        async def change(transaction: Transaction) -> Outcome:
            if not await self._blocked.allow_with(transaction, number):
                return actor.refusal("", "picture_unlisted", number=number)
            return actor.outcome("", "picture_allowed", number=number)

        return await self._audit.once(actor.act, change)


def _saying(outcome: Outcome) -> Callable[[Transaction], Awaitable[Outcome]]:
    async def change(_: Transaction) -> Outcome:
        return outcome

    return change
