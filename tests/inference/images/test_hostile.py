"""Every picture of hostile.py through a real child: its stated outcome, soon, in little memory."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from inference.errors import BadPicture
from inference.images.decode import Decoder, PicturesSection
from inference.request import Picture
from tests.inference.images.hostile import Colour, Hostile, Right, every, png

PEAK_KB = 512 << 10


@pytest.fixture(scope="module")
def pictures() -> tuple[Hostile, ...]:
    return tuple(every())


@pytest.fixture
async def decoder() -> AsyncIterator[Decoder]:
    decoder = Decoder(PicturesSection(timeout_s=15.0))
    yield decoder
    await decoder.close()


def children() -> set[str]:
    tasks = Path("/proc/self/task").glob("*/children")
    return {child for task in tasks for child in task.read_text().split()}


def peak_kb_of(child: str) -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", (Path("/proc") / child / "status").read_text())
    assert found is not None
    return int(found[1])


async def outcome(decoder: Decoder, photo: bytes) -> Picture | str:
    try:
        return await decoder.decode(photo)
    except BadPicture as fault:
        return fault.reason


def is_as_stated(got: Picture | str, stated: Right | str) -> bool:
    if isinstance(got, str) or isinstance(stated, str):
        return got == stated
    return (
        (got.width, got.height, got.notes) == (stated.width, stated.height, stated.notes)
        and len(got.rgb) == 3 * got.width * got.height
        and (stated.colour is None or is_near(middle_of(got), stated.colour))
    )


def middle_of(picture: Picture) -> Colour:
    at = 3 * (picture.height // 2 * picture.width + picture.width // 2)
    red, green, blue = picture.rgb[at : at + 3]
    return red, green, blue


def is_near(first: Colour, second: Colour) -> bool:
    return all(abs(one - other) < 12 for one, other in zip(first, second, strict=True))


def test_there_are_at_least_sixty_of_them_and_each_has_a_name(
    pictures: tuple[Hostile, ...],
) -> None:
    assert len(pictures) >= 60
    assert len({one.name for one in pictures}) == len(pictures)


@pytest.mark.row(51)
async def test_each_of_them_gets_its_stated_outcome_in_little_memory(
    decoder: Decoder, pictures: tuple[Hostile, ...]
) -> None:
    before = children()

    wrong = [
        (one.name, got)
        for one in pictures
        if not is_as_stated(got := await outcome(decoder, one.photo), one.outcome)
    ]

    assert wrong == []
    (child,) = children() - before  # none of them cost the child its life
    assert peak_kb_of(child) < PEAK_KB


@pytest.mark.row(52)
async def test_what_is_kept_of_each_of_them_is_kept_as_it_is_and_looks_the_same(
    decoder: Decoder, pictures: tuple[Hostile, ...]
) -> None:
    different = []
    for one in pictures:
        seen = await outcome(decoder, one.photo)
        try:
            kept = await decoder.bare(one.photo)
        except BadPicture as fault:
            if isinstance(seen, Picture):
                different.append((one.name, fault.reason))
            continue
        again = await outcome(decoder, kept)
        if await decoder.bare(kept) != kept or not looks_like(seen, again):
            different.append((one.name, "kept"))

    assert different == []


def looks_like(first: Picture | str, second: Picture | str) -> bool:
    if isinstance(first, str) or isinstance(second, str):
        return first == second
    return first == second and first.notes == second.notes


@pytest.mark.row(51)
async def test_the_worst_picture_within_the_limits_takes_little_memory_too(
    decoder: Decoder,
) -> None:
    before = children()

    picture = await decoder.decode(png(6320, 6320, colour=6))

    (child,) = children() - before
    assert picture.width == 1024
    assert peak_kb_of(child) < PEAK_KB
