"""A model's folder: found or fetched, and looked over before anything heavy is loaded."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from inference.errors import ModelUnusable

_MODEL_TYPE = "glm4v"
_NEEDED = ("config.json", "tokenizer.json", "preprocessor_config.json")
_BEAT_S = 1.0
_FETCHED = ("*.json", "*.jinja", "*.safetensors")


def find_checkpoint(model: str, *, fetching: Callable[[], None] = lambda: None) -> Path:
    """The folder of `model`, a folder or a hub id. Raises ModelUnusable. `fetching` is called
    every second, in a thread, while the hub sends."""
    folder = Path(model).expanduser()
    if not folder.is_dir():
        folder = _fetch(model, fetching)
    check_checkpoint(folder)
    return folder


def check_checkpoint(folder: Path) -> None:
    """Raises ModelUnusable, naming the file and the remedy."""
    for name in _NEEDED:
        if not (folder / name).is_file():
            raise ModelUnusable(f"{folder} has no {name}; download the whole checkpoint again")
    config = _parse(folder / "config.json")
    if config.get("model_type") != _MODEL_TYPE:
        raise ModelUnusable(
            f"{folder}/config.json says model_type {config.get('model_type')!r}, but this engine "
            f"runs {_MODEL_TYPE!r}; name a checkpoint of Glm4vForConditionalGeneration, such as "
            "zai-org/GLM-4.6V-Flash"
        )
    for shard in _shards(folder):
        _check_weights(shard)


def _fetch(model: str, fetching: Callable[[], None]) -> Path:
    if model.count("/") != 1 or model.startswith((".", "/", "~")):
        raise ModelUnusable(
            f"there is no folder {model}; [engine] model must name one, or a hub id"
        )
    # imported here: a model in a folder needs no hub
    from huggingface_hub import snapshot_download

    try:
        with _beating(fetching):
            return Path(snapshot_download(model, allow_patterns=list(_FETCHED)))
    except Exception as error:  # the hub raises a dozen unrelated classes: network, disk, access
        raise ModelUnusable(
            f"there is no folder {model}, and fetching it from the hub failed: {error}; check the "
            "name and the network, or download the checkpoint and name its folder"
        ) from error


@contextmanager
def _beating(beat: Callable[[], None]) -> Iterator[None]:
    done = threading.Event()

    def keep_beating() -> None:
        while not done.wait(_BEAT_S):
            beat()

    thread = threading.Thread(target=keep_beating, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _shards(folder: Path) -> list[Path]:
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        names = set(_parse(index).get("weight_map", {}).values())
        return [folder / name for name in sorted(names)]
    return [folder / "model.safetensors"]


def _check_weights(shard: Path) -> None:
    if not shard.is_file():
        raise ModelUnusable(f"the weights {shard} are missing; download the checkpoint again")
    # imported here: it is only needed when a model is loaded
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(shard, framework="pt") as weights:
            weights.keys()
    except (SafetensorError, OSError) as error:
        raise ModelUnusable(
            f"the weights {shard} are damaged ({error}); download that file again"
        ) from error


def _parse(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ModelUnusable(f"{path} cannot be read ({error}); download it again") from error
    if not isinstance(content, dict):
        raise ModelUnusable(f"{path} is not a JSON object; download it again")
    return content
