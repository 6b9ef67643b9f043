from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from inference.build import EngineSection
from inference.earlier.revision import Revision
from inference.engine.base import EngineStats
from inference.engine.model import checkpoint

FILES = ("config.json", "tokenizer.json", "preprocessor_config.json")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """As much of a checkpoint as tells it apart from others."""
    for name in FILES:
        (tmp_path / name).write_text("{}", "utf-8")
    save_file({"a": np.zeros(2, np.float32)}, tmp_path / "model.safetensors")
    return tmp_path


def told(engine: EngineSection, model: str = "m") -> str:
    return Revision(engine, lambda: EngineStats(model, 8192)).name()


def test_a_model_whose_files_changed_has_another_name(folder: Path) -> None:
    engine = EngineSection(model=str(folder))
    before = told(engine)

    (folder / "config.json").write_text('{"layers": 2}', "utf-8")

    assert told(engine) != before


def test_an_engine_that_starts_anew_may_have_read_other_files(folder: Path) -> None:
    stats = [EngineStats("m", 8192)]
    revision = Revision(EngineSection(model=str(folder)), lambda: stats[-1])
    before = revision.name()

    (folder / "config.json").write_text('{"layers": 2}', "utf-8")
    in_between = revision.name()
    stats.append(EngineStats("m", 8192, restarts=1))

    assert in_between == before
    assert revision.name() != before


def test_the_same_files_have_the_same_name_at_every_start(folder: Path) -> None:
    engine = EngineSection(model=str(folder))

    assert told(engine) == told(engine)


@pytest.mark.parametrize("other", [{"quantize": "int8"}, {"dtype": "bfloat16"}], ids=str)
def test_weights_that_are_stored_otherwise_have_another_name(
    folder: Path, other: dict[str, str]
) -> None:
    plain = EngineSection(model=str(folder))

    assert told(EngineSection(model=str(folder), **other)) != told(plain)  # type: ignore[arg-type]


def test_of_a_server_elsewhere_its_address_and_the_models_name_count() -> None:
    one = EngineSection(kind="remote", base_url="http://a/v1")
    other = EngineSection(kind="remote", base_url="http://b/v1")

    assert len({told(one), told(one, "n"), told(other)}) == 3


def test_before_the_hub_has_sent_a_model_there_is_only_its_name() -> None:
    assert told(EngineSection(model="nobody-has/this-model")).endswith("nobody-has/this-model ")


def test_the_hub_is_looked_for_on_this_machine_alone(folder: Path) -> None:
    assert checkpoint.fetched_folder(str(folder)) == folder
    assert checkpoint.fetched_folder("nobody-has/this-model") is None
    assert checkpoint.fetched_folder("no hub id") is None
