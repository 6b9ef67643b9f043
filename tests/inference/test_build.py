from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from inference.build import EngineSection, build_service, resolve_model
from inference.engine.remote import RemoteSettings
from inference.engine.server.client import Timings
from inference.engine.settings import EngineSettings
from inference.errors import ModelUnusable
from inference.images.decode import PicturesSection
from inference.service import Service

REMOTE: dict[str, object] = {"kind": "remote", "base_url": "http://127.0.0.1:8000/v1"}


def test_demo_is_the_folder_in_the_package() -> None:
    folder = Path(resolve_model("demo"))

    config = json.loads((folder / "config.json").read_text("utf-8"))
    assert config["architectures"] == ["Glm4vForConditionalGeneration"]


def test_a_folder_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my-model").mkdir()
    monkeypatch.chdir(tmp_path)

    assert resolve_model("my-model") == str(tmp_path.resolve() / "my-model")


def test_what_is_no_folder_is_a_hub_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert resolve_model("zai-org/GLM-4.6V-Flash") == "zai-org/GLM-4.6V-Flash"


@pytest.mark.parametrize("model", ["{}/nowhere", "./nowhere", "nowhere", "~/no/where/at/all"])
def test_a_folder_that_does_not_exist_is_told_before_a_process_is_started(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    named = model.format(tmp_path)

    with pytest.raises(ModelUnusable, match=f"there is no folder {named}; .* or a hub id"):
        build_service(EngineSection(model=named), PicturesSection())


def test_a_folder_of_the_name_demo_does_not_hide_the_demo_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "demo").mkdir()
    monkeypatch.chdir(tmp_path)

    assert resolve_model("demo") != str(tmp_path / "demo")


def test_the_engine_takes_every_setting_of_the_section() -> None:
    taken = {field.name for field in dataclasses.fields(EngineSettings)}
    ours = set(EngineSection.model_fields) - {"kind", "base_url", "api_key"}
    assert taken - {"pages", "log_level"} == ours  # for a restart; as the log of the parent


def test_the_defaults_of_the_section_are_those_of_the_engine() -> None:
    section = EngineSection()

    assert section.local() == EngineSettings(model=resolve_model("demo"))


def test_a_remote_engine_is_told_of_its_server() -> None:
    section = EngineSection.model_validate(
        REMOTE
        | {
            "api_key": "k3y",
            "model": "glm",
            "max_sequences": 64,
            "max_context_tokens": 1024,
            "share_prefixes": "person",
            "start_timeout_s": 5,
            "step_timeout_s": 7,
        }
    )

    settings = section.remote()

    assert settings == RemoteSettings(
        "http://127.0.0.1:8000/v1",
        "glm",
        "k3y",
        64,
        1024,
        "person",
        5.0,
        Timings(between_tokens_s=7.0),
    )
    assert "k3y" not in repr(section) + repr(settings)


def test_a_remote_model_without_a_name_is_the_only_one_offered() -> None:
    assert EngineSection.model_validate(REMOTE).remote().model == ""


@pytest.mark.parametrize(
    ("values", "title"),
    [
        ({}, "demo"),
        ({"model": "zai-org/GLM-4.6V-Flash"}, "zai-org/GLM-4.6V-Flash"),
        (REMOTE, "the model at http://127.0.0.1:8000/v1"),
        (REMOTE | {"model": "glm"}, "glm at http://127.0.0.1:8000/v1"),
    ],
)
def test_people_are_told_which_model_it_is_and_where(values: dict[str, object], title: str) -> None:
    assert EngineSection.model_validate(values).title == title


@pytest.mark.parametrize("values", [{}, REMOTE], ids=["local", "remote"])
async def test_a_service_is_built_without_starting_anything(values: dict[str, object]) -> None:
    service = build_service(EngineSection.model_validate(values), PicturesSection())

    assert isinstance(service, Service)
    assert service.stats().state == "starting"


def test_torch_is_not_imported_here() -> None:
    code = "import sys, inference.build; print(*sys.modules)"

    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=15
    ).stdout.split()

    assert "inference.service" in loaded
    assert not {"torch", "transformers", "numpy", "PIL"} & set(loaded)


@pytest.mark.parametrize(
    "values",
    [
        {"model": ""},
        {"device": "gpu"},
        {"device": "cuda:x"},
        {"dtype": "float16"},
        {"max_sequences": 0},
        {"page_tokens": 0},
        {"kv_memory_mb": -1},
        {"start_timeout_s": 0.0},
        {"quantize": "int3"},
        {"kv_dtype": "float32"},
        {"attention": "flash"},
        {"max_per_person": -1},
        {"host_memory_mb": -2},
        {"share_prefixes": "all"},
        {"kind": "other"},
        {"base_url": "127.0.0.1:8000"},
        {"base_url": "http://me:secret@127.0.0.1/v1"},
        {"base_url": "http://127.0.0.1/v1?key=secret"},
        {"base_url": "http:///v1"},
        {"api_key": "two words"},
        {"api_key": "schlüssel"},
        {"unknown": 1},
    ],
    ids=str,
)
def test_a_value_no_engine_can_use_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        EngineSection.model_validate(values)


IMPOSSIBLE = {
    "remote without an address": ({"kind": "remote"}, "base_url is empty"),
    "an address for nobody": ({"base_url": "http://127.0.0.1/v1"}, 'kind is "local"'),
    "steps too small": ({"max_sequences": 32, "step_tokens": 16}, "step_tokens is 16"),
}


@pytest.mark.parametrize(("values", "said"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_what_cannot_be_together_is_refused_with_a_sentence(
    values: dict[str, object], said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        EngineSection.model_validate(values)


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda", "cuda:1"])
def test_each_way_to_name_a_device_is_taken(device: str) -> None:
    assert EngineSection(device=device).device == device
