"""An answer's text, its thoughts and the arguments of each call: each goes its own way."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from inference.request import CallPiece, Delta, Likelihood
from inference.safety.outgoing.escapes import EscapesStage
from inference.safety.outgoing.stage import Stage


class Channels:
    def __init__(
        self, make_stage: Callable[[], Stage], *, is_json: bool, likelihoods: bool
    ) -> None:
        """`make_stage`: a new one for each. `is_json`: the text; arguments always are.
        `likelihoods`: they come with the text."""
        self._make_stage = make_stage
        self._text = EscapesStage(make_stage()) if is_json else make_stage()
        self._reasoning: Stage | None = None  # most answers have none
        self._calls: dict[int, Stage] = {}
        self._likelihoods = _Likelihoods() if likelihoods else None

    def feed(self, delta: Delta) -> Delta:
        """What may be shown by now; with `finish` all the rest of it. Raises Stopped."""
        given = replace(
            delta,
            text=self._text.feed(delta.text),
            reasoning=self._feed_reasoning(delta.reasoning),
            calls=tuple(piece for one in delta.calls if (piece := self._feed_call(one))),
            likelihoods=(),
        )
        if self._likelihoods is not None:
            self._likelihoods.take(delta)
            given = replace(given, likelihoods=self._likelihoods.give(given.text))
        return given if delta.finish is None else given + self.close()

    def close(self) -> Delta:
        text = self._text.close()
        pieces = ((index, stage.close()) for index, stage in sorted(self._calls.items()))
        return Delta(
            text,
            reasoning=self._reasoning.close() if self._reasoning else "",
            calls=tuple(CallPiece(index, arguments=rest) for index, rest in pieces if rest),
            likelihoods=self._likelihoods.give(text, last=True) if self._likelihoods else (),
        )

    def _feed_reasoning(self, text: str) -> str:
        if self._reasoning is None:
            if not text:
                return ""
            self._reasoning = self._make_stage()
        return self._reasoning.feed(text)

    def _feed_call(self, piece: CallPiece) -> CallPiece | None:
        stage = self._calls.get(piece.index)
        if stage is None:
            stage = self._calls[piece.index] = EscapesStage(self._make_stage())
        arguments = stage.feed(piece.arguments)
        if not (piece.id or piece.name or arguments):
            return None
        return replace(
            piece, name=self._whole(piece.name) if piece.name else "", arguments=arguments
        )

    def _whole(self, name: str) -> str:
        """A model may write any name."""
        stage = self._make_stage()
        return stage.feed(name) + stage.close()


@dataclass(slots=True)
class _Group:
    """Likelihoods of a stretch of text that begins where the last one's ended."""

    text: str
    likelihoods: tuple[Likelihood, ...]


class _Likelihoods:
    """Come out with the whole of their text; never, if any of it was covered up."""

    def __init__(self) -> None:
        self._groups: deque[_Group] = deque()
        self._shown = ""  # of the text of these groups

    def take(self, delta: Delta) -> None:
        # a token that is a part of a character stands with the one that ends it
        if self._groups and not self._groups[-1].text:
            last = self._groups[-1]
            last.text, last.likelihoods = delta.text, last.likelihoods + delta.likelihoods
        elif delta.text or delta.likelihoods:
            self._groups.append(_Group(delta.text, delta.likelihoods))

    def give(self, shown: str, *, last: bool = False) -> tuple[Likelihood, ...]:
        self._shown += shown
        given: list[Likelihood] = []
        while self._groups and len(self._shown) >= len(self._groups[0].text):
            group = self._groups[0]
            if not group.text and not last:
                break
            self._groups.popleft()
            text, self._shown = self._shown[: len(group.text)], self._shown[len(group.text) :]
            if text == group.text:
                given += group.likelihoods
        return tuple(given)
