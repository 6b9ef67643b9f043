"""The program as it is typed: words out, exit codes, signals. Models and ports are real."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
from PIL import Image, ImageDraw

# Starts an engine, which takes seconds: `-m "not e2e"` passes these over.
engine = [pytest.mark.e2e, pytest.mark.timeout(120)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def circle(folder: Path) -> Path:
    file = folder / "a red circle.png"
    drawn = Image.new("RGB", (280, 280), "white")
    ImageDraw.Draw(drawn).ellipse((80, 80, 200, 200), fill=(220, 30, 30))
    drawn.save(file)
    return file


def environment(folder: Path, settings: Mapping[str, object]) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if "VISIONBOT" not in name}
    given = {"STORAGE__DATA_DIR": folder / "data", "WEB__PORT": 0} | settings
    named = {f"VISIONBOT_{name}": str(value) for name, value in given.items()}
    return clean | {"LC_ALL": "C.UTF-8"} | named


def typed(
    folder: Path, *words: str | Path, keys: str = "", **settings: object
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", *map(str, words)],
        cwd=folder,
        env=environment(folder, settings),
        input=keys,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def one_line(text: str) -> str:
    """The only line of `text`."""
    (line,) = text.splitlines()
    return line


def browser(folder: Path) -> Path:
    """A browser that stays open until its address is read from the pipe `opened`."""
    os.mkfifo(folder / "opened")
    script = folder / "browser"
    script.write_text(f'#!/bin/sh\necho "$1" > {folder}/opened\n', "utf-8")
    script.chmod(0o700)
    return script


@contextmanager
def running(folder: Path, **settings: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`visionbot run`, and what it printed until the page's address was there."""
    program = subprocess.Popen(
        [sys.executable, "-m", "bot", "run", "--open"],
        cwd=folder,
        env=environment(folder, settings) | {"BROWSER": f"{browser(folder)} %s", "DISPLAY": ":0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert program.stdout is not None
    printed = ""
    try:
        while "Telegram" not in printed:
            line = program.stdout.readline()
            assert line, f"it ended with {program.wait()} after {printed!r}"
            printed += line
        yield program, printed
    finally:
        program.kill()
        program.wait()
        program.stdout.close()  # not read to its end: an open browser has it too


def test_version_and_help_load_no_heavy_library() -> None:
    code = "import sys, bot.cli; print(*sys.modules)"

    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=15
    ).stdout.split()

    assert "typer" in loaded
    assert not {"torch", "telegram", "sqlalchemy", "aiohttp", "pydantic"} & set(loaded)


def test_version_is_the_packages(folder: Path) -> None:
    done = typed(folder, "--version")

    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"visionbot \d+\.\d+\.\d+\n", done.stdout)


@pytest.mark.parametrize("command", ["run", "chat", "ask", "check"])
def test_each_command_explains_itself_with_examples_and_exit_codes(
    command: str, folder: Path
) -> None:
    done = typed(folder, command, "--help")

    assert done.returncode == 0
    assert "--config" in done.stdout
    assert re.search(rf"^ visionbot {command}\b", done.stdout, re.MULTILINE)
    assert "Exit codes: 0 " in done.stdout


def test_the_help_says_where_settings_come_from(folder: Path) -> None:
    said = " ".join(typed(folder, "--help").stdout.split())

    assert "VISIONBOT_WEB__PORT=9000" in said
    assert "VISIONBOT_TELEGRAM__TOKEN_FILE" in said
    assert "config.toml" in said


def test_each_command_of_admins_stands_in_a_group(folder: Path) -> None:
    done = typed(folder, "admin", "--help")

    titles = re.findall(r"^╭─ (.*?) ─", done.stdout, re.MULTILINE)
    groups = ["People and their limits", "The running bot", "Records", "Content safety"]
    assert titles == ["Options", *groups]


@pytest.mark.parametrize(
    ("locale", "says"), [("zh_CN.UTF-8", "读不到文件"), ("en_GB.UTF-8", "Cannot read")]
)
def test_it_speaks_the_language_of_the_terminal(locale: str, says: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bot", "ask", "--photo", "nowhere.jpg", "?"],
        cwd=folder,
        env=environment(folder, {}) | {"LC_ALL": locale, "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=15,
        check=False,
    )

    assert says in one_line(done.stderr)


@pytest.mark.parametrize("words", [["run"], ["chat"], ["ask", "what?"]], ids=lambda w: w[0])
def test_a_wrong_setting_is_one_line_and_exit_code_2(words: list[str], folder: Path) -> None:
    done = typed(folder, *words, WEB__PROT=1)

    assert done.returncode == 2
    assert one_line(done.stderr).startswith("visionbot: VISIONBOT_WEB__PROT is not a setting")
    assert done.stdout == ""


def test_check_names_a_wrong_setting(folder: Path) -> None:
    done = typed(folder, "check", "--language", "en", WEB__PORT="http")

    assert done.returncode == 1
    assert re.match(r"settings +problem +VISIONBOT_WEB__PORT is 'http', but", done.stdout)


@pytest.mark.parametrize(
    "words",
    [["ask"], ["ask", "--temperature", "9", "what?"], ["ask", "--max-tokens", "0", "what?"]],
    ids=["no question", "too hot", "no tokens"],
)
def test_wrong_usage_is_exit_code_2(words: list[str], folder: Path) -> None:
    assert typed(folder, *words).returncode == 2


def test_a_reader_that_went_away_ends_it_quietly(folder: Path) -> None:
    read, write = os.pipe()
    os.close(read)

    with open(write, "wb") as unread:  # noqa: PTH123  (a descriptor, not a path)
        done = subprocess.run(
            [sys.executable, "-m", "bot", "check"],
            cwd=folder,
            env=environment(folder, {"WEB__PORT": "http"}),
            stdout=unread,
            stderr=subprocess.PIPE,
            text=True,
            timeout=15,
            check=False,
        )

    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, "")


def test_an_unusable_photo_is_a_sentence_and_exit_code_2(folder: Path) -> None:
    file = folder / "drawing.jpg"
    Image.new("RGB", (64, 64)).save(file, "BMP")

    done = typed(folder, "ask", "--language", "en", "--photo", file, "what?")

    assert (done.returncode, done.stdout) == (2, "")
    assert "JPEG, PNG, WebP" in one_line(done.stderr)


def test_a_photo_that_is_not_there_is_named(folder: Path) -> None:
    done = typed(folder, "ask", "--photo", "nowhere.jpg", "什么？")

    assert (done.returncode, done.stdout) == (2, "")
    assert "读不到文件 nowhere.jpg" in one_line(done.stderr)


@pytest.mark.timeout(120)  # torch is slow to load
def test_an_unusable_model_is_one_line_and_exit_code_1(folder: Path) -> None:
    (folder / "empty").mkdir()

    done = typed(folder, "ask", "what?", ENGINE__MODEL=folder / "empty")

    assert (done.returncode, done.stdout) == (1, "")
    assert str(folder / "empty") in one_line(done.stderr)


@pytest.mark.timeout(120)  # torch is slow to load
def test_a_failed_check_is_told_and_the_other_parts_still_looked_at(folder: Path) -> None:
    (folder / "empty").mkdir()
    (folder / "data").mkdir()
    (folder / "data" / "visionbot.db").write_bytes(b"not a database" * 100)
    token = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1"
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
        given = {"TELEGRAM__TOKEN": token, "TELEGRAM__BASE_URL": address}

        done = typed(folder, "check", "--language", "en", ENGINE__MODEL=folder / "empty", **given)

    assert done.returncode == 1
    assert re.search(r"^secrets +ok +set: telegram.token$", done.stdout, re.MULTILINE)
    assert re.search(r"^database +problem +.*visionbot\.db", done.stdout, re.MULTILINE)
    assert re.search(r"^model +problem ", done.stdout, re.MULTILINE)
    assert re.search(r"^Telegram +problem ", done.stdout, re.MULTILINE)
    assert token not in done.stdout + done.stderr


def test_a_port_in_use_is_refused_in_one_line(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        done = typed(folder, "run", WEB__PORT=port, LOG__LEVEL="error")

    assert done.returncode == 1
    assert f"127.0.0.1:{port}" in one_line(done.stderr)


def test_what_keeps_it_from_starting_is_told_in_json_where_programs_read_the_log(
    folder: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = typed(folder, "run", WEB__PORT=taken.getsockname()[1], LOG__FORMAT="json")

    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert done.returncode == 1
    assert lines[-1]["level"] == "critical"
    assert "127.0.0.1" in lines[-1]["message"]


def ordered(folder: Path, *words: str) -> str:
    """What an order says; `words` begin behind `visionbot admin`."""
    done = typed(folder, "admin", *words, "--language", "en")
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


class TestWithAnEngine:
    pytestmark = engine

    def test_ask_writes_the_answer_alone_to_standard_output(
        self, folder: Path, circle: Path
    ) -> None:
        done = typed(folder, "ask", "--photo", circle, "What colour is the circle?")

        assert (done.returncode, done.stderr) == (0, "")
        assert "red" in done.stdout.lower()

    def test_the_options_of_ask_reach_the_model(self, folder: Path, circle: Path) -> None:
        words = ["--photo", circle, "--max-tokens", "1", "--temperature", "0"]

        done = typed(folder, "ask", *words, "What colour is the circle?")

        assert done.returncode == 0
        assert len(done.stdout.split()) == 1

    def test_chat_talks_about_a_photo(self, folder: Path, circle: Path) -> None:
        keys = f"/photo {circle}\nWhat colour is the circle?\n/quit\n"

        done = typed(folder, "chat", "--language", "en", keys=keys)

        assert (done.returncode, done.stderr) == (0, "")
        assert "a red circle.png (280×280)" in done.stdout
        assert "red" in done.stdout.split("280×280", 1)[1].lower()

    def test_check_gives_each_part_a_line(self, folder: Path) -> None:
        done = typed(folder, "check", "--json")

        assert done.returncode == 0, done.stdout
        parts = {row["part"]: row for row in json.loads(done.stdout)}
        assert {row["state"] for row in parts.values()} == {"ok", "off"}
        assert parts["model"]["state"] == "ok"
        assert "红" in parts["model"]["detail"] or "red" in parts["model"]["detail"]

    def test_run_says_what_is_on_and_off_refuses_a_second_one_and_ends_at_ctrl_c(
        self, folder: Path
    ) -> None:
        """One start for all of it; tests/e2e end theirs with SIGTERM."""
        with running(folder) as (program, printed):
            address = re.search(r"^Web page +(http://127\.0\.0\.1:\d+/)$", printed, re.MULTILINE)
            assert address is not None
            with urlopen(address[1], timeout=20) as page:  # though the browser still is open
                status = page.status
            second = typed(folder, "run", LOG__LEVEL="error")
            checked = typed(folder, "check", "--json")  # though lock and port are held
            told = ordered(folder, "reload")
            stats = ordered(folder, "stats")
            program.send_signal(signal.SIGINT)
            code = program.wait(60)

        assert checked.returncode == 0, checked.stdout
        assert "was told to read config.toml again" in told
        assert "here within 24 h" in stats
        assert status == 200
        assert (folder / "opened").read_text("utf-8").strip() == address[1]
        assert re.search(r"^Telegram +off, set VISIONBOT_TELEGRAM__TOKEN", printed, re.MULTILINE)
        assert "demo" in printed
        assert second.returncode == 1
        assert "visionbot: another visionbot" in one_line(second.stderr)
        assert code == 0
