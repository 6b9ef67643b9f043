"""An answer while it is being written: what people see of it, and how it ended."""

from __future__ import annotations

from inference.request import Delta, Finish

_OPEN, _CLOSE = "<think>", "</think>"


class Draft:
    """Takes the model's deltas; what it thinks aloud is left out."""

    def __init__(self) -> None:
        self.finish: Finish | None = None
        self._shown: list[str] = []
        self._tail = ""  # not decided yet: it may be the beginning of a mark
        self._thinking = False

    def add(self, delta: Delta) -> None:
        self.finish = delta.finish or self.finish
        self._tail += delta.text
        while self._pass_mark():
            pass
        self._keep_all_but(_half_mark(self._tail, self._mark))

    def close(self) -> None:
        """No more will come, so what looked like the beginning of a mark is none."""
        self._show(self._tail)
        self._tail = ""

    def text(self) -> str:
        """What people may see by now."""
        return "".join(self._shown).strip()

    @property
    def _mark(self) -> str:
        return _CLOSE if self._thinking else _OPEN

    def _pass_mark(self) -> bool:
        before, mark, after = self._tail.partition(self._mark)
        if not mark:
            return False
        self._show(before)
        self._thinking = not self._thinking
        self._tail = after
        return True

    def _keep_all_but(self, undecided: int) -> None:
        split = len(self._tail) - undecided
        self._show(self._tail[:split])
        self._tail = self._tail[split:]

    def _show(self, text: str) -> None:
        if not self._thinking:
            self._shown.append(text)


def _half_mark(text: str, mark: str) -> int:
    """How many letters at the end of the text could be the beginning of the mark."""
    sizes = range(min(len(text), len(mark) - 1), 0, -1)
    return next((size for size in sizes if text.endswith(mark[:size])), 0)
