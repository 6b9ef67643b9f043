"""What is covered of a stored photo cannot be seen in it any more."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

from PIL import Image

from inference.images.bare import bare
from inference.images.decode import PicturesSection
from inference.images.fit import fit
from inference.images.keeping import Box, render_covered
from inference.request import Picture

WIDTH, HEIGHT = 60, 40


def picture() -> Picture:
    noise = Image.effect_noise((WIDTH, HEIGHT), 90).convert("RGB")
    return Picture(WIDTH, HEIGHT, noise.tobytes())


def opened(png: bytes) -> Image.Image:
    return Image.open(BytesIO(png)).convert("RGB")


def test_a_box_has_one_colour_and_around_it_nothing_changed() -> None:
    before = picture()

    image = opened(render_covered(before, [Box(10, 5, 30, 15)]))

    inside = image.crop((10, 5, 30, 15))
    plain = Image.frombytes("RGB", (WIDTH, HEIGHT), before.rgb)
    assert len(inside.getcolors() or ()) == 1
    plain.paste(inside, (10, 5))
    assert image.tobytes() == plain.tobytes()


def test_boxes_beyond_the_picture_cover_what_is_within() -> None:
    image = opened(render_covered(picture(), [Box(-5, -5, 500, 500), Box(90, 90, 95, 95)]))

    assert len(image.getcolors() or ()) == 1


def test_what_is_told_of_a_picture_is_told_of_it_covered() -> None:
    limits = PicturesSection().limits()
    told = replace(picture(), notes=("first_page", "straightened"))

    covered = render_covered(told, [Box(0, 0, 9, 9)])

    assert fit(covered, limits).notes == ("first_page", "straightened")
    assert bare(covered, limits) == covered


def test_the_same_boxes_give_the_same_bytes() -> None:
    photo, boxes = picture(), [Box(0, 0, 9, 9)]

    assert render_covered(photo, boxes) == render_covered(photo, boxes)
