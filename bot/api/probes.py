"""GET /livez and /readyz, for whoever restarts the program or sends it requests."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

_WELL = "ok"

Health = Callable[[], dict[str, object]]


def probe_routes(health: Health) -> list[web.RouteDef]:
    async def live(_: web.Request) -> web.Response:
        """Whoever can say this is alive; one that is not ready needs time, not a restart."""
        return web.json_response({"status": _WELL})

    async def ready(_: web.Request) -> web.Response:
        """Not while the model is loaded, nor while it is down, nor when the program is ending."""
        status = health()["status"]
        return web.json_response({"status": status}, status=200 if status == _WELL else 503)

    return [web.get("/livez", live), web.get("/readyz", ready)]
