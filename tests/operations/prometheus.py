"""Debian's Prometheus on a free port, reading one target every second. Missing it skips these
tests loudly; in CI it fails them."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docker" / "prometheus"
_PLACES = os.pathsep.join([os.environ.get("PATH", ""), str(ROOT / ".prometheus" / "usr" / "bin")])


def tool(name: str) -> str:
    found = shutil.which(name, path=_PLACES)
    if found is None:
        how = f"{name} is missing: make prometheus"
        if os.environ.get("CI") == "true":
            pytest.fail(how)
        pytest.skip(how)
    return found


def as_shipped(target: str, token_file: Path) -> dict[str, Any]:
    """prometheus.yml, with what depends on the place changed, and quicker."""
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text("utf-8"))
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = ["rules.yml"]
    (job,) = config["scrape_configs"]
    job["authorization"]["credentials_file"] = str(token_file)
    job["static_configs"] = [{"targets": [target]}]
    return config


@dataclass(frozen=True)
class Prometheus:
    url: str
    session: aiohttp.ClientSession

    async def query(self, expression: str) -> list[dict[str, Any]]:
        """Raises ValueError where it is none."""
        answer = await self._get("query", query=expression)
        if answer["status"] != "success":
            raise ValueError(answer["error"])
        return answer["data"]["result"]

    async def rules(self) -> list[dict[str, Any]]:
        groups = (await self._get("rules"))["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    async def until(self, holds: Callable[[], Awaitable[object]], *, within_s: float) -> None:
        """It can only be asked again and again."""
        async with asyncio.timeout(within_s):
            while not await holds():  # noqa: ASYNC110  # Prometheus tells nobody by itself
                await asyncio.sleep(0.25)

    async def _get(self, what: str, **parameters: str) -> Any:
        async with self.session.get(f"{self.url}/api/v1/{what}", params=parameters) as answer:
            return await answer.json()


@asynccontextmanager
async def prometheus(folder: Path, target: str, token_file: Path) -> AsyncIterator[Prometheus]:
    """From when it can be asked to its end."""
    program, port = tool("prometheus"), _free_port()
    shutil.copy(FOLDER / "rules.yml", folder)
    config = folder / "prometheus.yml"
    config.write_text(yaml.safe_dump(as_shipped(target, token_file)), "utf-8")
    with (folder / "prometheus.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            program,
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            stdout=log,
            stderr=log,
        )
    try:
        async with aiohttp.ClientSession() as session:
            asked = Prometheus(f"http://127.0.0.1:{port}", session)
            await asked.until(lambda: _is_ready(asked), within_s=60)
            yield asked
    finally:
        process.terminate()
        await process.wait()


async def _is_ready(asked: Prometheus) -> bool:
    try:
        async with asked.session.get(f"{asked.url}/-/ready") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
