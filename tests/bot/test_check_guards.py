"""`visionbot check` and the guards: all that fail are named, each with what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.checkup.finding import Round
from bot.checkup.guards import look_at_guards
from bot.config import Settings

NOWHERE = "http://127.0.0.1:9/v1"  # nobody listens there


def a_round(folder: Path, language: Literal["zh", "en"], *models: dict[str, object]) -> Round:
    guards = {"models": models, "text_guard_key": "wrong"}
    return Round(Settings(storage={"data_dir": folder}, guards=guards), None, language, None)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(
    ("language", "refused", "away", "remedy"),
    [
        ("en", ": the key is refused", ": it cannot be reached", "set"),
        ("zh", "：它不接受密钥", "：连接不上", "设置"),
    ],
)
async def test_every_guard_that_fails_is_named_and_a_refused_key_with_its_variable(
    tmp_path: Path,
    status: int,
    language: Literal["zh", "en"],
    refused: str,
    away: str,
    remedy: str,
) -> None:
    async def refuse(request: web.Request) -> web.Response:
        return web.Response(status=status)

    app = web.Application()
    app.router.add_route("*", "/{any:.*}", refuse)
    async with TestServer(app) as server:
        url = str(server.make_url("/v1"))
        words = {"kind": "text_guard", "name": "words", "base_url": url, "model": "m"}
        photos = {"kind": "moderation", "name": "photos", "base_url": url}
        gone = {"kind": "moderation", "name": "gone", "base_url": NOWHERE}

        found = await look_at_guards(a_round(tmp_path, language, words, photos, gone))

    said = [f"words{refused}", f"photos{refused}", f"gone{away}"]
    assert (found.state, found.detail) == ("problem", "; ".join(said))
    keys = ["VISIONBOT_GUARDS__TEXT_GUARD_KEY", "VISIONBOT_GUARDS__MODERATION_KEY"]
    assert found.remedy.startswith("; ".join(f"{remedy} {key}" for key in keys) + "; ")
