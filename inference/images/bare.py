"""A photo's file with nothing in it but what draws the picture: no place, no time, no camera, no
thumbnail of what was cut away, nothing behind its end; runs in the child.

JPEG, PNG and WebP are cut without touching a pixel, and a damaged end goes. What else there is
becomes a PNG of the size that the model sees, which everybody can open. The same file always gives
the same bytes, and those give themselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from io import BytesIO

from PIL import Image

from inference.errors import BadPicture
from inference.images.fit import decode, orientation_of, refusing
from inference.images.formats import (
    PNG_START,
    Format,
    is_animated_webp,
    notes_in,
    open_photo,
    png_chunk,
    png_chunks,
    sniff,
    with_notes,
)
from inference.images.limits import Limits, check_bytes
from inference.images.page import shrunk
from inference.request import PictureNote

_PNG_KEPT = frozenset({b"IHDR", b"PLTE", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"IDAT", b"IEND"})
_PNG_TELLING = (b"eXIf", b"tEXt", b"zTXt", b"iTXt")  # which way is up
_JFIF, _ADOBE = b"JFIF\0", b"Adobe"
_JPEG_TABLES = frozenset((*range(0xC0, 0xD0), 0xDB, 0xDC, 0xDD)) - {0xC8}
_WEBP_KEPT = frozenset({b"ALPH", b"VP8 ", b"VP8L"})
_ALPHA, _EXIF = 0x10, 0x08  # flags of VP8X
_SCAN_END = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)


def bare(photo: bytes, limits: Limits) -> bytes:
    """Raises BadPicture, whatever the bytes are, and nothing else."""
    with refusing():
        check_bytes(photo, limits)
        kind = sniff(photo)
        cut = _CUTS.get(kind)
        if cut is None or (kind == "webp" and is_animated_webp(photo)):
            return _converted(photo, limits)
        image = open_photo(photo, kind, limits).image
        stripped = cut(photo, _orientation_of(image, photo))
        if sniff(stripped) != kind or open_photo(stripped, kind, limits).image.size != image.size:
            raise BadPicture("broken")  # it lived on what was cut away
        return stripped


def _converted(photo: bytes, limits: Limits) -> bytes:
    """Smaller still where the PNG would be a larger file than may come in."""
    decoded = decode(photo, limits)
    decoded.image.info.clear()  # its profile would be written
    side = limits.longest_side
    while True:
        written = BytesIO()
        shrunk(decoded.image, side).save(written, "PNG")
        kept = with_notes(written.getvalue(), decoded.notes)
        if len(kept) <= limits.max_bytes:
            return kept
        side = side * 3 // 4


def _orientation_of(image: Image.Image, photo: bytes) -> int:
    """Of a PNG, Pillow decodes all pixels to see what is told behind them; mostly, nothing is."""
    if photo.startswith(PNG_START):
        pixels = photo.find(b"IDAT")
        if all(photo.find(name, pixels) < 0 for name in _PNG_TELLING):
            return orientation_of(partial(Image.Image.getexif, image))
    return orientation_of(image.getexif)


def _jpeg(photo: bytes, orientation: int) -> bytes:
    """SOI, JFIF without its thumbnail, our EXIF, Adobe's word on colours, tables and scans, EOI."""
    head: list[bytes] = [b"\xff\xd8"]
    rest: list[bytes] = []
    for mark, segment in _segments(photo):
        if mark == 0xE0 and segment[4:9] == _JFIF and len(segment) >= 18 and len(head) == 1:
            head.append(b"\xff\xe0\0\x10" + segment[4:16] + b"\0\0")
        elif mark == 0xEE and segment[4:9] == _ADOBE and len(segment) >= 16:
            rest.append(b"\xff\xee\0\x0e" + segment[4:16])
        elif mark in _JPEG_TABLES or mark in (0xDA, 0xD9):
            rest.append(segment)
    if not rest:
        raise BadPicture("broken")
    if orientation != 1:
        exif = b"Exif\0\0" + _exif(orientation)
        head.append(b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif)
    return b"".join((*head, *rest))


def _segments(photo: bytes) -> Iterator[tuple[int, bytes]]:
    """(mark, the segment with its mark and, of a scan, its pixels), to the end of the picture."""
    at = 2
    while (at := photo.find(b"\xff", at)) >= 0 and at + 1 < len(photo):
        mark = photo[at + 1]
        if mark == 0xD9:
            yield mark, b"\xff\xd9"
            return
        if mark in (0x00, 0x01, 0xFF) or 0xD0 <= mark <= 0xD8:  # filling, and marks without length
            at += 1 if mark == 0xFF else 2
            continue
        end = at + 2 + max(2, int.from_bytes(photo[at + 2 : at + 4], "big"))
        if mark == 0xDA:
            found = _SCAN_END.search(photo, end)
            end = found.start() if found else len(photo)
        yield mark, photo[at:end]
        at = end


def _png(photo: bytes, orientation: int) -> bytes:
    parts, animated = [PNG_START], False
    notes: tuple[PictureNote, ...] = ()
    for name, chunk in png_chunks(photo):
        if name in _PNG_KEPT:
            parts.append(chunk)
        animated = animated or (name == b"acTL" and chunk[8:12] not in (b"", b"\0\0\0\1"))
        notes = notes_in(name, chunk) or notes
        if name == b"IEND":
            break
    if orientation != 1:
        parts.insert(2, png_chunk(b"eXIf", _exif(orientation)))
    return with_notes(b"".join(parts), ("first_frame",) if animated else notes)


def _webp(photo: bytes, orientation: int) -> bytes:
    parts = []
    for name, body in _riff_chunks(photo):
        if name == b"VP8X" and len(body) >= 10:
            flags = body[0] & _ALPHA | (_EXIF if orientation != 1 else 0)
            parts.append(_riff_chunk(name, bytes((flags, 0, 0, 0)) + body[4:10]))
        elif name in _WEBP_KEPT:
            parts.append(_riff_chunk(name, body))
    if orientation != 1:
        parts.append(_riff_chunk(b"EXIF", _exif(orientation)))
    whole = b"WEBP" + b"".join(parts)
    return b"RIFF" + len(whole).to_bytes(4, "little") + whole


def _riff_chunks(photo: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 12
    while at + 8 <= len(photo):
        length = int.from_bytes(photo[at + 4 : at + 8], "little")
        yield photo[at : at + 4], photo[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def _riff_chunk(name: bytes, body: bytes) -> bytes:
    return name + len(body).to_bytes(4, "little") + body + b"\0" * (len(body) % 2)


def _exif(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes().removeprefix(b"Exif\0\0")


_CUTS: dict[Format, Callable[[bytes, int], bytes]] = {"jpeg": _jpeg, "png": _png, "webp": _webp}
