"""From turns to tokens, by the checkpoint's own chat template; people's text never becomes control.

The template is rendered with marks in place of the texts. What stands between the marks is the
template's and may hold control tokens; in the texts none can arise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

from inference.engine.sequence import Prompt, Span
from inference.engine.words.template import Texts
from inference.errors import BadFormat, ModelUnusable
from inference.request import Picture, Tool, Turn


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
        self._added = added
        self._control = frozenset(added.values())
        self._controls = _any_of(added)
        self._names = _behind_first_character(name for name in added if len(name) > 1)

    def prompt(
        self, turns: Sequence[Turn], *, thinking: bool, tools: Sequence[Tool] = ()
    ) -> Prompt:
        """Raises BadFormat when the template has no place for what concerns tools."""
        pictures = [picture for turn in turns for picture in turn.pictures]
        tokens: list[int] = []
        spans: list[Span] = []
        for token in self._tokens(turns, tools, thinking=thinking, open_end=True):
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

    def opens_thought(self, *, thinking: bool) -> bool:
        """Whether a prompt ends inside of a thought, so that the answer goes on with it."""
        rendered = self._render(Texts(), (Turn("user", ""),), thinking=thinking, open_end=True)
        return rendered.rfind("<think>") > rendered.rfind("</think>")

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
        # verbose: it would warn of texts longer than its own limit, which is not that of the engine
        return self._tokenizer.encode(
            text, add_special_tokens=False, split_special_tokens=True, verbose=False
        )

    def _tokens(
        self, turns: Sequence[Turn], tools: Sequence[Tool] = (), **options: bool
    ) -> Iterator[int]:
        texts = Texts()
        rendered = self._render(texts, turns, tools, **options)
        between = ""  # two control tokens: the template's words and people's, encoded together
        for of_people, part in texts.fill(rendered):
            if of_people:
                between += part
                continue
            for place, piece in enumerate(self._controls.split(part)):
                if place % 2:
                    yield from self.plain(between)
                    yield self._added[piece]
                    between = ""
                else:
                    between += piece
        yield from self.plain(between)

    def _render(
        self,
        texts: Texts,
        turns: Sequence[Turn],
        tools: Sequence[Tool] = (),
        *,
        thinking: bool,
        open_end: bool,
    ) -> str:
        with_tools = tools or any(turn.calls or turn.role == "tool" for turn in turns)
        try:
            rendered: str = self._tokenizer.apply_chat_template(
                [texts.message(turn) for turn in turns],
                tools=[texts.tool(tool) for tool in tools] or None,
                tokenize=False,
                add_generation_prompt=open_end,
                enable_thinking=thinking,
            )
        except BadFormat:
            raise
        except Exception as error:  # templates fail in whatever way their authors chose
            if not with_tools:
                raise
            raise BadFormat("the model's chat template knows no tools like these") from error
        return rendered

    def _length(self, turns: Sequence[Turn]) -> int:
        grids = [self._grid_of(picture) for turn in turns for picture in turn.pictures]
        inner = sum(rows * columns - 1 for rows, columns in grids)
        return sum(1 for _ in self._tokens(turns, thinking=False, open_end=False)) + inner


def _behind_first_character(names: Iterable[str]) -> re.Pattern[str]:
    """Matches the empty place there, wherever one of the names stands."""
    ways = (f"(?<={re.escape(name[0])})(?={re.escape(name[1:])})" for name in names)
    return re.compile("|".join(ways) or "(?!)")


def _any_of(names: Iterable[str]) -> re.Pattern[str]:
    """Matches one of the names, the longest where several begin."""
    longest_first = sorted(names, key=len, reverse=True)
    return re.compile(f"({'|'.join(map(re.escape, longest_first)) or '(?!)'})")
