"""Which names a key may call the model by, and how it is named without telling where it lies."""

from __future__ import annotations

import pytest

from bot.api.caller import Caller
from bot.api.errors import ApiError
from bot.api.models import Models
from inference.build import EngineSection
from inference.engine.base import EngineStats

ANYBODY = Caller("k_1")


def the_models(model="demo", *aliases, **section):
    stats = EngineStats(model="served-name", context_tokens=512)
    engine = EngineSection(model=model, **section)
    return Models(engine, lambda: stats, aliases=aliases, began=7.5)


def test_key_for_another_model_is_refused_by_every_name():
    models = the_models("demo", "gpt-4o")
    caller = Caller("k_2", models=frozenset({"other"}))

    for name in (None, "demo", "gpt-4o"):
        with pytest.raises(ApiError) as refused:
            models.check(name, caller)
        assert refused.value.fault == "api_model_forbidden"
    assert models.render_all(caller)["data"] == []


def test_key_for_the_model_may_use_its_aliases():
    models = the_models("demo", "gpt-4o")

    models.check("gpt-4o", Caller("k_2", models=frozenset({"demo"})))


def test_key_for_an_alias_may_use_that_alone():
    models = the_models("demo", "gpt-4o")
    caller = Caller("k_2", models=frozenset({"gpt-4o"}))

    models.check("gpt-4o", caller)
    with pytest.raises(ApiError):
        models.check("demo", caller)


def test_folder_is_named_without_its_path(tmp_path):
    (tmp_path / "glm").mkdir()

    assert the_models(str(tmp_path / "glm")).name == "glm"


def test_remote_model_is_named_as_its_server_does():
    models = the_models(kind="remote", base_url="http://127.0.0.1:1/v1")

    assert models.name == "served-name"


def test_other_weights_are_another_version():
    assert the_models().version != the_models(quantize="int8").version
    assert the_models().version == the_models().version
