from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from openpyxl import load_workbook

from bot.documents.block import BadDocument
from bot.documents.limits import Limits
from bot.documents.office import read_docx, read_xlsx
from tests.bot.documents.files import a_docx, an_xlsx

PRICES: Sequence[Sequence[object]] = [["票种", "价格"], ["成人", 20.0], ["学生", 10.5]]


def shown(data: bytes) -> list[tuple[str, str]]:
    return [(block.place, block.text) for block in read_xlsx(data, Limits())]


def changed(data: bytes, name: str, before: bytes, after: bytes) -> bytes:
    """The archive with one file in it rewritten."""
    file = BytesIO()
    with ZipFile(BytesIO(data)) as old, ZipFile(file, "w", ZIP_DEFLATED) as new:
        for entry in old.namelist():
            content = old.read(entry)
            if entry == name:
                assert before in content
                content = content.replace(before, after)
            new.writestr(entry, content)
    return file.getvalue()


def test_paragraphs_stand_below_their_headings():
    blocks = read_docx(a_docx("引言。", "# 退票", "开场前可退。", "## 时限", "七天内。"), Limits())

    assert [(block.place, block.heading, block.text) for block in blocks] == [
        ("¶ 1", "", "引言。"),
        ("退票", "退票", "开场前可退。"),
        ("退票 › 时限", "退票 › 时限", "七天内。"),
    ]


def test_a_table_stands_where_it_is_row_by_row():
    blocks = read_docx(a_docx("前。", [["成人", "20 元"], ["学生", "10 元"]], "后。"), Limits())

    assert [block.text for block in blocks] == ["前。", "成人 | 20 元", "学生 | 10 元", "后。"]


def test_each_value_of_a_sheet_stands_after_the_name_of_its_column():
    assert shown(an_xlsx(Prices=PRICES)) == [
        ("Prices!2", "票种: 成人 | 价格: 20"),
        ("Prices!3", "票种: 学生 | 价格: 10.5"),
    ]


def test_a_sheet_without_names_of_columns_is_told_as_it_is():
    opens = datetime(2026, 11, 1, 9, 30)  # noqa: DTZ001  a cell has no time zone
    rows = [["电话", 8666], [], ["开门", opens], ["日期", date(2026, 11, 1)]]

    assert shown(an_xlsx(Sheet1=rows)) == [
        ("Sheet1!1", "电话 | 8666"),
        ("Sheet1!3", "开门 | 2026-11-01 09:30"),
        ("Sheet1!4", "日期 | 2026-11-01"),
    ]


def test_a_sheet_of_names_alone_is_not_lost():
    assert shown(an_xlsx(Sheet1=[["票种", "价格"]])) == [("Sheet1!1", "票种 | 价格")]


def test_a_hidden_sheet_stays_hidden():
    book = load_workbook(BytesIO(an_xlsx(Open=PRICES, Secret=PRICES)))
    book["Secret"].sheet_state = "hidden"
    file = BytesIO()
    book.save(file)

    assert {place.split("!")[0] for place, _ in shown(file.getvalue())} == {"Open"}


def test_a_sheet_that_lies_about_its_size_is_read_whole():
    lying = changed(an_xlsx(Prices=PRICES), "xl/worksheets/sheet1.xml", b'ref="A1:B3"', b'ref="A1"')

    assert len(shown(lying)) == 2


def test_a_row_a_billion_lines_below_does_not_take_for_ever():
    far = changed(
        an_xlsx(Prices=PRICES), "xl/worksheets/sheet1.xml", b'<row r="3"', b'<row r="999999999"'
    )

    assert read_xlsx(far, Limits(max_rows=10))[0].place == "Prices!2"


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(max_rows=1), "too_many_rows"),
        (Limits(max_characters=20), "too_long"),
        (Limits(max_unpacked_bytes=100), "too_large"),
    ],
)
def test_a_large_workbook_is_refused(limits: Limits, reason: str):
    with pytest.raises(BadDocument) as caught:
        read_xlsx(an_xlsx(Prices=PRICES), limits)

    assert caught.value.reason == reason


def test_a_long_word_document_is_refused():
    with pytest.raises(BadDocument) as caught:
        read_docx(a_docx("一二三", "四五六"), Limits(max_characters=5))

    assert caught.value.reason == "too_long"
