from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from inference.engine.model.checkpoint import find_checkpoint, is_fetched, revision_of
from inference.engine.model.glm4v import Glm4v
from inference.engine.settings import EngineSettings
from inference.errors import ModelUnusable


@pytest.fixture
def folder(random_checkpoint: Path, tmp_path: Path) -> Path:
    """A copy that may be damaged."""
    return Path(shutil.copytree(random_checkpoint, tmp_path / "model"))


def test_published_layout_is_loaded_as_it_says(
    random_checkpoint: Path, settings_of: Callable[..., EngineSettings]
) -> None:
    model = Glm4v.load(settings_of(random_checkpoint, kv_memory_mb=8))

    language = model.language
    names = [language.decode([token]) for token in sorted(language.ends)]
    assert (random_checkpoint / "model.safetensors.index.json").is_file()
    assert (model.context_tokens, model.page_tokens) == (1024, 16)
    assert (len(language.ends), names) == (3, ["", "", ""])
    assert model.revision == revision_of(random_checkpoint, settings_of(random_checkpoint))


def test_small_kv_memory_lowers_the_context(
    random_checkpoint: Path, settings_of: Callable[..., EngineSettings]
) -> None:
    model = Glm4v.load(settings_of(random_checkpoint, kv_memory_mb=1))

    # 3 layers, keys and values, 2 heads of 32 float32 numbers: 1,536 bytes a token
    assert model.pages == (1 << 20) // (16 * 1536)
    assert model.context_tokens == model.pages * model.page_tokens


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelUnusable, match=r"there is no folder .*/nowhere"):
        find_checkpoint(str(tmp_path / "nowhere"))


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "preprocessor_config.json"])
def test_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()

    with pytest.raises(ModelUnusable, match=name):
        find_checkpoint(str(folder))


@pytest.mark.row(41)
def test_missing_shard_is_named(folder: Path) -> None:
    shard = sorted(folder.glob("*.safetensors"))[1]
    shard.unlink()

    with pytest.raises(ModelUnusable, match=f"{shard.name} are missing"):
        find_checkpoint(str(folder))


def sum_up(folder: Path, *more: str) -> None:
    files = (file for file in folder.iterdir() if file.name != "SHA256SUMS")
    sums = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}" for file in files]
    (folder / "SHA256SUMS").write_text("\n".join([*sums, *more]) + "\n")


def test_checkpoint_of_which_all_sums_hold_is_taken(folder: Path) -> None:
    sum_up(folder)

    assert find_checkpoint(str(folder)) == folder


@pytest.mark.row(41)
def test_weights_of_the_right_length_with_another_sum_are_named(folder: Path) -> None:
    sum_up(folder)
    shard = sorted(folder.glob("*.safetensors"))[1]
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(content)

    with pytest.raises(ModelUnusable, match=rf"{shard.name} is damaged or another file"):
        find_checkpoint(str(folder))


def test_file_that_has_a_sum_but_is_not_there_is_named(folder: Path) -> None:
    sum_up(folder, f"{'0' * 64} *more.safetensors")

    with pytest.raises(ModelUnusable, match=r"more\.safetensors cannot be read"):
        find_checkpoint(str(folder))


def test_the_list_of_sums_may_name_itself(folder: Path) -> None:
    sum_up(folder, f"{'0' * 64}  SHA256SUMS")

    assert find_checkpoint(str(folder)) == folder


@pytest.mark.parametrize(
    "line", [f"{'0' * 64}  ../secret", f"{'0' * 64}  /dev/zero", "", "model: abc"], ids=repr
)
def test_a_line_that_is_no_sum_of_a_file_in_the_folder_is_named(folder: Path, line: str) -> None:
    sum_up(folder, line)

    with pytest.raises(ModelUnusable, match="has a line that is no sum of a file"):
        find_checkpoint(str(folder))


@pytest.mark.row(41)
def test_damaged_shard_is_named(folder: Path) -> None:
    shard = sorted(folder.glob("*.safetensors"))[1]
    shard.write_bytes(shard.read_bytes()[:-100])

    with pytest.raises(
        ModelUnusable, match=rf"{shard.name} are damaged .\d+ bytes long instead of"
    ):
        find_checkpoint(str(folder))


@pytest.mark.parametrize(
    "content", [b"", b"\xff" * 8, b"\2" + b"\0" * 7 + b"{}", b"\2" + b"\0" * 7 + b"[]"], ids=repr
)
def test_file_that_holds_no_weights_is_named(folder: Path, content: bytes) -> None:
    shard = sorted(folder.glob("*.safetensors"))[0]
    shard.write_bytes(content)

    with pytest.raises(ModelUnusable, match=f"{shard.name} are damaged"):
        find_checkpoint(str(folder))


def test_other_class_of_model_is_refused_with_a_remedy(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "llama"}))

    with pytest.raises(ModelUnusable, match=r"'llama'.*Glm4vForConditionalGeneration"):
        find_checkpoint(str(folder))


def test_weights_of_another_size_are_refused(
    folder: Path, settings_of: Callable[..., EngineSettings]
) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["num_hidden_layers"] += 1
    (folder / "config.json").write_text(json.dumps(config))

    with pytest.raises(ModelUnusable, match=r"lack .*layers\.3\."):
        Glm4v.load(settings_of(folder))


def test_missing_chat_template_is_named(
    folder: Path, settings_of: Callable[..., EngineSettings]
) -> None:
    (folder / "chat_template.jinja").unlink()

    with pytest.raises(ModelUnusable, match=r"chat_template\.jinja"):
        Glm4v.load(settings_of(folder))


def test_weights_quantised_by_others_are_refused(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "fp8"}
    (folder / "config.json").write_text(json.dumps(config))

    with pytest.raises(ModelUnusable, match=r'quantised already.*quantize to "int8" or "int4"'):
        find_checkpoint(str(folder))


def test_revision_of_a_hub_snapshot_is_its_commit(tmp_path: Path) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    settings = EngineSettings("a/b", dtype="bfloat16", quantize="int4", kv_dtype="fp8")

    revision = revision_of(tmp_path / "snapshots" / commit, settings)

    assert revision == f"{commit}-bfloat16-int4-fp8"


def test_revision_of_a_copy_is_the_same(random_checkpoint: Path, folder: Path) -> None:
    settings = EngineSettings("a/b")

    assert revision_of(folder, settings) == revision_of(random_checkpoint, settings)


@pytest.mark.parametrize(
    "name", ["config.json", "tokenizer.json", "preprocessor_config.json", "chat_template.jinja"]
)
def test_another_small_file_is_another_revision(folder: Path, name: str) -> None:
    before = revision_of(folder, EngineSettings("a/b"))

    (folder / name).write_text((folder / name).read_text() + " ")

    assert revision_of(folder, EngineSettings("a/b")) != before


def test_other_weights_of_the_same_shapes_are_another_revision(folder: Path) -> None:
    before = revision_of(folder, EngineSettings("a/b"))
    shard = sorted(folder.glob("*.safetensors"))[0]
    content = bytearray(shard.read_bytes())

    content[-1] ^= 1
    shard.write_bytes(content)

    assert revision_of(folder, EngineSettings("a/b")) != before


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of what was fetched from the hub."""
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def test_a_model_of_the_hub_is_fetched_when_all_its_weights_are_here(
    hub: Path, random_checkpoint: Path
) -> None:
    commit = "a" * 40
    cached = hub / "models--some--model"
    before = is_fetched("some/model")
    shutil.copytree(random_checkpoint, cached / "snapshots" / commit)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(commit, "utf-8")

    whole = is_fetched("some/model")
    next((cached / "snapshots" / commit).glob("*.safetensors")).unlink()

    assert (before, whole, is_fetched("some/model")) == (False, True, False)


@pytest.mark.parametrize("model", ["no/such/folder", "../gone", "a name/with blanks"])
def test_of_what_no_hub_has_nothing_is_fetched(model: str, hub: Path) -> None:
    assert is_fetched(model)
