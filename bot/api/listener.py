"""Which program has a port, as far as Linux tells us."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_SOCKETS = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LISTENS = "0A"


def listener_of(port: int) -> tuple[int, str] | None:
    """Process and program that listen there; of other users' programs we are not told."""
    links = {f"socket:[{inode}]" for inode in _listening(port)}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it is not ours, or has just ended
            if any(os.readlink(file) in links for file in (process / "fd").iterdir()):  # noqa: PTH115
                return int(process.name), (process / "comm").read_text("utf-8").strip()
    return None


def _listening(port: int) -> list[str]:
    """https://docs.kernel.org/networking/proc_net_tcp.html"""
    lines = [
        line.split()
        for table in _SOCKETS
        if table.exists()
        for line in table.read_text("ascii").splitlines()[1:]
    ]
    return [
        fields[9]
        for fields in lines
        if fields[3] == _LISTENS and int(fields[1].rpartition(":")[2], 16) == port
    ]
