"""The second stage: both halves learn to answer, the picture tower keeps its head beside it."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import Glm4vForConditionalGeneration

from inference.demo.fast import FastModel
from inference.demo.hints import hint_loss, hint_targets, new_hint_head
from inference.demo.muon import Optimisers
from inference.demo.prompt import Batch, stack, visible
from inference.demo.rows import RowMaker
from inference.demo.shards import Gallery
from inference.demo.sight import sight_accuracy, sight_loss
from inference.demo.tokenizer import SPECIALS

_SIGHT_WEIGHT = 0.15
_HINT_WEIGHT = 0.2
_HIDDEN_SLOT = -1e4
_ROUND = 512  # scored places are rounded up to this, so that shapes repeat
_REPORT_EVERY = 10


class TalkStage:
    """Starts from what the vision stage left in `model` and `head`."""

    name = "talk"
    warm_up = 150

    def __init__(
        self,
        model: Glm4vForConditionalGeneration,
        head: nn.Linear,
        gallery: Gallery,
        rows: RowMaker,
        *,
        length: int,
        compiled: bool,
    ) -> None:
        self.model = model
        self._sight_head, self._hint_head = head, new_hint_head()
        self.head = nn.ModuleDict({"sight": head, "hint": self._hint_head})
        self._gallery, self._rows, self._length = gallery, rows, length
        self._fast = FastModel(model, compiled=compiled)
        model.model.visual.patch_embed.requires_grad_(requires_grad=False)
        self.optimisers = Optimisers(
            {"model": model, "head": head}, muon_rate=0.02, adam_rate=3e-3, vision=0.25
        )

    def loss(self, step: int) -> tuple[Tensor, dict[str, float]]:
        batch = stack(self._rows.batch(step), self._length)
        grids = [self._gallery.scene(number).grid for number in batch.pictures]
        patches = torch.from_numpy(self._gallery.patches(batch.pictures))
        targets = self._gallery.targets(batch.pictures)
        with torch.autocast("cpu", torch.bfloat16):
            seen = self._fast.see(patches, grids)
            read = F.linear(seen, self._sight_head.weight, self._sight_head.bias)
            states, halfway = self._states(batch, seen, grids)
            scores, wanted, weights = self._scores(batch, states)
            hints, named = self._hints(batch, halfway)
        each = F.cross_entropy(scores.float(), wanted, reduction="none")
        loss = (each * weights).sum() / weights.sum()
        report = {}
        if step % _REPORT_EVERY == 0:
            report = {"words": float(loss.detach()), "right": _right(scores, wanted, weights)}
            report |= named
            sight = sight_accuracy(read, targets)
            report |= {name: sight[name] for name in ("shape", "colour", "things", "ones")}
        sight_part = sight_loss(read.float(), targets, grids)
        return loss + _SIGHT_WEIGHT * sight_part + _HINT_WEIGHT * hints, report

    def _states(
        self, batch: Batch, seen: Tensor, grids: list[tuple[int, int]]
    ) -> tuple[Tensor, Tensor]:
        """Of the last layer and of the middle one, (rows * length, hidden)."""
        used = torch.cat(
            [seen[place, : rows * columns] for place, (rows, columns) in enumerate(grids)]
        )
        tokens = torch.from_numpy(batch.tokens)
        at = (tokens.view(-1) == SPECIALS.index("<|image|>")).nonzero()[:, 0]
        hidden = torch.from_numpy(~visible(batch.branches))[:, None].float() * _HIDDEN_SLOT
        positions = torch.from_numpy(batch.positions)
        states, halfway = self._fast.read(tokens, positions, hidden, used, at)
        return states.flatten(0, 1), halfway.flatten(0, 1)

    def _scores(self, batch: Batch, states: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Scores of the places that have a weight, the tokens wanted there, their weights."""
        scored = np.flatnonzero(batch.weights)
        scored = np.concatenate([scored, np.ones(-len(scored) % _ROUND, np.int64)])
        place = torch.from_numpy(scored)
        weights = torch.from_numpy(batch.weights).view(-1)[place]  # place 1 weighs nothing
        scores = self._fast.scores(states[place - 1])
        return scores, torch.from_numpy(batch.tokens).view(-1)[place], weights

    def _hints(self, batch: Batch, halfway: Tensor) -> tuple[Tensor, dict[str, float]]:
        targets = hint_targets([hint for _, hint in batch.hints])
        place = torch.tensor([place for place, _ in batch.hints])
        return hint_loss(halfway[place], self._hint_head, targets)


@torch.no_grad()
def _right(scores: Tensor, wanted: Tensor, weights: Tensor) -> float:
    """Share of right tokens among those that carry a fact."""
    facts = weights >= 1
    return float(((scores.argmax(-1) == wanted) & facts).sum() / facts.sum())
