"""The web page with all that it is handed: stores, the decoder for thumbnails, people's roles."""

from __future__ import annotations

import asyncio
from functools import partial

from bot import texts
from bot.access.roles import is_at_least, role_of_person
from bot.config import Settings
from bot.platforms.web.adapter import Kept, WebPlatform
from bot.platforms.web.errors import BadPhoto, PageError
from bot.platforms.web.upload import Usual
from bot.rules import Rules
from bot.storage.people import People
from bot.stores import Stores
from inference.errors import BadPicture, EngineDown, InferenceError
from inference.images.thumbnail import render_thumbnail
from inference.service import Service


def make_page(settings: Settings, stores: Stores, service: Service, rules: Rules) -> WebPlatform:
    answers = settings.answers
    return WebPlatform(
        settings.web,
        Kept(
            stores.page,
            stores.photos,
            stores.sessions,
            stores.entries,
            stores.forgetting,
            stores.copies,
            stores.erasures,
        ),
        shrink=partial(shrink, service),
        strip=partial(strip, service),
        is_admin=partial(_is_admin, stores.people, rules),
        usual=Usual(answers.temperature, answers.top_p, answers.max_tokens),
        timezone=lambda: rules.now.quota.timezone,
        max_photo_mb=settings.pictures.max_file_mb,
        cover=service.safety.covered,
    )


async def shrink(service: Service, photo: bytes) -> bytes | None:
    """None: it cannot be read, or not now."""
    try:
        picture = await service.prepare(photo)
    except InferenceError:
        return None
    return await asyncio.to_thread(render_thumbnail, picture)


async def strip(service: Service, photo: bytes) -> bytes:
    """What is stored of it. Raises BadPhoto, PageError."""
    try:
        return await service.stored(photo)
    except BadPicture as error:
        fault = (error.reason, error.value, error.limit)
        zh, en = texts.picture_fault(*fault, "zh"), texts.picture_fault(*fault, "en")
        raise BadPhoto(zh, en) from error
    except EngineDown as error:
        raise PageError("not_kept") from error


async def _is_admin(people: People, rules: Rules, person: str) -> bool:
    return is_at_least(await role_of_person(people, rules, WebPlatform.name, person), "admin")
