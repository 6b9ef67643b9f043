"""The API as one part of the program: made from what the other doors use too, and its routes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

from aiohttp import web

from bot.api.asking import Asking
from bot.api.build import build_fetcher, build_gate
from bot.api.calls import Calls
from bot.api.completions import Completions, Waits
from bot.api.discreet import render_kept
from bot.api.docs import Docs
from bot.api.models import Models
from bot.api.probes import Health, probe_routes
from bot.api.refusals import language_of
from bot.api.rendering import dumps
from bot.api.repeats import Repeats
from bot.call import Call
from bot.config import Settings
from bot.line import Line
from bot.metering import Meter
from bot.question import Question
from bot.rules import Rules
from bot.storage.pauses import Pauses
from bot.stores import Stores
from bot.texts import Language
from bot.watching.counts import Counts
from inference.service import Service


class Api:
    """`open` when there is somebody who answers, `close` before they go; `run` meanwhile."""

    def __init__(
        self,
        settings: Settings,
        stores: Stores,
        service: Service,
        meter: Meter,
        rules: Rules,
        pauses: Pauses,
        line: Line[Question | Call],
        counts: Counts,
        *,
        health: Health,
        waits: Waits | None = None,
    ) -> None:
        section = settings.api
        self._settings = settings
        self._health = health
        self._gate = build_gate(settings, stores, pauses, rules)
        self._models = Models(
            settings.engine, service.stats, aliases=section.model_aliases, began=time.time()
        )
        self._calls = Calls(
            line,
            service,
            meter,
            counts,
            max_wait_s=settings.line.max_wait_s,
            max_at_once=section.max_at_once,
        )
        self._repeats = Repeats(
            stores.kept_answers, partial(render_kept, mask=service.safety.masked)
        )
        pictures = build_fetcher(settings)
        self._completions = Completions(
            self._gate.admit,
            Asking(service, pictures, stores.knowledge, rules, self._models, settings.answers),
            self._calls,
            self._models,
            self._repeats,
            max_bytes=section.max_body_mb << 20,
            default_language=settings.answers.default_language,
            waits=waits,
        )
        self._docs = Docs()
        self.open, self.close = self._calls.open, self._calls.close
        self.run, self.being_kept = self._repeats.run, self._repeats.under_way

    def routes(self) -> Sequence[web.RouteDef]:
        probes = probe_routes(self._health)
        if not self._settings.api.enabled:
            return probes
        return [
            *probes,
            web.get("/openapi.json", self._describe),
            web.get("/docs", self._show_docs),
            web.post("/v1/chat/completions", self._completions.chat),
            web.post("/v1/chat", self._completions.simple),
            web.get("/v1/models", self._list_models),
            web.get("/v1/models/{model:.+}", self._show_model),
        ]

    async def _list_models(self, request: web.Request) -> web.Response:
        caller = await self._gate.admit(request)
        return web.json_response(self._models.render_all(caller), dumps=dumps)

    async def _show_model(self, request: web.Request) -> web.Response:
        caller = await self._gate.admit(request)
        name = request.match_info["model"]
        return web.json_response(self._models.render_one(name, caller), dumps=dumps)

    async def _describe(self, _: web.Request) -> web.Response:
        return web.json_response(text=self._docs.json())

    async def _show_docs(self, request: web.Request) -> web.Response:
        chosen = request.query.get("lang", "")
        accepted = language_of(request, self._settings.answers.default_language)
        language: Language = "zh" if chosen == "zh" else "en" if chosen == "en" else accepted
        try:
            address = str(request.url.with_path("/v1").with_query(None))
        except ValueError:
            raise web.HTTPBadRequest(text="the header Host names no host\n") from None
        return web.Response(
            text=self._docs.html(language, address=address, model=self._models.name),
            content_type="text/html",
            headers={"Content-Security-Policy": self._docs.policy},
        )
