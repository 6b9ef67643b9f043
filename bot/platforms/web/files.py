"""The files of the page itself; read once, so that no name from outside ever opens a file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

_PAGE = Path(__file__).parent / "page"
_INDEX = "index.html"
_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
_HEADERS = {
    # Browsers ask each time and mostly hear 304: an update of the program is seen at once.
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}


def page_files(folder: Path = _PAGE, *, under: str = "") -> Sequence[tuple[str, _File]]:
    """Where each file is reached, and its handler."""
    files = sorted(path for path in folder.iterdir() if path.suffix in _TYPES)
    named = [(f"{under}/{path.name}", _File(path)) for path in files if path.name != _INDEX]
    index = _File(folder / _INDEX)
    return [(where, index) for where in sorted({under or "/", f"{under}/"})] + named


class _File:
    def __init__(self, path: Path) -> None:
        self._body = path.read_bytes()
        self._type = _TYPES[path.suffix]
        self._tag = hashlib.sha256(self._body).hexdigest()[:16]

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        known = any(tag.value == self._tag for tag in request.if_none_match or ())
        response = web.Response(status=304 if known else 200, headers=_HEADERS)
        response.etag = self._tag
        if not known:
            response.body = self._body
            response.content_type, response.charset = self._type, "utf-8"
        return response
