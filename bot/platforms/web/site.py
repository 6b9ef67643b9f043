"""The page's routes: its files, and the calls it makes.

GET    /api/me            {"name", "signIn": "none" | "code" | "header", "canSignOut", "isAdmin",
                          "limits": {"photos", "photoMb", "characters", "max_tokens"},
                          "defaults": {"temperature", "top_p", "max_tokens"}, "csrf"}
POST   /api/sign-in       {"code"} -> 204
POST   /api/sign-out      204
POST   /api/ask           a form: key, lang, text, photos, temperature, top_p, max_tokens -> 202
POST   /api/press         {"message": id, "name", "key"} -> 202
GET    /api/messages      {"revision", "messages": [message]}
GET    /api/events        ?after=revision: server-sent events "snapshot" (as above), "message"
GET    /api/photos/DIGEST ?size=thumb
GET    /api/history       ?after= &before= (seconds since 1970) &q= &cursor= ->
                          {"entries": [{"id", "at", "question", "photos": [digest], "answer",
                          "blocks"}], "next": cursor | null}; newest first
GET    /api/history.csv   the same search without a cursor; &tz= (IANA) for its times
DELETE /api/history/ID    204; without an id: all of it
GET    /api/export        a ZIP of all that is kept of this person
DELETE /api/me            forgets them: 204, or 202 where that takes longer

Every call but these GETs and the sign-in needs the header X-CSRF-Token with the `csrf` of /api/me.
A refusal: {"error": {"code", "message", "photo", "seconds"}}; with 401 also "signIn", as above.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web

from bot.api.plain_page import plain_page, wants_page
from bot.platforms.base import Accept
from bot.platforms.web.account import WAYS, Account
from bot.platforms.web.errors import FAULTS, PageError
from bot.platforms.web.files import page_files
from bot.platforms.web.history_pages import HistoryPages
from bot.platforms.web.pictures import Pictures
from bot.platforms.web.privacy_pages import PrivacyPages
from bot.platforms.web.questions import Questions
from bot.platforms.web.sign_in import SignIn
from bot.platforms.web.stream import Stream
from bot.platforms.web.talk import Talk
from bot.platforms.web.visitor import check_host, check_origin
from bot.platforms.web.wire import dump, parse_language, render_error
from bot.storage.errors import NoRoom, NotNow

log = logging.getLogger(__name__)

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Site:
    def __init__(
        self,
        host: str,
        talk: Talk,
        sign_in: SignIn,
        account: Account,
        questions: Questions,
        stream: Stream,
        pictures: Pictures,
        history: HistoryPages,
        privacy: PrivacyPages,
    ) -> None:
        self._host, self._talk, self._sign_in = host, talk, sign_in
        self._account, self._questions, self._stream = account, questions, stream
        self._pictures, self._history, self._privacy = pictures, history, privacy

    def open(self, accept: Accept) -> None:
        self._questions.accept = accept
        self._talk.live.open()

    def close(self) -> None:
        self._questions.accept = None
        self._talk.live.close()

    def routes(self) -> Sequence[web.RouteDef]:
        history = self._history
        return [
            *(web.get(where, self._door(send_file)) for where, send_file in page_files()),
            self._get("/api/me", self._account.me),
            web.post("/api/sign-in", self._door(self._account.enter, ours=True)),
            web.post("/api/sign-out", self._door(self._account.leave, ours=True)),
            web.post("/api/ask", self._door(self._questions.ask, ours=True)),
            web.post("/api/press", self._door(self._questions.press, ours=True)),
            self._get("/api/messages", self._stream.messages),
            self._get("/api/events", self._stream.events),
            self._get("/api/photos/{digest}", self._pictures.photo),
            self._get("/api/history", history.list),
            self._get("/api/history.csv", history.csv),
            self._get("/api/export", self._privacy.export),
            web.delete("/api/me", self._door(self._privacy.forget, ours=True)),
            web.delete("/api/history", self._door(history.forget_all, ours=True)),
            web.delete("/api/history/{entry}", self._door(history.forget, ours=True)),
        ]

    def _get(self, where: str, handler: _Handler) -> web.RouteDef:
        return web.get(where, self._door(handler, ours=True), allow_head=False)

    def _door(self, handler: _Handler, *, ours: bool = False) -> _Handler:
        """A refusal becomes a sentence. `ours`: only our own page may call."""

        async def enter(request: web.Request) -> web.StreamResponse:
            try:
                check_host(request, self._host)
                if ours:
                    check_origin(request)
                return await handler(request)
            except PageError as error:
                return self._refusal(request, error)
            except NotNow as error:
                log.warning("a page's request was refused: %s", error)
                full = isinstance(error, NoRoom)
                return self._refusal(request, PageError("no_room" if full else "not_now"))

        return enter

    def _refusal(self, request: web.Request, error: PageError) -> web.Response:
        wish = request.query.get("lang", "")
        language = parse_language(wish, request.headers.get("Accept-Language", ""))
        fault = FAULTS[error.code]
        told = render_error(error, language)
        if fault.status == 401:
            told["signIn"] = WAYS[self._sign_in.way]
        if wants_page(request):
            response = plain_page(told["error"]["message"], language, fault.status)
        else:
            response = web.json_response(told, status=fault.status, dumps=dump)
        if seconds := int(error.numbers.get("seconds", fault.retry_after_s)):
            response.headers["Retry-After"] = str(seconds)
        return response
