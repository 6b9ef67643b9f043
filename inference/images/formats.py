"""What kind of file a photo is, and how it is opened: by its first bytes, never by its name.

Everything that can be refused by looking at the header is refused here, before a pixel is decoded,
because a file of 20 kB can ask for 800 MB.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Literal, get_args
from zlib import crc32

from PIL.GifImagePlugin import GifImageFile
from PIL.Image import Image
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from inference.errors import BadPicture
from inference.images.limits import Limits, check_sides
from inference.request import PictureNote

Format = Literal["jpeg", "png", "webp", "gif", "tiff", "heic", "avif"]

PNG_START = b"\x89PNG\r\n\x1a\n"
_NOTE_CHUNK = b"vbNt"  # of our own: ancillary, private, may be copied; its body are notes

_PNG_HEADER_ENDS = 33  # its start of 8 bytes, and a chunk of 13
_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}
_FTYP_BYTES = 256  # nobody names more brands

_MAX_SCANS = 64  # a progressive JPEG of 400 scans and 235 kB takes seconds to decode
_MAX_CHUNKS = 256  # besides those of pixels: text, profiles, times
_MAX_PIXEL_CHUNKS = 20_000  # libpng cuts its data into pieces of 8 kB
_PIXEL_CHUNKS = frozenset({b"IDAT", b"fdAT", b"fcTL"})
_MAX_EXTENSIONS = 4096  # sub-blocks of a GIF, 255 bytes each, before its first frame
_MAX_ENTRIES = 4096  # of a TIFF's first directory
_TILE_WIDTH, _TILE_LENGTH = 322, 323
_LARGEST_TILE = 4_000_000  # pixels; a picture may be smaller than its only tile, but not by much
_MAX_WEBP_PIXELS = 24_000_000
_ANIMATED = 0x02  # a flag of VP8X

# In the pixels of a JPEG, a mark is what is no stuffed byte, no restart and no filling.
_MARK = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Opened:
    """Checked, and not decoded yet."""

    image: Image
    notes: tuple[PictureNote, ...] = ()


def sniff(photo: bytes) -> Format:
    """Raises BadPicture: it is none of them."""
    if photo.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if photo.startswith(PNG_START):
        return "png"
    if photo.startswith(b"RIFF") and photo[8:12] == b"WEBP":
        return "webp"
    if photo.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if photo.startswith(_TIFF_STARTS):
        return "tiff"
    if photo[4:8] == b"ftyp":
        return _sniff_brands(photo)
    raise BadPicture("format")


def open_photo(photo: bytes, kind: Format, limits: Limits) -> Opened:
    """By class, as Image.open tries other formats too, and EPS among them runs Ghostscript. Raises
    BadPicture, and nearly anything for a damaged file."""
    opened = _OPENERS[kind](photo, limits)
    check_sides(*opened.image.size, limits)
    return opened


def _sniff_brands(photo: bytes) -> Format:
    """Of the ISO base media format; HEIC and AVIF share their first brand, "mif1"."""
    length = min(int.from_bytes(photo[:4], "big"), _FTYP_BYTES)
    brands = {photo[at : at + 4] for at in (8, *range(16, length, 4))}
    if brands & _AVIF_BRANDS:
        return "avif"
    if brands & _HEIC_BRANDS:
        return "heic"
    raise BadPicture("format")


def _open_jpeg(photo: bytes, limits: Limits) -> Opened:
    """Its scans are counted to the end of the picture: phones append a short film behind it, and in
    a film the bytes of a scan's mark come up by chance."""
    at, scans = 2, 0
    while (found := _MARK.search(photo, at)) is not None:
        at, mark = found.start(), photo[found.start() + 1]
        if mark == 0xD9:  # end of the picture
            break
        if mark == 0xDA:
            scans += 1
            if scans > _MAX_SCANS:
                raise BadPicture("broken")
        at += 2 + max(2, int.from_bytes(photo[at + 2 : at + 4], "big"))
    return Opened(JpegImageFile(BytesIO(photo)))


def _open_png(photo: bytes, limits: Limits) -> Opened:
    chunks, pixel_chunks = 0, 0
    notes: tuple[PictureNote, ...] = ()
    for name, chunk in png_chunks(photo):
        if name in _PIXEL_CHUNKS:
            pixel_chunks += 1
        else:
            chunks += 1
        if chunks > _MAX_CHUNKS or pixel_chunks > _MAX_PIXEL_CHUNKS:
            raise BadPicture("broken")
        notes = notes_in(name, chunk) or notes
    image = PngImageFile(BytesIO(photo))
    return Opened(image, ("first_frame",) if image.is_animated else notes)


def png_chunks(photo: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(name, the whole chunk), also behind the end of the picture."""
    at = 8
    while at + 8 <= len(photo):
        end = at + 12 + int.from_bytes(photo[at : at + 4], "big")
        yield photo[at + 4 : at + 8], photo[at:end]
        at = end


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", crc32(name + body))


def notes_in(name: bytes, chunk: bytes) -> tuple[PictureNote, ...]:
    """What was told when this picture was made from another file."""
    if name != _NOTE_CHUNK:
        return ()
    told = chunk[8:-4].split()
    return tuple(note for note in get_args(PictureNote) if note.encode() in told)


def with_notes(png: bytes, notes: Sequence[PictureNote]) -> bytes:
    """Behind its header, which must be its first chunk; it has none yet."""
    told = png_chunk(_NOTE_CHUNK, " ".join(notes).encode()) if notes else b""
    return png[:_PNG_HEADER_ENDS] + told + png[_PNG_HEADER_ENDS:]


def _open_webp(photo: bytes, limits: Limits) -> Opened:
    # its decoder takes memory for all pixels when opened, and four times as much as the others
    fewer = replace(limits, max_pixels=min(limits.max_pixels, _MAX_WEBP_PIXELS))
    check_sides(*_webp_size(photo), fewer)
    return Opened(
        WebPImageFile(BytesIO(photo)), ("first_frame",) if is_animated_webp(photo) else ()
    )


def is_animated_webp(photo: bytes) -> bool:
    return photo[12:16] == b"VP8X" and bool(photo[20] & _ANIMATED)


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


def _open_gif(photo: bytes, limits: Limits) -> Opened:
    """Its canvas is checked, and what stands before the first frame is counted."""
    if len(photo) < 13:
        raise BadPicture("broken")
    check_sides(_little(photo[6:8]), _little(photo[8:10]), limits)
    at = _after_gif_extensions(photo, 13 + _gif_colours(photo[10]))
    frame = photo[at : at + 10]
    if len(frame) < 10 or frame[0] != 0x2C:
        raise BadPicture("broken")
    right = _little(frame[1:3]) + _little(frame[5:7])
    bottom = _little(frame[3:5]) + _little(frame[7:9])
    check_sides(right, bottom, limits)  # Pillow lets a frame make the canvas larger
    pixels = at + 10 + _gif_colours(frame[9]) + 1
    return Opened(GifImageFile(BytesIO(photo)), _gif_notes(photo, pixels))


def _gif_colours(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _after_gif_extensions(photo: bytes, at: int) -> int:
    blocks = 0
    while photo[at : at + 1] == b"!":
        at += 2
        while (size := int.from_bytes(photo[at : at + 1], "big")) > 0:
            at += 1 + size
            blocks += 1
            if blocks > _MAX_EXTENSIONS:
                raise BadPicture("broken")
        at += 1
    return at


def _gif_notes(photo: bytes, at: int) -> tuple[PictureNote, ...]:
    """Is there a frame behind the pixels of the first one?"""
    while size := int.from_bytes(photo[at : at + 1], "big"):
        at += 1 + size
    try:
        at = _after_gif_extensions(photo, at + 1)
    except BadPicture:
        return ()
    return ("first_frame",) if photo[at : at + 1] == b"," else ()


def _open_tiff(photo: bytes, limits: Limits) -> Opened:
    """Its first page. Pages are never counted: their chain may be long, or a loop. Whether there
    is a second one is told by what stands behind the entries of the first."""
    order: Literal["little", "big"] = "little" if photo[:2] == b"II" else "big"
    is_big = 43 in photo[2:4]  # BigTIFF
    start, width = (8, 8) if is_big else (4, 4)
    at = int.from_bytes(photo[start : start + width], order)
    entries = int.from_bytes(photo[at : at + (8 if is_big else 2)], order)
    if not 0 < entries <= _MAX_ENTRIES:
        raise BadPicture("broken")
    image = TiffImageFile(BytesIO(photo))
    tile = int(image.tag_v2.get(_TILE_WIDTH, 0)) * int(image.tag_v2.get(_TILE_LENGTH, 0))
    if tile > max(_LARGEST_TILE, 2 * image.width * image.height):
        raise BadPicture("broken")
    following = at + (8 if is_big else 2) + entries * (20 if is_big else 12)
    has_more = any(photo[following : following + width])
    return Opened(image, ("first_page",) if has_more else ())


def _open_heic(photo: bytes, limits: Limits) -> Opened:
    try:
        # an optional extra, and slow to import
        from pillow_heif import HeifImageFile, options
    except ImportError:
        raise BadPicture("heic") from None
    options.DECODE_THREADS = 1  # each thread takes addresses, of which the child has few
    options.THUMBNAILS = options.DEPTH_IMAGES = options.AUX_IMAGES = False
    _check_extents(photo, limits)
    return Opened(HeifImageFile(BytesIO(photo)))  # type: ignore[no-untyped-call]  # it says none


def _open_avif(photo: bytes, limits: Limits) -> Opened:
    try:
        # not in every build of Pillow
        from PIL import AvifImagePlugin
    except ImportError:
        raise BadPicture("format") from None
    if not AvifImagePlugin.SUPPORTED:
        raise BadPicture("format")
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    _check_extents(photo, limits)
    image = AvifImagePlugin.AvifImageFile(BytesIO(photo))
    return Opened(image, ("first_frame",) if image.is_animated else ())


def _check_extents(photo: bytes, limits: Limits) -> None:
    """Of every picture in the file: tiles, masks and thumbnails take memory too."""
    for found in re.finditer(rb"\0\0\0\x14ispe\0\0\0\0(.{8})", photo, re.DOTALL):
        sides = found[1]
        pixels = int.from_bytes(sides[:4], "big") * int.from_bytes(sides[4:], "big")
        if pixels > limits.max_pixels:
            raise BadPicture("too_many_pixels", value=pixels, limit=limits.max_pixels)


def _little(raw: bytes) -> int:
    return int.from_bytes(raw, "little")


_OPENERS = {
    "jpeg": _open_jpeg,
    "png": _open_png,
    "webp": _open_webp,
    "gif": _open_gif,
    "tiff": _open_tiff,
    "heic": _open_heic,
    "avif": _open_avif,
}
