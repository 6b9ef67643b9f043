"""Numbers and addresses of people that can be read in a photo, so that they are covered before it
is stored; needs a reader of text."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from inference.errors import CannotRead, ModelUnusable
from inference.images.keeping import Box
from inference.images.reading import ReadText, TextReader
from inference.request import Picture
from inference.safety.personal.masking import Found, find
from inference.safety.section import SafetySection

log = logging.getLogger("inference.images")


class PersonalCovering:
    """One photo at a time: others who need the reader shall find a place in its line."""

    def __init__(self, reader: TextReader, section: Callable[[], SafetySection]) -> None:
        self._reader = reader
        self._section = section
        self._turn = asyncio.Lock()

    async def find(self, picture: Picture) -> Sequence[Box]:
        """The whole of each number; none where that is off. A photo that cannot be read is stored
        as it is: the words of a question shall not be lost with it."""
        section = self._section()
        if not section.personal_in_pictures:
            return ()
        try:
            async with self._turn:
                text = await self._reader.read(picture)
        except CannotRead as error:
            log.warning("a photo is stored without a look for numbers: %s", error)
            return ()
        boxes = boxes_of(text, find(text.text, section.personal, section.personal_never))
        if boxes:
            log.info("%(boxes)d places of a photo are covered", {"boxes": len(boxes)})
        return boxes


def make_covering(
    reader: TextReader | None, section: Callable[[], SafetySection]
) -> PersonalCovering | None:
    """None: there is no reader, and none is needed. Raises ModelUnusable where one is."""
    if reader is not None:
        return PersonalCovering(reader, section)
    if section().personal_in_pictures:
        raise ModelUnusable(
            "[safety] personal_in_pictures is on, but no text can be read in pictures; run"
            ' pip install -e ".[ocr]" and see that [ocr] enabled is not "off"'
        )
    return None


def boxes_of(text: ReadText, found: Sequence[Found]) -> list[Box]:
    """Where what was found in `text.text` stands in the picture; a number may be in several of
    its pieces."""
    boxes: list[Box] = []
    at = 0
    for line in text.lines:
        end = at + len(line.text)
        boxes += [
            Box(*line.part(max(one.start, at) - at, min(one.end, end) - at))
            for one in found
            if one.start < end and at < one.end
        ]
        at = end + 1  # a blank, or a line break
    return boxes
