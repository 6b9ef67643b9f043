"""PDF files: the text of each page, its lines put together to paragraphs again."""

from __future__ import annotations

from io import BytesIO

from pypdf import PdfReader
from pypdf.errors import DependencyError, FileNotDecryptedError

from bot.documents.block import BadDocument, Block, tidy
from bot.documents.limits import Limits

_ENDS = tuple("。！？!?；;：:.…”」』）)")
# Of the longest line of its page: a shorter one ends a paragraph if a sentence ends there, or is a
# heading and stands alone.
_SHORT, _VERY_SHORT = 0.7, 0.4


def read_pdf(data: bytes, limits: Limits) -> list[Block]:
    """Raises BadDocument."""
    reader = PdfReader(BytesIO(data))
    _unlock(reader)
    pages = len(reader.pages)
    if pages > limits.max_pages:
        raise BadDocument("too_many_pages", value=pages, limit=limits.max_pages)
    blocks: list[Block] = []
    characters = 0
    for number, page in enumerate(reader.pages, 1):
        place = f"p. {number}"
        text = tidy(page.extract_text())
        characters += len(text)
        limits.check_characters(characters)
        blocks += [Block(place, paragraph, group=place) for paragraph in paragraphs(text)]
    if not blocks:
        raise BadDocument("no_text" if pages else "empty")
    return blocks


def paragraphs(text: str) -> list[str]:
    """A page is lines of one width; where a paragraph ends, only its last line tells."""
    lines = [line.strip() for line in text.split("\n")]
    width = max(map(len, lines), default=0)
    found = [""]
    for line in lines:
        if not line:
            found.append("")
            continue
        found[-1] = _joined(found[-1], line)
        if len(line) < (_SHORT if line.endswith(_ENDS) else _VERY_SHORT) * width:
            found.append("")
    return [paragraph for paragraph in found if paragraph]


def _joined(before: str, line: str) -> str:
    """Latin words need their space back, Chinese ones never had one."""
    if not before:
        return line
    if before.endswith("-") and before[-2:-1].isalpha() and line[0].islower():
        return before[:-1] + line
    return f"{before} {line}" if before[-1].isascii() and line[0].isascii() else before + line


def _unlock(reader: PdfReader) -> None:
    """Many are locked against changes alone, and open with an empty password."""
    if reader.is_encrypted:
        try:
            opened = reader.decrypt("")
        except (DependencyError, FileNotDecryptedError, NotImplementedError) as error:
            raise BadDocument("locked") from error
        if not opened:
            raise BadDocument("locked")
