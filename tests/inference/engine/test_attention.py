from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.nn import functional

from inference.engine import attention
from inference.engine.sequence import Chunk, Prompt, Sequence
from inference.request import Sampling

HEADS, KV_HEADS, SIZE, PAGE = 4, 2, 16, 4


class Layer(torch.nn.Module):
    layer_idx = 1


def a_chunk(pages: list[int], start: int, count: int) -> Chunk:
    sequence = Sequence(1, Prompt((0,) * (start + count)), Sampling(), 0)
    sequence.pages = pages
    return Chunk(sequence, start, count)


@pytest.fixture
def chunks() -> list[Chunk]:
    """Two decoding, a whole prompt, a later part of one; their pages lie about."""
    return attention.order(
        [
            a_chunk([3, 9, 1], 0, 10),
            a_chunk([4, 6], 6, 1),
            a_chunk([8, 2, 5], 5, 6),
            a_chunk([7], 2, 1),
        ]
    )


@pytest.fixture
def fill() -> Callable[..., tuple[torch.Tensor, list[Any]]]:
    """A cache with the past of each chunk, and (query, keys, values) of each to compare with."""

    def fill(chunks: list[Chunk]) -> tuple[torch.Tensor, list[Any]]:
        torch.manual_seed(1)
        cache = torch.full((2, 2, 10, PAGE, KV_HEADS, SIZE), float("nan"))
        dense = []
        for chunk in chunks:
            query = torch.randn(HEADS, chunk.count, SIZE)
            keys, values = torch.randn(2, KV_HEADS, chunk.end, SIZE)
            for place in range(chunk.start):
                page, offset = chunk.sequence.pages[place // PAGE], place % PAGE
                cache[1, 0, page, offset] = keys[:, place]
                cache[1, 1, page, offset] = values[:, place]
            dense.append((query, keys, values))
        return cache, dense

    return fill


def attend(chunks: list[Chunk], cache: torch.Tensor, dense: list[Any]) -> list[torch.Tensor]:
    query = torch.cat([query for query, _, _ in dense], dim=1)
    key, value = (
        torch.cat([kv[which][:, c.start :] for c, kv in zip(chunks, dense, strict=True)], dim=1)
        for which in (1, 2)
    )
    device, dtype = cache.device, cache.dtype
    query, key, value = (tensor[None].to(device, dtype) for tensor in (query, key, value))
    batch = attention.paged_batch(chunks, cache)
    out, _ = attention.paged_attention(
        Layer(), query, key, value, None, scaling=SIZE**-0.5, paged=batch
    )
    return list(out[0].split([chunk.count for chunk in chunks]))


def wanted(chunk: Chunk, dense: Any) -> torch.Tensor:
    query, keys, values = dense
    mask = torch.ones(chunk.count, chunk.end, dtype=torch.bool).tril(chunk.start)
    group = HEADS // KV_HEADS
    out = functional.scaled_dot_product_attention(
        query, keys.repeat_interleave(group, 0), values.repeat_interleave(group, 0), attn_mask=mask
    )
    return out.transpose(0, 1)


def test_each_chunk_sees_its_own_past_and_nothing_else(
    chunks: list[Chunk], fill: Callable[..., Any]
) -> None:
    cache, dense = fill(chunks)  # NaN wherever nobody wrote: looking there would show

    for chunk, own, out in zip(chunks, dense, attend(chunks, cache, dense), strict=True):
        torch.testing.assert_close(out, wanted(chunk, own))


def test_flash_kernels_are_told_where_everything_stands(chunks: list[Chunk]) -> None:
    ragged = attention._ragged(chunks, torch.device("cpu"))

    assert ragged.starts.tolist() == [0, 1, 2, 12, 18]
    assert ragged.key_counts.tolist() == [7, 3, 10, 11]
    assert ragged.key_starts.tolist() == [0, 7, 10, 20, 31]
    assert ragged.table.tolist() == [[4, 6, 0], [7, 0, 0], [3, 9, 1], [8, 2, 5]]
    assert (ragged.most_rows, ragged.most_keys) == (10, 11)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_flash_kernels_agree_with_the_gathered_way() -> None:
    page = attention.FLASH_PAGE_TOKENS
    torch.manual_seed(1)
    cache = torch.zeros(2, 2, 6, page, KV_HEADS, 64, dtype=torch.bfloat16, device="cuda")
    rows = [a_chunk([3, 1], 0, 300), a_chunk([2, 5], 400, 1), a_chunk([4], 100, 20)]
    ordered = attention.order(rows)
    cache.normal_()
    shape = (1, HEADS, sum(chunk.count for chunk in ordered), 64)
    query = torch.randn(shape, dtype=torch.bfloat16, device="cuda")
    key, value = torch.randn(2, 1, KV_HEADS, *shape[2:], dtype=torch.bfloat16, device="cuda")

    def run(cache: torch.Tensor) -> torch.Tensor:
        batch = attention.paged_batch(ordered, cache)
        tensors = (tensor.to(cache.dtype) for tensor in (query, key, value))
        out, _ = attention.paged_attention(Layer(), *tensors, None, scaling=0.125, paged=batch)
        return out.float()

    torch.testing.assert_close(run(cache), run(cache.float()), atol=2e-2, rtol=2e-2)


@pytest.mark.parametrize(
    ("device", "dtype", "head_size", "capability", "expected"),
    [
        pytest.param("cuda", torch.bfloat16, 128, (9, 0), True, id="Hopper"),
        pytest.param("cuda", torch.bfloat16, 256, (8, 0), True, id="Ampere"),
        pytest.param("cuda", torch.bfloat16, 128, (7, 5), False, id="Turing"),
        pytest.param("cuda", torch.bfloat16, 257, (9, 0), False, id="large heads"),
        pytest.param("cuda", torch.float32, 128, (9, 0), False, id="float32"),
        pytest.param("cpu", torch.bfloat16, 128, (9, 0), False, id="no CUDA"),
    ],
)
def test_flash_is_used_where_the_kernels_run(
    device: str, dtype: torch.dtype, head_size: int, capability: tuple[int, int], expected: bool
) -> None:
    found = attention.has_flash(
        torch.device(device), dtype, head_size, capability_of=lambda _: capability
    )

    assert found == expected
