"""The compose file of PostgreSQL, held against the bot's settings and the other files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from pydantic import SecretStr

from bot.config import load
from bot.storage.section import place_of
from tests.operations.images import DOCKER, SERVICES

FILE = DOCKER / "compose.postgres.yaml"
WHOLE = yaml.safe_load(FILE.read_text("utf-8"))
BOT, SERVER = WHOLE["services"]["visionbot"], WHOLE["services"]["postgres"]


def test_bot_reads_the_address_from_the_secret_that_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (named,) = BOT["environment"].items()
    url = tmp_path / Path(named[1]).name
    (written,) = re.findall(r"printf '(postgresql:[^']+)'", FILE.read_text("utf-8"))
    url.write_text(written.replace("%s", "word"), "utf-8")
    monkeypatch.setenv(named[0], str(url))

    settings = load()

    assert place_of(settings.storage.url) == "postgres/visionbot"
    assert f"/run/secrets/{url.name}" == named[1]
    assert url.name in BOT["secrets"]
    assert url.name in WHOLE["secrets"]


def test_server_makes_the_user_and_the_database_that_the_address_names() -> None:
    (written,) = re.findall(r"printf '(postgresql:[^']+)'", FILE.read_text("utf-8"))

    assert written.startswith(f"postgresql://{SERVER['environment']['POSTGRES_USER']}:")
    assert place_of(SecretStr(written)).endswith(f"/{SERVER['environment']['POSTGRES_DB']}")


def test_secrets_of_the_bot_itself_stay_its_own() -> None:
    assert set(SERVICES["visionbot"]["secrets"]) <= set(BOT["secrets"])


def test_server_is_closed_like_every_other_container() -> None:
    for key in ("read_only", "cap_drop", "security_opt", "restart", "logging"):
        assert SERVER[key] == SERVICES["nginx"][key], key
    assert "ports" not in SERVER
    assert re.fullmatch(r"\$\{POSTGRES_IMAGE:-postgres:\d+\.\d+-bookworm\}", SERVER["image"])
