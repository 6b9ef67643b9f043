"""From a row of logits to a token: greedy, or drawn with a generator of the sequence's own."""

from __future__ import annotations

import random
from collections.abc import Sequence as Items

import torch

from inference.engine.sequence import Sequence
from inference.errors import EngineFault


class Draws:
    """One number per written token, the same for the same seed: an answer that is taken up again
    behind its n-th token goes on with the n-th number."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # not for secrets
        self._drawn = 0

    def at(self, index: int) -> float:
        assert index >= self._drawn, "an earlier number was asked for again"
        while self._drawn < index:
            self._random.random()
            self._drawn += 1
        self._drawn += 1
        return self._random.random()


class Sampler:
    def __init__(self) -> None:
        self._draws: dict[int, Draws] = {}

    def pick(self, sequences: Items[Sequence], logits: torch.Tensor) -> list[int | EngineFault]:
        """One token, or what is wrong, for each row of `logits` (sequences, vocabulary)."""
        broken = (logits.isnan().any(-1) | (logits.amax(-1) == torch.inf)).tolist()
        best = logits.argmax(-1).tolist()
        return [
            EngineFault("the model's output is not a number")
            if broken[row]
            else best[row]
            if sequence.sampling.temperature <= 0
            else self._draw(sequence, logits[row])
            for row, sequence in enumerate(sequences)
        ]

    def forget(self, sequence: Sequence) -> None:
        self._draws.pop(sequence.id, None)

    def _draw(self, sequence: Sequence, logits: torch.Tensor) -> int:
        draws = self._draws.setdefault(sequence.id, Draws(sequence.seed))
        share = draws.at(len(sequence.written))
        sampling = sequence.sampling
        likely = _cut(logits.double() / sampling.temperature, sampling.top_k, sampling.top_p)
        # in the order of the vocabulary, not of likelihood: there a rounding error moves the
        # borders a little, here it could swap two tokens
        upto = likely.softmax(-1).cumsum(-1)
        token = int(torch.searchsorted(upto, share * upto[-1], right=True).item())
        return min(token, len(upto) - 1)


def _cut(logits: torch.Tensor, top_k: int, top_p: float) -> torch.Tensor:
    """The unlikely ones become minus infinity."""
    if 0 < top_k < len(logits):
        logits = logits.masked_fill(logits < logits.topk(top_k).values[-1], -torch.inf)
    if top_p < 1:
        likeliest, places = logits.softmax(-1).sort(descending=True, stable=True)
        before = likeliest.cumsum(-1) - likeliest  # what the likelier ones make up already
        before[0] = -1  # the likeliest always stays
        logits = logits.clone()
        logits[places[before >= top_p]] = -torch.inf
    return logits
