"""A photo of 12 megapixels made ready, against plain Pillow: `python -m bench.photos`.

Plain is what one writes without thinking of it: decode all of it, turn it upright, shrink it with
LANCZOS. Ours is `fit` alone, and through the decoding child with its pipe; the three in turn. A
photo that is kept goes to the child once more before, to lose its metadata.
"""

from __future__ import annotations

import asyncio
import json
import re
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from inference.images.decode import Decoder, PicturesSection
from inference.images.fit import fit

_SIDES = (4000, 3000)
_ROUNDS = 15


@dataclass(frozen=True, slots=True)
class PhotoFigures:
    """Medians; the share is of plain Pillow's time."""

    plain_ms: float
    fit_ms: float
    child_ms: float
    bare_ms: float
    fit_share: float
    child_share: float
    child_peak_mb: float  # resident, of its whole life


async def measure_photos(rounds: int = _ROUNDS) -> PhotoFigures:
    """`child_share` is what a person waits for, and thus `photo_12mp_vs_pillow`."""
    section = PicturesSection()
    limits, photo = section.limits(), _photo()
    before = _children()
    decoder = Decoder(section, children=1)
    try:
        await decoder.decode(photo)  # starts the child
        times: list[tuple[float, float, float, float]] = []
        for _ in range(rounds):
            plain = await _timed(lambda: asyncio.to_thread(_plain, photo, section.longest_side))
            alone = await _timed(lambda: asyncio.to_thread(fit, photo, limits))
            child = await _timed(lambda: decoder.decode(photo))
            bare = await _timed(lambda: decoder.bare(photo))
            times.append((plain, alone, child, bare))
        peak_mb = max(_peak_mb(child) for child in _children() - before)
    finally:
        await decoder.close()
    plain_ms, fit_ms, child_ms, bare_ms = (
        1000 * statistics.median(each) for each in zip(*times, strict=True)
    )
    shares = fit_ms / plain_ms, child_ms / plain_ms
    return PhotoFigures(plain_ms, fit_ms, child_ms, bare_ms, *shares, peak_mb)


def _photo() -> bytes:
    """Clouds and noise: about three megabytes, as a phone's."""
    random = np.random.default_rng(12)
    coarse = random.integers(0, 255, (75, 100, 3), np.uint8)
    clouds = np.asarray(Image.fromarray(coarse).resize(_SIDES, Image.Resampling.BICUBIC), np.int16)
    grain = random.integers(-9, 10, clouds.shape, np.int16)
    file = BytesIO()
    Image.fromarray((clouds + grain).clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=88)
    return file.getvalue()


def _plain(photo: bytes, side: int) -> bytes:
    with Image.open(BytesIO(photo)) as image:
        image.load()
        upright = ImageOps.exif_transpose(image).convert("RGB")
    upright.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=None)
    return upright.tobytes()


async def _timed(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


def _children() -> set[str]:
    tasks = Path("/proc/self/task").glob("*/children")
    return {child for task in tasks for child in task.read_text().split()}


def _peak_mb(process: str) -> float:
    found = re.search(r"VmHWM:\s+(\d+) kB", (Path("/proc") / process / "status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def main() -> None:
    print(json.dumps(asdict(asyncio.run(measure_photos())), indent=2))  # noqa: T201


if __name__ == "__main__":
    main()
