"""What a running program tells at /metrics: a histogram of it, and single values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

_PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class Buckets:
    """`counts`: how many observations were at most so large, by that bound."""

    counts: Mapping[float, float]

    def __sub__(self, earlier: Buckets) -> Buckets:
        return Buckets({le: count - earlier.counts.get(le, 0) for le, count in self.counts.items()})

    def quantile(self, share: float) -> float:
        """The upper end of the bucket in which it lies; nothing is read into a bucket."""
        ordered = sorted(self.counts.items())
        most = ordered[-1][1]
        return next(bound for bound, count in ordered if count >= share * most)


async def scrape(url: str, name: str) -> Buckets:
    """All series of one histogram together. `url` without /metrics."""
    counts: dict[float, float] = {}
    for family in text_string_to_metric_families(await _text(url)):
        for sample in family.samples:
            if sample.name == f"{name}_bucket":
                bound = float(sample.labels["le"])
                counts[bound] = counts.get(bound, 0.0) + sample.value
    return Buckets(counts)


async def values(url: str) -> dict[str, float]:
    """Every series without labels."""
    families = text_string_to_metric_families(await _text(url))
    samples = [sample for family in families for sample in family.samples]
    return {sample.name: sample.value for sample in samples if not sample.labels}


async def _text(url: str) -> str:
    patience = aiohttp.ClientTimeout(total=_PATIENCE_S)
    async with (
        aiohttp.ClientSession(timeout=patience) as session,
        session.get(f"{url}/metrics", raise_for_status=True) as response,
    ):
        return await response.text()
