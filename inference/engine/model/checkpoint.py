"""A model's folder: found or fetched, and looked over before anything heavy is loaded."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from inference.engine.settings import EngineSettings
from inference.errors import ModelUnusable

_MODEL_TYPE = "glm4v"
_NEEDED = ("config.json", "tokenizer.json", "preprocessor_config.json")
_BEAT_S = 1.0
_FETCHED = ("*.json", "*.jinja", "*.safetensors")
_READ = (*_NEEDED, "chat_template.jinja")  # what decides the tokens and pixels the model is given
_COMMIT = re.compile("[0-9a-f]{40}")
_SUM = re.compile(r"\\?([0-9a-fA-F]{64}) [ *](.+)")
_SUMS = "SHA256SUMS"  # as `sha256sum *` writes it; a checkpoint need not have one
_TAIL_BYTES = 1 << 16  # of each weight file, read to tell apart what has the same shapes


def find_checkpoint(model: str, *, fetching: Callable[[], None] = lambda: None) -> Path:
    """The folder of `model`, a folder or a hub id. Raises ModelUnusable. `fetching` is called
    every second, in a thread, while the hub sends."""
    folder = Path(model).expanduser()
    if not folder.is_dir():
        folder = _fetch(model, fetching)
    check_checkpoint(folder)
    return folder


def is_fetched(model: str) -> bool:
    """False: a start would ask the hub for it first, or for the rest of it."""
    if Path(model).expanduser().is_dir() or not _is_hub_id(model):
        return True
    # imported here: a model in a folder needs no hub
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(model, _NEEDED[0])
    except HFValidationError:  # a name that the hub cannot have
        return True
    return isinstance(found, str) and all(one.is_file() for one in _shards(Path(found).parent))


def fetched_folder(model: str) -> Path | None:
    """Where its files are on this machine; None: the hub has not sent them yet."""
    if (folder := Path(model).expanduser()).is_dir() or not _is_hub_id(model):
        return folder if folder.is_dir() else None
    # imported here: a model in a folder needs no hub
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    with suppress(HFValidationError):  # a name that the hub cannot have
        found = try_to_load_from_cache(model, _NEEDED[0])
        return Path(found).parent if isinstance(found, str) else None
    return None


def check_place(model: str) -> None:
    """Before anything is started for it: raises ModelUnusable when it can be nowhere."""
    if not Path(model).expanduser().is_dir() and not _is_hub_id(model):
        raise ModelUnusable(
            f"there is no folder {model}; [engine] model must name one, or a hub id"
        )


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
    if "quantization_config" in config:
        raise ModelUnusable(
            f"the weights in {folder} are quantised already, which this engine does not read; name "
            'the plain checkpoint and set [engine] quantize to "int8" or "int4"'
        )
    for shard in _shards(folder):
        _shapes_in(shard)
    if (folder / _SUMS).is_file():
        _check_sums(folder)


def shapes_of(folder: Path) -> dict[str, tuple[int, ...]]:
    """Of all weights, by their names. Raises ModelUnusable."""
    return {name: shape for shard in _shards(folder) for name, shape in _shapes_in(shard).items()}


def revision_of(folder: Path, settings: EngineSettings) -> str:
    """Differs where the same prompt may have other keys and values: the hub's commit, or a hash
    over the small files and parts of the weights; then how the weights are stored."""
    if folder.parent.name == "snapshots" and _COMMIT.fullmatch(folder.name):
        commit = folder.name
    else:
        commit = _hash_of(folder)
    stored = [settings.dtype, settings.quantize, settings.kv_dtype]
    return "-".join([commit, *(word for word in stored if word not in {"auto", "none"})])


def _is_hub_id(model: str) -> bool:
    return model.count("/") == 1 and not model.startswith((".", "/", "~"))


def _fetch(model: str, fetching: Callable[[], None]) -> Path:
    check_place(model)
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


def _shapes_in(shard: Path) -> dict[str, tuple[int, ...]]:
    if not shard.is_file():
        raise ModelUnusable(f"the weights {shard} are missing; download the checkpoint again")
    try:
        length, entries = _parse_header(shard)
        end = 8 + length + max(entry["data_offsets"][1] for entry in entries.values())
        if end != (size := shard.stat().st_size):
            raise ValueError(f"{size} bytes long instead of {end}")  # noqa: TRY301  # told below
        return {name: tuple(entry["shape"]) for name, entry in entries.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelUnusable(
            f"the weights {shard} are damaged ({error}); download that file again"
        ) from error


def _check_sums(folder: Path) -> None:
    """Every file that has a sum: weights of the right length may be damaged, or others, too. All
    of them are read for that, at every start."""
    for line in (folder / _SUMS).read_text("utf-8", "replace").splitlines():
        said = _SUM.fullmatch(line)
        if said is None or Path(said[2]).is_absolute() or ".." in Path(said[2]).parts:
            raise ModelUnusable(
                f"{folder / _SUMS} has a line that is no sum of a file in it ({line[:100]!r}); "
                "write it anew with sha256sum, or take it away"
            )
        wanted, name = said.groups()
        file = folder / name
        if name == _SUMS:  # as it was before it was written
            continue
        try:
            with file.open("rb") as content:
                found = hashlib.file_digest(content, "sha256").hexdigest()
        except OSError as error:
            raise ModelUnusable(
                f"{file} cannot be read ({error.strerror}), but {_SUMS} names it; download that"
                " file again"
            ) from error
        if found != wanted.lower():
            raise ModelUnusable(
                f"{file} is damaged or another file: its SHA-256 is {found[:12]}..., but {_SUMS}"
                f" says {wanted[:12]}...; download that file again"
            )


def _parse_header(shard: Path) -> tuple[int, dict[str, Any]]:
    """Its length and what it says of each weight:
    https://github.com/huggingface/safetensors#format"""
    with shard.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > shard.stat().st_size:
            raise ValueError(f"a header of {length} bytes")
        entries = json.loads(file.read(length))
    entries.pop("__metadata__", None)
    return length, entries


def _hash_of(folder: Path) -> str:
    found = hashlib.sha256()
    for name in _READ:
        if (folder / name).is_file():
            found.update(name.encode() + (folder / name).read_bytes())
    for shard in _shards(folder):
        size = shard.stat().st_size
        found.update(f"{shard.name} {size}".encode())
        found.update(json.dumps(_parse_header(shard)[1]).encode())
        with shard.open("rb") as file:
            file.seek(max(0, size - _TAIL_BYTES))
            found.update(file.read())
    return found.hexdigest()[:40]


def _parse(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ModelUnusable(f"{path} cannot be read ({error}); download it again") from error
    if not isinstance(content, dict):
        raise ModelUnusable(f"{path} is not a JSON object; download it again")
    return content
