"""Numbers of people in photos: covered where they stand, and nothing else."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import cast

import pytest
from PIL import Image, ImageDraw, ImageFont

from inference.errors import CannotRead, ModelUnusable
from inference.images.keeping import Box, render_covered
from inference.images.reading import (
    OcrSection,
    ReadLine,
    ReadText,
    TextReader,
    is_readable,
    make_reader,
)
from inference.request import Picture
from inference.safety.personal.pictures import PersonalCovering, make_covering
from inference.safety.section import SafetySection

CJK = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
PICTURE = Picture(400, 100, b"\xff" * (400 * 100 * 3))
ON = SafetySection(personal_in_pictures=True)


class Reader:
    """Reads what it is told."""

    def __init__(self, *lines: ReadLine, fails: str = "") -> None:
        self._text, self._fails = ReadText(lines), fails
        self.reads = 0

    async def read(self, picture: Picture) -> ReadText:
        self.reads += 1
        if self._fails:
            raise CannotRead("busy")
        return self._text


def covering(reader: Reader, section: SafetySection = ON) -> PersonalCovering:
    return PersonalCovering(cast(TextReader, reader), lambda: section)


def line(text: str, left: int, top: int, row: int) -> ReadLine:
    return ReadLine(text, (left, top, left + 10 * len(text), top + 20), 1.0, row)


def reaches(boxes: list[Box], left: int, top: int, right: int, bottom: int) -> bool:
    return any(
        box.left <= left and box.top <= top and box.right >= right and box.bottom >= bottom
        for box in boxes
    )


async def test_a_number_is_covered_from_its_first_figure_to_its_last() -> None:
    reader = Reader(line("name: Ann", 0, 0, 0), line("tel: 13800138000 ext 5 and more", 0, 40, 1))

    (box,) = await covering(reader).find(PICTURE)

    assert reaches([box], 50, 40, 160, 60)
    assert (box.top, box.bottom) == (40, 60)
    assert box.left > 20
    assert box.right < 220


async def test_a_number_in_several_pieces_of_a_row_is_covered_in_each() -> None:
    pieces = [line("6222", 0, 0, 0), line("0212 3456", 100, 0, 0), line("7890 128", 300, 0, 0)]

    boxes = list(await covering(Reader(*pieces)).find(PICTURE))

    assert len(boxes) == 3
    for piece in pieces:
        assert reaches(boxes, *piece.box)


async def test_a_picture_without_numbers_has_nothing_to_cover() -> None:
    assert await covering(Reader(line("2026-05-01", 0, 0, 0))).find(PICTURE) == []


async def test_nothing_is_read_while_it_is_off() -> None:
    reader = Reader(line("13800138000", 0, 0, 0))

    assert await covering(reader, SafetySection()).find(PICTURE) == ()
    assert reader.reads == 0


async def test_the_organisations_own_number_stays_in_the_picture() -> None:
    own = SafetySection(personal_in_pictures=True, personal_never=("138 0013 8000",))

    assert await covering(Reader(line("13800138000", 0, 0, 0)), own).find(PICTURE) == []


def test_what_needs_a_reader_does_not_start_without_one() -> None:
    with pytest.raises(ModelUnusable, match="personal_in_pictures is on"):
        make_covering(None, lambda: ON)

    assert make_covering(None, SafetySection) is None


async def test_a_photo_that_cannot_be_read_is_not_lost(caplog: pytest.LogCaptureFixture) -> None:
    reader = Reader(fails="busy")

    assert await covering(reader).find(PICTURE) == ()
    assert "without a look" in caplog.text


def _can_read() -> bool:
    return is_readable() and CJK.exists()


@pytest.fixture
async def reader() -> AsyncIterator[TextReader]:
    if not _can_read():
        why = "rapidocr or the font is missing: visionbot[ocr], fonts-noto-cjk"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(why)
    reader = make_reader(OcrSection(timeout_s=60.0))
    assert reader is not None
    yield reader
    await reader.close()


@pytest.mark.timeout(120)  # the reader starts, and reads three times
async def test_what_is_stored_of_a_photographed_page_cannot_be_read_any_more(
    reader: TextReader,
) -> None:
    page = Image.new("RGB", (640, 200), "white")
    font = ImageFont.truetype(str(CJK), 24, index=2)
    ImageDraw.Draw(page).text((20, 30), "登记表：张三", font=font, fill="black")
    ImageDraw.Draw(page).text((20, 90), "电话：13800138000", font=font, fill="black")
    ImageDraw.Draw(page).text((20, 140), "身份证 11010119900307774X", font=font, fill="black")
    picture = Picture(page.width, page.height, page.tobytes())
    watch = PersonalCovering(reader, lambda: ON)

    boxes = await watch.find(picture)
    stored = Image.open(BytesIO(render_covered(picture, boxes))).convert("RGB")
    kept = Picture(stored.width, stored.height, stored.tobytes())
    read = (await reader.read(kept)).text

    assert len(boxes) == 2
    assert "张三" in read
    assert not any(part in read for part in ("1380013", "0138000", "19900307", "7774"))
    assert await watch.find(kept) == []
