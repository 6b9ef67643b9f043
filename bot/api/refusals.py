"""What goes wrong in a request to the API, answered in OpenAI's shape and the client's language.

Also gives each request its id, which stands in the log beside all that is done for it.
"""

from __future__ import annotations

import json
import logging
import math
import re
import secrets
from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware

from bot.api.errors import FAULTS, ApiError
from bot.api.guard import Patience
from bot.storage.errors import NoRoom, NotNow
from bot.texts import Language
from inference.trace import current, tracing

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

REQUEST_ID = "X-Request-Id"

_CASE = "X-Safety-Case"
_FULL_S, _AWAY_S = 30, 5  # after which it may be tried again

_ID = web.RequestKey("id", str)
_PLAIN = re.compile(r"[\w.:/+=-]{1,128}", re.ASCII)
_ROOT = "/v1"
_RANGE = re.compile(r"\s*([A-Za-z*]{1,8})(?:-[\w-]*)?\s*(?:;\s*q=([0-9.]{1,5}))?\s*")


def refuse_in_openais_shape(
    default: Language, *, max_body_mb: int, patience: Patience | None = None
) -> Middleware:
    """For all below /v1, also where no route is."""
    body_s = (patience or Patience()).body_s

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not (request.path == _ROOT or request.path.startswith(f"{_ROOT}/")):
            return await handler(request)
        with tracing(id_of(request)):
            try:
                response = await handler(request)
            except ApiError as error:
                response = refusal(error, language_of(request, default))
            except web.HTTPException as error:
                refused = _translated(request, error, max_body_mb, body_s)
                response = refusal(refused, language_of(request, default))
                _take_over(response, error)
            except ConnectionError:  # who asked has gone
                raise
            except Exception as error:  # one request may fail, the others are served
                log.error("a request failed: %s", error, exc_info=not isinstance(error, NotNow))  # noqa: TRY400
                if request.writer.output_size:  # a second answer would stand inside of the first
                    raise ConnectionAbortedError("the answer broke off") from error
                response = refusal(_fault_of(error), language_of(request, default))
            if not response.prepared:
                response.headers[REQUEST_ID] = current()
            return response

    return middleware


def id_of(request: web.Request) -> str:
    """What the client calls it, if that can stand in a log; else one that we make, once."""
    if _ID not in request:
        given = request.headers.get(REQUEST_ID, "")
        request[_ID] = given if _PLAIN.fullmatch(given) else f"req_{secrets.token_hex(12)}"
    return request[_ID]


def refusal(error: ApiError, language: Language) -> web.Response:
    fault = FAULTS[error.fault]
    response = web.json_response(render_error(error, language), status=fault.status, dumps=_dumps)
    if error.retry_after_s is not None:
        response.headers[hdrs.RETRY_AFTER] = str(math.ceil(error.retry_after_s))
    if error.case is not None:
        response.headers[_CASE] = str(error.case)
    if fault.status == web.HTTPUnauthorized.status_code:
        response.headers[hdrs.WWW_AUTHENTICATE] = "Bearer"
    return response


def render_error(error: ApiError, language: Language) -> dict[str, dict[str, str | None]]:
    """https://platform.openai.com/docs/guides/error-codes"""
    fault = FAULTS[error.fault]
    return {
        "error": {
            "message": error.said(language),
            "type": fault.type,
            "param": error.param,
            "code": fault.code,
        }
    }


def language_of(request: web.Request, default: Language) -> Language:
    """The one of ours that `Accept-Language` likes best; the default if it names neither."""
    best, best_weight = default, 0.0
    for part in request.headers.get(hdrs.ACCEPT_LANGUAGE, "")[:512].split(","):
        found = _RANGE.fullmatch(part)
        if found is None:
            continue
        weight = _weight(found[2])
        code = found[1].lower()
        if weight > best_weight and code in ("zh", "en"):
            best, best_weight = ("zh" if code == "zh" else "en"), weight
    return best


def _weight(text: str | None) -> float:
    try:
        return 1.0 if text is None else float(text)
    except ValueError:
        return 0.0


def _fault_of(error: Exception) -> ApiError:
    match error:
        case NoRoom():
            return ApiError("api_disk_full", retry_after_s=_FULL_S, seconds=_FULL_S)
        case NotNow():
            return ApiError("api_not_now", retry_after_s=_AWAY_S, seconds=_AWAY_S)
    return ApiError("api_broken", id=current())


def _translated(
    request: web.Request, error: web.HTTPException, max_body_mb: int, body_s: float
) -> ApiError:
    match error:
        case web.HTTPNotFound():
            return ApiError("api_not_found", path=request.path[:200])
        case web.HTTPMethodNotAllowed():
            allowed = ", ".join(sorted(error.allowed_methods))
            return ApiError("api_wrong_method", method=request.method[:20], allowed=allowed)
        case web.HTTPRequestTimeout():
            return ApiError("api_too_slow", limit=f"{body_s:g}")
        case web.HTTPRequestEntityTooLarge():
            return ApiError("api_too_large", limit=max_body_mb)
        case _:
            raise error


def _take_over(response: web.Response, error: web.HTTPException) -> None:
    """What it says beside its words."""
    if hdrs.ALLOW in error.headers:
        response.headers[hdrs.ALLOW] = error.headers[hdrs.ALLOW]
    if error.keep_alive is False:  # the rest of a slow body is not waited for
        response.force_close()


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
