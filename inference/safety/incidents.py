"""What staff are told: each thing once, masked and short; and what staff let through."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable

from inference.safety.outgoing.stage import COVER
from inference.safety.verdict import UNCHECKED, Allowed, Context, Incident, Report, Verdict

_MOST_KEPT = 4096
_LONGEST = 120  # characters of an excerpt
_AROUND = 30  # of them on each side of what was found
_MARGIN = 200  # characters beside these, by which a number that is cut there is still known

Allowing = frozenset[str]  # categories


class Incidents:
    def __init__(
        self,
        report: Report | None = None,
        allowed: Allowed | None = None,
        *,
        masked: Callable[[str], str] = str,
    ) -> None:
        """`masked`: without the numbers of people."""
        self._report = report
        self._allowed = allowed
        self._masked = masked
        self._told: OrderedDict[bytes, int | None] = OrderedDict()  # the numbers of cases

    async def allowing(self, context: Context) -> Allowing:
        """What staff let through of this very thing."""
        return frozenset() if self._allowed is None else await self._allowed(context)

    async def tell(
        self,
        context: Context,
        verdict: Verdict,
        text: str = "",
        *,
        picture: str = "",
        photo: str = "",
    ) -> int | None:
        """The number of the case; the same thing has one. Asked again, it is another thing if it
        was blocked, and the same if it went on. `text`: what the verdict's spans are places in.
        What could not be checked is no case: there is nothing to decide or to appeal against."""
        if verdict.category == UNCHECKED:
            return None
        once = _key(context, verdict, context.request)
        ever = once if verdict.action == "block" else _key(context, verdict)
        for key in (once, ever):
            if key in self._told and (context.request or ever != once):
                self._told.move_to_end(key)
                return self._told[key]
        incident = Incident(context, verdict, self._excerpt(text, verdict), picture, photo)
        number = None if self._report is None else await self._report(incident)
        # what could not be kept is tried again when it is asked again, but not within one answer
        self._told[once if number is None else ever] = number
        if len(self._told) > _MOST_KEPT:
            self._told.popitem(last=False)
        return number

    def _excerpt(self, text: str, verdict: Verdict) -> str:
        """Around the first place, or the beginning where none is known. It is masked before it is
        cut, for a number of which a piece is missing is not known any more."""
        start, end = verdict.spans[0] if verdict.spans else (0, _LONGEST)
        begins = max(0, start - _AROUND - _MARGIN)
        wide = self._masked(text[begins : end + _AROUND + _MARGIN])
        cut = wide[max(0, start - _AROUND - begins) : end + _AROUND - begins]
        short = " ".join(cut.replace(COVER, "*").split())
        return short if len(short) <= _LONGEST else short[: _LONGEST - 1] + "…"


def _key(context: Context, verdict: Verdict, request: str = "") -> bytes:
    name = "\n".join(
        (
            *(context.person, request, context.where, context.subject),
            *(verdict.action, verdict.category, verdict.detector, verdict.version),
        )
    )
    return hashlib.sha256(name.encode("utf-8", "replace")).digest()
