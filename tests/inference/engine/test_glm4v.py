from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from inference.engine.glm4v import Glm4v
from inference.engine.sequence import Span
from inference.engine.settings import EngineSettings
from inference.errors import ModelUnusable
from inference.request import Picture

SettingsOf = Callable[..., EngineSettings]


@pytest.fixture
def model(random_checkpoint: Path, settings_of: SettingsOf) -> Glm4v:
    return Glm4v.load(settings_of(random_checkpoint, kv_memory_mb=1))


def test_kept_picture_does_not_keep_those_it_was_encoded_with(
    model: Glm4v, paint: Callable[..., Picture]
) -> None:
    pictures = [paint(1), paint(2)]
    spans = [Span(0, *model._grid_of(picture), picture, picture.digest) for picture in pictures]

    with torch.inference_mode():
        parts = model._encode(spans)

    assert [part.untyped_storage().nbytes() for part in parts] == [part.nbytes for part in parts]


def test_memory_that_cannot_be_had_is_told_with_its_key(
    random_checkpoint: Path, settings_of: SettingsOf
) -> None:
    with pytest.raises(ModelUnusable, match="kv_memory_mb, which is 50000000"):
        Glm4v.load(settings_of(random_checkpoint, kv_memory_mb=50_000_000))


def test_number_of_pages_comes_before_their_memory(
    random_checkpoint: Path, settings_of: SettingsOf
) -> None:
    assert Glm4v.load(settings_of(random_checkpoint, kv_memory_mb=1, pages=7)).pages == 7


def test_model_that_does_not_run_is_unusable(model: Glm4v) -> None:
    model._try_out()

    model._model.lm_head = None

    with pytest.raises(ModelUnusable, match="does not run on cpu"):
        model._try_out()
