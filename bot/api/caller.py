"""Who makes a request to the API, as far as the rest of the API needs to know."""

from __future__ import annotations

from dataclasses import dataclass

PLATFORM = "api"  # of the people whose ids are those of keys: "api:k_3f9a..."
LOCAL = "local"  # who comes over loopback without a key


@dataclass(frozen=True, slots=True)
class Caller:
    id: str  # of the key, or LOCAL
    name: str = ""
    models: frozenset[str] = frozenset()  # the only ones it may ask; empty: all

    @property
    def person(self) -> str:
        """As limits and the ledger name them."""
        return f"{PLATFORM}:{self.id}"
