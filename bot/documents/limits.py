"""What a document may be; plain values that both sides of the pipe know."""

from __future__ import annotations

from dataclasses import dataclass

from bot.documents.block import BadDocument


@dataclass(frozen=True, slots=True)
class Limits:
    max_characters: int = 1_000_000
    max_pages: int = 2_000
    max_rows: int = 20_000
    max_unpacked_bytes: int = 200 << 20  # of a docx or xlsx, which are archives

    def check_characters(self, characters: int) -> None:
        if characters > self.max_characters:
            raise BadDocument("too_long", value=characters, limit=self.max_characters)
