"""The web page with all that it is handed: stores, the decoder for thumbnails, people's roles."""

from __future__ import annotations

import asyncio
from functools import partial

from bot.access.roles import is_at_least, role_of_person
from bot.config import Settings
from bot.platforms.web.adapter import Kept, WebPlatform
from bot.platforms.web.upload import Usual
from bot.rules import Rules
from bot.storage.people import People
from bot.stores import Stores
from inference.errors import InferenceError
from inference.images.thumbnail import render_thumbnail
from inference.service import Service


def make_page(settings: Settings, stores: Stores, service: Service, rules: Rules) -> WebPlatform:
    answers = settings.answers
    return WebPlatform(
        settings.web,
        Kept(stores.page, stores.photos, stores.sessions, stores.entries, stores.forgetting),
        shrink=partial(shrink, service),
        is_admin=partial(_is_admin, stores.people, rules),
        usual=Usual(answers.temperature, answers.top_p, answers.max_tokens),
        timezone=lambda: rules.now.quota.timezone,
        max_photo_mb=settings.pictures.max_file_mb,
    )


async def shrink(service: Service, photo: bytes) -> bytes | None:
    """None: it cannot be read, or not now."""
    try:
        picture = await service.prepare(photo)
    except InferenceError:
        return None
    return await asyncio.to_thread(render_thumbnail, picture)


async def _is_admin(people: People, rules: Rules, person: str) -> bool:
    return is_at_least(await role_of_person(people, rules, WebPlatform.name, person), "admin")
