"""A bot as people usually write one with python-telegram-bot: `python -m tests.faults.echo_bot`.

The harness must be red on it, or it would be worth nothing: see tests/faults/test_rival.py. It is
plain, not careless: it logs its errors and goes on, and edits the message it has begun with.
"""

from __future__ import annotations

import base64
import json
import os

import httpx
from telegram import Message, Update
from telegram.ext import Application, ContextTypes, MessageHandler, filters

_EDIT_EVERY = 4  # words
_PATIENCE_S = 60.0


async def answer(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    assert update.message is not None
    shown = await update.message.reply_text("...")
    content: list[dict[str, object]] = []
    if update.message.photo:
        file = await update.message.photo[-1].get_file()
        data = base64.b64encode(bytes(await file.download_as_bytearray())).decode()
        address = f"data:image/jpeg;base64,{data}"
        content.append({"type": "image_url", "image_url": {"url": address}})
    text = update.message.text or update.message.caption or ""
    content.append({"type": "text", "text": text})
    written = ""
    async with httpx.AsyncClient(timeout=_PATIENCE_S) as client:
        body = {"messages": [{"role": "user", "content": content}], "stream": True}
        async with client.stream("POST", os.environ["MODEL_URL"], json=body) as response:
            async for line in response.aiter_lines():
                written = await _take(line, written, shown)
    await shown.edit_text(written)


async def _take(line: str, written: str, shown: Message) -> str:
    if not line.startswith("data: {"):
        return written
    written += _words(json.loads(line.removeprefix("data: ")))
    if written.count(" ") % _EDIT_EVERY == _EDIT_EVERY - 1:
        await shown.edit_text(written.strip())
    return written


def _words(news: dict[str, list[dict[str, dict[str, str | None]]]]) -> str:
    return "".join(choice["delta"].get("content") or "" for choice in news.get("choices") or [])


def main() -> None:
    base = os.environ["TELEGRAM_URL"]
    application = (
        Application.builder()
        .token(os.environ["TELEGRAM_TOKEN"])
        .base_url(f"{base}/bot")
        .base_file_url(f"{base}/file/bot")
        .concurrent_updates(True)
        .build()
    )
    application.add_handler(MessageHandler(filters.TEXT | filters.PHOTO, answer))
    application.run_polling()


if __name__ == "__main__":
    main()
