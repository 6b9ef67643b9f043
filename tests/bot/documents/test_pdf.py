from __future__ import annotations

from io import BytesIO

import pytest
from pypdf import PdfReader, PdfWriter

from bot.documents.block import BadDocument
from bot.documents.limits import Limits
from bot.documents.pdf import paragraphs, read_pdf
from tests.bot.documents.files import a_pdf


def locked(*, user: str, owner: str) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(BytesIO(a_pdf("机密。"))))
    writer.encrypt(user, owner, algorithm="RC4-128")
    file = BytesIO()
    writer.write(file)
    return file.getvalue()


def test_each_paragraph_tells_its_page():
    blocks = read_pdf(a_pdf("第一页。", "第二页。\nSecond page."), Limits())

    assert [(block.place, block.text) for block in blocks] == [
        ("p. 1", "第一页。"),
        ("p. 2", "第二页。"),
        ("p. 2", "Second page."),
    ]


def test_lines_of_a_paragraph_are_put_together_again():
    page = (
        "入馆须知\n"
        "开放时间为周二至周日上午九点到下午五点，周一闭馆，节假日\n"
        "另行通知。\n"
        "You may take photo-\n"
        "graphs without a flash in all\n"
        "halls."
    )

    assert paragraphs(page) == [
        "入馆须知",
        "开放时间为周二至周日上午九点到下午五点，周一闭馆，节假日另行通知。",
        "You may take photographs without a flash in all halls.",
    ]


def test_pictures_of_pages_have_no_text():
    with pytest.raises(BadDocument) as caught:
        read_pdf(a_pdf("", "", pictures=True), Limits())

    assert caught.value.reason == "no_text"


def test_a_password_is_asked_for():
    with pytest.raises(BadDocument) as caught:
        read_pdf(locked(user="secret", owner="owner"), Limits())

    assert caught.value.reason == "locked"


def test_a_lock_against_changes_alone_does_not_matter():
    (block,) = read_pdf(locked(user="", owner="owner"), Limits())

    assert block.text == "机密。"


@pytest.mark.parametrize(
    ("limits", "reason"),
    [(Limits(max_pages=1), "too_many_pages"), (Limits(max_characters=5), "too_long")],
)
def test_a_long_document_is_refused_with_its_number(limits: Limits, reason: str):
    with pytest.raises(BadDocument) as caught:
        read_pdf(a_pdf("一二三", "四五六"), limits)

    assert caught.value.reason == reason
    assert caught.value.value > caught.value.limit > 0
