"""The asyncio face of reading documents: each file goes to a process of its own that can be killed.

Nothing of a file is looked at here but its name and its first bytes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath

from bot.documents.block import BadDocument
from bot.documents.limits import Limits
from bot.documents.passages import cut
from bot.documents.plain import read_text
from inference.children import ChildDied, Children, NoChild

TIMEOUT_S = 60.0

_MAX_BODY = 64 << 20  # bytes; a million characters take far less
_SUFFIXES = {
    ".txt": "txt",
    ".text": "txt",
    ".md": "md",
    ".markdown": "md",
    ".pdf": "pdf",
    ".docx": "docx",
    ".xlsx": "xlsx",
}
_OFFICE = "application/vnd.openxmlformats-officedocument."
_MEDIA_TYPES = {
    "text/plain": "txt",
    "text/markdown": "md",
    "application/pdf": "pdf",
    f"{_OFFICE}wordprocessingml.document": "docx",
    f"{_OFFICE}spreadsheetml.sheet": "xlsx",
}
_PDF, _ZIP, _OLE = b"%PDF-", b"PK\x03\x04", bytes.fromhex("d0cf11e0a1b11ae1")


@dataclass(frozen=True, slots=True)
class Reading:
    kind: str
    passages: Sequence[tuple[str, str]]  # place, text


class Reader:
    """One file at a time. A child ends with its file, so that there is nothing to close."""

    def __init__(self, *, limits: Limits | None = None, timeout_s: float = TIMEOUT_S) -> None:
        self._limits = limits or Limits()
        self._timeout_s = timeout_s
        self._children = Children(
            "bot.documents.child",
            json.dumps(asdict(self._limits)),
            most=1,
            jobs_each=1,
            timeout_s=timeout_s,
            max_body=_MAX_BODY,
        )

    async def read(self, name: str, media_type: str, data: bytes) -> Reading:
        """Raises BadDocument."""
        kind = _kind(name, media_type, data)
        try:
            sign, body = await self._children.ask(kind.encode() + b"\n" + data)
        except TimeoutError:
            raise BadDocument("timeout", value=self._timeout_s, limit=self._timeout_s) from None
        except (ChildDied, NoChild) as error:
            raise BadDocument("broken") from error
        if sign == b"F":
            raise BadDocument(**json.loads(body))
        return Reading(kind, [(str(place), str(text)) for place, text in json.loads(body)])

    def read_message(self, text: str) -> Reading:
        """Words that somebody wrote in the chat. Raises BadDocument."""
        self._limits.check_characters(len(text))
        if not (passages := cut(read_text(text))):
            raise BadDocument("empty")
        return Reading("text", passages)


def _kind(name: str, media_type: str, data: bytes) -> str:
    """What its name says, and its first bytes do not deny. Raises BadDocument."""
    suffix = PurePosixPath(name.lower()).suffix
    kind = _SUFFIXES.get(suffix) if suffix else _MEDIA_TYPES.get(media_type.partition(";")[0])
    if not data:
        raise BadDocument("empty")
    if kind is None:
        raise BadDocument("kind")
    if kind in ("docx", "xlsx") and data.startswith(_OLE):  # how Office wraps what it encrypts
        raise BadDocument("locked")
    fits = {"pdf": _PDF in data[:1024], "docx": data.startswith(_ZIP)}
    if not fits.get("docx" if kind == "xlsx" else kind, True):
        raise BadDocument("broken")
    return kind
