"""What is stored of a photo: what draws it, and of that what may be seen; no metadata of the file.

`Service.stored` is the one way from a photo to the bytes that are kept and shown to others. First
the decoder leaves of the file what draws it (`bare.py`), then what a Covering finds is covered;
where it finds anything, the picture that the model sees is stored in the file's place. Questions
are asked about what is stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Protocol

from inference.request import Picture


@dataclass(frozen=True, slots=True)
class Box:
    """Pixels of a Picture, right and bottom not included; it may reach beyond the picture."""

    left: int
    top: int
    right: int
    bottom: int


class Covering(Protocol):
    async def find(self, picture: Picture) -> Sequence[Box]:
        """What nobody shall see in the stored photo; none: it is stored as it is. The same picture
        must give the same boxes every time, and one that is covered none. Raises nothing."""


def render_covered(picture: Picture, boxes: Sequence[Box]) -> bytes:
    """A PNG in which each box has one colour, its mean: nothing can be read back. It keeps what is
    told of the picture."""
    # delayed: only this needs Pillow
    from PIL import Image

    from inference.images.formats import with_notes

    image = Image.frombytes("RGB", (picture.width, picture.height), picture.rgb)
    for box in boxes:
        left, top = max(0, box.left), max(0, box.top)
        right, bottom = min(image.width, box.right), min(image.height, box.bottom)
        if left < right and top < bottom:
            area = (left, top, right, bottom)
            mean = image.resize((1, 1), Image.Resampling.BOX, box=area)
            image.paste(mean.resize((right - left, bottom - top)), area)
    written = BytesIO()
    image.save(written, "PNG")
    return with_notes(written.getvalue(), picture.notes)
