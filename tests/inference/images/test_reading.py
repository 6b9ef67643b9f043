"""Text in pictures, read by the real reader: generated pages, odd ones, one that takes too long."""

from __future__ import annotations

import asyncio
import os
import struct
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from PIL import Image, ImageDraw, ImageFont

from inference.errors import CannotRead
from inference.images.reading import OcrSection, ReadLine, TextReader, is_readable, make_reader
from inference.images.reading_child import answer
from inference.request import Picture

CJK = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
OFFLINE = """
import os, runpy, sys
def look(event, values):
    if event in ("socket.connect", "socket.getaddrinfo"):
        os._exit(9)
sys.addaudithook(look)
runpy.run_module("inference.images.reading_child", run_name="__main__")
"""


def needed(there: bool, how: str) -> None:
    if not there:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(how)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reader() -> AsyncIterator[TextReader]:
    """One child for all tests: loading it takes seconds."""
    needed(is_readable(), "rapidocr is missing: pip install 'visionbot[ocr]'")
    reader = make_reader(OcrSection(timeout_s=60.0))
    assert reader is not None
    yield reader
    await reader.close()


def a_page(*placed: tuple[int, int, str], width: int = 640, height: int = 240) -> Picture:
    needed(CJK.exists(), "the font is missing: apt-get install fonts-noto-cjk")
    font = ImageFont.truetype(str(CJK), 22, index=2)
    page = Image.new("RGB", (width, height), "white")
    for x, y, text in placed:
        ImageDraw.Draw(page).text((x, y), text, font=font, fill="black")
    return Picture(page.width, page.height, page.tobytes())


def blank(width: int, height: int) -> Picture:
    return Picture(width, height, b"\xff" * (3 * width * height))


@pytest.mark.asyncio(loop_scope="module")
async def test_chinese_and_english_lines_are_read_in_the_order_of_reading(
    reader: TextReader,
) -> None:
    page = a_page(
        (340, 24, "HT-2026-001"),
        (20, 20, "合同编号"),
        (20, 130, "Total amount: 1,250.00 EUR"),
        (20, 70, "身份证号 11010519491231002X 请保密"),
    )

    read = await reader.read(page)

    assert read.text == (
        "合同编号 HT-2026-001\n身份证号 11010519491231002X 请保密\nTotal amount: 1,250.00 EUR"
    )


@pytest.mark.asyncio(loop_scope="module")
async def test_the_box_of_a_line_and_of_its_part_hold_the_ink(reader: TextReader) -> None:
    page = a_page((40, 60, "电话 13800138000"))

    (line,) = (await reader.read(page)).lines

    left, top, right, bottom = line.box
    number = line.part(line.text.index("1"), len(line.text))
    assert left <= 42
    assert top <= 72 <= 85 <= bottom
    assert 95 - 22 <= number[0] <= 95  # where the font puts the number, less one character
    assert number[2] == right


@pytest.mark.asyncio(loop_scope="module")
async def test_an_empty_or_odd_picture_has_no_text_and_the_next_one_is_read(
    reader: TextReader,
) -> None:
    odd = [blank(600, 7), blank(7, 600), blank(1, 1)]

    texts = [(await reader.read(picture)).text for picture in odd]

    assert texts == [""] * 3
    assert (await reader.read(a_page((20, 20, "again"), height=80))).text == "again"


async def test_a_picture_that_takes_too_long_is_given_up_and_the_next_one_read() -> None:
    needed(is_readable(), "rapidocr is missing: pip install 'visionbot[ocr]'")
    lines = [(10, 26 * row, "许多许多的文字 a great many words of all kinds") for row in range(70)]
    full = a_page(*lines, width=1800, height=1800)
    reader = TextReader(OcrSection(timeout_s=1.0))

    with pytest.raises(CannotRead) as caught:
        await reader.read(full)

    assert caught.value.reason == "timeout"
    await reader.close()


@pytest.mark.asyncio(loop_scope="module")
async def test_a_picture_read_lately_is_not_read_again_until_that_is_forgotten(
    reader: TextReader, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    page = a_page((20, 20, "once"), height=80)

    texts = await asyncio.gather(reader.read(page), reader.read(page))
    reads = [len(caplog.records)]
    reader.forget()
    texts.append(await reader.read(page))
    reads.append(len(caplog.records))

    assert [text.text for text in texts] == ["once"] * 3
    assert reads == [1, 2]


@pytest.mark.asyncio(loop_scope="module")
async def test_more_than_a_few_do_not_wait(reader: TextReader) -> None:
    waiting = [asyncio.ensure_future(reader.read(blank(30, 30))) for _ in range(9)]
    await asyncio.sleep(0)

    with pytest.raises(CannotRead) as caught:
        await reader.read(blank(30, 30))

    assert caught.value.reason == "busy"
    assert [read.text for read in await asyncio.gather(*waiting)] == [""] * 9


def test_its_first_use_asks_no_network() -> None:
    needed(is_readable(), "rapidocr is missing: pip install 'visionbot[ocr]'")
    job = struct.pack(">II", 64, 64) + b"\xff" * (3 * 64 * 64)

    ran = subprocess.run(
        [sys.executable, "-c", OFFLINE],
        input=len(job).to_bytes(8, "big") + job,
        capture_output=True,
        check=True,
    )

    assert ran.stdout == b"R" + bytes(8) + b"T" + (2).to_bytes(8, "big") + b"[]"


def test_a_reader_that_fails_says_so_and_not_why() -> None:
    def fail(pixels: object) -> None:
        raise RuntimeError("what it stumbled over")

    assert answer(struct.pack(">II", 1, 1) + b"abc", fail) == (b"F", b"")


def test_who_switches_it_off_has_no_reader() -> None:
    assert make_reader(OcrSection(enabled="off")) is None


@pytest.mark.parametrize(
    ("text", "box", "part", "expected"),
    [
        ("12345678", (0, 0, 80, 10), (2, 4), (10, 0, 51, 10)),
        ("电话12", (0, 0, 60, 10), (2, 4), (30, 0, 60, 10)),
        ("1234", (5, 0, 10, 40), (0, 2), (5, 0, 10, 31)),
        ("", (3, 0, 9, 9), (0, 0), (3, 0, 9, 9)),
    ],
    ids=["of one width", "wide ones take two", "top to bottom", "empty"],
)
def test_a_part_takes_its_share_of_the_line_and_a_little_more(
    text: str,
    box: tuple[int, int, int, int],
    part: tuple[int, int],
    expected: tuple[int, int, int, int],
) -> None:
    assert ReadLine(text, box, 1.0).part(*part) == expected
