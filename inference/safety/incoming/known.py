"""Known bad pictures: the very pixels are blocked, what looks the same is for staff to look at.

Forms filled in differently may look the same, so nothing is ever blocked for its looks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from inference.images.alike import distance
from inference.images.likeness import likeness_of
from inference.request import Picture
from inference.safety.verdict import Action, Context, Verdict

CATEGORY = "known_picture"
LOOKS_SAME_BITS = 12  # of 256

_BITS = 256
_DETECTOR, _VERSION = "known", "1"

Listed = Callable[[], Sequence[tuple[str, bytes]]]  # of each: Picture.digest, and its likeness


class KnownPictures:
    """A PictureDetector. `listed`: the list of the moment."""

    def __init__(self, listed: Listed) -> None:
        self._listed = listed

    async def check(self, picture: Picture, context: Context) -> list[Verdict]:
        listed = self._listed()
        if not listed:
            return []
        # pixels are hashed, and compared with up to some thousands of others
        verdict = await asyncio.to_thread(_look, picture, listed)
        return [verdict] if verdict else []


def _look(picture: Picture, listed: Sequence[tuple[str, bytes]]) -> Verdict | None:
    if picture.digest in {digest for digest, _ in listed}:
        return _verdict("block", 0)
    looks = likeness_of(picture)
    nearest = min(distance(looks, likeness) for _, likeness in listed)
    return _verdict("review", nearest) if nearest <= LOOKS_SAME_BITS else None


def _verdict(action: Action, bits: int) -> Verdict:
    return Verdict(action, CATEGORY, 1 - bits / _BITS, _DETECTOR, _VERSION)
