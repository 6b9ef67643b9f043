"""Answers as OpenAI's API writes them: whole, or as the chunks of a stream. Pure.

Beyond its fields stand `input_tokens` and `output_tokens` in the usage, `model_version`,
`reasoning_content` (what the model thought aloud), `sources` where a knowledge base was asked,
`notes` where not all of a picture was looked at as it came, and `cached` where the answer was given
before.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bot import texts
from bot.api.shapes import (
    End,
    RenderedCall,
    RenderedCallPiece,
    RenderedChoice,
    RenderedChunk,
    RenderedCompletion,
    RenderedDelta,
    RenderedLikelihood,
    RenderedLikelihoods,
    RenderedMessage,
    RenderedPiece,
    RenderedSimple,
    RenderedSource,
    RenderedUsage,
)
from bot.storage.knowledge import Passage
from bot.texts import Language
from inference.request import CallPiece, Delta, Finish, Likelihood, PictureNote, Usage

_ENDS: dict[Finish, End] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "repetition": "length",  # cut off too, before it would go round in circles for ever
    "cancelled": "length",
    "blocked": "content_filter",
}
_NEVER = -9999.0  # as OpenAI writes a logarithm of nothing, for which JSON has no number


@dataclass(frozen=True, slots=True)
class Head:
    """What stands in an answer whatever it says."""

    id: str
    created: int
    model: str
    version: str
    sources: tuple[Passage, ...] | None = None
    language: Language = "en"
    notes: tuple[PictureNote, ...] = ()


@dataclass(slots=True)
class Choice:
    """One answer, put together from its deltas."""

    index: int
    finish: Finish = "stop"
    cached: bool = False
    case: int | None = None  # of an answer that was taken back
    unchecked: bool = False  # because nothing could look at it
    _text: list[str] = field(default_factory=list)
    _reasoning: list[str] = field(default_factory=list)
    _calls: dict[int, list[CallPiece]] = field(default_factory=dict)
    _likelihoods: list[Likelihood] = field(default_factory=list)

    def add(self, delta: Delta) -> None:
        self._text.append(delta.text)
        self._reasoning.append(delta.reasoning)
        for piece in delta.calls:
            self._calls.setdefault(piece.index, []).append(piece)
        self._likelihoods += delta.likelihoods
        self.finish = delta.finish or self.finish
        self.cached = self.cached or delta.cached
        if delta.finish == "blocked":
            self.case, self.unchecked = delta.case, delta.unchecked
            for before in (self._text, self._reasoning, self._calls, self._likelihoods):
                before.clear()

    @property
    def text(self) -> str:
        return "".join(self._text)

    @property
    def reasoning(self) -> str:
        return "".join(self._reasoning)

    def refusal(self, language: Language) -> str | None:
        """What is said in place of an answer that was taken back."""
        if self.finish != "blocked":
            return None
        return _refusal(self.case, language, unchecked=self.unchecked)

    def render(self, language: Language) -> RenderedChoice:
        refusal = self.refusal(language)
        message: RenderedMessage = {"role": "assistant", "content": self.text, "refusal": refusal}
        if self.reasoning:
            message["reasoning_content"] = self.reasoning
        if self._calls:
            message["content"] = self.text or None
            message["tool_calls"] = [_whole_call(pieces) for pieces in self._calls.values()]
        return {
            "index": self.index,
            "message": message,
            "logprobs": _likelihoods(self._likelihoods),
            "finish_reason": end_of(self.finish),
        }


def render_completion(head: Head, choices: Sequence[Choice], usage: Usage) -> RenderedCompletion:
    completion: RenderedCompletion = {
        "id": head.id,
        "object": "chat.completion",
        "created": head.created,
        "model": head.model,
        "model_version": head.version,
        "system_fingerprint": f"fp_{head.version}",
        "choices": [choice.render(head.language) for choice in choices],
        "usage": render_usage(usage),
    }
    if head.sources is not None:
        completion["sources"] = _sources(head)
    if head.notes:
        completion["notes"] = list(head.notes)
    if all(choice.cached for choice in choices):
        completion["cached"] = True
    return completion


def render_simple(head: Head, choice: Choice, usage: Usage) -> RenderedSimple:
    simple: RenderedSimple = {
        "id": head.id,
        "created": head.created,
        "response": choice.text,
        "finish_reason": end_of(choice.finish),
        "model": head.model,
        "model_version": head.version,
        "usage": render_usage(usage),
    }
    if choice.reasoning:
        simple["reasoning_content"] = choice.reasoning
    if (refusal := choice.refusal(head.language)) is not None:
        simple["refusal"] = refusal
    if head.sources is not None:
        simple["sources"] = _sources(head)
    if head.notes:
        simple["notes"] = list(head.notes)
    if choice.cached:
        simple["cached"] = True
    return simple


def render_usage(usage: Usage) -> RenderedUsage:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "input_tokens": usage.prompt_tokens,
        "output_tokens": usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
    }


def end_of(finish: Finish) -> End:
    return _ENDS[finish]


class Chunks:
    """The chunks of one stream. `with_usage`: each has the field, and one more chunk fills it."""

    def __init__(self, head: Head, *, with_usage: bool) -> None:
        self._head = head
        self._with_usage = with_usage

    def first(self, index: int) -> RenderedChunk:
        chunk = self._one(_piece(index, {"role": "assistant", "content": ""}))
        if self._head.sources is not None and index == 0:
            chunk["sources"] = _sources(self._head)
        if self._head.notes and index == 0:
            chunk["notes"] = list(self._head.notes)
        return chunk

    def of(self, index: int, delta: Delta) -> Iterator[RenderedChunk]:
        rendered = _delta(delta)
        if rendered:
            yield self._one(_piece(index, rendered, _likelihoods(delta.likelihoods)))
        if delta.finish == "blocked":
            refusal = _refusal(delta.case, self._head.language, unchecked=delta.unchecked)
            yield self._one(_piece(index, {"refusal": refusal}))
        if delta.finish is not None:
            yield self._end(_piece(index, {}, finish=end_of(delta.finish)), cached=delta.cached)

    def last(self, usage: Usage) -> Iterator[RenderedChunk]:
        if self._with_usage:
            yield self._one() | {"usage": render_usage(usage)}

    def again(self, completion: RenderedCompletion) -> Iterator[RenderedChunk]:
        """Of an answer that was given before."""
        choices = completion["choices"]
        for choice in choices:
            chunk = self._one(_piece(choice["index"], {"role": "assistant", "content": ""}))
            if "sources" in completion and choice is choices[0]:
                chunk["sources"] = completion["sources"]
            if "notes" in completion and choice is choices[0]:
                chunk["notes"] = completion["notes"]
            yield chunk
        for choice in choices:
            delta = _delta_of(choice["message"])
            if delta:
                yield self._one(_piece(choice["index"], delta, choice["logprobs"]))
            end = _piece(choice["index"], {}, finish=choice["finish_reason"])
            yield self._end(end, cached=completion.get("cached", False))
        if self._with_usage:
            yield self._one() | {"usage": completion["usage"]}

    def _end(self, piece: RenderedPiece, *, cached: bool) -> RenderedChunk:
        chunk = self._one(piece)
        if cached:
            chunk["cached"] = True
        return chunk

    def _one(self, *choices: RenderedPiece) -> RenderedChunk:
        chunk: RenderedChunk = {
            "id": self._head.id,
            "object": "chat.completion.chunk",
            "created": self._head.created,
            "model": self._head.model,
            "model_version": self._head.version,
            "system_fingerprint": f"fp_{self._head.version}",
            "choices": list(choices),
        }
        if self._with_usage:
            chunk["usage"] = None
        return chunk


def head_of(completion: RenderedCompletion) -> Head:
    """Of an answer that was given before."""
    return Head(
        completion["id"], completion["created"], completion["model"], completion["model_version"]
    )


def dumps(rendered: object) -> str:
    return json.dumps(rendered, ensure_ascii=False, separators=(",", ":"))


def _piece(
    index: int,
    delta: RenderedDelta,
    logprobs: RenderedLikelihoods | None = None,
    *,
    finish: End | None = None,
) -> RenderedPiece:
    return {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}


def _refusal(case: int | None, language: Language, *, unchecked: bool) -> str:
    said = texts.say("not_checked" if unchecked else "answer_blocked", language)
    return said if case is None else f"{said}\n{texts.say('api_case', language, case=case)}"


def _delta(delta: Delta) -> RenderedDelta:
    rendered: RenderedDelta = {}
    if delta.reasoning:
        rendered["reasoning_content"] = delta.reasoning
    if delta.text or delta.likelihoods:
        rendered["content"] = delta.text
    if delta.calls:
        rendered["tool_calls"] = [_call_piece(piece) for piece in delta.calls]
    return rendered


def _delta_of(message: RenderedMessage) -> RenderedDelta:
    rendered: RenderedDelta = {}
    if "reasoning_content" in message:
        rendered["reasoning_content"] = message["reasoning_content"]
    if message["content"]:
        rendered["content"] = message["content"]
    if message["refusal"]:
        rendered["refusal"] = message["refusal"]
    if "tool_calls" in message:
        rendered["tool_calls"] = [
            {
                "index": index,
                "id": call["id"],
                "type": "function",
                "function": {
                    "name": call["function"]["name"],
                    "arguments": call["function"]["arguments"],
                },
            }
            for index, call in enumerate(message["tool_calls"])
        ]
    return rendered


def _whole_call(pieces: Sequence[CallPiece]) -> RenderedCall:
    arguments = "".join(piece.arguments for piece in pieces)
    return {
        "id": pieces[0].id,
        "type": "function",
        "function": {"name": pieces[0].name, "arguments": arguments},
    }


def _call_piece(piece: CallPiece) -> RenderedCallPiece:
    if not piece.id:
        return {"index": piece.index, "function": {"arguments": piece.arguments}}
    return {
        "index": piece.index,
        "id": piece.id,
        "type": "function",
        "function": {"name": piece.name, "arguments": piece.arguments},
    }


def _likelihoods(likelihoods: Sequence[Likelihood]) -> RenderedLikelihoods | None:
    if not likelihoods:
        return None
    return {"content": [_likelihood(one) for one in likelihoods], "refusal": None}


def _likelihood(one: Likelihood) -> RenderedLikelihood:
    return {
        "token": one.text,
        "logprob": max(one.logprob, _NEVER),
        "bytes": list(one.raw),
        "top_logprobs": [
            {"token": text, "logprob": max(logprob, _NEVER), "bytes": list(raw)}
            for text, raw, logprob in one.others
        ],
    }


def _sources(head: Head) -> list[RenderedSource]:
    """Under the numbers that the model read them by."""
    return [
        {
            "number": number,
            "title": passage.title,
            "place": texts.place(passage.place, head.language),
        }
        for number, passage in enumerate(head.sources or (), 1)
    ]
