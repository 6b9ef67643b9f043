"""For whom something is being done: an id that stands in every log line written meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_current: ContextVar[str] = ContextVar("request", default="")


def current() -> str:
    """Empty: for nobody in particular."""
    return _current.get()


@contextmanager
def tracing(id: str) -> Iterator[None]:
    """Tasks begun inside inherit it."""
    token = _current.set(id)
    try:
        yield
    finally:
        _current.reset(token)
