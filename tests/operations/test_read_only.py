"""The program as its container runs it, without Docker: the variables of image and compose.yaml, a
network of its own, nobody special, HOME unset, and nothing writable but its volumes and /tmp, where
nothing may be executed."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.drawing import RED_CIRCLE
from tests.operations.images import health_program, variables_of_container

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[2]
PYTHON_HOME = Path(sys.base_prefix).resolve()
USER = 10001  # as in the image
SECRET = "0123456789abcdef" * 2
TOOLS = ("unshare", "nsenter", "setpriv")
# In namespaces of its own, so the machine itself stays as it is. The Python that runs the tests may
# lie in a folder that only root may enter: then it is shown again in an open one.
CONTAINER = r"""
set -eu
mount --make-rprivate /
"$PYTHON" -c "$LOOPBACK_UP"
mount -t tmpfs -o mode=0755 tmpfs /srv
mkdir /srv/python && mount --rbind "$PYTHON_HOME" /srv/python
if [ -n "$CLOSED" ]; then
  mount -t tmpfs -o mode=0755 tmpfs "$CLOSED"
  mkdir -p "$PYTHON_HOME" && mount --rbind /srv/python "$PYTHON_HOME"
fi
install -d -o "$OWNER" -g "$OWNER" -m 0700 /srv/data /srv/models
mkdir /srv/secrets
for name in access_code metrics_token; do printf %s "$SECRET" >"/srv/secrets/$name"; done
mount -t tmpfs -o mode=1777,noexec,nosuid,nodev,size=256m tmpfs /tmp
mount -o remount,bind,ro /
cd "$CODE"
for command in "admin keys create first" run; do
  [ "$command" = run ] && last=exec || last=
  $last setpriv --reuid "$OWNER" --regid "$OWNER" --clear-groups --no-new-privs \
    --inh-caps=-all --bounding-set=-all env -i "$@" "$PYTHON" -m bot $command
done
"""
# As `ip link set lo up` does, https://man7.org/linux/man-pages/man7/netdevice.7.html
LOOPBACK_UP = """
import fcntl, socket, struct
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
    fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
"""
GET = """
import json, sys
from urllib.request import Request, urlopen
address, token, body = sys.argv[1:]
headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
request = Request(address, data=body.encode() or None, headers=headers)
sys.stdout.write(urlopen(request, timeout=60).read().decode())
"""


@dataclass(frozen=True)
class Container:
    process: asyncio.subprocess.Process
    log: Path

    def written(self) -> str:
        return self.log.read_text("utf-8", "replace")

    @property
    def key(self) -> str:
        """Of the API, as it was shown when it was made."""
        return re.findall(r"^vb-\S+$", self.written(), re.MULTILINE)[0]

    def kernel(self, what: str) -> str:
        return Path(f"/proc/{self.process.pid}/{what}").read_text("utf-8")

    async def inside(self, program: str, *arguments: str) -> tuple[int, str]:
        """Exit code and output of a Python program in the container's network."""
        ran = await asyncio.create_subprocess_exec(
            *("nsenter", "--target", str(self.process.pid), "--net"),
            *(sys.executable, "-c", program, *arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        out, _ = await ran.communicate()
        return ran.returncode or 0, out.decode()


def closed_folder(place: Path) -> Path | None:
    """The highest folder above `place` that not everybody may enter."""
    above = [folder for folder in place.parents if not folder.stat().st_mode & 0o001]
    return above[-1] if above else None


def variables() -> list[str]:
    """With the volumes and secrets below /srv, the only place that can be made here."""
    places = {"/data": "/srv/data", "/models": "/srv/models", "/run/secrets": "/srv/secrets"}
    found = variables_of_container() | {"PATH": "/usr/bin:/bin"}
    found.pop("HOME")
    for old, new in places.items():
        found = {name: re.sub(f"^{old}\\b", new, value) for name, value in found.items()}
    return [f"{name}={value}" for name, value in found.items()]


def skip_where_impossible() -> None:
    if os.getuid() != 0 or not all(shutil.which(tool) for tool in TOOLS):
        how = f"a container by hand needs root and {', '.join(TOOLS)} of util-linux"
        if os.environ.get("CI") == "true":
            pytest.fail(how)
        pytest.skip(how)
    if subprocess.run(["unshare", "--mount", "--net", "true"], check=False, timeout=15).returncode:
        pytest.skip("here not even root may make namespaces, and nothing that is installed helps")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def container(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Container]:
    skip_where_impossible()
    log = tmp_path_factory.mktemp("container") / "log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *("unshare", "--mount", "--net", "sh", "-c", CONTAINER, "sh", *variables()),
            env={
                "PATH": os.environ["PATH"],
                "PYTHON": sys.executable,
                "PYTHON_HOME": str(PYTHON_HOME),
                "CLOSED": str(closed_folder(PYTHON_HOME) or ""),
                "CODE": str(ROOT),
                "OWNER": str(USER),
                "SECRET": SECRET,
                "LOOPBACK_UP": LOOPBACK_UP,
            },
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    container = Container(process, log)
    try:
        async with asyncio.timeout(120):
            await well(container)
        yield container
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def well(container: Container) -> None:
    """Until Docker would call it healthy."""
    while container.process.returncode is None:
        code, _ = await container.inside(health_program())
        if code == 0:
            return
        await asyncio.sleep(0.2)
    pytest.fail(f"the program ended\n{container.written()}")


async def test_it_has_no_rights_and_answers_about_a_photo(container: Container) -> None:
    status = dict(
        line.split(":\t", 1) for line in container.kernel("status").splitlines() if "\t" in line
    )
    picture = {"url": f"data:image/jpeg;base64,{b64encode(RED_CIRCLE).decode()}"}
    content = [
        {"type": "image_url", "image_url": picture},
        {"type": "text", "text": "What colour is the circle?"},
    ]
    body = json.dumps({"model": "demo", "messages": [{"role": "user", "content": content}]})

    code, said = await container.inside(
        GET, "http://127.0.0.1:8080/v1/chat/completions", container.key, body
    )

    assert code == 0
    assert "red" in json.loads(said)["choices"][0]["message"]["content"].lower()
    assert status["Uid"].split() == [str(USER)] * 4
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0
    assert status["NoNewPrivs"].strip() == "1"


async def test_its_numbers_are_for_who_has_the_token(container: Container) -> None:
    known, numbers = await container.inside(GET, "http://127.0.0.1:8080/metrics", SECRET, "")
    unknown, _ = await container.inside(GET, "http://127.0.0.1:8080/metrics", "wrong", "")

    assert known == 0
    assert "visionbot_" in numbers
    assert unknown != 0


async def test_nothing_else_than_its_volumes_can_be_written(container: Container) -> None:
    lines = [line.split() for line in container.kernel("mounts").splitlines()]

    options = {place: set(given.split(",")) for _, place, _, given, *_ in lines}
    assert "ro" in options["/"]
    assert {"rw", "noexec", "nosuid", "nodev"} <= options["/tmp"]


async def test_it_ends_in_order(container: Container) -> None:
    container.process.send_signal(signal.SIGTERM)

    async with asyncio.timeout(30):
        code = await container.process.wait()

    assert code == 0, container.written()
