"""Photos good and hostile, made here: no files of others are kept in the tests."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from io import BytesIO

import pytest
from PIL import Image

from inference.images.decode import PicturesSection
from inference.images.limits import Limits

Encode = Callable[..., bytes]


@pytest.fixture
def limits() -> Limits:
    return PicturesSection().limits()


@pytest.fixture
def encode() -> Encode:
    def encode(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
        file = BytesIO()
        image.save(file, kind, **options)
        return file.getvalue()

    return encode


@pytest.fixture
def png() -> Encode:
    """A PNG of blank pixels, from its header fields; it compresses to next to nothing."""

    def png(
        width: int, height: int, *, depth: int = 8, colour: int = 2, extra: bytes = b""
    ) -> bytes:
        samples = {0: 1, 2: 3, 6: 4}[colour]
        row = bytes(1 + (width * samples * depth + 7) // 8)
        packer = zlib.compressobj(9)
        packed = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
        head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
        parts = (_chunk(b"IHDR", head), extra, _chunk(b"IDAT", packed), _chunk(b"IEND", b""))
        return b"\x89PNG\r\n\x1a\n" + b"".join(parts)

    return png


@pytest.fixture
def chunk() -> Encode:
    return _chunk


def _chunk(name: bytes, body: bytes) -> bytes:
    check = zlib.crc32(name + body)
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", check)


@pytest.fixture
def scans(encode: Encode) -> Encode:
    """A progressive JPEG in which the last scan is repeated until there are `count` more."""

    def scans(width: int, height: int, *, count: int) -> bytes:
        photo = encode(Image.new("RGB", (width, height), "teal"), progressive=True)
        last = photo.rindex(b"\xff\xda")
        return photo[:-2] + photo[last:-2] * count + photo[-2:]

    return scans
