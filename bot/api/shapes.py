"""What the API's answers look like: the types by which they are rendered, checked and described."""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict  # pydantic wants this one before Python 3.12

from inference.request import PictureNote

End = Literal["stop", "length", "tool_calls", "content_filter"]


class RenderedFunction(TypedDict):
    name: str
    arguments: str


class RenderedCall(TypedDict):
    id: str
    type: Literal["function"]
    function: RenderedFunction


class RenderedMessage(TypedDict):
    role: Literal["assistant"]
    content: str | None
    refusal: str | None
    reasoning_content: NotRequired[str]
    tool_calls: NotRequired[list[RenderedCall]]


class RenderedOther(TypedDict):
    token: str
    logprob: float
    bytes: list[int]


class RenderedLikelihood(TypedDict):
    token: str
    logprob: float
    bytes: list[int]
    top_logprobs: list[RenderedOther]


class RenderedLikelihoods(TypedDict):
    content: list[RenderedLikelihood]
    refusal: None


class RenderedChoice(TypedDict):
    index: int
    message: RenderedMessage
    logprobs: RenderedLikelihoods | None
    finish_reason: End


class RenderedPromptDetails(TypedDict):
    cached_tokens: int


class RenderedUsage(TypedDict):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    input_tokens: int
    output_tokens: int
    prompt_tokens_details: RenderedPromptDetails


class RenderedSource(TypedDict):
    number: int
    title: str
    place: str


class RenderedCompletion(TypedDict):
    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    model_version: str
    system_fingerprint: str
    choices: list[RenderedChoice]
    usage: RenderedUsage
    sources: NotRequired[list[RenderedSource]]
    notes: NotRequired[list[PictureNote]]
    cached: NotRequired[bool]


class RenderedFunctionPiece(TypedDict):
    name: NotRequired[str]
    arguments: str


class RenderedCallPiece(TypedDict):
    index: int
    id: NotRequired[str]
    type: NotRequired[Literal["function"]]
    function: RenderedFunctionPiece


class RenderedDelta(TypedDict):
    role: NotRequired[Literal["assistant"]]
    content: NotRequired[str]
    refusal: NotRequired[str]
    reasoning_content: NotRequired[str]
    tool_calls: NotRequired[list[RenderedCallPiece]]


class RenderedPiece(TypedDict):
    index: int
    delta: RenderedDelta
    logprobs: RenderedLikelihoods | None
    finish_reason: End | None


class RenderedChunk(TypedDict):
    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    model_version: str
    system_fingerprint: str
    choices: list[RenderedPiece]
    usage: NotRequired[RenderedUsage | None]
    sources: NotRequired[list[RenderedSource]]
    notes: NotRequired[list[PictureNote]]
    cached: NotRequired[bool]


class RenderedSimple(TypedDict):
    """The answer of /v1/chat."""

    id: str
    created: int
    response: str
    refusal: NotRequired[str]
    reasoning_content: NotRequired[str]
    finish_reason: End
    model: str
    model_version: str
    usage: RenderedUsage
    sources: NotRequired[list[RenderedSource]]
    notes: NotRequired[list[PictureNote]]
    cached: NotRequired[bool]


class RenderedModel(TypedDict):
    id: str
    object: str
    created: int
    owned_by: str


class RenderedModels(TypedDict):
    object: str
    data: list[RenderedModel]


class RenderedFault(TypedDict):
    message: str
    type: str
    param: str | None
    code: str | None


class RenderedError(TypedDict):
    error: RenderedFault


class RenderedProbe(TypedDict):
    status: str


class RenderedHealth(RenderedProbe):
    ok: bool
    version: str
    uptime_seconds: float
    waiting: int
    answering: int
