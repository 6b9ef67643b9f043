"""The reading child: a file comes in, its passages or a refusal go out.

A job is the file's kind, a line end, the file. P passages: JSON of [place, text] · F refusal: JSON
"""

from __future__ import annotations

import json
import logging
import sys
import warnings
from functools import partial

from bot.documents.block import BadDocument, Block
from bot.documents.limits import Limits
from bot.documents.passages import cut
from bot.documents.plain import decode, read_markdown, read_text
from inference.child import confine, serve

_MEMORY_BYTES = 1 << 30


def main() -> None:
    limits = Limits(**json.loads(sys.argv[1]))
    confine(_MEMORY_BYTES)
    logging.disable()  # what libraries say about a file may quote from it
    warnings.simplefilter("ignore")
    serve(sys.stdin.buffer, sys.stdout.buffer, partial(answer, limits=limits))


def answer(job: bytes, limits: Limits) -> tuple[bytes, bytes]:
    kind, _, data = job.partition(b"\n")
    try:
        passages = cut(_read(kind.decode(), data, limits))
    except BadDocument as fault:
        return b"F", _refusal(fault)
    except Exception:  # the libraries raise whatever over a damaged file
        return b"F", _refusal(BadDocument("broken"))
    if not passages:
        return b"F", _refusal(BadDocument("empty"))
    return b"P", json.dumps(passages, ensure_ascii=False).encode()


def _refusal(fault: BadDocument) -> bytes:
    return json.dumps({"reason": fault.reason, "value": fault.value, "limit": fault.limit}).encode()


def _read(kind: str, data: bytes, limits: Limits) -> list[Block]:
    """Each library is imported by the child that needs it: they are heavy."""
    match kind:
        case "pdf":
            from bot.documents.pdf import read_pdf

            return read_pdf(data, limits)
        case "docx":
            from bot.documents.office import read_docx

            return read_docx(data, limits)
        case "xlsx":
            from bot.documents.office import read_xlsx

            return read_xlsx(data, limits)
    text = decode(data)
    limits.check_characters(len(text))
    return read_markdown(text) if kind == "md" else read_text(text)


if __name__ == "__main__":
    main()
