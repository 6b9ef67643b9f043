"""What the page is handed: thumbnails of decoded photos, and who is an admin."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from bot.webpage import shrink
from inference.errors import BadPicture, EngineDown
from inference.request import Picture
from inference.service import Service
from tests.fakes import FakeEngine


class Decoder:
    """Gives one picture, or one fault."""

    def __init__(self, outcome: Picture | Exception) -> None:
        self.outcome = outcome

    async def decode(self, photo: bytes) -> Picture:
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    async def close(self) -> None: ...


async def test_thumbnail_is_a_small_jpeg_of_the_same_shape_and_colour():
    decoder = Decoder(Picture(1000, 500, b"\xf0\x10\x10" * 500_000))

    small = await shrink(Service(FakeEngine(), decoder), b"photo")

    assert small is not None
    with Image.open(BytesIO(small)) as image:
        red, green, blue = image.getpixel((10, 10))
        assert (image.format, image.size) == ("JPEG", (320, 160))
    assert red > 200
    assert max(green, blue) < 60


@pytest.mark.parametrize("fault", [BadPicture("broken"), EngineDown("no child")])
async def test_photo_that_cannot_be_decoded_has_no_thumbnail(fault: Exception):
    assert await shrink(Service(FakeEngine(), Decoder(fault)), b"photo") is None
