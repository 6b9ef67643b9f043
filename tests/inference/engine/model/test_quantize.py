from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from torch import nn

from inference.engine.model.checkpoint import shapes_of
from inference.engine.model.quantize import Int8Linear, quantize_layers
from inference.engine.model.weights import load_weights, weight_bytes
from inference.engine.settings import EngineSettings
from inference.errors import ModelUnusable
from inference.request import Turn
from tests.inference.engine.conftest import Reference

SettingsOf = Callable[..., EngineSettings]
Small = Literal["int8", "int4"]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # more wait for each other longer than they work
    yield
    torch.set_num_threads(before)


@pytest.fixture(params=["int8", "int4"])
def small(request: pytest.FixtureRequest) -> Small:
    if request.param == "int4":
        pytest.importorskip("bitsandbytes", reason='.venv/bin/pip install -e ".[quant]"')
    found: Small = request.param
    return found


def test_int8_layer_is_within_half_a_step_of_each_weight() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(64, 32)

    small = Int8Linear(layer)

    step = layer.weight.abs().amax(dim=1, keepdim=True) / 127
    assert small.weight.dtype == torch.int8
    error = (small.weight * small.scale[:, None] - layer.weight).abs()
    assert (error <= 0.501 * step).all()


def test_int8_layer_computes_what_its_weights_say_with_its_bias() -> None:
    torch.manual_seed(0)
    layer, rows = nn.Linear(64, 32), torch.randn(3, 64)

    small = Int8Linear(layer)

    full = nn.functional.linear(rows, small.weight * small.scale[:, None], layer.bias)
    torch.testing.assert_close(small(rows), full)


def test_int8_layer_of_zeros_stays_zero() -> None:
    layer = nn.Linear(8, 4, bias=False)
    nn.init.zeros_(layer.weight)

    assert Int8Linear(layer)(torch.ones(1, 8)).tolist() == [[0.0] * 4]


def test_only_text_and_vision_layers_become_small(
    random_checkpoint: Path, settings_of: SettingsOf, small: Small
) -> None:
    model = load_weights(random_checkpoint, replace(settings_of(random_checkpoint), quantize=small))

    names = {name for name, layer in model.named_modules() if type(layer) is nn.Linear}
    first = model.model.language_model.layers[0]
    assert "lm_head" in names
    assert type(first.self_attn.o_proj) is not nn.Linear
    assert type(first.mlp.gate_up_proj) is not nn.Linear
    assert type(model.model.visual.blocks[0].mlp.down_proj) is not nn.Linear
    assert (model.dtype, model.device.type) == (torch.float32, "cpu")


def test_memory_is_what_was_told_before(
    checkpoint: Path, settings_of: SettingsOf, small: Small
) -> None:
    model = load_weights(checkpoint, replace(settings_of(checkpoint), quantize=small))

    shapes = shapes_of(checkpoint)
    told = weight_bytes(shapes, torch.float32, small)
    assert _bytes_of(model) == pytest.approx(told, rel=0.02)
    assert told < 0.55 * weight_bytes(shapes, torch.float32, "none")


def test_answers_stay_close_to_those_of_the_whole_weights(
    checkpoint: Path, settings_of: SettingsOf, small: Small, reference: Reference
) -> None:
    model = load_weights(checkpoint, replace(settings_of(checkpoint), quantize=small))
    asked = ("What colour is the circle?", "图里有几个圆形？", "你好，你是谁？")
    texts = [reference.inputs((Turn("user", text),))["input_ids"] for text in asked]

    with torch.inference_mode():
        whole = torch.cat([reference.model(input_ids=ids).logits[0] for ids in texts])
        logits = torch.cat([model(input_ids=ids).logits[0] for ids in texts])

    error = (logits - whole).norm() / whole.norm()
    same = (logits.argmax(-1) == whole.argmax(-1)).float().mean()
    most_error, least_same = {"int8": (0.06, 0.95), "int4": (0.45, 0.4)}[small]
    assert error < most_error
    assert same > least_same


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_card_computes_as_the_cpu_does(random_checkpoint: Path, small: Small) -> None:
    def logits(device: str) -> torch.Tensor:
        settings = EngineSettings(
            str(random_checkpoint), device=device, dtype="bfloat16", quantize=small
        )
        model = load_weights(random_checkpoint, settings)
        with torch.inference_mode():
            ids = torch.arange(40, device=device)[None]
            found: torch.Tensor = model(input_ids=ids).logits.float().cpu()
        return found

    error = (logits("cuda") - logits("cpu")).norm() / logits("cpu").norm()
    assert error < 0.05


def test_missing_library_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bitsandbytes.nn", None)  # what Python keeps for "not there"
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)

    with pytest.raises(ModelUnusable, match=r'-c constraints\.txt -e "\.\[quant\]"'):
        quantize_layers(nn.Module(), "int4", torch.device("cpu"))


def _bytes_of(model: Any) -> int:  # transformers' classes are untyped
    """Weights with their scales, without the tables that the model makes itself."""
    count = sum(weight.nbytes for weight in model.parameters())
    for layer in model.modules():
        if isinstance(layer, Int8Linear):
            count += layer.weight.nbytes + layer.scale.nbytes
        elif (state := getattr(layer, "quant_state", None)) is not None:
            count += state.absmax.nbytes + state.state2.absmax.nbytes
    return count
