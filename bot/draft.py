"""An answer while it is being written: what people see of it, how it ended, what it took."""

from __future__ import annotations

from inference.request import Delta, Finish, Usage


class Draft:
    """Takes the model's deltas; what it thinks aloud is left out."""

    def __init__(self) -> None:
        self.finish: Finish | None = None
        self.usage: Usage | None = None  # once the engine has told
        self.case: int | None = None  # it was taken back, and staff have it under this number
        self.unchecked = False  # it was taken back because nothing could look at it
        self.cached = False  # it is an earlier answer to the same question
        self.thinking = False  # it thinks, and has written nothing yet
        self._pieces: list[str] = []
        self._thoughts: list[str] = []

    def add(self, delta: Delta) -> None:
        self.finish = delta.finish or self.finish
        self.usage = delta.usage or self.usage
        self.cached = self.cached or delta.cached
        self.case = delta.case if delta.case is not None else self.case
        self.unchecked = self.unchecked or delta.unchecked
        self._pieces.append(delta.text)
        self._thoughts.append(delta.reasoning)
        self.thinking = bool(delta.reasoning or self.thinking) and not self.text()

    def text(self) -> str:
        """What people may see by now."""
        return "".join(self._pieces).strip()

    def written(self) -> str:
        """All that was written, thoughts too."""
        return "".join([*self._thoughts, *self._pieces])
