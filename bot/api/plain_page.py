"""What is refused to somebody who opened an address in a browser: one sentence as a small page."""

from __future__ import annotations

from html import escape
from typing import Literal

from aiohttp import hdrs, web

_PAGE = """<!doctype html>
<html lang="{language}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>visionbot</title>
<h1>visionbot</h1>
<p>{sentence}</p>
</html>
"""
_LANGUAGES = {"zh": "zh-CN", "en": "en"}
_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def wants_page(request: web.Request) -> bool:
    """Browsers name it when somebody opens an address, and scripts do not."""
    return "text/html" in request.headers.get(hdrs.ACCEPT, "")


def plain_page(sentence: str, language: Literal["zh", "en"], status: int) -> web.Response:
    text = _PAGE.format(language=_LANGUAGES[language], sentence=escape(sentence))
    return web.Response(
        text=text,
        status=status,
        content_type="text/html",
        charset="utf-8",
        headers={hdrs.CONTENT_SECURITY_POLICY: _POLICY},
    )
