from __future__ import annotations

import asyncio
import os
import resource
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from PIL import Image

from inference.errors import BadPicture
from inference.images.decode import Decoder, PicturesSection

Encode = Callable[..., bytes]


@pytest.fixture
async def decoder() -> AsyncIterator[Decoder]:
    decoder = Decoder(PicturesSection(timeout_s=20.0))
    yield decoder
    await decoder.close()


@pytest.fixture
async def hasty() -> AsyncIterator[Decoder]:
    decoder = Decoder(PicturesSection(timeout_s=0.1), children=1)
    yield decoder
    await decoder.close()


@pytest.fixture
def slow_photo(encode: Encode) -> bytes:
    """Within every limit, and yet more work than a tenth of a second allows."""
    noise = Image.effect_noise((3000, 3000), 90).resize((6000, 6000)).convert("RGB")
    return encode(noise, quality=85, progressive=True)


def children() -> set[int]:
    """The processes below this one that are running."""
    tasks = Path("/proc/self/task").glob("*/children")
    return {int(child) for task in tasks for child in task.read_text().split()}


def environment(process: int) -> bytes:
    return Path(f"/proc/{process}/environ").read_bytes()


async def test_a_photo_becomes_a_picture(decoder: Decoder, encode: Encode) -> None:
    picture = await decoder.decode(encode(Image.new("RGB", (2000, 1000), (0, 200, 0)), "PNG"))

    assert (picture.width, picture.height) == (1024, 512)
    assert picture.rgb == bytes((0, 200, 0)) * (1024 * 512)


async def test_a_refusal_crosses_the_pipe_with_its_numbers(
    decoder: Decoder, encode: Encode
) -> None:
    with pytest.raises(BadPicture) as caught:
        await decoder.decode(encode(Image.new("RGB", (20, 40))))

    assert (caught.value.reason, caught.value.value, caught.value.limit) == ("too_small", 20, 28)


async def test_no_child_runs_before_the_first_photo(encode: Encode) -> None:
    before = children()
    decoder = Decoder(PicturesSection())

    assert children() == before
    await decoder.close()


async def test_bytes_that_are_too_many_start_no_child() -> None:
    before = children()
    decoder = Decoder(PicturesSection(max_file_mb=1))

    with pytest.raises(BadPicture) as caught:
        await decoder.decode(bytes((1 << 20) + 1))

    assert caught.value.reason == "too_large"
    assert children() == before


async def test_one_child_serves_one_photo_after_another(decoder: Decoder, encode: Encode) -> None:
    before = children()
    photo = encode(Image.new("RGB", (64, 64)))

    await decoder.decode(photo)
    first = children() - before
    await decoder.decode(photo)

    assert len(first) == 1
    assert children() - before == first


async def test_at_most_two_children_work_at_once(decoder: Decoder, encode: Encode) -> None:
    before = children()
    photo = encode(Image.new("RGB", (64, 64)))

    pictures = await asyncio.gather(*(decoder.decode(photo) for _ in range(8)))

    assert len(pictures) == 8
    assert len(children() - before) <= 2


@pytest.mark.row(51)
async def test_a_photo_that_takes_too_long_is_refused_and_the_next_one_works(
    hasty: Decoder, slow_photo: bytes, encode: Encode
) -> None:
    before = children()
    with pytest.raises(BadPicture) as caught:
        await hasty.decode(slow_photo)

    assert (caught.value.reason, caught.value.limit) == ("timeout", 0.1)
    assert children() == before
    assert (await hasty.decode(encode(Image.new("RGB", (64, 64))))).width == 64


async def test_a_killed_child_is_replaced(decoder: Decoder, encode: Encode) -> None:
    before = children()
    photo = encode(Image.new("RGB", (64, 64)))
    await decoder.decode(photo)
    (child,) = children() - before

    os.kill(child, signal.SIGKILL)

    assert (await decoder.decode(photo)).width == 64


async def test_a_cancelled_decode_leaves_no_child(slow_photo: bytes) -> None:
    before = children()
    decoder = Decoder(PicturesSection(timeout_s=60.0))
    task = asyncio.create_task(decoder.decode(slow_photo))
    while children() == before:  # noqa: ASYNC110  nobody tells us of a started process
        await asyncio.sleep(0)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert children() == before
    await decoder.close()


async def test_close_ends_the_children(encode: Encode) -> None:
    before = children()
    decoder = Decoder(PicturesSection())
    await decoder.decode(encode(Image.new("RGB", (64, 64))))

    await decoder.close()

    assert children() == before


async def test_a_child_is_replaced_after_its_share_of_photos(
    decoder: Decoder, encode: Encode
) -> None:
    before = children()
    photo = encode(Image.new("RGB", (32, 32)))
    await decoder.decode(photo)
    first = children() - before

    for _ in range(200):
        await decoder.decode(photo)

    assert len(children() - before) == 1
    assert children() - before != first


@pytest.mark.row(51)
async def test_the_child_knows_no_secret_and_may_take_little_memory(
    decoder: Decoder, encode: Encode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISIONBOT_TELEGRAM__TOKEN", "123456:a-secret")
    before = children()
    await decoder.decode(encode(Image.new("RGB", (64, 64))))
    (child,) = children() - before

    assert b"a-secret" not in environment(child)
    assert resource.prlimit(child, resource.RLIMIT_AS)[0] == 768 << 20


async def test_the_worst_photo_within_the_limits_fits_into_the_childs_memory(
    decoder: Decoder, png: Encode
) -> None:
    picture = await decoder.decode(png(6320, 6320, colour=6))

    assert (picture.width, picture.height) == (1024, 1024)


@pytest.mark.row(51)
async def test_this_process_stays_small_while_a_huge_photo_is_refused(
    decoder: Decoder, png: Encode
) -> None:
    bomb = png(9000, 9000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(BadPicture) as caught:
        await decoder.decode(bomb)

    assert caught.value.reason == "too_many_pixels"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10  # kB
