"""The decoding child: photos come in, pictures or refusals go out.

in    P or K, then the photo: decode it, or make it fit to be kept
out   P picture: width, height (4 bytes each), notes (1 byte, a bit for each), pixels
      K the file to be kept · F refusal: JSON
"""

from __future__ import annotations

import json
import struct
import sys
from functools import partial
from typing import get_args

from inference.child import confine, serve
from inference.errors import BadPicture
from inference.images.bare import bare
from inference.images.fit import fit
from inference.images.limits import Limits
from inference.request import PictureNote

_MEMORY_BYTES = 768 << 20  # the worst photo within the limits needs about 430 MB


def main() -> None:
    limits = Limits(**json.loads(sys.argv[1]))
    confine(_MEMORY_BYTES)
    serve(sys.stdin.buffer, sys.stdout.buffer, partial(answer, limits=limits))


def answer(job: bytes, limits: Limits) -> tuple[bytes, bytes]:
    wish, photo = job[:1], job[1:]
    del job
    try:
        if wish == b"K":
            return b"K", bare(photo, limits)
        picture = fit(photo, limits)
    except BadPicture as fault:
        refusal = {"reason": fault.reason, "value": fault.value, "limit": fault.limit}
        return b"F", json.dumps(refusal).encode()
    notes = sum(1 << at for at, note in enumerate(get_args(PictureNote)) if note in picture.notes)
    return b"P", struct.pack(">IIB", picture.width, picture.height, notes) + picture.rgb


if __name__ == "__main__":
    main()
