"""The commands and examples of the documentation are run, against the running program.

A block marked `sh` is run here from its first line to its last; one marked `shell` is only shown,
since it needs Docker, a card, root, or another machine. Both languages have the same blocks, see
test_docs_links.py, so that the English ones stand for both.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import ClientError, ClientSession

from tests.e2e.drawing import RED_CIRCLE
from tests.e2e.program import Program
from tests.test_docs_links import ROOT, RUN_HERE, blocks, in_chinese, read

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(180),  # torch is slow to load on a busy machine
]

START_S = 90.0
RUN_S = 120.0
ADDRESS = "http://127.0.0.1:8080"
OTHER_PORT = "8081"
NPM_PACKAGES = ROOT / ".node" / "node_modules"


@dataclass(frozen=True)
class Ground:
    """A folder with a photo, and the variables of the program that runs."""

    folder: Path
    environment: dict[str, str]
    url: str

    async def run(self, *command: str) -> str:
        """What it prints; a command that fails fails the test."""
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=self.folder,
            env=self.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(RUN_S):
                said, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        assert process.returncode == 0, said.decode()
        return said.decode()

    def here(self, example: str) -> str:
        """With the addresses of this run."""
        example = example.replace(ADDRESS, self.url)
        return re.sub(rf"\b{OTHER_PORT}\b", str(_free_port()), example)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ground(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ground]:
    folder = tmp_path_factory.mktemp("docs")
    (folder / "photo.jpg").write_bytes(RED_CIRCLE)
    port = _free_port()
    # an order in the documents limits guests, such as those who need no key
    program = Program(folder, WEB__PORT=port, ACCESS__OWNERS='["api:local"]')
    clean = {k: v for k, v in os.environ.items() if not k.startswith("VISIONBOT_")}
    environment = clean | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "VISIONBOT_STORAGE__DATA_DIR": str(folder / "data"),
        "VISIONBOT_WEB__PORT": str(port),
        # so that a second program, which a command needs, does not load the model once more
        "VISIONBOT_ENGINE__KIND": "remote",
        "VISIONBOT_ENGINE__BASE_URL": f"{program.url}/v1",
    }
    await program.start()
    try:
        await _ready(program)
        yield Ground(folder, environment, program.url)
    finally:
        await program.stop()
        await program.clean_up()


async def _ready(program: Program) -> None:
    async with asyncio.timeout(START_S), ClientSession() as client:
        while program.is_running():
            with suppress(ClientError):
                async with client.get(f"{program.url}/readyz") as response:
                    if response.status == 200:
                        return
            await asyncio.sleep(0.1)  # another process
    pytest.fail(program.output()[-4000:])


@pytest.mark.parametrize("name", RUN_HERE)
async def test_the_commands_of_a_document_do_what_they_should(ground: Ground, name: str) -> None:
    script = "set -euo pipefail\n" + "".join(blocks(read(name), "sh"))

    await ground.run("bash", "-c", ground.here(script))


async def test_the_python_examples_get_their_answers(ground: Ground) -> None:
    example = ground.here("".join(blocks(read("docs/api.md"), "python")))

    said = await ground.run(sys.executable, "-c", example)

    assert said.startswith("It is red.\nIt is red.")
    assert '\npaint {"colour": "red"}\n{"colour": "red"}\n' in said
    assert said.endswith("It is red.\n")


@pytest.mark.parametrize("name", ["README.md", in_chinese("README.md")])
async def test_the_example_of_the_readme_gets_its_answer(ground: Ground, name: str) -> None:
    (example,) = blocks(read(name), "python")

    assert (await ground.run(sys.executable, "-c", ground.here(example))).startswith("Hello!")


async def test_the_javascript_example_gets_its_answer(ground: Ground) -> None:
    if shutil.which("node") is None or not (NPM_PACKAGES / "openai").exists():
        how = "node or its package openai is missing: make node"
        if os.environ.get("CI") == "true":
            pytest.fail(how)
        pytest.skip(how)
    (example,) = blocks(read("docs/api.md"), "js")
    (ground.folder / "node_modules").symlink_to(NPM_PACKAGES)
    (ground.folder / "example.mjs").write_text(ground.here(example), "utf-8")

    assert await ground.run("node", "example.mjs") == "It is red.\n"


@pytest.mark.parametrize("name", ["docs/operations.md", in_chinese("docs/operations.md")])
async def test_the_metrics_named_are_those_of_the_program(ground: Ground, name: str) -> None:
    table = re.findall(r"^\| [^|`]+ \| (`\w+`.*) \|$", read(name), re.MULTILINE)
    named = set(re.findall(r"`([a-z_]+)`", " ".join(table))) - {"too_fast"}

    told = await ground.run("curl", "-s", f"{ground.url}/metrics")

    scraped = set(re.findall(r"^# TYPE visionbot_(\w+) ", told, re.MULTILINE))
    assert scraped - named == set()
    assert {one for one in named - scraped if not one.startswith("gpu_")} == set()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
