"""What is kept of a photo: nothing of its metadata, and every pixel."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from io import BytesIO

import pytest
from PIL import Image, ImageCms, PngImagePlugin

from inference.errors import BadPicture
from inference.images.bare import bare
from inference.images.decode import PicturesSection
from inference.images.fit import fit
from tests.inference.images.hostile import chunk, encode

Encode = Callable[..., bytes]

LIMITS = PicturesSection().limits()
SECRET = b"kanarie"  # stands in every field of metadata
KINDS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "HEIF", "AVIF")


ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()  # may name a device


def exif(orientation: int = 1) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = SECRET.decode()  # a description
    exif[0x0110] = SECRET.decode()  # the camera
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 29.6), 29: SECRET.decode()})  # the place
    return exif


def noise(size: tuple[int, int] = (90, 60)) -> Image.Image:
    return Image.effect_noise(size, 80).convert("RGB")


def photo_with_secrets(kind: str, orientation: int = 1) -> bytes:
    options: dict[str, object] = {"exif": exif(orientation).tobytes()}
    match kind:
        case "PNG":
            options["pnginfo"] = PngImagePlugin.PngInfo()
            options["pnginfo"].add_text("Comment", SECRET.decode())
            options["pnginfo"].add_itxt("XML:com.adobe.xmp", SECRET.decode())
        case "GIF":
            options = {"comment": SECRET}
        case "TIFF":
            options = {"description": SECRET.decode(), "software": SECRET.decode()}
        case "JPEG":
            options |= {"comment": SECRET, "xmp": SECRET}
        case _:
            options["xmp"] = SECRET
    if kind != "GIF":
        options["icc_profile"] = ICC
    return encode(noise(), kind, **options) + SECRET  # and behind its end


@pytest.mark.parametrize("kind", KINDS)
def test_no_metadata_is_kept(kind: str) -> None:
    photo = photo_with_secrets(kind)
    assert photo.count(SECRET) >= 2

    kept = bare(photo, LIMITS)

    assert SECRET not in kept
    assert ICC[:100] not in kept
    with Image.open(BytesIO(kept)) as image:
        assert dict(image.getexif()) == {}
        assert not {"comment", "xmp", "icc_profile", "Comment"} & set(image.info)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_kept_decodes_to_the_same_picture_and_keeps_itself(kind: str) -> None:
    photo = photo_with_secrets(kind)

    kept = bare(photo, LIMITS)

    assert fit(kept, LIMITS) == fit(photo, LIMITS)
    assert fit(kept, LIMITS).notes == fit(photo, LIMITS).notes
    assert bare(kept, LIMITS) == kept


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_is_turned_as_before_and_nothing_else_is_told_of_it(kind: str, orientation: int) -> None:
    photo = photo_with_secrets(kind, orientation)

    kept = bare(photo, LIMITS)

    assert fit(kept, LIMITS) == fit(photo, LIMITS)
    with Image.open(BytesIO(kept)) as image:
        assert set(image.getexif()) <= {0x0112}
        assert image.getexif().get_ifd(0x8825) == {}


@pytest.mark.parametrize("tells", ["eXIf", "XMP"])
def test_a_png_that_tells_behind_its_pixels_how_it_is_turned_is_turned(tells: str) -> None:
    png = encode(noise(), "PNG")
    body = exif(6).tobytes().removeprefix(b"Exif\0\0")
    words = b'<x tiff:Orientation="6" secret="' + SECRET + b'"/>'
    told = chunk(b"eXIf", body)
    if tells == "XMP":
        told = chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + words)
    photo = png[:-12] + told + png[-12:]

    kept = bare(photo, LIMITS)

    assert SECRET not in kept
    assert fit(kept, LIMITS) == fit(photo, LIMITS)
    assert fit(kept, LIMITS).width < fit(kept, LIMITS).height


@pytest.mark.parametrize("orientation", [0, 9, 70_000])
def test_a_turn_that_does_not_exist_is_none(orientation: int) -> None:
    one_entry = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x04\0\0\0\x01"  # of 32 bits
    odd = b"Exif\0\0" + one_entry + orientation.to_bytes(4, "big") + bytes(4)
    photo = encode(noise(), "JPEG", exif=odd)

    kept = bare(photo, LIMITS)

    assert fit(kept, LIMITS) == fit(photo, LIMITS)
    with Image.open(BytesIO(kept)) as image:
        assert dict(image.getexif()) == {}


def test_the_thumbnail_of_what_was_cut_away_goes() -> None:
    small = encode(Image.new("RGB", (16, 16)), "JPEG")
    head = b"JFIF\0\1\1\0\0\1\0\1\x10\x10" + small
    jpeg = encode(noise(), "JPEG")
    photo = jpeg[:2] + b"\xff\xe0" + struct.pack(">H", len(head) + 2) + head + jpeg[20:]

    kept = bare(photo, LIMITS)

    assert small not in kept
    assert fit(kept, LIMITS) == fit(jpeg, LIMITS)


def test_marks_between_the_scans_of_a_progressive_jpeg_go_too() -> None:
    jpeg = encode(noise((300, 200)), "JPEG", progressive=True)
    second = jpeg.index(b"\xff\xda", jpeg.index(b"\xff\xda") + 2)
    between = jpeg.rindex(b"\xff\xc4", 0, second)
    comment = b"\xff\xfe\0\x09" + SECRET

    kept = bare(jpeg[:between] + comment + jpeg[between:], LIMITS)

    assert SECRET not in kept
    assert fit(kept, LIMITS) == fit(jpeg, LIMITS)


def test_colours_of_cmyk_are_kept() -> None:
    photo = encode(Image.new("CMYK", (64, 48), (200, 0, 30, 9)), "JPEG")

    assert fit(bare(photo, LIMITS), LIMITS) == fit(photo, LIMITS)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_pixels_are_kept_as_they_are_and_not_compressed_anew(kind: str) -> None:
    photo = encode(noise((1600, 1200)), kind)

    assert abs(len(bare(photo, LIMITS)) - len(photo)) < 100


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "HEIF", "AVIF"])
def test_what_few_can_open_becomes_a_png(kind: str) -> None:
    photo = encode(Image.new("RGB", (1600, 1200), "navy"), kind)  # noise takes seconds

    with Image.open(BytesIO(bare(photo, LIMITS))) as image:
        assert (image.format, image.size) == ("PNG", (1024, 768))


def test_a_png_made_of_a_small_file_is_no_larger_than_a_file_may_be() -> None:
    limits = PicturesSection(max_file_mb=1).limits()
    photo = encode(noise((1024, 1024)), "AVIF", quality=30, speed=10)
    assert len(photo) < limits.max_bytes

    kept = bare(photo, limits)

    assert len(kept) <= limits.max_bytes
    assert bare(kept, limits) == kept


@pytest.mark.parametrize("kind", KINDS)
def test_half_a_file_is_refused_or_is_kept_as_half_a_file(kind: str) -> None:
    photo = photo_with_secrets(kind)
    half = photo[: len(photo) // 2]

    try:
        kept = bare(half, LIMITS)
    except BadPicture as fault:
        assert fault.reason == "broken"  # noqa: PT017  one of two ends
        return
    with pytest.raises(BadPicture):
        fit(kept, LIMITS)


def test_a_photo_that_lives_on_what_is_cut_away_is_refused() -> None:
    """Found by fuzzing: damaged files of which less was left each time."""
    png = encode(noise(), "PNG")
    headless = png[:12] + b"IHdR" + png[16:]

    with pytest.raises(BadPicture, match="broken"):
        bare(headless, LIMITS)


@pytest.mark.parametrize(
    "photo",
    [b"\xff\xd8\xff\xe1", b"\xff\xd8\xff\xe0\0\x10JFIF\0", b"\xff\xd8\xff\0" + bytes(5000)],
    ids=["one mark", "half a head", "zeros"],
)
def test_a_jpeg_without_anything_that_draws_is_refused(photo: bytes) -> None:
    """Found by fuzzing: two bytes were left of them."""
    with pytest.raises(BadPicture, match="broken"):
        bare(photo, LIMITS)


def test_random_bytes_behind_a_start_are_refused_or_kept_for_good() -> None:
    draw = random.Random(5)
    for start in (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBPVP8X", b"GIF89a"):
        for _ in range(50):
            photo = start + draw.randbytes(draw.randrange(200))
            try:
                kept = bare(photo, LIMITS)
            except BadPicture:
                continue
            assert bare(kept, LIMITS) == kept
