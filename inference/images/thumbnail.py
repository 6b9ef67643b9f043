"""A small JPEG of a picture, for lists of photos. What it works on was decoded in a child."""

from __future__ import annotations

from io import BytesIO

from PIL import Image

from inference.request import Picture

_LONGEST_SIDE = 320  # twice as wide as it is shown, for fine screens
_QUALITY = 80


def render_thumbnail(picture: Picture) -> bytes:
    image = Image.frombytes("RGB", (picture.width, picture.height), picture.rgb)
    image.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    written = BytesIO()
    image.save(written, "JPEG", quality=_QUALITY)
    return written.getvalue()
