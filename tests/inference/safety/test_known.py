from __future__ import annotations

from dataclasses import replace

import pytest

from inference.images.likeness import likeness_of
from inference.request import Picture
from inference.safety.incoming.known import CATEGORY, KnownPictures
from inference.safety.verdict import Context
from tests.inference.contracts import contract, picture_of, scanned_again

HERE = Context("picture", "test:ann")


def listed(*pictures: Picture) -> list[tuple[str, bytes]]:
    return [(picture.digest, likeness_of(picture)) for picture in pictures]


async def action(known: KnownPictures, picture: Picture) -> list[str]:
    verdicts = await known.check(picture, HERE)
    assert {verdict.category for verdict in verdicts} <= {CATEGORY}
    return [verdict.action for verdict in verdicts]


@pytest.fixture(scope="module")
def bad() -> Picture:
    return picture_of(contract(0))


async def test_the_very_pixels_are_blocked_whatever_else_is_listed(bad: Picture) -> None:
    known = KnownPictures(lambda: listed(picture_of(contract(9)), bad))

    assert await action(known, replace(bad, source="f" * 64)) == ["block"]


async def test_what_looks_the_same_is_never_blocked_but_looked_at(bad: Picture) -> None:
    known = KnownPictures(lambda: listed(bad))

    assert await action(known, picture_of(scanned_again(contract(0)))) == ["review"]
    assert await action(known, picture_of(contract(1))) == ["review"]


async def test_another_picture_passes(bad: Picture) -> None:
    known = KnownPictures(lambda: listed(bad))
    upside_down = picture_of(contract(0).rotate(180))

    assert await action(known, upside_down) == []


async def test_of_a_listed_picture_without_a_likeness_only_its_pixels_are_known(
    bad: Picture,
) -> None:
    known = KnownPictures(lambda: [(bad.digest, b"")])

    assert await action(known, bad) == ["block"]
    assert await action(known, picture_of(contract(1))) == []


async def test_the_list_of_the_moment_counts(bad: Picture) -> None:
    now: list[tuple[str, bytes]] = []
    known = KnownPictures(lambda: now)
    before = await action(known, bad)

    now += listed(bad)

    assert (before, await action(known, bad)) == ([], ["block"])
