"""Embeddings of pictures seen lately, so that the vision tower runs once for each picture."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable

import torch

from inference.engine.sequence import Span

_KEPT_TOKENS = 16_384  # 128 MB at 4,096 bfloat16 values a token


class Embeddings:
    """`encode` runs the vision tower over several pictures: (tokens, size) for each."""

    def __init__(
        self,
        encode: Callable[[list[Span]], list[torch.Tensor]],
        *,
        kept_tokens: int = _KEPT_TOKENS,
    ) -> None:
        self._encode = encode
        self._kept_tokens = kept_tokens
        self._kept: OrderedDict[str, torch.Tensor] = OrderedDict()  # by the pixels' digest
        self.encoded = 0

    def of(self, spans: Iterable[Span]) -> dict[str, torch.Tensor]:
        """By digest; all that are not kept are encoded in one batch."""
        wanted = {span.digest: span for span in spans}
        fresh = [span for digest, span in wanted.items() if digest not in self._kept]
        if fresh:
            embedded = self._encode(fresh)
            self._kept.update((span.digest, e) for span, e in zip(fresh, embedded, strict=True))
            self.encoded += len(fresh)
        for digest in wanted:
            self._kept.move_to_end(digest)
        found = {digest: self._kept[digest] for digest in wanted}
        self._forget_oldest()
        return found

    def _forget_oldest(self) -> None:
        tokens = sum(len(embedded) for embedded in self._kept.values())
        while tokens > self._kept_tokens:
            _, gone = self._kept.popitem(last=False)
            tokens -= len(gone)
