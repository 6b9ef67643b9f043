"""How a picture looks, in 256 bits that hardly change when it is shrunk or saved anew.

It says whether pictures look alike, never whether they are the same: forms filled in differently
may have the very same bits. So no answer is ever found by it.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inference.request import Picture

_SIDE = 64  # the picture is looked at in so many rows and columns
_WAVES = 16  # the lowest in each direction: 256 in all
_NOISE = 40.0  # of 255 * 64 * 64; plain areas have such waves when they are saved with losses


def likeness_of(picture: Picture) -> bytes:
    """Of the brightness, since colours change more when a picture is saved anew. Each bit tells
    whether a wave of the picture is clearly stronger than its median one."""
    image = Image.frombytes("RGB", (picture.width, picture.height), picture.rgb).convert("L")
    small = np.asarray(image.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS), np.float64)
    waves = _cosines() @ small @ _cosines().T  # (_WAVES, _WAVES)
    return np.packbits(waves > np.median(waves) + _NOISE).tobytes()


@cache
def _cosines() -> NDArray[np.float64]:
    """The first rows of a discrete cosine transform (DCT-II)."""
    wave, place = np.arange(_WAVES)[:, None], np.arange(_SIDE)[None, :]
    return np.cos(np.pi * wave * (2 * place + 1) / (2 * _SIDE))
