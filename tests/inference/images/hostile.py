"""Hostile and odd pictures, each made here and with what is to become of it.

`python -m tests.inference.images.hostile FOLDER` writes them all, to be tried on other programs.
"""

from __future__ import annotations

import random
import struct
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image
from pillow_heif import from_pillow

Colour = tuple[int, int, int]

MANY, BAD = "too_many_pixels", "broken"
RED: Colour = (255, 0, 0)
WHITE: Colour = (255, 255, 255)


@dataclass(frozen=True, slots=True)
class Right:
    """A picture of this size, whose middle has this colour, more or less."""

    width: int
    height: int
    colour: Colour | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hostile:
    name: str
    photo: bytes
    outcome: str | Right  # the reason of a BadPicture, or what it decodes to


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    file = BytesIO()
    if kind == "HEIF":
        heif = from_pillow(image)
        for further in options.pop("append_images", []):
            heif.add_from_pillow(further)
        heif.save(file, **options)
    else:
        image.save(file, kind, **options)
    return file.getvalue()


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(
    width: int,
    height: int,
    *,
    depth: int = 8,
    colour: int = 2,
    before: bytes = b"",
    behind: bytes = b"",
    rows: int | None = None,
) -> bytes:
    """Of black pixels. `rows`: how many there really are; `before` stands before them."""
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    row = bytes(1 + (width * samples * depth + 7) // 8)
    packer = zlib.compressobj(9)
    count = height if rows is None else rows
    packed = b"".join(packer.compress(row) for _ in range(count)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = (chunk(b"IHDR", head), before, chunk(b"IDAT", packed), behind, chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def tiff(tags: list[tuple[int, int, int, int]], *, after: int = 0, pixels: bytes = b"") -> bytes:
    """Little-endian, its directory at 8; `after`: where the next one shall be."""
    entries = b"".join(struct.pack("<HHII", *tag) for tag in sorted(tags))
    head = struct.pack("<2sHIH", b"II", 42, 8, len(tags))
    return head + entries + struct.pack("<I", after) + pixels


def every() -> Iterator[Hostile]:
    for part in (bombs, liars, cut_short, no_photos, in_disguise, odd, of_many):
        yield from part()


def bombs() -> Iterator[Hostile]:
    """They ask for much more than they are."""
    yield Hostile("png 50000 black and white", png(50_000, 50_000, depth=1, colour=0, rows=9), MANY)
    yield Hostile("png 13000 rgb", png(13_000, 13_000, rows=9), MANY)
    yield Hostile("png 9400 rgba", png(9_400, 9_400, colour=6, rows=9), MANY)
    yield Hostile("png 9000 rgb", png(9_000, 9_000, rows=9), MANY)
    yield Hostile("png of the most pixels", png(2**31 - 1, 2**31 - 1, rows=0), MANY)
    yield Hostile("png compressed text", png(64, 64, before=_text_bomb(b"zTXt")), "broken")
    yield Hostile("png international text", png(64, 64, before=_text_bomb(b"iTXt")), "broken")
    yield Hostile("png profile", png(64, 64, before=_text_bomb(b"iCCP")), "broken")
    texts = chunk(b"tEXt", b"a\0b") * 200_000
    yield Hostile("png 200000 texts", png(64, 64, before=texts), "broken")
    yield Hostile("png 200000 empty pixels", png(64, 64, before=_EMPTY_PIXELS), "broken")
    yield Hostile("png too many rows", png(64, 64, rows=2_000_000), Right(64, 64, (0, 0, 0)))
    yield Hostile("gif 65535 canvas", _gif_of(65_535, 65_535), MANY)
    yield Hostile("gif frame beyond its canvas", _gif_of(64, 64, frame=(65_535, 65_535)), MANY)
    comments = b"!\xfe" + (b"\xff" + bytes(255)) * 40_000 + b"\0"
    yield Hostile("gif 40000 comments", _gif_of(64, 64, before=comments), "broken")
    yield Hostile("webp 40 megapixels", _webp_of(6_300, 6_300), MANY)
    yield Hostile("webp 16384 canvas", _webp_of(16_384, 16_384), MANY)
    yield Hostile("tiff 160 megapixels", _tiff_of(16_000, 10_000), MANY)
    yield Hostile("tiff tile of 4 gigabytes", _tiff_tiled(65_520), "broken")
    # found by fuzzing: the decoder takes the memory for it, and writes to it
    yield Hostile("tiff tile of 536 megabytes", _tiff_tiled(23_168), "broken")
    yield Hostile("heic 11500", _heic_of(11_500), MANY)
    yield Hostile("avif 12000", _avif_of(12_000), MANY)
    yield Hostile("jpeg 65500", _jpeg_of(65_500, 65_500), MANY)
    yield Hostile("jpeg 400 scans", _scans(640, 480, 400), "broken")
    yield Hostile("jpeg 10000 empty scans", _scans(64, 64, 10_000), "broken")
    thumbnail = encode(Image.new("RGB", (160, 120)), "JPEG")
    exif = b"Exif\0\0II*\0\x08\0\0\0\0\0" + struct.pack("<I", 8) + thumbnail
    yield Hostile("jpeg directory loop", _jpeg(exif=exif), Right(64, 48, RED))


def liars() -> Iterator[Hostile]:
    """Their headers do not say what they hold."""
    whole = encode(Image.new("RGB", (64, 48), RED), "PNG")
    yield Hostile("png wider than its rows", png(2000, 64, rows=3), Right(1024, 33, (0, 0, 0)))
    yield Hostile("png of no width", png(0, 64), "broken")
    yield Hostile("png header of 12 bytes", _PNG + chunk(b"IHDR", bytes(12)), "broken")
    yield Hostile("png without a header", _PNG + whole[33:], "broken")
    yield Hostile("png wrong checksum", whole[:29] + b"\0\0\0\0" + whole[33:], "broken")
    yield Hostile("png chunk of 2 gigabytes", whole[:33] + b"\x7f\xff\xff\xffIDAT", "broken")
    yield Hostile("png chunk of negative size", whole[:33] + b"\xff\xff\xff\xffIDAT", "broken")
    jpeg = _jpeg()
    taller = jpeg.replace(struct.pack(">HH", 48, 64), struct.pack(">HH", 5000, 5000), 1)
    yield Hostile("jpeg larger than its scan", taller, Right(1024, 1024))
    yield Hostile("jpeg of no height", jpeg.replace(struct.pack(">HH", 48, 64), bytes(4), 1), BAD)
    yield Hostile("jpeg segment beyond its end", jpeg[:2] + b"\xff\xe1\xff\xff" + jpeg[2:60], BAD)
    webp = encode(Image.new("RGBA", (64, 48), (255, 0, 0, 9)), "WEBP")
    small = webp[:24] + (29).to_bytes(3, "little") * 2 + webp[30:]
    yield Hostile("webp canvas smaller than its frame", small, BAD)
    yield Hostile("webp chunk of 4 gigabytes", webp[:34] + b"\xff\xff\xff\xff" + webp[38:], BAD)
    yield Hostile("tiff without a size", tiff([(258, 3, 1, 8)]), BAD)
    yield Hostile("tiff with 65535 entries", b"II*\0\x08\0\0\0\xff\xff" + bytes(64), BAD)
    yield Hostile("tiff strips beyond its end", _tiff_of(64, 48, at=1 << 30), BAD)
    yield Hostile("tiff directory beyond its end", b"II*\0\xff\xff\xff\x7f" + bytes(16), BAD)
    yield Hostile("bigtiff directory beyond its end", b"II+\0\x08\0\0\0" + b"\xff" * 8, BAD)
    yield Hostile("gif of no colours", _gif_of(64, 48)[:13] + b";", "broken")


def cut_short() -> Iterator[Hostile]:
    noise = Image.effect_noise((200, 150), 80).convert("RGB")
    for kind in ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "HEIF", "AVIF"):
        photo = encode(noise, kind)
        yield Hostile(f"{kind.lower()} cut in half", photo[: len(photo) // 2], "broken")
    for kind in ("JPEG", "PNG", "WEBP", "GIF", "TIFF"):
        yield Hostile(f"{kind.lower()} first 20 bytes", encode(noise, kind)[:20], "broken")
    yield Hostile("nothing", b"", "empty")
    yield Hostile("one byte", b"\xff", "format")


def no_photos() -> Iterator[Hostile]:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'
    yield Hostile("svg that reads files", svg, "format")
    entities = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aa">]><svg>&a;</svg>'
    yield Hostile("svg with entities", entities, "format")
    yield Hostile("eps", encode(Image.new("RGB", (64, 48)), "EPS"), "format")
    yield Hostile(
        "postscript", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage", "format"
    )
    yield Hostile("eps with a windows header", b"\xc5\xd0\xd3\xc6" + bytes(60), "format")
    yield Hostile("pdf", encode(Image.new("RGB", (64, 48)), "PDF"), "format")
    for kind in ("BMP", "ICO", "PPM", "TGA", "PCX", "SGI", "DDS", "JPEG2000", "ICNS"):
        yield Hostile(kind.lower(), encode(Image.new("RGB", (64, 64)), kind), "format")
    yield Hostile("zip", b"PK\x03\x04" + bytes(100), "format")
    yield Hostile("film", b"\0\0\0\x18ftypisom\0\0\2\0isommp42" + bytes(100), "format")
    yield Hostile("executable", b"\x7fELF\x02\x01\x01" + bytes(100), "format")
    yield Hostile("zeros", bytes(10_000), "format")
    yield Hostile("random bytes", random.Random(7).randbytes(10_000), "format")
    yield Hostile("page of html", b"<!doctype html><script>alert(1)</script>", "format")
    yield Hostile("first bytes of a jpeg alone", b"\xff\xd8\xff" + bytes(5000), "broken")
    yield Hostile("first bytes of a heic alone", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "broken")


def in_disguise() -> Iterator[Hostile]:
    """One file that is two: it is what its first bytes say."""
    jpeg, right = _jpeg(), Right(64, 48, RED)
    yield Hostile("jpeg with a zip behind", jpeg + b"PK\x03\x04" + bytes(5000), right)
    script = b"<script>alert(1)</script>"
    comment = b"\xff\xfe" + (len(script) + 2).to_bytes(2, "big") + script
    yield Hostile("jpeg with a script as comment", jpeg[:2] + comment + jpeg[2:], right)
    yield Hostile("png with a page behind", _red("PNG") + script, right)
    yield Hostile("gif with a script behind", _red("GIF") + b"/*" + script + b"*/=1;", right)
    yield Hostile("jpeg behind a pdf", b"%PDF-1.7\n" + jpeg, "format")
    yield Hostile("webp with a film behind", _red("WEBP") + bytes(9000), right)
    film = random.Random(1).randbytes(2 << 20) * 2
    yield Hostile("jpeg with a phone's film behind", jpeg + film, right)


def odd() -> Iterator[Hostile]:
    """Honest, but seldom seen."""
    yield Hostile("jpeg 1 x 65000", encode(Image.new("RGB", (1, 65_000)), "JPEG"), "too_small")
    yield Hostile("png 1 x 1", encode(Image.new("RGB", (1, 1)), "PNG"), "too_small")
    yield Hostile("png 30 x 6000", encode(Image.new("RGB", (30, 6000)), "PNG"), "too_narrow")
    yield Hostile(
        "png 28 x 2800", encode(Image.new("RGB", (28, 2800), RED), "PNG"), Right(10, 1024)
    )
    cyan = encode(Image.new("CMYK", (64, 48), (255, 0, 0, 0)), "JPEG", quality=95)
    yield Hostile("jpeg cmyk", cyan, Right(64, 48, (0, 255, 255)))
    grey = Image.new("I;16", (64, 48), 128 * 257)
    yield Hostile("png 16 bits grey", encode(grey, "PNG"), Right(64, 48, (128, 128, 128)))
    middle = Right(64, 48, (128, 128, 128))
    yield Hostile("tiff 16 bits grey", encode(grey, "TIFF"), middle)
    yield Hostile("tiff 16 bits, big-endian", _tiff_big_endian(128 * 257), middle)
    ramp = Image.linear_gradient("L").resize((64, 48)).convert("F")
    shades = Right(64, 48, (127, 127, 127))
    yield Hostile("tiff of floats", encode(ramp, "TIFF"), shades)
    yield Hostile("tiff of whole numbers", encode(ramp.convert("I"), "TIFF"), shades)
    deep = png(64, 48, depth=16, colour=2)
    yield Hostile("png 16 bits colour", deep, Right(64, 48, (0, 0, 0)))
    clear = Image.new("RGBA", (64, 48), (9, 9, 9, 0))
    white = Right(64, 48, WHITE)
    yield Hostile("png all clear", encode(clear, "PNG"), white)
    yield Hostile("webp all clear", encode(clear, "WEBP", lossless=True), white)
    yield Hostile("png palette with a clear colour", _palette(), white)
    yield Hostile("gif with a clear colour", encode(_drawn(), "GIF", transparency=0), white)
    yield Hostile("png grey with alpha", encode(clear.convert("LA"), "PNG"), white)
    bits = Image.new("1", (64, 48), 1)
    yield Hostile("png one bit", encode(bits, "PNG"), white)
    fax = encode(bits, "TIFF", compression="group4")
    yield Hostile("tiff as faxes are", fax, Right(64, 48, WHITE))
    for compression in ("tiff_lzw", "jpeg", "tiff_deflate", "packbits"):
        photo = encode(Image.new("RGB", (64, 48), RED), "TIFF", compression=compression)
        yield Hostile(f"tiff {compression}", photo, Right(64, 48, RED))
    yield Hostile("tiff cmyk", encode(Image.new("CMYK", (64, 48)), "TIFF"), Right(64, 48, WHITE))
    lab = encode(Image.new("LAB", (64, 48)), "TIFF")
    yield Hostile("tiff lab", lab, "format")
    yield Hostile(
        "bigtiff",
        encode(Image.new("RGB", (64, 48), RED), "TIFF", big_tiff=True),
        Right(64, 48, RED),
    )
    turned = Image.Exif()
    turned[0x0112] = 6
    for kind in ("JPEG", "PNG", "WEBP", "AVIF"):
        photo = encode(Image.new("RGB", (64, 48), RED), kind, exif=turned)
        yield Hostile(f"{kind.lower()} on its side", photo, Right(48, 64, RED))
    wrong = Image.Exif()
    wrong[0x0112] = 99
    yield Hostile("jpeg turned by nonsense", _jpeg(exif=wrong), Right(64, 48, RED))
    garbage = b"Exif\0\0II*\0\xff\xff\xff\x7fnonsense"
    yield Hostile("jpeg with damaged exif", _jpeg(exif=garbage), Right(64, 48, RED))
    profile = b"no profile at all" * 100
    yield Hostile("jpeg with a damaged profile", _jpeg(icc_profile=profile), Right(64, 48, RED))
    yield Hostile("jpeg progressive", _jpeg(progressive=True), Right(64, 48, RED))
    yield Hostile(
        "jpeg grey", encode(Image.new("L", (64, 48), 99), "JPEG"), Right(64, 48, (99, 99, 99))
    )
    yield Hostile("heic", _red("HEIF"), Right(64, 48, RED))
    yield Hostile("heic with alpha", encode(clear, "HEIF", quality=-1), white)
    yield Hostile("avif", _red("AVIF"), Right(64, 48, RED))


def of_many() -> Iterator[Hostile]:
    """Several pictures in one file: the first one counts."""
    moving = Right(64, 48, RED, ("first_frame",))
    for kind in ("GIF", "WEBP", "PNG", "AVIF"):
        yield Hostile(f"{kind.lower()} that moves", _two(kind), moving)
    yield Hostile("gif of 10000 frames", _gif_frames(10_000), moving)
    yield Hostile("mpo of a phone", _two("MPO"), Right(64, 48, RED))
    pages = Right(64, 48, RED, ("first_page",))
    yield Hostile("tiff of two pages", _two("TIFF"), pages)
    yield Hostile(
        "tiff whose pages run in a circle", _tiff_loop(), Right(64, 48, (0, 0, 0), ("first_page",))
    )
    yield Hostile(
        "tiff of 4000 pages", _tiff_pages(4000), Right(64, 48, (0, 0, 0), ("first_page",))
    )
    yield Hostile("heic of two pictures", _two("HEIF"), Right(64, 48, RED))
    yield Hostile(
        "png that announces 2 billion frames",
        _announced(),
        Right(64, 48, RED, ("first_frame",)),
    )


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for number, hostile in enumerate(every(), 1):
        name = f"{number:03} {hostile.name}".replace(" ", "-").replace(",", "")
        (folder / name).write_bytes(hostile.photo)


_PNG = b"\x89PNG\r\n\x1a\n"
_EMPTY_PIXELS = chunk(b"IDAT", b"") * 200_000


def _text_bomb(name: bytes) -> bytes:
    """200 MB of zeros, compressed."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(200)) + packer.flush()
    between = b"Comment\0\1\0\0\0" if name == b"iTXt" else b"Comment\0\0"
    return chunk(name, between + packed)


def _red(kind: str) -> bytes:
    options = {"lossless": True} if kind == "WEBP" else {}
    return encode(Image.new("RGB", (64, 48), RED), kind, **options)


def _two(kind: str) -> bytes:
    """Red, then blue."""
    first, second = Image.new("RGB", (64, 48), RED), Image.new("RGB", (64, 48), "blue")
    return encode(first, kind, save_all=True, append_images=[second])


def _announced() -> bytes:
    photo = _red("PNG")
    return photo[:33] + chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0)) + photo[33:]


def _jpeg(**options: object) -> bytes:
    return encode(Image.new("RGB", (64, 48), RED), "JPEG", quality=95, **options)


def _jpeg_of(width: int, height: int) -> bytes:
    sides = struct.pack(">HH", height, width)
    return _jpeg().replace(struct.pack(">HH", 48, 64), sides, 1)


def _scans(width: int, height: int, count: int) -> bytes:
    photo = encode(Image.new("RGB", (width, height), "teal"), "JPEG", progressive=True)
    last = photo.rindex(b"\xff\xda")
    return photo[:-2] + photo[last:-2] * count + photo[-2:]


def _gif_of(
    width: int, height: int, *, frame: tuple[int, int] = (64, 48), before: bytes = b""
) -> bytes:
    canvas = struct.pack("<6sHHBBB", b"GIF89a", width, height, 0x80, 0, 0) + bytes((255, 0, 0) * 2)
    image = b"," + struct.pack("<HHHHB", 0, 0, *frame, 0)
    return canvas + before + image + b"\x02\x02\x4c\x01\x00;"


def _gif_frames(count: int) -> bytes:
    photo = _red("GIF")
    start = photo.index(b",", 13)
    return photo[:start] + photo[start:-1] * count + b";"


def _webp_of(width: int, height: int) -> bytes:
    photo = bytearray(encode(Image.new("RGBA", (64, 48), (1, 2, 3, 4)), "WEBP"))
    photo[24:30] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes(photo)


def _heic_of(side: int) -> bytes:
    return _with_extent(_red("HEIF"), side)


def _avif_of(side: int) -> bytes:
    return _with_extent(_red("AVIF"), side)


def _with_extent(photo: bytes, side: int) -> bytes:
    at = photo.index(b"ispe") + 8
    return photo[:at] + struct.pack(">II", side, side) + photo[at + 8 :]


def _tiff_of(width: int, height: int, *, at: int = 200, after: int = 0) -> bytes:
    return tiff(
        [
            (256, 4, 1, width),
            (257, 4, 1, height),
            (258, 3, 1, 8),
            (259, 3, 1, 1),
            (262, 3, 1, 1),
            (273, 4, 1, at),
            (277, 3, 1, 1),
            (278, 4, 1, height),
            (279, 4, 1, width * height),
        ],
        after=after,
        pixels=bytes(200 + 64 * 48),
    )


def _tiff_loop() -> bytes:
    return _tiff_of(64, 48, after=8)


def _tiff_pages(count: int) -> bytes:
    one = _tiff_of(64, 48)
    directory = one[8 : 8 + 2 + 12 * 9]
    pages, at = [], len(one)
    for number in range(count):
        following = at + len(directory) + 4 if number + 1 < count else 0
        pages.append(directory + struct.pack("<I", following))
        at = following
    return _tiff_of(64, 48, after=len(one)) + b"".join(pages)


def _tiff_tiled(side: int) -> bytes:
    return tiff(
        [
            (256, 4, 1, 64),
            (257, 4, 1, 48),
            (258, 3, 1, 8),
            (259, 3, 1, 5),
            (262, 3, 1, 1),
            (277, 3, 1, 1),
            (322, 4, 1, side),
            (323, 4, 1, side),
            (324, 4, 1, 200),
            (325, 4, 1, 64),
        ],
        pixels=bytes(400),
    )


def _tiff_big_endian(level: int) -> bytes:
    tags = (
        (256, 4, 1, 64),
        (257, 4, 1, 48),
        (258, 3, 1, 16 << 16),
        (259, 3, 1, 1 << 16),
        (262, 3, 1, 1 << 16),
        (273, 4, 1, 200),
        (277, 3, 1, 1 << 16),
        (278, 4, 1, 48),
        (279, 4, 1, 2 * 64 * 48),
    )
    entries = b"".join(struct.pack(">HHII", *tag) for tag in tags)
    head = struct.pack(">2sHIH", b"MM", 42, 8, len(tags)) + entries + bytes(4)
    return head.ljust(200, b"\0") + struct.pack(">H", level) * (64 * 48)


def _drawn() -> Image.Image:
    drawn = Image.new("P", (64, 48), 0)
    drawn.putpalette([0, 0, 0, 200, 100, 50])
    return drawn


def _palette() -> bytes:
    return encode(_drawn(), "PNG", transparency=0)


if __name__ == "__main__":
    main()
