"""Photos of a message: fetched from the platform, made ready, kept on the disk."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from pydantic import BaseModel, Field

from bot import texts
from bot.delivery import Delivery
from bot.documents.block import BadDocument
from bot.errors import Unusable
from bot.event import Attachment, Event
from bot.platforms.base import PlatformError
from bot.storage.photos import Photos
from bot.texts import Key, Language
from inference.errors import BadPicture
from inference.request import Picture
from inference.service import Service

log = logging.getLogger(__name__)

MOST_PHOTOS = 10  # with one question; Telegram's albums hold as many

Deliveries = dict[str, Delivery]  # by the platform's name


class PhotosSection(BaseModel, extra="forbid", frozen=True):
    """`[photos]`: how photos and questions find each other."""

    together_s: float = Field(1.0, ge=0.0, le=10.0)
    wait_s: float = Field(120.0, ge=0.0, le=86_400.0)


@dataclass(frozen=True, slots=True)
class Ready:
    """A photo that can be asked about."""

    digest: str  # of the file, as Photos knows it
    picture: Picture


class Intake:
    def __init__(
        self, deliveries: Deliveries, service: Service, photos: Photos, *, max_bytes: int
    ) -> None:
        self._deliveries = deliveries
        self._service = service
        self._photos = photos
        self._max_bytes = max_bytes

    async def take(self, event: Event, language: Language) -> list[Ready]:
        """The event's photos in their order. Raises Unusable, EngineDown."""
        return await self.collect(event.conversation.platform, event.photos, language)

    async def collect(
        self, platform: str, photos: Sequence[Attachment], language: Language
    ) -> list[Ready]:
        """The same for photos from anywhere, such as those of a quoted message."""
        check_number(len(photos), language)
        if len(photos) == 1:
            return [await self._take(platform, photos[0], language)]
        return [
            await self._take_one_of(number, platform, photo, language)
            for number, photo in enumerate(photos, 1)
        ]

    async def keep(self, event: Event, language: Language) -> list[str]:
        """The same as `take`, for who only needs the files: their digests."""
        return [ready.digest for ready in await self.take(event, language)]

    async def reopen(self, digest: str, language: Language) -> Ready:
        """A photo taken earlier. Raises Unusable: it is not kept, or not usable, any more."""
        try:
            return Ready(digest, await self._prepare(await self._photos.get(digest), language))
        except FileNotFoundError as error:
            log.warning("photo %s is not kept any more", digest[:12])
            raise _unusable("photo_unreachable", language) from error

    async def reopen_if_kept(self, digest: str) -> Ready | None:
        """A photo of the past; the question can be answered without it."""
        try:
            return await self.reopen(digest, "en")
        except Unusable:
            log.warning("photo %s is left out of the past", digest[:12])
            return None

    async def fetch_file(self, event: Event, file: Attachment, max_bytes: int) -> bytes:
        """A document as it is. Raises BadDocument."""
        if file.size_bytes > max_bytes:
            raise BadDocument("too_large", value=file.size_bytes, limit=max_bytes)
        delivery = self._deliveries[event.conversation.platform]
        try:
            return await delivery.fetch(file, max_bytes=max_bytes)
        except PlatformError as error:
            log.warning("message %s: file not fetched: %s", event.message, error)
            raise BadDocument("unreachable", limit=max_bytes) from error

    async def _take_one_of(
        self, number: int, platform: str, photo: Attachment, language: Language
    ) -> Ready:
        """What is wrong with it is said with its number."""
        try:
            return await self._take(platform, photo, language)
        except Unusable as error:
            raise _unusable("photo_numbered", language, number=number, said=error.said) from error

    async def _take(self, platform: str, photo: Attachment, language: Language) -> Ready:
        if photo.size_bytes > self._max_bytes:
            raise Unusable(
                texts.picture_fault("too_large", photo.size_bytes, self._max_bytes, language)
            )
        try:
            data = await self._deliveries[platform].fetch(photo, max_bytes=self._max_bytes)
        except PlatformError as error:
            log.warning("a photo from %s was not fetched: %s", platform, error)
            raise _unusable("photo_unreachable", language) from error
        with _told_of_faults(language):
            stored = await self._service.stored(data)
            # made from what is stored, so that it is the same whenever it is needed
            picture = await self._service.prepare(stored)
        return Ready(await self._photos.put(stored), picture)

    async def _prepare(self, data: bytes, language: Language) -> Picture:
        with _told_of_faults(language):
            return await self._service.prepare(data)


@contextmanager
def _told_of_faults(language: Language) -> Iterator[None]:
    try:
        yield
    except BadPicture as error:
        said = texts.picture_fault(error.reason, error.value, error.limit, language)
        raise Unusable(said) from error


def check_number(photos: int, language: Language) -> None:
    if photos > MOST_PHOTOS:
        raise _unusable("photo_too_many", language, limit=MOST_PHOTOS, count=photos)


def _unusable(key: Key, language: Language, **values: object) -> Unusable:
    return Unusable(texts.say(key, language, **values))
