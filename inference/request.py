"""What is asked of the model and what comes back: plain values, no torch."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import Literal

Role = Literal["system", "user", "assistant", "tool"]
Finish = Literal["stop", "length", "tool_calls", "repetition", "cancelled", "blocked"]
Priority = Literal["interactive", "batch"]
ToolMode = Literal["auto", "none", "required"]
PictureNote = Literal["first_page", "first_frame", "straightened"]  # what people are told of


@dataclass(frozen=True, slots=True)
class Picture:
    """A photo made ready: upright, RGB, its longest side within the limit."""

    width: int
    height: int
    rgb: bytes = field(repr=False)  # height * width * 3 bytes, row by row
    notes: tuple[PictureNote, ...] = field(default=(), compare=False)
    source: str = field(default="", compare=False)  # SHA-256 of the file; empty: from no file

    @property
    def digest(self) -> str:
        """Names the pixels: two files that decode alike have the same digest."""
        head = f"RGB {self.width}x{self.height} ".encode()
        return hashlib.sha256(head + self.rgb).hexdigest()


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model asks for `name` to be called; `arguments` is the text of a JSON object."""

    id: str
    name: str
    arguments: str = "{}"


@dataclass(frozen=True, slots=True)
class Turn:
    """One side's contribution; a turn's pictures come before its text. An assistant's turn may end
    with calls; each is answered by a turn of the role "tool", in their order."""

    role: Role
    text: str
    pictures: tuple[Picture, ...] = ()
    calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True)
class Tool:
    """`parameters`: the text of a JSON schema for the object of arguments."""

    name: str
    description: str = ""
    parameters: str = "{}"


@dataclass(frozen=True, slots=True)
class Tools:
    """What the model may call. "required": it must, and `only` that one if it is named."""

    offered: tuple[Tool, ...] = ()
    mode: ToolMode = "auto"
    only: str | None = None
    parallel: bool = True  # several calls in one answer


@dataclass(frozen=True, slots=True)
class JsonFormat:
    schema: str | None = None  # the text of a JSON schema; None: any object


@dataclass(frozen=True, slots=True)
class RegexFormat:
    pattern: str


@dataclass(frozen=True, slots=True)
class ChoiceFormat:
    options: tuple[str, ...]


Format = JsonFormat | RegexFormat | ChoiceFormat


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn. Temperature 0 takes the likeliest, after the penalties. Values out of
    range do no harm, and mean the nearest that makes sense; to refuse them is the doors' matter."""

    max_tokens: int = 512
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0  # 0: no limit
    min_p: float = 0.0  # at least this share of the likeliest one's probability
    repetition_penalty: float = 1.0  # Keskar et al. 2019, over prompt and answer
    presence_penalty: float = 0.0  # both as in OpenAI's API, over the answer
    frequency_penalty: float = 0.0
    seed: int | None = None  # None: a fresh one; the same seed gives the same text in any batch
    stop: tuple[str, ...] = ()  # the answer ends before the first of these
    logprobs: int | None = None  # None: none; else so many of the likeliest beside the drawn one


@dataclass(frozen=True, slots=True)
class KeptAs:
    """The name of an answer among those that are kept, and how it is found by what looks alike."""

    key: str
    model: str = ""  # with its revision
    question: str = ""  # the same for the same words of the same person; empty: not to be found so
    likeness: bytes = b""  # of the only picture


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One question with everything the model shall see, oldest turn first."""

    turns: tuple[Turn, ...]
    sampling: Sampling = Sampling()
    thinking: bool = False  # True: the model may write <think>...</think> first
    format: Format | None = None
    tools: Tools = Tools()
    person: str = ""  # whose turn it is, when several wait
    owner: str = ""  # whose words these are, "platform:id"; empty: nobody's
    tenant: str = ""  # who may find each other's prompts in kept pages
    priority: Priority = "interactive"
    id: str = ""  # stands in the log beside all that is done for it
    asked: str | None = None  # the person's own words, where the last turn holds more than these
    fresh: bool = False  # not from an earlier answer
    attempt_of: str = ""  # names the question, which may be asked once more after a crash
    usual: Sampling | None = None  # what would be drawn by, were it not for this one time
    shown: int | None = None  # the kept answer that the person chose to see
    can_be_asked: bool = False  # whether they mean an earlier answer, with `SeenSimilar`
    kept_as: KeptAs | None = None  # None: it is not kept
    can_take_back: bool = False  # what was shown of the answer can be taken back
    own_system: bool = False  # the system's turn is ours, and is not to be told


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer; `cached_tokens` of the prompt came from kept pages."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class CallPiece:
    """A piece of the answer's call number `index`; the first one has its id and name."""

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Likelihood:
    """One token of the text, natural logarithms; `text` may hold replacement characters where a
    token is part of a character, `raw` is exact."""

    text: str
    raw: bytes
    logprob: float
    others: tuple[tuple[str, bytes, float], ...] = ()  # the likeliest, likeliest first


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of the answer, whole characters only; the last one carries `finish` and `usage`.

    With the finish "blocked", nothing of what came before it may be shown any longer.
    """

    text: str = ""
    finish: Finish | None = None
    usage: Usage | None = None
    reasoning: str = ""  # what the model thinks aloud, apart from the text
    calls: tuple[CallPiece, ...] = ()
    likelihoods: tuple[Likelihood, ...] = ()
    cached: bool = False  # from an earlier answer to the same question
    case: int | None = None  # with the finish "blocked": the number of the case, if it is kept
    unchecked: bool = False  # the same: nothing was found in it, but it could not be looked at

    def __add__(self, later: Delta) -> Delta:
        return Delta(
            self.text + later.text,
            later.finish or self.finish,
            later.usage or self.usage,
            self.reasoning + later.reasoning,
            _run_together(self.calls, later.calls),
            self.likelihoods + later.likelihoods,
            self.cached or later.cached,
            later.case if later.case is not None else self.case,
            self.unchecked or later.unchecked,
        )


def _run_together(
    earlier: tuple[CallPiece, ...], later: tuple[CallPiece, ...]
) -> tuple[CallPiece, ...]:
    if not (earlier and later) or earlier[-1].index != later[0].index:
        return earlier + later
    last, first = earlier[-1], later[0]
    both = replace(last, arguments=last.arguments + first.arguments)
    return (*earlier[:-1], both, *later[1:])
