from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from inference.images.alike import LIKENESS_BYTES, distance
from inference.images.likeness import likeness_of
from inference.request import Picture


def scene(seed: int) -> Image.Image:
    """A picture of soft spots, as photos have them."""
    coarse = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), np.uint8)
    return Image.fromarray(coarse).resize((640, 480), Image.Resampling.BICUBIC)


def picture_of(image: Image.Image) -> Picture:
    return Picture(image.width, image.height, image.convert("RGB").tobytes())


def copied(image: Image.Image, size: tuple[int, int], quality: int) -> Image.Image:
    file = BytesIO()
    image.resize(size).save(file, "JPEG", quality=quality)
    return Image.open(file)


@pytest.mark.parametrize(
    ("size", "quality"),
    [((640, 480), 40), ((320, 240), 75), ((1024, 768), 90)],
    ids=["saved anew", "smaller", "larger"],
)
def test_a_copy_of_a_photo_looks_the_same(size: tuple[int, int], quality: int) -> None:
    for seed in range(10):
        original = likeness_of(picture_of(scene(seed)))

        assert distance(original, likeness_of(picture_of(copied(scene(seed), size, quality)))) <= 12


def test_other_photos_look_otherwise() -> None:
    looks = [likeness_of(picture_of(scene(seed))) for seed in range(12)]

    nearest = min(distance(a, b) for at, a in enumerate(looks) for b in looks[at + 1 :])

    assert nearest > 60


def test_the_same_pixels_have_the_same_bits_and_those_are_256() -> None:
    picture = picture_of(scene(1))

    assert likeness_of(picture) == likeness_of(picture)
    assert len(likeness_of(picture)) == LIKENESS_BYTES == 32


@pytest.mark.parametrize("colour", ["white", "black", "grey"])
def test_a_picture_without_anything_in_it_has_a_likeness(colour: str) -> None:
    blank = picture_of(Image.new("RGB", (50, 40), colour))

    assert distance(likeness_of(blank), likeness_of(blank)) == 0


def test_what_is_not_known_is_like_nothing() -> None:
    assert distance(b"", b"") == 256
    assert distance(likeness_of(picture_of(scene(1))), b"") == 256
