"""What a request to the API can be refused for, in OpenAI's shape.

ApiError   the request is refused; `fault` is a key of FAULTS and of bot/wording/api.py
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot import texts
from bot.texts import Language
from bot.wording.api import ApiKey


@dataclass(frozen=True, slots=True)
class Fault:
    """The fields of OpenAI's error object; https://platform.openai.com/docs/guides/error-codes"""

    status: int
    type: str
    code: str


@dataclass(frozen=True, slots=True)
class Why:
    """A reason inside of another sentence, in whatever language that will be said."""

    key: ApiKey
    values: Mapping[str, object] = field(default_factory=dict)

    def said(self, language: Language) -> str:
        return texts.say(self.key, language, **_filled(self.values, language))


class ApiError(Exception):
    """`param`: the path of the field it is about; `values` fill the sentence, and may be a Why."""

    def __init__(
        self,
        fault: ApiKey,
        *,
        param: str | None = None,
        retry_after_s: float | None = None,
        case: int | None = None,
        **values: object,
    ) -> None:
        super().__init__(fault)
        self.fault, self.param, self.values = fault, param, values
        self.retry_after_s = retry_after_s  # None: repeating it as it is will not help
        self.case = case  # what staff have it under, where content safety refused it

    @property
    def code(self) -> str:
        return FAULTS[self.fault].code

    def said(self, language: Language) -> str:
        return texts.say(self.fault, language, **_filled(self.values, language))


_BAD, _AUTH, _RATE, _SERVER = (
    "invalid_request_error",
    "authentication_error",
    "rate_limit_error",
    "server_error",
)

FAULTS: dict[ApiKey, Fault] = {
    "api_malformed": Fault(400, _BAD, "invalid_json"),
    "api_wrong_field": Fault(400, _BAD, "invalid_value"),
    "api_no_key": Fault(401, _AUTH, "invalid_api_key"),
    "api_wrong_key": Fault(401, _AUTH, "invalid_api_key"),
    "api_not_found": Fault(404, _BAD, "not_found"),
    "api_too_slow": Fault(408, _BAD, "request_timeout"),
    "api_too_large": Fault(413, _BAD, "request_too_large"),
    "api_line_full": Fault(429, _RATE, "queue_full"),
    "api_broken": Fault(500, _SERVER, "internal_error"),
    "api_engine_down": Fault(503, _SERVER, "engine_down"),
    "api_wrong_method": Fault(405, _BAD, "method_not_allowed"),
    "api_wrong_media_type": Fault(415, _BAD, "unsupported_media_type"),
    "api_model_unknown": Fault(404, _BAD, "model_not_found"),
    "api_model_forbidden": Fault(403, _BAD, "model_not_found"),
    "api_context_too_long": Fault(400, _BAD, "context_length_exceeded"),
    "api_bad_format": Fault(400, _BAD, "invalid_format"),
    "api_bad_picture": Fault(422, _BAD, "invalid_image"),
    "api_blocked": Fault(400, _BAD, "content_filter"),
    "api_not_checked": Fault(400, _BAD, "content_filter"),
    "api_blocked_case": Fault(400, _BAD, "content_filter"),
    "api_too_many_pictures": Fault(400, _BAD, "too_many_images"),
    "api_knowledge_unknown": Fault(404, _BAD, "knowledge_base_not_found"),
    "api_quota": Fault(429, "insufficient_quota", "insufficient_quota"),
    "api_line_full_key": Fault(429, _RATE, "too_many_requests_at_once"),
    "api_waited": Fault(503, _SERVER, "queue_timeout"),
    "api_engine_fault": Fault(500, _SERVER, "engine_fault"),
    "api_foreign_page": Fault(403, _BAD, "foreign_origin"),
    "api_foreign_host": Fault(403, _BAD, "unknown_host"),
    "api_banned": Fault(403, _BAD, "access_denied"),
    "api_members_only": Fault(403, _BAD, "access_denied"),
    "api_paused": Fault(503, _SERVER, "paused"),
    "api_overloaded": Fault(503, _SERVER, "server_is_overloaded"),
    "api_disk_full": Fault(503, _SERVER, "storage_full"),
    "api_not_now": Fault(503, _SERVER, "storage_unavailable"),
    "api_no_room": Fault(503, _SERVER, "too_many_connections"),
    "api_too_often": Fault(429, _RATE, "rate_limit_exceeded"),
    "api_locked_out": Fault(429, _RATE, "too_many_wrong_keys"),
    "api_repeat_no_key": Fault(400, _BAD, "invalid_idempotency_key"),
    "api_repeat_other": Fault(422, _BAD, "idempotency_key_reused"),
    "api_repeat_running": Fault(409, _BAD, "idempotency_key_in_use"),
    "api_fetch_off": Fault(400, _BAD, "image_url_not_allowed"),
    "api_fetch_address": Fault(400, _BAD, "invalid_image_url"),
    "api_fetch_host": Fault(400, _BAD, "image_url_not_allowed"),
    "api_fetch_failed": Fault(400, _BAD, "invalid_image_url"),
}


def _filled(values: Mapping[str, object], language: Language) -> dict[str, object]:
    return {
        name: value.said(language) if isinstance(value, Why) else value
        for name, value in values.items()
    }
