"""The lines that are printed when the program is ready: what is on, and where; what is off."""

from __future__ import annotations

import socket

from bot.api.addresses import authority
from bot.config import Settings
from bot.storage.section import place_of
from inference.images.reading import is_readable

# Networks that no machine is in (RFC 5737, RFC 3849): the way there is the way to all others.
_FAR_AWAY = {
    "0.0.0.0": (socket.AF_INET, "192.0.2.1"),  # nosec B104  (is read)
    "::": (socket.AF_INET6, "2001:db8::1"),
}
_PORT = 9  # any; nothing is sent


def what_is_on(settings: Settings, port: int | None) -> list[str]:
    """Each is "Name: what". `port`: what the server got; None: it has nothing to serve."""
    here = f"http://{authority(_named(settings.web.host), port)}"
    telegram = "on" if settings.telegram.token else "off, set VISIONBOT_TELEGRAM__TOKEN"
    guards = [entry.name or entry.kind for entry in settings.guards.models]
    reads = settings.ocr.enabled != "off" and is_readable()
    url = settings.storage.url
    return [
        f"Model: {settings.engine.title}",
        f"Guards: {', '.join(guards) or 'only the lists of [safety]'}",
        f"Text in pictures: {'is read where it is needed' if reads else 'is not read'}",
        f"Data: {settings.storage.data_dir}",
        *([f"Database: PostgreSQL at {place_of(url)}"] if url else []),
        f"Web page: {f'{here}/' if settings.web.enabled else 'off'}",
        f"API: {f'{here}/v1' if settings.api.enabled else 'off'}",
        f"Telegram: {telegram}",
        f"Matrix: {settings.matrix.user if settings.matrix.homeserver else 'off'}",
    ]


def _named(host: str) -> str:
    """By which others find this machine: "all addresses" is none that a browser could open."""
    if host not in _FAR_AWAY:
        return host
    family, far_away = _FAR_AWAY[host]
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((far_away, _PORT))
            return str(probe.getsockname()[0])
    except OSError:  # there is no way out of here
        return socket.gethostname()
