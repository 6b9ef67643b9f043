"""How an answer is drawn and what form it has: from a request's fields to values. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from bot.api.bodies import (
    ChatBody,
    NamedTool,
    ObjectFormat,
    OfferedTool,
    SchemaFormat,
    SimpleBody,
)
from bot.api.messages import wrong
from bot.worker import AnswersSection
from inference.request import Format, JsonFormat, Sampling, Tool, Tools

_HARDLY = ("none", "minimal")  # efforts that are none worth thinking


def sampling_of(body: ChatBody, usual: AnswersSection) -> Sampling:
    """Raises ApiError."""
    if body.top_logprobs is not None and not body.logprobs:
        raise wrong("top_logprobs", "why_top_logprobs")
    stop = (body.stop,) if isinstance(body.stop, str) else tuple(body.stop or ())
    return Sampling(
        max_tokens=body.max_completion_tokens or body.max_tokens or usual.max_tokens,
        temperature=_given(body.temperature, usual.temperature),
        top_p=_given(body.top_p, usual.top_p),
        top_k=max(0, body.top_k or 0),
        min_p=body.min_p or 0.0,
        repetition_penalty=_given(body.repetition_penalty, 1.0),
        presence_penalty=body.presence_penalty or 0.0,
        frequency_penalty=body.frequency_penalty or 0.0,
        seed=body.seed,
        stop=stop,
        logprobs=(body.top_logprobs or 0) if body.logprobs else None,
    )


def simple_sampling_of(body: SimpleBody, usual: AnswersSection) -> Sampling:
    return Sampling(
        max_tokens=body.max_tokens or usual.max_tokens,
        temperature=_given(body.temperature, usual.temperature),
        top_p=_given(body.top_p, usual.top_p),
        seed=body.seed,
    )


def thinking_of(body: ChatBody, usual: AnswersSection) -> bool:
    """As GLM's own clients say it, or OpenAI's; the more exact word counts."""
    if body.thinking is not None:
        return body.thinking.type == "enabled"
    options = body.chat_template_kwargs
    if options is not None and options.enable_thinking is not None:
        return options.enable_thinking
    if body.reasoning_effort is not None:
        return body.reasoning_effort not in _HARDLY
    return usual.thinking


def format_of(body: ChatBody) -> Format | None:
    """Raises ApiError."""
    match body.response_format:
        case ObjectFormat():
            return JsonFormat()
        case SchemaFormat(json_schema=named):
            if named.schema_ is None:
                return JsonFormat()
            return JsonFormat(_text(named.schema_, "response_format.json_schema.schema"))
        case _:
            return None


def tools_of(body: ChatBody) -> Tools:
    """Raises ApiError."""
    offered = tuple(_offered(body.tools or ()))
    names = [tool.name for tool in offered]
    parallel = body.parallel_tool_calls is not False
    match body.tool_choice:
        case NamedTool(function=function):
            if function.name not in names:
                raise wrong("tool_choice.function.name", "why_tool_unknown", name=function.name)
            return Tools(offered, "required", function.name, parallel)
        case "required" if not offered:
            raise wrong("tool_choice", "why_no_tools")
        case "required" | "none" as mode:
            return Tools(offered, mode, None, parallel) if offered else Tools()
        case _:
            return Tools(offered, "auto", None, parallel) if offered else Tools()


def _offered(tools: Sequence[OfferedTool]) -> Iterator[Tool]:
    seen: set[str] = set()
    for number, tool in enumerate(tools):
        function, path = tool.function, f"tools[{number}].function"
        if function.name in seen:
            raise wrong(f"{path}.name", "why_tool_twice", name=function.name)
        seen.add(function.name)
        # a tool without parameters takes an empty object
        parameters = function.parameters or {"type": "object", "properties": {}}
        text = _text(parameters, f"{path}.parameters")
        yield Tool(function.name, function.description or "", text)


def _text(schema: dict[str, Any], path: str) -> str:  # Any: whatever JSON a schema is
    try:
        return json.dumps(schema, ensure_ascii=False)
    except RecursionError:
        raise wrong(path, "why_json_deep") from None


def _given(value: float | None, usual: float) -> float:
    return usual if value is None else value
