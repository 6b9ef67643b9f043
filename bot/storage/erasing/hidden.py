"""What stands in place of the name of somebody who was forgotten."""

from __future__ import annotations

import hashlib

from sqlalchemy import ColumnElement, and_

_HIDDEN = "forgotten:"
_AFTER = "forgotten;"  # the sign after ":"


def hidden_name(name: str) -> str:
    """Where an amount or an act must still count as theirs. Whoever has the database can find out
    whether it is somebody they think of, no more."""
    return _HIDDEN + hashed(name)[:32]


def is_hidden(column: ColumnElement[str]) -> ColumnElement[bool]:
    """By the index, where there is one."""
    return and_(column > _HIDDEN, column < _AFTER)


def hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
