"""Photos are files named by their content: whole or not there."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from pathlib import Path

import pytest

from bot.storage.photos import Photos

PUT_WITHOUT_ROOM = """
import asyncio, resource, sys
from pathlib import Path
from bot.storage.photos import Photos
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
try:
    asyncio.run(Photos(Path(sys.argv[1])).put(bytes(10_000)))
except OSError as error:
    print(error.strerror)
"""
DATA = b"not really a photo" * 1000
DIGEST = hashlib.sha256(DATA).hexdigest()


def files(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]


async def test_a_photo_comes_back_under_the_digest_of_its_bytes(tmp_path: Path):
    photos = Photos(tmp_path / "photos")

    assert await photos.put(DATA) == DIGEST
    assert await photos.get(DIGEST) == DATA


async def test_it_is_there_for_the_next_run(tmp_path: Path):
    await Photos(tmp_path / "photos").put(DATA)

    assert await Photos(tmp_path / "photos").get(DIGEST) == DATA


async def test_the_same_bytes_are_stored_once_even_at_once(tmp_path: Path):
    photos = Photos(tmp_path)

    digests = await asyncio.gather(*(photos.put(DATA) for _ in range(20)))

    assert set(digests) == {DIGEST}
    assert files(tmp_path) == [f"{DIGEST[:2]}/{DIGEST[2:]}"]


async def test_different_bytes_have_different_files(tmp_path: Path):
    photos = Photos(tmp_path)

    digests = await asyncio.gather(*(photos.put(bytes([n])) for n in range(50)))

    assert [await photos.get(digest) for digest in digests] == [bytes([n]) for n in range(50)]


async def test_a_photo_nobody_put_is_not_found(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        await Photos(tmp_path).get(DIGEST)


@pytest.mark.parametrize(
    "name", ["", "../secret", "/etc/passwd", "tmp", DIGEST + "/../x", "A" * 64]
)
async def test_a_name_that_is_no_digest_reaches_no_file(tmp_path: Path, name: str):
    (tmp_path / "secret").write_bytes(b"secret")

    with pytest.raises(FileNotFoundError):
        await Photos(tmp_path / "photos").get(name)


async def test_what_a_killed_program_was_writing_is_swept_and_never_seen(tmp_path: Path):
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp" / "half").write_bytes(DATA[:100])
    photos = Photos(tmp_path)

    await photos.put(DATA)

    assert files(tmp_path) == [f"{DIGEST[:2]}/{DIGEST[2:]}"]


async def test_a_photo_that_cannot_be_written_leaves_nothing(tmp_path: Path):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PUT_WITHOUT_ROOM, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    told, _ = await process.communicate()

    assert told.split() == [b"File", b"too", b"large"]
    assert files(tmp_path) == []
