from __future__ import annotations

from collections.abc import Callable
from functools import partial
from io import BytesIO

from PIL import Image

from inference.child import serve
from inference.images.child import answer
from inference.images.limits import Limits

Encode = Callable[..., bytes]


def framed(*photos: bytes) -> BytesIO:
    return BytesIO(b"".join((1 + len(photo)).to_bytes(8, "big") + b"P" + photo for photo in photos))


def kinds(answers: BytesIO) -> list[bytes]:
    answers.seek(0)
    found = []
    while kind := answers.read(1):
        found.append(kind)
        answers.read(int.from_bytes(answers.read(8), "big"))
    return found


def test_it_says_ready_and_then_one_answer_for_each_photo(limits: Limits, encode: Encode) -> None:
    answers = BytesIO()
    photos = framed(encode(Image.new("RGB", (40, 40))), b"", b"no photo")

    serve(photos, answers, partial(answer, limits=limits))

    assert kinds(answers) == [b"R", b"P", b"F", b"F"]


def test_it_ends_when_the_parent_died_within_a_length(limits: Limits) -> None:
    answers = BytesIO()

    serve(BytesIO(b"\0\0\0"), answers, partial(answer, limits=limits))

    assert kinds(answers) == [b"R"]
