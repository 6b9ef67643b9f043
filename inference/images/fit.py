"""From a photo's bytes to a Picture: checked, decoded, upright, RGB, shrunk; runs in the child."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from PIL import ExifTags, Image

from inference.errors import BadPicture
from inference.images.formats import open_photo, sniff
from inference.images.limits import Limits, check_bytes, check_sides
from inference.images.page import made_ready, shrunk
from inference.request import Picture, PictureNote

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_UNKNOWN_COLOURS = frozenset({"LAB", "HSV"})  # which no conversion to RGB knows


@dataclass(frozen=True, slots=True)
class Decoded:
    """Upright and RGB; at most as large as the file says, and not yet shrunk."""

    image: Image.Image
    notes: tuple[PictureNote, ...]


def fit(photo: bytes, limits: Limits) -> Picture:
    """Raises BadPicture, whatever the bytes are, and nothing else."""
    with refusing():
        decoded = decode(photo, limits)
        if limits.straighten_pages:
            image, notes = made_ready(decoded.image, limits.longest_side)
        else:
            image, notes = shrunk(decoded.image, limits.longest_side), ()
        return Picture(image.width, image.height, image.tobytes(), (*decoded.notes, *notes))


@contextmanager
def refusing() -> Iterator[None]:
    """Turns whatever Pillow raises over a file into BadPicture."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks on odd files help nobody here
            yield
    except BadPicture:
        raise
    except Exception as error:  # damaged files make Pillow raise nearly anything
        raise BadPicture("broken") from error


def decode(photo: bytes, limits: Limits) -> Decoded:
    check_bytes(photo, limits)
    kind = sniff(photo)
    opened = open_photo(photo, kind, limits)
    image, notes = opened.image, opened.notes
    del opened
    if kind == "jpeg":
        side = limits.longest_side
        image.draft("RGB", (side, side))  # decodes at 1/2, 1/4 or 1/8, never below `side`
    image.load()
    check_sides(*image.size, limits)  # what HEIC announces may be less than what it holds
    turn = _UPRIGHT.get(orientation_of(image.getexif))
    upright = image if turn is None else image.transpose(turn)
    del image  # the child's memory holds two copies of the largest picture, not three
    return Decoded(_plain(upright), notes)


def orientation_of(exif: Callable[[], Image.Exif]) -> int:
    """As EXIF counts them; 1: it is upright, or nobody knows."""
    try:
        told = int(exif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # a damaged EXIF block must not cost the picture
        return 1
    return told if told in _UPRIGHT else 1


def _plain(image: Image.Image) -> Image.Image:
    if image.mode in _UNKNOWN_COLOURS:
        raise BadPicture("format")
    if image.mode.startswith("I;16"):  # convert("RGB") alone would make it all white
        image.info.pop("transparency", None)
        if image.mode != "I;16":  # the other orders of bytes cannot be scaled
            image = image.convert("I")
        image = image.point(lambda level: level / 257).convert("L")
    elif image.mode in ("I", "F"):
        image = _stretched(image)
    if image.has_transparency_data:
        clear = image if image.mode == "RGBA" else image.convert("RGBA")  # no copy of the largest
        image = Image.new("RGB", clear.size, "white")
        image.paste(clear, mask=clear.getchannel("A"))
    return image if image.mode == "RGB" else image.convert("RGB")


def _stretched(image: Image.Image) -> Image.Image:
    """Measurements of any range, as scanners and cameras for science write them."""
    image.info.pop("transparency", None)
    low, high = image.getextrema()
    assert isinstance(low, int | float)  # of one band
    assert isinstance(high, int | float)
    scale = 255 / (high - low) if high > low else 0.0
    return image.point(lambda level: level * scale - low * scale).convert("L")
