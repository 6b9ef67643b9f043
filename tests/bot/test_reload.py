"""config.toml is read again while the program runs: whole or not at all."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from bot.admin.actor import Actor
from bot.admin.office import Office
from bot.config import load, reread
from bot.errors import ConfigError
from bot.rules import Changes, Rules
from bot.storage.audit import Act
from bot.storage.db import Database
from bot.storage.ledger import Ledger
from bot.storage.outbox import Outbox
from bot.storage.people import People


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "config.toml"
    write(file, "")
    return file


@pytest.fixture
def rules(file: Path) -> Rules:
    settings = load(file)
    return Rules(settings.rules(), partial(reread, settings, file))


def write(file: Path, text: str) -> None:
    file.write_text(text, "utf-8")


def test_a_file_that_has_not_changed_changes_nothing(rules: Rules) -> None:
    assert rules.reload() == Changes(())


def test_what_changed_counts_from_then_on_and_is_named(rules: Rules, file: Path) -> None:
    write(file, '[access]\nowners = ["telegram:1"]\n[quota]\nguest = ["5 q/day"]\n')

    assert rules.reload() == Changes(("access", "quota"))
    assert rules.now.access.owners == ("telegram:1",)
    assert rules.reload() == Changes(())


def test_what_needs_a_restart_is_named_each_time_until_there_is_one(
    rules: Rules, file: Path
) -> None:
    write(file, '[web]\nport = 9000\n[groups]\nanswer = "all"\n')

    assert rules.reload() == Changes(("groups",), need_restart=("web",))
    assert rules.reload() == Changes((), need_restart=("web",))


def test_a_file_with_a_fault_anywhere_changes_nothing(rules: Rules, file: Path) -> None:
    write(file, '[access]\nowners = ["telegram:1"]\n[web]\nport = "http"\n')

    with pytest.raises(ConfigError, match=r"\[web\] port is 'http'"):
        rules.reload()

    assert rules.now.access.owners == ()


def test_a_word_list_with_a_fault_changes_nothing_and_is_named(tmp_path: Path, file: Path) -> None:
    write(file, f'[storage]\ndata_dir = "{tmp_path}"\n')
    settings = load(file)
    rules = Rules(settings.rules(), partial(reread, settings, file))
    (tmp_path / "safety").mkdir()
    (tmp_path / "safety" / "own.txt").write_text("no category\n", "utf-8")
    write(file, f'[storage]\ndata_dir = "{tmp_path}"\n[safety]\nstrikes = 9\n')

    with pytest.raises(ConfigError, match=r"own\.txt, line 1: 'no category' has no category; put"):
        rules.reload()

    assert rules.now.safety.strikes != 9


async def test_an_admin_reads_what_changed_what_needs_a_restart_and_what_is_wrong(
    tmp_path: Path, rules: Rules, file: Path
) -> None:
    db = await Database.open(tmp_path)
    running = Office(db, rules, People(db), Ledger(db), Outbox(db)).running

    async def reload(event: str) -> str:
        return await running.reload(Actor(Act(event, "test:owner", "/reload"), "owner", "en"))

    write(file, '[web]\nport = 9000\n[groups]\nanswer = "all"\n')
    first = await reload("e1")
    write(file, "[web]\nprot = 9000\n")
    second = await reload("e2")
    await db.close()

    assert "Changed: [groups]" in first
    assert "only a restart brings it: [web]" in first
    assert "nothing was changed: [web] prot is not a setting; did you mean [web] port?" in second
