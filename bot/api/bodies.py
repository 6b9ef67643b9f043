"""The bodies of requests to the API, as pydantic models; what is not named here is ignored.

They are strict: a number in quotation marks is no number, as in OpenAI's own API.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

MOST_ANSWERS = 4  # `n`; each takes a seat of its own
MOST_PICTURES = 8
_MOST_MESSAGES = 1000
_MOST_PARTS = 1000  # of one message
_MOST_TOOLS = 128  # as OpenAI has it
_MOST_TOKENS = 1_000_000  # beyond any context, so that sums stay numbers

Name = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_.-]{1,64}$")]
Stop = Annotated[str, Field(min_length=1, max_length=256)]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


class _Body(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", allow_inf_nan=False)


class ImageAddress(_Body):
    url: str
    detail: str | None = None


class TextPart(_Body):
    type: Literal["text"]
    text: str


class ImagePart(_Body):
    type: Literal["image_url"]
    image_url: ImageAddress | str


class RefusalPart(_Body):
    type: Literal["refusal"]
    refusal: str


_UserPart = Annotated[TextPart | ImagePart, Field(discriminator="type")]
_AssistantPart = Annotated[TextPart | RefusalPart, Field(discriminator="type")]

# The first wrong one is all that is told, and thousands of faults take long to write down.
_Part = TypeVar("_Part")
_Parts = Annotated[list[_Part], Field(max_length=_MOST_PARTS, fail_fast=True)]


class CalledFunction(_Body):
    name: Name
    arguments: str


class CallMade(_Body):
    id: str = Field(min_length=1, max_length=128)
    type: Literal["function"] = "function"
    function: CalledFunction


class SystemMessage(_Body):
    role: Literal["system", "developer"]
    content: str | _Parts[TextPart]


class UserMessage(_Body):
    role: Literal["user"]
    content: str | _Parts[_UserPart]


class AssistantMessage(_Body):
    role: Literal["assistant"]
    content: str | _Parts[_AssistantPart] | None = None
    tool_calls: list[CallMade] | None = Field(None, max_length=_MOST_TOOLS)


class ToolMessage(_Body):
    role: Literal["tool"]
    content: str | _Parts[TextPart]
    tool_call_id: str = Field(min_length=1, max_length=128)


Message = Annotated[
    SystemMessage | UserMessage | AssistantMessage | ToolMessage, Field(discriminator="role")
]


class OfferedFunction(_Body):
    name: Name
    description: str | None = None
    parameters: dict[str, Any] | None = None  # Any: of JSON


class OfferedTool(_Body):
    type: Literal["function"]
    function: OfferedFunction


class NamedFunction(_Body):
    name: Name


class NamedTool(_Body):
    type: Literal["function"]
    function: NamedFunction


class TextFormat(_Body):
    type: Literal["text"]


class ObjectFormat(_Body):
    type: Literal["json_object"]


class NamedSchema(_Body):
    name: str = Field(max_length=64)
    schema_: dict[str, Any] | None = Field(None, alias="schema")  # Any: whatever JSON a schema is
    strict: bool | None = None


class SchemaFormat(_Body):
    type: Literal["json_schema"]
    json_schema: NamedSchema


class StreamOptions(_Body):
    include_usage: bool | None = None


class TemplateOptions(_Body):
    enable_thinking: bool | None = None


class Thinking(_Body):
    type: Literal["enabled", "disabled"]


class _Drawing(_Body):
    """How the answer is drawn, which is the same for every way of asking."""

    model: str | None = Field(None, max_length=256)
    max_tokens: int | None = Field(None, ge=1, le=_MOST_TOKENS)
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, ge=0, le=1)
    seed: int | None = Field(None, ge=-(2**63), le=2**63 - 1)
    user: str | None = Field(None, max_length=512)
    knowledge_base_id: str | None = Field(None, max_length=128)


class ChatBody(_Drawing):
    messages: list[Message] = Field(min_length=1, max_length=_MOST_MESSAGES, fail_fast=True)
    max_completion_tokens: int | None = Field(None, ge=1, le=_MOST_TOKENS)
    n: int | None = Field(None, ge=1, le=MOST_ANSWERS)
    stop: Stop | Annotated[list[Stop], Field(max_length=4)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    presence_penalty: float | None = Field(None, ge=-2, le=2)
    frequency_penalty: float | None = Field(None, ge=-2, le=2)
    repetition_penalty: float | None = Field(None, gt=0, le=10)
    top_k: int | None = Field(None, ge=-1, le=_MOST_TOKENS)
    min_p: float | None = Field(None, ge=0, le=1)
    logprobs: bool | None = None
    top_logprobs: int | None = Field(None, ge=0, le=20)
    response_format: (
        Annotated[TextFormat | ObjectFormat | SchemaFormat, Field(discriminator="type")] | None
    ) = None
    tools: list[OfferedTool] | None = Field(None, max_length=_MOST_TOOLS)
    tool_choice: Literal["none", "auto", "required"] | NamedTool | None = None
    parallel_tool_calls: bool | None = None
    reasoning_effort: Effort | None = None
    chat_template_kwargs: TemplateOptions | None = None
    thinking: Thinking | None = None


class SimpleBody(_Drawing):
    """One picture, one question."""

    prompt: str = Field(min_length=1)
    image_url: ImageAddress | str | None = None
