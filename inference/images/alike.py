"""How far apart two likenesses are (see likeness.py); imports nothing heavy."""

from __future__ import annotations

LIKENESS_BYTES = 32


def distance(one: bytes, other: bytes) -> int:
    """In how many of the 256 bits they differ; in all, where one is empty: not known."""
    if len(one) != LIKENESS_BYTES or len(other) != LIKENESS_BYTES:
        return 8 * LIKENESS_BYTES
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()
