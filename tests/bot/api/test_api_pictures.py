"""Pictures of requests on their way to the model: how many are held, and how they are read."""

from __future__ import annotations

import asyncio
import base64
import os

import pytest

from bot.api.asking import Asking
from bot.api.bodies import ChatBody
from bot.api.caller import Caller
from bot.worker import AnswersSection
from inference.request import Picture
from inference.service import Service
from tests.fakes import FakeEngine, settle


class Models:
    def check(self, name, caller):
        pass


class Web:
    def __init__(self):
        self.fetched = 0

    async def fetch(self, url, *, param=None):
        self.fetched += 1
        return url.encode()


class Decoder:
    def __init__(self):
        self.let_go = asyncio.Event()
        self.photos = []

    async def decode(self, photo):
        await self.let_go.wait()
        self.photos.append(photo)
        return Picture(1, 1, b"rgb")


class Room:
    def __init__(self):
        self.web, self.decoder = Web(), Decoder()
        service = Service(FakeEngine(), self.decoder)
        self.asking = Asking(service, self.web, None, None, Models(), AnswersSection())

    async def ask(self, *addresses):
        parts = [{"type": "image_url", "image_url": address} for address in addresses]
        body = ChatBody.model_validate({"messages": [{"role": "user", "content": parts}]})
        return await self.asking.chat(body, Caller("k_1"), "en")


async def test_few_files_are_held_that_were_fetched_but_not_decoded_yet():
    room = Room()
    urls = [[f"https://a.example/{i}/{k}.jpg" for k in range(8)] for i in range(4)]
    asking = [asyncio.create_task(room.ask(*some)) for some in urls]
    await settle()
    held = room.web.fetched
    room.decoder.let_go.set()

    asked = await asyncio.gather(*asking)

    assert held == 16
    assert [len(one.request.turns[0].pictures) for one in asked] == [8] * 4


@pytest.mark.parametrize("size", [1, 2, 3, 786_432, 2_000_001])
@pytest.mark.parametrize("written", [base64.b64encode, base64.encodebytes], ids=["one", "lines"])
async def test_a_picture_arrives_as_it_was_however_it_is_written(size, written):
    room, photo = Room(), os.urandom(size)
    room.decoder.let_go.set()

    await room.ask("data:image/png;base64," + written(photo).decode())

    assert room.decoder.photos == [photo]
