"""The model's own arithmetic over a whole batch at once, for training on a CPU.

The class's forward goes through pictures one by one and has no fast backward pass on a CPU; a
test holds both to the same numbers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import Glm4vForConditionalGeneration

from inference.demo.patches import CELLS, PATCHES

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
_EPS = 1e-5
_HIDDEN_SLOT = -1e4  # added to a score that must not count; finite, for bfloat16


class _Place(NamedTuple):
    cos: Tensor
    sin: Tensor
    at: Tensor  # where in the position table, -1..1
    mask: Tensor


class FastModel:
    """Reads the weights of `model`; trains them when its results are differentiated."""

    def __init__(self, model: Glm4vForConditionalGeneration, *, compiled: bool) -> None:
        self._model = model
        self._tower: Any = model.model.visual  # Any: transformers leaves its modules untyped
        self._text: Any = model.model.language_model  # Any: as above
        self._vision_config: Any = model.config.vision_config  # Any: typed as a dict or None
        self._text_config: Any = model.config.text_config  # Any: as above
        self._places: dict[tuple[int, int], _Place] = {}
        self._mean = torch.tensor(MEAN).view(1, 3, 1) * 255
        self._std = torch.tensor(STD).view(1, 3, 1) * 255
        self._vision_block: Any = torch.compile(_vision_block) if compiled else _vision_block
        self._text_block: Any = torch.compile(_text_block) if compiled else _text_block

    def normalised(self, patches: Tensor) -> Tensor:
        """(..., PATCH_BYTES) uint8 as the picture processor gives them, floats."""
        flat = (patches.reshape(-1, 3, 196).float() - self._mean) / self._std
        return flat.view(*patches.shape[:-1], -1)

    def see(self, patches: Tensor, grids: list[tuple[int, int]]) -> Tensor:
        """(pictures, PATCHES, PATCH_BYTES) uint8 -> (pictures, CELLS, hidden)."""
        tower, width = self._tower, self._vision_config.hidden_size
        project = tower.patch_embed.proj
        weight = project.weight.sum(2).reshape(width, -1)  # a still picture is its frame twice
        x = F.linear(self.normalised(patches), weight, project.bias).float()
        x = F.rms_norm(x, (width,), tower.post_conv_layernorm.weight, _EPS)
        places = [self._place(grid) for grid in grids]
        cos, sin, at, mask = (torch.stack(column) for column in zip(*places, strict=True))
        x = x + self._positions(at)
        dtype = torch.bfloat16 if torch.is_autocast_enabled("cpu") else torch.float32
        cos, sin = (part[:, :, None, None].to(dtype) for part in (cos, sin))
        heads = self._vision_config.num_heads
        for block in tower.blocks:
            x = self._vision_block(
                x, mask[:, None, None].to(dtype), cos, sin, heads,
                block.norm1.weight, block.attn.qkv.weight, block.attn.proj.weight,
                block.norm2.weight, block.mlp.gate_proj.weight, block.mlp.up_proj.weight,
                block.mlp.down_proj.weight,
            )  # fmt: skip
        return self._merge(F.rms_norm(x, (width,), tower.post_layernorm.weight, _EPS))

    def read(
        self, tokens: Tensor, positions: Tensor, mask: Tensor, seen: Tensor, at: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Hidden states of (batch, length) tokens whose flat slots `at` hold the features `seen`.

        The second ones are those after half of the layers.
        `positions` is (3, batch, length), `mask` (batch, 1, length, length) is added to scores.
        """
        hidden = self._text_config.hidden_size
        x = F.embedding(tokens, self._text.embed_tokens.weight)
        x = x.view(-1, hidden).index_put((at,), seen.float()).view(*tokens.shape, hidden)
        cos, sin = self._turns(positions)
        mask = mask.to(cos.dtype)
        halfway = x
        for number, layer in enumerate(self._text.layers):
            if number == len(self._text.layers) // 2:
                halfway = x
            attention = layer.self_attn
            x = self._text_block(
                x, mask, cos, sin,
                self._text_config.num_attention_heads, self._text_config.num_key_value_heads,
                layer.input_layernorm.weight, attention.q_proj.weight, attention.k_proj.weight,
                attention.v_proj.weight, attention.q_proj.bias, attention.k_proj.bias,
                attention.v_proj.bias, attention.o_proj.weight,
                layer.post_self_attn_layernorm.weight, layer.post_attention_layernorm.weight,
                layer.mlp.gate_up_proj.weight, layer.mlp.down_proj.weight,
                layer.post_mlp_layernorm.weight,
            )  # fmt: skip
        return F.rms_norm(x, (hidden,), self._text.norm.weight, _EPS), halfway

    def scores(self, hidden: Tensor) -> Tensor:
        return F.linear(hidden, self._model.lm_head.weight)

    def _turns(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        angles = positions[..., None].float() * self._text.rotary_emb.inv_freq
        sections = self._text_config.rope_parameters["mrope_section"]
        parts = angles.split(sections, -1)
        angle = torch.cat([part[number % 3] for number, part in enumerate(parts)], -1)
        dtype = torch.bfloat16 if torch.is_autocast_enabled("cpu") else torch.float32
        return angle.cos()[:, :, None].to(dtype), angle.sin()[:, :, None].to(dtype)

    def _place(self, grid: tuple[int, int]) -> _Place:
        """Patches come in blocks of 2x2; the rest up to PATCHES is hidden."""
        if grid not in self._places:
            rows, columns = grid
            order = (rows, 2, columns, 2)
            down = torch.arange(rows * 2).view(rows, 2, 1, 1).expand(order)
            across = torch.arange(columns * 2).view(1, 1, columns, 2).expand(order)
            y, x = (part.permute(0, 2, 1, 3).reshape(-1).float() for part in (down, across))
            inverse = self._tower.rotary_pos_emb.inv_freq
            angle = torch.cat([y[:, None] * inverse, x[:, None] * inverse], -1)
            angle = torch.cat([angle, angle], -1)
            at = torch.stack([(x + 0.5) / columns - 1, (y + 0.5) / rows - 1], -1)
            pad = (0, 0, 0, PATCHES - len(y))
            mask = torch.zeros(PATCHES)
            mask[len(y) :] = _HIDDEN_SLOT
            cos, sin, at = (F.pad(part, pad) for part in (angle.cos(), angle.sin(), at))
            self._places[grid] = _Place(cos, sin, at, mask)
        return self._places[grid]

    def _positions(self, at: Tensor) -> Tensor:
        table = self._tower.embeddings.position_embedding.weight
        side = int(table.shape[0] ** 0.5)
        image = table.view(side, side, -1).permute(2, 0, 1)[None].float()
        found = F.grid_sample(
            image, at[None].reshape(1, -1, PATCHES, 2),
            mode="bicubic", align_corners=False, padding_mode="border",
        )  # fmt: skip
        return found[0].permute(1, 2, 0)

    def _merge(self, x: Tensor) -> Tensor:
        """Four patches become one token."""
        down, merger = self._tower.downsample, self._tower.merger
        width = self._vision_config.hidden_size
        x = x.view(-1, 4, width).permute(0, 2, 1).reshape(-1, width * 4)
        x = F.linear(x, down.weight.reshape(down.weight.shape[0], -1), down.bias)
        norm = merger.post_projection_norm
        x = F.linear(x, merger.proj.weight)
        x = F.gelu(F.layer_norm(x, (x.shape[-1],), norm.weight, norm.bias))
        gate = F.silu(F.linear(x, merger.gate_proj.weight))
        x = F.linear(gate * F.linear(x, merger.up_proj.weight), merger.down_proj.weight)
        return x.view(-1, CELLS, x.shape[-1])


def _vision_block(
    x: Tensor, mask: Tensor, cos: Tensor, sin: Tensor, heads: int, norm1: Tensor, qkv: Tensor,
    out: Tensor, norm2: Tensor, gate: Tensor, up: Tensor, down: Tensor,
) -> Tensor:  # fmt: skip
    count, length, width = x.shape
    size = width // heads
    y = F.linear(F.rms_norm(x, (width,), norm1, _EPS), qkv).view(count, length, 3, heads, size)
    both = y[:, :, :2]
    turned = torch.cat([-both[..., size // 2 :], both[..., : size // 2]], -1)
    both = both * cos + turned * sin
    query, key, value = (
        part.transpose(1, 2).reshape(count * heads, length, size)
        for part in (both[:, :, 0] * size**-0.5, both[:, :, 1], y[:, :, 2])
    )
    score = torch.bmm(query, key.transpose(1, 2)).view(count, heads, length, length) + mask
    share = score.softmax(-1).to(value.dtype).view(count * heads, length, length)
    mixed = torch.bmm(share, value).view(count, heads, length, size).transpose(1, 2)
    x = x + F.linear(mixed.reshape(count, length, width), out)
    z = F.rms_norm(x, (width,), norm2, _EPS)
    return x + F.linear(F.silu(F.linear(z, gate)) * F.linear(z, up), down)


def _text_block(
    x: Tensor, mask: Tensor, cos: Tensor, sin: Tensor, heads: int, shared: int, norm1: Tensor,
    wq: Tensor, wk: Tensor, wv: Tensor, bq: Tensor, bk: Tensor, bv: Tensor, wo: Tensor,
    norm2: Tensor, norm3: Tensor, gate_up: Tensor, down: Tensor, norm4: Tensor,
) -> Tensor:  # fmt: skip
    count, length, width = x.shape
    size = width // heads
    z = F.rms_norm(x, (width,), norm1, _EPS)
    query = _rotate(F.linear(z, wq, bq).view(count, length, heads, size) * size**-0.5, cos, sin)
    key = _rotate(F.linear(z, wk, bk).view(count, length, shared, size), cos, sin)
    value = F.linear(z, wv, bv).view(count, length, shared, size)
    query = query.transpose(1, 2).reshape(count * heads, length, size)
    key, value = (
        part.transpose(1, 2).repeat_interleave(heads // shared, 1)
        .reshape(count * heads, length, size)
        for part in (key, value)
    )  # fmt: skip
    score = torch.bmm(query, key.transpose(1, 2)).view(count, heads, length, length) + mask
    share = score.softmax(-1).to(value.dtype).view(count * heads, length, length)
    mixed = torch.bmm(share, value).view(count, heads, length, size).transpose(1, 2)
    out = F.linear(mixed.reshape(count, length, width), wo)
    x = x + F.rms_norm(out.float(), (width,), norm2, _EPS)
    gate, up = F.linear(F.rms_norm(x, (width,), norm3, _EPS), gate_up).chunk(2, -1)
    return x + F.rms_norm(F.linear(up * F.silu(gate), down).float(), (width,), norm4, _EPS)


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Only the first part of each head turns, in neighbouring pairs."""
    turning = cos.shape[-1] * 2
    pairs = x[..., :turning].reshape(*x.shape[:-1], -1, 2)
    even, odd = pairs[..., 0], pairs[..., 1]
    turned = torch.stack([even * cos - odd * sin, odd * cos + even * sin], -1).flatten(-2)
    return torch.cat([turned, x[..., turning:]], -1)
