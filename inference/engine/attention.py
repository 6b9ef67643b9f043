"""Attention over pages of keys and values, for a flat batch of prompt parts and single tokens.

The function registered with transformers is handed the step's `PagedBatch` as the keyword argument
`paged`; nothing of the batch is global. Where `has_flash` says so a flash kernel reads the pages
through a block table; everywhere else the pages are gathered and go through SDPA.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence as Items
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from inference.engine.sequence import Chunk

NAME = "visionbot_paged"
FLASH_PAGE_TOKENS = 256  # flash kernels read pages of a multiple of this
_FLASH_CAPABILITY = (8, 0)  # Ampere
_FLASH_HEAD_SIZE = 256  # the largest

try:
    from flash_attn import flash_attn_varlen_func  # type: ignore[import-not-found]  # optional
except ImportError:
    flash_attn_varlen_func = None


@dataclass(frozen=True, slots=True)
class _Part:
    """A prompt part: its rows in the flat batch, and the slots of everything it may look at."""

    rows: slice
    slots: torch.Tensor  # (keys,)
    mask: torch.Tensor | None  # (rows, keys); None: simply causal


@dataclass(frozen=True, slots=True)
class _Singles:
    """The sequences that compute one token, padded to the longest; they stand first."""

    rows: slice
    slots: torch.Tensor  # (sequences, keys)
    mask: torch.Tensor  # (sequences, 1, 1, keys)


@dataclass(frozen=True, slots=True)
class _Ragged:
    """The same for the flash kernels."""

    starts: torch.Tensor  # (sequences + 1,) int32, rows
    key_starts: torch.Tensor  # (sequences + 1,) int32
    key_counts: torch.Tensor  # (sequences,) int32
    table: torch.Tensor  # (sequences, pages) int32
    most_rows: int
    most_keys: int


@dataclass(frozen=True, slots=True)
class PagedBatch:
    cache: torch.Tensor  # (layers, 2, pages, page tokens, KV heads, head size)
    new_slots: torch.Tensor  # (rows,) where the new keys and values go
    singles: _Singles | None = None
    parts: tuple[_Part, ...] = ()
    ragged: _Ragged | None = None


def register() -> None:
    """Make NAME known to transformers; doing it twice does no harm."""
    ALL_ATTENTION_FUNCTIONS.register(NAME, paged_attention)
    ALL_MASK_ATTENTION_FUNCTIONS.register(NAME, _no_mask)


def has_flash(
    device: torch.device,
    dtype: torch.dtype,
    head_size: int,
    *,
    capability_of: Callable[[torch.device], tuple[int, int]] = torch.cuda.get_device_capability,
) -> bool:
    if device.type != "cuda" or dtype == torch.float32 or head_size > _FLASH_HEAD_SIZE:
        return False
    return capability_of(device) >= _FLASH_CAPABILITY


def order(chunks: Items[Chunk]) -> list[Chunk]:
    """The order in which chunks stand in the flat batch: single tokens first."""
    return sorted(chunks, key=lambda chunk: chunk.count > 1)


def paged_batch(chunks: Items[Chunk], cache: torch.Tensor) -> PagedBatch:
    """`chunks` as `order` gives them."""
    page_tokens, device = cache.shape[3], cache.device
    slots = [_slots(chunk, page_tokens) for chunk in chunks]
    new_slots = torch.cat([own[chunk.start :] for chunk, own in zip(chunks, slots, strict=True)])
    if has_flash(device, cache.dtype, cache.shape[5]):
        return PagedBatch(cache, new_slots.to(device), ragged=_ragged(chunks, device))
    singles = sum(chunk.count == 1 for chunk in chunks)
    parts, row = [], singles
    for chunk, own in zip(chunks[singles:], slots[singles:], strict=True):
        rows = slice(row, row + chunk.count)
        parts.append(_Part(rows, own.to(device), _part_mask(chunk, device)))
        row = rows.stop
    return PagedBatch(
        cache,
        new_slots.to(device),
        _singles(slots[:singles], device) if singles else None,
        tuple(parts),
    )


def paged_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    scaling: float,
    paged: PagedBatch,
    **_: object,
) -> tuple[torch.Tensor, None]:
    """`query` is (1, heads, rows, head size); the result is (1, rows, heads, head size)."""
    pages: torch.Tensor = paged.cache[module.layer_idx]  # type: ignore[index]  # an int
    keys, values = pages.flatten(1, 2)  # (slots, KV heads, head size) each
    keys[paged.new_slots] = key[0].transpose(0, 1)
    values[paged.new_slots] = value[0].transpose(0, 1)
    rows = query[0].transpose(0, 1)  # (rows, heads, head size)
    if paged.ragged is not None:
        return _flash(rows, pages, paged.ragged, scaling)[None], None
    result = torch.empty_like(rows, memory_format=torch.contiguous_format)
    if paged.singles is not None:
        result[paged.singles.rows] = _attend_singles(rows, keys, values, paged.singles, scaling)
    for part in paged.parts:
        result[part.rows] = _attend_part(rows[part.rows], keys, values, part, scaling)
    return result[None], None


def _attend_singles(
    rows: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, singles: _Singles, scaling: float
) -> torch.Tensor:
    kv_heads, size = keys.shape[1:]
    # the query heads that share a KV head stand as its rows: (sequences, KV heads, group, size)
    taken = rows[singles.rows]
    query = taken.reshape(len(taken), kv_heads, -1, size)
    out = functional.scaled_dot_product_attention(
        query,
        keys[singles.slots].transpose(1, 2),
        values[singles.slots].transpose(1, 2),
        attn_mask=singles.mask,
        scale=scaling,
    )
    return out.reshape(len(query), -1, size)


def _attend_part(
    rows: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, part: _Part, scaling: float
) -> torch.Tensor:
    out = functional.scaled_dot_product_attention(
        rows.transpose(0, 1)[None],
        keys[part.slots].transpose(0, 1)[None],
        values[part.slots].transpose(0, 1)[None],
        attn_mask=part.mask,
        is_causal=part.mask is None,
        scale=scaling,
        enable_gqa=True,
    )
    return out[0].transpose(0, 1)


def _flash(
    rows: torch.Tensor, pages: torch.Tensor, ragged: _Ragged, scaling: float
) -> torch.Tensor:
    if flash_attn_varlen_func is not None:
        out: torch.Tensor = flash_attn_varlen_func(
            rows,
            pages[0],
            pages[1],
            ragged.starts,
            ragged.key_starts,
            ragged.most_rows,
            ragged.most_keys,
            softmax_scale=scaling,
            causal=True,
            block_table=ragged.table,
        )
        return out
    # a CUDA build has the kernel; importing it where there is none costs start-up time
    from torch.nn.attention.varlen import varlen_attn

    attended = varlen_attn(
        rows,
        pages[0],
        pages[1],
        ragged.starts,
        ragged.key_starts,
        ragged.most_rows,
        ragged.most_keys,
        scale=scaling,
        window_size=(-1, 0),  # causal
        enable_gqa=True,
        seqused_k=ragged.key_counts,
        block_table=ragged.table,
    )
    assert isinstance(attended, torch.Tensor)
    return attended


def _slots(chunk: Chunk, page_tokens: int) -> torch.Tensor:
    """The slots of a sequence's tokens up to the end of the chunk."""
    pages = torch.tensor(chunk.sequence.pages[: -(-chunk.end // page_tokens)])
    slots = pages[:, None] * page_tokens + torch.arange(page_tokens)
    return slots.flatten()[: chunk.end]


def _part_mask(chunk: Chunk, device: torch.device) -> torch.Tensor | None:
    if chunk.start == 0:
        return None
    everything = torch.ones(chunk.count, chunk.end, dtype=torch.bool, device=device)
    return everything.tril(diagonal=chunk.start)


def _singles(slots: list[torch.Tensor], device: torch.device) -> _Singles:
    counts = torch.tensor([len(own) for own in slots])
    # NOTE: padding points at the sequence's own first token, never at a stranger's stale page: a
    # NaN there would pass through a weight of zero
    padded = torch.nn.utils.rnn.pad_sequence(slots, batch_first=True)
    mask = torch.arange(padded.shape[1]) < counts[:, None]
    padded = torch.where(mask, padded, padded[:, :1])
    return _Singles(slice(0, len(slots)), padded.to(device), mask[:, None, None].to(device))


def _ragged(chunks: Items[Chunk], device: torch.device) -> _Ragged:
    rows = [chunk.count for chunk in chunks]
    keys = [chunk.end for chunk in chunks]
    pages = [torch.tensor(chunk.sequence.pages, dtype=torch.int32) for chunk in chunks]
    return _Ragged(
        starts=_running_sum(rows, device),
        key_starts=_running_sum(keys, device),
        key_counts=torch.tensor(keys, dtype=torch.int32, device=device),
        table=torch.nn.utils.rnn.pad_sequence(pages, batch_first=True).to(device),
        most_rows=max(rows),
        most_keys=max(keys),
    )


def _running_sum(counts: list[int], device: torch.device) -> torch.Tensor:
    return functional.pad(torch.tensor(counts).cumsum(0), (1, 0)).to(device, torch.int32)


def _no_mask(*_: Any, **__: Any) -> None:  # Any: whatever transformers passes
    """Which rows see which keys is in the batch."""
