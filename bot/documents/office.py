"""Word and Excel files of the newer kinds (docx, xlsx), which are archives of XML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, time
from io import BytesIO
from itertools import islice, zip_longest
from zipfile import ZipFile

from docx import Document
from docx.table import Table
from docx.table import _Row as TableRow  # what Table.rows gives; it has no other name
from docx.text.paragraph import Paragraph
from openpyxl import load_workbook  # type: ignore[import-untyped]  # it has no types

from bot.documents.block import BadDocument, Block, tidy
from bot.documents.limits import Limits
from bot.documents.plain import above, trail

_HEADING = re.compile(r"(?:Heading|标题) ?(\d)|Title|标题", re.IGNORECASE)
_UNNAMED = re.compile(r"(?:Sheet|工作表) ?\d*", re.IGNORECASE)
_MOST_COLUMNS = 100
_MOST_EMPTY_ROWS = 10  # for each that is not: a file can claim a million of them


def read_docx(data: bytes, limits: Limits) -> list[Block]:
    """Raises BadDocument."""
    _check_archive(data, limits)
    blocks: list[Block] = []
    path: list[tuple[int, str]] = []
    characters = 0
    for item in Document(BytesIO(data)).iter_inner_content():
        if isinstance(item, Paragraph) and (level := _level(item)) is not None:
            path = [*above(path, level), (level, tidy(item.text).strip())]
            continue
        for text in _texts(item):
            characters += len(text)
            limits.check_characters(characters)
            heading = trail(path)
            blocks.append(Block(heading or f"¶ {len(blocks) + 1}", text, heading))
    return blocks


def read_xlsx(data: bytes, limits: Limits) -> list[Block]:
    """Row by row, each value after the name of its column. Raises BadDocument."""
    _check_archive(data, limits)
    book = load_workbook(BytesIO(data), read_only=True, data_only=True)
    blocks: list[Block] = []
    characters = 0
    for sheet in book.worksheets:
        if sheet.sheet_state != "visible":
            continue
        heading = "" if _UNNAMED.fullmatch(sheet.title) else sheet.title
        sheet.reset_dimensions()  # what a file says about its size may be wrong, and cut it off
        rows = sheet.iter_rows(values_only=True, max_col=_MOST_COLUMNS)
        for number, text in _rows(islice(rows, _MOST_EMPTY_ROWS * limits.max_rows)):
            characters += len(text)
            limits.check_characters(characters)
            blocks.append(Block(f"{sheet.title}!{number}", text, heading, sheet.title))
            if len(blocks) > limits.max_rows:
                raise BadDocument("too_many_rows", value=len(blocks), limit=limits.max_rows)
    return blocks


def _check_archive(data: bytes, limits: Limits) -> None:
    """Reading never gives more than what the archive's list of contents says."""
    with ZipFile(BytesIO(data)) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > limits.max_unpacked_bytes:
        raise BadDocument("too_large", value=unpacked, limit=limits.max_unpacked_bytes)


def _level(paragraph: Paragraph) -> int | None:
    """Of a heading; None: it is none."""
    style = paragraph.style
    found = _HEADING.fullmatch(style.name or "") if style is not None else None
    if found is None or not paragraph.text.strip():
        return None
    return int(found[1]) if found[1] else 0


def _texts(item: Paragraph | Table) -> Iterator[str]:
    if isinstance(item, Paragraph):
        texts = [item.text]
    else:
        texts = [" | ".join(_cells(row)) for row in item.rows]
    for text in texts:
        if text := tidy(text).strip(" |\n\t"):
            yield text


def _cells(row: TableRow) -> Iterator[str]:
    """A cell that spans several columns comes once for each of them, and is told once."""
    before = None
    for cell in row.cells:
        text = " ".join(cell.text.split())
        if text and text != before:
            yield text
        before = text


def _rows(rows: Iterable[Sequence[object]]) -> Iterator[tuple[int, str]]:
    """(its number, its values) of each row that has any; the first one may be the columns' names,
    which then stand before the values."""
    names: Sequence[str] | None = None
    told = False
    for number, row in enumerate(rows, 1):
        values = [_shown(value) for value in row]
        if not any(values):
            continue
        if names is None:
            names = values if _are_names(row) else ()
            first = (number, " | ".join(filter(None, values)))
            if names:
                continue
        yield number, " | ".join(_named(names, values))
        told = True
    if names and not told:
        yield first


def _are_names(row: Sequence[object]) -> bool:
    filled = [value for value in row if value not in (None, "")]
    different = len(set(filled)) == len(filled)
    return len(filled) > 1 and different and all(isinstance(value, str) for value in filled)


def _named(names: Sequence[str], values: Sequence[str]) -> Iterator[str]:
    for name, value in zip_longest(names, values, fillvalue=""):
        if value:
            yield f"{name}: {value}" if name else value


def _shown(value: object) -> str:
    match value:
        case None:
            return ""
        case float() if value.is_integer():
            return str(int(value))
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case datetime():
            return value.isoformat(" ", "minutes")
        case _:
            return " ".join(tidy(str(value)).split())
