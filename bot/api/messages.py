"""From the messages of a request to turns whose pictures are still addresses; calls and their
results matched. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bot.api.bodies import (
    MOST_PICTURES,
    AssistantMessage,
    CallMade,
    ImageAddress,
    ImagePart,
    Message,
    RefusalPart,
    SystemMessage,
    TextPart,
    ToolMessage,
    UserMessage,
)
from bot.api.errors import ApiError, Why
from bot.wording.api import ApiKey
from inference.request import Role, ToolCall

_Parts = Sequence[TextPart | ImagePart | RefusalPart]


@dataclass(frozen=True, slots=True)
class Sight:
    """Where a picture is to be had, and which field says so."""

    address: str
    path: str


@dataclass(frozen=True, slots=True)
class Said:
    role: Role
    text: str
    sights: tuple[Sight, ...] = ()
    calls: tuple[ToolCall, ...] = ()


def parse_messages(messages: Sequence[Message]) -> list[Said]:
    """Raises ApiError."""
    said: list[Said] = []
    calls = _Calls()
    for number, message in enumerate(messages):
        path = f"messages[{number}]"
        match message:
            case ToolMessage():
                calls.answer(message, path)
                continue
            case AssistantMessage():
                said += calls.close()
                made = calls.open(message.tool_calls or (), path)
                said.append(Said("assistant", _text(message.content or ""), calls=made))
            case SystemMessage():
                said += calls.close()
                said.append(Said("system", _text(message.content)))
            case UserMessage():
                said += calls.close()
                sights = tuple(_sights(message, path))
                said.append(Said("user", _text(message.content), sights))
    said += calls.close()
    check_number(sum(len(one.sights) for one in said), "messages")
    return said


def parse_sight(image: ImageAddress | str, path: str) -> Sight:
    if isinstance(image, str):
        return Sight(image.strip(), path)
    return Sight(image.url.strip(), f"{path}.url")


def check_number(pictures: int, path: str) -> None:
    if pictures > MOST_PICTURES:
        raise ApiError("api_too_many_pictures", param=path, limit=MOST_PICTURES, count=pictures)


def wrong(path: str, why: ApiKey, **values: object) -> ApiError:
    return ApiError("api_wrong_field", param=path, path=path, why=Why(why, values))


@dataclass(slots=True)
class _Calls:
    """Those of the newest answer, and their results as far as they are known."""

    _made: list[tuple[str, str]] = field(default_factory=list)  # id, the field that has it
    _results: dict[str, Said] = field(default_factory=dict)

    def open(self, calls: Sequence[CallMade], path: str) -> tuple[ToolCall, ...]:
        self._made = []
        for number, call in enumerate(calls):
            here = f"{path}.tool_calls[{number}]"
            if any(call.id == id_ for id_, _ in self._made):
                raise wrong(f"{here}.id", "why_call_twice", id=call.id)
            if not _is_object(call.function.arguments):
                raise wrong(f"{here}.function.arguments", "why_arguments")
            self._made.append((call.id, f"{here}.id"))
        return tuple(
            ToolCall(call.id, call.function.name, call.function.arguments) for call in calls
        )

    def answer(self, message: ToolMessage, path: str) -> None:
        id_ = message.tool_call_id
        if all(id_ != made for made, _ in self._made):
            raise wrong(f"{path}.tool_call_id", "why_call_unknown", id=id_)
        if id_ in self._results:
            raise wrong(f"{path}.tool_call_id", "why_call_twice", id=id_)
        self._results[id_] = Said("tool", _text(message.content))

    def close(self) -> list[Said]:
        """The results in the order of the calls: which is whose is told by that alone."""
        for id_, path in self._made:
            if id_ not in self._results:
                raise wrong(path, "why_call_unanswered", id=id_)
        results = [self._results[id_] for id_, _ in self._made]
        self._made, self._results = [], {}
        return results


def _text(content: str | _Parts) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(_words(content))


def _words(parts: _Parts) -> Iterator[str]:
    for part in parts:
        match part:
            case TextPart():
                yield part.text
            case RefusalPart():
                yield part.refusal


def _sights(message: UserMessage, path: str) -> Iterator[Sight]:
    if isinstance(message.content, str):
        return
    for number, part in enumerate(message.content):
        if isinstance(part, ImagePart):
            yield parse_sight(part.image_url, f"{path}.content[{number}].image_url")


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
