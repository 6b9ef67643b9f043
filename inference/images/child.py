"""The decoding child: photos come in on stdin, pictures or refusals go out on stdout, one by one.

    in    length (8 bytes), photo
    out   kind (1 byte), length (8 bytes), body
          R ready, empty · P picture: width, height (4 bytes each), pixels · F refusal: JSON

It imports Pillow and nothing heavier, so that a killed one is replaced quickly.
"""

from __future__ import annotations

import json
import resource
import struct
import sys
from typing import BinaryIO

from inference.errors import BadPicture
from inference.images.fit import fit
from inference.images.limits import Limits

_MEMORY_BYTES = 768 << 20  # the worst photo within the limits needs about 430 MB


def main() -> None:
    limits = Limits(**json.loads(sys.argv[1]))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold somebody's photo
    serve(sys.stdin.buffer, sys.stdout.buffer, limits)


def serve(photos: BinaryIO, answers: BinaryIO, limits: Limits) -> None:
    """Until `photos` ends; a parent that died ends it too."""
    _put(answers, b"R", b"")
    while len(head := photos.read(8)) == 8:
        photo = photos.read(int.from_bytes(head, "big"))
        _put(answers, *_answer(photo, limits))


def _answer(photo: bytes, limits: Limits) -> tuple[bytes, bytes]:
    try:
        picture = fit(photo, limits)
    except BadPicture as fault:
        refusal = {"reason": fault.reason, "value": fault.value, "limit": fault.limit}
        return b"F", json.dumps(refusal).encode()
    return b"P", struct.pack(">II", picture.width, picture.height) + picture.rgb


def _put(answers: BinaryIO, kind: bytes, body: bytes) -> None:
    answers.write(kind + len(body).to_bytes(8, "big"))
    answers.write(body)
    answers.flush()


if __name__ == "__main__":
    main()
