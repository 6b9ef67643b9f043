"""Looks for files that hurt: `python -m tests.inference.images.fuzz --minutes 60 --finds FOLDER`.

The pictures of hostile.py and pages of text are mutated, by us and by zzuf where that is installed,
and go to a real child, to be decoded and to be made fit to be kept. What is found is written to
FOLDER: a job that took too long, a child over its memory, an answer that is none. A child that died
is refused as a damaged photo in the program; it is told here, too.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import random
import re
import shutil
import struct
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from inference.children import ChildDied, Children
from inference.images.decode import PicturesSection
from tests.inference.images.hostile import encode, every
from tests.inference.images.pages import as_jpeg, page, photographed

_LARGEST = 200_000  # bytes of a picture that is mutated; large ones take the time of many
_MEMORY_KB = 512 << 10
_TELL_EVERY_S = 60.0
_EDGES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)


class Fuzzing:
    def __init__(self, finds: Path, seed: int) -> None:
        self._random = random.Random(seed)
        photos = (*(one.photo for one in every()), *_pages())
        self._photos = [photo for photo in photos if 0 < len(photo) <= _LARGEST]
        self._finds = finds
        self._zzuf = shutil.which("zzuf")
        self.counts: Counter[str] = Counter()
        section = PicturesSection()
        self._children = Children(
            "inference.images.child",
            json.dumps(asdict(section.limits())),
            most=1,
            jobs_each=2000,
            timeout_s=section.timeout_s,
            max_body=64 << 20,
        )

    async def run(self, minutes: float) -> None:
        began = told = time.monotonic()
        while (now := time.monotonic()) - began < 60 * minutes:
            photo = self._mutated()
            kept = await self._try(b"K", photo)
            seen = await self._try(b"P", photo)
            self.counts["inputs"] += 1
            if kept is not None:
                await self._compare(photo, kept, seen)
            if now - told > _TELL_EVERY_S:
                told = now
                print(f"{round(now - began)} s", dict(self.counts), flush=True)  # noqa: T201
        await self._children.close()
        print("done", dict(self.counts), flush=True)  # noqa: T201

    async def _compare(self, photo: bytes, kept: bytes, seen: bytes | None) -> None:
        """What is kept keeps itself, and looks as the photo did. Damaged files may lose the damaged
        end that a decoder would have put up with, so that is counted, and no find."""
        if await self._try(b"K", kept) != kept:
            self._note("kept differently", photo)
        if seen is not None and await self._try(b"P", kept) != seen:
            self.counts["looks different"] += 1

    async def _try(self, wish: bytes, photo: bytes) -> bytes | None:
        """None: it is refused."""
        try:
            kind, body = await self._children.ask(wish + photo)
        except TimeoutError:
            return self._note("timeout", photo)
        except ChildDied:
            return self._note("died", photo)
        self._check_memory(photo)
        if kind == b"F":
            self.counts[json.loads(body)["reason"]] += 1
            return None
        if kind == b"P":
            width, height, _ = struct.unpack(">IIB", body[:9])
            if len(body) != 9 + 3 * width * height or not 1 <= max(width, height) <= 1024:
                return self._note("wrong pixels", photo)
        elif kind != b"K" or not body:
            return self._note("no answer", photo)
        self.counts["decoded" if kind == b"P" else "kept"] += 1
        return body

    def _check_memory(self, photo: bytes) -> None:
        for child in _children():
            status = (Path("/proc") / child / "status").read_text()
            found = re.search(r"VmHWM:\s+(\d+) kB", status)
            if found is None:
                continue
            self.counts["peak_mb"] = max(self.counts["peak_mb"], int(found[1]) >> 10)
            if int(found[1]) > _MEMORY_KB:
                self._note("memory", photo)
            (Path("/proc") / child / "clear_refs").write_text("5")  # the peak begins anew

    def _note(self, what: str, photo: bytes) -> None:
        self.counts["!" + what] += 1
        if self.counts["!" + what] <= 50:
            name = f"{what.replace(' ', '-')}-{hashlib.sha256(photo).hexdigest()[:16]}"
            (self._finds / name).write_bytes(photo)

    def _mutated(self) -> bytes:
        photo = self._random.choice(self._photos)
        if self._zzuf and self._random.random() < 0.1:
            return self._by_zzuf(photo)
        for _ in range(self._random.choice((1, 1, 2, 3, 8))):
            photo = self._changed(bytearray(photo))
        return photo

    def _by_zzuf(self, photo: bytes) -> bytes:
        assert self._zzuf is not None
        ratio, seed = (
            self._random.choice(("0.0004", "0.004", "0.02")),
            self._random.randrange(2**31),
        )
        command = [self._zzuf, "-s", str(seed), "-r", ratio]
        self.counts["by zzuf"] += 1
        return subprocess.run(command, input=photo, capture_output=True, check=True).stdout

    def _changed(self, photo: bytearray) -> bytes:
        draw = self._random
        at = self._place(len(photo))
        match draw.randrange(7):
            case 0:
                photo[at : at + 1] = draw.randbytes(1)
            case 1:
                photo[at : at + 1] = bytes((photo[at] ^ 1 << draw.randrange(8),)) if photo else b""
            case 2:
                width, order = draw.choice((1, 2, 4)), draw.choice(("big", "little"))
                edge = draw.choice(_EDGES) & (1 << 8 * width) - 1
                photo[at : at + width] = edge.to_bytes(width, order)
            case 3:
                del photo[at : at + draw.choice((1, 2, 4, 12, 64, 1000))]
            case 4:
                length = draw.choice((4, 12, 64, 500))
                photo[at:at] = photo[at : at + length] * draw.choice((1, 1, 3, 100))
            case 5:
                other = draw.choice(self._photos)
                start = self._place(len(other))
                photo[at:at] = other[start : start + draw.choice((8, 60, 600))]
            case _:
                del photo[max(1, at) :]
        return bytes(photo[:_LARGEST]) or b"\0"

    def _place(self, length: int) -> int:
        """Headers are where it hurts."""
        near = min(length, self._random.choice((40, 200, length)))
        return self._random.randrange(max(1, near))


def _pages() -> Iterator[bytes]:
    """Each as often as a page should be, among more than a hundred odd pictures."""
    tilted, level = (photographed(page("en").reduce(4), degrees) for degrees in (5.0, 0.0))
    yield from 5 * (as_jpeg(tilted, 60), as_jpeg(level, 80))
    yield encode(tilted.convert("L").quantize(8), "PNG")


def _children() -> set[str]:
    tasks = Path("/proc/self/task").glob("*/children")
    return {child for task in tasks for child in task.read_text().split()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--finds", type=Path, default=Path("finds"))
    parser.add_argument("--seed", type=int, default=6)
    asked = parser.parse_args()
    asked.finds.mkdir(parents=True, exist_ok=True)
    asyncio.run(Fuzzing(asked.finds, asked.seed).run(asked.minutes))


if __name__ == "__main__":
    main()
