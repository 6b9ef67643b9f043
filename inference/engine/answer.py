"""An answer on its way: what the engine process has given out, until the reader takes it."""

from __future__ import annotations

import asyncio

from inference.engine.messages import Ask, Piece
from inference.errors import InferenceError
from inference.request import ChatRequest, Delta, Finish, Usage


class Answer:
    """Pieces that nobody took yet run together, so a slow reader holds one text, not a queue."""

    def __init__(self, id: int, request: ChatRequest, seed: int) -> None:
        self.id, self.request, self.seed = id, request, seed
        self.written: list[int] = []  # tokens; enough to take the answer up in another process
        self.seated = False  # it may be given to a process
        self.asked: object = None  # the process that is answering
        self.deaths = 0  # processes that died while they worked on it
        self._text: list[str] = []
        self._finish: Finish | None = None
        self._usage: Usage | None = None
        self._error: InferenceError | None = None
        self._news = asyncio.Event()

    @property
    def ended(self) -> bool:
        return self._finish is not None or self._error is not None

    def ask(self) -> Ask:
        return Ask(self.id, self.request, self.seed, tuple(self.written))

    def put(self, piece: Piece) -> None:
        if piece.token is not None:
            self.written.append(piece.token)
        if piece.text:
            self._text.append(piece.text)
        self._finish, self._usage = piece.finish, piece.usage
        if piece.text or piece.finish:
            self._news.set()

    def fail(self, error: InferenceError) -> None:
        self._error = error
        self._news.set()

    async def next(self) -> Delta:
        """Waits for text or the end; raises what `fail` was given once the text before is out."""
        await self._news.wait()
        text, self._text = "".join(self._text), []
        if self._error is None:
            self._news.clear()
            return Delta(text, self._finish, self._usage)
        if text:
            return Delta(text)
        raise self._error
