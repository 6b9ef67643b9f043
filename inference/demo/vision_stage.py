"""Runs the first stage over the gallery; a step is a function of its number, so it resumes."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import Glm4vForConditionalGeneration

from inference.demo.fast import FastModel
from inference.demo.muon import Optimisers
from inference.demo.shards import Gallery
from inference.demo.sight import new_head, rescale, sight_accuracy, sight_loss, whiten

_SAMPLE = 40  # pictures looked at for the patch projection, a hundred patches each
_REPORT_EVERY = 10


class VisionStage:
    """Leaves its result in `model` and `head`."""

    name = "vision"
    warm_up = 40

    def __init__(
        self, model: Glm4vForConditionalGeneration, gallery: Gallery, *, batch: int, compiled: bool
    ) -> None:
        self.model = model
        self.head = new_head()
        self._gallery = gallery
        self._batch = batch
        self._fast = FastModel(model, compiled=compiled)
        numbers = list(range(0, len(gallery), max(1, len(gallery) // (_SAMPLE * 25))))
        patches = torch.from_numpy(gallery.patches(numbers)).flatten(0, 1)
        patches = patches[(patches > 0).any(-1)][::4]
        whiten(self._fast, model.model.visual.patch_embed.proj, patches)
        self.optimisers = Optimisers(
            {"visual": model.model.visual, "head": self.head},
            muon_rate=0.02, adam_rate=2e-3, vision=1.0,
        )  # fmt: skip

    def loss(self, step: int) -> tuple[Tensor, dict[str, float]]:
        numbers = self._numbers(step)
        grids = [self._gallery.scene(number).grid for number in numbers]
        targets = self._gallery.targets(numbers)
        with torch.autocast("cpu", torch.bfloat16):
            seen = self._fast.see(torch.from_numpy(self._gallery.patches(numbers)), grids)
            read = F.linear(seen, self.head.weight, self.head.bias)
        loss = sight_loss(read.float(), targets, grids)
        report = {} if step % _REPORT_EVERY else sight_accuracy(read, targets)
        return loss, report

    def finish(self) -> None:
        numbers = self._numbers(0)
        grids = [self._gallery.scene(number).grid for number in numbers]
        with torch.no_grad():
            seen = self._fast.see(torch.from_numpy(self._gallery.patches(numbers)), grids)
        last = self.model.model.visual.merger.down_proj
        assert isinstance(last, nn.Module)
        rescale(seen, last, self.head)

    def _numbers(self, step: int) -> list[int]:
        """Every picture once before any comes again."""
        each = len(self._gallery) // self._batch
        order = np.random.default_rng([7, step // each]).permutation(len(self._gallery))
        start = step % each * self._batch
        return [int(number) for number in order[start : start + self._batch]]
