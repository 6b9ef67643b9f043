"""What is secret becomes `***`, wherever it stands: what we were given, and what looks like it."""

from __future__ import annotations

import re
from collections.abc import Iterable

_MASK = "***"
_SHORTEST = 6  # masking a shorter one would make the log unreadable
_BY_LOOKS = re.compile(
    r"""
      \b\d{3,}(?: : | %3A )[A-Za-z0-9_-]{30,}            # a bot token of Telegram
    | (?<=/bot)\d+(?: : | %3A )[^/\s"']+                 # what stands where one stands in addresses
    | \bvb-[A-Za-z0-9_-]{8,}                             # a key of our API
    | \bsyt_[A-Za-z0-9_]{10,}                            # a session of Synapse
    | (?<![\w$!+/=-])  # 256 bits as text; ids of Matrix begin with $ or !
      (?=[\w-]*[A-Z])(?=[\w-]*[a-z])(?=[\w-]*\d)[A-Za-z0-9_-]{43,}
    """,
    re.VERBOSE | re.ASCII,
)
# Here what comes before tells what it is, and stays.
_BY_PLACE = re.compile(
    r"""
    ( \b(?: Bearer | Basic )\s+
    | \b(?: Authorization | Set-Cookie | Cookie | X-Api-Key )["']?\s*[:=]\s*["']?
        (?: (?: Bearer | Basic )\s+ )?
    | [?&;](?: code | key | token | secret | password | access_code )=
    )
    [^\s"',;&]+
    """,
    re.VERBOSE | re.ASCII | re.IGNORECASE,
)


class Mask:
    """`secrets` are those of the settings; what the program makes itself is known by its looks."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        long_enough = {secret for secret in secrets if len(secret) >= _SHORTEST}
        # longest first: one secret may begin with another
        given = "|".join(re.escape(s) for s in sorted(long_enough, key=len, reverse=True))
        self._given = re.compile(given) if given else None

    def __call__(self, text: str) -> str:
        if self._given is not None:
            text = self._given.sub(_MASK, text)
        return _BY_PLACE.sub(rf"\1{_MASK}", _BY_LOOKS.sub(_MASK, text))
