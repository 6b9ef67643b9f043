"""The reading child: pixels come in, the text that is written on them goes out.

A job is width, height (4 bytes each), pixels. T text: JSON of [text, box, score] · F: it failed
"""

from __future__ import annotations

import json
import logging
import struct
import sys
import warnings
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from inference.child import confine, serve

_MEMORY_BYTES = 2560 << 20  # of addresses; for the largest picture 1.7 GB, of memory 1.15 GB
_SIDES = struct.Struct(">II")
_MIN_SCORE = 0.5
# It enlarges the short side to hundreds of pixels: narrow pictures get white beside them first.
_MIN_SIDE, _MAX_RATIO = 32, 2


def main() -> None:
    confine(_MEMORY_BYTES)
    logging.disable()
    warnings.simplefilter("ignore")
    read = _load()
    serve(sys.stdin.buffer, sys.stdout.buffer, partial(answer, read=read))


def answer(job: bytes, read: Callable[[Any], Any]) -> tuple[bytes, bytes]:
    """Any: rapidocr and what it gives have no types."""
    import numpy as np

    width, height = _SIDES.unpack_from(job)
    rgb = np.frombuffer(job, np.uint8, offset=_SIDES.size).reshape(height, width, 3)
    short = max(_MIN_SIDE, max(width, height) // _MAX_RATIO)
    room = [(0, max(0, short - height)), (0, max(0, short - width)), (0, 0)]
    bgr = np.pad(rgb[:, :, ::-1], room, constant_values=255)
    try:
        found = read(np.ascontiguousarray(bgr))
    except Exception:  # whatever the libraries raise over an odd picture
        return b"F", b""
    return b"T", json.dumps(_render(found), ensure_ascii=False).encode()


def _load() -> Callable[[Any], Any]:
    import cv2
    from rapidocr import RapidOCR

    cv2.setNumThreads(1)
    threads = dict.fromkeys(("intra_op_num_threads", "inter_op_num_threads"), 1)
    settings = {f"EngineConfig.onnxruntime.{name}": count for name, count in threads.items()}
    # NOTE: without paths it looks whether its models are there, and fetches them if not
    paths = {f"{part.title()}.model_path": _model(part) for part in ("det", "cls", "rec")}
    reader = RapidOCR(params={"Global.log_level": "critical"} | settings | paths)
    # NOTE: what one call says sticks for all later ones, so each call says everything
    return partial(
        reader,
        use_det=True,
        use_cls=True,
        use_rec=True,
        return_word_box=False,
        return_single_char_box=False,
        text_score=_MIN_SCORE,
        box_thresh=0.5,
        unclip_ratio=1.6,
    )


def _model(part: str) -> str:
    """The file of a model that came with the package."""
    spec = find_spec("rapidocr")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "models"
    (file,) = folder.glob(f"*_{part}_*.onnx")
    return str(file)


def _render(found: Any) -> list[tuple[str, list[float], float]]:
    if not found.txts:
        return []
    return [
        (text, [*map(float, (*box.min(axis=0), *box.max(axis=0)))], float(score))
        for text, box, score in zip(found.txts, found.boxes, found.scores, strict=True)
    ]


if __name__ == "__main__":
    main()
