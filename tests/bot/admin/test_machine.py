"""`visionbot admin`: the orders of a chat, typed on the machine."""

from __future__ import annotations

import asyncio
import os
import pwd
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bot.cli import app
from bot.storage.db import Database
from bot.storage.sessions import Sessions


@pytest.fixture(autouse=True)
def _a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def database(tmp_path: Path) -> None:
    """As a bot that ran before has left it."""

    async def make() -> None:
        await (await Database.open(tmp_path / "data")).close()

    asyncio.run(make())


def typed(*words: str) -> Result:
    return CliRunner().invoke(app, ["admin", *words, "--language", "en"])


def ordered(*words: str) -> str:
    done = typed(*words)
    assert (done.exit_code, done.stderr) == (0, "")
    return done.stdout


def refused(*words: str) -> tuple[int, str]:
    """Exit code, and the one line that was complained."""
    done = typed(*words)
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return done.exit_code, line


@pytest.mark.usefixtures("database")
def test_a_broadcast_without_words_asks_for_them() -> None:
    code, said = refused("broadcast")

    assert code == 2
    assert "broadcast" in said
    assert "Error" not in said


@pytest.mark.usefixtures("database")
def test_limits_are_changed_and_shown_without_the_bot() -> None:
    changed = ordered("quota", "telegram:12345", "set", "50", "questions/day")
    given = ordered("quota", "group:telegram:-100", "give", "5 questions")
    shown = ordered("quota")

    assert changed == "telegram:12345 now has 50 questions/day.\n"
    assert given.startswith("Group telegram:-100 got 5 questions more")
    assert re.search(r"^telegram:12345  +50 questions/day  +/quota$", shown, re.MULTILINE)
    assert re.search(r"^the role guest  +no limits  +config.toml$", shown, re.MULTILINE)


@pytest.mark.usefixtures("database")
def test_every_order_is_traced_with_the_user_of_the_machine() -> None:
    orders = [
        ["allow", "telegram:1"],
        ["role", "telegram:2", "admin"],
        ["ban", "telegram:3", "2h", "spam"],
        ["unban", "telegram:3"],
        ["pause", "30", "Back", "soon"],
        ["resume"],
    ]
    for words in orders:
        ordered(*words)

    lines = ordered("audit").splitlines()[1:]

    actor = f"machine:{pwd.getpwuid(os.getuid()).pw_name}"
    traced = [re.split(r"  +", line)[1:3] for line in reversed(lines)]
    assert traced == [[actor, " ".join(words)] for words in orders]


@pytest.mark.usefixtures("database")
def test_who_has_a_role_and_who_is_banned_is_listed() -> None:
    ordered("role", "telegram:2", "admin")
    ordered("ban", "telegram:3")

    assert re.search(r"^telegram:2  admin  /role$", ordered("role"), re.MULTILINE)
    assert re.search(r"^telegram:3  until further notice$", ordered("ban"), re.MULTILINE)
    assert re.search(r"^banned  +1$", ordered("stats"), re.MULTILINE)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("ban telegram:1", "telegram:1 is an owner, which no command changes"),
        ("unban telegram:1", "telegram:1 is an owner, which no command changes"),
        ("role telegram:1 guest", "telegram:1 is an owner"),
        ("role telegram:2 guest", "config.toml makes telegram:2 an admin"),
        ("broadcast confirm 9", "There is no broadcast 9"),
    ],
)
@pytest.mark.usefixtures("database")
def test_an_order_that_a_rule_forbids_changes_nothing_and_is_exit_code_1(
    tmp_path: Path, line: str, said: str
) -> None:
    access = '[access]\nowners = ["telegram:1"]\nadmins = ["telegram:2"]\n'
    (tmp_path / "config.toml").write_text(access, "utf-8")

    code, complaint = refused(*line.split())

    assert code == 1
    assert said in complaint
    assert line in ordered("audit")


@pytest.mark.usefixtures("database")
def test_a_strangers_words_give_no_orders_to_the_terminal() -> None:
    ordered("ban", "telegram:3", "\x1b]0;owned\x07 \x1b[2J")

    assert "\x1b" not in ordered("ban")


@pytest.mark.usefixtures("database")
def test_a_broadcast_without_a_terminal_waits_to_be_confirmed() -> None:
    assert "Broadcast 1 is written" in ordered("broadcast", "Hello", "all")
    assert "goes out to 0 chats" in ordered("broadcast", "confirm", "1")
    assert "goes out to 0 chats" in ordered("broadcast", "--yes", "Hello again")
    assert "is done" in ordered("broadcast", "status", "2")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("quota 12345", "'12345' names no platform"),
        ("quota -100 reset", "'-100' names no platform"),
        ("quota group reset", "this is no group"),
        ("quota telegram:1 set 5 questions/dya", "'dya'; did you mean day?"),
        ("allow telegram:-100", "is a group"),
        ("role telegram:1 bos", "there is no role 'bos'"),
        ("ban telegram:1 2x", "'2x' is no duration"),
        ("pause 0", "write 1 minute to 10 years"),
    ],
)
@pytest.mark.usefixtures("database")
def test_an_order_that_means_nothing_is_one_line_and_exit_code_2(line: str, said: str) -> None:
    code, complaint = refused(*line.split())

    assert code == 2
    assert said in complaint
    assert complaint.endswith(f"see visionbot admin {line.split()[0]} --help")


def test_without_a_database_an_order_says_what_to_do() -> None:
    code, complaint = refused("stats")

    assert code == 1
    assert "start visionbot once" in complaint


@pytest.mark.usefixtures("database")
def test_settings_with_a_fault_are_not_read_again(tmp_path: Path) -> None:
    assert ordered("reload").startswith("No visionbot is running")
    (tmp_path / "config.toml").write_text('[quota]\nguest = ["5 questions/dya"]\n', "utf-8")

    code, complaint = refused("reload")

    assert code == 2
    assert "[quota] guest is '5 questions/dya'" in complaint


@pytest.mark.usefixtures("database")
def test_link_to_the_operators_page_is_for_whoever_runs_it_and_works_once(tmp_path: Path) -> None:
    printed = ordered("page")

    found = re.search(r"^http://127\.0\.0\.1:8080/admin#(\S{20,})$", printed, re.MULTILINE)
    assert found is not None
    assert "The bot is not running" in printed

    async def redeem() -> list[str | None]:
        db = await Database.join(tmp_path / "data")
        sessions = Sessions(db)
        tokens = [await sessions.redeem(found[1], "console", lasts_s=60) for _ in range(2)]
        session = await sessions.find(tokens[0] or "", "console")
        await db.close()
        return [session and session.person, tokens[1]]

    assert asyncio.run(redeem()) == [f"machine:{pwd.getpwuid(os.getuid()).pw_name}", None]


@pytest.mark.usefixtures("database")
def test_link_is_written_down_but_not_what_it_is(tmp_path: Path) -> None:
    code = ordered("page").partition("#")[2].split()[0]

    lines = ordered("audit")

    assert "A link to the operator's page was made." in lines
    files = [file for file in (tmp_path / "data").iterdir() if file.is_file()]
    assert not any(code.encode() in file.read_bytes() for file in files)


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("host", "address"),
    [("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("::1", "[::1]"), ("10.0.0.7", "10.0.0.7")],
)
def test_link_names_an_address_that_a_browser_can_open(
    monkeypatch: pytest.MonkeyPatch, host: str, address: str
) -> None:
    monkeypatch.setenv("VISIONBOT_WEB__HOST", host)
    monkeypatch.setenv("VISIONBOT_WEB__PORT", "9000")
    monkeypatch.setenv("VISIONBOT_WEB__ACCESS_CODE", "a long access code")

    assert f"http://{address}:9000/admin#" in ordered("page")


@pytest.mark.parametrize("words", [["verify"], ["restore", "--yes"]])
def test_a_folder_that_is_no_backup_is_called_so(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "pictures").mkdir()

    code, said = refused(words[0], "pictures", *words[1:])

    assert code == 1
    assert said == (
        "visionbot: pictures is no backup of visionbot; "
        "name the folder that `visionbot admin backup` made"
    )


def test_a_backup_of_a_bot_on_a_server_is_said_to_hold_no_database(tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "made_at").write_text("1790000000.000\n", "ascii")

    code, said = refused("verify", "copy")

    assert code == 1
    assert said.startswith("visionbot: copy holds no database: that was on a server")


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("words", [["verify"], ["restore", "--yes"]])
def test_for_a_damaged_backup_another_one_is_asked(tmp_path: Path, words: list[str]) -> None:
    ordered("backup", "copy")
    (tmp_path / "copy" / "visionbot.db").write_bytes(b"no database at all")

    code, said = refused(words[0], "copy", *words[1:])

    assert code == 1
    assert said.endswith("; take another backup")
    assert "restore it" not in said


@pytest.mark.usefixtures("database")
def test_for_damage_in_the_data_folder_itself_a_backup_is_asked(tmp_path: Path) -> None:
    (tmp_path / "data" / "visionbot.db").write_bytes(b"no database at all")

    code, said = refused("verify", "data")

    assert code == 1
    assert "restore it from a backup" in said
