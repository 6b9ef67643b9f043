"""A look at the model: loaded and asked about a picture, unless the program has it loaded."""

from __future__ import annotations

import time
from base64 import b64decode
from contextlib import aclosing

from bot import texts
from bot.checkup.finding import Finding, Round
from bot.checkup.running import Running
from inference.build import build_service, resolve_model
from inference.engine.model.checkpoint import is_fetched
from inference.request import ChatRequest, Sampling, Turn
from inference.service import Service

# 112 x 112 pixels, all of them red
_RED = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAHAAAABwAQMAAAD8LmYIAAAAA1BMVEXcHh4Np/MyAAAAFklEQVR42mNgGAWjYBSM"
    "glEwCgYeAAAGkAAB8Q2GVgAAAABJRU5ErkJggg=="
)


async def look_at_model(round_: Round) -> Finding:
    if round_.running is not None:  # a card may have no room for a second one
        return _of_running(round_, round_.running)
    settings = round_.settings
    engine = settings.engine
    if engine.kind == "local" and not is_fetched(resolve_model(engine.model)):
        return round_.off("check_model_unfetched", model=engine.title)  # it may have 20 GB
    began = time.monotonic()
    service = build_service(engine, settings.pictures)
    try:
        await service.start()
        seconds = time.monotonic() - began
        answer = await _ask(service)
    finally:
        await service.close()
    if not answer:
        return round_.problem("check_model_silent", "check_model_silent_how")
    values = {"model": engine.title, "seconds": f"{seconds:.1f}", "answer": answer}
    return round_.ok("check_model_says", **values)


def _of_running(round_: Round, running: Running) -> Finding:
    values = {"process": running.process, "model": round_.settings.engine.title}
    if not running.health:
        return round_.off("check_model_unasked", **values)
    if running.health["status"] == "ok":
        return round_.ok("check_model_running", **values)
    return round_.problem(
        "check_model_down", "check_model_down_how", status=running.health["status"], **values
    )


async def _ask(service: Service) -> str:
    system = Turn("system", texts.say("system", "en"))
    question = Turn("user", "What is the main colour?", (await service.prepare(_RED),))
    request = ChatRequest((system, question), Sampling(max_tokens=16))
    async with aclosing(service.stream(request)) as deltas:
        return " ".join("".join([delta.text async for delta in deltas]).split())
