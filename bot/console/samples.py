"""The newest half hour as rows of numbers, for plots: bounded, and numbered without end."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Mapping, Sequence
from itertools import islice

Value = float | None  # None: nothing to tell, as the time to a first word when nobody asked


class Samples:
    def __init__(self, columns: Sequence[str], *, most: int) -> None:
        self.columns = tuple(columns)
        self.run = secrets.token_hex(8)  # whose numbers these are: they begin anew with the program
        self.number = 0  # of the newest row, from 1
        self._rows: deque[tuple[Value, ...]] = deque(maxlen=most)

    def add(self, values: Mapping[str, Value]) -> None:
        """A column that `values` lacks is empty in this row."""
        self.number += 1
        self._rows.append(tuple(values.get(column) for column in self.columns))

    def after(self, run: str, number: int) -> list[tuple[Value, ...]]:
        """Those that came after the row of that number, oldest first; of another run: all."""
        known = run == self.run and 0 <= number <= self.number
        new = self.number - number if known else len(self._rows)
        return list(islice(self._rows, max(0, len(self._rows) - new), None))
