"""Pages are told from photos and turned straight; photos stay as they are to the bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from inference.images.decode import PicturesSection
from inference.images.fit import fit
from inference.images.page import lines_of
from tests.inference.images.pages import CJK, as_jpeg, page, photographed

LIMITS = PicturesSection().limits()
ANGLES = (-10.0, -7.3, -4.1, -1.7, -0.6, 0.0, 0.9, 2.4, 5.2, 7.7)
TOLERANCE = 0.15  # degrees

needs_cjk = pytest.mark.skipif(not CJK.exists(), reason="no Chinese font is installed")
LANGUAGES = ("en", pytest.param("zh", marks=needs_cjk))


@pytest.fixture(scope="module")
def pages() -> dict[str, Image.Image]:
    return {
        language: page(language) for language in ("en", "zh") if language == "en" or CJK.exists()
    }


def drawn() -> Image.Image:
    """A few things on a plain ground."""
    image = Image.new("RGB", (1200, 900), (240, 240, 240))
    pen = ImageDraw.Draw(image)
    pen.rectangle((100, 100, 400, 300), fill="red")
    pen.ellipse((600, 200, 900, 500), fill="blue")
    pen.polygon([(200, 800), (500, 800), (350, 500)], fill="green")
    return image


def striped() -> Image.Image:
    """Broad boards, as of a fence, at an angle."""
    image = Image.new("RGB", (1200, 1200), (230, 230, 225))
    pen = ImageDraw.Draw(image)
    for top in range(0, 1200, 120):
        pen.rectangle((0, top, 1200, top + 60), fill=(90, 70, 50))
    return image.rotate(4, expand=False, fillcolor=(230, 230, 225))


def blinds() -> Image.Image:
    """Thin lines that never end; their ink is as much as a text's."""
    image = Image.new("RGB", (1600, 1200), (215, 215, 210))
    pen = ImageDraw.Draw(image)
    for top in range(-200, 1400, 40):
        pen.line((0, top, 1600, top + 112), fill=(70, 80, 120), width=6)
    return image


def tiles() -> Image.Image:
    """Each joint is as thin as a stroke."""
    image = Image.new("RGB", (2000, 2000), (225, 225, 222))
    pen = ImageDraw.Draw(image)
    for at in range(0, 2000, 60):
        pen.line((0, at, 2000, at), fill=(120, 120, 120), width=4)
        pen.line((at, 0, at, 2000), fill=(120, 120, 120), width=4)
    return image.rotate(7, Image.Resampling.BICUBIC).crop((300, 300, 1700, 1500))


def clouds() -> Image.Image:
    coarse = np.random.default_rng(3).integers(40, 220, (9, 12, 3), np.uint8)
    return Image.fromarray(coarse).resize((1600, 1200), Image.Resampling.BICUBIC)


def noise() -> Image.Image:
    return Image.effect_noise((1200, 900), 60).convert("RGB")


def dark_screen() -> Image.Image:
    """White letters on black."""
    return Image.eval(page("en"), lambda level: 255 - level)


PHOTOS = {
    each.__name__: each for each in (drawn, striped, blinds, tiles, clouds, noise, dark_screen)
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("angle", ANGLES)
def test_the_angle_of_a_shaded_page_is_found(
    language: str, angle: float, pages: dict[str, Image.Image]
) -> None:
    found = lines_of(photographed(pages[language].reduce(2), angle))

    assert found is not None
    assert abs(found.degrees + angle) <= TOLERANCE


@pytest.mark.parametrize("quality", [40, 60, 80])
@pytest.mark.parametrize("shrink", [2, 4])
def test_a_page_is_one_however_much_it_was_compressed(
    shrink: int, quality: int, pages: dict[str, Image.Image]
) -> None:
    photo = as_jpeg(photographed(pages["en"].reduce(shrink), 4.0), quality)

    assert fit(photo, LIMITS).notes == ("straightened",)


def test_a_ruled_table_is_a_page(pages: dict[str, Image.Image]) -> None:
    table = pages["en"].copy()
    pen = ImageDraw.Draw(table)
    for at in range(140, 2100, 90):
        pen.line((100, at, 1500, at), fill=30, width=4)
    for at in range(100, 1501, 200):
        pen.line((at, 140, at, 2060), fill=30, width=4)

    found = lines_of(photographed(table.reduce(2), 5.0))

    assert found is not None
    assert abs(found.degrees + 5.0) <= TOLERANCE


@pytest.mark.parametrize("name", PHOTOS)
def test_a_photo_is_the_same_to_the_bit_with_and_without(name: str) -> None:
    photo = as_jpeg(PHOTOS[name]())

    assert fit(photo, LIMITS) == fit(photo, replace(LIMITS, straighten_pages=False))


def test_a_page_comes_out_straight_and_within_the_longest_side(
    pages: dict[str, Image.Image],
) -> None:
    picture = fit(as_jpeg(photographed(pages["en"], 6.0)), LIMITS)

    found = lines_of(Image.frombytes("RGB", (picture.width, picture.height), picture.rgb))
    assert max(picture.width, picture.height) <= 1024
    assert max(picture.width, picture.height) >= 1020
    assert found is not None
    assert abs(found.degrees) <= 0.3
    assert picture.notes == ("straightened",)


def test_a_page_that_is_nearly_straight_is_not_turned_and_nothing_is_told(
    pages: dict[str, Image.Image],
) -> None:
    photo = as_jpeg(photographed(pages["en"], 0.2))

    ours, plain = fit(photo, LIMITS), fit(photo, replace(LIMITS, straighten_pages=False))

    assert (ours.width, ours.height, ours.notes) == (plain.width, plain.height, ())


def test_a_small_turn_is_made_and_not_told(pages: dict[str, Image.Image]) -> None:
    picture = fit(as_jpeg(photographed(pages["en"], 1.5)), LIMITS)

    found = lines_of(Image.frombytes("RGB", (picture.width, picture.height), picture.rgb))
    assert found is not None
    assert abs(found.degrees) <= 0.3
    assert picture.notes == ()


def test_paper_in_the_shade_becomes_white(pages: dict[str, Image.Image]) -> None:
    photo = as_jpeg(photographed(pages["en"], 0.0))

    before, after = (
        brightness_of_paper(fit(photo, limits).rgb)
        for limits in (replace(LIMITS, straighten_pages=False), LIMITS)
    )

    assert before.std() > 20
    assert after.std() < 8
    assert after.mean() > 245


def brightness_of_paper(rgb: bytes) -> np.ndarray:
    """The brightest of each block within the page's margins."""
    levels = np.frombuffer(rgb, np.uint8).reshape(1024, -1, 3).mean(2)
    inner = levels[96:928, 96:672]
    return np.percentile(inner.reshape(26, 32, 18, 32), 80, axis=(1, 3))


def test_colours_on_a_page_stay_what_they_are(pages: dict[str, Image.Image]) -> None:
    marked = pages["en"].copy()
    ImageDraw.Draw(marked).rectangle((400, 1000, 1200, 1200), fill=(200, 30, 30))

    picture = fit(as_jpeg(photographed(marked, 0.0)), LIMITS)

    at = 3 * (picture.height // 2 * picture.width + picture.width // 2)
    red, green, blue = picture.rgb[at : at + 3]
    assert red > 150
    assert max(green, blue) < 90


def test_a_clean_page_of_a_program_stays_as_it_is(pages: dict[str, Image.Image]) -> None:
    photo = as_jpeg(pages["en"])

    assert fit(photo, LIMITS) == fit(photo, replace(LIMITS, straighten_pages=False))
