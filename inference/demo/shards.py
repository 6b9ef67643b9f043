"""Training pictures, drawn once and kept on disk: a shard is a few thousand of them with facts."""

from __future__ import annotations

import pickle
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm  # type: ignore[import-untyped] # it has no types

from inference.demo.fonts import train_fonts
from inference.demo.patches import PATCH_BYTES, PATCHES, Targets, cut, targets_of
from inference.demo.scenes import Scene, fit, paint

_SEED = 20261121
_WORKERS = 2


@dataclass(frozen=True, slots=True)
class Shard:
    patches: NDArray[np.uint8]  # (pictures, PATCHES, PATCH_BYTES), on disk until touched
    targets: Targets  # each with pictures as its first axis
    scenes: list[Scene]


class Gallery:
    """All pictures as one list; a picture is named by its number."""

    def __init__(self, shards: list[Shard]) -> None:
        self._shards = shards
        self._each = len(shards[0].scenes)

    def __len__(self) -> int:
        return self._each * len(self._shards)

    def scene(self, number: int) -> Scene:
        return self._shards[number // self._each].scenes[number % self._each]

    def patches(self, numbers: list[int]) -> NDArray[np.uint8]:
        out = np.empty((len(numbers), PATCHES, PATCH_BYTES), np.uint8)
        for row, number in enumerate(numbers):
            out[row] = self._shards[number // self._each].patches[number % self._each]
        return out

    def targets(self, numbers: list[int]) -> Targets:
        rows = [
            [column[number % self._each] for column in self._shards[number // self._each].targets]
            for number in numbers
        ]
        return Targets(*(np.stack(column) for column in zip(*rows, strict=True)))


def draw_shards(folder: Path, count: int, each: int) -> None:
    """Draws those that are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [number for number in range(count) if not _scenes_file(folder, number).exists()]
    if not missing:
        return
    with ProcessPoolExecutor(min(_WORKERS, len(missing))) as pool:
        done = pool.map(partial(_draw_shard, folder, each), missing)
        list(tqdm(done, "pictures", total=len(missing), unit="shard"))


def open_gallery(folder: Path, count: int) -> Gallery:
    return Gallery([_open_shard(folder, number) for number in range(count)])


def _open_shard(folder: Path, number: int) -> Shard:
    with np.load(folder / f"targets{number:03}.npz") as file:
        targets = Targets(*(file[name] for name in Targets._fields))
    patches = np.load(folder / f"patches{number:03}.npy", mmap_mode="r")
    scenes = pickle.loads(_scenes_file(folder, number).read_bytes())  # nosec B301  (we wrote it)
    return Shard(patches, targets, scenes)


def _scenes_file(folder: Path, number: int) -> Path:
    """Written last: a shard is there when this is."""
    return folder / f"scenes{number:03}.pkl"


def _draw_shard(folder: Path, each: int, number: int) -> None:
    rng = np.random.default_rng([_SEED, number])
    fonts = train_fonts()
    patches = np.empty((each, PATCHES, PATCH_BYTES), np.uint8)
    scenes, targets = [], []
    for row in range(each):
        picture, scene = paint(rng, fonts)
        patches[row] = cut(fit(picture, scene.grid))
        scenes.append(scene)
        targets.append(targets_of(scene))
    np.save(folder / f"patches{number:03}.npy", patches)
    columns = Targets(*(np.stack(column) for column in zip(*targets, strict=True)))
    np.savez(folder / f"targets{number:03}.npz", **columns._asdict())
    partial_file = folder / f"scenes{number:03}.part"
    partial_file.write_bytes(pickle.dumps(scenes))
    partial_file.rename(_scenes_file(folder, number))
