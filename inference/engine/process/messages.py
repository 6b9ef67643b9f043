"""What the engine process and its parent say to each other: frozen values, framed on a socket.

    frame   length (8 bytes, big-endian), pickle

Both ends are one program on one machine, started one by the other over an unnamed socket pair;
nobody else can write to it, which is why pickle is safe here.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field

from inference.engine.base import StepTimes
from inference.errors import FaultKind
from inference.request import ChatRequest, Delta, Turn

HEAD_BYTES = 8
STEP_TOO_LONG = 1  # an exit code; the one that faulthandler has


@dataclass(frozen=True, slots=True)
class Ask:
    """Answer this. `written`: tokens of it that an earlier process has already given out."""

    id: int
    request: ChatRequest
    seed: int
    written: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Cancel:
    id: int


@dataclass(frozen=True, slots=True)
class Measure:
    id: int
    turn: Turn


@dataclass(frozen=True, slots=True)
class Forget:
    """Nobody shall profit any more from what was computed so far."""

    id: int


@dataclass(frozen=True, slots=True)
class Ready:
    context_tokens: int
    pages: int


@dataclass(frozen=True, slots=True)
class Fetching:
    """The checkpoint is on its way from the hub; said again and again meanwhile."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """The model cannot be loaded; the process ends."""

    reason: str


@dataclass(frozen=True, slots=True)
class Piece:
    """One more token of an answer and what became whole with it."""

    id: int
    token: int | None  # None: it ends without a further one
    delta: Delta


@dataclass(frozen=True, slots=True)
class Measured:
    id: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Forgotten:
    id: int


@dataclass(frozen=True, slots=True)
class Failed:
    """This one request ended so."""

    id: int
    reason: str
    kind: FaultKind = "other"


@dataclass(frozen=True, slots=True)
class Refused:
    """Its format or its tools cannot be used."""

    id: int
    reason: str


@dataclass(frozen=True, slots=True)
class TooLong:
    """Its prompt does not fit; an exception with these numbers would not survive pickling."""

    id: int
    tokens: int
    limit: int


News = Piece | Measured | Forgotten | Failed | Refused | TooLong


@dataclass(frozen=True, slots=True)
class Counts:
    """Of now down to `pages_host`, then since the process began."""

    running: int = 0
    waiting: int = 0
    pages_used: int = 0
    pages_cached: int = 0
    pages_host: int = 0
    steps: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    pictures_encoded: int = 0
    preemptions: int = 0
    times: StepTimes = field(default_factory=StepTimes)


@dataclass(frozen=True, slots=True)
class Report:
    """After each round of the loop: what came of it. It is the heartbeat too."""

    counts: Counts
    news: tuple[News, ...] = ()


@dataclass(frozen=True, slots=True)
class InHand:
    """The requests about to be worked on; said before, for whatever kills the process."""

    ids: frozenset[int]


Question = Ask | Cancel | Measure | Forget


def pack(message: object) -> bytes:
    body = pickle.dumps(message, protocol=5)
    return len(body).to_bytes(HEAD_BYTES, "big") + body


def unpack(body: bytes) -> object:
    return pickle.loads(body)  # our own other half wrote it  # nosec B301
