"""Linear layers with small weights: int8 by a few lines of our own, int4 by bitsandbytes.

Each layer is brought to the device alone and made small there, so the device never holds the whole
model in its full size. Embeddings, norms and the last layer stay as they are.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from importlib import import_module
from typing import Any, Literal

import torch
from torch import nn
from torch.nn import functional

from inference.errors import ModelUnusable

Quantize = Literal["none", "int8", "int4"]

# int4 has a scale for each block, and these scales are quantised in their turn: Dettmers et al.
# 2023, "QLoRA", section 3
_BLOCK = 64
_PACKED_ROWS = 32  # bitsandbytes lays so many rows together
_BYTES = {"int8": 1.0, "int4": 0.5 + (1 + 4 / 256) / _BLOCK}
_PARTS = ("model.language_model.layers.", "model.visual.blocks.", "model.visual.merger.")


def quantize_layers(
    model: nn.Module, quantize: Literal["int8", "int4"], device: torch.device
) -> None:
    """In place, one layer after the other. Raises ModelUnusable when a library is missing."""
    make: Callable[[nn.Linear], nn.Module] = Int8Linear if quantize == "int8" else _int4_maker()
    found = [
        (name, layer)
        for name, layer in model.named_modules()
        if isinstance(layer, nn.Linear)
        and bytes_a_weight(f"{name}.weight", layer.weight.shape, quantize) is not None
    ]
    while found:  # nothing else keeps a layer in its full size
        name, layer = found.pop()
        model.set_submodule(name, make(layer.to(device)).to(device))


def bytes_a_weight(name: str, shape: tuple[int, ...], quantize: Quantize) -> float | None:
    """What each number of this weight of a Glm4v takes; None: it stays as it is."""
    if not name.startswith(_PARTS) or not name.endswith(".weight") or len(shape) != 2:
        return None
    if quantize == "int4" and (shape[0] % _PACKED_ROWS or shape[1] % _BLOCK):
        return None
    return _BYTES.get(quantize)


class Int8Linear(nn.Module):
    """Whole numbers up to 127 and a scale for each output. They become the activations' type just
    before they are used: this saves memory, not time."""

    weight: torch.Tensor
    scale: torch.Tensor

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        full = layer.weight.detach()
        largest = full.abs().amax(dim=1, keepdim=True).float().clamp(min=1e-12)
        scale = (largest / 127).to(full.dtype)  # rounded first: what is left of it is then exact
        whole = (full.float() / scale.float()).round().clamp(-127, 127)
        self.register_buffer("weight", whole.to(torch.int8))
        self.register_buffer("scale", scale[:, 0])
        self.bias = layer.bias

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        product = functional.linear(rows, self.weight.to(rows.dtype)) * self.scale
        return product if self.bias is None else product + self.bias


def _int4_maker() -> Callable[[nn.Linear], nn.Module]:
    # it warns at each import of an optional kernel for CPUs that it has not found
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    try:
        library: Any = import_module("bitsandbytes.nn")  # optional, and partly untyped
    except ImportError as error:
        raise ModelUnusable(
            '[engine] quantize = "int4" needs bitsandbytes; .venv/bin/pip install -c '
            'constraints.txt -e ".[quant]", or set it to "int8" or "none"'
        ) from error

    def make(layer: nn.Linear) -> nn.Module:
        kind: dict[str, Any] = {"quant_type": "nf4", "compress_statistics": True}  # their types
        made: nn.Module = library.Linear4bit(
            layer.in_features, layer.out_features, bias=False, device="meta", **kind
        )
        made.weight = library.Params4bit(
            layer.weight.data, requires_grad=False, blocksize=_BLOCK, module=made, **kind
        )
        made.bias = layer.bias
        return made

    return make
