"""From a photo's bytes to a Picture: checked, decoded, upright, RGB, shrunk; runs in the child.

The order matters: everything that can be refused by looking at the header is refused before a
pixel is decoded, because a file of 20 kB can ask for 800 MB.
"""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import Literal

from PIL import ExifTags, Image
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from inference.errors import BadPicture
from inference.images.limits import Limits, check_bytes, check_sides
from inference.request import Picture

_Format = Literal["jpeg", "png", "webp"]

_MAX_SCANS = 64  # a progressive JPEG of 400 scans and 235 kB takes seconds to decode
_MAX_CHUNKS = 256  # besides those of pixels: text, profiles, times
_MAX_PIXEL_CHUNKS = 20_000  # libpng cuts its data into pieces of 8 kB
_PIXEL_CHUNKS = frozenset({b"IDAT", b"fdAT", b"fcTL"})

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def fit(photo: bytes, limits: Limits) -> Picture:
    """Raises BadPicture, whatever the bytes are, and nothing else."""
    check_bytes(photo, limits)
    kind = _sniff(photo)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks on odd files help nobody here
            return _decode(photo, kind, limits)
    except BadPicture:
        raise
    except Exception as error:  # damaged files make Pillow raise nearly anything
        raise BadPicture("broken") from error


def _sniff(photo: bytes) -> _Format:
    """By the first bytes alone: a name or a media type is only what the sender says."""
    if photo.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if photo.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if photo.startswith(b"RIFF") and photo[8:12] == b"WEBP":
        return "webp"
    raise BadPicture("format")


def _decode(photo: bytes, kind: _Format, limits: Limits) -> Picture:
    image = _open(photo, kind, limits)
    check_sides(*image.size, limits)
    side = limits.longest_side
    if kind == "jpeg":
        image.draft("RGB", (side, side))  # decodes at 1/2, 1/4 or 1/8, never below `side`
    image.load()
    upright = _upright(image)
    del image  # the child's memory holds two copies of the largest picture, not three
    rgb = _plain(upright)
    # LANCZOS takes two and a half times as long; see docs/decisions.md
    rgb.thumbnail((side, side), Image.Resampling.HAMMING)
    return Picture(rgb.width, rgb.height, rgb.tobytes())


def _open(photo: bytes, kind: _Format, limits: Limits) -> ImageFile:
    """By class, as Image.open tries other formats too, and EPS among them runs Ghostscript."""
    if kind == "jpeg":
        _check_scans(photo)
        return JpegImageFile(BytesIO(photo))
    if kind == "png":
        _check_chunks(photo)
        return PngImageFile(BytesIO(photo))
    check_sides(*_webp_size(photo), limits)  # the decoder takes memory for all pixels when opened
    return WebPImageFile(BytesIO(photo))


def _check_scans(photo: bytes) -> None:
    """Counts to the end of the picture: phones append a short film behind it, and in a film the
    bytes of a scan's mark come up by chance."""
    at, scans = 2, 0
    while (at := photo.find(b"\xff", at)) >= 0 and at + 1 < len(photo):
        mark = photo[at + 1]
        if mark == 0xD9:  # end of the picture
            return
        if mark == 0xDA:
            scans += 1
            if scans > _MAX_SCANS:
                raise BadPicture("broken")
        if mark in (0x00, 0x01) or 0xD0 <= mark <= 0xD8:  # a byte of pixels, marks without length
            at += 2
        elif mark == 0xFF:  # filling
            at += 1
        else:
            at += 2 + max(2, int.from_bytes(photo[at + 2 : at + 4], "big"))


def _check_chunks(photo: bytes) -> None:
    at, chunks, pixel_chunks = 8, 0, 0
    while at + 8 <= len(photo):
        length = int.from_bytes(photo[at : at + 4], "big")
        if photo[at + 4 : at + 8] in _PIXEL_CHUNKS:
            pixel_chunks += 1
        else:
            chunks += 1
        if chunks > _MAX_CHUNKS or pixel_chunks > _MAX_PIXEL_CHUNKS:
            raise BadPicture("broken")
        at += 12 + length


def _webp_size(photo: bytes) -> tuple[int, int]:
    """(width, height) as in https://developers.google.com/speed/webp/docs/riff_container."""
    if len(photo) < 30:
        raise BadPicture("broken")
    match photo[12:16]:
        case b"VP8X":
            return _little(photo[24:27]) + 1, _little(photo[27:30]) + 1
        case b"VP8L":
            bits = _little(photo[21:25])
            return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
        case b"VP8 ":
            return _little(photo[26:28]) & 0x3FFF, _little(photo[28:30]) & 0x3FFF
    raise BadPicture("broken")


def _little(raw: bytes) -> int:
    return int.from_bytes(raw, "little")


def _upright(image: Image.Image) -> Image.Image:
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
        turn = _UPRIGHT.get(orientation)
    except Exception:  # a damaged EXIF block must not cost the picture
        return image
    return image if turn is None else image.transpose(turn)


def _plain(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16-bit grey: convert("RGB") alone would make it all white
        image.info.pop("transparency", None)
        image = image.point(lambda level: level / 257).convert("L")
    if image.has_transparency_data:
        clear = image.convert("RGBA")
        image = Image.new("RGB", clear.size, "white")
        image.paste(clear, mask=clear.getchannel("A"))
    return image if image.mode == "RGB" else image.convert("RGB")
