"""A PostgreSQL server for tests, in a folder of its own, with a fresh database for each test."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import asyncpg
from pydantic import SecretStr

from bot.storage.db import Database

OLDEST = 15
PASSWORD = "let-me-in"  # over TCP; the socket in the folder asks for none
HOW = f"PostgreSQL {OLDEST} or newer is missing: make postgres"

_UNPACKED = Path(__file__).parent.parent / ".postgres"
_TEMPLATE = "made_ready"
_PATIENCE_S = 30.0
# Sorted as people do, which is not how SQLite does it: no statement may depend on that.
_SORTED = ("--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US")
_INITDB = (*_SORTED, "--no-sync", "--auth-local=trust", "--auth-host=scram-sha-256")
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "autovacuum": "off",
    "jit": "off",
    "listen_addresses": "127.0.0.1",
    "log_min_messages": "fatal",
}


def programs() -> Path | None:
    """The folder with `postgres` and `initdb`; None: there is none, or it is too old."""
    found = [Path(path).parent for path in (shutil.which("initdb"),) if path]
    for folder in (Path("/usr/lib/postgresql"), _UNPACKED / "usr/lib/postgresql"):
        found += sorted(folder.glob("*/bin"), reverse=True)
    return next((one for one in found if _is_new_enough(one)), None)


class Cluster:
    """A server; `with` starts and stops it. As root it runs as somebody else, as it demands."""

    def __init__(self, programs: Path) -> None:
        self.programs = programs
        self._user = _other_user() if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="pg"))  # a socket's path is a short one
        self.port = _free_port()
        self._numbers = itertools.count(1)
        self._has_template = False
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        if self._user is not None:
            shutil.chown(self.folder, self._user)
        secret = self.folder / "password"
        secret.write_text(PASSWORD, "utf-8")
        if self._user is not None:
            shutil.chown(secret, self._user)
        self._run("initdb", "--pgdata=data", "--username=visionbot", "--pwfile=password", *_INITDB)
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        settings = {
            **_SETTINGS,
            "port": str(self.port),
            "unix_socket_directories": self.folder,
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        log = (self.folder / "log").open("ab")
        with log:
            self._server = subprocess.Popen(
                [self.programs / "postgres", "-D", "data", *options],
                cwd=self.folder, stdout=log, stderr=log, **self._as_user(),
            )  # fmt: skip
        deadline = time.monotonic() + _PATIENCE_S
        while not self._answers():
            if self._server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.folder / "log").read_text("utf-8", "replace")[-2000:])
            time.sleep(0.05)

    def _answers(self) -> bool:
        done = subprocess.run(
            self._psql("SELECT 1"),
            env=_environment(self.programs),
            capture_output=True,
            check=False,
        )
        return done.returncode == 0

    def stop(self, *, at_once: bool = True) -> None:
        """At once: as `pg_ctl stop -m immediate`, what a crash is to those who are connected."""
        if self._server is not None:
            self._server.send_signal(signal.SIGQUIT if at_once else signal.SIGINT)
            self._server.wait(_PATIENCE_S)
            self._server = None

    def url(self, database: str = "postgres", *, user: str = "visionbot") -> SecretStr:
        return SecretStr(
            f"postgresql://{user}@/{database}?host={self.folder}&port={self.port}",
        )

    def tcp_url(
        self, database: str = "postgres", *, password: str = PASSWORD, port: int | None = None
    ) -> SecretStr:
        where = f"127.0.0.1:{port or self.port}"
        return SecretStr(f"postgresql://visionbot:{password}@{where}/{database}")

    def sql(self, statement: str, database: str = "postgres") -> str:
        """What psql prints."""
        done = subprocess.run(
            self._psql(statement, database),
            env=_environment(self.programs), capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout.strip()

    async def fresh(self, *, migrated: bool = True) -> str:
        """The name of a database that nobody has used."""
        name = f"t{next(self._numbers)}"
        if migrated and not self._has_template:
            await self._execute(f"CREATE DATABASE {_TEMPLATE}")
            db = await Database.open(self.folder / "home", self.url(_TEMPLATE))
            await db.close()
            self._has_template = True
        template = f" TEMPLATE {_TEMPLATE}" if migrated else ""
        await self._execute(f"CREATE DATABASE {name}{template}")
        return name

    async def drop(self, name: str) -> None:
        await self._execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self.url().get_secret_value())
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    def _psql(self, statement: str, database: str = "postgres") -> list[str]:
        return [
            str(self.programs / "psql"), "-X", "-A", "-t", "-q", "-U", "visionbot",
            "-h", str(self.folder), "-p", str(self.port), "-d", database, "-c", statement,
        ]  # fmt: skip

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self.programs / program, *arguments],
            cwd=self.folder, check=True, capture_output=True, timeout=60, **self._as_user(),
        )  # fmt: skip

    def _as_user(self) -> dict[str, object]:
        environment = {"env": _environment(self.programs)}
        if self._user is None:
            return environment
        entry = pwd.getpwnam(self._user)
        user = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        return {**environment, **user}


def _is_new_enough(folder: Path) -> bool:
    needed = [folder / name for name in ("postgres", "initdb", "psql")]
    if not all(one.exists() for one in needed):
        return False
    done = subprocess.run(
        [needed[0], "--version"],
        env=_environment(folder), capture_output=True, text=True, check=False,
    )  # fmt: skip
    version = done.stdout.split()[2:3]
    return done.returncode == 0 and bool(version) and int(version[0].split(".")[0]) >= OLDEST


def _environment(bin_: Path) -> dict[str, str]:
    """One that was unpacked brings its libraries."""
    if not bin_.is_relative_to(_UNPACKED):
        return dict(os.environ)
    folders = ":".join(map(str, (_UNPACKED / "usr/lib").glob("*-linux-gnu*")))
    return {**os.environ, "LD_LIBRARY_PATH": folders}


def _other_user() -> str:
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return "nobody"


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
