"""What can go wrong between a question and its answer.

InferenceError
├── BadFormat         the schema, pattern, choice or tools cannot be used; the message says why
├── BadLists          a word list cannot be used; the message says where, why and what to do
├── BadPicture        the photo cannot be used; `reason`, `value` and `limit` say why
├── Blocked          what was asked may not be; `where` and `category` say why
├── CannotRead        the text in a picture cannot be read; `reason` says why
├── ContextTooLong    the prompt does not fit into the model's context
├── EngineDown        no engine is running now; asking again later may help
├── EngineFault       this one request failed inside the engine; `kind` says how
├── ModelUnusable     the model cannot be loaded: missing, damaged, or not of a class we know
└── SeenSimilar       the same was asked of a picture that looks the same: is that answer meant?
"""

from __future__ import annotations

from typing import Literal

PictureFault = Literal[
    "empty",
    "format",
    "heic",  # a photo as iPhones take it, and the extra that reads these is not installed
    "broken",
    "too_small",
    "too_large",
    "too_many_pixels",
    "too_narrow",
    "timeout",
]
UnreadReason = Literal["busy", "timeout", "broken", "missing"]
Where = Literal["question", "picture", "answer"]
FaultKind = Literal["memory", "numbers", "deadly", "other"]


class InferenceError(Exception):
    """The root; nothing raises it itself."""


class BadFormat(InferenceError):
    pass


class BadLists(InferenceError):
    pass


class BadPicture(InferenceError):
    """The numbers are in the unit of the reason: bytes for too_large, pixels a side for too_small,
    pixels in all for too_many_pixels, the sides' ratio for too_narrow, seconds for timeout."""

    def __init__(self, reason: PictureFault, *, value: float = 0, limit: float = 0) -> None:
        super().__init__(f"picture refused: {reason} (value {value:g}, limit {limit:g})")
        self.reason, self.value, self.limit = reason, value, limit


class Blocked(InferenceError):
    """`category` as in the lists of [safety], such as "weapons"; staff have the case under its
    number. None: it could not be kept."""

    def __init__(self, where: Where, category: str, case: int | None = None) -> None:
        super().__init__(f"{where} blocked: {category}")
        self.where, self.category, self.case = where, category, case


class CannotRead(InferenceError):
    """busy: too many wait already. missing: no child can be started, which reads."""

    def __init__(self, reason: UnreadReason) -> None:
        super().__init__(f"the text in a picture cannot be read: {reason}")
        self.reason = reason


class ContextTooLong(InferenceError):
    def __init__(self, tokens: int, limit: int) -> None:
        super().__init__(f"the prompt has {tokens} tokens, the model takes {limit}")
        self.tokens, self.limit = tokens, limit


class EngineDown(InferenceError):
    pass


class EngineFault(InferenceError):
    """memory: out of memory, also when computed alone and in smaller parts. numbers: the model's
    output is not a number. deadly: the process died over it. other: anything else."""

    def __init__(self, reason: str, kind: FaultKind = "other") -> None:
        super().__init__(reason)
        self.kind = kind


class ModelUnusable(InferenceError):
    pass


class SeenSimilar(InferenceError):
    """`number` names the kept answer, given at `at`; raised only for `ChatRequest.can_be_asked`."""

    def __init__(self, number: int, at: float) -> None:
        super().__init__(f"kept answer {number} is about a similar picture")
        self.number, self.at = number, at
