from __future__ import annotations

from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from bot.documents.block import BadDocument
from bot.documents.limits import Limits
from bot.documents.reader import Reader
from tests.bot.documents.files import a_docx, a_pdf, an_xlsx

OLE = bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 100


def children() -> set[int]:
    """The processes below this one that are running."""
    tasks = Path("/proc/self/task").glob("*/children")
    return {int(child) for task in tasks for child in task.read_text().split()}


def packed(**files: bytes) -> bytes:
    archive = BytesIO()
    with ZipFile(archive, "w", ZIP_DEFLATED) as writer:
        for name, content in files.items():
            writer.writestr(name, content)
    return archive.getvalue()


async def refusal(name: str, data: bytes, *, media_type: str = "") -> str:
    with pytest.raises(BadDocument) as caught:
        await Reader().read(name, media_type, data)
    return caught.value.reason


@pytest.mark.parametrize(
    ("name", "data", "kind", "place"),
    [
        ("须知.pdf", a_pdf("退票须知。"), "pdf", "p. 1"),
        ("须知.docx", a_docx("# 须知", "退票须知。"), "docx", "须知"),
        ("须知.XLSX", an_xlsx(价目=[["退票须知。", 1]]), "xlsx", "价目!1"),
        ("须知.txt", "退票须知。".encode("gb18030"), "txt", "¶ 1"),
        ("须知.md", "# 须知\n退票须知。".encode(), "md", "须知"),
    ],
    ids=["pdf", "docx", "xlsx", "txt", "md"],
)
async def test_every_kind_is_read(name: str, data: bytes, kind: str, place: str):
    reading = await Reader().read(name, "", data)

    ((where, text),) = reading.passages
    assert (reading.kind, where) == (kind, place)
    assert "退票须知。" in text


async def test_a_file_without_a_name_is_known_by_its_type():
    reading = await Reader().read("", "text/plain; charset=utf-8", b"words")

    assert reading.kind == "txt"


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.doc", OLE, "kind"),
        ("a.exe", b"MZ", "kind"),
        ("a", b"words", "kind"),
        ("a.txt", b"", "empty"),
        ("a.txt", b" \n\t ", "empty"),
        ("a.docx", OLE, "locked"),
        ("a.xlsx", OLE, "locked"),
        ("a.docx", b"words", "broken"),
        ("a.pdf", b"words", "broken"),
        ("a.pdf", b"%PDF-1.7 and then nothing", "broken"),
        ("a.docx", packed(x=b"no document"), "broken"),
        ("a.xlsx", packed(x=b"no document"), "broken"),
        ("a.docx", packed(bomb=bytes(201 << 20)), "too_large"),
    ],
    ids=[
        "old-word",
        "program",
        "nameless",
        "no-bytes",
        "blank",
        "locked-word",
        "locked-excel",
        "no-word",
        "no-pdf",
        "half-pdf",
        "other-archive",
        "other-archive-excel",
        "bomb",
    ],
)
async def test_a_file_that_is_no_document_is_refused(name: str, data: bytes, reason: str):
    assert await refusal(name, data) == reason


async def test_xml_that_grows_without_end_is_refused():
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    xml = f'<!DOCTYPE w [<!ENTITY e0 "ha">{entities}]><w>&e11;</w>'.encode()
    good = a_docx("x")
    archive = BytesIO()
    with ZipFile(BytesIO(good)) as old, ZipFile(archive, "w") as new:
        for entry in old.namelist():
            new.writestr(entry, xml if entry == "word/document.xml" else old.read(entry))

    assert await refusal("a.docx", archive.getvalue()) == "broken"


async def test_a_file_that_takes_too_long_is_refused_and_its_process_ended():
    before = children()

    with pytest.raises(BadDocument) as caught:
        await Reader(timeout_s=0.05).read("a.pdf", "", a_pdf(*["字" * 500] * 400))

    assert (caught.value.reason, caught.value.limit) == ("timeout", 0.05)
    assert children() == before


async def test_no_process_outlives_its_file():
    before = children()

    await Reader().read("a.txt", "", b"words")

    assert children() == before


async def test_words_of_a_message_need_no_process():
    reading = Reader().read_message("甲。\n\n乙。")

    assert reading.passages == [("¶ 1", "甲。\n乙。")]


async def test_a_message_that_is_too_long_is_refused():
    with pytest.raises(BadDocument) as caught:
        Reader(limits=Limits(max_characters=3)).read_message("一二三四")

    assert caught.value.reason == "too_long"
