"""Sample documents: small PDF files written by hand, Word and Excel files by their libraries."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from io import BytesIO

from docx import Document
from openpyxl import Workbook


def a_pdf(*pages: str, pictures: bool = False) -> bytes:
    """Each page with these lines, or with nothing but a grey picture."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b""]
    objects.append(
        b"<< /Type /Font /Subtype /Type0 /BaseFont /Song /Encoding /UniGB-UTF16-H"
        b" /DescendantFonts [4 0 R] /ToUnicode 5 0 R >>"
    )
    objects.append(
        b"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /Song /CIDSystemInfo"
        b" << /Registry (Adobe) /Ordering (GB1) /Supplement 2 >> /DW 1000 >>"
    )
    objects.append(_stream(_to_unicode()))
    kids = []
    for page in pages or [""]:
        kids.append(len(objects) + 1)
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {len(objects) + 2} 0 R"
            f" /Resources << /Font << /F 3 0 R >> >> >>".encode()
        )
        objects.append(_stream(_picture() if pictures else _shown(page)))
    kids_list = " ".join(f"{kid} 0 R" for kid in kids)
    objects[1] = f"<< /Type /Pages /Kids [{kids_list}] /Count {len(kids)} >>".encode()
    return _file(objects)


def a_docx(*items: str | Sequence[Sequence[str]]) -> bytes:
    """ "# text" is a heading of the first level, "## text" of the second; rows are a table."""
    document = Document()
    for item in items:
        if not isinstance(item, str):
            table = document.add_table(rows=0, cols=len(item[0]))
            for row in item:
                for cell, text in zip(table.add_row().cells, row, strict=True):
                    cell.text = text
        elif item.startswith("#"):
            marks, _, text = item.partition(" ")
            document.add_heading(text, level=len(marks))
        else:
            document.add_paragraph(item)
    return _saved(document)


def an_xlsx(**sheets: Sequence[Sequence[object]]) -> bytes:
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    return _saved(book)


def _saved(document: object) -> bytes:
    file = BytesIO()
    document.save(file)  # type: ignore[attr-defined]
    return file.getvalue()


def _shown(page: str) -> bytes:
    lines = [f"<{line.encode('utf-16-be').hex()}> Tj T*" for line in page.split("\n")]
    return "\n".join(["BT /F 12 Tf 16 TL 50 780 Td", *lines, "ET"]).encode()


def _picture() -> bytes:
    return b"BI /W 1 /H 1 /CS /G /BPC 8 ID \x80 EI"


def _to_unicode() -> bytes:
    """Every code of a text is the letter's own number."""
    return (
        b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n"
        b"1 begincodespacerange <0000> <FFFF> endcodespacerange\n"
        b"1 beginbfrange <0000> <FFFF> <0000> endbfrange\n"
        b"endcmap end end"
    )


def _stream(data: bytes) -> bytes:
    packed = zlib.compress(data)
    head = f"<< /Length {len(packed)} /Filter /FlateDecode >>\nstream\n".encode()
    return head + packed + b"\nendstream"


def _file(objects: Sequence[bytes]) -> bytes:
    body, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(body))
        body += f"{number} 0 obj\n".encode() + content + b"\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    size = len(objects) + 1
    end = f"trailer << /Size {size} /Root 1 0 R >>\nstartxref\n{len(body)}\n%%EOF\n"
    return body + f"xref\n0 {size}\n0000000000 65535 f \n{table}{end}".encode()
