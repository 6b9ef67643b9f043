"""From turns to tokens, by the checkpoint's own chat template; people's text never becomes control.

The template is rendered with marks in place of the texts. What stands between the marks is the
template's and may hold control tokens; the texts are encoded apart, where none can arise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

from inference.engine.sequence import Prompt, Span
from inference.errors import ModelUnusable
from inference.request import Picture, Turn

# private-use characters: no template trims or changes them, and what people write is never searched
_MARK = re.compile("\ue000([0-9]+)\ue001")


class ChatTokenizer(Protocol):
    """What is used of a transformers tokenizer."""

    def apply_chat_template(self, conversation: Any, **options: Any) -> Any: ...  # its own types

    def encode(self, text: str, **options: Any) -> list[int]: ...

    def get_added_vocab(self) -> dict[str, int]: ...


class Prompter:
    """`grid_of` gives the rows and columns of a picture's tokens."""

    def __init__(
        self,
        tokenizer: ChatTokenizer,
        image_token: int,
        grid_of: Callable[[Picture], tuple[int, int]],
    ) -> None:
        self._tokenizer = tokenizer
        self._image_token = image_token
        self._grid_of = grid_of
        added = tokenizer.get_added_vocab()
        self._control = frozenset(added.values())
        self._names = _behind_first_character(name for name in added if len(name) > 1)

    def prompt(self, turns: Sequence[Turn], *, thinking: bool) -> Prompt:
        rendered = self._render(turns, add_generation_prompt=True, enable_thinking=thinking)
        pictures = [picture for turn in turns for picture in turn.pictures]
        tokens: list[int] = []
        spans: list[Span] = []
        for token in self._tokens(rendered, turns):
            if token != self._image_token:
                tokens.append(token)
                continue
            if len(spans) == len(pictures):
                raise ModelUnusable("the chat template shows more pictures than the turns have")
            picture = pictures[len(spans)]
            spans.append(Span(len(tokens), *self._grid_of(picture), picture, picture.digest))
            tokens += [token] * spans[-1].count
        if len(spans) < len(pictures):
            raise ModelUnusable("the chat template leaves out pictures of the turns")
        return Prompt(tuple(tokens), tuple(spans))

    def measure(self, turn: Turn) -> int:
        """Tokens the turn adds to a prompt that has others before it."""
        other = Turn("user", "")
        alone = self._length((other,))
        # the same turn again as the second one: what stands once, at the start, is not counted
        return self._length((other, turn)) - alone

    def plain(self, text: str) -> list[int]:
        """Tokens of text that comes from people: never one of the added vocabulary."""
        tokens = self._encode_plain(text)
        if self._control.isdisjoint(tokens):
            return tokens
        # added tokens that are not marked special ("<think>") arise all the same: cut the text
        # behind the first character of each of their names, where no match can reach across
        pieces = self._names.split(text)
        tokens = [token for piece in pieces for token in self._encode_plain(piece)]
        return [token for token in tokens if token not in self._control]

    def _encode_plain(self, text: str) -> list[int]:
        return self._tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)

    def _tokens(self, rendered: str, turns: Sequence[Turn]) -> Iterator[int]:
        for number, part in enumerate(_MARK.split(rendered)):
            if number % 2:
                yield from self.plain(_text(turns[int(part)]))
            elif part:
                yield from self._tokenizer.encode(part, add_special_tokens=False)

    def _render(self, turns: Sequence[Turn], **options: bool) -> str:
        messages = [render_turn(turn, f"\ue000{place}\ue001") for place, turn in enumerate(turns)]
        rendered: str = self._tokenizer.apply_chat_template(messages, tokenize=False, **options)
        return rendered

    def _length(self, turns: Sequence[Turn]) -> int:
        rendered = self._render(turns, add_generation_prompt=False, enable_thinking=False)
        grids = [self._grid_of(picture) for turn in turns for picture in turn.pictures]
        inner = sum(rows * columns - 1 for rows, columns in grids)
        return sum(1 for _ in self._tokens(rendered, turns)) + inner


def render_turn(turn: Turn, text: str) -> dict[str, Any]:
    """A message as chat templates expect it, with `text` for the turn's text."""
    if not turn.pictures:
        return {"role": turn.role, "content": text}
    images = [{"type": "image"} for _ in turn.pictures]
    return {"role": turn.role, "content": [*images, {"type": "text", "text": text}]}


def _behind_first_character(names: Iterable[str]) -> re.Pattern[str]:
    """Matches the empty place there, wherever one of the names stands."""
    ways = (f"(?<={re.escape(name[0])})(?={re.escape(name[1:])})" for name in names)
    return re.compile("|".join(ways) or "(?!)")


def _text(turn: Turn) -> str:
    if turn.role != "assistant":
        return turn.text
    # templates drop old thoughts and trim answers; behind a mark they cannot
    return turn.text.rsplit("</think>", 1)[-1].strip()
