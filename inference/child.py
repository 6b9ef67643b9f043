"""The child's end of the pipe: jobs come in on stdin, answers go out on stdout, one by one.

    in    length (8 bytes), job
    out   kind (1 byte), length (8 bytes), body
          R ready, empty · what else there is, the child and its parent agree upon

It imports nothing heavy, so that a killed child is replaced quickly.
"""

from __future__ import annotations

import resource
from collections.abc import Callable
from typing import BinaryIO


def confine(memory_bytes: int) -> None:
    """This process for the rest of its life."""
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold what somebody sent


def serve(
    jobs: BinaryIO, answers: BinaryIO, answer: Callable[[bytes], tuple[bytes, bytes]]
) -> None:
    """Until `jobs` ends; a parent that died ends it too. `answer` gives kind and body."""
    _put(answers, b"R", b"")
    while len(head := jobs.read(8)) == 8:
        job = jobs.read(int.from_bytes(head, "big"))
        _put(answers, *answer(job))


def _put(answers: BinaryIO, kind: bytes, body: bytes) -> None:
    answers.write(kind + len(body).to_bytes(8, "big"))
    answers.write(body)
    answers.flush()
