"""How much memory this program takes, its children with it: the engine and the photo decoders."""

from __future__ import annotations

import os
from pathlib import Path

_PROC = Path("/proc")


def resident_bytes(process: int | None = None) -> int:
    """0 where the system has no /proc. Pages that parent and child share count twice."""
    own = _PROC / str(process or os.getpid())
    try:
        pages = int((own / "statm").read_text("ascii").split()[1])
        children = (own / "task" / own.name / "children").read_text("ascii").split()
    except (OSError, IndexError, ValueError):  # it has just ended
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(resident_bytes(int(one)) for one in children)
