"""Reads one question from a multipart body: piece by piece, each limit checked on the way."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field, replace

from aiohttp import BodyPartReader, ClientPayloadError, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.multipart import MultipartReader

from bot.event import Wishes
from bot.platforms.web.errors import PageError
from bot.platforms.web.room import Upload
from bot.platforms.web.wire import media_type_of

_MEGABYTE = 2**20
_PIECE = 2**16
_FIELD_BYTES = 256  # all but the text and the photos
_FIELDS = 9  # that are no photos, and some more
_SMALLEST_SHARE = 0.01  # of top_p; none at all would leave no word to draw
_NONE = Wishes()
_KEY = re.compile(r"[A-Za-z0-9_-]{8,64}")


@dataclass(frozen=True, slots=True)
class UploadLimits:
    photos: int = 8
    photo_mb: int = 20
    body_mb: int = 48
    body_s: float = 60.0  # in all, from the first byte to the last
    text_characters: int = 20_000


@dataclass(frozen=True, slots=True)
class Usual:
    """How answers are drawn where the person does not choose; none may be longer."""

    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 1024


@dataclass(slots=True)
class Asked:
    """What the page sent. `key` names the question for ever, also when it is sent again."""

    key: str = ""
    text: str = ""
    language: str = ""
    photos: list[bytes] = field(default_factory=list)
    wishes: Wishes = _NONE


async def read_asked(
    request: web.Request, upload: Upload, limits: UploadLimits, usual: Usual
) -> Asked:
    """The photos are `upload`'s to hold: keep them before it ends. Raises PageError."""
    if (request.content_length or 0) > limits.body_mb * _MEGABYTE:
        raise PageError("body_too_large", limit=limits.body_mb)
    if request.content_type != "multipart/form-data":
        raise PageError("malformed")
    try:
        async with asyncio.timeout(limits.body_s):
            asked = await _Reading(upload, limits, usual).read(await request.multipart())
    except TimeoutError as error:
        raise PageError("too_slow", limit=int(limits.body_s)) from error
    except (ValueError, HttpProcessingError, web.RequestPayloadError, ClientPayloadError) as error:
        raise PageError("malformed") from error
    if not _KEY.fullmatch(asked.key):
        raise PageError("malformed")
    if not asked.text.strip() and not asked.photos:
        raise PageError("empty")
    return asked


class _Reading:
    def __init__(self, upload: Upload, limits: UploadLimits, usual: Usual) -> None:
        self._upload, self._limits, self._usual = upload, limits, usual
        self._total = 0
        self._asked = Asked()

    async def read(self, parts: MultipartReader) -> Asked:
        # More fields than we know: a flood of empty parts would cost time without costing bytes.
        for _ in range(self._limits.photos + _FIELDS):
            part = await parts.next()
            if part is None:
                return self._asked
            if not isinstance(part, BodyPartReader):
                raise PageError("malformed")
            await self._take(part)
        raise PageError("too_many_photos", limit=self._limits.photos)

    async def _take(self, part: BodyPartReader) -> None:
        asked = self._asked
        match part.name:
            case "photos":
                await self._take_photo(part)
            case "text":
                asked.text = await self._text(part)
            case "key":
                asked.key = await self._field(part)
            case "lang":
                asked.language = await self._field(part)
            case "temperature":
                value = await self._number(part, "temperature", 0, 2)
                asked.wishes = replace(asked.wishes, temperature=value)
            case "top_p":
                value = await self._number(part, "top_p", _SMALLEST_SHARE, 1)
                asked.wishes = replace(asked.wishes, top_p=value)
            case "max_tokens":
                value = await self._number(part, "max_tokens", 1, self._usual.max_tokens)
                asked.wishes = replace(asked.wishes, max_tokens=int(value))
            case _:
                raise PageError("malformed")

    async def _take_photo(self, part: BodyPartReader) -> None:
        limits = self._limits
        if len(self._asked.photos) >= limits.photos:
            raise PageError("too_many_photos", limit=limits.photos)
        await self._upload.begin()
        number = len(self._asked.photos) + 1
        too_large = PageError("photo_too_large", limit=limits.photo_mb, photo=number)
        data = await self._bytes(part, limits.photo_mb * _MEGABYTE, too_large)
        if not data:
            raise PageError("picture_empty", photo=number)
        if not media_type_of(data):
            raise PageError("picture_format", photo=number)
        self._asked.photos.append(data)

    async def _text(self, part: BodyPartReader) -> str:
        most = self._limits.text_characters
        too_long = PageError("text_too_long", limit=most)
        text = (await self._bytes(part, most * 4, too_long)).decode().replace("\0", "")
        if len(text) > most:
            raise too_long
        return text.replace("\r\n", "\n")  # as forms send line breaks

    async def _number(self, part: BodyPartReader, name: str, least: float, most: float) -> float:
        value = float(await self._field(part))  # what is no number is malformed
        if not least <= value <= most:  # nor is NaN
            raise PageError(name, value=value, least=least, most=most)
        return value

    async def _field(self, part: BodyPartReader) -> str:
        return (await self._bytes(part, _FIELD_BYTES, PageError("malformed"))).decode("ascii")

    async def _bytes(self, part: BodyPartReader, most: int, too_much: PageError) -> bytes:
        data = bytearray()
        while piece := await part.read_chunk(_PIECE):
            data += piece
            self._total += len(piece)
            self._upload.hold(len(piece))
            if len(data) > most:
                raise too_much
            if self._total > self._limits.body_mb * _MEGABYTE:
                raise PageError("body_too_large", limit=self._limits.body_mb)
        return bytes(data)
