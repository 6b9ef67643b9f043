from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from inference.build import EngineSection, build_service, resolve_model
from inference.engine.settings import EngineSettings
from inference.images.decode import PicturesSection
from inference.service import Service


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


def test_a_folder_of_the_name_demo_does_not_hide_the_demo_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "demo").mkdir()
    monkeypatch.chdir(tmp_path)

    assert resolve_model("demo") != str(tmp_path / "demo")


def test_the_engine_takes_every_setting_of_the_section() -> None:
    taken = {field.name for field in dataclasses.fields(EngineSettings)}
    assert taken - {"pages"} == set(EngineSection.model_fields)  # pages: for a restart alone


def test_a_service_is_built_without_starting_anything() -> None:
    service = build_service(EngineSection(), PicturesSection())

    assert isinstance(service, Service)


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
        {"unknown": 1},
    ],
    ids=lambda values: next(iter(values)),
)
def test_a_value_no_engine_can_use_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        EngineSection.model_validate(values)


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda", "cuda:1"])
def test_each_way_to_name_a_device_is_taken(device: str) -> None:
    assert EngineSection(device=device).device == device
