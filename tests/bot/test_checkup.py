"""`visionbot check` tells what the next start will find, and leaves everything as it is."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import socket
import unicodedata
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.api.addresses import is_loopback
from bot.checkup.card import look_at_card
from bot.checkup.chats import look_at_matrix, look_at_service, look_at_telegram
from bot.checkup.check import check
from bot.checkup.days import look_at_days
from bot.checkup.doors import look_at_keys, look_at_metrics, look_at_port, look_at_sign_in
from bot.checkup.finding import Finding, Round
from bot.checkup.kept import look_at_database, look_at_folder, look_at_secrets
from bot.checkup.model import look_at_model
from bot.checkup.running import Running, find_running
from bot.config import Settings, load
from bot.storage.db import Database
from bot.storage.keys import Key, Keys
from bot.watching.cards import Card, Cards

# Nobody listens there; a model of our own would load torch first, which takes seconds.
UNREACHABLE = """[engine]
kind = "remote"
base_url = "http://127.0.0.1:9/v1"
start_timeout_s = 1
[ocr]
enabled = "off"
[web]
port = 0
"""
GLM = {"model": "zai-org/GLM-4.6V-Flash"}


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("VISIONBOT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """The data in a folder that does not exist yet; a model that fails fast."""
    file = tmp_path / "config.toml"
    file.write_text(f'[storage]\ndata_dir = "{tmp_path}/new/data"\n{UNREACHABLE}', "utf-8")
    return file


def a_round(folder: Path, running: Running | None = None, **sections: object) -> Round:
    return Round(Settings(storage={"data_dir": folder}, **sections), None, "en", running)


def names(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


async def checked(file: Path) -> dict[str, Finding]:
    """By part; the model is none, so not all is well."""
    said: list[str] = []
    assert not await check(file, "en", said.append, as_json=True)
    rows = json.loads("\n".join(said))
    return {row["part"]: Finding(row["state"], row["detail"], row["remedy"]) for row in rows}


async def test_each_part_is_looked_at_though_others_fail(settings: Path) -> None:
    parts = await checked(settings)

    assert {name: part.state for name, part in parts.items()} == {
        "settings": "ok",
        "secrets": "off",
        "data": "ok",
        "disk": "ok",
        "database": "ok",
        "days": "ok",
        "gpu": "off",
        "port": "ok",
        "api": "ok",
        "sign_in": "ok",
        "metrics": "ok",
        "words": "ok",
        "ocr": "off",
        "heic": "ok" if find_spec("pillow_heif") else "off",
        "guards": "off",
        "telegram": "off",
        "matrix": "off",
        "service": "off",
        "model": "problem",
    }


async def test_nothing_is_made(settings: Path, tmp_path: Path) -> None:
    before = names(tmp_path)

    parts = await checked(settings)

    assert parts["data"].detail == f"will be created at {tmp_path}/new/data"
    assert parts["database"].detail == "will be created at the first start"
    assert names(tmp_path) == before


async def test_a_word_list_with_a_fault_is_named_with_what_to_do(
    settings: Path, tmp_path: Path
) -> None:
    own = tmp_path / "new" / "data" / "safety"
    own.mkdir(parents=True)
    (own / "own.txt").write_text("no category\n", "utf-8")

    words = (await checked(settings))["words"]

    assert words.state == "problem"
    assert words.detail == "own.txt, line 1: 'no category' has no category"
    assert words.remedy == "put one above it, [weapons]"


async def test_wrong_settings_are_the_only_part_with_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[web]\nprot = 1", "utf-8")

    parts = await checked(file)

    remedy = "did you mean [web] port?"
    assert parts == {"settings": Finding("problem", "[web] prot is not a setting", remedy)}


def widths(lines: Sequence[str], column: str) -> set[int]:
    """Where that column begins in a terminal, in which Chinese takes two places."""
    starts = [line[: line.index(column)] for line in lines if column in line]
    return {sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in s) for s in starts}


@pytest.mark.parametrize(("language", "ok"), [("zh", "正常"), ("en", "ok")])
async def test_the_table_stands_in_columns_and_ends_with_a_verdict(
    language: str, ok: str, settings: Path
) -> None:
    said: list[str] = []

    await check(settings, language, said.append, as_json=False)

    *rows, _, verdict = said[0].splitlines()
    assert len(widths([row for row in rows if row.split()[1:2] == [ok]], f" {ok} ")) == 1
    assert any(row.strip().startswith("→ ") for row in rows)
    assert "1" in verdict


@pytest.mark.parametrize(
    ("locale", "word"), [("zh_CN.UTF-8", "端口"), ("en_GB", "port"), ("C", "端口")]
)
async def test_it_speaks_as_the_terminal_does_else_as_configured(
    locale: str, word: str, settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", locale)
    said: list[str] = []

    await check(settings, None, said.append, as_json=False)

    assert any(line.startswith(word) for line in said[0].splitlines())


async def test_a_data_folder_that_cannot_be_made_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "new").write_text("a file", "utf-8")

    found = await look_at_folder(a_round(tmp_path / "new" / "data"))

    assert (found.state, found.detail) == ("problem", f"{tmp_path}/new is a file, not a folder")


@pytest.mark.parametrize(("mode", "state"), [(0o700, "ok"), (0o750, "ok"), (0o755, "problem")])
async def test_a_data_folder_that_others_can_read_is_a_problem(
    mode: int, state: str, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(mode)

    found = await look_at_folder(a_round(folder))

    assert found.state == state
    assert found.remedy == (f"run: chmod 700 {folder}" if state == "problem" else "")


@pytest.mark.parametrize(("mode", "state"), [(0o600, "ok"), (0o640, "ok"), (0o644, "problem")])
async def test_a_secret_that_others_can_read_is_a_problem(
    mode: int, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "token"
    file.write_text("123456:never-shown", "utf-8")
    file.chmod(mode)
    monkeypatch.setenv("VISIONBOT_TELEGRAM__TOKEN_FILE", str(file))

    found = await look_at_secrets(Round(load(), None, "en", None))

    assert found.state == state
    assert str(file) in found.detail
    assert "never-shown" not in found.detail


async def test_secrets_are_named_and_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISIONBOT_MATRIX__PASSWORD", "never-shown")

    found = await look_at_secrets(Round(load(), None, "en", None))

    assert found == Finding("ok", "set: matrix.password")


async def test_a_database_that_is_damaged_is_a_problem_with_its_remedy(
    settings: Path, tmp_path: Path
) -> None:
    (tmp_path / "new" / "data").mkdir(parents=True)
    (tmp_path / "new" / "data" / "visionbot.db").write_bytes(b"not a database" * 100)

    parts = await checked(settings)

    assert parts["database"].state == "problem"
    assert "visionbot.db" in parts["database"].detail
    assert parts["port"].state == "ok"


async def test_it_may_run_beside_the_program(tmp_path: Path) -> None:
    async def health(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    app = web.Application()
    app.add_routes([web.get("/health", health)])
    db = await Database.open(tmp_path)
    try:
        async with TestServer(app, host="127.0.0.1") as server:
            given = a_round(tmp_path, web={"port": server.port})
            running = await find_running(given.settings)
            round_ = a_round(tmp_path, running, web={"port": server.port})
            looks = (look_at_port, look_at_database, look_at_model)
            port, database, model = await asyncio.gather(*(look(round_) for look in looks))
    finally:
        await db.close()

    assert running == Running(os.getpid(), {"status": "ok"})
    address = f"127.0.0.1:{given.settings.web.port}"
    assert port.detail == f"{address}, held by the running program (process {os.getpid()})"
    assert database.state == "ok"
    assert model.detail == f"the running program (process {os.getpid()}) has demo loaded"


async def test_a_running_program_that_cannot_answer_is_a_problem(tmp_path: Path) -> None:
    running = Running(7, {"status": "engine down"})

    found = await look_at_model(a_round(tmp_path, running))

    assert (found.state, "engine down" in found.detail) == ("problem", True)


async def test_a_model_that_is_not_here_is_not_fetched(tmp_path: Path) -> None:
    engine = {"model": "nobody-has/such-a-model", "start_timeout_s": 1}

    found = await look_at_model(a_round(tmp_path, engine=engine))

    assert (found.state, "not downloaded yet" in found.detail) == ("off", True)


@contextlib.contextmanager
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


async def test_who_holds_the_port_is_named(tmp_path: Path) -> None:
    with taken() as port:
        found = await look_at_port(a_round(tmp_path, web={"port": port}))

    assert found.state == "problem"
    assert found.detail.startswith(f"127.0.0.1:{port} is taken by process {os.getpid()} (")
    assert "[web] port" in found.remedy


async def test_an_address_of_another_machine_is_a_problem(tmp_path: Path) -> None:
    web = {"host": "203.0.113.7", "sign_in": "open"}

    found = await look_at_port(a_round(tmp_path, web=web))

    assert found.state == "problem"
    assert "[web] host" in found.remedy


@pytest.mark.parametrize(
    ("host", "made", "state"),
    [("127.0.0.1", 0, "ok"), ("0.0.0.0", 0, "problem"), ("0.0.0.0", 1, "ok")],
)
async def test_where_others_can_reach_the_api_there_must_be_a_key(
    host: str, made: int, state: str, tmp_path: Path
) -> None:
    db = await Database.open(tmp_path)
    async with db.write() as connection:
        for number in range(made):
            await Keys(db).add_with(connection, Key(f"k_{number}", "the archive", "0" * 64))
    await db.close()

    web = {"host": host, "sign_in": "open"}

    found = await look_at_keys(a_round(tmp_path, web=web))

    assert found.state == state
    assert ("visionbot admin keys create" in found.remedy) == (state == "problem")


async def test_keys_that_are_always_needed_must_be_there(tmp_path: Path) -> None:
    found = await look_at_keys(a_round(tmp_path, api={"needs_key": "always"}))

    assert (found.state, "always" in found.detail) == ("problem", True)


@pytest.mark.parametrize(
    ("web", "state", "says"),
    [
        ({}, "ok", "only this machine"),
        ({"enabled": False}, "off", "[web] enabled"),
        ({"host": "0.0.0.0", "sign_in": "open"}, "ok", "whoever reaches 0.0.0.0"),
        ({"access_code": "Xk3-Qm9-Zt1"}, "ok", "by the access code"),
        ({"access_code": "12345678901"}, "problem", "easy to guess: 11 characters"),
        ({"access_code": "aaaaaaaaaaaaaaaa"}, "problem", "1 different ones"),
        ({"sign_in": "proxy", "trusted_proxies": ["127.0.0.1"]}, "ok", "a reverse proxy"),
    ],
)
async def test_how_people_sign_in_is_told_but_not_the_code(
    web: dict[str, object], state: str, says: str, tmp_path: Path
) -> None:
    found = await look_at_sign_in(a_round(tmp_path, web=web))

    assert (found.state, says in found.detail) == (state, True), found
    assert str(web.get("access_code", "-code-")) not in found.detail + found.remedy


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
async def test_who_may_read_the_metrics_is_told(host: str, tmp_path: Path) -> None:
    web = {"host": host, "sign_in": "open"}

    found = await look_at_metrics(a_round(tmp_path, web=web))

    assert found.state == ("ok" if is_loopback(host) else "off")


@pytest.mark.parametrize(
    ("chat", "token", "state"),
    [
        ("", "", "off"),
        ("telegram:-100", "123456:token", "ok"),
        ("telegram:-100", "", "problem"),
    ],
    ids=["off", "on", "platform off"],
)
async def test_a_staff_chat_on_a_platform_that_is_off_is_a_problem(
    chat: str, token: str, state: str, tmp_path: Path
) -> None:
    round_ = a_round(tmp_path, service={"staff_chat": chat}, telegram={"token": token})

    assert (await look_at_service(round_)).state == state


@pytest.mark.parametrize("platform", ["telegram", "matrix"])
async def test_a_platform_that_cannot_be_reached_is_a_problem_with_its_remedy(
    platform: str, tmp_path: Path
) -> None:
    sections = {
        "telegram": {"token": "123456:never-shown", "base_url": "http://127.0.0.1:9"},
        "matrix": {
            "homeserver": "http://127.0.0.1:9",
            "user": "@bot:example.org",
            "password": "never-shown",
        },
    }
    looks = {"telegram": look_at_telegram, "matrix": look_at_matrix}
    round_ = a_round(tmp_path, **{platform: sections[platform]})

    found = await looks[platform](round_)

    assert found.state == "problem"
    assert "http://127.0.0.1:9" in found.remedy
    assert "never-shown" not in found.detail + found.remedy


def cards(*gigabytes: float) -> Cards:
    """Of so much memory, a tenth of it in use."""
    found = tuple(
        Card(n, f"Card {n}", int(gb * 1e9), int(gb * 1e8), driver="580.1")
        for n, gb in enumerate(gigabytes)
    )
    return Cards(lambda: found)


@pytest.mark.parametrize(
    ("engine", "there", "state", "says"),
    [
        ({}, [], "ok", "on the CPU"),
        ({"device": "cuda"}, [], "problem", "no NVIDIA card was found"),
        (GLM, [], "problem", "takes minutes"),
        ({"device": "cpu"} | GLM, [24.0], "off", "on the CPU"),
        ({"device": "cuda:1"}, [24.0], "problem", "1 cards, numbered from 0"),
        (GLM, [24.5], "ok", "Card 0 (driver 580.1), 24.5 GB"),
        (GLM, [16.0], "problem", "14.4 GB of them free, but"),
        (GLM | {"quantize": "int8"}, [16.0], "ok", "takes about 12.6 GB"),
        (GLM | {"device": "cuda:1"}, [8.0, 24.0], "ok", "Card 1"),
        ({"model": "some/other"}, [24.0], "ok", "not downloaded yet"),
    ],
)
async def test_the_card_must_have_room_for_the_model(
    engine: dict[str, str], there: list[float], state: str, says: str, tmp_path: Path
) -> None:
    found = await look_at_card(a_round(tmp_path, engine=engine), cards(*there))

    assert (found.state, says in found.detail) == (state, True), found


async def test_a_card_that_is_too_small_is_told_what_would_fit(tmp_path: Path) -> None:
    small = await look_at_card(a_round(tmp_path, engine=GLM), cards(16.0))
    smaller = await look_at_card(a_round(tmp_path, engine=GLM), cards(11.0))
    hopeless = await look_at_card(a_round(tmp_path, engine=GLM), cards(6.0))

    assert small.remedy.startswith('set [engine] quantize = "int8", or close what uses the card')
    assert smaller.remedy.startswith('set [engine] quantize = "int4"')
    assert hopeless.remedy.startswith("close what uses the card")


async def test_memory_that_our_own_program_holds_is_there_for_the_model(tmp_path: Path) -> None:
    full = Cards(lambda: (Card(0, "Card", int(24e9), int(23e9)),))

    beside = await look_at_card(a_round(tmp_path, Running(7), engine=GLM), full)
    alone = await look_at_card(a_round(tmp_path, engine=GLM), full)

    assert (beside.state, alone.state) == ("ok", "problem")


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("Asia/Shanghai", "midnight in Asia/Shanghai, where it is .* now .UTC.8.$"),
        ("", "midnight of this machine, .* timezone names another zone$"),
    ],
)
async def test_the_zone_in_which_days_begin_is_named(zone: str, said: str, tmp_path: Path) -> None:
    found = await look_at_days(a_round(tmp_path, quota={"timezone": zone}))

    assert found.state == "ok"
    assert re.search(said, found.detail)
