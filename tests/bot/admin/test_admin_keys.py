"""`visionbot admin keys`: made, listed and revoked on the machine, also beside a running bot."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bot.api.secret import parse_token
from bot.cli import app
from bot.storage.db import Database
from bot.storage.keys import Key, Keys


@pytest.fixture(autouse=True)
def _a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def typed(*words: str, language: str = "en") -> Result:
    return CliRunner().invoke(app, ["admin", *words, "--language", language])


def ordered(*words: str, language: str = "en") -> str:
    done = typed(*words, language=language)
    assert (done.exit_code, done.stderr) == (0, "")
    return done.stdout


def create(*words: str) -> str:
    """The key."""
    return ordered("keys", "create", *words).splitlines()[-1]


def kept(folder: Path) -> list[Key]:
    async def look() -> list[Key]:
        db = await Database.join(folder / "data")
        try:
            return await Keys(db).all()
        finally:
            await db.close()

    return asyncio.run(look())


def test_before_the_first_start_a_key_can_be_made(tmp_path: Path) -> None:
    token = parse_token(create("archive"))

    [key] = kept(tmp_path)
    assert (key.id, key.name, key.digest) == (token.id, "archive", token.digest)


def test_beside_a_running_bot_a_key_can_be_made(tmp_path: Path) -> None:
    async def run() -> str:
        bot = await Database.open(tmp_path / "data")
        try:
            return await asyncio.to_thread(create, "archive")
        finally:
            await bot.close()

    assert parse_token(asyncio.run(run())).id == kept(tmp_path)[0].id


def test_the_secret_is_shown_once_and_stands_nowhere(tmp_path: Path) -> None:
    secret = parse_token(create("archive")).secret

    shown = ordered("keys", "list") + ordered("audit") + ordered("quota")
    files = b"".join(file.read_bytes() for file in (tmp_path / "data").iterdir() if file.is_file())

    assert secret not in shown
    assert secret.encode() not in files


def test_every_key_is_another() -> None:
    keys = {create("same name") for _ in range(3)}

    assert len({parse_token(key).secret for key in keys}) == 3


def test_what_a_key_may_is_listed_and_its_tokens_are_a_limit_like_any_other() -> None:
    options = ["--tokens-per-day", "50000", "--requests-per-minute", "30", "--model", "demo"]
    token = parse_token(create("My app", *options))

    listed, quota = ordered("keys", "list"), ordered("quota")

    assert re.search(
        rf"^{token.id}  My app  made \S+ \S+  not used yet  "
        r"50000 tokens/day, 30 requests/minute, demo$",
        listed,
        re.MULTILINE,
    )
    assert f"My app (api:{token.id})  50000 tokens/day" in quota


def test_quota_role_and_ban_take_a_key_for_a_person() -> None:
    name = f"api:{parse_token(create('My app')).id}"

    assert "5 questions/day" in ordered("quota", name, "set", "5", "questions/day")
    assert f"My app ({name})" in ordered("ban", name, "2h", "loud")
    assert re.search(rf"^My app \({name}\) +member", ordered("role"), re.MULTILINE)
    assert re.search(r"^people known +1$", ordered("stats"), re.MULTILINE)


@pytest.mark.parametrize("prefix", ["", "api:"])
def test_a_revoked_key_stays_in_the_list_as_such(prefix: str) -> None:
    token = parse_token(create("My app"))

    first = ordered("keys", "revoke", prefix + token.id)
    second = ordered("keys", "revoke", token.id)

    assert (
        first == f"The key of My app (api:{token.id}) is revoked and opens nothing from now on.\n"
    )
    assert second == f"The key of My app (api:{token.id}) was revoked before.\n"
    assert re.search(rf"^{token.id}  My app .* revoked ", ordered("keys", "list"), re.MULTILINE)


def test_every_order_about_keys_is_traced() -> None:
    token = parse_token(create("My app"))
    ordered("keys", "revoke", token.id)
    typed("keys", "revoke", "k_nothing")

    lines = [re.split(r"  +", line)[2] for line in ordered("audit").splitlines()[1:]]

    assert lines == [
        "keys revoke k_nothing",
        f"keys revoke {token.id}",
        "keys create My app",
    ]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["create", ""], 2, "1 to 64 visible characters"),
        (["create", "x" * 65], 2, "1 to 64 visible characters"),
        (["create", "a\x1b[2Jb"], 2, "1 to 64 visible characters"),
    ],
)
def test_a_name_that_nobody_could_read_is_refused(words: list[str], code: int, said: str) -> None:
    done = typed("keys", *words)

    assert (done.exit_code, done.stdout) == (code, "")
    assert said in done.stderr


def test_a_key_that_is_not_there_is_said_with_where_to_look() -> None:
    create("My app")

    done = typed("keys", "revoke", "k_nothing")

    assert done.exit_code == 1
    assert "visionbot admin keys list" in done.stderr


def test_the_list_is_in_chinese_too() -> None:
    create("My app")

    assert "还没用过" in ordered("keys", "list", language="zh")


def test_without_keys_the_list_says_how_to_make_one(tmp_path: Path) -> None:
    async def make() -> None:
        await (await Database.open(tmp_path / "data")).close()

    asyncio.run(make())

    assert "visionbot admin keys create NAME" in ordered("keys", "list")
