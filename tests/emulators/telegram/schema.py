"""Requests and replies checked by somebody else's reading of the Bot API: aiogram's models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from aiogram import methods, types
from pydantic import BaseModel, TypeAdapter, ValidationError

METHODS: dict[str, type[methods.TelegramMethod[Any]]] = {
    model.__api_method__: model
    for model in (
        methods.AnswerCallbackQuery,
        methods.CreateForumTopic,
        methods.DeleteWebhook,
        methods.EditMessageText,
        methods.GetFile,
        methods.GetMe,
        methods.GetUpdates,
        methods.GetWebhookInfo,
        methods.SendChatAction,
        methods.SendDocument,
        methods.SendMessage,
        methods.SendMessageDraft,
        methods.SendPhoto,
        methods.SetMyCommands,
        methods.SetWebhook,
    )
}
_PLAIN_TEXT = frozenset(
    {
        "action",
        "callback_query_id",
        "caption",
        "document",
        "file_id",
        "language_code",
        "name",
        "parse_mode",
        "photo",
        "secret_token",
        "text",
        "url",
    }
)


class NotTheBotApi(Exception):
    """Who wrote this did not read the documentation."""


def parse_request(method: str, fields: dict[str, str]) -> Any:
    """The method's aiogram model; unknown parameters are an error, unlike at Telegram."""
    try:
        request = METHODS[method].model_validate(
            {name: _value(name, value) for name, value in fields.items()}
        )
    except ValidationError as error:
        raise NotTheBotApi(f"{method}: {error}") from error
    _no_strangers(method, request)
    return request


def check_reply(method: str, result: Any) -> None:
    _check(method, METHODS[method].__returning__, result)


def check_update(update: dict[str, Any]) -> None:
    _check("update", types.Update, update)


def _check(where: str, model: Any, value: Any) -> None:
    try:
        _no_strangers(where, TypeAdapter(model).validate_python(value))
    except ValidationError as error:
        raise NotTheBotApi(f"{where}: {error}") from error


def _value(name: str, value: str) -> Any:
    """Form fields are text; everything but texts is written as JSON in them."""
    if name in _PLAIN_TEXT:
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _no_strangers(where: str, value: Any) -> None:
    for model in _models(value):
        if model.model_extra:
            names = ", ".join(model.model_extra)
            raise NotTheBotApi(f"{where}: {type(model).__name__} knows no {names}")


def _models(value: Any) -> Iterator[BaseModel]:
    if isinstance(value, BaseModel):
        yield value
        for name in type(value).model_fields:
            yield from _models(getattr(value, name))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _models(part)
