"""Pressed buttons: each waits to be answered, once and within half a minute."""

from __future__ import annotations

import time
from dataclasses import dataclass

from tests.emulators.telegram.errors import bad_request

_LIFE_S = 30.0  # a guess; nobody says how long


@dataclass(slots=True)
class Query:
    id: str
    at: float  # monotonic seconds
    answered: bool = False


class Queries:
    def __init__(self) -> None:
        self._queries: dict[str, Query] = {}

    def open(self) -> str:
        number = str(7_000_000_000_000_000_000 + len(self._queries))
        self._queries[number] = Query(number, time.monotonic())
        return number

    def age(self, number: str, seconds: float) -> None:
        """As if it had been pressed so much earlier."""
        self._queries[number].at -= seconds

    def answer(self, number: str) -> None:
        query = self._queries.get(number)
        if query is None or query.answered or time.monotonic() - query.at > _LIFE_S:
            raise bad_request(
                "query is too old and response timeout expired or query ID is invalid"
            )
        query.answered = True

    def unanswered(self) -> list[str]:
        return [query.id for query in self._queries.values() if not query.answered]
