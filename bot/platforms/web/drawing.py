"""Messages as the page draws them: the Markdown of an answer is read once, and beside the loop."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

from bot.platforms.web.blocks import Tree, render_blocks
from bot.platforms.web.wire import Json, Message, render_message

_KEPT = 1000  # trees of finished answers


class Drawing:
    def __init__(self) -> None:
        self._trees: OrderedDict[str, Tree | None] = OrderedDict()  # by the answer's text

    async def draw(self, messages: Sequence[Message]) -> list[Json]:
        rich = [message for message in messages if message.rich]
        trees = await self.trees([message.text for message in rich])
        for message in rich:
            if message.final:  # a preview is never seen again
                self._keep(message.text, trees[message.text])
        return [
            render_message(message, trees[message.text] if message.rich else None)
            for message in messages
        ]

    async def trees(self, texts: Sequence[str]) -> dict[str, Tree | None]:
        """Without remembering them."""
        trees = {text: self._trees[text] for text in texts if text in self._trees}
        new = [text for text in texts if text not in trees]
        if new:
            trees |= await asyncio.to_thread(lambda: {text: render_blocks(text) for text in new})
        return trees

    def _keep(self, text: str, tree: Tree | None) -> None:
        self._trees[text] = tree
        self._trees.move_to_end(text)
        if len(self._trees) > _KEPT:
            self._trees.popitem(last=False)
