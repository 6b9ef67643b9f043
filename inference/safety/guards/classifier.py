"""The classifying child: pixels come in, a score for each label of the model goes out.

A job is width, height (4 bytes each), pixels. S scores: JSON of label to score · F: this picture
failed · U: the model cannot be loaded, and why; then that is the answer to every job
"""

from __future__ import annotations

import json
import logging
import struct
import sys
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

from inference.child import confine, serve

_MEMORY_BYTES = 64 << 30  # of addresses, of which torch takes many; pictures come decoded
_SIDES = struct.Struct(">II")
_REASON_CHARACTERS = 300

# Any: what transformers loads has no types of its own


def main() -> None:
    order = json.loads(sys.argv[1])
    confine(_MEMORY_BYTES)
    logging.disable()
    warnings.simplefilter("ignore")
    answer: Callable[[bytes], tuple[bytes, bytes]]
    try:
        answer = partial(classify, *load(order["folder"], order["threads"]))
    except Exception as error:  # whatever the libraries raise over a folder of somebody's
        answer = partial(_unusable, f"{type(error).__name__}: {error}"[:_REASON_CHARACTERS])
    serve(sys.stdin.buffer, sys.stdout.buffer, answer)


def load(folder: str, threads: int) -> tuple[Any, Any]:
    """The processor of pictures and the model; nothing is fetched, no code of theirs is run."""
    import torch
    from transformers import AutoImageProcessor, AutoModelForImageClassification

    torch.set_num_threads(threads)
    processor = AutoImageProcessor.from_pretrained(  # type: ignore[no-untyped-call]  # theirs
        folder, backend="pil", local_files_only=True
    )
    model = AutoModelForImageClassification.from_pretrained(
        folder, use_safetensors=True, local_files_only=True
    )
    return processor, model.eval()


def classify(processor: Any, model: Any, job: bytes) -> tuple[bytes, bytes]:
    try:
        scores = score(processor, model, job)
    except Exception:  # whatever the libraries raise over an odd picture
        return b"F", b""
    return b"S", json.dumps(scores).encode()


def score(processor: Any, model: Any, job: bytes) -> dict[str, float]:
    """As the model's own pipeline: labels that exclude each other share one probability."""
    import torch
    from PIL import Image

    size = _SIDES.unpack_from(job)
    picture = Image.frombytes("RGB", size, job[_SIDES.size :])
    with torch.inference_mode():
        logits = model(**processor(images=picture, return_tensors="pt")).logits[0].float()
    alone = model.config.problem_type == "multi_label_classification" or len(logits) == 1
    shares = logits.sigmoid() if alone else logits.softmax(-1)
    return {model.config.id2label[index]: share for index, share in enumerate(shares.tolist())}


def _unusable(reason: str, job: bytes) -> tuple[bytes, bytes]:
    return b"U", reason.encode()


if __name__ == "__main__":
    main()
