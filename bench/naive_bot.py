"""The rival of the chat bench: a python-telegram-bot bot as one writes it in an evening.

It sends "..." and edits that message every second with what has come so far. The library is used
as its documentation shows it, without limits of its own; an edit that fails is passed over.
"""

from __future__ import annotations

import argparse
import base64
import json
import time
from collections.abc import AsyncIterator

import httpx
from telegram import Message, Update
from telegram.error import TelegramError
from telegram.ext import Application, ContextTypes, MessageHandler, filters

_EDIT_EVERY_S = 1.0


class Answers:
    """The photo's question goes to the model, its answer comes piece by piece."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def stream(self, question: str, photo: bytes) -> AsyncIterator[str]:
        image = "data:image/jpeg;base64," + base64.b64encode(photo).decode()
        content = [
            {"type": "image_url", "image_url": {"url": image}},
            {"type": "text", "text": question},
        ]
        body = {"model": "scripted", "stream": True}
        body |= {"messages": [{"role": "user", "content": content}]}
        address = f"{self._url}/chat/completions"
        async with (
            httpx.AsyncClient(timeout=600) as client,
            client.stream("POST", address, json=body) as response,
        ):
            async for line in response.aiter_lines():
                if line.startswith("data: {") and (found := json.loads(line[6:])["choices"]):
                    yield found[0]["delta"].get("content", "")


class NaiveBot:
    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    async def answer(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        message = update.effective_message
        assert message is not None
        file = await message.photo[-1].get_file()
        photo = bytes(await file.download_as_bytearray())
        shown = await message.reply_text("...")
        text, edited = "", time.monotonic()
        async for piece in self._answers.stream(message.caption or "", photo):
            text += piece
            if time.monotonic() - edited >= _EDIT_EVERY_S:
                edited = time.monotonic()
                await _edit(shown, text)
        await _edit(shown, text)


async def _edit(shown: Message, text: str) -> None:
    try:
        await shown.edit_text(text)
    except TelegramError as error:
        print(f"an edit failed: {error}")  # noqa: T201 - as such bots do


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--telegram", required=True, help="the Bot API server's address")
    parser.add_argument("--token", required=True)
    parser.add_argument("--model", required=True, help="the model server's address, up to /v1")
    given = parser.parse_args()
    application = (
        Application.builder()
        .token(given.token)
        .base_url(f"{given.telegram}/bot")
        .base_file_url(f"{given.telegram}/file/bot")
        .concurrent_updates(True)  # else people are answered one after the other
        .build()
    )
    bot = NaiveBot(Answers(given.model))
    application.add_handler(MessageHandler(filters.PHOTO, bot.answer))
    application.run_polling()


if __name__ == "__main__":
    main()
