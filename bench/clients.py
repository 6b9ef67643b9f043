"""Clients of an OpenAI-compatible server, each with a photo as a phone takes it: 12 megapixels."""

from __future__ import annotations

import asyncio
import io
import json
import random
import time
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
from PIL import Image, ImageDraw

_SIDES = (4000, 3000)
_GRAIN = 8  # pixels of one grain of the background
_COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "black", "white")
_QUESTIONS = (
    ("图里有什么？", "What is in the picture?"),
    ("它是什么颜色？", "What colour is it?"),
    ("它在哪里？", "Where is it?"),
)
_PATIENCE_S = 1200.0  # the rival answers one after the other


@dataclass(frozen=True, slots=True)
class Heard:
    """One answer; times in seconds since the run began. `status`: 200, or how it was refused."""

    client: int
    turn: int
    status: int
    asked: float
    first: float | None
    ended: float
    text: str


@dataclass(frozen=True, slots=True)
class Crowd:
    """Clients who begin together; each asks on as soon as its answer is complete. `name`: another
    name, other photos, so that nothing is found in caches."""

    clients: int
    turns: int
    tokens: int
    name: str

    async def ask(self, url: str, model: str, photos: Sequence[bytes]) -> list[Heard]:
        """`url` without /v1; `photos` one for each client."""
        began = time.perf_counter()
        limits = aiohttp.TCPConnector(limit=0)
        patience = aiohttp.ClientTimeout(total=_PATIENCE_S)
        address = f"{url}/v1/chat/completions"
        async with (
            aiohttp.ClientSession(connector=limits, timeout=patience) as session,
            asyncio.TaskGroup() as group,
        ):
            talks = [
                group.create_task(_talk(session, address, model, self, number, photo))
                for number, photo in enumerate(photos)
            ]
        records = [record for talk in talks for record in talk.result()]
        return [_since(began, record) for record in records]


def photos(crowd: Crowd) -> list[bytes]:
    """JPEGs of 4000 x 3000: a shape on a grained wall."""
    return [_photo(f"{crowd.name} {number}") for number in range(crowd.clients)]


async def _talk(
    session: aiohttp.ClientSession,
    address: str,
    model: str,
    crowd: Crowd,
    number: int,
    photo: bytes,
) -> list[Heard]:
    shown = {"type": "image_url", "image_url": {"url": _data_url(photo)}}
    messages: list[dict[str, Any]] = []  # Any: JSON
    records = []
    for turn in range(crowd.turns):
        words = _QUESTIONS[turn % len(_QUESTIONS)][number % 2]
        said = {"type": "text", "text": words}
        messages.append({"role": "user", "content": [said] if turn else [shown, said]})
        body = {
            "model": model,
            "messages": messages,
            "max_tokens": crowd.tokens,
            "temperature": 0.0,
            "stream": True,
            "user": f"{crowd.name} {number}",
        }
        heard = await _ask(session, address, body, number, turn)
        records.append(heard)
        if heard.status != 200:
            break
        messages.append({"role": "assistant", "content": heard.text})
    return records


async def _ask(
    session: aiohttp.ClientSession, address: str, body: dict[str, Any], number: int, turn: int
) -> Heard:
    asked = time.perf_counter()
    first, text = None, ""
    async with session.post(address, json=body) as response:
        if response.status == 200:
            async for line in response.content:
                piece = _parse_piece(line)
                if piece and first is None:
                    first = time.perf_counter()
                text += piece
        return Heard(number, turn, response.status, asked, first, time.perf_counter(), text)


def _parse_piece(line: bytes) -> str:
    """What a line of the event stream adds to the text."""
    if not line.startswith(b"data: {"):
        return ""
    choices = json.loads(line.removeprefix(b"data: ")).get("choices") or [{}]
    text: str = choices[0].get("delta", {}).get("content") or ""
    return text


def _since(began: float, heard: Heard) -> Heard:
    first = None if heard.first is None else heard.first - began
    asked, ended = heard.asked - began, heard.ended - began
    return Heard(heard.client, heard.turn, heard.status, asked, first, ended, heard.text)


def _data_url(photo: bytes) -> str:
    return f"data:image/jpeg;base64,{b64encode(photo).decode()}"


def _photo(name: str) -> bytes:
    dice = random.Random(name)
    width, height = (side // _GRAIN for side in _SIDES)
    grain = Image.frombytes("L", (width, height), dice.randbytes(width * height))
    wall = Image.blend(Image.new("L", grain.size, 205), grain, 0.08).convert("RGB")
    image = wall.resize(_SIDES, Image.Resampling.BICUBIC)
    side = dice.randrange(900, 1600)
    left, top = dice.randrange(_SIDES[0] - side), dice.randrange(_SIDES[1] - side)
    box = (left, top, left + side, top + side)
    draw, colour = ImageDraw.Draw(image), dice.choice(_COLOURS)
    (draw.ellipse if dice.random() < 0.5 else draw.rectangle)(box, fill=colour)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=90)
    return file.getvalue()
