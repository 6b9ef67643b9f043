"""The decoding child: photos come in, pictures or refusals go out.

P picture: width, height (4 bytes each), pixels · F refusal: JSON
"""

from __future__ import annotations

import json
import struct
import sys
from functools import partial

from inference.child import confine, serve
from inference.errors import BadPicture
from inference.images.fit import fit
from inference.images.limits import Limits

_MEMORY_BYTES = 768 << 20  # the worst photo within the limits needs about 430 MB


def main() -> None:
    limits = Limits(**json.loads(sys.argv[1]))
    confine(_MEMORY_BYTES)
    serve(sys.stdin.buffer, sys.stdout.buffer, partial(answer, limits=limits))


def answer(photo: bytes, limits: Limits) -> tuple[bytes, bytes]:
    try:
        picture = fit(photo, limits)
    except BadPicture as fault:
        refusal = {"reason": fault.reason, "value": fault.value, "limit": fault.limit}
        return b"F", json.dumps(refusal).encode()
    return b"P", struct.pack(">II", picture.width, picture.height) + picture.rgb


if __name__ == "__main__":
    main()
