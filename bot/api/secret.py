"""How a key of the API is written: a public id and a secret, "vb-k_3f9a1c20b7d4-Xw...". Pure."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, field

_OURS = "vb-"
_WRITTEN = re.compile(r"vb-(k_[0-9a-f]{12})-([A-Za-z0-9_-]{43})")
_ID_BYTES = 6
_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Token:
    id: str
    secret: str = field(repr=False)

    def __str__(self) -> str:
        """The whole, which its owner gets once."""
        return f"{_OURS}{self.id}-{self.secret}"

    @property
    def digest(self) -> str:
        """What is kept of it. 256 random bits need no salt and no slow hash."""
        return hashlib.sha256(self.secret.encode("utf-8", "surrogateescape")).hexdigest()


def new_token() -> Token:
    return Token(f"k_{secrets.token_hex(_ID_BYTES)}", secrets.token_urlsafe(_SECRET_BYTES))


def parse_token(text: str) -> Token:
    """Of any text: what is none has no id, and is as much work as one."""
    found = _WRITTEN.fullmatch(text)
    return Token(found[1], found[2]) if found else Token("", text)


def is_ours(text: str) -> bool:
    """It was meant to be one; clients send all sorts of things where no key is needed."""
    return text.startswith(_OURS)
