from __future__ import annotations

import random
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from zlib import compress, crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from inference.errors import BadPicture
from inference.images.decode import PicturesSection
from inference.images.fit import fit
from inference.images.limits import Limits
from inference.request import Picture

Encode = Callable[..., bytes]

LIMITS = PicturesSection().limits()


def pixel(picture: Picture, x: int, y: int) -> tuple[int, ...]:
    at = 3 * (y * picture.width + x)
    return tuple(picture.rgb[at : at + 3])


def refusal(photo: bytes, limits: Limits = LIMITS) -> BadPicture:
    with pytest.raises(BadPicture) as caught:
        fit(photo, limits)
    return caught.value


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_each_of_the_three_formats_is_decoded(kind: str, encode: Encode) -> None:
    picture = fit(encode(Image.new("RGB", (64, 48), (255, 0, 0)), kind), LIMITS)

    assert (picture.width, picture.height, len(picture.rgb)) == (64, 48, 64 * 48 * 3)
    red, green, blue = pixel(picture, 20, 20)
    assert red > 250
    assert green < 5
    assert blue < 5


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_large_photo_is_shrunk_to_the_longest_side(kind: str, encode: Encode) -> None:
    picture = fit(encode(Image.new("RGB", (3000, 1500), "navy"), kind), LIMITS)

    assert (picture.width, picture.height) == (1024, 512)


def test_a_small_photo_keeps_its_size(encode: Encode) -> None:
    picture = fit(encode(Image.new("RGB", (100, 60))), LIMITS)

    assert (picture.width, picture.height) == (100, 60)


# where the top left red corner of the stored picture belongs, by EXIF orientation
CORNERS = {
    1: (0, 0),
    2: (1, 0),
    3: (1, 1),
    4: (0, 1),
    5: (0, 0),
    6: (1, 0),
    7: (1, 1),
    8: (0, 1),
}


@pytest.mark.parametrize(("orientation", "corner"), CORNERS.items())
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photo_is_turned_upright(
    kind: str, orientation: int, corner: tuple[int, int], encode: Encode
) -> None:
    stored = Image.new("RGB", (80, 40), "white")
    stored.paste((255, 0, 0), (0, 0, 16, 16))
    exif = Image.Exif()
    exif[0x0112] = orientation

    picture = fit(encode(stored, kind, exif=exif), LIMITS)

    assert (picture.width, picture.height) == ((80, 40) if orientation < 5 else (40, 80))
    x, y = corner[0] * (picture.width - 1), corner[1] * (picture.height - 1)
    assert pixel(picture, abs(x - 4), abs(y - 4))[1] < 100
    assert pixel(picture, picture.width // 2, picture.height // 2)[1] > 200


def test_damaged_exif_does_not_cost_the_picture(encode: Encode) -> None:
    photo = encode(Image.new("RGB", (60, 40)), exif=b"Exif\x00\x00II*\x00\xff\xff\xff\x7fnonsense")

    assert fit(photo, LIMITS).width == 60


def test_sixteen_bit_grey_keeps_its_shades(encode: Encode) -> None:
    grey = Image.new("I;16", (40, 40), 128 * 257)

    assert pixel(fit(encode(grey, "PNG"), LIMITS), 5, 5) == (128, 128, 128)


@pytest.mark.row(52)
def test_cmyk_becomes_the_right_colour(encode: Encode) -> None:
    cyan = Image.new("CMYK", (40, 40), (255, 0, 0, 0))

    red, green, blue = pixel(fit(encode(cyan, quality=95), LIMITS), 20, 20)

    assert red < 30
    assert green > 200
    assert blue > 200


def test_transparent_parts_become_white(encode: Encode) -> None:
    clear = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    clear.paste((10, 20, 30, 255), (0, 0, 10, 10))

    picture = fit(encode(clear, "PNG"), LIMITS)

    assert pixel(picture, 30, 30) == (255, 255, 255)
    assert pixel(picture, 5, 5) == (10, 20, 30)


def test_a_transparent_palette_colour_becomes_white(encode: Encode) -> None:
    drawn = Image.new("P", (40, 40), 0)
    drawn.putpalette([0, 0, 0, 200, 100, 50])
    drawn.paste(1, (0, 0, 10, 10))

    picture = fit(encode(drawn, "PNG", transparency=0), LIMITS)

    assert pixel(picture, 30, 30) == (255, 255, 255)
    assert pixel(picture, 5, 5) == (200, 100, 50)


def test_heic_without_its_extra_is_refused_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)  # as if it were not installed

    assert refusal(b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic").reason == "heic"


def test_the_first_frame_of_an_animation_is_taken(encode: Encode) -> None:
    first, second = Image.new("RGB", (40, 40), "red"), Image.new("RGB", (40, 40), "blue")
    photo = encode(first, "WEBP", save_all=True, append_images=[second], lossless=True)

    assert pixel(fit(photo, LIMITS), 5, 5) == (255, 0, 0)


def test_the_first_picture_of_a_phones_double_photo_is_taken(encode: Encode) -> None:
    first, second = Image.new("RGB", (40, 40), "red"), Image.new("RGB", (20, 20), "blue")
    photo = encode(first, "MPO", save_all=True, append_images=[second])

    picture = fit(photo, LIMITS)

    assert picture.width == 40
    assert pixel(picture, 5, 5)[0] > 240


def test_no_bytes_are_an_empty_photo() -> None:
    assert refusal(b"").reason == "empty"


def test_a_file_over_the_limit_is_refused_with_both_numbers() -> None:
    fault = refusal(bytes(101), replace(LIMITS, max_bytes=100))

    assert (fault.reason, fault.value, fault.limit) == ("too_large", 101, 100)


@pytest.mark.parametrize("kind", ["BMP", "ICO", "EPS"])
@pytest.mark.row(52)
def test_other_formats_are_refused_as_format(kind: str, encode: Encode) -> None:
    assert refusal(encode(Image.new("RGB", (64, 64)), kind)).reason == "format"


@pytest.mark.parametrize(
    "photo",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7\n",
        b"\x00" * 64,
        b"PK\x03\x04",
        b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp42",
    ],
    ids=["svg", "pdf", "zeros", "zip", "film"],
)
@pytest.mark.row(52)
def test_what_is_no_photo_is_refused_as_format(photo: bytes) -> None:
    assert refusal(photo).reason == "format"


def test_the_short_side_is_named_when_it_is_too_short(encode: Encode) -> None:
    fault = refusal(encode(Image.new("RGB", (200, 27))))

    assert (fault.reason, fault.value, fault.limit) == ("too_small", 27, 28)


@pytest.mark.row(52)
def test_a_strip_is_refused_with_its_ratio(encode: Encode) -> None:
    fault = refusal(encode(Image.new("RGB", (30, 6000))))

    assert (fault.reason, fault.value, fault.limit) == ("too_narrow", 200, 100)


def test_a_photo_of_one_pixel_width_is_too_small(encode: Encode) -> None:
    assert refusal(encode(Image.new("RGB", (1, 65000)))).reason == "too_small"


@pytest.mark.parametrize(
    ("side", "depth", "colour"),
    [(50_000, 1, 0), (13_000, 8, 2), (9_400, 8, 6)],
    ids=["50000 black and white", "13000 rgb", "9400 rgba"],
)
@pytest.mark.row(51)
def test_a_png_bomb_is_refused_by_its_header(
    side: int, depth: int, colour: int, png: Encode
) -> None:
    photo = png(side, 1, depth=depth, colour=colour)
    lying = photo[:20] + struct.pack(">I", side) + photo[24:]
    header = lying[:29] + struct.pack(">I", crc32(lying[12:29])) + lying[33:]

    fault = refusal(header)

    assert (fault.reason, fault.value) == ("too_many_pixels", side * side)


@pytest.mark.row(51)
def test_a_webp_canvas_bomb_is_refused_by_its_header(encode: Encode) -> None:
    alpha = bytearray(encode(Image.new("RGBA", (64, 64), (1, 2, 3, 4)), "WEBP"))
    assert alpha[12:16] == b"VP8X"
    alpha[24:30] = (16_382).to_bytes(3, "little") * 2

    fault = refusal(bytes(alpha))

    assert (fault.reason, fault.value) == ("too_many_pixels", 16_383 * 16_383)


@pytest.mark.parametrize("lossless", [True, False])
def test_webp_sides_are_read_from_the_header(lossless: bool, encode: Encode) -> None:
    photo = encode(Image.new("RGB", (300, 20), "red"), "WEBP", lossless=lossless)

    fault = refusal(photo)

    assert (fault.reason, fault.value) == ("too_small", 20)


@pytest.mark.parametrize("name", [b"tEXt", b"IDAT"])
def test_a_png_of_very_many_chunks_is_refused(name: bytes, png: Encode, chunk: Encode) -> None:
    body = b"a\x00b" if name == b"tEXt" else b""

    assert refusal(png(64, 64, extra=chunk(name, body) * 200_000)).reason == "broken"


def test_a_png_with_pixels_in_many_small_chunks_is_decoded(png: Encode, chunk: Encode) -> None:
    whole = png(640, 400)
    start = whole.index(b"IDAT") - 4
    length = int.from_bytes(whole[start : start + 4], "big")
    pixels = whole[start + 8 : start + 8 + length]
    pieces = b"".join(chunk(b"IDAT", pixels[at : at + 2]) for at in range(0, length, 2))

    picture = fit(whole[:start] + pieces + whole[start + 12 + length :], LIMITS)

    assert length > 2 * 256
    assert picture.width == 640


@pytest.mark.row(51)
def test_compressed_text_that_unpacks_to_very_much_is_refused(png: Encode, chunk: Encode) -> None:
    bomb = chunk(b"zTXt", b"Comment\x00\x00" + compress(bytes(80 << 20), 9))

    assert refusal(png(64, 64, extra=bomb)).reason == "broken"


@pytest.mark.row(51)
def test_a_jpeg_of_400_scans_is_refused(scans: Encode) -> None:
    assert refusal(scans(64, 64, count=400)).reason == "broken"


def test_a_film_behind_a_phones_jpeg_does_no_harm(scans: Encode) -> None:
    film = random.Random(1).randbytes(2 << 20)  # the mark of a scan is in it some thirty times
    assert (film * 3).count(b"\xff\xda") > 64

    assert fit(scans(64, 64, count=0) + film * 3, LIMITS).width == 64


def test_an_ordinary_progressive_jpeg_is_decoded(scans: Encode) -> None:
    assert fit(scans(64, 64, count=0), LIMITS).width == 64


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.row(52)
def test_half_a_file_is_broken(kind: str, share: float, encode: Encode) -> None:
    noise = Image.effect_noise((200, 200), 80).convert("RGB")
    photo = encode(noise, kind)

    assert refusal(photo[: int(len(photo) * share)]).reason == "broken"


@settings(deadline=None, max_examples=150)
@given(
    start=st.sampled_from(
        [
            b"",
            b"\xff\xd8\xff\xe0\x00\x10JFIF\x00",
            b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
            b"RIFF\x40\x00\x00\x00WEBPVP8X",
            b"RIFF\x40\x00\x00\x00WEBPVP8 ",
            b"RIFF\x40\x00\x00\x00WEBPVP8L",
        ]
    ),
    rest=st.binary(max_size=400),
)
@pytest.mark.row(52)
def test_random_bytes_are_a_bad_picture_and_nothing_else(start: bytes, rest: bytes) -> None:
    assert refusal(start + rest).reason


@settings(deadline=None, max_examples=150)
@given(data=st.data())
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.row(52)
def test_a_photo_with_flipped_bytes_is_a_picture_or_a_bad_picture(
    kind: str, data: st.DataObject
) -> None:
    photo = bytearray(SOUND[kind])
    places = st.tuples(st.integers(0, len(photo) - 1), st.integers(0, 255))
    for place, value in data.draw(st.lists(places, min_size=1, max_size=8)):
        photo[place] = value

    try:
        picture = fit(bytes(photo), LIMITS)
    except BadPicture:
        return
    assert len(picture.rgb) == 3 * picture.width * picture.height


def _sound() -> dict[str, bytes]:
    photos = {}
    for kind in ("JPEG", "PNG", "WEBP"):
        file = BytesIO()
        Image.linear_gradient("L").resize((60, 40)).convert("RGB").save(file, kind)
        photos[kind] = file.getvalue()
    return photos


SOUND = _sound()


def test_the_child_imports_no_heavy_library() -> None:
    code = "import sys, inference.images.child; print(*sys.modules)"

    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=15
    ).stdout.split()

    assert "PIL.Image" in loaded
    assert not {"torch", "pydantic", "asyncio", "pillow_heif"} & set(loaded)
