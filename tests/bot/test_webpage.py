"""What the page is handed: thumbnails of decoded photos, and who is an admin."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from bot import texts
from bot.platforms.web.errors import BadPhoto, PageError
from bot.webpage import shrink, strip
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

    async def bare(self, photo: bytes) -> bytes:
        await self.decode(photo)
        return b"bare " + photo

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


async def test_what_is_stored_of_a_photo_is_what_the_service_says():
    decoder = Decoder(Picture(1, 1, b"rgb"))

    assert await strip(Service(FakeEngine(), decoder), b"photo") == b"bare photo"


async def test_photo_that_cannot_be_used_is_refused_in_both_languages():
    decoder = Decoder(BadPicture("too_small", value=9, limit=28))

    with pytest.raises(BadPhoto) as caught:
        await strip(Service(FakeEngine(), decoder), b"photo")

    assert caught.value.zh == texts.picture_fault("too_small", 9, 28, "zh")
    assert caught.value.en == texts.picture_fault("too_small", 9, 28, "en")


async def test_photo_that_cannot_be_looked_at_now_may_be_sent_again():
    with pytest.raises(PageError) as caught:
        await strip(Service(FakeEngine(), Decoder(EngineDown("no child"))), b"photo")

    assert caught.value.code == "not_kept"
