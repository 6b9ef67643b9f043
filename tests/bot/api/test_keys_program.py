"""The program itself, where others can reach it: without a key it does not start."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.app import serve
from bot.config import Settings
from bot.errors import ConfigError


async def test_where_others_reach_the_api_the_program_does_not_start_without_a_key(
    tmp_path: Path,
) -> None:
    settings = Settings(
        storage={"data_dir": tmp_path},  # type: ignore[arg-type]  # as config.toml has it
        web={"host": "0.0.0.0", "port": 0, "sign_in": "open"},  # type: ignore[arg-type]
    )

    with pytest.raises(ConfigError) as caught:
        await serve(settings, on_ready=lambda _: None)

    for remedy in ("visionbot admin keys create NAME", "enabled = false", "127.0.0.1"):
        assert remedy in str(caught.value)
