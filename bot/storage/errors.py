"""What can go wrong with the store.

StorageError
├── AlreadyRunning  another program holds this data folder
├── DatabaseDamaged the file is no sound database; only a backup helps
├── SchemaTooNew    a later version of this program has changed the tables
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


class DatabaseDamaged(StorageError):
    def __init__(self, file: Path, finding: str) -> None:
        super().__init__(
            f"{file} is damaged ({finding}); restore it from a backup, "
            "or move it away to begin with an empty database"
        )


class SchemaTooNew(StorageError):
    def __init__(self, file: Path, revision: str) -> None:
        super().__init__(
            f"{file} has schema {revision!r}, which this version does not know; "
            "install the version of visionbot that wrote it, or restore a backup from before it"
        )


class EventUnreadable(StorageError):
    pass
