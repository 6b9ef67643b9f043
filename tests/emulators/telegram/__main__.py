"""The emulator alone, to try the bot by hand: python -m tests.emulators.telegram --port 8081

Then start the program with the two variables it prints, and
  curl -d '{"person": 1, "text": "hello"}' http://127.0.0.1:8081/control/says
  curl --data-binary @photo.jpg 'http://127.0.0.1:8081/control/photo?person=1&caption=What+is+this'
  curl 'http://127.0.0.1:8081/control/visible?person=1'
  curl -d '{"person": 1, "message": 102, "button": "stop"}' http://127.0.0.1:8081/control/presses
"""

from __future__ import annotations

import argparse
import asyncio

from aiohttp import web

from tests.emulators.telegram.people import Person
from tests.emulators.telegram.server import Emulator


class Control:
    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._people: dict[str, Person] = {}

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/control/says", self._says),
            web.post("/control/photo", self._photo),
            web.post("/control/presses", self._presses),
            web.get("/control/visible", self._visible),
        ]

    def _person(self, name: str) -> Person:
        if name not in self._people:
            self._people[name] = self._emulator.person(name)
        return self._people[name]

    async def _says(self, request: web.Request) -> web.Response:
        said = await request.json()
        message = self._person(str(said["person"])).says(said["text"])
        return web.json_response(message.payload)

    async def _photo(self, request: web.Request) -> web.Response:
        person = self._person(request.query["person"])
        message = person.sends_photo(await request.read(), request.query.get("caption", ""))
        return web.json_response(message.payload)

    async def _visible(self, request: web.Request) -> web.Response:
        person = self._person(request.query["person"])
        messages = [
            {"id": m.id, "by": m.by, "text": m.text, "buttons": m.buttons}
            | {"versions": len(m.versions)}
            for m in person.sees()
        ]
        return web.json_response({"messages": messages, "draft": person.sees_draft()})

    async def _presses(self, request: web.Request) -> web.Response:
        pressed = await request.json()
        person = self._person(str(pressed["person"]))
        message = person.chat.messages[pressed["message"]]
        return web.json_response({"query": person.presses(message, pressed["button"])})


async def _serve(port: int) -> None:
    emulator = Emulator()
    await emulator.start(port=port, more=Control(emulator).routes())
    print(f"VISIONBOT_TELEGRAM__BASE_URL={emulator.url} VISIONBOT_TELEGRAM__TOKEN={emulator.token}")  # noqa: T201
    try:
        await asyncio.Event().wait()
    finally:
        await emulator.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, default=8081)
    asyncio.run(_serve(parser.parse_args().port))
