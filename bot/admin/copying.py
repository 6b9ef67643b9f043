"""What `visionbot admin backup`, `verify` and `restore` do."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import typer

from bot.admin.typed import FAILED, Complaint, carried_out
from bot.config import Settings
from bot.event import Event
from bot.storage.backup import MADE_AT, back_up, made_at
from bot.storage.db import Database
from bot.storage.errors import BackupDamaged, DatabaseDamaged, NoBackup, NoDatabase
from bot.storage.holding import lock_folder
from bot.storage.journal import finish
from bot.storage.outbox import Letter
from bot.storage.restoring import Lost, Restored, compare, prepare, replace
from bot.storage.verifying import (
    Expected,
    Tell,
    Verified,
    verify_backup,
    verify_database,
    verify_folder,
)
from bot.texts import Key, Language, language_for, say

_MORE_THAN_ALLOWED = 1  # the attempt at which it is seen that there were enough


def backup(folder: Path, config: Path | None, language: Language | None) -> int:
    def work(settings: Settings, speaks: Language) -> str:
        on_server, data = bool(settings.storage.url), settings.storage.data_dir
        copied = back_up(data, folder, settings.storage.photos, on_server=on_server)
        mb = f"{copied.bytes / 2**20:.1f}"
        if on_server:
            return say("backed_up_but_server", speaks, files=copied.files, mb=mb, folder=folder)
        return say("machine_backed_up", speaks, files=copied.files, mb=mb, folder=folder)

    return carried_out(config, language, work)


def verify(folder: Path | None, config: Path | None, language: Language | None) -> int:
    """None: what the program works on, which may go on meanwhile."""

    def work(settings: Settings, speaks: Language) -> str:
        found = _verified(settings, folder, speaks)
        said = "\n".join(_lines(settings, found, folder, speaks))
        if not found.is_sound:
            typer.echo(said)
            raise Complaint(say("verify_unsound", speaks), FAILED)
        return said

    return carried_out(config, language, work)


def restore(folder: Path, config: Path | None, language: Language | None, *, sure: bool) -> int:
    def work(settings: Settings, speaks: Language) -> str:
        if settings.storage.url:
            photos = settings.storage.photos
            raise Complaint(say("restore_on_server", speaks, photos=photos), FAILED)
        with lock_folder(settings.storage.data_dir):
            if finish(settings.storage.data_dir):
                return say("restore_finished", speaks)
            return _restore(settings, folder, speaks, sure=sure)

    return carried_out(config, language, work)


def _restore(settings: Settings, folder: Path, speaks: Language, *, sure: bool) -> str:
    if not _verified(settings, folder, speaks).is_sound:
        raise Complaint(say("restore_unsound", speaks, folder=folder), FAILED)
    data, at = settings.storage.data_dir, made_at(folder)
    lost = "\n".join(_loss(compare(data, at), data, at, speaks))
    if not (sure or _is_wanted(f"{lost}\n{say('restore_sure', speaks, folder=folder, data=data)}")):
        raise Complaint(f"{lost} {say('restore_not', speaks)}", FAILED)
    told_late = partial(_told_late, at=at, default=settings.answers.default_language)
    external = None if settings.storage.photos == data / "photos" else settings.storage.photos
    restored = asyncio.run(prepare(data, folder, told_late, time.time(), external))
    replace(data, restored)
    return "\n".join([lost, *_done(restored, data, at, speaks)])


def _verified(settings: Settings, folder: Path | None, speaks: Language) -> Verified:
    storage, now = settings.storage, time.time()
    if folder is not None and (folder / MADE_AT).exists():
        now = made_at(folder)
    most = settings.line.max_attempts + _MORE_THAN_ALLOWED
    expected = Expected(now, settings.retention.photos_s, most)
    with progress(say("verify_photos", speaks)) as tell:
        is_own = not storage.url and folder in (None, storage.data_dir)
        if folder is not None and not is_own:
            return _verified_backup(folder, tell, expected)
        if not storage.url:
            return verify_folder(storage.data_dir, storage.photos, tell, expected)
        return asyncio.run(_on_server(settings, tell, expected))


def _verified_backup(folder: Path, tell: Tell, expected: Expected) -> Verified:
    try:
        return verify_backup(folder, tell, expected)
    except NoDatabase as error:
        raise NoBackup(folder, of_server=(folder / MADE_AT).exists()) from error
    except DatabaseDamaged as error:
        raise BackupDamaged(error.file, error.finding) from error


async def _on_server(settings: Settings, tell: Tell, expected: Expected) -> Verified:
    db = await Database.join(settings.storage.data_dir, settings.storage.url)
    try:
        return await verify_database(db, settings.storage.photos, tell, expected)
    finally:
        await db.close()


@contextmanager
def progress(label: str) -> Iterator[Tell]:
    """On a terminal; on standard error, so that what is printed can be kept."""
    if not sys.stderr.isatty():
        yield lambda _done, _all: None
        return
    with typer.progressbar(length=1, label=label, file=sys.stderr) as bar:

        def tell(done: int, whole: int) -> None:
            bar.length = whole
            bar.update(done - bar.pos)

        yield tell


def _lines(
    settings: Settings, found: Verified, folder: Path | None, speaks: Language
) -> Iterator[str]:
    where = folder or ("PostgreSQL" if settings.storage.url else settings.storage.data_dir)
    yield say("verify_head", speaks, where=where)
    if folder is not None and (folder / MADE_AT).exists():
        yield say("verify_of", speaks, when=_when(made_at(folder)))
    if found.behind:
        yield say("verify_behind", speaks)
    yield say("verify_rows", speaks, open=found.open, **found.counts)
    if found.newest_at is not None:
        yield say("verify_newest", speaks, when=_when(found.newest_at))
    if not found.broken_photos:
        yield say("verify_files", speaks, files=found.photos)
    if found.gone_photos:
        yield say("verify_gone", speaks, count=found.gone_photos)
    yield from _faults(found, speaks)
    if found.is_sound:
        yield say("verify_sound", speaks)


def _faults(found: Verified, speaks: Language) -> Iterator[str]:
    if some := found.changed_files:
        yield say("verify_changed", speaks, count=len(some), example=some[0])
    photos: tuple[tuple[Key, tuple[str, ...]], ...] = (
        ("verify_missing", found.missing_photos),
        ("verify_broken", found.broken_photos),
    )
    for key, some in photos:
        if some:
            yield say(key, speaks, count=len(some), example=f"photos/{some[0][:2]}/{some[0][2:]}")
    keys: dict[str, Key] = {
        "state_unknown": "verify_state_unknown",
        "end_without_time": "verify_end_without_time",
        "accepted_twice": "verify_accepted_twice",
        "tried_too_often": "verify_tried_too_often",
    }
    for rule, count in found.broken_rules.items():
        yield say(keys[rule], speaks, count=count)


def _loss(lost: Lost | None, data: Path, at: float, speaks: Language) -> Iterator[str]:
    if lost is None:
        there = data.exists() and any(data.glob("visionbot.db*"))
        yield say("restore_unreadable" if there else "restore_nothing_there", speaks, data=data)
        return
    if lost.questions or lost.people:
        yield say(
            "restore_loses",
            speaks,
            when=_when(at),
            questions=lost.questions,
            people=lost.people,
        )
    else:
        yield say("restore_loses_nothing", speaks, when=_when(at))
    if lost.keys_revoked:
        yield say("restore_revoked", speaks, keys=", ".join(lost.keys_revoked))


def _done(restored: Restored, data: Path, at: float, speaks: Language) -> Iterator[str]:
    yield say("restore_done", speaks, when=_when(at), data=data)
    if restored.aside:
        yield say("restore_aside", speaks, aside=data / restored.aside)
    if restored.ended or restored.letters:
        yield say("restore_open", speaks, ended=restored.ended, letters=restored.letters)
    yield say("restore_new_sign_in", speaks)


def _told_late(event: Event, *, at: float, default: Language) -> Letter:
    language = language_for(event, default)
    key = f"restored/{at:.3f}/{event.conversation.platform}/{event.conversation.chat}"
    return Letter(key, event.conversation, say("restored_letter", language, when=_when(at)))


def _when(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"


def _is_wanted(question: str) -> bool:
    """Where nobody can answer it is not."""
    return sys.stdin.isatty() and typer.confirm(f"{question}\n")
