"""How many values a JSON text holds, found without parsing it: a body of millions of numbers would
hold up the loop for seconds, whichever thread reads it."""

from __future__ import annotations

_STEP_BYTES = 2**18  # between two steps the loop can run


def holds_more_than(most: int, text: bytes) -> bool:
    """Counts what stands outside of strings and begins another value: commas and brackets."""
    values, inside, kept = 0, False, b""
    for start in range(0, len(text), _STEP_BYTES):
        piece = kept + text[start : start + _STEP_BYTES]
        kept = b"\\" if _ends_in_escape(piece) else b""
        piece = piece.removesuffix(kept) if kept else piece
        parts = piece.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')
        outside = b"".join(parts[1 if inside else 0 :: 2])
        values += sum(map(outside.count, (b",", b"[", b"{")))
        if values > most:
            return True
        inside ^= len(parts) % 2 == 0
    return False


def _ends_in_escape(piece: bytes) -> bool:
    """Is its last character a backslash that speaks for the next one?"""
    return (len(piece) - len(piece.rstrip(b"\\"))) % 2 == 1
