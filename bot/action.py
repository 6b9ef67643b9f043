"""What a handler may decide. Values only; `bot/dispatch.py` carries them out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Say:
    """Send `text` now, without the model."""

    text: str


@dataclass(frozen=True, slots=True)
class Ask:
    """Put the event's photos and this text to the model."""

    text: str


@dataclass(frozen=True, slots=True)
class Keep:
    """Keep the event's photos for the question that follows, then say `text` (nothing if empty)."""

    text: str


@dataclass(frozen=True, slots=True)
class Stop:
    """End what is written or waits in this conversation; say `otherwise` if there was nothing."""

    otherwise: str


@dataclass(frozen=True, slots=True)
class Renew:
    """Start an empty window (running work is stopped first), then say `text`."""

    text: str


@dataclass(frozen=True, slots=True)
class Ignore:
    """Nothing to do, nothing to say."""


Action = Say | Ask | Keep | Stop | Renew | Ignore
