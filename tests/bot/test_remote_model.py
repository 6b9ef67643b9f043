"""The whole program with its model behind an address."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image

from bot.checkup.check import check
from tests.inference.engine.model_server import ModelServer, recorded, refuses

pytestmark = pytest.mark.timeout(60)  # starts the program
KEY = "k3y-of-the-server"


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    server = ModelServer(key=KEY)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def config(server: ModelServer, tmp_path: Path) -> Path:
    file = tmp_path / "remote.toml"
    engine = f'[engine]\nkind = "remote"\nbase_url = "{server.url}"\nstart_timeout_s = 20.0\n'
    file.write_text(f'{engine}[storage]\ndata_dir = "{tmp_path}/data"\n', "utf-8")
    return file


async def typed(*words: str | Path, key: str = KEY) -> tuple[int | None, str, str]:
    """Exit code, standard output, standard error."""
    clean = {name: value for name, value in os.environ.items() if "VISIONBOT" not in name}
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        *map(str, words),
        env=clean | {"VISIONBOT_ENGINE__API_KEY": key},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await program.communicate()
    return program.returncode, out.decode(), err.decode()


async def test_a_photo_is_asked_about_and_the_answer_is_shown(
    server: ModelServer, config: Path, tmp_path: Path
) -> None:
    photo = tmp_path / "photo.png"
    Image.new("RGB", (120, 60), (200, 30, 30)).save(photo)
    server.replies.append(recorded("vllm_text"))

    code, out, err = await typed("ask", "--config", config, "--photo", photo, "有什么形状？")

    assert (code, out, err) == (0, "圆形是红色的。\n", "")
    (body,) = server.bodies
    picture, question = body["messages"][-1]["content"]
    assert question["text"] == "有什么形状？"
    seen = base64.b64decode(picture["image_url"]["url"].partition(",")[2])
    with Image.open(io.BytesIO(seen)) as image:
        assert (image.size, image.getcolors()) == ((120, 60), [(7200, (200, 30, 30))])


async def test_a_key_that_the_server_refuses_ends_the_program_with_the_remedy(
    config: Path,
) -> None:
    code, out, err = await typed("ask", "--config", config, "hi", key="another")

    assert (code, out) == (1, "")
    assert re.fullmatch(r"visionbot: http\S+ answered 401; .*VISIONBOT_ENGINE__API_KEY.*\n", err)
    assert "another" not in err


async def test_the_checkup_asks_the_server(
    server: ModelServer, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISIONBOT_ENGINE__API_KEY", KEY)
    lines: list[str] = []

    works = await check(config, "en", lines.append, as_json=True)

    (model,) = (row for row in json.loads(lines[0]) if row["part"] == "model")
    assert works
    assert model["state"] == "ok"
    assert model["detail"].startswith(f"the model at {server.url}, ready after ")
    assert model["detail"].endswith("says of a red picture: hello world")


async def test_the_checkup_tells_what_the_server_has_against_it(
    server: ModelServer, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISIONBOT_ENGINE__API_KEY", KEY)
    server.replies.append(refuses(500))
    lines: list[str] = []

    works = await check(config, "en", lines.append, as_json=True)

    assert not works
    problems = {
        row["part"]: row["detail"] for row in json.loads(lines[0]) if row["state"] == "problem"
    }
    assert problems == {"model": "the server answered 500"}
