"""Embeddings of pictures seen lately, so that the vision tower runs once for each picture."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable

import torch

from inference.engine.memory import is_out_of_memory
from inference.engine.sequence import Span

log = logging.getLogger(__name__)

_LEAST_PHOTOS = 16


def tokens_kept(max_sequences: int, photo_tokens: int) -> int:
    """So many that each running sequence has a photo kept, even if it is the largest there is."""
    return max(_LEAST_PHOTOS, max_sequences) * photo_tokens


class Embeddings:
    """`encode` runs the vision tower over several pictures: (tokens, size) for each. More than
    `kept_tokens` are kept only where one step looks at more."""

    def __init__(
        self, encode: Callable[[list[Span]], list[torch.Tensor]], *, kept_tokens: int
    ) -> None:
        self._encode = encode
        self.kept_tokens = kept_tokens
        self._kept: OrderedDict[str, torch.Tensor] = OrderedDict()  # by the pixels' digest
        self.encoded = 0

    def of(self, spans: Iterable[Span]) -> dict[str, torch.Tensor]:
        """By digest; all that are not kept are encoded in one batch."""
        wanted = {span.digest: span for span in spans}
        fresh = [span for digest, span in wanted.items() if digest not in self._kept]
        if fresh:
            embedded = self._encode_all(fresh)
            self._kept.update((span.digest, e) for span, e in zip(fresh, embedded, strict=True))
            self.encoded += len(fresh)
        for digest in wanted:
            self._kept.move_to_end(digest)
        self._forget_oldest(beside=len(wanted))
        return {digest: self._kept[digest] for digest in wanted}

    def forget(self) -> None:
        """Whatever is still wanted is encoded again."""
        self._kept.clear()

    def clear(self) -> None:
        self.forget()
        self.encoded = 0

    def _encode_all(self, spans: list[Span]) -> list[torch.Tensor]:
        """One by one if there is no memory for all of them together."""
        try:
            return self._encode(spans)
        except Exception as error:
            if len(spans) == 1 or not is_out_of_memory(error):
                raise
            log.warning("no memory to look at %d pictures together", len(spans))
        # not above: while the exception lives, so do the tensors of its traceback
        return [self._encode([span])[0] for span in spans]

    def _forget_oldest(self, *, beside: int) -> None:
        """Beside those of this step: the next one may need them for the rest of their tokens."""
        tokens = sum(len(embedded) for embedded in self._kept.values())
        while tokens > self.kept_tokens and len(self._kept) > beside:
            _, gone = self._kept.popitem(last=False)
            tokens -= len(gone)
