"""Answers that are kept, as they travel between who gives them again and where they lie."""

from __future__ import annotations

from dataclasses import dataclass

from inference.request import Finish, KeptAs, ToolCall, Usage


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it is kept. `sources`: the files of all pictures that it may speak of.
    `attempt_of`: as in the request that it was written for."""

    kept_as: KeptAs
    text: str
    finish: Finish
    usage: Usage
    owner: str
    at: float
    reasoning: str = ""
    calls: tuple[ToolCall, ...] = ()
    sources: tuple[str, ...] = ()
    attempt_of: str = ""


@dataclass(frozen=True, slots=True)
class Earlier:
    """A kept answer about a picture, of which its owner may be asked whether they mean it."""

    number: int
    likeness: bytes
    at: float
