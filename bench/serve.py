"""The rival that a user would start instead: `transformers serve`, in an environment of its own.

`python -m bench.serve` installs it, which `serving` does too where it is missing. Its environment
borrows the packages of the running interpreter, torch above all, and adds what only it needs.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import venv
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import IO

import aiohttp

log = logging.getLogger(__name__)

_ROOT = Path(__file__).parents[1]
_BUILD = _ROOT / "build"
_FOLDER = _BUILD / "serve-venv"
_CONSTRAINTS = _ROOT / "constraints.txt"
_LAUNCHER = Path(__file__).with_name("serve_main.py")
_INSTALL_TIMEOUT_S = 600.0
_START_TIMEOUT_S = 120.0
_ASK_TIMEOUT_S = 2.0  # for one look at its health
_LOOK_EVERY_S = 0.2
_LOG_TAIL_BYTES = 3000


class ServeFailed(Exception):
    """The rival cannot be installed or started; the message holds the end of its log."""


@asynccontextmanager
async def serving(model: Path, *, port: int = 0, threads: int = 2) -> AsyncIterator[str]:
    """A running server of the checkpoint in `model`, in float32 on the CPU, by its base URL
    ("http://127.0.0.1:PORT", without /v1). Its name for the model is the folder's absolute path.
    Port 0: any free one. Installs it first if need be. Raises ServeFailed."""
    python = await asyncio.to_thread(install)
    port = port or _free_port()
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryFile() as output:
        process = await _spawn(_command(python, model, port), threads, output)
        try:
            await _wait_until_healthy(url, process, output)
            yield url
        finally:
            await _end(process)


def install(folder: Path = _FOLDER) -> Path:
    """Returns the interpreter that has it. Does nothing when it is there; of several that call it
    at the same time one installs. Raises ServeFailed."""
    python, stamp = folder / "bin" / "python", folder / "installed.txt"
    made_from = f"{sys.executable}\n{_CONSTRAINTS.read_text('utf-8')}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder.with_suffix(".lock")):
        if stamp.exists() and stamp.read_text("utf-8") == made_from:
            return python
        log.info("installing transformers serve into %s", folder)
        venv.create(folder, clear=True, with_pip=True)
        (own,) = folder.glob("lib/python*/site-packages")
        (own / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
        _pip(python, "transformers[serving]")
        _pip(python, "torchvision", "--no-deps")  # it would bring a torch with CUDA
        stamp.write_text(made_from, "utf-8")
    return python


def _pip(python: Path, *what: str) -> None:
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        subprocess.run(  # nosec B603  (a list, and no shell)
            [*command, "--constraint", str(_CONSTRAINTS), *what],
            check=True,
            capture_output=True,
            text=True,
            timeout=_INSTALL_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired as error:
        raise ServeFailed(f"pip install {what[0]} took over {_INSTALL_TIMEOUT_S:g} s") from error
    except subprocess.CalledProcessError as error:
        tail = error.stderr[-_LOG_TAIL_BYTES:]
        raise ServeFailed(f"pip install {what[0]} failed: {tail}") from error


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    with file.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _spawn(command: list[str], threads: int, output: IO[bytes]) -> Process:
    return await asyncio.create_subprocess_exec(
        *command,
        env=_environment(threads),
        stdin=DEVNULL,
        stdout=output,
        stderr=STDOUT,
        start_new_session=True,  # a group of its own, which can be ended as a whole
    )


def _command(python: Path, model: Path, port: int) -> list[str]:
    options = f"--host 127.0.0.1 --port {port} --device cpu --dtype float32 --reasoning off"
    return [str(python), str(_LAUNCHER), "serve", str(model.resolve()), *options.split()]


def _environment(threads: int) -> dict[str, str]:
    home = _BUILD / "serve-home"  # an empty hub cache: it lists what is there
    (home / "hub").mkdir(parents=True, exist_ok=True)
    return os.environ | {
        "HF_HOME": str(home),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": str(threads),
        "PYTHONUNBUFFERED": "1",
    }


async def _wait_until_healthy(url: str, process: Process, output: IO[bytes]) -> None:
    timeout = aiohttp.ClientTimeout(total=_ASK_TIMEOUT_S)
    try:
        async with asyncio.timeout(_START_TIMEOUT_S), aiohttp.ClientSession() as session:
            while process.returncode is None:
                with suppress(aiohttp.ClientError, TimeoutError):
                    async with session.get(f"{url}/health", timeout=timeout) as response:
                        if response.ok:
                            return
                await asyncio.sleep(_LOOK_EVERY_S)
    except TimeoutError as error:
        raise ServeFailed(f"no answer within {_START_TIMEOUT_S:g} s: {_tail(output)}") from error
    raise ServeFailed(f"transformers serve ended with code {process.returncode}: {_tail(output)}")


def _tail(output: IO[bytes]) -> str:
    output.seek(0, os.SEEK_END)
    output.seek(max(0, output.tell() - _LOG_TAIL_BYTES))
    return output.read().decode("utf-8", "replace")


async def _end(process: Process) -> None:
    """At once: it has nothing to save, and its graceful end waits for whoever is connected."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


if __name__ == "__main__":
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    install()
