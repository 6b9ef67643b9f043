"""Runs a stage to its last step: progress bar, log, checkpoints, resume."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from tqdm import tqdm  # type: ignore[import-untyped] # it has no types
from transformers import Glm4vForConditionalGeneration

from inference.demo.muon import Optimisers, rate_scale

_SAVE_EVERY_S = 150
_LOG_EVERY = 50
log = logging.getLogger(__name__)


class Stage(Protocol):
    name: str
    warm_up: int
    model: Glm4vForConditionalGeneration
    optimisers: Optimisers

    @property
    def head(self) -> nn.Module: ...

    def loss(self, step: int) -> tuple[Tensor, dict[str, float]]:
        """The loss, and shares of right answers by name where this step has any."""


def run(stage: Stage, steps: int, folder: Path) -> None:
    """Continues from the newest checkpoint in `folder`; a finished stage is only loaded."""
    file = folder / f"{stage.name}.pt"
    start = _restore(stage, file) if file.exists() else 0
    saved = time.monotonic()
    means: dict[str, float] = {}
    bar = tqdm(range(start, steps), stage.name, initial=start, total=steps, unit="step")
    for step in bar:
        loss, report = stage.loss(step)
        loss.backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
        stage.optimisers.step(rate_scale(step, steps, min(stage.warm_up, steps)))
        for name, share in {"loss": float(loss.detach()), **report}.items():
            means[name] = share if name not in means else 0.9 * means[name] + 0.1 * share
        bar.set_postfix(loss=f"{means['loss']:.3f}", refresh=False)
        if step % _LOG_EVERY == _LOG_EVERY - 1:
            text = " ".join(f"{name} {share:.3f}" for name, share in means.items())
            log.info("%s step %d of %d: %s", stage.name, step + 1, steps, text)
        if time.monotonic() - saved > _SAVE_EVERY_S:
            _save(stage, step + 1, file)
            saved = time.monotonic()
    if start < steps:
        _save(stage, steps, file)


def _save(stage: Stage, step: int, file: Path) -> None:
    partial = file.with_suffix(".part")
    state = {
        "step": step,
        "model": stage.model.state_dict(),
        "head": stage.head.state_dict(),
        "optimisers": stage.optimisers.state_dict(),
    }
    torch.save(state, partial)
    partial.rename(file)


def _restore(stage: Stage, file: Path) -> int:
    state: dict[str, Any] = torch.load(file, weights_only=True)  # Any: torch's own state
    stage.model.load_state_dict(state["model"])
    stage.head.load_state_dict(state["head"])
    stage.optimisers.load_state_dict(state["optimisers"])
    log.info("%s goes on from step %d", stage.name, state["step"])
    return int(state["step"])
