"""Debian's nginx on free ports with our template, in front of any address. Missing it skips these
tests loudly; in CI it fails them."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "docker" / "nginx" / "visionbot.conf.template"
FROM = "127.0.0.2"  # where nginx comes from, so that the bot can tell it from others here
_PLACES = os.pathsep.join(
    [os.environ.get("PATH", ""), "/usr/sbin", str(ROOT / ".nginx" / "usr" / "sbin")]
)
_VARIABLE = r"\$\{([A-Z0-9_]+)\}"
# What the nginx image has around the template.
_AROUND = """
daemon off;
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    proxy_bind {come_from};
    proxy_ignore_headers X-Accel-Buffering;  # by which the bot helps against other configurations
    include {folder}/visionbot.conf;
}}
"""


def nginx() -> str:
    found = shutil.which("nginx", path=_PLACES)
    if found is None:
        how = "nginx is missing: make nginx"
        if os.environ.get("CI") == "true":
            pytest.fail(how)
        pytest.skip(how)
    return found


def variables() -> set[str]:
    return set(re.findall(_VARIABLE, _configuration()))


def _configuration() -> str:
    lines = TEMPLATE.read_text("utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("#"))


@dataclass(frozen=True)
class Proxy:
    folder: Path
    http: str
    https: str
    tls: ssl.SSLContext

    @property
    def file(self) -> Path:
        return self.folder / "nginx.conf"


def write(folder: Path, upstream: str) -> Proxy:
    """The files of one nginx, with a certificate of its own."""
    certificate, key = folder / "tls_certificate", folder / "tls_key"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    where = ["-nodes", "-days", "1", "-keyout", key, "-out", certificate, "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*made, *where, *names], check=True, capture_output=True, timeout=15)
    ports = _free_ports()
    values = {
        "DOMAIN": "localhost",
        "UPSTREAM": upstream,
        "HTTP_PORT": f"127.0.0.1:{ports[0]}",
        "HTTPS_PORT": f"127.0.0.1:{ports[1]}",
        "HTTP2": "http2 on;" if _version() >= (1, 25, 1) else "",
        "TLS_CERTIFICATE": str(certificate),
        "TLS_KEY": str(key),
        "NGINX_LOCAL_RESOLVERS": "127.0.0.1",
    }
    assert set(values) == variables()
    text = re.sub(_VARIABLE, lambda found: values[found[1]], _configuration())
    (folder / "visionbot.conf").write_text(text, "utf-8")
    user = "user root;" if os.getuid() == 0 else ""  # its workers cannot enter our folders else
    around = _AROUND.format(folder=folder, user=user, come_from=FROM)
    (folder / "nginx.conf").write_text(around, "utf-8")
    tls = ssl.create_default_context(cafile=str(certificate))
    return Proxy(folder, f"http://127.0.0.1:{ports[0]}", f"https://127.0.0.1:{ports[1]}", tls)


@asynccontextmanager
async def proxying(folder: Path, upstream: str) -> AsyncIterator[Proxy]:
    """`upstream`: host and port."""
    proxy = write(folder, upstream)
    process = await asyncio.create_subprocess_exec(
        nginx(),
        "-e",
        str(folder / "start.log"),
        "-c",
        str(proxy.file),
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(15):
            await _listening(proxy, process)
        yield proxy
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def _listening(proxy: Proxy, process: asyncio.subprocess.Process) -> None:
    port = int(proxy.https.rpartition(":")[2])
    while process.returncode is None:
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.sleep(0.02)
    assert process.stderr is not None
    pytest.fail((await process.stderr.read()).decode())


def _version() -> tuple[int, ...]:
    told = subprocess.run([nginx(), "-v"], capture_output=True, text=True, timeout=15, check=True)
    (numbers,) = re.findall(r"nginx/([\d.]+)", told.stderr)
    return tuple(int(number) for number in numbers.split("."))


def _free_ports() -> list[int]:
    with socket.socket() as one, socket.socket() as other:
        for probe in (one, other):
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in (one, other)]
