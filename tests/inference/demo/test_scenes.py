"""What a drawn picture is said to show must be what its pixels show."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from inference.demo.colours import COLOURS, OBJECT_COLOURS, draw_colour, name_pixels
from inference.demo.fonts import held_out_fonts, train_fonts
from inference.demo.patches import CELLS, IGNORE, cut, targets_of
from inference.demo.scenes import Scene, fit, grid_of, paint, zone_of

PICTURES = 120


@pytest.fixture(scope="module")
def drawn() -> list[tuple[Image.Image, Scene]]:
    rng = np.random.default_rng(77)
    fonts = train_fonts()
    return [paint(rng, fonts) for _ in range(PICTURES)]


def _centres(drawn: list[tuple[Image.Image, Scene]]) -> Iterator[tuple[str, str]]:
    """The colour said and the colour seen in the middle of each thing."""
    for picture, scene in drawn:
        pixels = np.asarray(picture)
        height, width = pixels.shape[:2]
        for thing in scene.things:
            row, column = int(thing.y * height), int(thing.x * width)
            middle = pixels[row - 1 : row + 2, column - 1 : column + 2].reshape(-1, 3)
            shown = np.median(middle, axis=0).astype(np.uint8)
            yield thing.colour, COLOURS[name_pixels(shown[None])[0]]


@pytest.mark.parametrize("name", COLOURS)
def test_a_drawn_colour_has_its_own_name(name: str) -> None:
    rng = np.random.default_rng(3)

    drawn = [draw_colour(rng, name).clip(0, 255) for _ in range(200)]

    named = [COLOURS[index] for index in name_pixels(np.array(drawn).astype(np.uint8))]
    assert named.count(name) >= 196


def test_the_middle_of_a_thing_has_the_colour_it_is_said_to_have(
    drawn: list[tuple[Image.Image, Scene]],
) -> None:
    pairs = list(_centres(drawn))

    right = sum(said == shown for said, shown in pairs)

    assert right >= 0.97 * len(pairs)


def test_things_in_the_same_picture_do_not_overlap(drawn: list[tuple[Image.Image, Scene]]) -> None:
    for _, scene in drawn:
        for first in scene.things:
            for second in scene.things:
                if first is not second:
                    far = abs(first.x - second.x) > min(first.rx, second.rx)
                    assert far or abs(first.y - second.y) > min(first.ry, second.ry)


@pytest.mark.parametrize(
    ("x", "y", "zone"),
    [
        (0.2, 0.5, "left"), (0.8, 0.55, "right"), (0.5, 0.2, "top"), (0.45, 0.85, "bottom"),
        (0.52, 0.48, "middle"), (0.2, 0.2, None), (0.38, 0.5, None), (0.6, 0.6, None),
    ],
)  # fmt: skip
def test_a_place_is_named_only_where_people_would_agree(x: float, y: float, zone: str) -> None:
    assert zone_of(x, y) == zone


@pytest.mark.parametrize(
    ("height", "width", "grid"),
    [(480, 640, (4, 6)), (1024, 1024, (5, 5)), (1024, 576, (7, 3)), (120, 120, (4, 4))],
)
def test_a_picture_has_at_most_25_tokens(height: int, width: int, grid: tuple[int, int]) -> None:
    assert grid_of(height, width) == grid
    assert grid[0] * grid[1] <= CELLS


def test_targets_name_every_thing_in_the_cell_of_its_centre(
    drawn: list[tuple[Image.Image, Scene]],
) -> None:
    for _, scene in drawn:
        cells = targets_of(scene).cells
        for thing in scene.things:
            cell = int(thing.y * scene.grid[0]) * scene.grid[1] + int(thing.x * scene.grid[1])
            assert cells[cell, 0] != IGNORE
            assert OBJECT_COLOURS[cells[cell, 1]] in {other.colour for other in scene.things}


def test_patches_hold_every_pixel_once(drawn: list[tuple[Image.Image, Scene]]) -> None:
    picture, scene = drawn[0]
    fitted = fit(picture, scene.grid)

    patches = cut(fitted)

    pixels = np.asarray(fitted)
    assert np.array_equal(
        np.sort(patches[patches.any(-1)], None)[-900:], np.sort(pixels, None)[-900:]
    )
    assert np.array_equal(patches[0].reshape(3, 14, 14), pixels[:14, :14].transpose(2, 0, 1))


def test_no_font_of_the_evaluation_is_trained_on() -> None:
    assert not set(train_fonts()) & set(held_out_fonts())
