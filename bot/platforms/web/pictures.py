"""The photos of a talk, whole or small, for those whose talk it is."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from io import BytesIO
from typing import Protocol

from aiohttp import web

from bot.platforms.web.errors import PageError
from bot.platforms.web.sign_in import SignIn
from bot.platforms.web.talk import Talk
from bot.platforms.web.thumbnails import Shrink, Thumbnails
from bot.platforms.web.wire import media_type_of

_DIGEST = re.compile(r"[0-9a-f]{64}")
_HEADERS = {
    "Cache-Control": "no-store",  # who signs out leaves nothing for the next one to see
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
}


class Photos(Protocol):
    """Where photos are kept, named by the digest of their bytes."""

    async def put(self, data: bytes) -> str: ...

    async def get(self, digest: str) -> bytes:
        """Raises FileNotFoundError."""


# What is stored of a photo. Raises BadPhoto, PageError.
Strip = Callable[[bytes], Awaitable[bytes]]


class Pictures:
    def __init__(self, talk: Talk, sign_in: SignIn, photos: Photos, shrink: Shrink) -> None:
        self._talk, self._sign_in, self._photos = talk, sign_in, photos
        self._thumbnails = Thumbnails(shrink)

    def forget(self) -> None:
        """The small ones are made again where somebody wants to see them."""
        self._thumbnails.forget()

    async def photo(self, request: web.Request) -> web.StreamResponse:
        """`?size=thumb`: a small one."""
        chat, digest = (await self._sign_in.who(request)).id, request.match_info["digest"]
        if not _DIGEST.fullmatch(digest) or not await self._talk.has_photo(chat, digest):
            raise PageError("not_found")
        try:
            if request.query.get("size") == "thumb":
                data = await self._thumbnails.of(digest, self._photos.get)
            else:
                data = await self._photos.get(digest)
        except FileNotFoundError as error:
            raise PageError("not_found") from error
        return _image(data)


def _image(data: bytes) -> web.Response:
    media_type = media_type_of(data)
    response = web.Response(
        body=BytesIO(data),
        content_type=media_type or "application/octet-stream",
        headers=_HEADERS,
    )
    if not media_type:
        response.headers["Content-Disposition"] = "attachment"
    return response
