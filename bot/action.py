"""What a handler may decide. Values only; `bot/dispatch.py` carries them out."""

from __future__ import annotations

from dataclasses import dataclass

from bot.event import Button, Document


@dataclass(frozen=True, slots=True)
class Say:
    """Send `text` now, without the model; no text: nothing is said."""

    text: str
    buttons: tuple[Button, ...] = ()
    notice: bool = False  # of what cannot be done: in a group it is said once in a while only
    thanks: bool = False  # for a press: not said where the button itself is seen to be pressed
    document: Document | None = None  # only where the platform takes files


@dataclass(frozen=True, slots=True)
class Ask:
    """Put the event's photos, those that wait for it and this text to the model."""

    text: str


@dataclass(frozen=True, slots=True)
class Again:
    """Answer the question of an earlier entry anew; the old answer leaves the window. `shown`: with
    this kept answer, which the person chose."""

    entry: int
    shown: int | None = None


@dataclass(frozen=True, slots=True)
class Keep:
    """Keep the event's photos for the question that follows, then say `text` (nothing if empty)."""

    text: str


@dataclass(frozen=True, slots=True)
class Stop:
    """End what is written or waits: of the whole conversation, or of one entry alone; say
    `otherwise` if there was nothing."""

    otherwise: str
    entry: int | None = None


@dataclass(frozen=True, slots=True)
class Renew:
    """Start an empty window (running work is stopped first), then say `text`."""

    text: str


@dataclass(frozen=True, slots=True)
class Ignore:
    """Nothing to do, nothing to say."""


Action = Say | Ask | Again | Keep | Stop | Renew | Ignore
