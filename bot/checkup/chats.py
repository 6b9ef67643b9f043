"""Looks at the chat platforms: do they know our tokens, can the staff be reached?"""

from __future__ import annotations

from bot.checkup.finding import Finding, Round
from bot.config import Settings
from bot.platforms.base import PlatformError
from bot.platforms.telegram.adapter import username


async def look_at_telegram(round_: Round) -> Finding:
    if not round_.settings.telegram.token:
        return round_.off("check_telegram_off")
    settings = round_.settings.telegram
    try:
        return round_.ok("check_telegram_on", name=await username(settings))
    except PlatformError as error:
        return Finding(
            "problem", str(error), round_.say("check_telegram_how", address=settings.base_url)
        )


async def look_at_matrix(round_: Round) -> Finding:
    if not round_.settings.matrix.homeserver:
        return round_.off("check_matrix_off")
    try:
        from bot.platforms.matrix.adapter import identify  # the SDK is optional
    except ImportError:
        return round_.problem("check_matrix_missing", "check_matrix_missing_how")
    settings = round_.settings.matrix
    try:
        return round_.ok("check_matrix_on", name=await identify(settings))
    except PlatformError as error:
        return Finding(
            "problem", str(error), round_.say("check_matrix_how", address=settings.homeserver)
        )


async def look_at_service(round_: Round) -> Finding:
    """A chat of a platform that is off would never be told of a customer."""
    service = round_.settings.service
    if not service.staff_chat:
        return round_.off("check_service_off")
    on = _platforms_on(round_.settings)
    for key in ("staff_chat", "escalate_to"):
        chat = getattr(service, key)
        platform = chat.partition(":")[0]
        if chat and platform not in on:
            return round_.problem(
                "check_service_platform_off",
                "check_service_platform_off_how",
                setting=key,
                chat=chat,
                platform=platform,
            )
    return round_.ok("check_service_on", chat=service.staff_chat)


def _platforms_on(settings: Settings) -> set[str]:
    known = {
        "web": settings.web.enabled,
        "telegram": bool(settings.telegram.token),
        "matrix": bool(settings.matrix.homeserver),
    }
    return {name for name, is_on in known.items() if is_on}
