"""The whole recipe, in miniature: it must run, write a loadable folder, and resume."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from inference.demo.checkpoint import load_checkpoint
from inference.demo.train import QUICK, make


@pytest.mark.timeout(120)
def test_the_recipe_writes_weights_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    data, weights = tmp_path / "data", tmp_path / "weights"
    data.mkdir()

    make(QUICK, data, weights)
    first = load_checkpoint(weights)[0].state_dict()
    make(replace(QUICK, talk_steps=QUICK.talk_steps + 1), data, weights)
    second = load_checkpoint(weights)[0].state_dict()

    assert (weights / "model.safetensors").stat().st_size <= 8_000_000
    assert first.keys() == second.keys()
    assert torch.load(data / "talk.pt")["step"] == QUICK.talk_steps + 1
    assert any(not torch.equal(first[name], second[name]) for name in first)
