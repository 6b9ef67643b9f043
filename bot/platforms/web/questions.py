"""What people do on the page: ask, with photos and wishes, and press buttons."""

from __future__ import annotations

from aiohttp import web

from bot.event import Attachment
from bot.platforms.base import Accept
from bot.platforms.web.asking import Asking, Question
from bot.platforms.web.body import read_json
from bot.platforms.web.errors import BadPhoto, PageError
from bot.platforms.web.pictures import Photos, Strip
from bot.platforms.web.room import Room
from bot.platforms.web.sign_in import SignIn, Who
from bot.platforms.web.upload import UploadLimits, Usual, read_asked
from bot.platforms.web.visitor import check_csrf
from bot.platforms.web.wire import (
    Language,
    dump,
    media_type_of,
    parse_language,
    parse_press,
    render_message,
)


class Questions:
    def __init__(
        self,
        asking: Asking,
        sign_in: SignIn,
        photos: Photos,
        strip: Strip,
        limits: UploadLimits,
        usual: Usual,
    ) -> None:
        self._asking, self._sign_in, self._photos, self._strip = asking, sign_in, photos, strip
        self._limits, self._usual = limits, usual
        self._room = Room()
        self.accept: Accept | None = None  # None: the program does not run yet, or not any more

    async def ask(self, request: web.Request) -> web.StreamResponse:
        accept, who = await self._enter(request)
        with self._room.upload(who.id) as upload:
            asked = await read_asked(request, upload, self._limits, self._usual)
            photos = [await self._keep(n, photo) for n, photo in enumerate(asked.photos, 1)]
        language = _language(request, asked.language)
        question = Question(asked.key, asked.text, tuple(photos), language, asked.wishes)
        message = await self._asking.ask(accept, who, question)
        return web.json_response(render_message(message), status=202, dumps=dump)

    async def press(self, request: web.Request) -> web.StreamResponse:
        accept, who = await self._enter(request)
        press = parse_press(await read_json(request))
        language = _language(request, request.query.get("lang", ""))
        await self._asking.press(accept, who, press, language)
        return web.Response(status=202)

    async def _enter(self, request: web.Request) -> tuple[Accept, Who]:
        if self.accept is None:
            raise PageError("starting")
        who = await self._sign_in.who(request)
        check_csrf(request, who.csrf)
        return self.accept, who

    async def _keep(self, number: int, photo: bytes) -> Attachment:
        """Without its metadata, which must not even be on the disk for a moment."""
        try:
            stored = await self._strip(photo)
        except BadPhoto as error:
            raise BadPhoto(error.zh, error.en, photo=number) from error
        return Attachment(await self._photos.put(stored), media_type_of(stored), len(stored))


def _language(request: web.Request, wish: str) -> Language:
    return parse_language(wish, request.headers.get("Accept-Language", ""))
