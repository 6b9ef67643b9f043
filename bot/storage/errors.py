"""What can go wrong with the store.

StorageError
├── AlreadyRunning  another program holds this data folder
├── NoDatabase      there is nothing yet that a second program could work on
├── DatabaseDamaged the file is no sound database; only a backup helps
├── SchemaTooOld    an earlier version of this program has made the tables
├── SchemaTooNew    a later version of this program has changed the tables
├── Taken           there is something already where a backup should go
├── WithinItself    a backup should go into the very folder that it copies
└── EventUnreadable what stands in a row is no event
"""

from __future__ import annotations

from pathlib import Path


class StorageError(Exception):
    """The root; nothing raises it itself."""


class AlreadyRunning(StorageError):
    def __init__(self, lock: Path, holder: str) -> None:
        super().__init__(
            f"another visionbot (process {holder or 'unknown'}) holds {lock}; "
            "stop it, or give this one a [storage] data_dir of its own"
        )


class NoDatabase(StorageError):
    def __init__(self, file: Path) -> None:
        super().__init__(
            f"there is no {file}; check [storage] data_dir, or start visionbot once, which makes it"
        )


class DatabaseDamaged(StorageError):
    def __init__(self, file: Path, finding: str) -> None:
        super().__init__(
            f"{file} is damaged ({finding}); restore it from a backup, "
            "or move it away to begin with an empty database"
        )


class SchemaTooOld(StorageError):
    def __init__(self, file: Path) -> None:
        super().__init__(
            f"{file} was written by an earlier version; start visionbot once, which brings it up "
            "to date, and then repeat this"
        )


class SchemaTooNew(StorageError):
    def __init__(self, file: Path, revision: str) -> None:
        super().__init__(
            f"{file} has schema {revision!r}, which this version does not know; "
            "install the version of visionbot that wrote it, or restore a backup from before it"
        )


class Taken(StorageError):
    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} exists already; name a folder that does not")


class WithinItself(StorageError):
    def __init__(self, folder: Path, data_dir: Path) -> None:
        super().__init__(
            f"{folder} lies in the data folder {data_dir}, and would be copied into itself; "
            "name a folder outside of it, best on another disk"
        )


class EventUnreadable(StorageError):
    pass
